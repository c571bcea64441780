//! What a factor, constant or key of a treatment stands for, and what its values set.

use super::conflicts::describe;
use super::design::{Override, OverrideTarget, PathSegment};
use super::legacy::{self, Converted, Given, Meaning};
use super::path::{format_path, parse_path};
use crate::diagnostic::{Finding, Findings, Span};
use serde_json::Value;
use std::collections::HashSet;

/// The two sides of a design.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// The deployment.
    Setup,
    /// The workload.
    Run,
}

impl Side {
    /// The section's key in the factor dialect, also what its generated names begin with.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Setup => "setup",
            Self::Run => "run",
        }
    }
}

/// One setup or run treatment of either dialect.
#[derive(Debug, Clone)]
pub(super) struct Treatment {
    pub(super) name: String,
    pub(super) profile: Option<String>,
    pub(super) levels: Vec<super::Level>,
    pub(super) overrides: Vec<Override>,
    pub(super) span: Span,
}

/// What a name in the file stands for.
#[derive(Debug, Clone)]
pub(super) enum Parameter {
    /// A variable of the old tool.
    Old(&'static Meaning),
    /// A place in the config or profile.
    Place(OverrideTarget),
}

/// Understand `name`; what is wrong with it is reported. `bare_everywhere`: a name without dots is every key so named.
pub(super) fn parameter(
    name: &str,
    span: Span,
    side: Side,
    bare_everywhere: bool,
    findings: &mut Findings,
) -> Option<Parameter> {
    let mut refuse = |message: String, help: String| {
        findings.push(Finding::error(span, message).with_help(help));
        None
    };
    if name.chars().any(char::is_control) {
        let message = format!("the name `{}` holds a control character", name.escape_debug());
        return refuse(message, "remove it".to_owned());
    }
    if name.starts_with(legacy::PREFIX) {
        return match (side, legacy::meaning(name)) {
            (Side::Setup, Some(meaning)) => Some(Parameter::Old(meaning)),
            (Side::Setup, None) => refuse(format!("unknown name `{name}`"), legacy::suggestion(name)),
            (Side::Run, _) => refuse(
                format!("`{name}` belongs to the deployment, not to the workload"),
                "move it to `setup`".to_owned(),
            ),
        };
    }
    let path = parse_path(name);
    if path
        .iter()
        .any(|segment| matches!(segment, PathSegment::Key(key) if key.trim().is_empty()))
    {
        return refuse(
            format!("`{name}` has an empty part"),
            "write a dotted path, such as decode.replicas; a key that holds dots needs double quotes"
                .to_owned(),
        );
    }
    Some(Parameter::Place(match path.as_slice() {
        [segment] if bare_everywhere => OverrideTarget::EveryKey(segment.text().to_owned()),
        _ if side == Side::Setup && legacy::is_known_key(&path) => OverrideTarget::Known(path),
        _ => OverrideTarget::Path(path),
    }))
}

/// One parameter with its value in one treatment.
#[derive(Debug, Clone)]
pub(super) struct Assignment<'a> {
    /// The name as the file spells it.
    pub(super) name: &'a str,
    pub(super) parameter: &'a Parameter,
    /// The value as text, for old names.
    pub(super) text: &'a str,
    /// The value, for places.
    pub(super) value: Value,
    pub(super) span: Span,
}

/// An override on its way, with what decides which of two wins.
struct Draft {
    item: Override,
    common: bool,
}

/// What the assignments of one treatment set. Old names of all methods yield to those of one method.
pub(super) fn translate(assignments: &[Assignment<'_>], findings: &mut Findings) -> Vec<Override> {
    let methods = assignments
        .iter()
        .find(|one| one.name == legacy::METHODS)
        .map(|one| one.text);
    let mut drafts = Vec::with_capacity(assignments.len());
    let mut images: Vec<ImageName> = Vec::new();
    for one in assignments {
        let meaning = match one.parameter {
            Parameter::Place(target) => {
                let (target, value) = (target.clone(), one.value.clone());
                let item = Override {
                    target,
                    value,
                    span: one.span,
                };
                drafts.push(Draft { item, common: false });
                continue;
            }
            Parameter::Old(meaning) => meaning,
        };
        match legacy::convert(one.name, meaning, one.text, methods) {
            Ok(Converted::Keys(keys)) => drafts.extend(keys.into_iter().map(|key| draft(key, one.span))),
            Ok(Converted::ImagePart { target, part, text }) => {
                let at = images
                    .iter()
                    .position(|image| image.target == target)
                    .unwrap_or_else(|| {
                        images.push(ImageName {
                            target,
                            span: one.span,
                            parts: Vec::new(),
                        });
                        images.len() - 1
                    });
                if let Some(image) = images.get_mut(at) {
                    image.parts.push((part, text));
                }
            }
            Err(refused) => {
                let finding = Finding::error(one.span, refused.message);
                findings.push(match refused.help {
                    Some(help) => finding.with_help(help),
                    None => finding,
                });
            }
        }
    }
    drafts.extend(images.into_iter().filter_map(|image| image.joined(findings)));
    settle(drafts)
}

fn draft(key: Given, span: Span) -> Draft {
    let item = Override {
        target: OverrideTarget::Known(key.path),
        value: key.value,
        span,
    };
    Draft {
        item,
        common: key.common,
    }
}

/// Drop what another override of the same place makes void: a common one where there is a specific one, and all but the
/// first of several common ones.
fn settle(drafts: Vec<Draft>) -> Vec<Override> {
    if !drafts.iter().any(|draft| draft.common) {
        return drafts.into_iter().map(|draft| draft.item).collect();
    }
    let mut taken: HashSet<String> = drafts
        .iter()
        .filter(|draft| !draft.common)
        .map(|draft| describe(&draft.item.target))
        .collect();
    drafts
        .into_iter()
        .filter(|draft| !draft.common || taken.insert(describe(&draft.item.target)))
        .map(|draft| draft.item)
        .collect()
}

/// The parts of an image's repository found in one treatment.
struct ImageName {
    target: Vec<PathSegment>,
    span: Span,
    parts: Vec<(legacy::ImagePart, String)>,
}

impl ImageName {
    fn joined(self, findings: &mut Findings) -> Option<Draft> {
        use legacy::ImagePart::{Name, Registry, Repo};
        let part = |wanted| {
            self.parts
                .iter()
                .find(|(part, _)| *part == wanted)
                .map(|(_, text)| text)
        };
        let (Some(registry), Some(repo), Some(name)) = (part(Registry), part(Repo), part(Name)) else {
            let message = format!(
                "`{}` needs registry, repository and name of the image",
                format_path(&self.target)
            );
            let help = "give the variables that end in IMAGE_REGISTRY, IMAGE_REPO and IMAGE_NAME together";
            findings.push(Finding::error(self.span, message).with_help(help));
            return None;
        };
        let value = Value::String(format!("{registry}/{repo}/{name}"));
        let item = Override {
            target: OverrideTarget::Known(self.target),
            value,
            span: self.span,
        };
        Some(Draft { item, common: false })
    }
}
