//! What the embedded templates make of llm-d stacks: releases, chart values, routes and monitors that fit together.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests are tests too"
)]

use llmdbenchmark::plan::{BaseDir, PlatformKind, Request, Templates, make, shape};
use llmdbenchmark::yaml;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

/// The files of this part of a plan.
const OURS: [&str; 9] = [
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
const ROLES: [&str; 2] = ["prefill", "decode"];

/// A planned stack.
struct Stack {
    config: Value,
    files: BTreeMap<String, String>,
}

impl Stack {
    /// A rendered file; null where the stack has no use for it.
    fn file(&self, name: &str) -> Value {
        let text = &self.files[name];
        if text.trim().is_empty() {
            return Value::Null;
        }
        yaml::from_str(text).unwrap_or_else(|finding| panic!("{name}: {finding:?}\n{text}"))
    }

    fn servers(&self) -> Value {
        self.file("13_ms-values.yaml")
    }

    /// The files of `OURS` that say something, one after the other.
    fn shown(&self) -> String {
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
fn planned(spec: &str, change: impl FnOnce(&mut Request)) -> Vec<Stack> {
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

fn one(spec: &str, set: &[&str]) -> Stack {
    let mut stacks = planned(spec, |request| request.set = owned(set));
    assert_eq!(stacks.len(), 1);
    stacks.remove(0)
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

fn with_gateway(spec: &str, class: &str, set: &[&str]) -> Stack {
    planned(spec, |request| {
        request.gateway_class = Some(class.to_owned());
        request.set = owned(set);
    })
    .remove(0)
}

/// Two models behind one gateway.
fn two_models(class: &str, mode: &str) -> Vec<Stack> {
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

fn write(base: &Path, name: &str, text: &str) {
    let path = base.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn at<'a>(value: &'a Value, pointer: &str) -> &'a Value {
    value
        .pointer(pointer)
        .unwrap_or_else(|| panic!("no {pointer} in {value:#}"))
}

fn container<'a>(values: &'a Value, role: &str) -> &'a Value {
    at(values, &format!("/{role}/containers/0"))
}

/// The ports that the probes of a role's servers ask.
fn probed(values: &Value, role: &str) -> Vec<u64> {
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

fn metrics_port(values: &Value, role: &str) -> u64 {
    at(container(values, role), "/ports")
        .as_array()
        .unwrap()
        .iter()
        .find(|port| port["name"] == "metrics")
        .unwrap()["containerPort"]
        .as_u64()
        .unwrap()
}

fn variable(values: &Value, role: &str, name: &str) -> String {
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
fn listens(values: &Value, role: &str, expected: u64) {
    assert_eq!(probed(values, role), [expected; 3], "{role}");
    assert_eq!(metrics_port(values, role), expected, "{role}");
    assert_eq!(
        variable(values, role, "VLLM_METRICS_PORT"),
        expected.to_string(),
        "{role}"
    );
}

fn release<'a>(helmfile: &'a Value, name: &str) -> &'a Value {
    let releases = at(helmfile, "/releases").as_array().unwrap();
    releases
        .iter()
        .find(|release| release["name"] == name)
        .unwrap_or_else(|| panic!("no release {name} in {releases:#?}"))
}

#[test]
fn prefill_and_decode_servers_behind_a_router() {
    insta::assert_snapshot!(one("pd-disaggregation", &[]).shown());
}

#[test]
fn servers_behind_a_router_that_knows_their_caches() {
    insta::assert_snapshot!(one("precise-prefix-cache-aware", &[]).shown());
}

#[test]
fn servers_behind_a_router_that_scores_them() {
    insta::assert_snapshot!(one("inference-scheduling", &[]).shown());
}

#[test]
fn a_gateway_of_istio() {
    insta::assert_snapshot!(with_gateway("precise-prefix-cache-aware", "istio", &[]).shown());
}

#[test]
fn no_router_at_all() {
    let stack = with_gateway("precise-prefix-cache-aware", "none", &[]);
    insta::assert_snapshot!(stack.shown());
    assert_eq!(stack.file("12_router-values.yaml"), Value::Null);
    listens(&stack.servers(), "decode", 8000);
    let service = stack.file("13a_modelservice-direct-service.yaml");
    let labels = at(&stack.servers(), "/modelArtifacts/labels").clone();
    for (key, value) in at(&service, "/spec/selector").as_object().unwrap() {
        assert!(
            key == "llm-d.ai/role" && value == "decode" || labels[key] == *value,
            "{key}"
        );
    }
}

#[test]
fn two_stacks_share_a_gateway_and_a_route() {
    let stacks = two_models("istio", "shared");
    let shown: String = stacks.iter().map(Stack::shown).collect();
    insta::assert_snapshot!(shown);
    assert_eq!(stacks[1].file("08_httproute.yaml"), Value::Null);
    assert_eq!(stacks[1].file("11_infra.yaml"), Value::Null);
    let route = stacks[0].file("08_httproute.yaml");
    let pools: Vec<&str> = at(&route, "/spec/rules")
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| at(rule, "/backendRefs/0/name").as_str().unwrap())
        .collect();
    for (stack, pool) in stacks.iter().zip(pools) {
        release(&stack.file("10_helmfile-main.yaml"), pool);
    }
}

#[test]
fn only_the_first_stack_takes_what_has_no_prefix() {
    let stacks = two_models("istio", "per-stack");
    let rules = |stack: &Stack| {
        let route = stack.file("08_httproute.yaml");
        at(&route, "/spec/rules")
            .as_array()
            .unwrap()
            .iter()
            .map(|rule| rule.get("matches").is_some())
            .collect::<Vec<_>>()
    };
    assert_eq!(rules(&stacks[0]), [true, false]);
    assert_eq!(rules(&stacks[1]), [true]);
}

#[test]
fn the_chart_gets_the_servers_that_the_plan_counts_with() {
    for (spec, set) in [
        (
            "pd-disaggregation",
            &["prefill.replicas=6,decode.replicas=1,decode.parallelism.tensor=4"][..],
        ),
        ("pd-disaggregation", &["decode.parallelism.tensor=0"]),
        ("precise-prefix-cache-aware", &["decode.replicas=3"]),
        ("inference-scheduling", &[]),
        ("gpu", &["decode.parallelism.tensor=8"]),
    ] {
        let stack = one(spec, set);
        let values = stack.servers();
        let shape = shape::of(&stack.config).unwrap();
        for role in ROLES {
            let planned = shape.roles.iter().find(|planned| planned.name == role);
            assert_eq!(values[role]["create"] == true, planned.is_some(), "{spec} {role}");
            let Some(planned) = planned else { continue };
            assert_eq!(values[role]["replicas"], planned.replicas, "{spec} {role}");
            let tensor = planned.tensor_parallelism;
            assert_eq!(values[role]["parallelism"]["tensor"], tensor, "{spec} {role}");
            for kind in ["limits", "requests"] {
                let devices = &container(&values, role)["resources"][kind]["nvidia.com/gpu"];
                assert_eq!(*devices, tensor.to_string(), "{spec} {role}");
            }
        }
        let router = stack.file("12_router-values.yaml");
        assert_eq!(
            at(&router, "/router/epp/pluginsConfigFile").as_str(),
            shape.plugin_config.as_deref()
        );
    }
}

#[test]
fn a_server_without_an_accelerator_asks_for_none() {
    for spec in ["cpu", "sim"] {
        let stack = one(spec, &["standalone.enabled=false,modelservice.enabled=true"]);
        let values = stack.servers();
        assert_eq!(at(&values, "/accelerator/type"), "cpu", "{spec}");
        for kind in ["limits", "requests"] {
            let given = at(container(&values, "decode"), &format!("/resources/{kind}"))
                .as_object()
                .unwrap();
            assert!(given.keys().all(|name| !name.contains('/')), "{spec}: {given:?}");
        }
    }
    // One role may have none where others have some.
    let values = one("pd-disaggregation", &["prefill.accelerator.count=0"]).servers();
    assert_eq!(at(&values, "/accelerator/type"), "nvidia");
    assert_eq!(at(&values, "/prefill/accelerator/type"), "cpu");
    assert!(values["decode"].get("accelerator").is_none());
}

#[test]
fn what_the_chart_knows_of_a_role_reaches_it() {
    let set = [
        "decode.schedulerName=mine,decode.terminationGracePeriodSeconds=90,decode.priorityClassName=urgent",
        "decode.acceleratorType.labelKey=gpu,decode.acceleratorType.labelValues=[a, b]",
        "affinity.enabled=true",
        r#"affinity.nodeSelector={"zone": "east"}"#,
        "vllmCommon.pullSecret=registry,huggingface.enabled=true",
        "decode.networkResource=rdma/ib,decode.networkNr=2",
    ];
    let values = one("precise-prefix-cache-aware", &set).servers();
    let decode = &values["decode"];
    assert_eq!(decode["schedulerName"], "mine");
    assert_eq!(decode["terminationGracePeriodSeconds"], 90);
    assert_eq!(decode["priorityClassName"], "urgent");
    assert_eq!(
        decode["acceleratorTypes"],
        serde_json::json!({"labelKey": "gpu", "labelValues": ["a", "b"]})
    );
    assert_eq!(decode["nodeSelector"], serde_json::json!({"zone": "east"}));
    assert_eq!(at(decode, "/extraConfig/imagePullSecrets/0/name"), "registry");
    let vllm = container(&values, "decode");
    assert_eq!(vllm["resources"]["limits"]["rdma/ib"], "2");
    assert_eq!(
        at(vllm, "/extraConfig/securityContext/capabilities/add"),
        &serde_json::json!(["IPC_LOCK"])
    );
}

#[test]
fn servers_listen_where_they_are_asked() {
    let stack = one("pd-disaggregation", &[]);
    listens(&stack.servers(), "prefill", 8000);
    listens(&stack.servers(), "decode", 8200);
    let stack = one("pd-disaggregation", &["routing.proxy.enabled=false"]);
    listens(&stack.servers(), "decode", 8000);
    // Each of two keys names the same port; it is enough to change one.
    for (set, service, target) in [
        (
            ["routing.servicePort=8005", "routing.proxy.targetPort=8205"],
            8005,
            8205,
        ),
        (
            ["decode.vllm.servicePort=8006", "decode.vllm.port=8206"],
            8006,
            8206,
        ),
    ] {
        let stack = one("pd-disaggregation", &set);
        let values = stack.servers();
        assert_eq!(at(&values, "/routing/servicePort"), service);
        assert_eq!(at(&values, "/routing/proxy/targetPort"), target);
        listens(&values, "prefill", service);
        listens(&values, "decode", target);
        let router = stack.file("12_router-values.yaml");
        assert_eq!(at(&router, "/router/modelServers/targetPorts/0/number"), service);
    }
}

#[test]
fn the_pool_of_the_router_selects_the_pods() {
    let own = &[r#"router.modelServers.matchLabels={"team": "blue", "llm-d.ai/guide": "mine"}"#][..];
    for (spec, set) in [
        ("pd-disaggregation", &[][..]),
        ("precise-prefix-cache-aware", &[]),
        ("precise-prefix-cache-aware", own),
    ] {
        let stack = one(spec, set);
        let labels = at(&stack.servers(), "/modelArtifacts/labels").clone();
        let router = stack.file("12_router-values.yaml");
        let selector = at(&router, "/router/modelServers/matchLabels")
            .as_object()
            .unwrap();
        assert!(!selector.is_empty());
        for (key, value) in selector {
            assert_eq!(labels[key], *value, "{spec} {key}");
        }
        let monitor = stack.file("18_podmonitor.yaml");
        for (key, value) in at(&monitor, "/spec/selector/matchLabels").as_object().unwrap() {
            assert_eq!(labels[key], *value, "{spec} {key}");
        }
    }
}

#[test]
fn another_release_has_a_gateway_of_its_own_name() {
    let stack = with_gateway(
        "pd-disaggregation",
        "istio",
        &["release=mine", "gateway.namespace=edge"],
    );
    let helmfile = stack.file("10_helmfile-main.yaml");
    assert_eq!(release(&helmfile, "infra-mine")["namespace"], "edge");
    let label = stack.config["model_id_label"].as_str().unwrap();
    for (name, needs) in [
        (format!("{label}-router"), vec!["edge/infra-mine".to_owned()]),
        (
            format!("{label}-ms"),
            vec!["edge/infra-mine".to_owned(), format!("ns1/{label}-router")],
        ),
    ] {
        let release = release(&helmfile, &name);
        assert_eq!(release["namespace"], "ns1");
        assert_eq!(release["needs"], serde_json::json!(needs));
    }
    let parent = at(&stack.file("08_httproute.yaml"), "/spec/parentRefs/0").clone();
    assert_eq!(
        (parent["name"].as_str(), parent["namespace"].as_str()),
        (Some("infra-mine-inference-gateway"), Some("edge"))
    );
}

#[test]
fn other_methods_leave_these_files_empty() {
    for method in ["standalone", "kustomize", "nok8s"] {
        let stack = planned("pd-disaggregation", |request| {
            request.methods = Some(method.to_owned());
        })
        .remove(0);
        for name in OURS.iter().skip(1) {
            assert_eq!(stack.file(name), Value::Null, "{method}: {name}");
        }
    }
}

#[test]
fn a_provider_that_somebody_looks_after_is_left_alone() {
    for class in ["istio", "agentgateway"] {
        let provider = |set: &[&str]| {
            with_gateway("pd-disaggregation", class, set).file("09_helmfile-gateway-provider.yaml")
        };
        let kinds: Vec<Value> = at(&provider(&[]), "/releases")
            .as_array()
            .unwrap()
            .iter()
            .map(|release| release["labels"]["kind"].clone())
            .collect();
        assert_eq!(kinds, ["gateway-crds", "gateway-control-plane"], "{class}");
        assert_eq!(
            provider(&["gateway.externallyManaged=true"]),
            Value::Null,
            "{class}"
        );
    }
}

#[test]
fn monitors_only_where_they_are_wanted() {
    let monitor = |monitoring: Option<bool>, set: &[&str]| {
        let stack = planned("precise-prefix-cache-aware", |request| {
            request.monitoring = monitoring;
            request.set = owned(set);
        });
        stack[0].file("18_podmonitor.yaml")
    };
    assert_ne!(monitor(Some(true), &[]), Value::Null);
    assert_eq!(monitor(Some(false), &[]), Value::Null);
    // The chart makes one itself: two would count everything twice.
    assert_eq!(
        monitor(Some(true), &["decode.monitoring.podmonitor.enabled=true"]),
        Value::Null
    );
}

#[test]
fn a_command_of_the_scenario_runs_after_its_preparation() {
    let set = [
        "decode.vllm.customCommand=my-server --port $VLLM_METRICS_PORT",
        "vllmCommon.preprocessScript=prepare-it",
    ];
    let values = one("precise-prefix-cache-aware", &set).servers();
    let vllm = container(&values, "decode");
    assert_eq!(vllm["modelCommand"], "custom");
    assert_eq!(
        vllm["args"][0],
        "prepare-it || echo \"llmdbenchmark: the preparation of the server failed\" >&2\n\
         my-server --port $VLLM_METRICS_PORT\n"
    );
}

#[test]
fn flags_of_the_scenario_reach_the_server() {
    let set = [
        "model.maxNumSeq=32",
        "vllmCommon.kvTransfer.enabled=true",
        "decode.vllm.additionalFlags=[--tool-call-parser, hermes]",
    ];
    let plain = one("pd-disaggregation", &set).servers();
    let args = &container(&plain, "decode")["args"];
    let words: Vec<&str> = args
        .as_array()
        .unwrap()
        .iter()
        .map(|word| word.as_str().unwrap())
        .collect();
    let after = |flag: &str| words[words.iter().position(|word| *word == flag).unwrap() + 1];
    assert_eq!(container(&plain, "decode")["modelCommand"], "vllmServe");
    assert_eq!(after("--max-num-seqs"), "32");
    assert_eq!(after("--tool-call-parser"), "hermes");
    let transfer: Value = serde_json::from_str(after("--kv-transfer-config")).unwrap();
    assert_eq!(
        transfer,
        serde_json::json!({"kv_connector": "NixlConnector", "kv_role": "kv_both"})
    );
    // The same through a shell, which reads what the preparation may have changed.
    let prepared = one(
        "pd-disaggregation",
        &[&set[..], &["vllmCommon.preprocessScript=prepare-it"]].concat(),
    )
    .servers();
    let script = container(&prepared, "decode")["args"][0]
        .as_str()
        .unwrap()
        .to_owned();
    for part in [
        "exec vllm serve '/model-cache/models/Qwen/Qwen3-32B'",
        "--max-num-seqs $VLLM_MAX_NUM_SEQ",
        "--tool-call-parser \\\n  hermes",
        r#"--kv-transfer-config '{"kv_connector":"NixlConnector","kv_role":"kv_both"}'"#,
    ] {
        assert!(script.contains(part), "{part} is not in {script}");
    }
}
