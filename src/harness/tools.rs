//! The load generators: how each is started, what it leaves, and what to do when it is not there.

use super::builtin::profile;
use super::builtin::workload::Shape;
use crate::engine::Failure;
use crate::report::convert::{Source, setting};
use serde_json::Value;
use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// The load generators that can be asked for, the built-in one first.
pub const KNOWN: &[&str] = &[
    BUILTIN,
    "inference-perf",
    "guidellm",
    "vllm-benchmark",
    "aiperf",
    NOP,
];

/// Harnesses of llm-d-benchmark that come as containers, for clusters alone.
const CONTAINERS: &[&str] = &["eval-containers", "inferencemax", "lm-eval", "priority-mix"];

/// The load generator inside this program.
pub const BUILTIN: &str = "builtin";
/// No load at all: measures nothing but that the stack comes up.
pub const NOP: &str = "nop";

/// Program and arguments of a harness process. All of them run under this program's `generate-load`, which gives the
/// tool what it needs, and turns what it leaves into reports and a manifest; `{results}` is the process's own folder.
pub fn command(harness: &str, binary: &Path, profile: &Path) -> Vec<String> {
    [
        binary.display().to_string(),
        "generate-load".to_owned(),
        "--harness".to_owned(),
        harness.to_owned(),
        "--profile".to_owned(),
        profile.display().to_string(),
        "--results".to_owned(),
        "{results}".to_owned(),
    ]
    .into()
}

/// The external program of a harness and how to get it; `None` where nothing is needed.
fn program(harness: &str) -> Option<(&'static str, &'static str)> {
    match harness {
        "inference-perf" => Some(("inference-perf", "pip install inference-perf")),
        "guidellm" => Some(("guidellm", "pip install 'guidellm[recommended]'")),
        "vllm-benchmark" => Some(("vllm", "pip install 'vllm[bench]'")),
        "aiperf" => Some(("aiperf", "pip install aiperf")),
        _ => None,
    }
}

/// Why `harness` cannot be run on this machine; `None` when it can.
pub fn missing_tool(harness: &str) -> Option<Failure> {
    missing_in(harness, std::env::var_os("PATH").as_deref())
}

fn missing_in(harness: &str, path: Option<&OsStr>) -> Option<Failure> {
    if CONTAINERS.contains(&harness) {
        return Some(
            Failure::new(format!(
                "the harness `{harness}` is a container, which this platform does not run"
            ))
            .with_hint("`-l builtin -w quickstart` puts a load of its own on the stack"),
        );
    }
    if !KNOWN.contains(&harness) {
        return Some(
            Failure::new(format!("there is no harness called `{harness}`"))
                .with_hint(format!("choose one of {} with -l", KNOWN.join(", "))),
        );
    }
    let (program, install) = program(harness)?;
    (!is_there(program, path)).then(|| {
        Failure::new(format!(
            "harness `{harness}` needs the program `{program}`, which is not on the PATH"
        ))
        .with_hint(format!(
            "install it with `{install}`, or use the built-in load generator with `-l builtin`"
        ))
    })
}

/// Whether a shell would find `program`: as a path, or in the folders of `path`.
pub fn is_there(program: &str, path: Option<&OsStr>) -> bool {
    let runs = |path: &Path| {
        path.metadata()
            .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
    };
    if program.contains('/') {
        return runs(Path::new(program));
    }
    path.is_some_and(|path| std::env::split_paths(path).any(|folder| runs(&folder.join(program))))
}

/// The shape of the result files that `harness` leaves when it runs `profile`; `None` where it leaves none.
pub fn source(harness: &str, profile: &Value) -> Option<Source> {
    match harness {
        BUILTIN => match profile::shape(profile)? {
            Shape::VllmBenchmark | Shape::Aiperf => Some(Source::VllmBenchmark),
            Shape::InferencePerf | Shape::Guidellm => Some(Source::InferencePerf),
        },
        "inference-perf" => Some(Source::InferencePerf),
        "guidellm" => Some(Source::Guidellm),
        "vllm-benchmark" => Some(Source::VllmBenchmark),
        "aiperf" => Some(Source::Aiperf),
        _ => None,
    }
}

/// Whether a file of a result folder is one that reports are made of.
pub fn is_raw(source: Source, name: &str) -> bool {
    let between = |start: &str, end: &str| name.starts_with(start) && name.ends_with(end);
    match source {
        // Session files tell of sessions, not of requests.
        Source::InferencePerf => {
            between("stage_", "_lifecycle_metrics.json") && !name.ends_with("_session_lifecycle_metrics.json")
        }
        Source::VllmBenchmark => between("openai", ".json"),
        Source::Guidellm => name == "results.json",
        Source::Aiperf => name == "profile_export_aiperf.json",
    }
}

/// How many raw files a complete run leaves; at least 1 where it leaves any.
pub fn expected_raw(source: Source, profile: &Value) -> usize {
    match source {
        Source::InferencePerf => match profile.pointer("/load/stages").and_then(Value::as_array) {
            Some(stages) => stages.len().max(1),
            // Profiles of guidellm, which the built-in load generator runs stage by stage.
            None => profile::read(profile).map_or(1, |read| read.workload.stages.len()),
        },
        Source::VllmBenchmark | Source::Guidellm | Source::Aiperf => 1,
    }
}

/// Whether `harness` streams answers when it runs `profile`; without streaming there is no time to a first token.
pub fn streams(harness: &str, profile: &Value) -> bool {
    match (harness, profile::shape(profile)) {
        ("aiperf", _) | (_, Some(Shape::Aiperf)) => {
            setting(profile, "streaming").is_some_and(|on| on != false)
        }
        (BUILTIN, Some(Shape::Guidellm)) => {
            profile.pointer("/spec/backend/stream") != Some(&Value::Bool(false))
        }
        (_, Some(Shape::InferencePerf)) => {
            profile.pointer("/api/streaming").and_then(Value::as_bool) == Some(true)
        }
        _ => true,
    }
}

/// Requests that one process of `harness` sends when it runs `profile` to its end; `None` where that is not known
/// beforehand.
pub fn planned_requests(harness: &str, profile: &Value) -> Option<u64> {
    match harness {
        BUILTIN | "inference-perf" | "vllm-benchmark" => match profile::read(profile) {
            Ok(read) => read.workload.requests(),
            // What only the tool itself can run may still say how many requests it has.
            Err(_) if harness == "vllm-benchmark" => setting(profile, "num-prompts")?.as_u64(),
            Err(_) => None,
        },
        "aiperf" => setting(profile, "request-count")?.as_u64(),
        "guidellm" => guidellm_requests(profile),
        NOP => Some(0),
        _ => None,
    }
}

/// Known only where every benchmark is limited by `max_requests` alone.
fn guidellm_requests(profile: &Value) -> Option<u64> {
    let constraints = profile.pointer("/spec/constraints")?.as_array()?;
    let [only] = constraints.as_slice() else {
        return None;
    };
    if only.get("kind")?.as_str()? != "max_requests" {
        return None;
    }
    match profile.get("benchmarks").and_then(Value::as_array) {
        None => only.get("count")?.as_u64(),
        Some(benchmarks) => benchmarks
            .iter()
            .map(|benchmark| {
                benchmark
                    .get("constraints[0].count")
                    .or_else(|| only.get("count"))?
                    .as_u64()
            })
            .sum(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_missing_program_is_told_with_how_to_get_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = Some(folder.path().as_os_str());
        assert_eq!(missing_in("builtin", path), None);
        assert_eq!(missing_in("nop", None), None);
        let failure = missing_in("guidellm", path).unwrap();
        assert!(failure.reason.contains("`guidellm`"), "{failure:?}");
        assert!(failure.hint.unwrap().contains("pip install"));
        std::fs::write(folder.path().join("guidellm"), "#!/bin/sh\n").unwrap();
        assert!(missing_in("guidellm", path).is_some(), "not executable");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(folder.path().join("guidellm"), mode).unwrap();
        assert_eq!(missing_in("guidellm", path), None);
        let container = missing_in("lm-eval", path).unwrap();
        assert!(container.reason.contains("is a container"), "{container:?}");
        assert!(
            missing_in("guidelm", path)
                .unwrap()
                .hint
                .unwrap()
                .contains("guidellm")
        );
    }

    #[test]
    fn planned_requests_are_known_where_the_profile_tells_them() {
        let of = |harness: &str, profile: Value| planned_requests(harness, &profile);
        assert_eq!(
            of("builtin", json!({"num-prompts": 40, "max-concurrency": 4})),
            Some(40)
        );
        assert_eq!(
            of("vllm-benchmark", json!({"dataset-name": "random"})),
            Some(1000)
        );
        assert_eq!(
            of(
                "vllm-benchmark",
                json!({"dataset-name": "sharegpt", "num_prompts": 7})
            ),
            Some(7)
        );
        let stages = json!({"load": {"type": "constant", "stages": [{"rate": 2, "duration": 30}, {"rate": 5, "duration": 10}]},
            "data": {"type": "random"}});
        assert_eq!(of("inference-perf", stages), Some(110));
        let trace = json!({"load": {"type": "trace_session_replay", "stages": [{}]}, "data": {"type": "otel_trace_replay"}});
        assert_eq!(of("inference-perf", trace), None);
        assert_eq!(of("aiperf", json!({"request-count": 500})), Some(500));
        let guidellm = json!({"spec": {"constraints": [{"kind": "max_requests"}]},
            "benchmarks": [{"constraints[0].count": 320}, {"constraints[0].count": 640}]});
        assert_eq!(of("guidellm", guidellm), Some(960));
        assert_eq!(
            of(
                "guidellm",
                json!({"spec": {"constraints": [{"kind": "max_duration", "seconds": 3}]}})
            ),
            None
        );
    }

    #[test]
    fn streaming_is_known_from_the_profile() {
        let perf = |api: Value| json!({"load": {}, "data": {}, "api": api});
        assert!(streams("builtin", &json!({"num-prompts": 3})));
        assert!(streams("inference-perf", &perf(json!({"streaming": true}))));
        assert!(!streams("builtin", &perf(json!({"type": "chat"}))));
        assert!(streams("aiperf", &json!({"streaming": "none"})));
        assert!(!streams("aiperf", &json!({"isl": 10})));
    }

    #[test]
    fn raw_files_are_told_from_others() {
        assert!(is_raw(Source::InferencePerf, "stage_12_lifecycle_metrics.json"));
        assert!(!is_raw(
            Source::InferencePerf,
            "stage_0_session_lifecycle_metrics.json"
        ));
        assert!(!is_raw(Source::InferencePerf, "summary_lifecycle_metrics.json"));
        assert!(is_raw(Source::VllmBenchmark, "openai-infqps-x.json"));
    }
}
