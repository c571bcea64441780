//! What the screen shows of the plan behind a row, as plain data, and where it comes from.
//!
//! The screen does not know how plans are made: whoever starts it hands it a [`PlanSource`], which is asked away from
//! the loop, because planning takes longer than a frame. Texts may hold whatever an input file holds: they are cleaned
//! when they are drawn. Secrets must be gone before.

use crate::experiment::{Level, SetupId};
use std::sync::Arc;

/// Makes what the screen shows of plans.
///
/// Called on a thread that may be kept busy for seconds, possibly by several callers at once.
pub trait PlanSource: Send + Sync {
    /// The plan of a setup treatment.
    ///
    /// # Errors
    ///
    /// A text for the operator: what could not be planned, why, and what to do about it. May have several lines.
    fn plan(&self, setup: SetupId) -> Result<PlanView, String>;

    /// What is different in the plan of `after`, seen from that of `before`.
    ///
    /// # Errors
    ///
    /// As for [`PlanSource::plan`].
    fn difference(&self, before: SetupId, after: SetupId) -> Result<DifferenceView, String>;
}

/// What a setup treatment would deploy.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PlanView {
    /// Name of the setup treatment.
    pub setup: String,
    /// Its factors with their values.
    pub levels: Vec<Level>,
    /// Its stacks, in the scenario's order.
    pub stacks: Vec<StackView>,
}

/// One stack of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StackView {
    /// Its name in the scenario.
    pub name: String,
    /// The whole resolved configuration, in document order.
    pub config: Vec<ConfigLine>,
    /// What only a cluster can say.
    pub unresolved: Vec<Unresolved>,
    /// What the operator should know about the stack, one text each.
    pub warnings: Vec<String>,
    /// The rendered files, in the order of their numbers.
    pub files: Vec<PlanFile>,
}

/// One line of a resolved configuration: a leaf, or the head of a map or list whose parts are the deeper lines after it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConfigLine {
    /// How deep it lies; 0 for the keys at the top.
    pub depth: u16,
    /// Its key in its map, or its index in its list.
    pub key: String,
    /// The whole path as `--set` takes it: `decode.parallelism.tensor`.
    pub path: String,
    /// The value as one line of YAML; empty for a map or list whose parts follow.
    pub value: String,
    /// Whether the defaults alone say so.
    pub is_default: bool,
    /// Who set it: oldest first, the last one is in effect. Empty where nobody knows.
    pub origins: Vec<Origin>,
}

/// Who set a value.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Origin {
    /// The layer: `defaults`, `stack`, `--set`, `setup treatment tp2`.
    pub layer: String,
    /// The place in a file: `scenario.yaml:14:3`; empty where there is none.
    pub place: String,
    /// What it was set to, as one line of YAML; empty for a map or list.
    pub value: String,
}

/// A value that is not known before there is a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Unresolved {
    /// The path of its line.
    pub path: String,
    /// What it waits for.
    pub why: String,
}

/// A rendered file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanFile {
    /// File name: `05_namespace.yaml`.
    pub name: String,
    /// The template it was made from, as the operator knows it.
    pub origin: String,
    /// What it says.
    pub text: Arc<str>,
}

/// How two setup treatments differ. Without changes they deploy the same.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DifferenceView {
    /// Name of the one that is looked from.
    pub before: String,
    /// Name of the other one.
    pub after: String,
    /// What changes, those of one place together.
    pub changes: Vec<ChangeView>,
}

/// One value that differs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChangeView {
    /// Where: `config`, or the name of a file; with the stack's name in front of it if there are several.
    pub place: String,
    /// The path of the value there.
    pub path: String,
    /// The value before; `None` where there was none.
    pub before: Option<String>,
    /// The value after; `None` where there is none any more.
    pub after: Option<String>,
}

/// What the screen asks a [`PlanSource`] for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// The plan of a row.
    Plan(SetupId),
    /// How the second row differs from the first.
    Difference(SetupId, SetupId),
}

/// A question on its way. Its number tells the answer to it from late answers to others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Query {
    /// Unique in a session.
    pub id: u64,
    /// What is asked.
    pub question: Question,
}

impl Query {
    /// Let the source answer it. May take seconds.
    pub fn put_to(self, source: &dyn PlanSource) -> Answer {
        let result = match self.question {
            Question::Plan(setup) => source.plan(setup).map(|plan| Found::Plan(Arc::new(plan))),
            Question::Difference(before, after) => source
                .difference(before, after)
                .map(|difference| Found::Difference(Arc::new(difference))),
        };
        Answer { id: self.id, result }
    }
}

/// The answer to the [`Query`] of this number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The query's.
    pub id: u64,
    /// What was found, or why nothing was, for the operator.
    pub result: Result<Found, String>,
}

/// What a source found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// A plan.
    Plan(Arc<PlanView>),
    /// A difference.
    Difference(Arc<DifferenceView>),
}
