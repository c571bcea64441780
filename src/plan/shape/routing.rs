//! What a router goes by, read from its plugin configuration.

use super::Method;
use super::StackShape;
use crate::experiment::did_you_mean;
use crate::plan::merge::get;
use crate::plan::remark::Remark;
use crate::yaml;
use serde_json::Value;

/// What requests are routed by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Routing {
    /// Nothing: any server.
    Random,
    /// How busy the servers are.
    Load,
    /// And where the same beginning of a prompt was sent before.
    PrefixEstimate,
    /// And what each server's cache holds, as the servers tell.
    PrefixTracking,
}

impl Routing {
    /// As the simulator's `--routing-policy` names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Random => "random",
            Self::Load => "load",
            Self::PrefixEstimate => "prefix-estimate",
            Self::PrefixTracking => "prefix-tracking",
        }
    }

    /// What an `EndpointPickerConfig` comes to: the most that any of its plugins knows. `None` where none of them is one
    /// we know.
    pub(super) fn of_plugins(config: &Value) -> Option<Self> {
        let plugins = config.get("plugins")?.as_array()?;
        plugins
            .iter()
            .filter_map(of_plugin)
            .max_by_key(|routing| match routing {
                Self::Random => 0,
                Self::Load => 1,
                Self::PrefixEstimate => 2,
                Self::PrefixTracking => 3,
            })
    }
}

fn of_plugin(plugin: &Value) -> Option<Routing> {
    let kind = plugin.get("type")?.as_str()?;
    // An older spelling of the precise kind: one scorer with two modes.
    let tracks = plugin.pointer("/parameters/mode").and_then(Value::as_str) == Some("cache_tracking");
    match kind {
        _ if kind.starts_with("precise-prefix-cache-") => Some(Routing::PrefixTracking),
        "prefix-cache-scorer" if tracks => Some(Routing::PrefixTracking),
        "prefix-cache-scorer" | "prefix-cache-affinity-filter" | "approx-prefix-cache-producer" => {
            Some(Routing::PrefixEstimate)
        }
        "queue-scorer"
        | "kv-cache-utilization-scorer"
        | "load-aware-scorer"
        | "active-request-scorer"
        | "running-requests-size-scorer"
        | "token-load-scorer"
        | "latency-scorer" => Some(Routing::Load),
        "random-picker" => Some(Routing::Random),
        _ => None,
    }
}

/// What the stack of a config routes by, beyond what the name of its plugins tells; `None` leaves it to the name.
pub(super) fn of(config: &Value, method: Method, plugins: Option<&str>) -> Option<Routing> {
    match method {
        // The router of this method has a fixed configuration, with a scorer of prefixes.
        Method::Nok8s => Some(Routing::PrefixEstimate),
        Method::Modelservice | Method::Fma if plugins.is_none() => Some(Routing::Random),
        _ => Routing::of_plugins(&custom(config, plugins?)?),
    }
}

/// The plugin configuration called `name` that the config itself has, with or without `.yaml` in its name.
pub(super) fn custom(config: &Value, name: &str) -> Option<Value> {
    let all = get(config, &["router", "epp", "pluginsCustomConfig"])?.as_object()?;
    let stem = |name: &str| name.strip_suffix(".yaml").unwrap_or(name).to_owned();
    let text = all.get(name).or_else(|| {
        all.iter()
            .find(|(key, _)| stem(key) == stem(name))
            .map(|(_, text)| text)
    })?;
    match text {
        Value::String(text) => yaml::from_str(text).ok(),
        other => Some(other.clone()),
    }
}

/// The plugin configuration that comes with the router.
const OF_THE_CHART: &str = "default-plugins.yaml";

/// A warning where the router is to use a plugin configuration that nobody brings: it would not start.
pub(in crate::plan) fn plugins_missing(config: &Value, shape: &StackShape) -> Option<Remark> {
    let name = shape.plugin_config.as_deref()?;
    let all = get(config, &["router", "epp", "pluginsCustomConfig"]).and_then(Value::as_object);
    let names: Vec<&str> = all.into_iter().flatten().map(|(name, _)| name.as_str()).collect();
    if name == OF_THE_CHART || names.contains(&name) {
        return None;
    }
    let known = names.iter().copied().chain([OF_THE_CHART]);
    let hint = did_you_mean(name, known.clone()).map_or_else(String::new, |hint| format!("{hint}\n"));
    let known: Vec<&str> = known.collect();
    Some(
        Remark::warning(format!(
            "router.epp.pluginsConfigFile: {name} is not in router.epp.pluginsCustomConfig, so the router's image must have it"
        ))
        .with_help(format!("{hint}there are {}", known.join(", "))),
    )
}
