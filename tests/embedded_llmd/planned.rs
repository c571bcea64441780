//! Planned stacks, and how to look at them.

use llmdbenchmark::plan::{BaseDir, PlatformKind, Request, Templates, make};
use llmdbenchmark::yaml;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

/// The files of this part of a plan.
pub(super) const OURS: [&str; 9] = [
    "03_cluster-monitoring-config.yaml",
    "08_httproute.yaml",
    "09_helmfile-gateway-provider.yaml",
    "10_helmfile-main.yaml",
    "11_infra.yaml",
    "12_router-values.yaml",
    "13_ms-values.yaml",
    "13a_modelservice-direct-service.yaml",
    "18_podmonitor.yaml",
];
/// What the chart calls a role's values, and `shape` the role.
pub(super) const ROLES: [&str; 2] = ["prefill", "decode"];

/// A planned stack.
pub(super) struct Stack {
    pub(super) config: Value,
    pub(super) files: BTreeMap<String, String>,
}

impl Stack {
    /// A rendered file; null where the stack has no use for it.
    pub(super) fn file(&self, name: &str) -> Value {
        let text = &self.files[name];
        if text.trim().is_empty() {
            return Value::Null;
        }
        yaml::from_str(text).unwrap_or_else(|finding| panic!("{name}: {finding:?}\n{text}"))
    }

    pub(super) fn servers(&self) -> Value {
        self.file("13_ms-values.yaml")
    }

    /// The files of `OURS` that say something, one after the other.
    pub(super) fn shown(&self) -> String {
        let mut shown = String::new();
        for name in OURS {
            match self.files[name].trim() {
                "" => writeln!(shown, "--- {name}: empty"),
                text => writeln!(shown, "--- {name}\n{text}"),
            }
            .unwrap();
        }
        shown
    }
}

/// All stacks of what `change` makes of a plain request for `spec`.
pub(super) fn planned(spec: &str, change: impl FnOnce(&mut Request)) -> Vec<Stack> {
    let mut request = Request::without_experiment(spec);
    request.platform = PlatformKind::Kubernetes;
    request.namespace = Some("ns1".to_owned());
    change(&mut request);
    let plan = make(&request).unwrap_or_else(|error| panic!("{spec}: {error}"));
    let templates = Templates::load(&plan.spec).unwrap_or_else(|remarks| panic!("{remarks:?}"));
    let setup = &plan.setups[0];
    let stacks: Vec<Stack> = plan
        .stacks()
        .into_iter()
        .map(|name| {
            let config = plan.resolved(setup, name).config;
            let files = templates
                .render(&config, &setup.name, name)
                .unwrap_or_else(|remarks| panic!("{remarks:?}"));
            let files: BTreeMap<String, String> = files
                .into_iter()
                .map(|file| (file.name, file.text.to_string()))
                .collect();
            Stack { config, files }
        })
        .collect();
    assert!(!stacks.is_empty());
    stacks
}

pub(super) fn one(spec: &str, set: &[&str]) -> Stack {
    let mut stacks = planned(spec, |request| request.set = owned(set));
    assert_eq!(stacks.len(), 1);
    stacks.remove(0)
}

pub(super) fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

pub(super) fn with_gateway(spec: &str, class: &str, set: &[&str]) -> Stack {
    planned(spec, |request| {
        request.gateway_class = Some(class.to_owned());
        request.set = owned(set);
    })
    .remove(0)
}

/// Two models behind one gateway.
pub(super) fn two_models(class: &str, mode: &str) -> Vec<Stack> {
    let folder = tempfile::tempdir().unwrap();
    let base = folder.path();
    let defaults = "config/templates/values/defaults.yaml";
    write(
        base,
        defaults,
        &BaseDir::embedded().read(defaults).unwrap().unwrap().text,
    );
    // A folder without templates of its own: all are embedded ones.
    write(base, "config/templates/jinja/README.md", "nothing\n");
    write(
        base,
        "config/specification/two.yaml.j2",
        "base_dir: {{ base_dir }}\n\
         values_file: {path: \"{{ base_dir }}/config/templates/values/defaults.yaml\"}\n\
         template_dir: {path: \"{{ base_dir }}/config/templates/jinja\"}\n\
         scenario_file: {path: \"{{ base_dir }}/config/scenarios/two.yaml\"}\n",
    );
    write(
        base,
        "config/scenarios/two.yaml",
        &format!(
            "shared:\n  gateway: {{className: {class}}}\n  httpRoute: {{mode: {mode}, name: both, pathPrefix: \"/{{stack.name}}\", rewriteTo: /}}\n\
             scenario:\n  - name: small\n    model: {{name: Qwen/Qwen3-0.6B, huggingfaceId: Qwen/Qwen3-0.6B, path: models/Qwen/Qwen3-0.6B}}\n  \
             - name: large\n    model: {{name: Qwen/Qwen3-32B, huggingfaceId: Qwen/Qwen3-32B, path: models/Qwen/Qwen3-32B}}\n    decode: {{parallelism: {{tensor: 2}}}}\n"
        ),
    );
    planned("two", |request| request.base_dir = Some(base.to_owned()))
}

pub(super) fn write(base: &Path, name: &str, text: &str) {
    let path = base.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

pub(super) fn at<'a>(value: &'a Value, pointer: &str) -> &'a Value {
    value
        .pointer(pointer)
        .unwrap_or_else(|| panic!("no {pointer} in {value:#}"))
}

pub(super) fn container<'a>(values: &'a Value, role: &str) -> &'a Value {
    at(values, &format!("/{role}/containers/0"))
}

/// The ports that the probes of a role's servers ask.
pub(super) fn probed(values: &Value, role: &str) -> Vec<u64> {
    let extra = at(container(values, role), "/extraConfig");
    ["startupProbe", "livenessProbe", "readinessProbe"]
        .iter()
        .map(|probe| {
            let probe = &extra[*probe];
            let handler = probe.get("httpGet").or_else(|| probe.get("tcpSocket")).unwrap();
            handler["port"].as_u64().unwrap()
        })
        .collect()
}

pub(super) fn metrics_port(values: &Value, role: &str) -> u64 {
    at(container(values, role), "/ports")
        .as_array()
        .unwrap()
        .iter()
        .find(|port| port["name"] == "metrics")
        .unwrap()["containerPort"]
        .as_u64()
        .unwrap()
}

pub(super) fn variable(values: &Value, role: &str, name: &str) -> String {
    at(container(values, role), "/env")
        .as_array()
        .unwrap()
        .iter()
        .find(|variable| variable["name"] == name)
        .unwrap()["value"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// The port that each role's server listens on is `expected`, wherever it is written.
pub(super) fn listens(values: &Value, role: &str, expected: u64) {
    assert_eq!(probed(values, role), [expected; 3], "{role}");
    assert_eq!(metrics_port(values, role), expected, "{role}");
    assert_eq!(
        variable(values, role, "VLLM_METRICS_PORT"),
        expected.to_string(),
        "{role}"
    );
}

pub(super) fn release<'a>(helmfile: &'a Value, name: &str) -> &'a Value {
    let releases = at(helmfile, "/releases").as_array().unwrap();
    releases
        .iter()
        .find(|release| release["name"] == name)
        .unwrap_or_else(|| panic!("no release {name} in {releases:#?}"))
}
