//! What one file of a plan says fits what the others say, and what the config says.

use super::planned::{OURS, ROLES, at, container, listens, one, owned, planned, release, with_gateway};
use llmdbenchmark::plan::shape;
use serde_json::Value;

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
fn a_scenario_that_turns_plain_servers_on_means_them() {
    let stack = one("pd-disaggregation", &["standalone.enabled=true"]);
    assert_eq!(
        shape::of(&stack.config).unwrap().method,
        shape::Method::Standalone
    );
    assert_eq!(stack.servers(), Value::Null);
    assert_ne!(stack.file("15_standalone-service_yaml.yaml"), Value::Null);
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

#[test]
fn a_host_without_kubernetes_runs_what_its_files_say() {
    let set = [
        "nok8s.vllm.replicas=3,nok8s.vllm.tensorParallel=2,nok8s.vllm.hostPort=9100,nok8s.epp.grpcPort=9500",
    ];
    let stack = planned("pd-disaggregation", |request| {
        request.methods = Some("nok8s".to_owned());
        request.set = owned(&set);
    })
    .remove(0);
    let endpoints = stack.file("32_nok8s-epp-endpoints.yaml");
    let listed: Vec<(&str, &str)> = at(&endpoints, "/endpoints")
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["name"].as_str().unwrap(), one["port"].as_str().unwrap()))
        .collect();
    assert_eq!(
        listed,
        [("vllm-0", "9100"), ("vllm-1", "9101"), ("vllm-2", "9102")]
    );
    let launch = stack.file("34_nok8s-containers.yaml");
    assert_eq!(
        at(&launch, "/readiness/vllmPorts"),
        &serde_json::json!([9100, 9101, 9102])
    );
    let containers = at(&launch, "/containers").as_array().unwrap();
    let kinds: Vec<&str> = containers
        .iter()
        .map(|one| one["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["vllm", "vllm", "vllm", "epp", "envoy"]);
    let shape = shape::of(&stack.config).unwrap();
    assert_eq!(
        (shape.roles[0].replicas, shape.roles[0].tensor_parallelism),
        (3, 2)
    );
    assert_eq!(containers[1]["tensorParallel"], 2);
    assert_eq!(containers[1]["hostPort"], 9101);
    let envoy = stack.file("33_nok8s-envoy.yaml");
    let address = |pointer: &str| at(&envoy, pointer)["socket_address"]["port_value"].clone();
    assert_eq!(
        address("/static_resources/listeners/0/address"),
        containers[4]["listenPort"]
    );
    let picker = "/static_resources/clusters/1/load_assignment/endpoints/0/lb_endpoints/0/endpoint/address";
    assert_eq!(address(picker), 9500);
    let picking = stack.file("31_nok8s-epp-config.yaml");
    let mounted = containers[3]["configMountDir"].as_str().unwrap();
    assert_eq!(
        at(&picking, "/plugins/0/parameters/path").as_str().unwrap(),
        format!("{mounted}/endpoints.yaml")
    );
}

#[test]
fn a_plugin_configuration_that_reads_the_endpoints_file_is_taken() {
    let plugins = "plugins: [{type: file-discovery, parameters: {path: /mine}}]";
    let stack = planned("pd-disaggregation", |request| {
        request.methods = Some("nok8s".to_owned());
        request.set = owned(&["router.epp.pluginsConfigFile=mine.yaml"]);
        let custom = serde_json::json!({"mine.yaml": plugins});
        request
            .set
            .push(format!("router.epp.pluginsCustomConfig={custom}"));
    })
    .remove(0);
    let picking = stack.file("31_nok8s-epp-config.yaml");
    assert_eq!(at(&picking, "/plugins/0/parameters/path"), "/mine");
}

#[test]
fn only_agentgateway_needs_constraints_of_its_own() {
    for (class, wanted) in [("agentgateway", true), ("istio", false), ("epponly", false)] {
        let stack = with_gateway("pd-disaggregation", class, &["release=mine"]);
        let constraints = stack.file("05a_agentgateway_scc.yaml");
        assert_eq!(!constraints.is_null(), wanted, "{class}");
        if wanted {
            assert_eq!(at(&constraints, "/metadata/name"), "mine-agentgateway");
        }
    }
}
