//! Flags that set several config keys at once: `-p`, `-m`, `-t`; and size presets, which the config itself asks for.

use super::merge::{get, merge, set};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// Namespace where neither flag nor scenario names one.
const NAMESPACE: &str = "llmdbench";
/// Deploy methods, as `-t` names them; each has a section with `enabled`.
const METHODS: [&str; 5] = ["standalone", "modelservice", "fma", "kustomize", "nok8s"];

/// What `-p`, `-m` and `-t` say, checked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Flags {
    namespaces: Vec<String>,
    model: Option<String>,
    methods: Vec<String>,
    /// What was given but has no effect.
    pub(super) warnings: Vec<String>,
}

impl Flags {
    /// Check the flags; an error says which one is wrong.
    pub(super) fn new(
        namespace: Option<&str>,
        model: Option<&str>,
        methods: Option<&str>,
    ) -> Result<Self, String> {
        let mut flags = Self {
            namespaces: words(namespace),
            ..Self::default()
        };
        if flags.namespaces.len() > 3 {
            return Err("-p takes at most three namespaces: deploy,harness,wva".to_owned());
        }
        if let Some(bad) = flags.namespaces.iter().find(|name| !is_label(name)) {
            return Err(format!(
                "-p: `{bad}` is not a namespace: lower-case letters, digits and - only"
            ));
        }
        let mut models = words(model).into_iter();
        flags.model = models.next();
        if models.next().is_some() {
            flags.warnings.push("-m: only the first model is used".to_owned());
        }
        let mut chosen = words(methods);
        if let Some(bad) = chosen.iter().find(|word| !METHODS.contains(&word.as_str())) {
            return Err(format!(
                "-t: there is no deploy method `{bad}`; there are {}",
                METHODS.join(", ")
            ));
        }
        // One method at a time, except that fma goes on top of modelservice.
        for (winner, losers) in [
            ("nok8s", &["kustomize", "modelservice", "standalone", "fma"][..]),
            ("kustomize", &["modelservice", "standalone", "fma"]),
            ("modelservice", &["standalone"]),
            ("standalone", &["fma"]),
        ] {
            let has = |name: &str| chosen.iter().any(|word| word == name);
            if has(winner) && losers.iter().any(|loser| has(loser)) {
                flags.warnings.push(format!(
                    "-t: {winner} cannot be combined with the others, and is used alone"
                ));
                chosen.retain(|word| !losers.contains(&word.as_str()));
            }
        }
        flags.methods = chosen;
        Ok(flags)
    }

    /// Put the flags into a config.
    pub(super) fn apply(&self, config: &mut Value) {
        self.namespace(config);
        if let Some(model) = &self.model {
            let namespace = text(config, &["namespace", "name"]);
            for (key, value) in [
                ("name", model.clone()),
                ("huggingfaceId", model.clone()),
                ("path", format!("models/{model}")),
                ("shortName", model_label(model, &namespace)),
            ] {
                set(config, &["model", key], value.into());
            }
        }
        if !self.methods.is_empty() {
            for method in METHODS {
                let enabled = self.methods.iter().any(|word| word == method);
                set(config, &[method, "enabled"], enabled.into());
            }
        }
    }

    fn namespace(&self, config: &mut Value) {
        let auto = |name: &str| name.is_empty() || name == "auto";
        let given = |index: usize| self.namespaces.get(index).filter(|name| !auto(name)).cloned();
        let deploy = given(0).unwrap_or_else(|| {
            let written = text(config, &["namespace", "name"]);
            if auto(&written) || !self.namespaces.is_empty() {
                NAMESPACE.to_owned()
            } else {
                written
            }
        });
        set(config, &["namespace", "name"], json!(deploy));
        if !self.namespaces.is_empty() {
            for (index, section) in [(1, "harness"), (2, "wva")] {
                let name = given(index).unwrap_or_else(|| deploy.clone());
                set(config, &[section, "namespace"], json!(name));
            }
        }
        let gateway = text(config, &["gateway", "namespace"]);
        if config.get("gateway").is_some() && (auto(&gateway) || gateway == NAMESPACE) {
            set(config, &["gateway", "namespace"], json!(deploy));
        }
    }
}

/// Lay the size preset a config asks for over `decode` and `prefill`. An error names a preset that is not there.
pub(super) fn apply_preset(config: &mut Value) -> Result<(), String> {
    let Some(name) = get(config, &["resourcePreset"])
        .and_then(Value::as_str)
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
    else {
        return Ok(());
    };
    let Some(preset) = get(config, &["resourcePresets", &name]).cloned() else {
        return Err(format!("resourcePreset: there is no preset `{name}`"));
    };
    for section in ["decode", "prefill"] {
        if let Some(part) = preset.get(section)
            && let Some(target) = config.get_mut(section)
        {
            merge(target, part);
        }
    }
    Ok(())
}

/// The reference's short name of a model in a namespace: head, hash and tail, safe as a Kubernetes label.
fn model_label(model: &str, namespace: &str) -> String {
    let id = model.replace(['/', '.'], "-");
    let hashed = if namespace.is_empty() {
        id.clone()
    } else {
        format!("{namespace}/{id}")
    };
    let hash = super::fingerprint::hex(&Sha256::digest(hashed.as_bytes()));
    let characters: Vec<char> = id.chars().collect();
    let head: String = characters.iter().take(8).collect();
    let tail: String = characters
        .iter()
        .skip(characters.len().saturating_sub(8))
        .collect();
    format!("{head}-{}-{tail}", hash.get(..8).unwrap_or_default()).to_lowercase()
}

fn words(flag: Option<&str>) -> Vec<String> {
    let flag = flag.unwrap_or_default();
    if flag.trim().is_empty() {
        return Vec::new();
    }
    flag.split(',').map(|word| word.trim().to_owned()).collect()
}

fn is_label(name: &str) -> bool {
    name.len() <= 63
        && !name.starts_with('-')
        && !name.ends_with('-')
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

fn text(config: &Value, path: &[&str]) -> String {
    get(config, path)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(namespace: Option<&str>, model: Option<&str>, methods: Option<&str>) -> Value {
        let mut config = json!({
            "namespace": {"name": "auto"}, "gateway": {"namespace": "auto"}, "model": {"name": "a/b"},
            "standalone": {"enabled": false}, "modelservice": {"enabled": true},
        });
        Flags::new(namespace, model, methods).unwrap().apply(&mut config);
        config
    }

    #[test]
    fn the_model_has_the_references_label() {
        assert_eq!(
            model_label("facebook/opt-125m", "ns1"),
            "facebook-b327bd53-opt-125m"
        );
        let config = applied(Some("ns1"), Some("facebook/opt-125m"), None);
        assert_eq!(config["model"]["shortName"], "facebook-b327bd53-opt-125m");
        assert_eq!(config["model"]["path"], "models/facebook/opt-125m");
    }

    #[test]
    fn namespaces_fall_back_on_the_first() {
        let config = applied(None, None, None);
        assert_eq!(config["namespace"]["name"], "llmdbench");
        assert_eq!(config["gateway"]["namespace"], "llmdbench");
        let config = applied(Some("a,b"), None, None);
        assert_eq!(config["harness"]["namespace"], "b");
        assert_eq!(config["wva"]["namespace"], "a");
        assert!(Flags::new(Some("Bad_Name"), None, None).is_err());
    }

    #[test]
    fn one_method_is_in_effect() {
        let config = applied(None, None, Some("standalone"));
        assert_eq!(config["standalone"]["enabled"], true);
        assert_eq!(config["modelservice"]["enabled"], false);
        let flags = Flags::new(None, None, Some("standalone,modelservice")).unwrap();
        assert_eq!(flags.methods, ["modelservice"]);
        assert_eq!(flags.warnings.len(), 1);
        assert!(
            Flags::new(None, None, Some("helm"))
                .unwrap_err()
                .contains("kustomize")
        );
    }

    #[test]
    fn a_preset_is_laid_over_the_roles() {
        let mut config = json!({
            "resourcePreset": "big",
            "resourcePresets": {"big": {"decode": {"parallelism": {"tensor": 8}}}},
            "decode": {"parallelism": {"tensor": 1, "data": 1}},
        });
        apply_preset(&mut config).unwrap();
        assert_eq!(config["decode"]["parallelism"], json!({"tensor": 8, "data": 1}));
        config["resourcePreset"] = json!("huge");
        assert!(apply_preset(&mut config).is_err());
    }
}
