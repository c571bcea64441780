//! The linter as a user meets it: files in, designs and pictures of findings out.

use super::*;
use crate::diagnostic::{Severity, render};
use proptest::prelude::*;
use serde_json::json;
use std::fmt::Write as _;
use std::path::Path;

fn source(text: impl AsRef<[u8]>) -> Source {
    Source {
        name: "x.yaml".to_owned(),
        stem: "x".to_owned(),
        path: None,
        text: text.as_ref().to_vec(),
    }
}

fn linted(text: impl AsRef<[u8]>) -> Loaded {
    let loaded = load(&source(text));
    let errors = loaded.findings.iter().any(crate::diagnostic::Finding::is_error);
    assert_eq!(loaded.design.is_none(), errors, "{:?}", loaded.findings);
    loaded
}

fn picture(text: impl AsRef<[u8]>) -> String {
    render("x.yaml", text.as_ref(), &linted(&text).findings, false)
}

fn design(text: impl AsRef<[u8]>) -> Design {
    let loaded = linted(text);
    loaded.design.unwrap_or_else(|| panic!("{:?}", loaded.findings))
}

/// One line per treatment: its name, levels and overrides.
fn shown(design: &Design) -> String {
    let mut out = format!(
        "{:?} {:?} {:?}\n",
        design.dialect, design.experiment, design.policy
    );
    let mut line = |word: &str, name: &str, levels: &[Level], overrides: &[Override]| {
        let levels: Vec<String> = levels
            .iter()
            .map(|level| format!("{}={}", level.factor, level.value))
            .collect();
        writeln!(out, "{word} {name} [{}]", levels.join(" ")).unwrap();
        for item in overrides {
            let target = match &item.target {
                OverrideTarget::Path(path) => format_path(path),
                OverrideTarget::Known(path) => format!("!{}", format_path(path)),
                OverrideTarget::EveryKey(name) => format!("*{name}"),
            };
            writeln!(
                out,
                "    {target} = {}  ({}:{})",
                item.value, item.span.line, item.span.column
            )
            .unwrap();
        }
    };
    for setup in &design.setups {
        line("setup", &setup.name, &setup.levels, &setup.overrides);
    }
    for run in &design.runs {
        let name = match &run.profile {
            Some(profile) => format!("{} <{profile}>", run.name),
            None => run.name.clone(),
        };
        line("run", &name, &run.levels, &run.overrides);
    }
    out
}

#[test]
fn the_first_documentation_example_is_read_right() {
    let loaded = load(&find("disaggregated_vs_llmd", Path::new("/nowhere")).unwrap());
    assert_eq!(loaded.findings, []);
    let design = loaded.design.unwrap();
    assert_eq!((design.setups.len(), design.runs.len()), (8, 10));
    assert_eq!(design.dialect, Dialect::Factor);
    insta::assert_snapshot!(shown(&design));
}

#[test]
fn the_second_documentation_example_is_read_right() {
    let loaded = load(&find("precise-prefix-cache-aware", Path::new("/nowhere")).unwrap());
    let design = loaded.design.unwrap();
    assert_eq!((design.setups.len(), design.runs.len()), (3, 3));
    assert_eq!(loaded.findings.len(), 1, "{:?}", loaded.findings);
    assert_eq!(loaded.findings[0].severity, Severity::Warning);
    assert!(
        loaded.findings[0]
            .message
            .contains("`8000` is not among the levels of `system_prompt_len`")
    );
    insta::assert_snapshot!(shown(&design));
}

#[test]
fn every_built_in_experiment_loads() {
    for name in built_in() {
        let loaded = load(&find(&name, Path::new("/nowhere")).unwrap());
        assert!(loaded.design.is_some(), "{name}: {:?}", loaded.findings);
    }
}

#[test]
fn all_of_the_factor_dialect_acts() {
    let text = r#"
setup:
  constants:
    - LLMDBENCH_VLLM_COMMON_BLOCK_SIZE: 64
    - gateway.className: NA
  factors: [LLMDBENCH_DEPLOY_METHODS, LLMDBENCH_VLLM_COMMON_REPLICAS, LLMDBENCH_VLLM_MODELSERVICE_DECODE_REPLICAS, 'annotations.pod."k8s.io/x"', LLMDBENCH_LLMD_IMAGE_REGISTRY, LLMDBENCH_LLMD_IMAGE_REPO, LLMDBENCH_LLMD_IMAGE_NAME]
  treatments:
    split: "modelservice , 2,4, aREPLACE_COMMAb ,ghcr.io,llm-d,llm-d-cuda"
    plain-one: "standalone,2,NA,NA,NA,NA,NA"
run:
  constants: [{streaming: true}, {load.stages.0.rate: 5}]
  factors: [num_groups, data.len]
  levels: {num_groups: [40, 60], data.len: "1, 2,3"}
"#;
    insta::assert_snapshot!(shown(&design(text)));
}

#[test]
fn all_of_the_treatment_dialect_acts() {
    let text = r#"
experiment: {name: sizes, description: "two\nlines", harness: inference-perf, profile: p.yaml, datasetUrl: "http://x/y"}
design: {type: full_factorial, anything: [goes, {here: 1}]}
reset_caches: true
treatment_max_attempts: 3
treatment_stop_on_error: yes
validate_failures: true
setup:
  constants: {model.maxModelLen: 16000, decode.replicas: 1}
  treatments:
    - {name: a, decode.replicas: 2, decode: {parallelism: {tensor: 4}, "x.y": 1}}
    - {LLMDBENCH_VLLM_MODELSERVICE_PREFILL_REPLICAS: 3}
    - {name: base}
constants: {api.streaming: true, load.rate: 1}
treatments:
  - {name: g40, data.num_groups: 40, load.stages.0.rate: "5", profile: other.yaml}
  - {load.rate: 2, list: [1, 2], text: "1e3", flag: "Yes", none: null, quoted."a.b": 1}
"#;
    insta::assert_snapshot!(shown(&design(text)));
    let run_list = design("run:\n  - {name: a, x: 1}\n  - {x: 2}\n");
    assert_eq!(run_list.setups[0].name, "default");
    assert_eq!(
        run_list
            .runs
            .iter()
            .map(|run| run.name.as_str())
            .collect::<Vec<_>>(),
        ["a", "t1"]
    );
}

#[test]
fn a_section_that_is_absent_is_one_default_treatment() {
    let only_setup = design("setup: {treatments: [{name: a, decode.replicas: 1}]}\nconstants: {x: 1}\n");
    assert_eq!(
        (
            only_setup.runs[0].name.as_str(),
            only_setup.runs[0].overrides.len()
        ),
        ("default", 1)
    );
    let only_run = design("run: {factors: [x], treatments: ['1', '2']}\n");
    assert_eq!(
        (only_run.setups[0].name.as_str(), only_run.runs.len()),
        ("default", 2)
    );
    let constants =
        design("setup: {constants: [{decode.replicas: 2}]}\nrun: {factors: [x], treatments: [1]}\n");
    assert_eq!(
        (
            constants.setups[0].name.as_str(),
            constants.setups[0].overrides.len()
        ),
        ("default", 1)
    );
}

#[test]
fn equal_treatments_without_names_are_replicates() {
    let text = "run:\n  factors: [a, b]\n  treatments: ['1,2', '1, 2', '1,2', '3,4']\n";
    let names: Vec<String> = design(text).runs.into_iter().map(|run| run.name).collect();
    assert_eq!(names, ["run_1_2", "run_1_2_2", "run_1_2_3", "run_3_4"]);
    let text = "treatments:\n  - {a: 1}\n  - {a: 1}\n  - {name: t0_2, a: 1}\n";
    let names: Vec<String> = design(text).runs.into_iter().map(|run| run.name).collect();
    assert_eq!(names, ["t0", "t0_3", "t0_2"]);
    assert!(picture(text).contains("equal to the treatment in line 2; it runs as a replicate"));
}

/// Small files with one thing wrong, each with all that the linter says about it.
#[test]
fn what_is_wrong_is_shown_at_its_place() {
    let files: &[&str] = &[
        "",
        "just text\n",
        "setup:\nrun:\n",
        "experiment: {name: x}\n",
        "constants: {a: 1}\n",
        "run:\n  factors: [a, b]\n  treatments:\n    - \"1,2,3\"\n    - \"1\"\n    - \"\"\n    - 7\n    - [1, 2]\n",
        "setup:\n  factors:\n    - LLMDBENCH_VLLM_COMON_REPLICAS\n    - decode..replicas\n  treatments: ['1,2']\n",
        "run:\n  factors: [LLMDBENCH_DEPLOY_METHODS]\n  treatments: [a]\n",
        "run:\n  factors: [a, b, a, '', ~, [x]]\n  treatments: ['1,2,3,4,5,6']\n",
        "run:\n  factors: x\n  treatments: 5\n",
        "run:\n  factors: [load.rate, load.rate.max]\n  treatments: ['1,2', '1,NA', '3,4']\n",
        "run:\n  factors: [num_groups, data.num_groups]\n  treatments: ['1,2']\n",
        "treatments:\n  - name: a\n    load: 1\n    load.stages.0: 2\n  - name: a\n    x: 1\n  - name: ../b\n    profile: ../../etc/passwd\n  - {name: \"a\\u001bb\", profile: [1]}\n  - {name: [1], '': 3}\n  - 5\n",
        "run:\n  factors: [a]\n  treatments: {x-y: '1', x_y: '2', a/b: '3'}\n",
        "run:\n  factors: [a]\n",
        "run:\n  factors: [a]\n  treatments: []\n",
        "run:\n  factors: [a, b]\n  levels: {a: '1,2'}\n",
        "run:\n  factors: [a]\n  levels: {a: []}\n",
        "run:\n  treatments: ['1']\n",
        "treatments: []\n",
        "treatments:\n",
        "setup: {treatments: []}\ntreatments: [{a: 1}]\n",
        "setup: 5\ntreatments: {a: 1}\n",
        "run:\n  factors: [a, b]\n  levels: {a: '1,,1,1', b: {x: 1}, c: '1', B: '2'}\n  treatments: ['1,', '2,3', '4,1e3']\n",
        "run:\n  factors: [a]\n  constants: [{a: 1}, {b: 1}, {b: 2}, 5]\n  treatments: ['1']\n",
        "setup:\n  factors: [LLMDBENCH_DEPLOY_METHODS, LLMDBENCH_LLMD_IMAGE_NAME, LLMDBENCH_VLLM_COMMON_FQDN]\n  treatments: ['modelsrvice,x,NA', 'standalone,NA,a.b']\n",
        "setup:\n  factors: [LLMDBENCH_VLLM_MODELSERVICE_DECODE_REPLICAS, decode.replicas]\n  treatments: ['1,2']\n",
        "setup:\n  factors: [LLMDBENCH_IMAGE_NAME, LLMDBENCH_IMAGE_NAME, LLMDBENCH_IMAGE_REPO]\n  treatments: ['a,b,c']\n",
        "setup: {factors: [a], treatments: ['1']}\ntreatments: [{a: 1}]\n",
        "tretments: [{a: 1}]\nrun: [{b: 1}]\nexperiment: {nmae: x, harness: ../h, profile: /p, name: [1], description: \"\\e\"}\n",
        "treatment_max_attempts: 0\nreset_caches: maybe\nvalidate_failures: [1]\nexperiment: 5\nrun: [{b: 1}]\n",
        "setup:\n  treatments:\n    - {name: a, decode.replicas: ~, LLMDBENCH_DEPLOY_METHODS: [x]}\ntreatments: [{LLMDBENCH_X: 1, a: yes, b: 014}]\nrun: [{c: 1}]\n",
        "a: 1\na: 2\nrun:\n  factors: [a]\n  treatments: ['1,2']\n",
        "run:\n  factors: [a]\n  treatments: ['1'] # ok\n\tx: 1\n",
        "run: [{a: 1}]\n---\nrun: [{a: 2}]\n",
        "run: [{a: !secret x}]\n",
        "run:\n  factors: [größe, b]\n  levels: {größe: '漢字,x', b: '1'}\n  treatments:\n    - '漢字, 2'\n    - \"y\\u0301,1\"\n",
    ];
    let mut out = String::new();
    for file in files {
        let picture = picture(file);
        assert!(picture.contains(": "), "nothing is said about {file:?}");
        writeln!(out, "=== {file:?}\n{picture}").unwrap();
    }
    insta::assert_snapshot!(out);
}

#[test]
fn the_place_is_the_entry_inside_the_text() {
    let loaded = linted(
        "run:\n  factors: [a, b]\n  levels: {b: '1'}\n  treatments:\n    - \"x, 22\"\n    - 'y,33'\n    - z,44\n",
    );
    let places: Vec<_> = loaded
        .findings
        .iter()
        .map(|f| (f.span.line, f.span.column, f.span.width))
        .collect();
    assert_eq!(places, [(5, 11, 2), (6, 10, 2), (7, 9, 2)]);
}

#[test]
fn a_thousand_by_a_thousand_treatments_load() {
    let mut text = String::from(
        "setup:\n  factors: [LLMDBENCH_DEPLOY_METHODS, LLMDBENCH_VLLM_MODELSERVICE_DECODE_REPLICAS]\n  treatments:\n",
    );
    for number in 1..=1000 {
        writeln!(text, "    - \"modelservice,{number}\"").unwrap();
    }
    text.push_str("run:\n  factors: [max-concurrency, num-prompts]\n  treatments:\n");
    for number in 1..=1000 {
        writeln!(text, "    - \"{number},{}\"", number * 10).unwrap();
    }
    let design = design(&text);
    assert_eq!(design.setups.len() * design.runs.len(), 1_000_000);
    assert_eq!(design.runs[999].name, "run_1000_10000");
}

#[test]
fn a_design_beyond_the_limits_is_refused_before_it_is_made() {
    let level = |count: usize| (0..count).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
    let mut text = String::from("run:\n  factors: [a, b, c, d, e, f, g, h, i, j, k, l, m, n]\n  levels:\n");
    for factor in 'a'..='n' {
        writeln!(text, "    {factor}: \"{}\"", level(1000)).unwrap();
    }
    assert!(
        picture(&text).contains("more than can be counted treatments in `run`; at most 10000 are possible")
    );
    let text = format!(
        "run:\n  factors: [a, b]\n  levels: {{a: '{0}', b: '{0}'}}\n",
        level(101)
    );
    assert!(picture(&text).contains("10201 treatments in `run`; at most 10000 are possible"));
    let side = |count: usize| format!("{{factors: [a], levels: {{a: '{}'}}}}", level(count));
    let text = format!("setup: {}\nrun: {}\n", side(3000), side(3000));
    assert!(picture(&text).contains("the design has 9000000 cells; at most 4000000 are possible"));
}

#[test]
fn a_full_factorial_changes_its_last_factor_fastest() {
    let names: Vec<String> = design("run: {factors: [a, b], levels: {a: '1,2', b: [x, y, z]}}")
        .runs
        .into_iter()
        .map(|run| run.name)
        .collect();
    assert_eq!(
        names,
        ["run_1_x", "run_1_y", "run_1_z", "run_2_x", "run_2_y", "run_2_z"]
    );
}

#[test]
fn overrides_of_a_loaded_design_apply() {
    let design = design("run: {factors: [num_groups, load.stages.0.rate], treatments: ['40,5']}");
    let mut profile = json!({"data": {"num_groups": 1}, "load": {"stages": [{"rate": 1}]}});
    assert!(apply_overrides(&mut profile, &design.runs[0].overrides, "the profile").is_empty());
    assert_eq!(
        profile,
        json!({"data": {"num_groups": 40}, "load": {"stages": [{"rate": 5}]}})
    );
}

/// Words an experiment file is made of, in an order that chance gives.
fn file_like() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        Just("setup:\n"),
        Just("run:\n"),
        Just("  factors: [a, b]\n"),
        Just("  factors:\n    - LLMDBENCH_DEPLOY_METHODS\n"),
        Just("  levels: {a: '1,2', b: [3]}\n"),
        Just("  levels:\n    a: 1\n"),
        Just("  treatments:\n"),
        Just("    - \"1,2\"\n"),
        Just("    - standalone\n"),
        Just("    - {name: x, a.b: 1}\n"),
        Just("    x: '1,NA'\n"),
        Just("treatments:\n"),
        Just("  - name: y\n    a: 1\n    a.b: 2\n"),
        Just("constants: {a: 1}\n"),
        Just("  constants: [{a: 1}]\n"),
        Just("experiment: {name: e, profile: ../p}\n"),
        Just("treatment_max_attempts: 2\n"),
        Just("design: *x\n"),
        Just("  <<: &x {a: 1}\n"),
        Just("    - {LLMDBENCH_IMAGE_NAME: a, LLMDBENCH_IMAGE_REPO: b, LLMDBENCH_DEPLOY_METHODS: fma}\n"),
        Just("  factors: [LLMDBENCH_IMAGE_NAME, LLMDBENCH_IMAGE_NAME]\n"),
        Just("\t"),
        Just("---\n"),
        Just("漢: 1\n"),
        Just("    - ',,REPLACE_COMMA,'\n"),
        Just("    - [1, {a: b}]\n"),
        Just("'\n"),
    ];
    proptest::collection::vec(word, 0..14).prop_map(|words| words.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(800))]

    #[test]
    fn no_file_panics_and_every_finding_can_be_drawn(text in file_like()) {
        let _ = picture(&text);
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = picture(&bytes);
    }

    #[test]
    fn no_damage_to_a_real_file_panics(at in 0usize..2000, byte in any::<u8>(), cut in 0usize..2000) {
        let mut text = find("disaggregated_vs_llmd", Path::new("/nowhere")).unwrap().text;
        let places = text.len();
        text[at % places] = byte;
        let _ = picture(&text);
        text.drain(cut % places..);
        let _ = picture(&text);
    }

    #[test]
    fn names_of_a_design_are_unique_and_safe(treatments in proptest::collection::vec("[a-c/. ]{1,4}", 1..20)) {
        let mut text = String::from("run:\n  factors: [a]\n  treatments:\n");
        for treatment in treatments {
            writeln!(text, "    - \"x{treatment}\"").unwrap();
        }
        let runs = design(&text).runs;
        let names: std::collections::HashSet<_> = runs.iter().map(|run| run.name.clone()).collect();
        prop_assert_eq!(names.len(), runs.len());
        prop_assert!(names.iter().all(|name| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')));
    }
}
