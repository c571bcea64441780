//! Flags that change a config, read and checked; `resolve` puts them in.

use super::request::Request;

/// Deploy methods, as `-t` names them; each has a section with `enabled`.
pub(super) const METHODS: [&str; 5] = ["standalone", "modelservice", "fma", "kustomize", "nok8s"];

/// What flags say, checked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Flags {
    /// `-p`: of the stack, of the harness, of the autoscaler; a part may be empty or `auto`.
    pub(super) namespaces: Vec<String>,
    /// `-m`.
    pub(super) model: Option<String>,
    /// `-t`, without what cannot be combined.
    pub(super) methods: Vec<String>,
    /// `--stack`.
    pub(super) stacks: Vec<String>,
    /// `--gateway-class`.
    pub(super) gateway_class: Option<String>,
    /// `--monitoring` or `--no-monitoring`.
    pub(super) monitoring: Option<bool>,
    /// `--wva`.
    pub(super) wva: bool,
    /// `--epp-keda-saturation`.
    pub(super) epp_keda_saturation: bool,
    /// Whether the environment has a Hugging Face token.
    pub(super) token: bool,
    /// `--run-description`.
    pub(super) description: Option<String>,
    /// `--run-keywords`.
    pub(super) keywords: Option<String>,
    /// What was given but has no effect.
    pub(super) warnings: Vec<String>,
}

impl Flags {
    /// Check the flags; an error says which one is wrong.
    pub(super) fn new(request: &Request) -> Result<Self, String> {
        let mut flags = Self {
            namespaces: words(request.namespace.as_deref()),
            stacks: words(request.stack.as_deref()),
            gateway_class: words(request.gateway_class.as_deref()).into_iter().next(),
            monitoring: request.monitoring,
            wva: request.wva,
            epp_keda_saturation: request.epp_keda_saturation,
            token: request.hugging_face_token,
            description: request.description.clone(),
            keywords: request.keywords.clone(),
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
        let mut models = words(request.models.as_deref()).into_iter();
        flags.model = models.next();
        if models.next().is_some() {
            flags.warnings.push("-m: only the first model is used".to_owned());
        }
        let mut chosen = words(request.methods.as_deref());
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

    /// Whether `-t` names this method.
    pub(super) fn asks_for(&self, method: &str) -> bool {
        self.methods.iter().any(|word| word == method)
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(change: impl FnOnce(&mut Request)) -> Result<Flags, String> {
        let mut request = Request::without_experiment("local");
        change(&mut request);
        Flags::new(&request)
    }

    #[test]
    fn one_method_is_in_effect() {
        let both = flags(|request| request.methods = Some("standalone,modelservice".to_owned())).unwrap();
        assert_eq!(both.methods, ["modelservice"]);
        assert_eq!(both.warnings.len(), 1);
        let layered = flags(|request| request.methods = Some("fma, modelservice".to_owned())).unwrap();
        assert!(layered.asks_for("fma") && layered.asks_for("modelservice"));
        let error = flags(|request| request.methods = Some("helm".to_owned())).unwrap_err();
        assert!(error.contains("kustomize"), "{error}");
    }

    #[test]
    fn namespaces_are_names() {
        assert!(flags(|request| request.namespace = Some("Bad_Name".to_owned())).is_err());
        assert!(flags(|request| request.namespace = Some("a,b,c,d".to_owned())).is_err());
        let some = flags(|request| request.namespace = Some("a, ,c".to_owned())).unwrap();
        assert_eq!(some.namespaces, ["a", "", "c"]);
    }
}
