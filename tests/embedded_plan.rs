//! What the embedded templates put on a cluster around a stack, and for a standalone one: objects that fit together, and
//! shell text that survives odd values.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests are tests too"
)]

use llmdbenchmark::manifest;
use llmdbenchmark::plan::{BaseDir, PlatformKind, Request, Templates, make, spec_names};
use llmdbenchmark::yaml;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

const DEPLOYMENT: &str = "14_standalone-deployment_yaml.yaml";
const DOWNLOAD: &str = "04_download_job.yaml";
const HARNESS: &str = "20_harness_pod.yaml";
const AROUND: [&str; 5] = [
    "01_pvc_workload-pvc.yaml",
    "05_namespace_sa_rbac_secret.yaml",
    "06_pod_access_to_harness_data.yaml",
    "07_service_access_to_harness_data.yaml",
    HARNESS,
];

/// What pods of a plan may refer to although no file of the plan makes it; docs/reference.md says who does.
const MADE_ELSEWHERE: [(&str, &str); 4] = [
    ("ConfigMap", "inference-perf-profiles"),
    ("ConfigMap", "builtin-profiles"),
    ("ConfigMap", "llmdbench-harness-scripts"),
    ("ServiceAccount", "default"),
];

/// The files of a planned stack.
struct Files(BTreeMap<String, String>);

impl Files {
    fn text(&self, name: &str) -> &str {
        self.0
            .get(name)
            .unwrap_or_else(|| panic!("no {name} in {:?}", self.0.keys()))
    }

    fn documents(&self, name: &str) -> Vec<Value> {
        yaml::documents(self.text(name)).unwrap_or_else(|finding| panic!("{name}: {finding:?}"))
    }

    fn one(&self, name: &str) -> Value {
        let mut documents = self.documents(name);
        assert_eq!(documents.len(), 1, "{name}");
        documents.remove(0)
    }

    /// Objects of Kubernetes in all files.
    fn objects(&self) -> Vec<Object> {
        self.0
            .keys()
            .flat_map(|name| self.documents(name))
            .filter(|document| document["apiVersion"].is_string())
            .map(Object)
            .collect()
    }

    fn shown(&self, names: &[&str]) -> String {
        let mut shown = String::new();
        for name in names {
            writeln!(shown, "--- {name}\n{}", self.text(name).trim()).unwrap();
        }
        shown
    }
}

struct Object(Value);

impl Object {
    fn text(&self, pointer: &str) -> &str {
        self.0
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    fn kind(&self) -> &str {
        self.text("/kind")
    }

    fn namespace(&self) -> &str {
        self.text("/metadata/namespace")
    }

    /// Labels and spec of the pods this object makes.
    fn pod(&self) -> Option<(&Value, &Value)> {
        let at = |pointer: &str| self.0.pointer(pointer);
        if self.kind() == "Pod" {
            return Some((at("/metadata/labels")?, at("/spec")?));
        }
        Some((at("/spec/template/metadata/labels")?, at("/spec/template/spec")?))
    }
}

fn planned(change: impl FnOnce(&mut Request)) -> Files {
    let mut request = Request::without_experiment("precise-prefix-cache-aware");
    request.platform = PlatformKind::Kubernetes;
    request.namespace = Some("ns1".to_owned());
    change(&mut request);
    let plan = make(&request).unwrap_or_else(|error| panic!("{error}"));
    let templates = Templates::load(&plan.spec).unwrap_or_else(|remarks| panic!("{remarks:?}"));
    let stack = plan.stacks()[0];
    let config = plan.resolved(&plan.setups[0], stack).config;
    let files = templates
        .render(&config, "default", stack)
        .unwrap_or_else(|remarks| panic!("{remarks:?}"));
    let files: BTreeMap<String, String> = files
        .into_iter()
        .map(|file| (file.name, file.text.to_string()))
        .collect();
    for (name, text) in &files {
        let findings = manifest::check(name, text);
        assert!(findings.is_empty(), "{name}: {findings:?}\n{text}");
    }
    Files(files)
}

fn standalone(set: &[&str]) -> Files {
    planned(|request| {
        request.methods = Some("standalone".to_owned());
        // What the scenario mounts is not what is looked at.
        let bare = "vllmCommon.volumes=[],vllmCommon.volumeMounts=[]";
        request.set = [bare].iter().chain(set).map(|&word| word.to_owned()).collect();
    })
}

/// Stacks that differ in what they need around them.
fn variations() -> Vec<Files> {
    vec![
        standalone(&[]),
        standalone(&[
            "harness.namespace=bench",
            "storage.extraPvc.name=extra",
            r#"standalone.additionalVolumes=[{"name":"extra","type":"persistentVolumeClaim","persistentVolumeClaim":{"claimName":"extra"}}]"#,
        ]),
        standalone(&[
            "storage.hostPath.enabled=true",
            "standalone.deployment.name=mine",
            "standalone.replicas=3",
        ]),
        standalone(&["standalone.mountModelVolume=false", "harness.debug=true"]),
        planned(|request| request.hugging_face_token = true),
        planned(|request| request.set = vec!["harness.name=builtin".to_owned()]),
    ]
}

#[test]
fn a_standalone_stack() {
    let files = standalone(&[]);
    insta::assert_snapshot!(files.shown(&[
        "02_pvc_model-pvc.yaml",
        DOWNLOAD,
        DEPLOYMENT,
        "15_standalone-service_yaml.yaml",
        "17_standalone-podmonitor.yaml",
    ]));
}

#[test]
fn what_is_around_every_stack() {
    insta::assert_snapshot!(standalone(&[]).shown(&AROUND));
}

#[test]
fn a_harness_in_a_namespace_of_its_own() {
    let files = planned(|request| {
        request.namespace = Some("models,bench".to_owned());
        request.hugging_face_token = true;
    });
    insta::assert_snapshot!(files.shown(&AROUND));
}

#[test]
fn the_load_generator_of_this_program() {
    let files = planned(|request| request.set = vec!["harness.name=builtin".to_owned()]);
    insta::assert_snapshot!(files.shown(&[HARNESS]));
}

#[test]
fn a_server_without_accelerators() {
    let files = standalone(&[
        "accelerator.count=0",
        "affinity.enabled=true",
        r#"affinity.nodeSelector={"kubernetes.io/arch": "amd64"}"#,
    ]);
    insta::assert_snapshot!(files.shown(&[DEPLOYMENT]));
}

#[test]
fn servers_with_all_that_nodes_can_have() {
    let files = standalone(&[
        "standalone.replicas=3",
        "standalone.parallelism.tensor=2",
        "standalone.parallelism.data=2",
        "standalone.acceleratorType.labelValue=NVIDIA-H100-80GB-HBM3",
        "vllmCommon.networkResource=rdma/ib",
        r#"vllmCommon.networkNr="1""#,
        "vllmCommon.ephemeralStorage=10Gi",
        "vllmCommon.pullSecret=registry",
        "vllmCommon.priorityClassName=high",
        "vllmCommon.kvTransfer.enabled=true",
        "vllmCommon.kvEvents.serviceName=listener",
    ]);
    insta::assert_snapshot!(files.shown(&[DEPLOYMENT]));
}

#[test]
fn a_command_and_containers_of_ones_own() {
    let files = standalone(&[
        r#"standalone.vllm.customCommand="echo \"it's $MODEL_NAME\"\nvllm serve \"/model-cache/$MODEL_PATH\" \\\n  --port $VLLM_INFERENCE_PORT\n""#,
        "standalone.vllm.customPreprocessCommand=source /setup/prepare.sh",
        r#"standalone.initContainers=[{"name": "prepare", "imageKey": "benchmark", "command": ["sh", "-c"], "args": ["echo 'on' \"off\""]}]"#,
        r#"standalone.extraEnvVars=[{"name": "HOME", "value": "/home"}, {"name": "RATE", "value": "1e3"}, {"name": "ON", "value": true}]"#,
        r#"standalone.extraContainerConfig={"securityContext": {"runAsUser": 0, "capabilities": {"add": ["IPC_LOCK"]}}, "workingDir": "/tmp"}"#,
        r#"standalone.extraPodConfig={"terminationGracePeriodSeconds": 5, "tolerations": [{"operator": "Exists"}]}"#,
        r#"standalone.additionalVolumes=[{"name": "shm", "type": "emptyDir", "emptyDir": {"medium": "Memory"}}, {"name": "scratch", "type": "emptyDir"}]"#,
        r#"standalone.additionalVolumeMounts=[{"name": "shm", "mountPath": "/dev/shm"}, {"name": "scratch", "mountPath": "/scratch"}]"#,
    ]);
    insta::assert_snapshot!(files.shown(&[DEPLOYMENT]));
}

#[test]
fn a_launcher_beside_the_server() {
    let files = standalone(&["standalone.launcher.enabled=true"]);
    let deployment = files.one(DEPLOYMENT);
    let launcher = &deployment["spec"]["template"]["spec"]["containers"][1];
    insta::assert_snapshot!(yaml::to_string(launcher));
}

#[test]
fn models_on_the_disks_of_nodes() {
    let files = standalone(&[
        "storage.hostPath.enabled=true",
        r#"storage.hostPath.nodeSelector={"disk": "fast"}"#,
    ]);
    assert_eq!(files.text(DOWNLOAD).trim(), "");
    insta::assert_snapshot!(files.shown(&[
        "02_pvc_model-pvc.yaml",
        "02a_pv_model-hostpath.yaml",
        "03_download_daemonset.yaml",
    ]));
}

#[test]
fn every_embedded_spec_renders_with_every_method() {
    let specs = spec_names(&BaseDir::embedded());
    assert!(specs.len() > 2, "{specs:?}");
    for spec in &specs {
        for method in [None, Some("standalone"), Some("modelservice")] {
            let files = planned(|request| {
                spec.clone_into(&mut request.spec);
                request.methods = method.map(str::to_owned);
            });
            assert!(files.0.len() > 15, "{spec}");
        }
    }
}

#[test]
fn what_no_embedded_template_deploys_is_refused() {
    let mut request = Request::without_experiment("precise-prefix-cache-aware");
    request.wva = true;
    let plan = make(&request).unwrap();
    let config = plan.resolved(&plan.setups[0], plan.stacks()[0]).config;
    let remarks = Templates::load(&plan.spec)
        .unwrap()
        .render(&config, "default", "stack")
        .unwrap_err();
    assert!(
        remarks
            .iter()
            .any(|remark| remark.finding.message.contains("wva.enabled")),
        "{remarks:?}"
    );
}

#[test]
fn stacks_of_containers_put_nothing_on_a_cluster() {
    let files = planned(|request| request.methods = Some("nok8s".to_owned()));
    for name in AROUND {
        assert_eq!(files.text(name).trim(), "", "{name}");
    }
}

#[test]
fn selectors_select_the_pods_they_are_for() {
    for files in variations() {
        let objects = files.objects();
        let pods: Vec<(&str, &Value)> = objects
            .iter()
            .filter_map(|object| Some((object.namespace(), object.pod()?.0)))
            .collect();
        for object in &objects {
            let selector = match object.kind() {
                "Service" => object.0.pointer("/spec/selector"),
                "Deployment" | "DaemonSet" | "PodMonitor" => object.0.pointer("/spec/selector/matchLabels"),
                _ => continue,
            };
            let selector = selector.and_then(Value::as_object).unwrap();
            let selected = pods
                .iter()
                .filter(|(namespace, labels)| {
                    *namespace == object.namespace()
                        && selector.iter().all(|(key, value)| labels[key] == *value)
                })
                .count();
            // Those of the charts are not in the plan. Else one template of pods: more would mix the pods of others in.
            let wanted = usize::from(!selector.keys().any(|key| key.starts_with("llm-d.ai/")));
            assert_eq!(selected, wanted, "{}", object.0);
        }
    }
}

#[test]
fn what_pods_refer_to_is_made() {
    for files in variations() {
        let objects = files.objects();
        let made: BTreeSet<(&str, &str, &str)> = objects
            .iter()
            .map(|object| (object.kind(), object.namespace(), object.text("/metadata/name")))
            .collect();
        let mut referred = 0;
        for object in &objects {
            let Some((_, spec)) = object.pod() else { continue };
            for (kind, name) in references(spec) {
                referred += 1;
                let here = made.contains(&(kind, object.namespace(), name.as_str()));
                assert!(
                    here || MADE_ELSEWHERE.contains(&(kind, name.as_str())),
                    "{kind} {name} of {}",
                    object.0
                );
            }
        }
        assert!(referred > 3);
    }
}

/// Kind and name of what a pod needs to be there.
fn references(spec: &Value) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    let mut add = |kind, name: &Value| {
        if let Some(name) = name.as_str() {
            found.push((kind, name.to_owned()));
        }
    };
    add("ServiceAccount", &spec["serviceAccountName"]);
    for volume in spec["volumes"].as_array().into_iter().flatten() {
        add(
            "PersistentVolumeClaim",
            &volume["persistentVolumeClaim"]["claimName"],
        );
        add("ConfigMap", &volume["configMap"]["name"]);
        add("Secret", &volume["secret"]["secretName"]);
    }
    for containers in ["initContainers", "containers"] {
        for container in spec[containers].as_array().into_iter().flatten() {
            for variable in container["env"].as_array().into_iter().flatten() {
                add("Secret", &variable["valueFrom"]["secretKeyRef"]["name"]);
                add("ConfigMap", &variable["valueFrom"]["configMapKeyRef"]["name"]);
            }
        }
    }
    found
}

#[test]
fn every_object_says_what_it_belongs_to() {
    for files in variations() {
        for object in files.objects() {
            assert_eq!(
                object.text("/metadata/labels/app.kubernetes.io~1managed-by"),
                "llmdbenchmark",
                "{}",
                object.0
            );
            let of_the_cluster = ["Namespace", "PersistentVolume"].contains(&object.kind());
            assert_eq!(object.namespace().is_empty(), of_the_cluster, "{}", object.0);
            let Some((_, spec)) = object.pod() else { continue };
            assert_eq!(
                spec["securityContext"]["seccompProfile"]["type"],
                "RuntimeDefault"
            );
            for container in spec["containers"].as_array().unwrap() {
                assert_eq!(container["securityContext"]["allowPrivilegeEscalation"], false);
                assert_eq!(container["securityContext"]["capabilities"]["drop"][0], "ALL");
                for bound in ["limits", "requests"] {
                    assert!(container["resources"][bound]["memory"].is_string(), "{container}");
                }
            }
        }
    }
}

#[test]
fn the_token_is_a_mark() {
    let files = planned(|request| request.hugging_face_token = true);
    let tokens: Vec<Object> = files
        .objects()
        .into_iter()
        .filter(|object| object.kind() == "Secret")
        .collect();
    assert_eq!(tokens.len(), 1);
    assert_eq!(tokens[0].text("/stringData/HF_TOKEN"), "REPLACE_TOKEN");
}

#[test]
fn words_of_any_script_reach_the_harness() {
    let words = "naïve 🚀 \"量\"";
    let pod = planned(|request| request.description = Some(words.to_owned())).one(HARNESS);
    let told = pod["spec"]["containers"][0]["env"].as_array().unwrap();
    let told = told
        .iter()
        .find(|variable| variable["name"] == "LLMDBENCH_DESCRIPTION_TEXT")
        .unwrap();
    assert_eq!(told["value"], words);
}

#[test]
fn a_harness_is_told_all_of_its_contract() {
    let pod = standalone(&["standalone.launcher.enabled=true"]).one(HARNESS);
    let told: BTreeSet<&str> = pod["spec"]["containers"][0]["env"]
        .as_array()
        .unwrap()
        .iter()
        .map(|variable| variable["name"].as_str().unwrap())
        .collect();
    for name in [
        "TZ",
        "HOME",
        "HF_HOME",
        "XDG_CACHE_HOME",
        "MPLCONFIGDIR",
        "RAYON_NUM_THREADS",
        "POD_NAME",
        "POD_UID",
        "LLMDBENCH_RUN_EXPERIMENT_LAUNCHER",
        "LLMDBENCH_MAGIC_ENVAR",
        "LLMDBENCH_DEPLOY_METHODS",
        "LLMDBENCH_CLUSTER_TYPE",
        "LLMDBENCH_RUN_WORKSPACE_DIR",
        "LLMDBENCH_CONTROL_WORK_DIR",
        "LLMDBENCH_DEPLOY_CURRENT_MODEL",
        "LLMDBENCH_DEPLOY_CURRENT_TOKENIZER",
        "LLMDBENCH_HARNESS_STACK_ENDPOINT_URL",
        "LLMDBENCH_HARNESS_STACK_TYPE",
        "LLMDBENCH_HARNESS_NAME",
        "LLMDBENCH_HARNESS_ARGS",
        "LLMDBENCH_RUN_EXPERIMENT_ID",
        "LLMDBENCH_RUN_EXPERIMENT_HARNESS",
        "LLMDBENCH_RUN_EXPERIMENT_ANALYZER",
        "LLMDBENCH_RUN_EXPERIMENT_HARNESS_WORKLOAD_NAME",
        "LLMDBENCH_RUN_EXPERIMENT_RESULTS_DIR",
        "LLMDBENCH_RUN_EXPERIMENT_RESULTS_DIR_PREFIX",
        "LLMDBENCH_DESCRIPTION_TEXT",
        "LLMDBENCH_DESCRIPTION_KEYWORDS",
        "LLMDBENCH_VLLM_COMMON_NAMESPACE",
        "LLMDBENCH_VLLM_COMMON_INFERENCE_PORT",
        "LLMDBENCH_HARNESS_STACK_NAME",
        "LLMDBENCH_VLLM_COMMON_METRICS_SCRAPE_ENABLED",
        "LLMDBENCH_VLLM_COMMON_METRICS_PORT",
        "LLMDBENCH_VLLM_MONITORING_METRICS_PATH",
        "LLMDBENCH_EPP_METRICS_SECRET",
        "LLMDBENCH_TIME_SERIES_METRICS",
        "LLMDBENCH_METRICS_EMBED_TIME_SERIES",
        "LLMDBENCH_METRICS_TS_MAX_POINTS",
        "LLMDBENCH_STANDALONE_ENABLED",
        "LLMDBENCH_STANDALONE_LAUNCHER_ENABLED",
        "LLMDBENCH_FMA_ENABLED",
        "LLMDBENCH_VLLM_COMMON_VLLM_LOAD_FORMAT",
        "LLMDBENCH_VLLM_STANDALONE_LAUNCHER_PORT",
        "LLMDBENCH_VLLM_STANDALONE_LAUNCHER_VLLM_PORT",
    ] {
        assert!(told.contains(name), "{name} is missing");
    }
}

#[test]
fn a_shell_hands_odd_values_on_as_they_are() {
    // Begins and ends as a label may, since its ends become one.
    let odd = r#"odd-name it's a "model" $HOME `id` \ odd-name"#;
    let files = planned(|request| {
        request.methods = Some("standalone".to_owned());
        request.set = vec![
            format!("model.name={}", Value::from(odd)),
            format!("model.path={}", Value::from(odd)),
            r#"standalone.vllm.additionalFlags=["--seed \"$TP_SIZE\""]"#.to_owned(),
            r#"vllmCommon.kvTransfer={"enabled": true, "extraConfig": {"text": "it's"}}"#.to_owned(),
        ];
    });
    let deployment = files.one(DEPLOYMENT);
    let container = &deployment["spec"]["template"]["spec"]["containers"][0];
    let folder = tempfile::tempdir().unwrap();
    program(folder.path(), "vllm", "printf '%s\\n' \"$@\"");
    let output = run(folder.path(), "bash", container, &[("TP_SIZE", "1")]);
    assert!(output.status.success(), "{output:?}");
    let words = String::from_utf8(output.stdout).unwrap();
    let words: Vec<&str> = words.lines().collect();
    assert_eq!(
        words[..4],
        [
            "serve",
            &format!("/model-cache/{odd}"),
            "--served-model-name",
            odd
        ]
    );
    assert_eq!(words[words.len() - 2..], ["--seed", "1"]);
    let transfer = words
        .iter()
        .position(|word| *word == "--kv-transfer-config")
        .unwrap();
    let transfer: Value = serde_json::from_str(words[transfer + 1]).unwrap();
    assert_eq!(transfer["kv_connector_extra_config"]["text"], "it's");
}

#[test]
fn a_model_is_downloaded_once_and_not_taken_for_complete_before() {
    let job = standalone(&[]).one(DOWNLOAD);
    let container = &job["spec"]["template"]["spec"]["containers"][0];
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("a model");
    // A venv whose pip does nothing and whose python counts its calls and fails at first.
    program(
        folder.path(),
        "python3",
        "mkdir -p \"$3/bin\" && printf '#!/bin/sh\\n' > \"$3/bin/pip\" && cp \"$(dirname \"$0\")/downloader\" \"$3/bin/python\" \
         && chmod +x \"$3/bin/pip\"",
    );
    program(
        folder.path(),
        "downloader",
        "echo called >> \"$HOME/calls\"; [ \"$(wc -l < \"$HOME/calls\")\" -gt 1 ]",
    );
    let home = folder.path().display().to_string();
    let target_text = target.display().to_string();
    let try_once = |revision: &str| {
        let variables = [
            ("HOME", home.as_str()),
            ("TARGET", &target_text),
            ("MODEL_ID", "org/model"),
            ("MODEL_REVISION", revision),
            ("HUB_VERSION", "1"),
        ];
        run(folder.path(), "sh", container, &variables).status.success()
    };
    let calls = || {
        std::fs::read_to_string(folder.path().join("calls"))
            .unwrap()
            .lines()
            .count()
    };
    let marker = target.join(".download-complete");
    assert!(!try_once("main"), "the downloader failed");
    assert!(!marker.exists());
    assert!(try_once("main"));
    assert_eq!(std::fs::read_to_string(&marker).unwrap(), "org/model@main");
    assert!(try_once("main"));
    assert_eq!(calls(), 2, "what is complete is not downloaded again");
    assert!(try_once("v2"));
    assert_eq!(calls(), 3, "another revision is another model");
}

/// A script called `name` in `folder`.
fn program(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// The script of a container, run by `shell` with the programs of `folder` before those of this machine.
fn run(folder: &Path, shell: &str, container: &Value, variables: &[(&str, &str)]) -> Output {
    let script = container["args"][0].as_str().unwrap();
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
    Command::new(shell)
        .args(["-c", script])
        .env("PATH", path)
        .envs(variables.iter().copied())
        .output()
        .unwrap()
}
