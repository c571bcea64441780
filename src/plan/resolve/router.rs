//! The router's chart values: what a scenario cannot know is put in, what it says stays.

use super::flags::modelservice;
use super::references::printed;
use super::{Context, Notes};
use crate::plan::merge::{get, merge, set, text, truthy};
use serde_json::{Map, Value, json};

/// Where the proxy beside the endpoint picker listens, unless the scenario says otherwise.
const PROXY_PORT: u16 = 8081;
/// A folder that the tokenizer may write whoever it runs as.
const TOKENIZER_CACHE: &str = "/tmp/hf-cache";

/// The endpoint picker's service, where a gateway is told of it and the scenario leaves its name open.
pub(super) fn pool_host(config: &mut Value, _: &Context, _: &mut Notes) {
    let path = ["router", "inferencePool", "providerConfig", "destinationRule"];
    let label = text(config, &["model_id_label"]);
    if let Some(Value::Object(rule)) = get(config, &path)
        && !truthy(rule.get("host"))
        && !label.is_empty()
    {
        let [router, pool, provider, rule] = path;
        let host = format!("{label}-router-epp");
        set(config, &[router, pool, provider, rule, "host"], host.into());
    }
}

/// Without any gateway requests go straight to vLLM: no proxy stands before it.
pub(super) fn direct_mode(config: &mut Value, _: &Context, _: &mut Notes) {
    if text(config, &["gateway", "className"]) != "none" || !modelservice(config) {
        return;
    }
    set(config, &["routing", "proxy", "enabled"], false.into());
    let path = ["decode", "vllm", "customCommand"];
    if let Some(Value::String(command)) = get(config, &path) {
        let command = command.replace("$VLLM_METRICS_PORT", "$VLLM_INFERENCE_PORT");
        set(config, &path, command.into());
    }
}

/// Fill the section `router` in.
pub(super) fn block(config: &mut Value, _: &Context, _: &mut Notes) {
    let mut router = taken(config, "router");
    let mut epp = match router.get_mut("epp") {
        Some(Value::Object(epp)) => std::mem::take(epp),
        _ => Map::new(),
    };
    let token = token_variable(config);
    if let Some(token) = &token {
        add_named(&mut epp, "env", "HF_TOKEN", token.clone(), false);
    }
    picker_image(&mut epp, config);
    event_port(&mut router, &mut epp);
    verbosity(&mut epp, config);
    router.insert("epp".to_owned(), Value::Object(epp));
    let class = text(config, &["gateway", "className"]);
    if class == "epponly" {
        let target = get_in(&router, &["proxy", "httpTargetPort"])
            .cloned()
            .unwrap_or_else(|| PROXY_PORT.into());
        let port = json!({"name": "http", "port": 80, "protocol": "TCP", "targetPort": target});
        add_named(&mut router, "extraServicePorts", "http", port, false);
    }
    tokenizer(&mut router, config, token);
    model_servers(&mut router, config);
    metrics_secret(&mut router);
    let provider = match router.get_mut("inferencePool") {
        Some(Value::Object(pool)) => pool.shift_remove("providerConfig"),
        _ => None,
    };
    set(config, &["router"], Value::Object(router));
    if class == "gke" || class == "istio" {
        gateway_provider(config, &class, provider);
    }
}

/// A section, taken out of the config; its place is kept.
fn taken(config: &mut Value, section: &str) -> Map<String, Value> {
    match config.get_mut(section) {
        Some(Value::Object(map)) => std::mem::take(map),
        _ => Map::new(),
    }
}

fn get_in<'a>(map: &'a Map<String, Value>, path: &[&str]) -> Option<&'a Value> {
    let (first, rest) = path.split_first()?;
    get(map.get(*first)?, rest)
}

/// Add an element to a list of named ones, unless one has that name; `first` puts it at the start.
fn add_named(map: &mut Map<String, Value>, key: &str, name: &str, element: Value, first: bool) {
    let mut list = match map.get(key) {
        Some(Value::Array(list)) => list.clone(),
        _ => Vec::new(),
    };
    if !list
        .iter()
        .any(|one| one.get("name").and_then(Value::as_str) == Some(name))
    {
        list.insert(if first { 0 } else { list.len() }, element);
        map.insert(key.to_owned(), Value::Array(list));
    }
}

/// The variable with the token, from its secret, where there is a token.
fn token_variable(config: &Value) -> Option<Value> {
    let section = config.get("huggingface")?;
    let named = |key: &str, default: &str| section.get(key).cloned().unwrap_or_else(|| default.into());
    truthy(section.get("enabled")).then(|| {
        json!({"name": "HF_TOKEN", "valueFrom": {"secretKeyRef": {
            "name": named("secretName", "llm-d-hf-token"),
            "key": named("tokenKey", "HF_TOKEN"),
        }}})
    })
}

/// The chart wants all parts of an image; a scenario may name some.
fn picker_image(epp: &mut Map<String, Value>, config: &Value) {
    let Some(image) = get(config, &["images", "routerEndpointPicker"]) else {
        return;
    };
    let full = text(image, &["repository"]);
    if full.is_empty() {
        return;
    }
    let (registry, repository) = match full.rsplit_once('/') {
        Some((registry, repository)) if !registry.is_empty() => (registry, repository),
        _ => ("", full.as_str()),
    };
    let part = |key: &str, default: &str| image.get(key).cloned().unwrap_or_else(|| default.into());
    let mut whole = json!({
        "registry": registry,
        "repository": repository,
        "tag": part("tag", "main"),
        "pullPolicy": part("pullPolicy", "IfNotPresent"),
    });
    if let (Value::Object(whole), Some(Value::Object(own))) = (&mut whole, epp.get("image")) {
        whole.extend(own.clone());
    }
    epp.insert("image".to_owned(), whole);
}

/// The port of the servers' cache events, in the chart's words.
fn event_port(router: &mut Map<String, Value>, epp: &mut Map<String, Value>) {
    let Some(port) = epp.shift_remove("zmqPort").filter(|port| truthy(Some(port))) else {
        return;
    };
    let container = json!({"name": "zmq", "containerPort": port, "protocol": "TCP"});
    add_named(epp, "extraContainerPorts", "zmq", container, true);
    let service = json!({"name": "zmq", "port": port, "targetPort": port, "protocol": "TCP"});
    add_named(router, "extraServicePorts", "zmq", service, true);
}

/// How much the endpoint picker logs; more where its metrics are read.
fn verbosity(epp: &mut Map<String, Value>, config: &Value) {
    let verbosity = epp.shift_remove("verbosity");
    if truthy(epp.get("flags")) {
        return;
    }
    let level = if truthy(get(config, &["monitoring", "metricsScrapeEnabled"])) {
        Some("4".to_owned())
    } else {
        verbosity
            .filter(|level| !level.is_null())
            .map(|level| printed(&level))
    };
    if let Some(level) = level {
        epp.insert("flags".to_owned(), json!({"v": level}));
    }
}

fn tokenizer(router: &mut Map<String, Value>, config: &Value, token: Option<Value>) {
    let Some(Value::Object(tokenizer)) = router.get_mut("tokenizer") else {
        return;
    };
    if !truthy(tokenizer.get("enabled")) {
        return;
    }
    let model = text(config, &["model", "name"]);
    if !truthy(tokenizer.get("modelName")) && !model.is_empty() {
        tokenizer.insert("modelName".to_owned(), model.into());
    }
    let has_home = tokenizer.get("env").and_then(Value::as_array).is_some_and(|env| {
        env.iter()
            .any(|one| one.get("name").and_then(Value::as_str) == Some("HF_HOME"))
    });
    if !has_home {
        // Helm replaces lists, so the chart's own variable has to be said again.
        if let Some(token) = token {
            add_named(tokenizer, "env", "HF_TOKEN", token, false);
        }
        let home = json!({"name": "HF_HOME", "value": TOKENIZER_CACHE});
        add_named(tokenizer, "env", "HF_HOME", home, false);
    }
    let mut mounts = match tokenizer.get("volumeMounts") {
        Some(Value::Array(mounts)) => mounts.clone(),
        _ => Vec::new(),
    };
    let is_cache = |mount: &Value| mount.get("mountPath").and_then(Value::as_str) == Some(TOKENIZER_CACHE);
    if !mounts.iter().any(is_cache) {
        mounts.push(json!({"name": "model-cache", "mountPath": TOKENIZER_CACHE}));
        tokenizer.insert("volumeMounts".to_owned(), Value::Array(mounts));
    }
}

/// Which servers the router looks for, and at which port.
fn model_servers(router: &mut Map<String, Value>, config: &Value) {
    let servers = router
        .entry("modelServers")
        .or_insert_with(|| Value::Object(Map::new()));
    if servers.is_null() {
        *servers = Value::Object(Map::new());
    }
    let Value::Object(servers) = servers else {
        return;
    };
    if !truthy(servers.get("matchLabels")) {
        let mut labels = Map::new();
        for (label, value) in [
            (
                "llm-d.ai/inferenceServing",
                get(config, &["labels", "inferenceServing"]),
            ),
            ("llm-d.ai/model", config.get("model_id_label")),
        ] {
            if let Some(value) = value.filter(|value| truthy(Some(value))) {
                labels.insert(label.to_owned(), printed(value).into());
            }
        }
        if !labels.is_empty() {
            servers.insert("matchLabels".to_owned(), Value::Object(labels));
        }
    }
    let port = get(config, &["decode", "vllm", "servicePort"]).filter(|port| truthy(Some(port)));
    if let Some(port) = port.filter(|_| !truthy(servers.get("targetPorts"))) {
        servers.insert("targetPorts".to_owned(), json!([{"number": port}]));
    }
}

/// The secret for reading metrics, where the chart looks for it.
fn metrics_secret(router: &mut Map<String, Value>) {
    let Some(monitoring) = router.get_mut("monitoring") else {
        return;
    };
    let secret = monitoring
        .get("secretName")
        .filter(|name| truthy(Some(name)))
        .cloned();
    let path = ["prometheus", "auth", "secretName"];
    let auth = get(monitoring, &["prometheus", "auth"]);
    let open = auth.is_none_or(|auth| auth.is_object() && !truthy(auth.get("secretName")));
    if let Some(secret) = secret.filter(|_| open) {
        set(monitoring, &path, secret);
    }
}

/// What the gateway's own chart is told; a scenario's own words win.
fn gateway_provider(config: &mut Value, class: &str, provider: Option<Value>) {
    if get(config, &["provider", "name"]).is_none() {
        set(config, &["provider", "name"], class.into());
    }
    if let Some(mut provider) = provider.filter(|provider| truthy(Some(provider))) {
        merge(
            &mut provider,
            get(config, &["provider", class]).unwrap_or(&Value::Null),
        );
        set(config, &["provider", class], provider);
    }
}
