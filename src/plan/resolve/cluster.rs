//! What only a cluster knows: accelerators, fast networks, node labels. Without a cluster, what can be said anyway.

use super::{Context, Notes};
use crate::plan::cluster::{Accelerators, Cluster, ClusterFacts};
use crate::plan::merge::{get, set, text, truthy};
use serde_json::{Map, Value, json};

/// Machine profiles by the resource a cluster offers.
const PROFILES: [(&str, &str); 7] = [
    ("nvidia.com/gpu", "nvidia"),
    ("amd.com/gpu", "amd"),
    ("habana.ai/gaudi", "intel-gaudi"),
    ("google.com/tpu", "google"),
    ("intel.com/gpu", "intel-i915"),
    ("gpu.intel.com/i915", "intel-i915"),
    ("gpu.intel.com/xe", "intel-xe"),
];
/// Machine profiles by the driver that hands their devices out.
const DRIVERS: [(&str, &str); 1] = [("gpu.intel.com", "intel-xpu")];
/// What a profile asks for where the scenario leaves that open.
const RESOURCES: [(&str, &str); 6] = [
    ("nvidia", "nvidia.com/gpu"),
    ("amd", "amd.com/gpu"),
    ("intel-gaudi", "habana.ai/gaudi"),
    ("google", "google.com/tpu"),
    ("intel-i915", "gpu.intel.com/i915"),
    ("intel-xe", "gpu.intel.com/xe"),
];
/// Taken for the accelerator where no cluster was asked.
const ASSUMED: &str = "nvidia.com/gpu";
/// Sections that ask for accelerators.
const ROLES: [&str; 3] = ["decode", "prefill", "standalone"];

/// Fill in what is `auto`. A stack without Kubernetes has no cluster to ask.
pub(super) fn detect(config: &mut Value, context: &Context, notes: &mut Notes) {
    if context.plan.flags.asks_for("nok8s") || truthy(get(config, &["nok8s", "enabled"])) {
        return;
    }
    let (facts, silence) = match &context.plan.cluster {
        Cluster::NotAsked => (None, String::new()),
        Cluster::Silent(reason) => (None, format!(" (it could not be asked: {reason})")),
        Cluster::Known(facts) => (Some(facts), String::new()),
    };
    let known = Known { facts, silence };
    explicit_profile(config);
    accelerator(config, &known, notes);
    network(config, &known, notes);
    affinity(config, &known, notes);
    node_labels(config, &known, context, notes);
    claims(config);
    spread_network(config);
}

/// What is known of the cluster, and why no more is.
struct Known<'a> {
    facts: Option<&'a ClusterFacts>,
    silence: String,
}

impl Known<'_> {
    /// What is missing: that nobody answered, or that the cluster has nothing of the kind.
    fn missing(&self, who: &str, absent: &str) -> String {
        match self.facts {
            Some(_) => absent.to_owned(),
            None => format!("the cluster's {who} tell it{}", self.silence),
        }
    }
}

fn is_auto(config: &Value, path: &[&str]) -> bool {
    text(config, path) == "auto"
}

fn find(table: &[(&str, &'static str)], key: &str) -> Option<&'static str> {
    table
        .iter()
        .find(|(name, _)| *name == key)
        .map(|(_, value)| *value)
}

/// A profile that was chosen is the accelerator's type too, and names its resource.
fn explicit_profile(config: &mut Value) {
    let profile = text(config, &["accelerator", "profile"]);
    if profile.is_empty() || profile == "auto" {
        return;
    }
    set(config, &["accelerator", "type"], profile.clone().into());
    if !is_auto(config, &["accelerator", "resource"]) {
        return;
    }
    let driver = DRIVERS.iter().find(|(_, name)| *name == profile);
    if let Some((driver, _)) = driver {
        take(config, "resource");
        set(config, &["accelerator", "draDriver"], json!(driver));
    } else if let Some(resource) = find(&RESOURCES, &profile) {
        set(config, &["accelerator", "resource"], resource.into());
    }
}

fn take(config: &mut Value, key: &str) {
    if let Some(Value::Object(accelerator)) = config.get_mut("accelerator") {
        accelerator.shift_remove(key);
    }
}

fn accelerator(config: &mut Value, known: &Known, notes: &mut Notes) {
    if is_auto(config, &["accelerator", "resource"]) {
        match known.facts.map_or(Accelerators::None, ClusterFacts::accelerators) {
            Accelerators::Resource(name) => set(config, &["accelerator", "resource"], name.into()),
            Accelerators::Driver(driver) => {
                take(config, "resource");
                set(config, &["accelerator", "draDriver"], driver.into());
            }
            Accelerators::Several(names) => notes.error_at(
                &["accelerator", "resource"],
                format!(
                    "accelerator.resource: the cluster has several kinds of accelerators ({}); set it, or \
                     accelerator.profile",
                    names.join(", ")
                ),
            ),
            Accelerators::None => {
                set(config, &["accelerator", "resource"], ASSUMED.into());
                let why = known.missing(
                    "nodes",
                    "no node of the cluster has an accelerator that is known here",
                );
                notes.unresolved("accelerator.resource", format!("{why}; {ASSUMED} is assumed"));
            }
        }
    }
    if is_auto(config, &["accelerator", "profile"]) {
        let resource = text(config, &["accelerator", "resource"]);
        let driver = text(config, &["accelerator", "draDriver"]);
        let profile = if resource.is_empty() {
            find(&DRIVERS, &driver)
        } else {
            find(&PROFILES, &resource)
        };
        match profile {
            Some(profile) => {
                set(config, &["accelerator", "profile"], profile.into());
                set(config, &["accelerator", "type"], profile.into());
            }
            None => notes.unresolved("accelerator.profile", "no profile goes with the accelerator"),
        }
    }
}

/// A fast network is an option: where none is known of, there is none.
fn network(config: &mut Value, known: &Known, notes: &mut Notes) {
    let (resource, number) = (["vllmCommon", "networkResource"], ["vllmCommon", "networkNr"]);
    let number_is_open = is_auto(config, &number) || !truthy(get(config, &number));
    let number_is_auto = is_auto(config, &number);
    if is_auto(config, &resource) {
        let found = known.facts.and_then(ClusterFacts::network);
        set(config, &resource, found.unwrap_or_default().into());
        if found.is_some() && number_is_open {
            set(config, &number, "1".into());
        } else if number_is_auto {
            set(config, &number, "".into());
        }
        if known.facts.is_none() {
            let why = known.missing("nodes", "");
            notes.unresolved("vllmCommon.networkResource", format!("{why}; none is assumed"));
        }
    } else if number_is_auto {
        let count = if truthy(get(config, &resource)) { "1" } else { "" };
        set(config, &number, count.into());
    }
}

fn affinity(config: &mut Value, known: &Known, notes: &mut Notes) {
    if !is_auto(config, &["affinity", "nodeSelector"]) {
        return;
    }
    if let Some((key, value)) = known.facts.and_then(ClusterFacts::model_label) {
        set(config, &["affinity", "nodeSelector"], json!({ key: value }));
        set(config, &["affinity", "enabled"], true.into());
    } else {
        notes.unresolved(
            "affinity.nodeSelector",
            known.missing("node labels", "no node has a label that names its accelerator"),
        );
    }
}

/// Roles without accelerators need no label of any, and those that are off may miss it.
fn node_labels(config: &mut Value, known: &Known, context: &Context, notes: &mut Notes) {
    let label = known.facts.and_then(ClusterFacts::model_label);
    let has_accelerators = known
        .facts
        .is_some_and(|facts| facts.accelerators() != Accelerators::None);
    for role in ROLES {
        // `-t` may still turn on what is off here.
        let asked_for = context.plan.flags.asks_for(if role == "standalone" {
            role
        } else {
            "modelservice"
        });
        let on = asked_for || get(config, &[role, "enabled"]) != Some(&Value::Bool(false));
        if !is_auto(config, &[role, "acceleratorType", "labelValue"]) || accelerators(config, role) == 0 {
            continue;
        }
        if let Some((key, value)) = label {
            set(config, &[role, "acceleratorType", "labelKey"], key.into());
            set(config, &[role, "acceleratorType", "labelValue"], value.into());
        } else if has_accelerators {
            if let Some(Value::Object(kind)) = config
                .get_mut(role)
                .and_then(|role| role.get_mut("acceleratorType"))
            {
                for key in ["labelKey", "labelValue", "labelValues"] {
                    kind.shift_remove(key);
                }
            }
            if on {
                notes.warning(format!(
                    "{role}.acceleratorType: no node has a label that names its accelerator; pods go to any node with one"
                ));
            }
        } else if on {
            notes.unresolved(
                format!("{role}.acceleratorType.labelValue"),
                known.missing("node labels", "no node has a label that names its accelerator"),
            );
        }
    }
}

/// Accelerators of each server of a role, by the reference's rule for labels; 0 where that is no number.
fn accelerators(config: &Value, role: &str) -> i64 {
    let count = get(config, &[role, "accelerator", "count"])
        .or_else(|| get(config, &[role, "parallelism", "tensor"]));
    match count {
        Some(Value::Number(number)) => number.as_f64().map_or(0, |number| number as i64),
        Some(Value::String(text)) => text.trim().parse().unwrap_or(0),
        Some(Value::Bool(yes)) => i64::from(*yes),
        _ => 0,
    }
}

/// A driver's devices are asked for by a claim, since no resource stands for them.
fn claims(config: &mut Value) {
    let driver = text(config, &["accelerator", "draDriver"]);
    let kind = text(config, &["accelerator", "type"]);
    if driver.is_empty() || kind.is_empty() {
        return;
    }
    set(config, &["dra", "enabled"], true.into());
    set(config, &["dra", "type"], kind.clone().into());
    if !truthy(get(config, &["dra", "claimTemplates"])) {
        let template = Map::from_iter([(kind, json!({"class": driver}))]);
        set(config, &["dra", "claimTemplates"], Value::Object(template));
    }
}

/// Roles that say nothing about their network have that of all.
fn spread_network(config: &mut Value) {
    for key in ["networkResource", "networkNr"] {
        let common = get(config, &["vllmCommon", key])
            .cloned()
            .unwrap_or_else(|| "".into());
        for role in ROLES {
            let own = get(config, &[role, key]);
            let open = !truthy(own) || own.and_then(Value::as_str) == Some("auto");
            if open && config.get(role).is_some_and(Value::is_object) {
                set(config, &[role, key], common.clone());
            }
        }
    }
}
