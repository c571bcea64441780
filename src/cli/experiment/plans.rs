//! Plans for the screen: what a row would put on a cluster, who set what in it, and how two rows differ.

use crate::experiment::SetupId;
use crate::plan::{self, ConfigLine, Origin, PlanError, RenderedSetup, RenderedStack, SetupPlan, SweepPlan};
use crate::text::redact;
use crate::tui::plans::{
    self, ChangeView, DifferenceView, PlanFile, PlanSource, PlanView, StackView, Unresolved,
};
use crate::yaml;
use serde_json::Value;
use std::sync::Arc;

/// What the resolved configuration of a stack is called, as on disk.
const CONFIG: &str = "config.yaml";
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
        let warnings = resolved.warnings.iter();
        let files = rendered.files.iter().map(|file| PlanFile {
            name: file.name.clone(),
            origin: file.template.clone(),
            text: redact(&file.text).into(),
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
            let configs = [(before, a), (after, b)]
                .map(|(setup, stack)| self.0.provenance(setup, &stack.name).config());
            let [config_before, config_after] = configs;
            changes.extend(compared(&place(CONFIG), &config_before, &config_after));
            for (file, text_before, text_after) in files(a, b) {
                let (text_before, text_after) =
                    (documents(&redact(text_before)), documents(&redact(text_after)));
                changes.extend(compared(&place(file), &text_before, &text_after));
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
        place: place.map_or_else(String::new, |place| {
            format!("{}:{}:{}", place.file, place.line, place.column)
        }),
        value: told(&origin.value),
    }
}

/// A value as people read it: texts without quotes, all else as JSON, which is YAML on one line.
fn told(value: &Value) -> String {
    match value {
        Value::String(text) => redact(text).into(),
        value => redact(&value.to_string()).into(),
    }
}

/// The files that either stack has and whose texts are not the same, in the order of their names.
fn files<'a>(a: &'a RenderedStack, b: &'a RenderedStack) -> Vec<(&'a str, &'a str, &'a str)> {
    let mut names: Vec<&str> = a
        .files
        .iter()
        .chain(&b.files)
        .map(|file| file.name.as_str())
        .collect();
    names.sort_unstable();
    names.dedup();
    let text = |stack: &'a RenderedStack, name: &str| -> &'a str {
        let file = stack.files.iter().find(|file| file.name == name);
        file.map_or("", |file| &*file.text)
    };
    let both = names.into_iter().map(|name| (name, text(a, name), text(b, name)));
    both.filter(|(_, before, after)| before != after).collect()
}

/// What the documents of a file say; its text where it is no YAML.
fn documents(text: &str) -> Value {
    let mut documents = vec![String::new()];
    for line in text.lines() {
        if line.trim_end() == "---" {
            documents.push(String::new());
        } else if let Some(document) = documents.last_mut() {
            document.push_str(line);
            document.push('\n');
        }
    }
    let read = documents.iter().map(|document| yaml::from_str(document));
    match read.collect::<Result<Vec<Value>, _>>() {
        Ok(values) => {
            let mut values: Vec<Value> = values.into_iter().filter(|value| !value.is_null()).collect();
            match values.len() {
                1 => values.pop().unwrap_or_default(),
                _ => Value::Array(values),
            }
        }
        Err(_) => Value::String(text.to_owned()),
    }
}

fn compared(place: &str, before: &Value, after: &Value) -> Vec<ChangeView> {
    let changes = plan::difference(before, after).into_iter();
    changes
        .map(|change| ChangeView {
            place: place.to_owned(),
            path: change.path,
            before: change.before.as_ref().map(told),
            after: change.after.as_ref().map(told),
        })
        .collect()
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

    #[test]
    fn files_are_compared_by_what_they_mean() {
        let before = documents("# one\nkind: A\nx: 1\n---\nkind: B\n");
        let after = documents("---\nx: 2\nkind: A\n---\nkind: B # the same\n");
        let changes = compared("file", &before, &after);
        assert_eq!(changes.len(), 1, "{changes:?}");
        assert_eq!(changes[0].before.as_deref(), Some("1"));
        assert_eq!(documents("\n"), Value::Array(Vec::new()));
        assert_eq!(documents("a: [\n"), Value::String("a: [\n".to_owned()));
    }
}
