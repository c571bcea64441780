//! Plans for the screen: what a row would put on a cluster, who set what in it, and how two rows differ.

use crate::experiment::SetupId;
use crate::plan::{
    Change, ConfigLine, Origin, PlanError, RenderedSetup, RenderedStack, SetupPlan, SweepPlan,
};
use crate::tui::plans::{
    self, ChangeView, DifferenceView, PlanFile, PlanSource, PlanView, StackView, Unresolved,
};
use serde_json::Value;
use std::sync::Arc;

/// The layer that is in every plan.
const DEFAULTS: &str = "defaults";

/// The plan of a sweep, shown row by row. Nothing is kept: a row is planned again when it is looked at.
pub(super) struct Plans(pub(super) Arc<SweepPlan>);

impl Plans {
    fn setup(&self, setup: SetupId) -> Result<&SetupPlan, String> {
        let missing = || {
            format!(
                "the plan of this sweep has no row {}; resume it to plan it anew",
                setup.0 + 1
            )
        };
        self.0.setup(setup).ok_or_else(missing)
    }

    fn render(&self, setups: &[&SetupPlan]) -> Result<Vec<RenderedSetup>, String> {
        let told = |error: PlanError| error.render(false);
        self.0.render(setups).map_err(told)
    }

    fn stack(&self, setup: &SetupPlan, rendered: &RenderedStack) -> StackView {
        let resolved = &rendered.resolved;
        let unresolved = resolved.unresolved.iter().map(|open| Unresolved {
            path: open.path.clone(),
            why: open.why.clone(),
        });
        let warnings = resolved.warnings.iter().chain(&rendered.warnings);
        let texts = rendered.files.iter().zip(rendered.shown_texts());
        let files = texts.map(|(file, text)| PlanFile {
            name: file.name.clone(),
            origin: file.template.clone(),
            text: text.into(),
        });
        StackView {
            name: rendered.name.clone(),
            config: config(&self.0.provenance(setup, &rendered.name).lines()),
            unresolved: unresolved.collect(),
            warnings: warnings
                .map(|warning| warning.render(false).trim_end().to_owned())
                .collect(),
            files: files.collect(),
        }
    }
}

impl PlanSource for Plans {
    fn plan(&self, setup: SetupId) -> Result<PlanView, String> {
        let setup = self.setup(setup)?;
        let rendered = self.render(&[setup])?;
        let stacks = rendered.iter().flat_map(|rendered| &rendered.stacks);
        Ok(PlanView {
            setup: setup.name.clone(),
            levels: setup.levels.clone(),
            stacks: stacks.map(|stack| self.stack(setup, stack)).collect(),
        })
    }

    fn difference(&self, before: SetupId, after: SetupId) -> Result<DifferenceView, String> {
        let (before, after) = (self.setup(before)?, self.setup(after)?);
        let rendered = self.render(&[before, after])?;
        let [first, second] = rendered.as_slice() else {
            return Err("the two rows could not be planned together; look at each by itself".to_owned());
        };
        let mut changes = Vec::new();
        let several = first.stacks.len() > 1;
        for (a, b) in first.stacks.iter().zip(&second.stacks) {
            let place = |name: &str| {
                if several {
                    format!("{}/{name}", a.name)
                } else {
                    name.to_owned()
                }
            };
            for (file, differ) in a.differences(b) {
                changes.extend(shown(&place(&file), differ));
            }
        }
        Ok(DifferenceView {
            before: before.name.clone(),
            after: after.name.clone(),
            changes,
        })
    }
}

/// The lines of a config; heads of maps and lists are a default's where all their parts are.
fn config(lines: &[ConfigLine]) -> Vec<plans::ConfigLine> {
    let mut shown: Vec<plans::ConfigLine> = Vec::with_capacity(lines.len());
    // Whether a line above has a part that is chosen, by depth; filled from the end.
    let mut chosen: Vec<bool> = Vec::new();
    for line in lines.iter().rev() {
        let is_head = line.value.is_none();
        let below = chosen.get(line.depth + 1).copied().unwrap_or_default();
        let is_default = if is_head {
            !below
        } else {
            line.origins.iter().all(|origin| origin.layer == DEFAULTS)
        };
        chosen.truncate(line.depth + 1);
        chosen.resize(line.depth + 1, false);
        if let Some(here) = chosen.last_mut() {
            *here |= !is_default;
        }
        shown.push(plans::ConfigLine {
            depth: u16::try_from(line.depth).unwrap_or(u16::MAX),
            key: line.key.clone(),
            path: line.path.clone(),
            value: line.value.clone().unwrap_or_default(),
            is_default,
            origins: line.origins.iter().map(origin).collect(),
        });
    }
    shown.reverse();
    shown
}

fn origin(origin: &Origin) -> plans::Origin {
    let place = origin.place.as_ref();
    plans::Origin {
        layer: origin.layer.clone(),
        place: place.map_or_else(String::new, ToString::to_string),
        value: told(&origin.value),
    }
}

/// A value as people read it: texts without quotes, all else as JSON, which is YAML on one line.
fn told(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}

fn shown(place: &str, changes: Vec<Change>) -> impl Iterator<Item = ChangeView> {
    changes.into_iter().map(move |change| ChangeView {
        place: place.to_owned(),
        path: change.path,
        before: change.before.as_ref().map(told),
        after: change.after.as_ref().map(told),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(depth: usize, layer: Option<&str>) -> ConfigLine {
        ConfigLine {
            depth,
            key: "key".to_owned(),
            path: "key".to_owned(),
            value: layer.map(|_| "1".to_owned()),
            origins: layer
                .map(|layer| Origin {
                    layer: layer.to_owned(),
                    place: None,
                    value: Value::from(1),
                })
                .into_iter()
                .collect(),
        }
    }

    #[test]
    fn a_map_is_a_default_where_all_of_it_is() {
        let lines = [
            line(0, None),
            line(1, Some("defaults")),
            line(1, None),
            line(2, Some("--set")),
            line(0, None),
            line(1, None),
            line(2, Some("defaults")),
            line(0, Some("stack")),
        ];
        let defaults: Vec<bool> = config(&lines).iter().map(|line| line.is_default).collect();
        assert_eq!(defaults, [false, true, false, false, true, true, true, false]);
    }
}
