//! `run_metadata.yaml`: the facts of one harness process, with the reference's keys, all of them texts.

use super::environment::Told;
use crate::yaml;
use jiff::Timestamp;
use serde_json::{Map, Value};
use std::path::Path;
use std::{fs, io};

/// The file's name, in the result folder.
pub const FILE: &str = "run_metadata.yaml";

/// What is known only by who ran it.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// Load generator.
    pub harness: &'a str,
    /// Its version, or `unknown`.
    pub version: &'a str,
    /// Name of the profile.
    pub workload: &'a str,
    /// Exit code.
    pub code: u8,
    /// First second.
    pub start: Timestamp,
    /// Last second.
    pub stop: Timestamp,
}

/// Write the file into `folder`.
pub fn write(folder: &Path, facts: &Facts<'_>, told: &Told) -> io::Result<()> {
    let seconds = facts.stop.duration_since(facts.start).as_secs();
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let arguments = told
        .arguments
        .clone()
        .unwrap_or_else(|| format!("--workload {}", facts.workload));
    let simulated = told.stack.as_ref().is_some_and(|stack| stack.simulated);
    let entries = [
        ("harness_start", moment(facts.start)),
        ("harness_stop", moment(facts.stop)),
        ("harness_delta", format!("PT{seconds}S")),
        ("harness_args", arguments),
        ("harness_version", facts.version.to_owned()),
        ("harness_name", facts.harness.to_owned()),
        ("harness_workload", facts.workload.to_owned()),
        ("harness_rc", facts.code.to_string()),
        ("experiment_id", text(&told.experiment_id)),
        ("model", text(&told.model)),
        ("endpoint_url", text(&told.endpoint)),
        ("namespace", text(&told.namespace)),
        ("description_text", text(&told.description)),
        ("description_keywords", told.keywords.join(",")),
        // Ours: a reader of the reference's file passes over it.
        ("simulated", simulated.to_string()),
    ];
    let map: Map<String, Value> = entries
        .into_iter()
        .map(|(key, value)| (key.to_owned(), Value::String(value)))
        .collect();
    fs::write(folder.join(FILE), yaml::to_string(&Value::Object(map)))
}

fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string()
}
