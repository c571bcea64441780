//! The flags that shape a plan, the same for every subcommand that plans: names, short names and environment variables
//! of llm-d-benchmark, and a few of ours.

use super::exit::{self, Exit};
use super::planning::expanded;
use crate::experiment::{Design, Source};
use crate::plan::{GATEWAYS, Request};
use clap::ArgAction;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

const PLAN: &str = "What to deploy";
const TELEMETRY: &str = "Usage reports (accepted, without effect)";
/// Variables that hold a Hugging Face token, as llm-d-benchmark looks for it.
const TOKENS: [&str; 3] = ["HF_TOKEN", "LLMDBENCH_HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"];

/// What is deployed. Kept with a sweep, so that a resume plans the same.
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line, independent of the others"
)]
#[derive(Debug, Clone, Default, PartialEq, Eq, clap::Args, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct PlanFlags {
    /// What to deploy: the name of a specification, or its file
    #[arg(
        long = "spec",
        visible_alias = "specification_file",
        value_name = "NAME",
        env = "LLMDBENCH_SPEC",
        help_heading = PLAN
    )]
    pub(super) spec: Option<String>,
    /// Checkout of llm-d-benchmark to take specifications, scenarios and profiles from [default: embedded]
    #[arg(long, visible_alias = "bd", value_name = "DIR", env = "LLMDBENCH_BASE_DIR", help_heading = PLAN)]
    pub(super) base_dir: Option<PathBuf>,
    /// Values to set in the configuration, below the treatments: key=value,… or stack:key=value
    #[arg(long, value_name = "K=V,...", env = "LLMDBENCH_SET", hide_env_values = true, action = ArgAction::Append, help_heading = PLAN)]
    pub(super) set: Vec<String>,
    /// Settings of a cluster, a YAML file laid over the scenario and under --set
    #[arg(long, visible_alias = "cc", value_name = "FILE", help_heading = PLAN)]
    pub(super) cluster_config: Option<PathBuf>,
    /// Model to serve
    #[arg(
        short = 'm',
        long,
        visible_alias = "model",
        value_name = "NAME",
        env = "LLMDBENCH_MODELS",
        help_heading = PLAN
    )]
    pub(super) models: Option<String>,
    /// Deploy methods: standalone, modelservice, fma, kustomize, nok8s
    #[arg(short = 't', long, value_name = "NAME,...", env = "LLMDBENCH_METHODS", help_heading = PLAN)]
    pub(super) methods: Option<String>,
    /// Namespaces: of the stack, of the harness, of the autoscaler
    #[arg(short = 'p', long, value_name = "NS,...", env = "LLMDBENCH_NAMESPACE", help_heading = PLAN)]
    pub(super) namespace: Option<String>,
    /// Stacks of the scenario, where it has several [default: all; an experiment measures the first]
    #[arg(long, value_name = "NAME,...", env = "LLMDBENCH_STACK", help_heading = PLAN)]
    pub(super) stack: Option<String>,
    /// Gateway class: none, epponly, istio, agentgateway, gke, data-science-gateway-class
    #[arg(long, value_name = "NAME", env = "LLMDBENCH_GATEWAY_CLASS", value_parser = GATEWAYS, hide_possible_values = true, help_heading = PLAN)]
    pub(super) gateway_class: Option<String>,
    /// Deploy monitoring [default: as the scenario says]
    #[arg(short = 'f', long, env = "LLMDBENCH_MONITORING", action = ArgAction::SetTrue, value_parser = switch, overrides_with = "no_monitoring", help_heading = PLAN)]
    monitoring: bool,
    /// Deploy no monitoring, whatever the scenario says
    #[arg(long, overrides_with = "monitoring", help_heading = PLAN)]
    no_monitoring: bool,
    /// Deploy the workload variant autoscaler
    #[arg(short = 'u', long, env = "LLMDBENCH_WVA", action = ArgAction::SetTrue, value_parser = switch, help_heading = PLAN)]
    pub(super) wva: bool,
    /// Scale by the saturation of the endpoint picker
    #[arg(long, env = "LLMDBENCH_EPP_KEDA_SATURATION", action = ArgAction::SetTrue, value_parser = switch, help_heading = PLAN)]
    pub(super) epp_keda_saturation: bool,
    /// Do without rights of a cluster administrator
    #[arg(short = 'i', long, env = "LLMDBENCH_NON_ADMIN", action = ArgAction::SetTrue, value_parser = switch, help_heading = PLAN)]
    pub(super) non_admin: bool,
    /// Kubeconfig of the cluster [default: that of KUBECONFIG]
    #[arg(short = 'k', long, value_name = "FILE", env = "LLMDBENCH_KUBECONFIG", help_heading = PLAN)]
    pub(super) kubeconfig: Option<PathBuf>,
    /// Text to keep with the results
    #[arg(long, value_name = "TEXT", env = "LLMDBENCH_DESCRIPTION_TEXT", help_heading = PLAN)]
    pub(super) run_description: Option<String>,
    /// Keywords to keep with the results
    #[arg(long, value_name = "WORD,...", env = "LLMDBENCH_DESCRIPTION_KEYWORDS", help_heading = PLAN)]
    pub(super) run_keywords: Option<String>,
}

/// Where llm-d-benchmark reports its usage to. Accepted, so that command lines go on to work; nothing is reported.
#[derive(Debug, clap::Args)]
pub(super) struct TelemetryFlags {
    /// Report usage; a rehearsal reports nothing to anybody
    #[arg(id = "telemetry_enabled", long = "telemetry-enabled", env = "LLMDBENCH_TELEMETRY_ENABLED", action = ArgAction::SetTrue, value_parser = switch, help_heading = TELEMETRY)]
    enabled: bool,
    /// Kind of the usage reports' receiver
    #[arg(id = "telemetry_provider", long = "telemetry-provider", value_name = "NAME", env = "LLMDBENCH_TELEMETRY_PROVIDER", help_heading = TELEMETRY)]
    provider: Option<String>,
    /// Address of the usage reports' receiver
    #[arg(id = "telemetry_endpoint", long = "telemetry-endpoint", value_name = "URL", env = "LLMDBENCH_TELEMETRY_ENDPOINT", hide_env_values = true, help_heading = TELEMETRY)]
    endpoint: Option<String>,
    /// Where the token for the usage reports comes from
    #[arg(id = "telemetry_auth_provider", long = "telemetry-auth-provider", value_name = "NAME", env = "LLMDBENCH_TELEMETRY_AUTH_PROVIDER", help_heading = TELEMETRY)]
    auth_provider: Option<String>,
    /// Token for the usage reports
    #[arg(id = "telemetry_token", long = "telemetry-token", value_name = "TOKEN", env = "LLMDBENCH_TELEMETRY_TOKEN", hide_env_values = true, help_heading = TELEMETRY)]
    token: Option<String>,
}

impl TelemetryFlags {
    /// Whether any of them was given.
    pub(super) fn given(&self) -> bool {
        let texts = [&self.provider, &self.endpoint, &self.auth_provider, &self.token];
        self.enabled || texts.iter().any(|text| text.is_some())
    }
}

/// The reference's reading of switches in the environment: `1`, `true` and `yes` in any case; all else is off.
#[allow(clippy::unnecessary_wraps, reason = "clap asks for a parser that may fail")]
pub(super) fn switch(text: &str) -> Result<bool, std::convert::Infallible> {
    Ok(["1", "true", "yes"]
        .iter()
        .any(|on| text.eq_ignore_ascii_case(on)))
}

impl PlanFlags {
    /// Whether monitoring is asked for, refused, or left to the scenario. On the command line the last one counts, and
    /// both beat the environment, which can only ask for it.
    pub(super) fn monitoring(&self) -> Option<bool> {
        match (self.monitoring, self.no_monitoring) {
            (_, true) => Some(false),
            (true, false) => Some(true),
            (false, false) => None,
        }
    }

    /// These flags over those a sweep was begun with: what is given now wins.
    pub(super) fn over(self, begun: Self) -> Self {
        let (monitoring, no_monitoring) = match self.monitoring() {
            Some(_) => (self.monitoring, self.no_monitoring),
            None => (begun.monitoring, begun.no_monitoring),
        };
        Self {
            spec: self.spec.or(begun.spec),
            base_dir: self.base_dir.or(begun.base_dir),
            set: if self.set.is_empty() { begun.set } else { self.set },
            cluster_config: self.cluster_config.or(begun.cluster_config),
            models: self.models.or(begun.models),
            methods: self.methods.or(begun.methods),
            namespace: self.namespace.or(begun.namespace),
            stack: self.stack.or(begun.stack),
            gateway_class: self.gateway_class.or(begun.gateway_class),
            monitoring,
            no_monitoring,
            wva: self.wva || begun.wva,
            epp_keda_saturation: self.epp_keda_saturation || begun.epp_keda_saturation,
            non_admin: self.non_admin || begun.non_admin,
            kubeconfig: self.kubeconfig.or(begun.kubeconfig),
            run_description: self.run_description.or(begun.run_description),
            run_keywords: self.run_keywords.or(begun.run_keywords),
        }
    }

    /// The same flags with paths that do not depend on the current folder.
    pub(super) fn absolute(mut self, cwd: &Path) -> Self {
        for path in [&mut self.base_dir, &mut self.cluster_config, &mut self.kubeconfig] {
            *path = path.take().map(|path| cwd.join(expanded(&path)));
        }
        if let Some(spec) = &self.spec
            && cwd.join(spec).is_file()
        {
            self.spec = Some(cwd.join(spec).display().to_string());
        }
        self
    }

    /// What to plan, as far as these flags say it.
    pub(super) fn request(&self, source: Source, design: Design, cwd: PathBuf) -> Result<Request, Exit> {
        let spec = self.spec.clone().ok_or_else(|| {
            Exit::new(
                exit::USAGE,
                "no specification is named: give --spec NAME or set LLMDBENCH_SPEC; `--spec local` needs nothing but \
                 this machine",
            )
        })?;
        let mut request = Request::new(spec, source, design);
        request.cwd = cwd;
        request.base_dir.clone_from(&self.base_dir);
        request.set.clone_from(&self.set);
        request.cluster_config.clone_from(&self.cluster_config);
        request.namespace.clone_from(&self.namespace);
        request.methods.clone_from(&self.methods);
        request.models.clone_from(&self.models);
        request.stack.clone_from(&self.stack);
        request.gateway_class.clone_from(&self.gateway_class);
        request.monitoring = self.monitoring();
        request.wva = self.wva;
        request.epp_keda_saturation = self.epp_keda_saturation;
        request.non_admin = self.non_admin;
        request.hugging_face_token = TOKENS
            .iter()
            .any(|name| std::env::var_os(name).is_some_and(|token| !token.is_empty()));
        request.description.clone_from(&self.run_description);
        request.keywords.clone_from(&self.run_keywords);
        Ok(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{CommandFactory, FromArgMatches, Parser};

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        plan: PlanFlags,
    }

    fn flags(line: &str) -> PlanFlags {
        // The developer's own environment is none of the test's business.
        let command = Line::command().mut_args(|arg| arg.env(clap::builder::Resettable::Reset));
        let matches = command.try_get_matches_from(line.split(' ')).unwrap();
        Line::from_arg_matches(&matches).unwrap().plan
    }

    #[test]
    fn monitoring_is_as_the_scenario_says_unless_a_flag_decides() {
        for (line, wanted) in [
            ("x", None),
            ("x -f", Some(true)),
            ("x --no-monitoring", Some(false)),
            ("x --no-monitoring -f", Some(true)),
            ("x -f --no-monitoring", Some(false)),
        ] {
            assert_eq!(flags(line).monitoring(), wanted, "{line}");
        }
        // From the environment, which the command line beats.
        let mut both = flags("x --no-monitoring");
        both.monitoring = true;
        assert_eq!(both.monitoring(), Some(false));
        assert_eq!(
            flags("x -f").over(flags("x --no-monitoring")).monitoring(),
            Some(true)
        );
        assert_eq!(
            flags("x").over(flags("x --no-monitoring")).monitoring(),
            Some(false)
        );
    }

    #[test]
    fn flags_become_absolute_but_names_stay() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("mine.yaml.j2"), "").unwrap();
        let made = |line| flags(line).absolute(folder.path());
        let at = |name| folder.path().join(name);
        assert_eq!(made("x --spec local").spec.as_deref(), Some("local"));
        assert_eq!(
            made("x --spec mine.yaml.j2").spec,
            Some(at("mine.yaml.j2").display().to_string())
        );
        let paths = made("x --base-dir b --cc c -k k");
        assert_eq!(
            [paths.base_dir, paths.cluster_config, paths.kubeconfig],
            [Some(at("b")), Some(at("c")), Some(at("k"))]
        );
    }
}
