//! What a report says beyond numbers: whose run it was, on what stack. Comes from the environment that harness
//! processes are given (see `harness::environment`).

use super::schema::{
    Accelerator, Component, ComponentMetadata, Model, Parallelism, Run, SCHEMA_VERSION, Standardized, Time,
};
use crate::plan::RoleConfig;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::fmt::Write;
use uuid::Uuid;

/// The tool that reports about simulated stacks name.
pub const SIMULATOR: &str = "llmdbenchmark simulator";
/// The keyword and the description's mark of simulated runs.
pub const SIMULATED: &str = "simulated";

/// A stack as harness processes are told about it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Stack {
    /// Whether it is the simulator.
    #[serde(default)]
    pub simulated: bool,
    /// Served model.
    pub model: String,
    /// Its servers.
    #[serde(default)]
    pub roles: Vec<RoleConfig>,
    /// Accelerator model, where it is known.
    #[serde(default)]
    pub accelerator: Option<String>,
    /// Routing plugin configuration, where there is a router.
    #[serde(default)]
    pub plugin_config: Option<String>,
    /// Serving tool; `vllm` where nothing is said.
    #[serde(default)]
    pub tool: Option<String>,
    /// Version of the serving tool.
    #[serde(default)]
    pub tool_version: Option<String>,
}

impl Stack {
    /// The stack as components of a report.
    pub fn components(&self) -> Vec<Component> {
        let mut components: Vec<Component> = self.roles.iter().map(|role| self.engine(role)).collect();
        if let Some(plugin) = &self.plugin_config {
            let (tool, version) = self.tool("llm-d-router");
            components.push(component(
                "inference-scheduler",
                Standardized {
                    kind: "generic".to_owned(),
                    tool,
                    tool_version: version,
                    role: None,
                    replicas: None,
                    model: None,
                    accelerator: None,
                    extra: [("plugin_config".to_owned(), json!(plugin))].into(),
                },
            ));
        }
        components
    }

    fn engine(&self, role: &RoleConfig) -> Component {
        let (tool, tool_version) = self.tool("vllm");
        component(
            &format!("vllm-{}", role.role),
            Standardized {
                kind: "inference_engine".to_owned(),
                tool,
                tool_version,
                role: Some(role.role.clone()),
                replicas: Some(role.replicas),
                model: Some(Model {
                    name: self.model.clone(),
                }),
                accelerator: Some(Accelerator {
                    model: self.accelerator.clone().unwrap_or_else(|| "unknown".to_owned()),
                    count: role.tensor_parallelism.saturating_mul(role.data_parallelism),
                    parallelism: Parallelism {
                        tp: Some(role.tensor_parallelism),
                        dp: Some(role.data_parallelism),
                        pp: Some(1),
                        ..Parallelism::default()
                    },
                }),
                extra: std::collections::BTreeMap::new(),
            },
        )
    }

    fn tool(&self, usual: &str) -> (String, String) {
        if self.simulated {
            return (SIMULATOR.to_owned(), env!("CARGO_PKG_VERSION").to_owned());
        }
        let tool = self.tool.clone().filter(|_| usual == "vllm");
        (
            tool.unwrap_or_else(|| usual.to_owned()),
            self.tool_version.clone().unwrap_or_else(|| "unknown".to_owned()),
        )
    }
}

fn component(label: &str, standardized: Standardized) -> Component {
    Component {
        metadata: ComponentMetadata {
            schema_version: Some(SCHEMA_VERSION.to_owned()),
            label: label.to_owned(),
            cfg_id: config_id(&json!(standardized)),
            description: None,
        },
        standardized,
        native: None,
    }
}

/// Whose run a report is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// The attempt's experiment id.
    pub experiment_id: String,
    /// Where the stack answers.
    pub endpoint: String,
    /// Namespace, where there is one.
    pub namespace: Option<String>,
    /// Pod, where there is one.
    pub pod: Option<String>,
    /// What the operator says the run is.
    pub description: Option<String>,
    /// Words to find it by.
    pub keywords: Vec<String>,
    /// What was measured, where it is known.
    pub stack: Option<Stack>,
    /// First second.
    pub start: Timestamp,
    /// Last second.
    pub end: Timestamp,
}

impl Context {
    /// Whether the numbers come from the simulator.
    pub fn simulated(&self) -> bool {
        self.stack.as_ref().is_some_and(|stack| stack.simulated)
    }

    /// The `run` part of a report.
    pub fn run(&self) -> Run {
        let told = self
            .description
            .clone()
            .unwrap_or_else(|| self.experiment_id.clone());
        let mut keywords = self.keywords.clone();
        if self.simulated() && !keywords.iter().any(|keyword| keyword == SIMULATED) {
            keywords.push(SIMULATED.to_owned());
        }
        Run {
            uid: Uuid::new_v4().to_string(),
            eid: Some(Uuid::new_v5(&Uuid::NAMESPACE_URL, self.experiment_id.as_bytes()).to_string()),
            cid: Some(Uuid::new_v5(&Uuid::NAMESPACE_DNS, self.endpoint.as_bytes()).to_string()),
            pid: self.pod.clone(),
            user: self
                .namespace
                .as_ref()
                .map(|namespace| format!("namespace={namespace}")),
            description: Some(if self.simulated() {
                format!("[{SIMULATED}] {told}")
            } else {
                told
            }),
            keywords: (!keywords.is_empty()).then_some(keywords),
            time: Some(Time {
                start: Some(self.start.to_string()),
                end: Some(self.end.to_string()),
                duration: Some(format!(
                    "PT{}S",
                    self.end.duration_since(self.start).as_secs_f64()
                )),
            }),
        }
    }
}

/// Names a configuration: the SHA-256 of its JSON with sorted keys.
pub fn config_id(config: &Value) -> String {
    let mut text = String::new();
    canonical(config, &mut text);
    Sha256::digest(text.as_bytes())
        .iter()
        .fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
}

fn canonical(value: &Value, out: &mut String) {
    match value {
        Value::Object(map) => {
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort();
            out.push('{');
            for key in keys {
                let _ = write!(out, "{}:", Value::from(key.as_str()));
                canonical(map.get(key).unwrap_or(&Value::Null), out);
                out.push(',');
            }
            out.push('}');
        }
        Value::Array(entries) => {
            out.push('[');
            for entry in entries {
                canonical(entry, out);
                out.push(',');
            }
            out.push(']');
        }
        other => {
            let _ = write!(out, "{other}");
        }
    }
}
