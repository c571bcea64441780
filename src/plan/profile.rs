//! Workload profiles: found by name in the folder of their harness, and filled in.

use super::base_dir::{BaseDir, Document};
use super::remark::Remark;
use crate::experiment::did_you_mean;
use regex::Regex;
use std::collections::BTreeMap;
use std::sync::LazyLock;

const FOLDER: &str = "workload/profiles";

/// Harness whose load generator is in this binary.
pub const BUILTIN: &str = "builtin";
/// Harnesses whose profiles the built-in load generator reads.
pub(super) const BUILTIN_READS: [&str; 3] = [BUILTIN, "vllm-benchmark", "inference-perf"];

/// A profile's template, as found.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Profile {
    /// Its name without suffixes: `random_concurrent`.
    pub(super) stem: String,
    /// The harness in whose folder it lies.
    pub(super) harness: String,
    /// The text, with placeholders.
    pub(super) template: Document,
}

/// Find the profile `name` (with or without `.yaml` and `.in`) for the load generator `harness`, first among those of
/// the harness `written_for`.
///
/// What the base dir does not have may come from the embedded one. The built-in load generator also takes the profiles
/// of the harnesses it can read.
pub(super) fn find(
    base_dir: &BaseDir,
    harness: &str,
    written_for: &str,
    name: &str,
) -> Result<Profile, Remark> {
    let stem = stem(name);
    let mut folders = vec![written_for];
    if harness == BUILTIN {
        folders.extend(BUILTIN_READS.iter().filter(|other| **other != written_for));
    }
    let mut roots = vec![base_dir.clone()];
    if *base_dir != BaseDir::Embedded {
        roots.push(BaseDir::Embedded);
    }
    for (root, folder) in roots
        .iter()
        .flat_map(|root| folders.iter().map(move |f| (root, f)))
    {
        for suffix in [".yaml.in", ".yaml"] {
            let template = root
                .read(&format!("{FOLDER}/{folder}/{stem}{suffix}"))
                .map_err(|error| Remark::error(error.to_string()))?;
            if let Some(template) = template {
                return Ok(Profile {
                    stem: stem.to_owned(),
                    harness: (*folder).to_owned(),
                    template,
                });
            }
        }
    }
    Err(missing(&roots, &folders, written_for, stem))
}

/// A profile's name without its suffixes.
fn stem(name: &str) -> &str {
    let name = name.strip_suffix(".in").unwrap_or(name);
    name.strip_suffix(".yaml")
        .or_else(|| name.strip_suffix(".yml"))
        .unwrap_or(name)
}

fn missing(roots: &[BaseDir], folders: &[&str], harness: &str, stem: &str) -> Remark {
    let mut there: Vec<String> = Vec::new();
    let mut harnesses: Vec<String> = Vec::new();
    for file in roots.iter().flat_map(|root| root.list(FOLDER)) {
        let Some((folder, file)) = file.split_once('/') else {
            continue;
        };
        if folders.contains(&folder) {
            there.push(self::stem(file).to_owned());
        }
        harnesses.push(folder.to_owned());
    }
    for names in [&mut there, &mut harnesses] {
        names.sort();
        names.dedup();
    }
    if there.is_empty() {
        let hint = hint(harness, &harnesses);
        let elsewhere = match roots {
            [BaseDir::Embedded] => "\n--base-dir takes profiles from a checkout of llm-d-benchmark",
            _ => "",
        };
        let there = harnesses.join(", ");
        return Remark::error(format!("there are no profiles for the harness {harness}"))
            .with_help(format!("{hint}harnesses with profiles: {there}{elsewhere}"));
    }
    let hint = hint(stem, &there);
    Remark::error(format!("the harness {harness} has no profile {stem}"))
        .with_help(format!("{hint}it has: {}", there.join(", ")))
}

fn hint(word: &str, names: &[String]) -> String {
    did_you_mean(word, names.iter().map(String::as_str)).map_or_else(String::new, |hint| format!("{hint}\n"))
}

static PLACEHOLDER: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"REPLACE_ENV_(\w+)").ok());

/// The text with its `REPLACE_ENV_<NAME>` filled in. Unknown and empty ones stay as they are, as in the reference.
pub(super) fn fill(text: &str, values: &BTreeMap<&str, String>) -> String {
    let Some(placeholder) = PLACEHOLDER.as_ref() else {
        return text.to_owned();
    };
    placeholder
        .replace_all(text, |captures: &regex::Captures<'_>| {
            let (whole, name) = (&captures[0], &captures[1]);
            match values.get(name) {
                Some(value) if !value.is_empty() => value.clone(),
                _ => whole.to_owned(),
            }
        })
        .into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_found_with_and_without_suffixes() {
        let base = BaseDir::embedded();
        for name in [
            "random_concurrent",
            "random_concurrent.yaml",
            "random_concurrent.yaml.in",
        ] {
            let profile = find(&base, "vllm-benchmark", "vllm-benchmark", name).unwrap();
            assert_eq!(profile.stem, "random_concurrent");
        }
        assert_eq!(
            find(&base, BUILTIN, BUILTIN, "random_concurrent")
                .unwrap()
                .harness,
            "vllm-benchmark",
            "the built-in load generator reads it too"
        );
        let sanity = |written_for: &str| {
            find(&base, BUILTIN, written_for, "sanity_random")
                .unwrap()
                .harness
        };
        assert_eq!(sanity("inference-perf"), "inference-perf");
        assert_eq!(sanity(BUILTIN), BUILTIN);
    }

    #[test]
    fn a_miss_says_what_there_is() {
        let base = BaseDir::embedded();
        let text = find(&base, "guidellm", "vllm-benchmark", "random_concurent")
            .unwrap_err()
            .render(false);
        assert!(text.contains("did you mean `random_concurrent`?"), "{text}");
        let text = find(&base, "vllm-benchmrk", "vllm-benchmrk", "x")
            .unwrap_err()
            .render(false);
        assert!(text.contains("did you mean `vllm-benchmark`?"), "{text}");
        assert!(find(&base, BUILTIN, "vllm-benchmark", "../../../secret").is_err());
    }

    #[test]
    fn placeholders_are_filled_where_there_is_a_value() {
        let values = BTreeMap::from([("A", "x".to_owned()), ("B", String::new())]);
        assert_eq!(
            fill("a: REPLACE_ENV_A\nb: REPLACE_ENV_B\nc: REPLACE_ENV_AB", &values),
            "a: x\nb: REPLACE_ENV_B\nc: REPLACE_ENV_AB"
        );
    }
}
