//! A request inside of an engine: what of it is computed, and the blocks that hold it.
//!
//! Owned by the [`super::replica::Replica`] it is at; moves from one to the other in a split stack.

use super::kv::BlockId;
use super::{Job, Moment, Record, RequestId};

/// Where a sequence's KV blocks come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// Computed here.
    Here,
    /// On a prefill replica; not asked for yet.
    Remote,
    /// On a prefill replica, on their way.
    Moving,
}

/// A request inside an engine.
#[derive(Debug, Clone)]
pub struct Sequence {
    pub(super) job: Job,
    /// Tokens whose keys and values are in `blocks`.
    pub(super) computed: u32,
    pub(super) blocks: Vec<BlockId>,
    /// Leading blocks whose contents have been named in the cache.
    pub(super) named: usize,
    pub(super) source: Source,
    /// Tokens being computed by the running iteration.
    pub(super) share: u32,
    /// Whether it was part of an iteration before.
    pub(super) seen: bool,
    /// Its story so far.
    pub record: Record,
}

impl Sequence {
    /// A request that arrived at `arrived`.
    pub fn new(job: Job, arrived: Moment) -> Self {
        let record = Record {
            prompt: job.prompt,
            arrived,
            ..Record::default()
        };
        Self {
            job,
            computed: 0,
            blocks: Vec::new(),
            named: 0,
            source: Source::Here,
            share: 0,
            seen: false,
            record,
        }
    }

    /// Which request it is.
    pub fn id(&self) -> RequestId {
        self.job.id
    }

    /// Hashes of its full blocks.
    pub fn hashes(&self) -> &[u64] {
        &self.job.hashes
    }

    /// Prompt and answer so far.
    pub(super) fn length(&self) -> u32 {
        self.job.prompt + self.record.generated
    }

    pub(super) fn remaining(&self) -> u32 {
        self.length() - self.computed
    }

    /// The same request for a decode engine, once its prompt is computed elsewhere.
    #[must_use]
    pub fn handed_over(&self) -> Self {
        Self {
            computed: 0,
            blocks: Vec::new(),
            named: 0,
            source: Source::Remote,
            share: 0,
            ..self.clone()
        }
    }
}
