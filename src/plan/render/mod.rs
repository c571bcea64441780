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
mod python;
mod pyyaml;
mod reads;
mod rewrite;
mod source;
mod sweep;
mod tags;
#[cfg(test)]
mod tests;

pub use sweep::{RenderedSetup, RenderedStack};

use super::base_dir::{BaseDir, BaseDirError, Document};
use super::remark::Remark;
use super::spec::Spec;
use crate::diagnostic::Finding;
use context::{Tree, View};
use environment::{EMBEDDED, environment};
use minijinja::Environment;
use reads::Seen;
use serde_json::Value;
use source::Source;
use std::collections::{BTreeMap, HashSet};
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Where a base dir has its templates, if its spec does not say otherwise.
const FOLDER: &str = "config/templates/jinja";
/// Macros that every template of a folder may call.
const MACROS: &str = "_macros.j2";
const SUFFIX: &str = ".j2";
/// No rendered file is larger: Kubernetes takes no object above 1.5 MiB.
const MAX_OUTPUT: usize = 4 << 20;
/// Of the thread that compiles.
const STACK: usize = 128 << 20;
/// Renderings of a template that are kept for configs to come.
const MOST_KEPT: usize = 32;

/// All templates of a spec, compiled.
#[derive(Debug)]
pub struct Templates {
    environment: Environment<'static>,
    /// By the name they are included with.
    sources: BTreeMap<String, Source>,
    all: Vec<Template>,
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
    kept: Mutex<Vec<(Seen, Arc<str>)>>,
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
    /// The templates of the folder that `spec` names. What is embedded under a number that the folder lacks fills in.
    ///
    /// # Errors
    /// Everything that cannot be read or has a syntax error.
    pub fn load(spec: &Spec) -> Result<Self, Vec<Remark>> {
        on_large_stack(|| Self::compile(spec))
            .unwrap_or_else(|error| Err(vec![Remark::error(format!("cannot start a thread: {error}"))]))
    }

    fn compile(spec: &Spec) -> Result<Self, Vec<Remark>> {
        let one = |error: BaseDirError| vec![Remark::error(error.to_string())];
        let mut loading = Loading::new()?;
        let own = documents(&spec.base_dir, &spec.template_dir).map_err(one)?;
        loading.add(&own, "", &HashSet::new());
        if spec.base_dir != BaseDir::Embedded {
            let present = own.iter().map(|(name, _)| number(name).to_owned()).collect();
            let embedded = documents(&BaseDir::Embedded, FOLDER).map_err(one)?;
            loading.add(&embedded, EMBEDDED, &present);
        }
        if loading.all.is_empty() {
            return Err(vec![Remark::error(format!(
                "{}/{} has no templates",
                spec.base_dir, spec.template_dir
            ))]);
        }
        loading.finish()
    }

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
        let mut whole = Rendering::default();
        for template in &self.all {
            match self.render_one(template, &tree) {
                Ok(text) => whole.files.push(RenderedFile {
                    name: template.output.clone(),
                    template: template.document.name.clone(),
                    text,
                }),
                Err((document, finding)) => whole.failures.push(Failure {
                    output: template.output.clone(),
                    document,
                    finding,
                }),
            }
        }
        whole
    }

    /// How often a template was rendered, and not found among earlier renderings.
    pub fn renderings(&self) -> usize {
        self.renderings.load(Ordering::Relaxed)
    }

    fn render_one(&self, template: &Template, tree: &Arc<Tree>) -> Result<Arc<str>, (Document, Finding)> {
        if let Some(text) = template.earlier(tree) {
            return Ok(text);
        }
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
        template.keep(view.seen(), &text);
        Ok(text)
    }
}

impl Template {
    /// The text of an earlier rendering that depended on nothing that `tree` has otherwise.
    fn earlier(&self, tree: &Tree) -> Option<Arc<str>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.iter().rposition(|(seen, _)| seen.is_in(tree))?;
        let rendering = kept.remove(found);
        let text = rendering.1.clone();
        // The one that is needed least will be forgotten first.
        kept.push(rendering);
        Some(text)
    }

    fn keep(&self, seen: Seen, text: &Arc<str>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() == MOST_KEPT {
            kept.remove(0);
        }
        kept.push((seen, text.clone()));
    }
}

/// What came of all templates with one config.
#[derive(Default)]
struct Rendering {
    files: Vec<RenderedFile>,
    failures: Vec<Failure>,
}

/// Why a template cannot be rendered.
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

/// Do `work` where the recursion that [`limits`] leaves to the compiler of templates has room, also in a build without
/// optimisation. The memory is only taken where it is used.
fn on_large_stack<T: Send>(work: impl FnOnce() -> T + Send) -> io::Result<T> {
    std::thread::scope(|scope| {
        let handle = std::thread::Builder::new()
            .stack_size(STACK)
            .spawn_scoped(scope, work)?;
        Ok(handle
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}

/// What is being compiled.
struct Loading {
    environment: Environment<'static>,
    sources: BTreeMap<String, Source>,
    all: Vec<Template>,
    remarks: Vec<Remark>,
}

impl Loading {
    fn new() -> Result<Self, Vec<Remark>> {
        Ok(Self {
            environment: environment().map_err(|error| vec![Remark::error(error.to_string())])?,
            sources: BTreeMap::new(),
            all: Vec::new(),
            remarks: Vec::new(),
        })
    }

    /// Compile the files of a folder, but for templates with one of the numbers in `present`.
    fn add(&mut self, files: &[(String, Document)], prefix: &str, present: &HashSet<String>) {
        let macros = files.iter().find(|(name, _)| name == MACROS);
        for (name, document) in files {
            let partial = name.starts_with('_') || name.contains('/');
            if !partial && present.contains(number(name)) {
                continue;
            }
            if let Some(finding) = limits::check(&document.text) {
                self.remarks.push(Remark::within(document, finding));
                continue;
            }
            let source = Source::new(macros.filter(|_| !partial).map(|(_, macros)| macros), document);
            let known_as = format!("{prefix}{name}");
            if let Err(error) = self
                .environment
                .add_template_owned(known_as.clone(), source.text.clone())
            {
                let (document, finding) = failure::explain(&error, |_| Some(&source), document);
                self.remarks.push(Remark::within(&document, finding));
            }
            self.sources.insert(known_as.clone(), source);
            if !partial {
                self.all.push(Template {
                    name: known_as,
                    output: output_name(name),
                    document: document.clone(),
                    kept: Mutex::default(),
                });
            }
        }
    }

    fn finish(mut self) -> Result<Templates, Vec<Remark>> {
        if !self.remarks.is_empty() {
            return Err(Remark::without_repeats(self.remarks));
        }
        self.all.sort_by(|a, b| a.output.cmp(&b.output));
        Ok(Templates {
            environment: self.environment,
            sources: self.sources,
            all: self.all,
            renderings: AtomicUsize::new(0),
        })
    }
}

/// The templates and partials of a folder, with line breaks as Jinja has them.
fn documents(base_dir: &BaseDir, folder: &str) -> Result<Vec<(String, Document)>, BaseDirError> {
    let mut found = Vec::new();
    for name in base_dir.list(folder) {
        if !name.ends_with(SUFFIX) {
            continue;
        }
        if let Some(mut document) = base_dir.read(&format!("{folder}/{name}"))? {
            if document.text.contains('\r') {
                document.text = document.text.replace("\r\n", "\n").replace('\r', "\n").into();
            }
            found.push((name, document));
        }
    }
    Ok(found)
}

/// By what templates of two folders are compared: `13a` of `13a_modelservice.yaml.j2`.
fn number(name: &str) -> &str {
    name.split_once('_').map_or(name, |(number, _)| number)
}

fn output_name(name: &str) -> String {
    let name = name.strip_suffix(SUFFIX).unwrap_or(name);
    format!("{}.yaml", name.strip_suffix(".yaml").unwrap_or(name))
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
