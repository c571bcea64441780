//! The environment of harness processes, by the reference's contract, and reading it back.

use crate::report::context::Stack;
use std::collections::BTreeMap;

/// The stack as JSON: roles, accelerator, whether it is simulated. Ours: the reference reads a `ConfigMap` instead.
pub const STACK: &str = "LLMDBENCH_STACK";

/// What harness processes are told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Surroundings {
    /// The attempt's experiment id, without a process number.
    pub experiment_id: String,
    /// Load generator.
    pub harness: String,
    /// Name of the rendered profile.
    pub workload: String,
    /// Where the stack answers.
    pub endpoint: String,
    /// The stack's name, where it has one.
    pub stack_name: String,
    /// What is measured.
    pub stack: Stack,
    /// `standalone`, `modelservice`, …, with commas between.
    pub deploy_methods: String,
    /// The namespace of the harness, or a word that stands for it.
    pub namespace: String,
    /// What the operator says the run is.
    pub description: String,
    /// Words to find it by.
    pub keywords: Vec<String>,
    /// Identical processes (`-j`).
    pub parallelism: u32,
    /// Dataset to use, where one was given.
    pub dataset_url: Option<String>,
}

/// The variables that every process of a job gets.
pub fn environment(of: &Surroundings) -> BTreeMap<String, String> {
    let stack_type = if of
        .deploy_methods
        .split(',')
        .any(|method| method == "modelservice")
    {
        "llm-d"
    } else {
        "vllm-prod"
    };
    let json = |value: serde_json::Result<String>| value.unwrap_or_default();
    let standalone = of.deploy_methods.split(',').any(|method| method == "standalone");
    let mut variables: BTreeMap<String, String> = [
        ("TZ", "UTC".to_owned()),
        ("LLMDBENCH_RUN_EXPERIMENT_LAUNCHER", "1".to_owned()),
        ("LLMDBENCH_DEPLOY_METHODS", of.deploy_methods.clone()),
        ("LLMDBENCH_DEPLOY_CURRENT_MODEL", of.stack.model.clone()),
        ("LLMDBENCH_DEPLOY_CURRENT_TOKENIZER", of.stack.model.clone()),
        ("LLMDBENCH_HARNESS_STACK_ENDPOINT_URL", of.endpoint.clone()),
        ("LLMDBENCH_HARNESS_STACK_TYPE", stack_type.to_owned()),
        ("LLMDBENCH_HARNESS_STACK_NAME", of.stack_name.clone()),
        ("LLMDBENCH_HARNESS_NAME", of.harness.clone()),
        ("LLMDBENCH_HARNESS_ARGS", format!("--workload {}", of.workload)),
        (
            "LLMDBENCH_HARNESS_LOAD_PARALLELISM",
            of.parallelism.max(1).to_string(),
        ),
        ("LLMDBENCH_RUN_EXPERIMENT_ID", of.experiment_id.clone()),
        (
            "LLMDBENCH_RUN_EXPERIMENT_HARNESS_WORKLOAD_NAME",
            of.workload.clone(),
        ),
        ("LLMDBENCH_DESCRIPTION_TEXT", of.description.clone()),
        (
            "LLMDBENCH_DESCRIPTION_KEYWORDS",
            json(serde_json::to_string(&of.keywords)),
        ),
        ("LLMDBENCH_VLLM_COMMON_NAMESPACE", of.namespace.clone()),
        ("LLMDBENCH_STANDALONE_ENABLED", standalone.to_string()),
        (STACK, json(serde_json::to_string(&of.stack))),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect();
    if let Some(url) = &of.dataset_url {
        variables.insert("LLMDBENCH_RUN_DATASET_URL".to_owned(), url.clone());
    }
    variables
}

/// What a harness process finds in its environment; everything may be absent, as for somebody who starts it by hand.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Told {
    /// The attempt's experiment id.
    pub experiment_id: Option<String>,
    /// Where the stack answers.
    pub endpoint: Option<String>,
    /// The served model.
    pub model: Option<String>,
    /// Name of the rendered profile.
    pub workload: Option<String>,
    /// Arguments by the reference's contract, for the metadata.
    pub arguments: Option<String>,
    /// Namespace.
    pub namespace: Option<String>,
    /// Pod.
    pub pod: Option<String>,
    /// What the run is.
    pub description: Option<String>,
    /// Words to find it by.
    pub keywords: Vec<String>,
    /// Identical processes.
    pub parallelism: u32,
    /// What is measured.
    pub stack: Option<Stack>,
}

/// Read the environment through `variable`.
pub fn read(variable: impl Fn(&str) -> Option<String>) -> Told {
    let text = |name: &str| variable(name).filter(|value| !value.is_empty());
    let keywords = text("LLMDBENCH_DESCRIPTION_KEYWORDS");
    Told {
        experiment_id: text("LLMDBENCH_RUN_EXPERIMENT_ID"),
        endpoint: text("LLMDBENCH_HARNESS_STACK_ENDPOINT_URL"),
        model: text("LLMDBENCH_DEPLOY_CURRENT_MODEL"),
        workload: text("LLMDBENCH_RUN_EXPERIMENT_HARNESS_WORKLOAD_NAME"),
        arguments: text("LLMDBENCH_HARNESS_ARGS"),
        namespace: text("LLMDBENCH_VLLM_COMMON_NAMESPACE"),
        pod: text("POD_UID"),
        description: text("LLMDBENCH_DESCRIPTION_TEXT"),
        // A list as JSON, or words with commas between.
        keywords: keywords.map_or_else(Vec::new, |words| {
            serde_json::from_str(&words).unwrap_or_else(|_| {
                words
                    .split(',')
                    .map(|word| word.trim().to_owned())
                    .filter(|word| !word.is_empty())
                    .collect()
            })
        }),
        parallelism: text("LLMDBENCH_HARNESS_LOAD_PARALLELISM")
            .and_then(|count| count.parse().ok())
            .unwrap_or(1),
        stack: text(STACK).and_then(|stack| serde_json::from_str(&stack).ok()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::RoleConfig;

    #[test]
    fn what_is_told_is_read_back() {
        let of = Surroundings {
            experiment_id: "builtin-a-1700000000-abcdef".to_owned(),
            harness: "builtin".to_owned(),
            workload: "sanity-a.yaml".to_owned(),
            endpoint: "http://127.0.0.1:8000".to_owned(),
            stack: Stack {
                simulated: true,
                model: "m/x".to_owned(),
                roles: vec![RoleConfig {
                    role: "decode".to_owned(),
                    replicas: 2,
                    tensor_parallelism: 4,
                    data_parallelism: 1,
                }],
                ..Stack::default()
            },
            deploy_methods: "modelservice".to_owned(),
            keywords: vec!["a, b".to_owned(), "c".to_owned()],
            parallelism: 3,
            ..Surroundings::default()
        };
        let variables = environment(&of);
        assert_eq!(variables["LLMDBENCH_HARNESS_STACK_TYPE"], "llm-d");
        let told = read(|name| variables.get(name).cloned());
        assert_eq!(told.experiment_id.as_deref(), Some("builtin-a-1700000000-abcdef"));
        assert_eq!(told.endpoint.as_deref(), Some("http://127.0.0.1:8000"));
        assert_eq!(told.stack, Some(of.stack));
        assert_eq!(told.keywords, of.keywords);
        assert_eq!(told.parallelism, 3);
        assert_eq!(told.description, None);
    }
}
