//! What a stack really is, beside what was planned. Whoever runs it asks it; the judge compares; reports tell it.

use serde::{Deserialize, Serialize};

/// What a stack really is, asked from the stack itself. Compared with what was planned before and after
/// each attempt: a difference makes the cell suspect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EffectiveConfig {
    /// Served model.
    pub model: String,
    /// Per role (`replica`, `prefill`, `decode`): replicas, tensor and data parallelism.
    pub roles: Vec<RoleConfig>,
    /// Routing plugin configuration in effect, where there is a router.
    pub plugin_config: Option<String>,
    /// Restarts of the server since standup; must not change during a cell. Never compared with the plan.
    pub restarts: u32,
    /// Changes whenever a server process is another one than before.
    pub incarnation: String,
}

impl EffectiveConfig {
    /// What about a stack is not as in this plan, in words; empty where it is what was planned.
    ///
    /// A plan without roles, of a command that decides itself how to serve, says nothing about them; one without plugin
    /// configuration leaves it to the router.
    pub fn differences(&self, found: &Self) -> Vec<String> {
        let mut differences = Vec::new();
        if self.model != found.model {
            differences.push(format!("it serves `{}` instead of `{}`", found.model, self.model));
        }
        let sorted = |config: &Self| {
            let mut roles = config.roles.clone();
            roles.sort();
            roles
        };
        let (ours, theirs) = (sorted(self), sorted(found));
        if !ours.is_empty() && ours != theirs {
            differences.push(format!(
                "it has {} instead of {}",
                in_words(&theirs),
                in_words(&ours)
            ));
        }
        if self.plugin_config.is_some() && self.plugin_config != found.plugin_config {
            let word = |plugin: &Option<String>| plugin.clone().unwrap_or_else(|| "none".to_owned());
            differences.push(format!(
                "its router uses `{}` instead of `{}`",
                word(&found.plugin_config),
                word(&self.plugin_config)
            ));
        }
        differences
    }
}

fn in_words(roles: &[RoleConfig]) -> String {
    let words: Vec<String> = roles
        .iter()
        .map(|role| {
            let engines = match role.data_parallelism {
                1 => String::new(),
                engines => format!(" DP {engines}"),
            };
            format!(
                "{} × {} with TP {}{engines}",
                role.replicas, role.role, role.tensor_parallelism
            )
        })
        .collect();
    if words.is_empty() {
        "no servers".to_owned()
    } else {
        words.join(" + ")
    }
}

/// One role of a stack.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RoleConfig {
    /// `replica`, `prefill` or `decode`.
    pub role: String,
    /// Servers in this role.
    pub replicas: u32,
    /// Tensor parallelism of each.
    pub tensor_parallelism: u32,
    /// Data parallelism of each; 1 where nobody says.
    #[serde(default = "one")]
    pub data_parallelism: u32,
}

fn one() -> u32 {
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(roles: &[(&str, u32, u32)], plugins: Option<&str>) -> EffectiveConfig {
        EffectiveConfig {
            model: "m".to_owned(),
            roles: roles
                .iter()
                .map(|(role, replicas, tensor_parallelism)| RoleConfig {
                    role: (*role).to_owned(),
                    replicas: *replicas,
                    tensor_parallelism: *tensor_parallelism,
                    data_parallelism: 1,
                })
                .collect(),
            plugin_config: plugins.map(str::to_owned),
            restarts: 0,
            incarnation: String::new(),
        }
    }

    #[test]
    fn a_stack_is_compared_with_its_plan() {
        let planned = config(&[("prefill", 2, 1), ("decode", 1, 4)], Some("default"));
        let mut found = config(&[("decode", 1, 4), ("prefill", 2, 1)], Some("default"));
        found.restarts = 3;
        found.incarnation = "x".to_owned();
        assert_eq!(planned.differences(&found), Vec::<String>::new());
        let found = config(&[("decode", 2, 4)], None);
        assert_eq!(
            planned.differences(&found),
            [
                "it has 2 × decode with TP 4 instead of 1 × decode with TP 4 + 2 × prefill with TP 1",
                "its router uses `none` instead of `default`"
            ]
        );
        let unknown = config(&[], None);
        assert_eq!(
            unknown.differences(&config(&[("replica", 1, 1)], None)),
            Vec::<String>::new()
        );
    }
}
