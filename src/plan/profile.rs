//! Workload profiles: found by name in the folder of their harness, and filled in.

use super::base_dir::{BaseDir, Document, read_file};
use super::merge::get;
use super::remark::Remark;
use crate::experiment::did_you_mean;
use regex::Regex;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

const FOLDER: &str = "workload/profiles";

/// Harness whose load generator is in this binary.
pub const BUILTIN: &str = "builtin";
/// Harnesses whose profiles the built-in load generator reads.
pub(super) const BUILTIN_READS: [&str; 5] =
    [BUILTIN, "vllm-benchmark", "inference-perf", "guidellm", "aiperf"];
/// Where the harness puts a data set that it fetched from S3.
const FETCHED: &str = "/requests/datasets";

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

/// The profile that is a file of the user's own, where `name` is the path of one, relative to `cwd`. It counts as one of
/// the load generator `harness` that takes it.
pub(super) fn file(cwd: &Path, name: &str, harness: &str) -> Result<Option<Profile>, Remark> {
    let path = cwd.join(name);
    if !path.is_file() {
        return Ok(None);
    }
    let template =
        read_file(&path, path.display().to_string()).map_err(|error| Remark::error(error.to_string()))?;
    let own = path
        .file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    Ok(Some(Profile {
        stem: stem(&own).to_owned(),
        harness: harness.to_owned(),
        template,
    }))
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
    let message = if folders.len() > 1 {
        format!("the built-in load generator has no profile {stem}")
    } else {
        format!("the harness {harness} has no profile {stem}")
    };
    Remark::error(message).with_help(format!("{hint}it has: {}", there.join(", ")))
}

fn hint(word: &str, names: &[String]) -> String {
    did_you_mean(word, names.iter().map(String::as_str)).map_or_else(String::new, |hint| format!("{hint}\n"))
}

const DATASET_DIR: &str = "LLMDBENCH_RUN_DATASET_DIR";
const DATASET_FILE: &str = "LLMDBENCH_RUN_DATASET_FILE";

static PLACEHOLDER: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"REPLACE_ENV_(\w+)").ok());

/// What each placeholder stands for, by the reference's rules.
///
/// One that comes to nothing has no entry. The environment is not asked. A `dataset` (`-x`) is split at its last slash;
/// one that ends with a slash is a folder, whose file is the empty text.
pub(super) fn placeholders(
    config: &Value,
    endpoint: &str,
    dataset: Option<&str>,
) -> BTreeMap<&'static str, String> {
    let text = |path: &[&str]| match get(config, path) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    };
    let model = text(&["model", "name"]);
    let mut values = BTreeMap::from([
        ("LLMDBENCH_DEPLOY_CURRENT_MODEL", model.clone()),
        ("LLMDBENCH_DEPLOY_CURRENT_TOKENIZER", model),
        (
            "LLMDBENCH_DEPLOY_CURRENT_MAX_MODEL_LEN",
            text(&["model", "maxModelLen"]),
        ),
        ("LLMDBENCH_HARNESS_STACK_ENDPOINT_URL", endpoint.to_owned()),
        (DATASET_DIR, text(&["experiment", "datasetDir"])),
        (DATASET_FILE, text(&["experiment", "datasetFile"])),
    ]);
    let mut is_folder = false;
    if let Some(url) = dataset.filter(|url| !url.is_empty()) {
        let (folder, file) = url.rsplit_once('/').unwrap_or(("", url));
        is_folder = file.is_empty();
        let dir = if url.starts_with("s3://") {
            FETCHED
        } else if is_folder {
            url
        } else if folder.is_empty() && url.starts_with('/') {
            "/"
        } else {
            folder.trim_end_matches('/')
        };
        // A bare file name leaves the folder to the config.
        if !dir.is_empty() {
            values.insert(DATASET_DIR, dir.to_owned());
        }
        values.insert(DATASET_FILE, file.to_owned());
    }
    values.retain(|name, value| !value.is_empty() || (*name == DATASET_FILE && is_folder));
    values
}

/// The text with its `REPLACE_ENV_<NAME>` filled in. What `values` does not have stays as it is.
pub(super) fn fill(text: &str, values: &BTreeMap<&str, String>) -> String {
    let Some(placeholder) = PLACEHOLDER.as_ref() else {
        return text.to_owned();
    };
    placeholder
        .replace_all(text, |captures: &regex::Captures<'_>| {
            let (whole, name) = (&captures[0], &captures[1]);
            values.get(name).map_or(whole, String::as_str).to_owned()
        })
        .into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

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
    fn a_profile_of_ones_own_is_named_by_its_path() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("mine.yaml.in"), "num-prompts: 3").unwrap();
        let own = file(folder.path(), "mine.yaml.in", "vllm-benchmark")
            .unwrap()
            .unwrap();
        assert_eq!(
            (own.stem.as_str(), own.harness.as_str()),
            ("mine", "vllm-benchmark")
        );
        assert_eq!(
            file(folder.path(), "mine", BUILTIN).unwrap(),
            None,
            "a name is no path"
        );
        assert_eq!(file(folder.path(), ".", BUILTIN).unwrap(), None);
    }

    fn config() -> Value {
        json!({
            "model": {"name": "org/model", "maxModelLen": 16384},
            "experiment": {"datasetDir": "/data", "datasetFile": ""},
        })
    }

    #[test]
    fn each_of_the_six_placeholders_has_its_source() {
        let text = "REPLACE_ENV_LLMDBENCH_DEPLOY_CURRENT_MODEL REPLACE_ENV_LLMDBENCH_DEPLOY_CURRENT_TOKENIZER \
                    REPLACE_ENV_LLMDBENCH_DEPLOY_CURRENT_MAX_MODEL_LEN REPLACE_ENV_LLMDBENCH_HARNESS_STACK_ENDPOINT_URL \
                    REPLACE_ENV_LLMDBENCH_RUN_DATASET_DIR/REPLACE_ENV_LLMDBENCH_RUN_DATASET_FILE";
        assert_eq!(
            fill(
                text,
                &placeholders(&config(), "http://h:1", Some("https://h/a/b.json"))
            ),
            "org/model org/model 16384 http://h:1 https://h/a/b.json"
        );
    }

    #[test]
    fn what_is_unknown_or_empty_stays_and_the_environment_is_not_asked() {
        let values = placeholders(&config(), "", None);
        for text in [
            "REPLACE_ENV_LLMDBENCH_HARNESS_STACK_ENDPOINT_URL",
            "REPLACE_ENV_LLMDBENCH_RUN_DATASET_FILE",
            "REPLACE_ENV_LLMDBENCH_HARNESS_PVC_NAME",
            "REPLACE_ENV_LLMDBENCH_DEPLOY_CURRENT_MODEL_2",
            "REPLACE_ENV_PATH",
        ] {
            assert_eq!(fill(text, &values), text);
        }
    }

    #[test]
    fn a_data_set_is_split_into_folder_and_file() {
        let of = |url: &str| {
            let values = placeholders(&config(), "", Some(url));
            (
                values.get(DATASET_DIR).cloned().unwrap_or_default(),
                values.get(DATASET_FILE).cloned(),
            )
        };
        let is = |dir: &str, file: &str| (dir.to_owned(), Some(file.to_owned()));
        assert_eq!(of("https://h/a/b.json"), is("https://h/a", "b.json"));
        assert_eq!(of("/a//b.json"), is("/a", "b.json"));
        assert_eq!(of("/b.json"), is("/", "b.json"));
        assert_eq!(of("b.json"), is("/data", "b.json"), "the folder is the config's");
        assert_eq!(of("s3://bucket/a/b.json"), is("/requests/datasets", "b.json"));
        assert_eq!(of("s3://bucket/a/"), is("/requests/datasets", ""));
        assert_eq!(
            of("https://h/a/"),
            is("https://h/a/", ""),
            "a folder keeps its slash"
        );
        assert_eq!(
            fill(
                "[REPLACE_ENV_LLMDBENCH_RUN_DATASET_FILE]",
                &placeholders(&config(), "", Some("/a/"))
            ),
            "[]"
        );
        assert_eq!(of(""), ("/data".to_owned(), None));
    }
}
