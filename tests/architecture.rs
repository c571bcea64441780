//! The sources keep to the table of modules in `docs/architecture.md`: who may use whom, and which crates have one home.

#![allow(clippy::unwrap_used, clippy::panic, reason = "these are tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Crates that only some modules may name. `http` has `axum` only in its tests, for a server to talk to.
const HOMES: [(&str, &[&str]); 6] = [
    ("kube", &["platform"]),
    ("ratatui", &["tui"]),
    ("crossterm", &["tui"]),
    ("axum", &["http", "sim"]),
    ("hyper", &["http", "harness"]),
    ("tui_logger", &["logs", "tui"]),
];

/// What decides, and so must know neither a runtime nor a clock.
const PURE: [&str; 8] = [
    "experiment",
    "plan",
    "report",
    "yaml",
    "engine/core",
    "engine/state",
    "engine/event",
    "engine/command",
];

const IMPURE: [&str; 5] = [
    "tokio",
    "tokio_util",
    "Instant::now",
    "SystemTime::now",
    "Timestamp::now",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A module's name → what it may use, as documented.
fn documented() -> BTreeMap<String, BTreeSet<String>> {
    let text = std::fs::read_to_string(root().join("docs/architecture.md")).unwrap();
    let table = text.split("| module | what it is | uses |").nth(1).unwrap();
    let code =
        |cell: &str| -> BTreeSet<String> { cell.split('`').skip(1).step_by(2).map(str::to_owned).collect() };
    table
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').collect();
            let name = code(cells[0]).pop_first().unwrap();
            (name, code(cells[cells.len() - 1]))
        })
        .collect()
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

/// Every file below `src` (but the two roots of the crate) as its path there without an ending, and its code.
fn files() -> Vec<(String, String)> {
    let folder = root().join("src");
    let mut paths = Vec::new();
    sources(&folder, &mut paths);
    paths
        .into_iter()
        .map(|path| {
            let name = path.strip_prefix(&folder).unwrap().with_extension("");
            let text = std::fs::read_to_string(&path).unwrap();
            let code: Vec<&str> = text
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"))
                .collect();
            (name.to_str().unwrap().to_owned(), code.join("\n"))
        })
        .filter(|(name, _)| name != "lib" && name != "main")
        .collect()
}

fn module_of(file: &str) -> &str {
    file.split('/').next().unwrap_or(file)
}

/// The names that follow `prefix` in `code`, also those of a list in braces.
fn names_after<'a>(code: &'a str, prefix: &str) -> Vec<&'a str> {
    let first_word = |text: &'a str| {
        let text = text.trim_start();
        let end = text
            .find(|c: char| !c.is_alphanumeric() && c != '_')
            .unwrap_or(text.len());
        &text[..end]
    };
    let mut names = Vec::new();
    for (at, _) in code.match_indices(prefix) {
        let rest = &code[at + prefix.len()..];
        match rest.strip_prefix('{') {
            Some(list) => names.extend(list.split('}').next().unwrap_or(list).split(',').map(first_word)),
            None => names.push(first_word(rest)),
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

/// Whether `code` names the crate or path `name`, and not a longer name that ends like it.
fn names(code: &str, name: &str) -> bool {
    code.match_indices(name).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let after = code[at + name.len()..].chars().next();
        let of_a_name = |c: char| c.is_alphanumeric() || c == '_';
        !before.is_some_and(|c| of_a_name(c) || c == '"') && !after.is_some_and(of_a_name)
    })
}

#[test]
fn modules_use_only_what_the_architecture_says() {
    let documented = documented();
    let mut used: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (file, code) in files() {
        let used = used.entry(module_of(&file).to_owned()).or_default();
        used.extend(
            names_after(&code, "crate::")
                .into_iter()
                .filter(|name| *name != module_of(&file))
                .map(str::to_owned),
        );
    }
    assert_eq!(
        documented, used,
        "left: docs/architecture.md, right: the `crate::` paths below src/"
    );
}

#[test]
fn the_architecture_has_no_cycle() {
    let mut left = documented();
    while !left.is_empty() {
        let free: Vec<String> = left
            .iter()
            .filter(|(_, uses)| uses.iter().all(|name| !left.contains_key(name)))
            .map(|(name, _)| name.clone())
            .collect();
        assert!(!free.is_empty(), "these use each other in a circle: {left:#?}");
        left.retain(|name, _| !free.contains(name));
    }
}

#[test]
fn crates_stay_where_they_belong() {
    let mut strays = Vec::new();
    for (file, code) in files() {
        for (name, homes) in HOMES {
            if !homes.contains(&module_of(&file)) && names(&code, name) {
                strays.push(format!("{file} names {name}"));
            }
        }
    }
    assert_eq!(strays, Vec::<String>::new());
}

#[test]
fn what_decides_knows_no_runtime_and_no_clock() {
    let mut strays = Vec::new();
    for (file, code) in files() {
        let pure = PURE
            .iter()
            .any(|pure| file == *pure || file.strip_prefix(pure).is_some_and(|rest| rest.starts_with('/')));
        // Tests may take the time of what they test.
        let is_test = file.split('/').any(|part| part == "tests");
        if pure && !is_test {
            let impure = IMPURE.iter().filter(|name| names(&code, name));
            strays.extend(impure.map(|name| format!("{file} names {name}")));
        }
    }
    assert_eq!(strays, Vec::<String>::new());
}

#[test]
fn the_reader_of_sources_finds_what_it_looks_for() {
    assert_eq!(
        names_after("use crate::a::B;\nuse crate::{c::D, e};\ncrate::f()", "crate::"),
        ["a", "c", "e", "f"]
    );
    assert!(names("use axum::Json;", "axum"));
    assert!(!names("my_axum::x; axums", "axum"));
}
