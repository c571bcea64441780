//! Against what the reference makes of the same command lines.

use crate::experiment::{self, Override, OverrideTarget};
use crate::plan::{BaseDir, PlatformKind, Request, make, spec_names};
use crate::yaml;
use serde_json::Value;
use std::path::{Path, PathBuf};

fn variable(name: &str) -> PathBuf {
    std::env::var_os(name)
        .unwrap_or_else(|| panic!("set {name}"))
        .into()
}

/// The first few places where two values differ, with both sides.
fn differences(path: &str, ours: &Value, theirs: &Value, found: &mut Vec<String>) {
    match (ours, theirs) {
        (Value::Object(a), Value::Object(b)) => {
            for (key, value) in a {
                let path = format!("{path}.{key}");
                match b.get(key) {
                    Some(other) => differences(&path, value, other, found),
                    None => found.push(format!("{path}: ours has {value}, theirs nothing")),
                }
            }
            for (key, value) in b.iter().filter(|(key, _)| !a.contains_key(*key)) {
                found.push(format!("{path}.{key}: theirs has {value}, ours nothing"));
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (index, (a, b)) in a.iter().zip(b).enumerate() {
                differences(&format!("{path}.{index}"), a, b, found);
            }
        }
        (a, b) if a == b => {}
        (a, b) => found.push(format!("{path}: ours {a}, theirs {b}")),
    }
}

/// Every config of a checkout of llm-d-benchmark is as the reference resolves it (`-p ns1 -f -n`).
#[test]
#[ignore = "needs a checkout of llm-d-benchmark and what it rendered"]
fn every_config_of_a_checkout_is_the_references() {
    let checkout = variable("LLMDBENCH_REFERENCE_CHECKOUT");
    let rendered = variable("LLMDBENCH_REFERENCE_RENDERED");
    let mut wrong = Vec::new();
    let mut count = 0;
    for name in spec_names(&BaseDir::external(&checkout).unwrap()) {
        let mut request = Request::without_experiment(&name);
        request.base_dir = Some(checkout.clone());
        request.namespace = Some("ns1".to_owned());
        request.monitoring = Some(true);
        let plan = match make(&request) {
            Ok(plan) => plan,
            Err(error) => {
                wrong.push(format!("{name}: {error}"));
                continue;
            }
        };
        for stack in plan.stacks() {
            count += 1;
            let path = rendered.join(&name).join(stack).join("config.yaml");
            let text = std::fs::read_to_string(&path).unwrap();
            let theirs = yaml::from_str(&text).unwrap();
            let ours = plan.resolved(&plan.setups[0], stack).config;
            let mut found = Vec::new();
            differences("", &ours, &theirs, &mut found);
            println!(
                "{:<10} {name}/{stack}",
                if found.is_empty() { "equal" } else { "DIFFERENT" }
            );
            wrong.extend(found.into_iter().map(|one| format!("{name}/{stack}: {one}")));
        }
    }
    println!("{count} configs");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Command lines whose configs must be those of the reference: a spec and flags of `plan`.
const COMMAND_LINES: &[&[&str]] = &[
    &["guides/optimized-baseline", "-p", "a,b,c"],
    &["guides/optimized-baseline", "-p", "auto,h", "-f"],
    &["guides/optimized-baseline"],
    &["guides/optimized-baseline", "-p", "ns1", "-t", "standalone"],
    &["guides/optimized-baseline", "-p", "ns1", "-t", "kustomize"],
    &["guides/optimized-baseline", "-p", "ns1", "-t", "nok8s"],
    &["guides/optimized-baseline", "-p", "ns1", "-t", "modelservice,fma"],
    &[
        "guides/optimized-baseline",
        "-p",
        "ns1",
        "-m",
        "org/some.model-7B",
        "-f",
    ],
    &[
        "guides/optimized-baseline",
        "-p",
        "ns1",
        "--gateway-class",
        "istio",
    ],
    &[
        "guides/optimized-baseline",
        "-p",
        "ns1",
        "--gateway-class",
        "none",
    ],
    &[
        "guides/optimized-baseline",
        "-p",
        "ns1",
        "--gateway-class",
        "gke",
        "-f",
    ],
    &[
        "guides/pd-disaggregation",
        "-p",
        "ns1",
        "--gateway-class",
        "agentgateway",
    ],
    &["guides/pd-disaggregation", "-p", "ns1", "-t", "standalone", "-f"],
    &[
        "guides/precise-prefix-cache-routing",
        "-p",
        "ns1",
        "--set",
        "huggingface.secretName=mine,monitoring.metricsScrapeEnabled=true",
    ],
    &[
        "guides/precise-prefix-cache-routing",
        "-p",
        "ns1",
        "--set",
        "accelerator.profile=intel-xe",
    ],
    &[
        "guides/precise-prefix-cache-routing",
        "-p",
        "ns1",
        "--set",
        "accelerator.profile=intel-xpu,accelerator.resource=auto,model.name=a/b",
    ],
    &[
        "guides/wide-ep-lws",
        "-p",
        "ns1",
        "--set",
        "vllmCommon.networkResource=auto,vllmCommon.networkNr=auto",
    ],
    &[
        "guides/wide-ep-lws",
        "-p",
        "ns1",
        "--set",
        "vllmCommon.networkResource=rdma/ib,vllmCommon.networkNr=auto",
    ],
    &[
        "guides/nok8s",
        "-p",
        "ns1",
        "-m",
        "org/other",
        "--set",
        "nok8s.vllm.replicas=2",
    ],
    &["examples/gpu", "-p", "ns1", "--set", "resourcePreset=small"],
    &[
        "examples/gpu",
        "-p",
        "ns1",
        "--set",
        "resourcePreset=xlarge,decode.parallelism.tensor=3",
    ],
    &[
        "examples/gpu",
        "-p",
        "ns1",
        "--set",
        "annotations.decode.pod.\"k8s.v1.cni.cncf.io/networks\"=multi-nic",
        "-f",
    ],
    &[
        "examples/gpu",
        "-p",
        "ns1",
        "--set",
        "decode.vllm.additionalFlags=[--a=1,\"--b\"],decode.resources={limits: {cpu: 012}}",
    ],
    &[
        "examples/gpu",
        "-p",
        "ns1",
        "--set",
        "decode.replicas=1_0,description.text=1:30,labels.inferenceServing=yes,model.gpuMemoryUtilization=1e-5",
    ],
    &[
        "examples/gpu",
        "-p",
        "ns1",
        "--set",
        "storage.modelPvc.size=,new.section.key=x,decode.replicas=null",
    ],
    &[
        "examples/gpu",
        "-p",
        "ns1",
        "--set",
        "*:decode.replicas=2,gpu-*:decode.replicas=3,gpu-example:decode.replicas=4",
    ],
    &[
        "examples/multi-model-optimized-baseline",
        "-p",
        "ns1",
        "--set",
        "decode.replicas=2,*-8b:decode.replicas=3,qwen3-06b:decode.replicas=4",
    ],
    &[
        "examples/multi-model-optimized-baseline",
        "-p",
        "ns1",
        "-m",
        "org/one",
        "-f",
    ],
    &[
        "examples/multi-model-optimized-baseline",
        "-p",
        "ns1",
        "-t",
        "standalone",
    ],
    &[
        "examples/multi-model-optimized-baseline",
        "-p",
        "ns1",
        "--set",
        "qwen3-06b:nok8s.vllm.hostPort=9000,qwen3-06b:nok8s.envoy={listenPort: 9081, adminPort: 9902},qwen3-06b:nok8s.epp={grpcPort: 9100, grpcHealthPort: 9101, metricsPort: 9102}",
        "-t",
        "nok8s",
    ],
    &[
        "examples/cpu",
        "-p",
        "ns1",
        "--cluster-config",
        "config/cluster-configs/examples/openshift-pokprod.yaml",
    ],
    &[
        "examples/gpu",
        "-p",
        "ns1",
        "--cluster-config",
        "config/cluster-configs/examples/kind.yaml",
        "--set",
        "storage.storageClassName=mine",
        "-f",
    ],
    &["guides/workload-autoscaling", "-p", "ns1"],
    &["cicd/ocp-keda-fma-hotstart", "-m", "org/one"],
    &[
        "examples/spyre",
        "-p",
        "ns1",
        "--set",
        "decode.initContainers=[{name: x}],huggingface.token=REPLACE_TOKEN",
    ],
    &[
        "examples/launcher",
        "-p",
        "ns1",
        "--set",
        "standalone.initContainers=[{name: x, imageKey: benchmark}]",
    ],
    &[
        "guides/flow-control",
        "-p",
        "ns1",
        "--set",
        "router.epp.verbosity=5,router.epp.zmqPort=0,router.epp.image.tag=dev,router.tokenizer.enabled=true",
    ],
    &[
        "guides/flow-control",
        "-p",
        "ns1",
        "--set",
        "router.epp.flags={x: 1},router.extraServicePorts=[{name: http, port: 1}],router.tokenizer={enabled: true, env: [{name: A, value: b}]}",
    ],
    &[
        "guides/flow-control",
        "-p",
        "ns1",
        "--gateway-class",
        "istio",
        "--set",
        "router.inferencePool.providerConfig={destinationRule: {trafficPolicy: {x: 1}}},provider.istio.destinationRule.host=mine",
    ],
    &[
        "guides/flow-control",
        "-p",
        "ns1",
        "--set",
        "description.text='${model.name} ${model.maxModelLen} ${model.gpuMemoryUtilization} ${decode.enabled} ${nope.x} ${decode} ${HOME}',images.vllm.tag=auto,affinity.nodeSelector=auto",
    ],
];

/// Command lines that neither takes.
const REFUSED: &[&[&str]] = &[
    &["guides/pd-disaggregation", "--gateway-class", "none"],
    &[
        "examples/multi-model-optimized-baseline",
        "--gateway-class",
        "epponly",
    ],
    &["examples/multi-model-optimized-baseline", "-t", "nok8s"],
    &["guides/optimized-baseline", "--gateway-class", "nginx"],
    &[
        "guides/optimized-baseline",
        "--set",
        "vllmCommon.volumeMounts.0.mountPath=/x",
    ],
    &["guides/optimized-baseline", "--set", "decode.replicas.x=1"],
    &["guides/optimized-baseline", "--set", "nowhere:decode.replicas=1"],
    &["guides/optimized-baseline", "--set", "decode=1,decode.replicas=2"],
    &["guides/nok8s", "--set", "nok8s.envoy.listenPort='8081'x"],
    &[
        "guides/nok8s",
        "--set",
        "nok8s.envoy.listenPort=8000,nok8s.vllm.hostPort=8000",
    ],
    &[
        "guides/optimized-baseline",
        "-t",
        "kustomize",
        "--set",
        "kustomize.patches=[{patch: '- a'}]",
    ],
];

/// The same command line for us.
fn as_request(checkout: &Path, line: &[&str]) -> Request {
    let mut words = line.iter().map(|word| (*word).to_owned());
    let mut request = Request::without_experiment(words.next().unwrap());
    request.platform = PlatformKind::Kubernetes;
    request.base_dir = Some(checkout.to_path_buf());
    request.cwd = checkout.to_path_buf();
    // Without its flag, the reference switches monitoring off.
    request.monitoring = Some(line.contains(&"-f"));
    while let Some(flag) = words.next() {
        match flag.as_str() {
            "-f" => {}
            "-p" => request.namespace = words.next(),
            "-t" => request.methods = words.next(),
            "-m" => request.models = words.next(),
            "--gateway-class" => request.gateway_class = words.next(),
            "--set" => request.set.extend(words.next()),
            "--cluster-config" => request.cluster_config = words.next().map(PathBuf::from),
            other => panic!("{other}"),
        }
    }
    request
}

/// What the reference makes of a command line: its folder with a folder for each stack.
fn reference(checkout: &Path, line: &[&str], workspace: &Path) -> Option<PathBuf> {
    let output = std::process::Command::new(variable("LLMDBENCH_REFERENCE_COMMAND"))
        .current_dir(checkout)
        .args(["--spec", line[0], "--base-dir"])
        .arg(checkout)
        .arg("--workspace")
        .arg(workspace)
        .args(["-n", "plan"])
        .args(&line[1..])
        .output()
        .unwrap();
    let instance = std::fs::read_dir(workspace).ok()?.next()?.unwrap().path();
    if !output.status.success() {
        println!("refused: {}", String::from_utf8_lossy(&output.stderr));
    }
    output.status.success().then(|| instance.join("plan"))
}

/// Other command lines resolve as with the reference, which is run for each of them.
#[test]
#[ignore = "needs a checkout of llm-d-benchmark and its command"]
fn command_lines_come_to_the_references_configs() {
    let checkout = variable("LLMDBENCH_REFERENCE_CHECKOUT");
    let mut wrong = Vec::new();
    for line in COMMAND_LINES.iter().chain(REFUSED) {
        let workspace = tempfile::tempdir().unwrap();
        let theirs = reference(&checkout, line, workspace.path());
        let ours = make(&as_request(&checkout, line));
        let name = line.join(" ");
        let mut found = Vec::new();
        match (theirs, ours) {
            (Some(theirs), Ok(plan)) => {
                for stack in plan.stacks() {
                    let text = std::fs::read_to_string(theirs.join(stack).join("config.yaml")).unwrap();
                    let theirs = yaml::from_str(&text).unwrap();
                    let ours = plan.resolved(&plan.setups[0], stack).config;
                    differences(stack, &ours, &theirs, &mut found);
                }
            }
            (None, Err(error)) => {
                println!("{error}");
                assert!(REFUSED.contains(line), "{name}");
            }
            (Some(_), Err(error)) => found.push(format!("only we refuse it: {error}")),
            (None, Ok(_)) => found.push("only the reference refuses it".to_owned()),
        }
        println!(
            "{:<10} {name}",
            if found.is_empty() { "equal" } else { "DIFFERENT" }
        );
        wrong.extend(found.into_iter().map(|one| format!("{name}: {one}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A treatment of a setup does what `--set` with the same values does.
#[test]
#[ignore = "needs a checkout of llm-d-benchmark and its command"]
fn setup_treatments_come_to_the_references_configs() {
    let checkout = variable("LLMDBENCH_REFERENCE_CHECKOUT");
    let mut wrong = Vec::new();
    for (spec, experiment) in [
        ("guides/optimized-baseline", "optimized-baseline"),
        ("guides/pd-disaggregation", "pd-disaggregation"),
        (
            "guides/precise-prefix-cache-routing",
            "precise-prefix-cache-aware",
        ),
        ("guides/tiered-prefix-cache", "tiered-prefix-cache"),
    ] {
        let name = format!("experiments/{experiment}.yaml");
        let source = experiment::find(&name, &checkout).unwrap();
        let mut design = experiment::load(&source).design.unwrap();
        design.runs.clear();
        let mut request = as_request(&checkout, &[spec, "-p", "ns1"]);
        request.source = source;
        request.design = design;
        let plan = make(&request).unwrap_or_else(|error| panic!("{error}"));
        for setup in plan.setups.iter().step_by(3) {
            let sets: Vec<String> = setup.overrides.iter().map(as_set).collect();
            let mut line = vec![spec, "-p", "ns1"];
            line.extend(sets.iter().flat_map(|set| ["--set", set]));
            let workspace = tempfile::tempdir().unwrap();
            let theirs = reference(&checkout, &line, workspace.path()).unwrap();
            let mut found = Vec::new();
            for stack in plan.stacks() {
                let text = std::fs::read_to_string(theirs.join(stack).join("config.yaml")).unwrap();
                let theirs = yaml::from_str(&text).unwrap();
                differences(stack, &plan.resolved(setup, stack).config, &theirs, &mut found);
            }
            println!(
                "{:<10} {experiment} {}",
                if found.is_empty() { "equal" } else { "DIFFERENT" },
                setup.name
            );
            wrong.extend(found);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn as_set(one: &Override) -> String {
    match &one.target {
        OverrideTarget::Path(path) | OverrideTarget::Known(path) => {
            format!("{}={}", experiment::format_path(path), one.value)
        }
        OverrideTarget::EveryKey(_) => panic!("{one:?}"),
    }
}
