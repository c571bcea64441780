//! The files of a whole sweep: every stack in every setup treatment.

use super::{Failure, RenderedFile, Rendering, Templates};
use crate::plan::remark::{PlanError, Remark};
use crate::plan::resolve::Resolved;
use crate::plan::sweep::{SetupPlan, SweepPlan};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{collections::HashMap, io, thread};

/// Templates may nest macros deeper than the default stack of a thread would take in a build without optimisation.
const STACK: usize = 16 << 20;
/// Setup treatments that a message names; of the others it tells the number.
const MOST_NAMED: usize = 3;

/// What a setup treatment puts on the cluster.
#[derive(Debug, Clone, PartialEq)]
pub struct RenderedSetup {
    /// The setup treatment's name.
    pub setup: String,
    /// Its stacks, in the scenario's order.
    pub stacks: Vec<RenderedStack>,
}

/// A stack in a setup treatment.
#[derive(Debug, Clone, PartialEq)]
pub struct RenderedStack {
    /// The stack's name, safe as a folder name.
    pub name: String,
    /// What the templates were rendered with; shared between setup treatments where it is the same.
    pub resolved: Arc<Resolved>,
    /// The files, sorted by name; equal texts are shared.
    pub files: Vec<RenderedFile>,
    /// What an API server would take, though hardly as it was meant; within the rendered text.
    pub warnings: Vec<Remark>,
}

impl SweepPlan {
    /// What `setups` put on the cluster. All processors take part; the result does not depend on how many there are.
    ///
    /// # Errors
    /// Everything that is wrong with the templates, or comes of them with some config, told once for all the setup
    /// treatments it concerns.
    pub fn render(&self, setups: &[&SetupPlan]) -> Result<Vec<RenderedSetup>, PlanError> {
        let templates = Templates::load(&self.spec).map_err(|remarks| PlanError { remarks })?;
        self.render_with(&templates, setups)
    }

    pub(super) fn render_with(
        &self,
        templates: &Templates,
        setups: &[&SetupPlan],
    ) -> Result<Vec<RenderedSetup>, PlanError> {
        let stacks = self.stacks();
        let jobs: Vec<(&SetupPlan, &str)> = setups
            .iter()
            .flat_map(|setup| stacks.iter().map(move |stack| (*setup, *stack)))
            .collect();
        let one = |index: usize| {
            let (setup, stack) = jobs.get(index)?;
            let resolved = self.resolved(setup, stack);
            let rendering = if resolved.errors.is_empty() {
                templates.render_all(&resolved.config)
            } else {
                Rendering::default()
            };
            Some((resolved, rendering))
        };
        let done = in_parallel(jobs.len(), &one)
            .map_err(|error| Remark::error(format!("cannot start a thread to render with: {error}")))?;
        let mut report = Report::default();
        let mut shared = Shared::default();
        let mut rendered = Vec::with_capacity(jobs.len());
        for ((setup, stack), (resolved, rendering)) in jobs.iter().zip(done) {
            let problems = resolved.errors.iter().map(|problem| problem.remark.clone());
            report.errors.extend(problems);
            report.add(rendering.failures, &setup.name, stack);
            rendered.push(RenderedStack {
                name: (*stack).to_owned(),
                resolved: shared.find(resolved),
                files: rendering.files,
                warnings: rendering.warnings,
            });
        }
        report.result()?;
        let mut rendered = rendered.into_iter();
        let of_setup = |setup: &&SetupPlan| RenderedSetup {
            setup: setup.name.clone(),
            stacks: rendered.by_ref().take(stacks.len()).collect(),
        };
        Ok(setups.iter().map(of_setup).collect())
    }
}

/// `one` of each index below `count`, in order. The first comes alone: most templates give the same for all that
/// follow, and would else be rendered once by every thread.
fn in_parallel<T: Send>(count: usize, one: &(dyn Fn(usize) -> Option<T> + Sync)) -> io::Result<Vec<T>> {
    let next = AtomicUsize::new(0);
    let work = |most: usize| {
        let mut done = Vec::new();
        while done.len() < most {
            let index = next.fetch_add(1, Ordering::Relaxed);
            match one(index) {
                Some(result) => done.push((index, result)),
                None => break,
            }
        }
        done
    };
    let cores = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let start = |most: usize| {
            thread::Builder::new()
                .stack_size(STACK)
                .spawn_scoped(scope, move || work(most))
        };
        let joined = |handle: thread::ScopedJoinHandle<'_, Vec<(usize, T)>>| {
            handle
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        let mut done = joined(start(1)?);
        let threads = cores.min(count.saturating_sub(1));
        let handles: Vec<_> = (0..threads)
            .map(|_| start(usize::MAX))
            .collect::<Result<_, _>>()?;
        done.extend(handles.into_iter().flat_map(joined));
        done.sort_by_key(|(index, _)| *index);
        Ok(done.into_iter().map(|(_, result)| result).collect())
    })
}

/// Resolved configs that were seen, so that equal ones take memory once.
#[derive(Default)]
struct Shared(HashMap<u64, Vec<Arc<Resolved>>>);

impl Shared {
    fn find(&mut self, resolved: Resolved) -> Arc<Resolved> {
        let mut hasher = DefaultHasher::new();
        resolved.config.to_string().hash(&mut hasher);
        let alike = self.0.entry(hasher.finish()).or_default();
        if let Some(known) = alike.iter().find(|known| ***known == resolved) {
            return known.clone();
        }
        let resolved = Arc::new(resolved);
        alike.push(resolved.clone());
        resolved
    }
}

/// Everything that went wrong, in the order of treatments, stacks and files.
#[derive(Default)]
struct Report {
    errors: Vec<Remark>,
    /// With the stacks and the setup treatments in which it happened.
    failures: Vec<(Failure, Vec<(String, String)>)>,
}

impl Report {
    fn add(&mut self, failures: Vec<Failure>, setup: &str, stack: &str) {
        for failure in failures {
            let place = (stack.to_owned(), setup.to_owned());
            match self.failures.iter_mut().find(|(known, _)| *known == failure) {
                Some((_, places)) => places.push(place),
                None => self.failures.push((failure, vec![place])),
            }
        }
    }

    fn result(self) -> Result<(), PlanError> {
        let mut remarks = Remark::without_repeats(self.errors);
        remarks.extend(
            self.failures
                .into_iter()
                .map(|(failure, places)| failure.remark(&wherever(&places))),
        );
        if remarks.is_empty() {
            Ok(())
        } else {
            Err(PlanError { remarks })
        }
    }
}

/// `the stack a in the setup treatments x, y and 7 more`
fn wherever(places: &[(String, String)]) -> String {
    let distinct = |of: fn(&(String, String)) -> &str| {
        let mut names: Vec<&str> = Vec::new();
        for place in places {
            if !names.contains(&of(place)) {
                names.push(of(place));
            }
        }
        names
    };
    let stacks = named("stack", &distinct(|place| &place.0));
    let setups = named("setup treatment", &distinct(|place| &place.1));
    format!("the {stacks} in the {setups}")
}

fn named(what: &str, names: &[&str]) -> String {
    let plural = if names.len() > 1 { "s" } else { "" };
    let listed: Vec<&str> = names.iter().take(MOST_NAMED).copied().collect();
    let more = match names.len().saturating_sub(MOST_NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{what}{plural} {}{more}", listed.join(", "))
}
