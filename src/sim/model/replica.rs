//! One engine of one replica: the scheduler of continuous batching over a bounded KV cache.
//!
//! The rules are those of vLLM's V1 scheduler, without speculation: running sequences first, in order of arrival, each
//! with one token or the next chunk of its prompt, within a token budget; when blocks run out the youngest sequence is
//! preempted and recomputed later; then waiting ones are admitted as long as places, budget and blocks last.
//! Owned and driven by [`super::stack::Stack`], which knows when an iteration ends.

use super::kv::KvCache;
use super::latency::StepLoad;
use super::sequence::{Sequence, Source};
use super::{Moment, Notice, RequestId};
use std::collections::VecDeque;

/// Limits of an engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Sequences in one batch.
    pub max_num_seqs: usize,
    /// Tokens computed in one iteration.
    pub max_num_batched_tokens: u32,
    /// Tokens per KV block.
    pub block_size: u32,
    /// KV blocks.
    pub kv_blocks: u32,
    /// Whether prefixes are found again.
    pub prefix_caching: bool,
}

/// What an engine does with its sequences.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Duty {
    /// Everything.
    Whole,
    /// Prompts only; keeps the blocks until they are fetched.
    Prefill,
    /// Tokens, from blocks computed elsewhere.
    Decode,
}

/// Counters of an engine since its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Prompt tokens of admitted requests.
    pub prompt_tokens: u64,
    /// Of those, found in the prefix cache.
    pub prompt_tokens_cached: u64,
    /// Generated tokens.
    pub generation_tokens: u64,
    /// Tokens looked up in the prefix cache.
    pub prefix_queries: u64,
    /// Tokens found there.
    pub prefix_hits: u64,
    /// Tokens whose KV blocks were looked up on, and came from, another replica.
    pub external_tokens: u64,
    /// Sequences that lost their blocks to older ones.
    pub preemptions: u64,
}

/// A transfer the stack is to time: the sequence's blocks are reserved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fetch {
    /// Which sequence.
    pub id: RequestId,
    /// Tokens to move.
    pub tokens: u32,
}

/// One engine.
#[derive(Debug)]
pub struct Replica {
    /// Position among all engines of the stack.
    pub engine: usize,
    /// Accelerators it runs on.
    pub ranks: u32,
    duty: Duty,
    limits: Limits,
    cache: KvCache,
    waiting: VecDeque<Sequence>,
    moving: Vec<Sequence>,
    running: Vec<Sequence>,
    /// On a prefill engine: computed, waiting to be fetched.
    parked: Vec<Sequence>,
    /// Whether an iteration is under way.
    stepping: bool,
    /// Prompt tokens not computed yet, over all sequences.
    backlog: u64,
    /// Iterations so far.
    pub steps: u64,
    /// Counters.
    pub counters: Counters,
}

impl Replica {
    /// An idle engine.
    pub fn new(engine: usize, ranks: u32, duty: Duty, limits: Limits) -> Self {
        Self {
            engine,
            ranks,
            duty,
            limits,
            cache: KvCache::new(limits.kv_blocks),
            waiting: VecDeque::new(),
            moving: Vec::new(),
            running: Vec::new(),
            parked: Vec::new(),
            stepping: false,
            backlog: 0,
            steps: 0,
            counters: Counters::default(),
        }
    }

    /// Put a sequence in the queue.
    pub fn enqueue(&mut self, mut sequence: Sequence, now: Moment) {
        if sequence.source == Source::Here {
            sequence.record.queued = now;
            self.backlog += u64::from(sequence.remaining());
        }
        self.waiting.push_back(sequence);
    }

    /// Sequences in the batch.
    pub fn running(&self) -> usize {
        self.running.len()
    }

    /// Sequences waiting for a place, or for their blocks to arrive.
    pub fn waiting(&self) -> usize {
        self.waiting.len() + self.moving.len()
    }

    /// Sequences whose blocks are on their way.
    pub fn deferred(&self) -> usize {
        self.moving.len()
    }

    /// Prompt tokens still to be computed.
    pub fn backlog(&self) -> u64 {
        self.backlog
    }

    /// How full the batch is, 0 to 1.
    pub fn fill(&self) -> f64 {
        self.running.len() as f64 / self.limits.max_num_seqs.max(1) as f64
    }

    /// Share of KV blocks in use.
    pub fn kv_usage(&self) -> f64 {
        self.cache.usage()
    }

    /// KV blocks in all.
    pub fn kv_blocks(&self) -> u32 {
        self.cache.capacity()
    }

    /// Leading blocks of `hashes` in this replica's cache.
    pub fn matched(&self, hashes: &[u64]) -> usize {
        if self.limits.prefix_caching {
            self.cache.matched(hashes)
        } else {
            0
        }
    }

    /// Forget all cached prefixes.
    pub fn reset_cache(&mut self) {
        self.cache.reset();
    }

    /// Reserve blocks for sequences whose prompt is elsewhere, as far as places and blocks last.
    pub fn start_fetching(&mut self, fetches: &mut Vec<Fetch>) {
        let block_size = self.limits.block_size;
        while let Some(front) = self.waiting.front() {
            let places = self.running.len() + self.moving.len() < self.limits.max_num_seqs;
            if front.source != Source::Remote || !places {
                break;
            }
            let Some(mut sequence) = self.waiting.pop_front() else {
                break;
            };
            let found = self.reuse_prefix(&mut sequence);
            let needed = sequence
                .job
                .prompt
                .div_ceil(block_size)
                .saturating_sub(found as u32);
            if !self.cache.take_empty(needed, &mut sequence.blocks) {
                self.cache.release(&mut sequence.blocks);
                self.waiting.push_front(sequence);
                break;
            }
            let here = found as u32 * block_size;
            let tokens = sequence.job.prompt.saturating_sub(here);
            self.count_lookup(sequence.job.prompt, here);
            self.counters.external_tokens += u64::from(tokens);
            self.counters.prompt_tokens += u64::from(sequence.job.prompt);
            sequence.source = Source::Moving;
            fetches.push(Fetch {
                id: sequence.id(),
                tokens,
            });
            self.moving.push(sequence);
        }
    }

    /// A transfer ended: the sequence may run. Its last prompt token is computed here, which gives the first token.
    pub fn fetched(&mut self, id: RequestId) {
        if let Some(at) = self.moving.iter().position(|sequence| sequence.id() == id) {
            let mut sequence = self.moving.remove(at);
            sequence.source = Source::Here;
            sequence.computed = sequence.job.prompt - 1;
            self.name_blocks(&mut sequence);
            self.backlog += 1;
            self.waiting.push_front(sequence);
        }
    }

    /// On a prefill engine: the blocks were fetched, or nobody wants them any more.
    pub fn unpark(&mut self, id: RequestId) {
        if let Some(at) = self.parked.iter().position(|sequence| sequence.id() == id) {
            let mut sequence = self.parked.swap_remove(at);
            self.cache.release(&mut sequence.blocks);
        }
    }

    /// Take a request out, wherever it is. Returns whether it was here.
    pub fn cancel(&mut self, id: RequestId) -> bool {
        let found = if let Some(at) = self.waiting.iter().position(|sequence| sequence.id() == id) {
            self.waiting.remove(at)
        } else if let Some(at) = self.moving.iter().position(|sequence| sequence.id() == id) {
            Some(self.moving.remove(at))
        } else {
            let at = self.running.iter().position(|sequence| sequence.id() == id);
            at.map(|at| self.running.remove(at))
        };
        match found {
            Some(mut sequence) => {
                if sequence.source == Source::Here {
                    self.backlog = self.backlog.saturating_sub(u64::from(sequence.remaining()));
                }
                self.cache.release(&mut sequence.blocks);
                true
            }
            None => false,
        }
    }

    /// Begin the next iteration, if there is anything to do and none is under way.
    pub fn begin_step(&mut self, now: Moment) -> Option<StepLoad> {
        if self.stepping {
            return None;
        }
        let mut load = StepLoad::default();
        let mut budget = self.limits.max_num_batched_tokens;
        let preempted = self.schedule_running(&mut budget, &mut load);
        // Blocks just taken are not given to newcomers, unless that would leave nothing to do at all.
        if !preempted || self.running.is_empty() {
            self.admit(&mut budget, &mut load, now);
        }
        if load.tokens() == 0 {
            return None;
        }
        self.stepping = true;
        self.steps += 1;
        Some(load)
    }

    /// Whether an iteration is under way.
    pub fn stepping(&self) -> bool {
        self.stepping
    }

    /// End the iteration: sequences whose tokens are all computed get one more. Returns those of a prefill engine that
    /// are now to be handed over.
    pub fn end_step(&mut self, now: Moment, notices: &mut Vec<Notice>) -> Vec<Sequence> {
        self.stepping = false;
        let mut handed_over = Vec::new();
        let mut tokens = 0;
        let mut running = std::mem::take(&mut self.running);
        running.retain_mut(|sequence| {
            tokens += u64::from(sequence.share);
            self.backlog = self.backlog.saturating_sub(u64::from(sequence.share));
            sequence.computed += sequence.share;
            let complete = sequence.share > 0 && sequence.remaining() == 0;
            sequence.share = 0;
            if !complete {
                return true;
            }
            if self.duty == Duty::Prefill {
                handed_over.push(sequence.handed_over());
                self.parked.push(sequence.clone());
                return false;
            }
            self.emit(sequence, now, notices)
        });
        self.running = running;
        notices.push(Notice::Step {
            engine: self.engine,
            tokens,
        });
        handed_over
    }

    /// Give a sequence its next token. Returns whether it goes on.
    fn emit(&mut self, sequence: &mut Sequence, now: Moment, notices: &mut Vec<Notice>) -> bool {
        let record = &mut sequence.record;
        let first = record.generated == 0;
        let since = if first { record.arrived } else { record.last_token };
        if first {
            record.first_token = now;
        }
        record.last_token = now;
        record.generated += 1;
        self.counters.generation_tokens += 1;
        notices.push(Notice::Token {
            id: sequence.job.id,
            engine: self.engine,
            gap: now.saturating_sub(since),
            first,
        });
        if record.generated < sequence.job.output {
            self.backlog += 1;
            return true;
        }
        notices.push(Notice::Finished {
            id: sequence.job.id,
            engine: self.engine,
            record: *record,
        });
        self.cache.release(&mut sequence.blocks);
        false
    }

    /// Give running sequences their share of the iteration, oldest first. Returns whether any lost its blocks.
    fn schedule_running(&mut self, budget: &mut u32, load: &mut StepLoad) -> bool {
        let mut preempted = false;
        // Taken out for the time being, so that the cache can be used beside it.
        let mut running = std::mem::take(&mut self.running);
        let mut at = 0;
        while let Some(sequence) = running.get_mut(at) {
            let share = sequence.remaining().min(*budget);
            if self.extend(sequence, share) {
                Self::account(sequence, share, budget, load);
                self.name_blocks(sequence);
                at += 1;
            } else if running.len() == 1 && self.reclaim_from_waiting() {
                // The last one left must not give way to those that wait: it would come back, and want the same blocks.
            } else if let Some(youngest) = running.pop() {
                // The youngest gives way; that may be the very one that needs the blocks.
                self.preempt(youngest);
                preempted = true;
            }
        }
        self.running = running;
        preempted
    }

    /// Take sequences from the queue as long as places, budget and blocks last.
    fn admit(&mut self, budget: &mut u32, load: &mut StepLoad, now: Moment) {
        while *budget > 0 && self.running.len() + self.moving.len() < self.limits.max_num_seqs {
            // Those whose blocks are elsewhere wait for them without holding up the others.
            let Some(at) = self
                .waiting
                .iter()
                .position(|sequence| sequence.source == Source::Here)
            else {
                break;
            };
            let Some(mut sequence) = self.waiting.remove(at) else {
                break;
            };
            let fresh = sequence.blocks.is_empty();
            let before = sequence.remaining();
            if fresh {
                let found = self.reuse_prefix(&mut sequence);
                sequence.computed = found as u32 * self.limits.block_size;
            }
            let share = sequence.remaining().min(*budget);
            if !self.extend(&mut sequence, share) {
                if fresh {
                    sequence.computed = 0;
                    sequence.named = 0;
                    self.cache.release(&mut sequence.blocks);
                }
                self.waiting.insert(at, sequence);
                if self.running.is_empty() && self.reclaim_from_waiting() {
                    continue;
                }
                break;
            }
            self.backlog = self
                .backlog
                .saturating_sub(u64::from(before - sequence.remaining()));
            if !sequence.seen {
                sequence.seen = true;
                sequence.record.scheduled = now;
                sequence.record.cached = sequence.computed.min(sequence.job.prompt);
                if fresh {
                    self.count_lookup(sequence.job.prompt, sequence.record.cached);
                    self.counters.prompt_tokens += u64::from(sequence.job.prompt);
                    self.counters.prompt_tokens_cached += u64::from(sequence.record.cached);
                }
            }
            Self::account(&mut sequence, share, budget, load);
            self.name_blocks(&mut sequence);
            self.running.push(sequence);
        }
    }

    /// Take the blocks of the last waiting sequence that holds some (fetched, but not running yet): while nothing else
    /// runs nobody would ever give any back. Returns whether there was one.
    fn reclaim_from_waiting(&mut self) -> bool {
        let Some(sequence) = self
            .waiting
            .iter_mut()
            .rfind(|sequence| !sequence.blocks.is_empty())
        else {
            return false;
        };
        self.cache.release(&mut sequence.blocks);
        self.backlog += u64::from(sequence.computed);
        sequence.computed = 0;
        sequence.named = 0;
        self.counters.preemptions += 1;
        true
    }

    /// Use what the cache has of a sequence, but leave at least one token to compute. Returns the blocks found.
    fn reuse_prefix(&mut self, sequence: &mut Sequence) -> usize {
        if !self.limits.prefix_caching {
            return 0;
        }
        let usable = ((sequence.length() - 1) / self.limits.block_size) as usize;
        let hashes = sequence.job.hashes.clone();
        let hashes = hashes.get(..usable.min(hashes.len())).unwrap_or_default();
        self.cache.take_matched(hashes, &mut sequence.blocks);
        sequence.named = sequence.blocks.len();
        sequence.named
    }

    fn count_lookup(&mut self, queried: u32, found: u32) {
        if self.limits.prefix_caching {
            self.counters.prefix_queries += u64::from(queried);
            self.counters.prefix_hits += u64::from(found);
        }
    }

    /// Blocks for `share` more tokens.
    fn extend(&mut self, sequence: &mut Sequence, share: u32) -> bool {
        let needed = (sequence.computed + share).div_ceil(self.limits.block_size);
        let more = needed.saturating_sub(sequence.blocks.len() as u32);
        self.cache.take_empty(more, &mut sequence.blocks)
    }

    fn account(sequence: &mut Sequence, share: u32, budget: &mut u32, load: &mut StepLoad) {
        sequence.share = share;
        *budget -= share;
        let (computed, share) = (u64::from(sequence.computed), u64::from(share));
        if share == 1 && sequence.remaining() == 1 {
            load.decodes += 1;
            load.decode_context += computed + 1;
        } else {
            load.prefill_tokens += share;
            load.prefill_attention += share * computed + share * share / 2;
        }
    }

    /// Make the full blocks of a sequence known by their contents, as vLLM does when it schedules them.
    fn name_blocks(&mut self, sequence: &mut Sequence) {
        if !self.limits.prefix_caching {
            return;
        }
        let full = ((sequence.computed + sequence.share) / self.limits.block_size) as usize;
        while sequence.named < full {
            let (block, hash) = (
                sequence.blocks.get(sequence.named),
                sequence.job.hashes.get(sequence.named),
            );
            let (Some(block), Some(hash)) = (block, hash) else {
                break;
            };
            self.cache.name(*block, *hash);
            sequence.named += 1;
        }
    }

    /// Back to the head of the queue, to be computed again.
    fn preempt(&mut self, mut sequence: Sequence) {
        self.cache.release(&mut sequence.blocks);
        self.backlog += u64::from(sequence.computed);
        sequence.computed = 0;
        sequence.named = 0;
        sequence.share = 0;
        self.counters.preemptions += 1;
        self.waiting.push_front(sequence);
    }
}
