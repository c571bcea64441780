//! Every spec of a checkout of llm-d-benchmark, planned here and compared with what it renders itself.
//!
//! Run with
//! `LLMDBENCH_REFERENCE_CHECKOUT=… LLMDBENCH_REFERENCE_RENDERED=… cargo test --test reference -- --ignored --nocapture`.
//! The first is a checkout at the commit that `docs/reference.md` names. The second has a folder per spec with what
//! `llmdbenchmark --spec SPEC --base-dir CHECKOUT -n plan -p ns1 -f` wrote to `plan/`: `config.yaml` and the numbered
//! files of each stack. All values and their types have to be equal; there is no list of exceptions.
//!
//! `command_lines` needs `LLMDBENCH_REFERENCE_COMMAND` instead of rendered files: the command `llmdbenchmark` of the
//! checkout, which is run for each command line (some minutes in all).

#![allow(clippy::unwrap_used, clippy::panic, reason = "these are tests")]

mod command_lines;

use llmdbenchmark::plan::{self, BaseDir, PlatformKind, RenderedStack, Request};
use llmdbenchmark::yaml;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Differences shown per spec.
const MOST_SHOWN: usize = 8;

/// What came of one spec.
#[derive(Default)]
struct Outcome {
    equal: usize,
    /// Of these, the files that are the same byte for byte.
    same_bytes: usize,
    /// File and difference.
    different: Vec<(String, String)>,
}

#[test]
#[ignore = "needs a checkout of llm-d-benchmark, and what it renders"]
fn every_spec_is_planned_as_llm_d_benchmark_plans_it() {
    let checkout = folder("LLMDBENCH_REFERENCE_CHECKOUT");
    let rendered = folder("LLMDBENCH_REFERENCE_RENDERED");
    let specs = plan::spec_names(&BaseDir::external(&checkout).unwrap());
    let mut table = format!(
        "{:<50} {:>6} {:>6} {:>9}\n",
        "spec", "equal", "listed", "different"
    );
    let mut shown = String::new();
    let mut failed = 0;
    for spec in &specs {
        let request = asked(&checkout, spec);
        let outcome = compare(&request, &rendered.join(spec));
        let count = outcome.different.len();
        writeln!(
            table,
            "{spec:<50} {:>5} {:>9} {count:>9}",
            outcome.equal, outcome.same_bytes
        )
        .unwrap();
        failed += usize::from(count > 0);
        for (file, difference) in outcome.different.iter().take(MOST_SHOWN) {
            writeln!(shown, "{spec}: {file}: {difference}").unwrap();
        }
    }
    let good = specs.len() - failed;
    println!("{table}{good} of {} specs agree\n{shown}", specs.len());
    assert!(!specs.is_empty());
    assert_eq!(failed, 0, "specs differ:\n{shown}");
}

/// The path that a variable of the environment gives.
fn folder(variable: &str) -> PathBuf {
    PathBuf::from(std::env::var_os(variable).unwrap_or_else(|| panic!("{variable} is not set")))
}

/// `-p ns1 -f` on a spec of the checkout.
fn asked(checkout: &Path, spec: &str) -> Request {
    let mut request = Request::without_experiment(spec);
    request.base_dir = Some(checkout.to_path_buf());
    request.namespace = Some("ns1".to_owned());
    request.monitoring = Some(true);
    request.platform = PlatformKind::Kubernetes;
    request
}

fn compare(request: &Request, theirs: &Path) -> Outcome {
    let mut outcome = Outcome::default();
    let stacks = plan::make(request).and_then(|plan| {
        let setups: Vec<_> = plan.setups.iter().collect();
        plan.render(&setups)
    });
    let stacks = match stacks {
        Ok(mut setups) => setups.remove(0).stacks,
        Err(error) => {
            outcome.different.push(("plan".to_owned(), error.to_string()));
            return outcome;
        }
    };
    let expected = folders(theirs);
    let names: BTreeSet<String> = stacks.iter().map(|stack| stack.name.clone()).collect();
    if expected != names {
        let difference = format!("stacks {names:?}, there {expected:?}");
        outcome.different.push(("plan".to_owned(), difference));
    }
    for stack in &stacks {
        stack_of(&mut outcome, stack, &theirs.join(&stack.name));
    }
    outcome
}

fn folders(path: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("config.yaml").is_file())
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect()
}

fn stack_of(outcome: &mut Outcome, stack: &RenderedStack, theirs: &Path) {
    let text = std::fs::read_to_string(theirs.join("config.yaml")).unwrap();
    let config = yaml::from_str(&text).unwrap();
    let mut found = Vec::new();
    differences(&stack.resolved.config, &config, "", &mut found);
    outcome.record(stack, "config.yaml", found);
    let mut missing: BTreeSet<String> = std::fs::read_dir(theirs)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.as_bytes()[0].is_ascii_digit() && name.strip_suffix(".yaml").is_some())
        .collect();
    for file in &stack.files {
        missing.remove(&file.name);
        let mut found = Vec::new();
        match std::fs::read_to_string(theirs.join(&file.name)) {
            Ok(text) if text == *file.text => outcome.same_bytes += 1,
            Ok(text) => documents_differ(&file.text, &text, &mut found),
            Err(error) => found.push(format!("there: {error}")),
        }
        outcome.record(stack, &file.name, found);
    }
    for file in missing {
        outcome.record(stack, &file, vec!["is only there".to_owned()]);
    }
}

impl Outcome {
    fn record(&mut self, stack: &RenderedStack, file: &str, found: Vec<String>) {
        self.equal += usize::from(found.is_empty());
        let place = format!("{}/{file}", stack.name);
        self.different
            .extend(found.into_iter().map(|difference| (place.clone(), difference)));
    }
}

fn documents_differ(ours: &str, theirs: &str, found: &mut Vec<String>) {
    let (ours, theirs) = (documents(ours), documents(theirs));
    if ours.len() != theirs.len() {
        let difference = format!("{} documents, there {}", ours.len(), theirs.len());
        return found.push(difference);
    }
    for (number, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
        differences(ours, theirs, &number.to_string(), found);
    }
}

/// The documents of a rendered file. No template puts `---` at the start of a line inside of a text.
fn documents(text: &str) -> Vec<Value> {
    let mut documents = vec![String::new()];
    for line in text.lines() {
        match line.strip_prefix("---") {
            Some(rest) if rest.trim().is_empty() => documents.push(String::new()),
            _ => writeln!(documents.last_mut().unwrap(), "{line}").unwrap(),
        }
    }
    let read =
        |text: &String| yaml::from_str(text).unwrap_or_else(|finding| panic!("{finding:?} in\n{text}"));
    let values = documents.iter().map(read);
    values.filter(|value| !value.is_null()).collect()
}

/// Values and their types; the order of keys does not matter.
fn differences(ours: &Value, theirs: &Value, path: &str, found: &mut Vec<String>) {
    let below = |key: &dyn std::fmt::Display| {
        if path.is_empty() {
            key.to_string()
        } else {
            format!("{path}.{key}")
        }
    };
    match (ours, theirs) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for key in keys {
                match (a.get(key), b.get(key)) {
                    (Some(ours), Some(theirs)) => differences(ours, theirs, &below(key), found),
                    (Some(ours), None) => found.push(format!("{}: {ours} is only here", below(key))),
                    (None, Some(theirs)) => found.push(format!("{}: {theirs} is only there", below(key))),
                    (None, None) => {}
                }
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (index, (ours, theirs)) in a.iter().zip(b).enumerate() {
                differences(ours, theirs, &below(&index), found);
            }
        }
        _ if ours == theirs => {}
        _ => found.push(format!("{path}: {ours}, there {theirs}")),
    }
}

#[test]
fn the_comparison_sees_types_and_not_the_order_of_keys() {
    let found = |ours: &str, theirs: &str| {
        let mut found = Vec::new();
        documents_differ(ours, theirs, &mut found);
        found
    };
    assert_eq!(found("a: 1\nb: [x]\n---\n", "---\nb:\n- x\na: 1\n"), [""; 0]);
    assert_eq!(
        found("a: {b: 1}\n", "a: {b: 1.0, c: null}\n"),
        ["0.a.b: 1, there 1.0", "0.a.c: null is only there"]
    );
    assert_eq!(found("a: 1\n", "a: 1\n---\nb: 1\n"), ["1 documents, there 2"]);
}
