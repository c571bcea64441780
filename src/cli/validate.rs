//! `validate FILE…`: the linter of experiment files, for people and for programs.

use super::exit;
use super::output::colored;
use crate::diagnostic::{Finding, MOST_LISTED, Severity, render};
use crate::experiment::{self, Design, Source};
use crate::text;
use crate::text::sanitize;
use serde::Serialize;
use std::io::{self, Write as _};
use std::path::Path;

/// Arguments of `validate`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Experiment files, looked up as --experiments does
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
    /// How findings are written: text for people, or one JSON object per file and line
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Text,
    Json,
}

/// What is said about one file.
#[derive(Debug, Serialize)]
struct Verdict<'a> {
    file: &'a str,
    /// Absent (null) where the file is refused.
    setup_treatments: Option<usize>,
    run_treatments: Option<usize>,
    cells: Option<usize>,
    #[serde(skip)]
    errors: usize,
    #[serde(skip)]
    warnings: usize,
    findings: &'a [Finding],
}

impl<'a> Verdict<'a> {
    fn new(file: &'a str, design: Option<&Design>, findings: &'a [Finding]) -> Self {
        let count = |severity| {
            findings
                .iter()
                .filter(|finding| finding.severity == severity)
                .count()
        };
        Self {
            file,
            setup_treatments: design.map(|design| design.setups.len()),
            run_treatments: design.map(|design| design.runs.len()),
            cells: design.map(|design| design.setups.len() * design.runs.len()),
            errors: count(Severity::Error),
            warnings: count(Severity::Warning),
            findings,
        }
    }

    fn summary(&self) -> String {
        let plural = |n: usize, word: &str| match n {
            1 => format!("1 {word}"),
            n if n > MOST_LISTED && matches!(word, "error" | "warning") => {
                format!("more than {MOST_LISTED} {word}s")
            }
            n => format!("{n} {word}s"),
        };
        let warnings = match self.warnings {
            0 => String::new(),
            n => format!(", {}", plural(n, "warning")),
        };
        let said = match (self.setup_treatments, self.run_treatments, self.cells) {
            (Some(setups), Some(runs), Some(cells)) => format!(
                "{} × {} = {}{warnings}",
                plural(setups, "setup treatment"),
                plural(runs, "run treatment"),
                plural(cells, "cell")
            ),
            _ => format!("refused: {}{warnings}", plural(self.errors, "error")),
        };
        format!("{}: {said}", sanitize(self.file))
    }
}

/// Check every file and print what there is to say.
pub(super) fn run(args: &Args) -> u8 {
    let color = colored(&io::stdout());
    let mut refused = false;
    for name in &args.files {
        let (text, errors) = checked(name, Path::new("."), args.format, color);
        refused |= errors;
        match io::stdout().write_all(text.as_bytes()) {
            Ok(()) => {}
            // A closed pipe (`| head`) ends the reading, and what was found so far still decides.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => break,
            Err(_) => return exit::ENVIRONMENT,
        }
    }
    if refused { exit::USAGE } else { exit::SUCCESS }
}

/// What is printed about one file, and whether it is refused.
fn checked(name: &str, cwd: &Path, format: Format, color: bool) -> (String, bool) {
    let (source, design, findings) = match experiment::find(name, cwd) {
        Ok(source) => {
            let loaded = experiment::load(&source);
            (Some(source), loaded.design, loaded.findings)
        }
        Err(error) => (None, None, vec![not_found(&error)]),
    };
    let shown = source.as_ref().map_or(name, |source| &source.name);
    let verdict = Verdict::new(shown, design.as_ref(), &findings);
    let text = match format {
        Format::Json => {
            // A verdict is made of texts and numbers: it is always JSON.
            let json = serde_json::to_string(&verdict).unwrap_or_default();
            format!("{}\n", text::escape_json(&json))
        }
        Format::Text => {
            let bytes: &[u8] = source.as_ref().map_or(&[], |Source { text, .. }| text);
            format!(
                "{}{}\n",
                render(shown, bytes, &findings, color),
                verdict.summary()
            )
        }
    };
    (text, verdict.errors > 0)
}

/// The error of a file that cannot be read, as a finding about that file: first line the message, the rest help.
fn not_found(error: &experiment::FindError) -> Finding {
    let text = error.to_string();
    let mut lines = text.lines().map(str::trim);
    let message = lines.next().unwrap_or_default().to_owned();
    let help = lines.collect::<Vec<_>>().join("; ");
    let finding = Finding::error(crate::diagnostic::Span::default(), message);
    if help.is_empty() {
        finding
    } else {
        finding.with_help(help)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(
            folder.path().join("good.yaml"),
            "run: {factors: [a], levels: {a: '1'}, treatments: ['1', '2']}\n",
        )
        .unwrap();
        std::fs::write(
            folder.path().join("bad.yaml"),
            "run: {factors: [a], treatments: ['1,2']}\n",
        )
        .unwrap();
        folder
    }

    fn json_of(name: &str) -> (Value, bool) {
        let (text, refused) = checked(name, folder().path(), Format::Json, false);
        assert_eq!(text.matches('\n').count(), 1);
        (serde_json::from_str(&text).unwrap(), refused)
    }

    #[test]
    fn a_file_with_warnings_passes() {
        let (verdict, refused) = json_of("good");
        assert!(!refused);
        assert_eq!(
            verdict,
            json!({
                "file": "good.yaml", "setup_treatments": 1, "run_treatments": 2, "cells": 2,
                "findings": [{
                    "severity": "warning", "line": 1, "column": 58, "width": 1,
                    "message": "`2` is not among the levels of `a`", "help": "the levels are 1"
                }]
            })
        );
        let (text, _) = checked("good", folder().path(), Format::Text, false);
        assert!(
            text.ends_with("good.yaml: 1 setup treatment × 2 run treatments = 2 cells, 1 warning\n"),
            "{text}"
        );
    }

    #[test]
    fn a_file_with_errors_and_a_missing_one_are_refused() {
        let (verdict, refused) = json_of("bad.yaml");
        assert!(refused);
        assert_eq!(verdict["cells"], Value::Null);
        assert_eq!(verdict["findings"][0]["severity"], "error");
        let (verdict, refused) = json_of("mssing");
        assert!(refused);
        assert_eq!(verdict["findings"][0]["message"], "no experiment file `mssing`");
        assert!(
            verdict["findings"][0]["help"]
                .as_str()
                .unwrap()
                .contains("tried: mssing, mssing.yaml")
        );
        let (text, _) = checked("bad", folder().path(), Format::Text, false);
        assert!(
            text.contains("--> bad.yaml:1:34\n") && text.ends_with("bad.yaml: refused: 1 error\n"),
            "{text}"
        );
    }
}
