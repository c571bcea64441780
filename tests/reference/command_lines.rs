//! Other command lines than the one of the rendered files, and setup treatments: the reference is run for each.

use super::{Outcome, asked, compare, folder};
use llmdbenchmark::experiment::{self, Override, OverrideTarget};
use llmdbenchmark::plan::{self, Request};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Command lines whose plans must be those of the reference: a spec and flags of `plan`.
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
    let mut request = asked(checkout, &words.next().unwrap());
    request.namespace = None;
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

/// What the reference makes of a command line: its folder with a folder for each stack; `None` where it refuses.
fn reference(checkout: &Path, line: &[&str], workspace: &Path) -> Option<PathBuf> {
    let output = Command::new(folder("LLMDBENCH_REFERENCE_COMMAND"))
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
    output.status.success().then(|| instance.join("plan"))
}

/// A line of the table, and what differs.
fn told(name: &str, outcome: Outcome, wrong: &mut Vec<String>) -> String {
    let word = if outcome.different.is_empty() {
        "equal"
    } else {
        "DIFFERENT"
    };
    let equal = outcome.equal;
    let told = |(file, difference): (String, String)| format!("{name}: {file}: {difference}");
    wrong.extend(outcome.different.into_iter().map(told));
    format!("{word:<10} {equal:>4} files  {name}")
}

#[test]
#[ignore = "needs a checkout of llm-d-benchmark, and its command"]
fn command_lines_come_to_the_same_plans() {
    let checkout = folder("LLMDBENCH_REFERENCE_CHECKOUT");
    let mut wrong = Vec::new();
    for line in COMMAND_LINES {
        let workspace = tempfile::tempdir().unwrap();
        let theirs = reference(&checkout, line, workspace.path()).unwrap_or_else(|| panic!("{line:?}"));
        let outcome = compare(&as_request(&checkout, line), &theirs);
        println!("{}", told(&line.join(" "), outcome, &mut wrong));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
#[ignore = "needs a checkout of llm-d-benchmark, and its command"]
fn what_the_reference_refuses_is_refused() {
    let checkout = folder("LLMDBENCH_REFERENCE_CHECKOUT");
    for line in REFUSED {
        let workspace = tempfile::tempdir().unwrap();
        assert_eq!(reference(&checkout, line, workspace.path()), None, "{line:?}");
        println!(
            "{}\n{}\n",
            line.join(" "),
            plan::make(&as_request(&checkout, line)).unwrap_err()
        );
    }
}

/// A setup treatment does what `--set` with the same values does.
#[test]
#[ignore = "needs a checkout of llm-d-benchmark, and its command"]
fn setup_treatments_come_to_the_same_plans() {
    let checkout = folder("LLMDBENCH_REFERENCE_CHECKOUT");
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
        let source = experiment::find(&format!("experiments/{experiment}.yaml"), &checkout).unwrap();
        let design = experiment::load(&source).design.unwrap();
        for setup in design.setups.iter().step_by(3) {
            let sets: Vec<String> = setup.overrides.iter().map(as_set).collect();
            let mut line = vec![spec, "-p", "ns1"];
            line.extend(sets.iter().flat_map(|set| ["--set", set]));
            let workspace = tempfile::tempdir().unwrap();
            let theirs = reference(&checkout, &line, workspace.path()).unwrap();
            let mut request = as_request(&checkout, &[spec, "-p", "ns1"]);
            request.source = source.clone();
            request.design.setups = vec![setup.clone()];
            let name = format!("{experiment} {}", setup.name);
            println!("{}", told(&name, compare(&request, &theirs), &mut wrong));
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
