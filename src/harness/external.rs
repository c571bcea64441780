//! Load generators that are programs of their own: their command lines, and seeing them to their end.

use super::environment::Told;
use crate::yaml;
use serde_json::{Map, Value, json};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

/// How long a tool may take to end when it is asked to; below what the supervisor grants to all of us.
const GRACE: Duration = Duration::from_secs(4);
/// The profile as the tool gets it, beside its results.
const PROFILE: &str = "profile.yaml";

/// Why a tool did not run.
#[derive(Debug, thiserror::Error)]
pub enum ExternalError {
    /// Not one that is known here.
    #[error("there is no harness called `{0}`")]
    Unknown(String),
    /// A profile that is no map of settings.
    #[error("the profile is not a map of settings")]
    Profile,
    /// The tool's own copy of the profile cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The copy.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The program cannot be started.
    #[error("cannot start `{program}`: {source}; is it installed and on the PATH?")]
    Start {
        /// The program.
        program: String,
        /// Why.
        source: io::Error,
    },
}

/// Program and arguments that run `profile` with the tool of `harness`. Writes what the tool needs into `results`.
pub fn arguments(
    harness: &str,
    profile: &Value,
    results: &Path,
    told: &Told,
    seed: u64,
) -> Result<Vec<String>, ExternalError> {
    let folder = results.display();
    match harness {
        "inference-perf" => {
            let copy = write_profile(results, &with_storage(profile, results)?)?;
            Ok(words(["inference-perf", "--config_file", &copy]))
        }
        "guidellm" => {
            let copy = write_profile(results, profile)?;
            let output = format!("kind=json,path={folder}/results.json");
            Ok(words([
                "guidellm",
                "run",
                "--scenario",
                &copy,
                "--output",
                &output,
                "--disable-progress",
            ]))
        }
        "vllm-benchmark" => {
            let mut settings = settings(profile)?;
            settings.retain(|(key, _)| key != "executable");
            if let Some(url) = &told.endpoint {
                default(&mut settings, "base-url", url);
            }
            default(&mut settings, "seed", &seed.to_string());
            let mut words = words(["vllm", "bench", "serve"]);
            // The tool takes `--key=value`; a value of `none` is a bare flag.
            words.extend(settings.iter().map(|(key, value)| match value {
                Some(value) => format!("--{key}={value}"),
                None => format!("--{key}"),
            }));
            words.extend([
                "--save-result".to_owned(),
                "--result-dir".to_owned(),
                folder.to_string(),
            ]);
            Ok(words)
        }
        "aiperf" => {
            let mut settings = settings(profile)?;
            if let Some(url) = &told.endpoint {
                default(&mut settings, "url", url);
            }
            let mut words = words(["aiperf", "profile"]);
            for (key, value) in settings {
                words.push(format!("--{key}"));
                words.extend(value);
            }
            words.extend(["--artifact-dir".to_owned(), folder.to_string()]);
            Ok(words)
        }
        other => Err(ExternalError::Unknown(other.to_owned())),
    }
}

fn words<const N: usize>(words: [&str; N]) -> Vec<String> {
    words.map(str::to_owned).into()
}

/// The flat map of a profile as flags: `-` for `_`, and no value where it says `none`.
fn settings(profile: &Value) -> Result<Vec<(String, Option<String>)>, ExternalError> {
    let map = profile.as_object().ok_or(ExternalError::Profile)?;
    Ok(map
        .iter()
        .map(|(key, value)| {
            let value = match value {
                Value::Null => None,
                Value::String(text) if text == "none" => None,
                Value::String(text) => Some(text.clone()),
                other => Some(other.to_string()),
            };
            (key.replace('_', "-"), value)
        })
        .collect())
}

fn default(settings: &mut Vec<(String, Option<String>)>, key: &str, value: &str) {
    if !settings.iter().any(|(name, _)| name == key) {
        settings.push((key.to_owned(), Some(value.to_owned())));
    }
}

fn with_storage(profile: &Value, results: &Path) -> Result<Value, ExternalError> {
    let mut profile = profile.clone();
    let map = profile.as_object_mut().ok_or(ExternalError::Profile)?;
    map.insert(
        "storage".to_owned(),
        json!({ "local_storage": { "path": results.display().to_string() } }),
    );
    let report = map
        .entry("report")
        .or_insert_with(|| Value::Object(Map::new()))
        .as_object_mut();
    if let Some(report) = report {
        // Reports are made of the files per stage.
        report
            .entry("request_lifecycle")
            .or_insert_with(|| json!({ "summary": true, "per_stage": true, "per_request": true }));
    }
    Ok(profile)
}

fn write_profile(results: &Path, profile: &Value) -> Result<String, ExternalError> {
    let path = results.join(PROFILE);
    std::fs::write(&path, yaml::to_string(profile)).map_err(|source| ExternalError::Write {
        path: path.clone(),
        source,
    })?;
    Ok(path.display().to_string())
}

/// Run a tool to its end. Its output is ours. On cancellation it is asked to end, then killed.
pub async fn run(
    words: &[String],
    folder: &Path,
    cancel: &CancellationToken,
) -> Result<ExitStatus, ExternalError> {
    let program = words.first().cloned().unwrap_or_default();
    let failed = |source| ExternalError::Start {
        program: program.clone(),
        source,
    };
    let mut child = Command::new(&program)
        .args(words.get(1..).unwrap_or_default())
        .current_dir(folder)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(failed)?;
    if let Some(status) = cancel.run_until_cancelled(child.wait()).await {
        return status.map_err(failed);
    }
    let pid = child
        .id()
        .and_then(|id| rustix::process::Pid::from_raw(i32::try_from(id).ok()?));
    if let Some(pid) = pid {
        // It may have ended by itself meanwhile, which is as good.
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
    }
    if let Ok(status) = tokio::time::timeout(GRACE, child.wait()).await {
        return status.map_err(failed);
    }
    let _ = child.start_kill();
    child.wait().await.map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told() -> Told {
        Told {
            endpoint: Some("http://h:1".to_owned()),
            ..Told::default()
        }
    }

    #[test]
    fn flags_come_from_the_profile_and_none_is_a_bare_flag() {
        let profile = json!({"executable": "x.py", "max-concurrency": 4, "ignore_eos": "none", "dataset-name": "random"});
        let words = arguments("vllm-benchmark", &profile, Path::new("/r"), &told(), 7).unwrap();
        assert_eq!(
            words.join(" "),
            "vllm bench serve --max-concurrency=4 --ignore-eos --dataset-name=random --base-url=http://h:1 --seed=7 \
             --save-result --result-dir /r"
        );
        let profile = json!({"url": "http://x", "streaming": "none", "isl": 100});
        let words = arguments("aiperf", &profile, Path::new("/r"), &told(), 7).unwrap();
        assert_eq!(
            words.join(" "),
            "aiperf profile --url http://x --streaming --isl 100 --artifact-dir /r"
        );
    }

    #[test]
    fn the_tool_writes_into_the_result_folder() {
        let folder = tempfile::tempdir().unwrap();
        let profile =
            json!({"load": {"type": "constant"}, "storage": {"local_storage": {"path": "/workspace"}}});
        let words = arguments("inference-perf", &profile, folder.path(), &told(), 7).unwrap();
        let copy = yaml::from_str(&std::fs::read_to_string(&words[2]).unwrap()).unwrap();
        assert_eq!(
            copy["storage"]["local_storage"]["path"],
            folder.path().to_str().unwrap()
        );
        assert_eq!(copy["report"]["request_lifecycle"]["per_stage"], true);
        assert_eq!(copy["load"], profile["load"]);
    }

    #[tokio::test]
    async fn a_cancelled_tool_is_ended() {
        let folder = tempfile::tempdir().unwrap();
        let cancel = CancellationToken::new();
        cancel.cancel();
        let status = run(&words(["sleep", "600"]), folder.path(), &cancel)
            .await
            .unwrap();
        assert!(!status.success());
        let missing = run(&words(["no-such-tool-here"]), folder.path(), &cancel).await;
        assert!(matches!(missing, Err(ExternalError::Start { .. })));
    }
}
