//! Templates, rendered as llm-d-benchmark renders them: a resolved config becomes numbered files.
//!
//! ```text
//! spec ─► Templates::load: every template of the spec's folder, compiled once ─┐
//! Resolved::config ────────────────────────────────────────────────────────────┴─► Templates::render ─► RenderedFile*
//! ```

mod changing;
mod context;
mod environment;
mod failure;
mod filters;
mod kept;
mod limits;
mod load;
mod look;
mod python;
mod pyyaml;
mod reads;
mod rewrite;
mod source;
mod sweep;
mod tags;
#[cfg(test)]
mod tests;

pub(super) use load::single;
pub use sweep::{RenderedSetup, RenderedStack};

use super::base_dir::Document;
use super::remark::Remark;
use crate::diagnostic::Finding;
use crate::manifest;
use context::{Tree, View};
use environment::EMBEDDED;
use minijinja::Environment;
use reads::Seen;
use serde_json::Value;
use source::Source;
use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// No rendered file is larger: Kubernetes takes no object above 1.5 MiB.
const MAX_OUTPUT: usize = 4 << 20;
/// Renderings of a template that are kept for configs to come.
const MOST_KEPT: usize = 32;

/// All templates of a spec, compiled.
#[derive(Debug)]
pub struct Templates {
    environment: Environment<'static>,
    /// By the name they are included with.
    sources: BTreeMap<String, Source>,
    all: Vec<Template>,
    /// Where embedded templates fill in: the keys they need, which the defaults of another base dir may lack.
    completion: Option<Value>,
    renderings: AtomicUsize,
}

/// A template with a file of its own.
#[derive(Debug)]
struct Template {
    /// In the environment.
    name: String,
    /// The rendered file's name.
    output: String,
    document: Document,
    /// Its latest renderings, and what each of them looked at.
    kept: Mutex<Vec<(Seen, Arc<Rendered>)>>,
}

/// A text that was rendered and checked.
#[derive(Debug)]
struct Rendered {
    text: Arc<str>,
    warnings: Vec<Finding>,
}

/// A file of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderedFile {
    /// Its name in the stack's folder: `05_namespace_sa_rbac_secret.yaml`.
    pub name: String,
    /// The template it came from: a path, or `<embedded>/…`.
    pub template: String,
    /// What it says; just a newline where the config turns the template off.
    pub text: Arc<str>,
}

impl Templates {
    /// Render every template for `config`, in the order of the files' names.
    ///
    /// # Errors
    /// Of every template that cannot be rendered, which it is, and for which setup treatment and stack.
    pub fn render(
        &self,
        config: &Value,
        treatment: &str,
        stack: &str,
    ) -> Result<Vec<RenderedFile>, Vec<Remark>> {
        let whole = self.render_all(config);
        if whole.failures.is_empty() {
            return Ok(whole.files);
        }
        let wherever = format!("the stack {stack} in the setup treatment {treatment}");
        let failures = whole.failures.into_iter();
        Err(failures.map(|failure| failure.remark(&wherever)).collect())
    }

    fn render_all(&self, config: &Value) -> Rendering {
        let tree = Arc::new(Tree::new(config));
        let completed = self.completion.as_ref().map(|defaults| {
            let mut completed = config.clone();
            fill(&mut completed, defaults);
            Arc::new(Tree::new(&completed))
        });
        let mut whole = Rendering::default();
        for template in &self.all {
            let tree = completed
                .as_ref()
                .filter(|_| template.fills_in())
                .unwrap_or(&tree);
            match self.render_one(template, tree) {
                Ok(rendered) => {
                    let document = template.rendered(&rendered.text);
                    let told = |warning: &Finding| {
                        let mut warning = warning.clone();
                        warning.message = format!("{}: {}", template.output, warning.message);
                        Remark::within(&document, warning)
                    };
                    whole.warnings.extend(rendered.warnings.iter().map(told));
                    whole.files.push(RenderedFile {
                        name: template.output.clone(),
                        template: template.document.name.clone(),
                        text: rendered.text.clone(),
                    });
                }
                Err(found) => whole
                    .failures
                    .extend(found.into_iter().map(|(document, finding)| Failure {
                        output: template.output.clone(),
                        document,
                        finding,
                    })),
            }
        }
        whole
    }

    /// How often a template was rendered, and not found among earlier renderings.
    pub fn renderings(&self) -> usize {
        self.renderings.load(Ordering::Relaxed)
    }

    fn render_one(
        &self,
        template: &Template,
        tree: &Arc<Tree>,
    ) -> Result<Arc<Rendered>, Vec<(Document, Finding)>> {
        if let Some(rendered) = template.earlier(tree) {
            return Ok(rendered);
        }
        let (text, seen) = self.text(template, tree).map_err(|failed| vec![failed])?;
        let findings = manifest::check(&template.output, &text);
        let (errors, warnings): (Vec<_>, Vec<_>) = findings.into_iter().partition(Finding::is_error);
        if !errors.is_empty() {
            let document = template.rendered(&text);
            let told = errors.into_iter().map(|error| (document.clone(), error));
            return Err(told.collect());
        }
        let rendered = Arc::new(Rendered { text, warnings });
        template.keep(seen, &rendered);
        Ok(rendered)
    }

    /// What `template` is rendered to, and what it looked at.
    fn text(&self, template: &Template, tree: &Arc<Tree>) -> Result<(Arc<str>, Seen), (Document, Finding)> {
        self.renderings.fetch_add(1, Ordering::Relaxed);
        let view = View::new(tree);
        let mut out = Bounded(Vec::new());
        let rendered = self
            .environment
            .get_template(&template.name)
            .and_then(|compiled| compiled.render_captured_to(view.root(), &mut out).map(drop));
        if let Err(error) = rendered {
            return Err(failure::explain(
                &error,
                |name| self.sources.get(name),
                &template.document,
            ));
        }
        let text: Arc<str> = format!("{}\n", String::from_utf8_lossy(&out.0).trim()).into();
        Ok((text, view.seen()))
    }
}

impl Template {
    /// A rendered text as a document that a finding can point into.
    fn rendered(&self, text: &Arc<str>) -> Document {
        Document {
            name: format!("{} (from {})", self.output, self.document.name),
            text: text.clone(),
        }
    }

    /// Whether it is embedded, where others come from another base dir.
    fn fills_in(&self) -> bool {
        self.name.starts_with(EMBEDDED)
    }

    /// The text of an earlier rendering that depended on nothing that `tree` has otherwise.
    fn earlier(&self, tree: &Tree) -> Option<Arc<Rendered>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.iter().rposition(|(seen, _)| seen.is_in(tree))?;
        let rendering = kept.remove(found);
        let rendered = rendering.1.clone();
        // The one that is needed least will be forgotten first.
        kept.push(rendering);
        Some(rendered)
    }

    fn keep(&self, seen: Seen, rendered: &Arc<Rendered>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() == MOST_KEPT {
            kept.remove(0);
        }
        kept.push((seen, rendered.clone()));
    }
}

/// Add what a config lacks.
fn fill(config: &mut Value, lacking: &Value) {
    if let (Value::Object(config), Value::Object(lacking)) = (config, lacking) {
        for (key, value) in lacking {
            match config.get_mut(key) {
                Some(own) => fill(own, value),
                None => {
                    config.insert(key.clone(), value.clone());
                }
            }
        }
    }
}

/// What came of all templates with one config.
#[derive(Default)]
struct Rendering {
    files: Vec<RenderedFile>,
    warnings: Vec<Remark>,
    failures: Vec<Failure>,
}

/// Why a template cannot be rendered, or what an API server would not take of what it was rendered to.
#[derive(Debug, Clone, PartialEq)]
struct Failure {
    /// The file it would have been.
    output: String,
    document: Document,
    finding: Finding,
}

impl Failure {
    /// As it is told; `wherever` says for which setup treatments and stacks.
    fn remark(mut self, wherever: &str) -> Remark {
        self.finding.message = format!("{} of {wherever}: {}", self.output, self.finding.message);
        Remark::within(&self.document, self.finding)
    }
}

/// A buffer that refuses to grow without bound.
struct Bounded(Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > MAX_OUTPUT {
            let message = format!("the template writes more than {} MiB", MAX_OUTPUT >> 20);
            return Err(io::Error::other(message));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
