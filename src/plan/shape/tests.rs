//! Shapes of all kinds of configs.

use super::*;
use serde_json::json;

fn roles(config: &Value) -> Vec<(&'static str, u32, u32)> {
    of(config)
        .unwrap()
        .roles
        .iter()
        .map(|role| (role.name, role.replicas, role.tensor_parallelism))
        .collect()
}

#[test]
fn the_method_tells_the_servers() {
    let mut config = json!({
        "model": {"name": "m"},
        "standalone": {"enabled": true, "replicas": 2, "parallelism": {"tensor": 8}},
        "modelservice": {"enabled": false},
        "decode": {"replicas": 1, "parallelism": {"tensor": 4}},
        "prefill": {"enabled": true, "replicas": 6, "parallelism": {"tensor": 2}},
        "router": {"epp": {"pluginsConfigFile": "default"}},
    });
    assert_eq!(roles(&config), [("replica", 2, 8)]);
    assert_eq!(of(&config).unwrap().plugin_config, None);
    config["modelservice"]["enabled"] = json!(true);
    assert_eq!(of(&config).unwrap().method, Method::Standalone);
    config["standalone"]["enabled"] = json!(false);
    assert_eq!(roles(&config), [("prefill", 6, 2), ("decode", 1, 4)]);
    assert_eq!(of(&config).unwrap().plugin_config.unwrap(), "default");
    config["prefill"]["enabled"] = json!(false);
    assert_eq!(roles(&config), [("decode", 1, 4)]);
    config["local"] = json!({"command": ["vllm", "serve", "{model}", "--port", "{port}"]});
    let shape = of(&config).unwrap();
    assert_eq!((shape.method, shape.roles.len()), (Method::Command, 0));
}

#[test]
fn what_cannot_be_deployed_is_told() {
    for (config, part) in [
        (json!({"modelservice": {"enabled": true}}), "model.name"),
        (json!({"model": {"name": "m"}}), "no deploy method"),
        (
            json!({"model": {"name": "m"}, "standalone": {"enabled": true, "replicas": 0}}),
            "no server",
        ),
        (
            json!({"model": {"name": "m"}, "standalone": {"enabled": true, "replicas": "x"}}),
            "standalone.replicas",
        ),
        (
            json!({"model": {"name": "m"}, "standalone": {"enabled": "x"}}),
            "true or false",
        ),
        (
            json!({"model": {"name": "m"}, "local": {"command": "vllm serve"}}),
            "list of words",
        ),
        (
            json!({"model": {"name": "m"}, "modelservice": {"enabled": true}, "decode": {"enabled": false}}),
            "decode.enabled",
        ),
    ] {
        let message = of(&config).unwrap_err();
        assert!(message.contains(part), "{message}");
    }
}

fn llm_d(more: &Value) -> Value {
    let mut config = json!({
        "model": {"name": "m"},
        "modelservice": {"enabled": true},
        "decode": {"replicas": 2, "parallelism": {"tensor": 1}},
        "prefill": {"enabled": false},
        "gateway": {"className": "epponly"},
        "router": {"epp": {"pluginsConfigFile": "mine.yaml"}},
    });
    crate::plan::merge::merge(&mut config, more);
    config
}

#[test]
fn engines_are_told_by_the_whole_or_by_what_a_node_has() {
    let engines = |parallelism: Value| {
        let config = llm_d(&json!({"decode": {"parallelism": parallelism}}));
        of(&config).unwrap().roles[0].data_parallelism
    };
    assert_eq!(engines(json!({"data": 4})), 4);
    assert_eq!(engines(json!({"data": 1, "dataLocal": 8, "workers": 2})), 16);
    assert_eq!(
        engines(json!({"data": 1, "dataLocal": 1, "tensor": 8, "workers": 4})),
        1,
        "nodes of a pipeline are no engines"
    );
}

#[test]
fn experts_are_spread_where_the_command_says_so() {
    let with = |command: &str| {
        let config =
            llm_d(&json!({"decode": {"parallelism": {"data": 4}, "vllm": {"customCommand": command}}}));
        of(&config).unwrap().expert_parallelism
    };
    assert!(with("vllm serve m \\\n  --enable-expert-parallel"));
    assert!(!with("# no --enable-expert-parallel here\nvllm serve m"));
    let flags = llm_d(&json!({"decode": {"vllm": {"additionalFlags": ["--enable-expert-parallel"]}}}));
    assert!(!of(&flags).unwrap().expert_parallelism, "there is one engine");
}

#[test]
fn plugins_tell_what_requests_are_routed_by() {
    let routing = |plugins: &str| {
        let text = format!("kind: EndpointPickerConfig\nplugins: {plugins}\n");
        let config = llm_d(&json!({"router": {"epp": {"pluginsCustomConfig": {"mine.yaml": text}}}}));
        of(&config).unwrap().routing
    };
    assert_eq!(
        routing("[{type: queue-scorer}, {type: max-score-picker}]"),
        Some(Routing::Load)
    );
    assert_eq!(
        routing("[{type: queue-scorer}, {type: prefix-cache-scorer}]"),
        Some(Routing::PrefixEstimate)
    );
    assert_eq!(
        routing("[{type: precise-prefix-cache-producer}, {type: prefix-cache-scorer}]"),
        Some(Routing::PrefixTracking)
    );
    assert_eq!(
        routing("[{type: prefix-cache-scorer, parameters: {mode: cache_tracking}}]"),
        Some(Routing::PrefixTracking)
    );
    assert_eq!(routing("[{type: random-picker}]"), Some(Routing::Random));
    assert_eq!(routing("[{type: by-the-moon}]"), None);
    assert_eq!(routing("no list"), None);
    assert_eq!(
        of(&llm_d(&json!({}))).unwrap().routing,
        None,
        "the name is left to tell"
    );
    let direct = of(&llm_d(&json!({"gateway": {"className": "none"}}))).unwrap();
    assert_eq!(
        (direct.plugin_config, direct.routing),
        (None, Some(Routing::Random))
    );
}

#[test]
fn servers_of_fast_model_actuation_are_its_requesters() {
    let mut config = llm_d(&json!({
        "decode": {"enabled": false, "replicas": 0},
        "fma": {"enabled": true, "requester": {"replicas": 6, "limitsGPU": 1}},
    }));
    let shape = of(&config).unwrap();
    assert_eq!((shape.method, shape.roles[0].replicas), (Method::Fma, 6));
    assert_eq!(shape.plugin_config.as_deref(), Some("mine.yaml"));
    config["modelservice"]["enabled"] = json!(false);
    assert_eq!(of(&config).unwrap().plugin_config, None);
}

#[test]
fn what_a_rehearsal_leaves_out_is_told() {
    let told = |more: Value| {
        let config = llm_d(&more);
        beyond_rehearsal(&config, &of(&config).unwrap())
    };
    assert_eq!(told(json!({})), Vec::<String>::new());
    let notes = told(json!({
        "multinode": {"enabled": true},
        "decode": {"parallelism": {"tensor": 8, "workers": 4}, "autoscaling": {"enabled": true}},
        "vllmCommon": {"kvTransfer": {"enabled": true, "connector": "OffloadingConnector"}},
        "router": {"epp": {"pluginsCustomConfig": {"mine.yaml": "plugins: [{type: by-the-moon}]"}}},
        "wva": {"enabled": true},
    }));
    assert_eq!(
        notes,
        [
            "router: the plugins of mine.yaml are not known; it routes by load",
            "decode: the 4 nodes of a server are not simulated (pipeline parallelism); it has TP 8 alone",
            "wva, decode.autoscaling: the number of servers does not follow the load",
            "KV blocks are not offloaded to the memory of the host",
        ]
    );
    let notes = told(json!({"kustomize": {"enabled": true}}));
    assert!(notes[0].starts_with("kustomize: "), "{notes:?}");
}

#[test]
fn plugins_that_nobody_brings_are_told() {
    let told = |file: &str| {
        let config = llm_d(&json!({"router": {"epp": {
            "pluginsConfigFile": file, "pluginsCustomConfig": {"mine.yaml": "plugins: []"},
        }}}));
        plugins_missing(&config, &of(&config).unwrap()).map(|remark| remark.render(false))
    };
    assert_eq!(told("mine.yaml"), None);
    assert_eq!(told("default-plugins.yaml"), None);
    let told = told("mien.yaml").unwrap();
    assert!(told.contains("did you mean `mine.yaml`?"), "{told}");
}
