//! Templates on their way in: found in a base dir, checked, compiled.

use super::environment::{EMBEDDED, environment};
use super::source::Source;
use super::{Template, Templates, Tree, failure, limits};
use crate::plan::base::embedded_defaults;
use crate::plan::base_dir::{BaseDir, BaseDirError, Document};
use crate::plan::remark::Remark;
use crate::plan::spec::Spec;
use crate::yaml;
use minijinja::Environment;
use serde_json::Value;
use std::collections::{BTreeMap, HashSet};
use std::io;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex};

/// Where a base dir has its templates, if its spec does not say otherwise.
const FOLDER: &str = "config/templates/jinja";
/// Macros that every template of a folder may call.
const MACROS: &str = "_macros.j2";
const SUFFIX: &str = ".j2";
/// Stack of the thread that compiles, in bytes.
const STACK: usize = 128 << 20;

/// Keys that the chain of stages takes away: templates are not to see them again.
const GONE: [&[&str]; 4] = [
    &["router", "epp", "zmqPort"],
    &["router", "epp", "verbosity"],
    &["router", "inferencePool", "providerConfig"],
    &["accelerator"],
];

fn remove(value: &mut Value, path: &[&str]) {
    let Some((last, above)) = path.split_last() else {
        return;
    };
    let parent = above.iter().try_fold(value, |value, key| value.get_mut(*key));
    if let Some(Value::Object(map)) = parent {
        map.shift_remove(*last);
    }
}

/// Take away what `known` has: the chain of stages had it, and what it made of it counts.
fn without(value: &mut Value, known: &Value) {
    if let (Value::Object(map), Value::Object(known)) = (value, known) {
        map.retain(|key, value| match (value, known.get(key)) {
            (_, None) => true,
            (value @ Value::Object(_), Some(known @ Value::Object(_))) => {
                without(value, known);
                true
            }
            _ => false,
        });
    }
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
        let mut templates = loading.finish()?;
        if templates.all.iter().any(Template::fills_in) {
            let own = yaml::from_str(&spec.values.text).unwrap_or_default();
            let mut lacking = embedded_defaults()?;
            for path in GONE {
                remove(&mut lacking, path);
            }
            without(&mut lacking, &own);
            templates.completion = Some(lacking);
        }
        Ok(templates)
    }
}

/// Do `work` where the recursion that [`limits`] leaves to the compiler of templates has room, also in a build without
/// optimisation. The memory is only taken where it is used.
pub(super) fn on_large_stack<T: Send>(work: impl FnOnce() -> T + Send) -> io::Result<T> {
    std::thread::scope(|scope| {
        let handle = std::thread::Builder::new()
            .stack_size(STACK)
            .spawn_scoped(scope, work)?;
        Ok(handle
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}

/// Render a template that stands alone, with the rules and limits of all others.
pub(in crate::plan) fn single(document: &Document, context: &Value) -> Result<Arc<str>, Remark> {
    let work = || {
        let mut loading = Loading::new()?;
        let name = format!("single{SUFFIX}");
        loading.add(&[(name, document.clone())], "", &HashSet::new());
        let templates = loading.finish()?;
        let tree = Arc::new(Tree::new(context));
        let texts = templates
            .all
            .iter()
            .map(|template| templates.text(template, &tree));
        let found: Result<Vec<_>, _> = texts.collect();
        found.map_err(|(document, finding)| vec![Remark::within(&document, finding)])
    };
    let nothing = || Remark::error(format!("{} is no template", document.name));
    match on_large_stack(work) {
        Ok(Ok(found)) => found.into_iter().next().map(|(text, _)| text).ok_or_else(nothing),
        Ok(Err(remarks)) => Err(remarks.into_iter().next().unwrap_or_else(nothing)),
        Err(error) => Err(Remark::error(format!("cannot start a thread: {error}"))),
    }
}

/// What is being compiled.
pub(super) struct Loading {
    environment: Environment<'static>,
    sources: BTreeMap<String, Source>,
    pub(super) all: Vec<Template>,
    remarks: Vec<Remark>,
}

impl Loading {
    pub(super) fn new() -> Result<Self, Vec<Remark>> {
        Ok(Self {
            environment: environment().map_err(|error| vec![Remark::error(error.to_string())])?,
            sources: BTreeMap::new(),
            all: Vec::new(),
            remarks: Vec::new(),
        })
    }

    /// Compile the files of a folder, but for templates with one of the numbers in `present`.
    pub(super) fn add(&mut self, files: &[(String, Document)], prefix: &str, present: &HashSet<String>) {
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

    pub(super) fn finish(mut self) -> Result<Templates, Vec<Remark>> {
        if !self.remarks.is_empty() {
            return Err(Remark::without_repeats(self.remarks));
        }
        self.all.sort_by(|a, b| a.output.cmp(&b.output));
        Ok(Templates {
            environment: self.environment,
            sources: self.sources,
            all: self.all,
            completion: None,
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
pub(super) fn number(name: &str) -> &str {
    name.split_once('_').map_or(name, |(number, _)| number)
}

fn output_name(name: &str) -> String {
    let name = name.strip_suffix(SUFFIX).unwrap_or(name);
    format!("{}.yaml", name.strip_suffix(".yaml").unwrap_or(name))
}
