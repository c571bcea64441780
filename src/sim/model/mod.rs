//! The queueing model: continuous batching on replicas behind a router, in virtual time.
//!
//! Pure and deterministic: no clock, no threads, no I/O. The same arrivals with the same seed give the same times to
//! the nanosecond. [`stack::Stack`] owns everything; `sim::driver` gives it the time of day and passes what it
//! says on to the connections.

pub mod kv;
pub mod latency;
pub mod profile;
pub mod replica;
pub mod router;
pub mod sequence;
pub mod stack;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

/// A point in virtual time: since the start of the stack.
pub type Moment = Duration;

/// Names a request; given by whoever submits it, never twice.
pub type RequestId = u64;

/// A request as the model sees it: only sizes and block hashes, no text.
#[derive(Debug, Clone)]
pub struct Job {
    /// Its name.
    pub id: RequestId,
    /// Prompt tokens, at least 1.
    pub prompt: u32,
    /// Tokens it will be answered with, at least 1.
    pub output: u32,
    /// Hashes of the full blocks of prompt and answer (see [`crate::sim::tokens::block_hashes`]).
    pub hashes: Arc<[u64]>,
}

/// What happened to a request, for metrics: each moment in virtual time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Record {
    /// Prompt tokens.
    pub prompt: u32,
    /// Tokens generated so far.
    pub generated: u32,
    /// Prompt tokens found in the prefix cache of the replica that did the prefill.
    pub cached: u32,
    /// When the server got it.
    pub arrived: Moment,
    /// When an engine put it in its queue.
    pub queued: Moment,
    /// When it was first part of an iteration.
    pub scheduled: Moment,
    /// When its first token was there.
    pub first_token: Moment,
    /// When its newest token was there.
    pub last_token: Moment,
}

/// Something the stack tells.
#[derive(Debug, Clone, PartialEq)]
pub enum Notice {
    /// A request got one more token.
    Token {
        /// Which request.
        id: RequestId,
        /// Position of the engine, for metrics.
        engine: usize,
        /// Since its previous token; since its arrival for the first one.
        gap: Duration,
        /// Whether it is the first one.
        first: bool,
    },
    /// A request got its last token (told after that token's own notice).
    Finished {
        /// Which request.
        id: RequestId,
        /// Position of the engine, for metrics.
        engine: usize,
        /// Its story.
        record: Record,
    },
    /// An engine ended an iteration of so many tokens.
    Step {
        /// Position of the engine.
        engine: usize,
        /// Tokens computed.
        tokens: u64,
    },
    /// KV blocks were moved from a prefill to a decode replica.
    Transferred {
        /// Position of the receiving engine.
        engine: usize,
        /// How long it took.
        time: Duration,
        /// How much it was.
        bytes: f64,
    },
}
