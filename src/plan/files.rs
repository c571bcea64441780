//! The files of a plan as they lie on disk: for a setup treatment the spec, each stack's config and rendered templates,
//! and a manifest that tells where everything came from.
//!
//! Nothing in them depends on when or where they are written, so that the same input gives the same bytes.

use super::base_dir::{BaseDir, Document};
use super::diff::{Change, difference, file_difference};
use super::fingerprint::hex;
use super::render::{RenderedSetup, RenderedStack};
use super::secret;
use super::spec::Spec;
use super::sweep::SweepPlan;
use crate::text::{REDACTED, redact};
use crate::yaml;
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The manifest's name in the plan folder.
const MANIFEST: &str = "manifest.json";
/// The resolved config's name in a stack's folder.
const CONFIG: &str = "config.yaml";

/// A file of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanFile {
    /// Its path in the plan folder of the setup treatment, with `/` between folders.
    pub path: String,
    /// What it says.
    pub text: String,
}

/// Where an input came from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Origin {
    /// `embedded` in this program, or `external`: from a file.
    pub side: &'static str,
    /// The path: within the base dir, or of a file elsewhere as it was named.
    pub path: String,
}

impl Origin {
    /// Where `document` came from, seen from the base dir of a spec.
    pub fn of(document: &str, base_dir: &BaseDir) -> Self {
        let within = |root: String| document.strip_prefix(&format!("{root}/")).map(str::to_owned);
        if let Some(path) = within(BaseDir::Embedded.root()) {
            return Self {
                side: "embedded",
                path,
            };
        }
        Self {
            side: "external",
            path: within(base_dir.root()).unwrap_or_else(|| document.to_owned()),
        }
    }
}

#[derive(Serialize)]
struct Manifest<'a> {
    setup_treatment: &'a str,
    spec: Named<'a>,
    base_dir: String,
    scenario: Origin,
    defaults: Origin,
    templates: Vec<Template<'a>>,
    profiles: Vec<Origin>,
    files: Vec<Written<'a>>,
    unresolved: Vec<Open<'a>>,
    warnings: Vec<Warning<'a>>,
}

#[derive(Serialize)]
struct Named<'a> {
    name: &'a str,
    #[serde(flatten)]
    origin: Origin,
}

#[derive(Serialize)]
struct Template<'a> {
    /// The rendered file's name in every stack's folder.
    file: &'a str,
    #[serde(flatten)]
    origin: Origin,
}

#[derive(Serialize)]
struct Written<'a> {
    path: &'a str,
    size: usize,
    sha256: String,
}

#[derive(Serialize)]
struct Open<'a> {
    stack: &'a str,
    path: &'a str,
    why: &'a str,
}

#[derive(Serialize)]
struct Warning<'a> {
    stack: &'a str,
    message: &'a str,
}

impl SweepPlan {
    /// The files of one setup treatment, without secrets, the manifest last.
    ///
    /// # Errors
    /// A text for the operator, where a stack's name cannot be the name of a folder.
    pub fn files(&self, setup: &RenderedSetup) -> Result<Vec<PlanFile>, String> {
        let mut files = vec![PlanFile {
            path: spec_file(&self.spec),
            text: redact(&self.spec.rendered.text).into_owned(),
        }];
        for stack in &setup.stacks {
            check_name(&stack.name)?;
            let mut add = |name: &str, text: String| {
                files.push(PlanFile {
                    path: format!("{}/{name}", stack.name),
                    text,
                });
            };
            add(CONFIG, yaml::to_string(&stack.shown_config()));
            for (file, text) in stack.files.iter().zip(stack.shown_texts()) {
                add(&file.name, text);
            }
        }
        let text = self.manifest(setup, &files);
        files.push(PlanFile {
            path: MANIFEST.to_owned(),
            text,
        });
        Ok(files)
    }

    /// The workload profiles of the plan.
    pub fn profile_documents(&self) -> impl Iterator<Item = &Document> {
        self.profiles.iter().map(|profile| &profile.template)
    }

    fn manifest(&self, setup: &RenderedSetup, files: &[PlanFile]) -> String {
        let spec = &self.spec;
        let origin = |name: &str| Origin::of(name, &spec.base_dir);
        let stacks = &setup.stacks;
        let manifest = Manifest {
            setup_treatment: &setup.setup,
            spec: Named {
                name: &spec.name,
                origin: origin(&spec.rendered.name),
            },
            base_dir: spec.base_dir.root(),
            scenario: origin(&spec.scenario.name),
            defaults: origin(&spec.values.name),
            // All stacks are made from the same templates.
            templates: stacks
                .iter()
                .take(1)
                .flat_map(|stack| &stack.files)
                .map(|file| Template {
                    file: &file.name,
                    origin: origin(&file.template),
                })
                .collect(),
            profiles: self
                .profile_documents()
                .map(|document| origin(&document.name))
                .collect(),
            files: files
                .iter()
                .map(|file| Written {
                    path: &file.path,
                    size: file.text.len(),
                    sha256: hex(&Sha256::digest(file.text.as_bytes())),
                })
                .collect(),
            unresolved: stacks
                .iter()
                .flat_map(|stack| {
                    stack.resolved.unresolved.iter().map(|open| Open {
                        stack: &stack.name,
                        path: &open.path,
                        why: &open.why,
                    })
                })
                .collect(),
            warnings: stacks
                .iter()
                .flat_map(|stack| {
                    let warnings = stack.resolved.warnings.iter().chain(&stack.warnings);
                    warnings.map(|remark| Warning {
                        stack: &stack.name,
                        message: &remark.finding.message,
                    })
                })
                .collect(),
        };
        // Texts, numbers and lists of them: always JSON.
        let json = serde_json::to_string_pretty(&manifest).unwrap_or_default();
        redact(&json).into_owned() + "\n"
    }
}

impl RenderedStack {
    /// The resolved config, without secrets.
    pub fn shown_config(&self) -> Value {
        secret::without_secrets(&self.resolved.config)
    }

    /// What the files say, in their order, without secrets: templates may have put those of a variable anywhere, so they
    /// go by their text.
    pub fn shown_texts(&self) -> Vec<String> {
        let secrets = secret::texts(&self.resolved.config);
        let shown = |text: &str| {
            let text = secrets
                .iter()
                .fold(text.to_owned(), |text, secret| text.replace(secret, REDACTED));
            redact(&text).into_owned()
        };
        self.files.iter().map(|file| shown(&file.text)).collect()
    }

    /// How another stack of the same spec differs: by file, the config first, of those that do.
    pub fn differences(&self, other: &Self) -> Vec<(String, Vec<Change>)> {
        let config = difference(&self.shown_config(), &other.shown_config());
        let mut found = vec![(CONFIG.to_owned(), config)];
        let texts = self.shown_texts().into_iter().zip(other.shown_texts());
        for (file, (before, after)) in self.files.iter().zip(texts) {
            if before != after {
                found.push((file.name.clone(), file_difference(&before, &after)));
            }
        }
        found.retain(|(_, changes)| !changes.is_empty());
        found
    }
}

/// The spec's file name: its own, without folder and suffixes.
fn spec_file(spec: &Spec) -> String {
    let name = spec.name.rsplit('/').next().unwrap_or(&spec.name);
    let name = name.strip_suffix(".j2").unwrap_or(name);
    format!("{}.yaml", name.strip_suffix(".yaml").unwrap_or(name))
}

/// A stack's name comes from a scenario, and becomes a folder.
fn check_name(name: &str) -> Result<(), String> {
    let fits = name.len() <= 200 && !name.starts_with('.') && name != MANIFEST;
    let safe = |c: char| c != '/' && c != '\\' && !c.is_control();
    if fits && !name.is_empty() && name.chars().all(safe) {
        return Ok(());
    }
    Err(format!(
        "the stack {name:?} of the scenario cannot be written: its name becomes a folder, and so must not begin with a \
         dot, hold a slash, or be longer than 200 bytes"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn inputs_are_told_by_their_side() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("config/specification")).unwrap();
        let base = BaseDir::external(folder.path()).unwrap();
        let of = |document: &str| {
            let origin = Origin::of(document, &base);
            (origin.side, origin.path)
        };
        assert_eq!(of("<embedded>/a/b.j2"), ("embedded", "a/b.j2".to_owned()));
        let inside = format!("{}/a/b.j2", base.root());
        assert_eq!(of(&inside), ("external", "a/b.j2".to_owned()));
        assert_eq!(of("/elsewhere/b"), ("external", "/elsewhere/b".to_owned()));
        assert!(Path::new(&base.root()).is_absolute());
    }

    #[test]
    fn a_stack_cannot_be_written_elsewhere() {
        for name in ["", ".", "..", "../x", "a/b", "a\\b", "manifest.json", "a\nb"] {
            assert!(check_name(name).is_err(), "{name}");
        }
        assert!(check_name("pd-disaggregation_1.0").is_ok());
    }
}
