//! What is asked of a plan.

use super::cluster::Cluster;
use super::resolve::Versions;
use super::sweep::PlatformKind;
use crate::diagnostic::Span;
use crate::experiment::{Design, Dialect, ExperimentInfo, RetryPolicy, SetupTreatment, Source};
use std::path::PathBuf;

/// What the operator asks for: an experiment on a spec, and what the flags say.
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line, independent of the others"
)]
#[derive(Debug, Clone)]
pub struct Request {
    /// `--spec`: a name, a name with its folder, or a path.
    pub spec: String,
    /// `--base-dir`: a checkout of llm-d-benchmark; the embedded one where absent.
    pub base_dir: Option<PathBuf>,
    /// The folder in which paths of flags start.
    pub cwd: PathBuf,
    /// The experiment file as it was read.
    pub source: Source,
    /// Its treatments.
    pub design: Design,
    /// `-l`: beats the experiment's and the scenario's harness.
    pub harness: Option<String>,
    /// `-w`: beats the experiment's and the scenario's profile, not a treatment's.
    pub workload: Option<String>,
    /// `-x`: beats the experiment's data set.
    pub dataset: Option<String>,
    /// `-o`, each `key=value[,…]` for the profile.
    pub overrides: Vec<String>,
    /// `--set`, each `[stack:]key=value[,…]` for the config.
    pub set: Vec<String>,
    /// `--cluster-config`: a file laid over every stack of the scenario, under `--set`.
    pub cluster_config: Option<PathBuf>,
    /// `-p`.
    pub namespace: Option<String>,
    /// `-t`.
    pub methods: Option<String>,
    /// `-m`; where a scenario has several stacks, for the one that `--stack` names, else for all.
    pub models: Option<String>,
    /// `--run-description`: beats the config's `description.text`.
    pub description: Option<String>,
    /// `--run-keywords`: beats the config's `description.keywords`.
    pub keywords: Option<String>,
    /// `--stack`, names with commas between: which entries of the scenario are planned; all where absent. The first of
    /// them is measured.
    pub stack: Option<String>,
    /// `--gateway-class`.
    pub gateway_class: Option<String>,
    /// `--monitoring` or `--no-monitoring`; where absent, it is as the scenario says.
    pub monitoring: Option<bool>,
    /// `--wva`.
    pub wva: bool,
    /// `--epp-keda-saturation`.
    pub epp_keda_saturation: bool,
    /// `--non-admin`. For whoever deploys: plans are the same.
    pub non_admin: bool,
    /// Whether the environment has a Hugging Face token. The token itself is no part of a plan.
    pub hugging_face_token: bool,
    /// What the cluster offers, where one was asked.
    pub cluster: Cluster,
    /// What registries answered about versions that are `auto`.
    pub versions: Versions,
    /// `-j`; 0 counts as 1.
    pub parallelism: u32,
    /// `--wait-timeout`, in seconds; 0 waits for ever.
    pub wait_timeout: Option<u64>,
    /// `--stop-on-error`.
    pub stop_on_error: bool,
    /// `--skip-teardown`.
    pub skip_teardown: bool,
    /// `--platform`.
    pub platform: PlatformKind,
}

impl Request {
    /// A request without flags: `design` on the spec called `spec`, on this machine.
    pub fn new(spec: impl Into<String>, source: Source, design: Design) -> Self {
        Self {
            spec: spec.into(),
            base_dir: None,
            cwd: PathBuf::from("."),
            source,
            design,
            harness: None,
            workload: None,
            dataset: None,
            overrides: Vec::new(),
            set: Vec::new(),
            cluster_config: None,
            namespace: None,
            methods: None,
            models: None,
            description: None,
            keywords: None,
            stack: None,
            gateway_class: None,
            monitoring: None,
            wva: false,
            epp_keda_saturation: false,
            non_admin: false,
            hugging_face_token: false,
            cluster: Cluster::NotAsked,
            versions: Versions::new(),
            parallelism: 1,
            wait_timeout: None,
            stop_on_error: false,
            skip_teardown: false,
            platform: PlatformKind::Local,
        }
    }

    /// A request to plan a deployment and no more: one setup treatment without changes, nothing to run.
    pub fn without_experiment(spec: impl Into<String>) -> Self {
        let source = Source {
            name: String::new(),
            stem: String::new(),
            path: None,
            text: Vec::new(),
        };
        let setup = SetupTreatment {
            name: "default".to_owned(),
            levels: Vec::new(),
            overrides: Vec::new(),
            span: Span::default(),
        };
        let design = Design {
            experiment: ExperimentInfo::default(),
            dialect: Dialect::Treatment,
            setups: vec![setup],
            runs: Vec::new(),
            policy: RetryPolicy::default(),
        };
        Self::new(spec, source, design)
    }
}
