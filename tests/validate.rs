//! `validate` as a user runs it: exit codes, and what goes to stdout.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::path::Path;
use std::process::{Command, Output};

fn validate(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_llmdbenchmark"))
        .arg("validate")
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn good_files_and_warnings_pass() {
    let folder = tempfile::tempdir().unwrap();
    let output = validate(
        folder.path(),
        &["disaggregated_vs_llmd", "precise-prefix-cache-aware"],
    );
    assert_eq!(output.status.code(), Some(0));
    let text = stdout(&output);
    assert!(
        text.contains("8 setup treatments × 10 run treatments = 80 cells\n"),
        "{text}"
    );
    assert!(
        text.contains("warning: `8000` is not among the levels of `system_prompt_len`"),
        "{text}"
    );
    assert!(
        text.contains("3 setup treatments × 3 run treatments = 9 cells, 1 warning\n"),
        "{text}"
    );
    assert!(output.stderr.is_empty());
}

#[test]
fn one_bad_file_among_good_ones_fails_and_json_has_a_line_for_each() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("bad.yaml"),
        "run:\n  factors: [a, b]\n  treatments:\n    - \"1\"\n",
    )
    .unwrap();
    std::fs::write(folder.path().join("bytes.yaml"), b"\xff\xfe\x00\x1b[31m").unwrap();
    let output = validate(
        folder.path(),
        &[
            "--format",
            "json",
            "disaggregated_vs_llmd",
            "bad.yaml",
            "bytes.yaml",
            "missing.yaml",
        ],
    );
    assert_eq!(output.status.code(), Some(2));
    let verdicts: Vec<serde_json::Value> = stdout(&output)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(verdicts.len(), 4);
    assert_eq!(verdicts[0]["cells"], 80);
    let finding = &verdicts[1]["findings"][0];
    assert_eq!((&finding["line"], &finding["column"]), (&4.into(), &7.into()));
    assert!(
        verdicts
            .iter()
            .skip(1)
            .all(|verdict| verdict["findings"][0]["severity"] == "error")
    );
    let plain = validate(folder.path(), &["bytes.yaml"]);
    assert!(!stdout(&plain).contains('\u{1b}'));
}

#[test]
fn a_call_without_files_is_a_usage_error() {
    let output = validate(Path::new("."), &[]);
    assert_eq!(output.status.code(), Some(2));
}
