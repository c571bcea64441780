//! The whole simulated stack: routers, replicas and the transfers between them, as a discrete-event simulation.
//!
//! Owns all of the model's state. The caller submits and cancels requests, asks when something happens next, and lets
//! time pass with [`Stack::advance`]; see `sim::driver`.

use super::latency::Latency;
use super::replica::{Counters, Duty, Fetch, Limits, Replica};
use super::router::{Router, RoutingPolicy, Sight};
use super::sequence::Sequence;
use super::{Job, Moment, Notice, RequestId};
use crate::sim::tokens::mix;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

/// Replicas of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolConfig {
    /// How many engines, at least 1.
    pub engines: u32,
    /// Accelerators of each.
    pub ranks: u32,
    /// Limits of each.
    pub limits: Limits,
}

/// What the stack consists of.
#[derive(Debug, Clone)]
pub struct StackConfig {
    /// Replicas that generate tokens.
    pub decode: PoolConfig,
    /// Replicas that only compute prompts; `None` where `decode` computes them too.
    pub prefill: Option<PoolConfig>,
    /// How long things take.
    pub latency: Latency,
    /// How replicas are chosen.
    pub policy: RoutingPolicy,
    /// Requests that may wait for a place, over all engines.
    pub max_waiting: usize,
    /// Seed of jitter and routing.
    pub seed: u64,
}

/// Why a request is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Too many wait already.
    #[error("{0} requests are waiting already; send fewer at once or raise --max-waiting-queue-length")]
    QueueFull(usize),
    /// It would never fit.
    #[error("prompt and answer need {needed} KV blocks, one replica has {available}")]
    TooLong {
        /// Blocks of prompt and answer.
        needed: u32,
        /// Blocks of the smallest replica.
        available: u32,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// A request has passed the gateway.
    Ingress(RequestId),
    /// An iteration of an engine ends.
    StepEnd(usize),
    /// A sequence's blocks are there.
    Fetched { engine: usize, id: RequestId },
}

/// Where a request is.
#[derive(Debug, Clone, Copy)]
struct Place {
    /// The engine that has it now; `None` at the gateway.
    engine: Option<usize>,
    /// The prefill engine that keeps its blocks.
    parked: Option<usize>,
}

/// State of an engine for gauges.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EngineView {
    /// Sequences in the batch.
    pub running: usize,
    /// Sequences waiting.
    pub waiting: usize,
    /// Of those, waiting for blocks to arrive.
    pub deferred: usize,
    /// Share of KV blocks in use.
    pub kv_usage: f64,
    /// KV blocks.
    pub kv_blocks: u32,
    /// Counters since start.
    pub counters: Counters,
}

/// The stack.
#[derive(Debug)]
pub struct Stack {
    config: StackConfig,
    /// Prefill engines first, then the others.
    engines: Vec<Replica>,
    prefill_engines: usize,
    prefill_router: Router,
    decode_router: Router,
    in_flight: Vec<u64>,
    events: BinaryHeap<Reverse<(Moment, u64, Event)>>,
    /// Orders events of the same moment.
    sequence: u64,
    arriving: HashMap<RequestId, Sequence>,
    places: HashMap<RequestId, Place>,
    /// Blocks being moved: when it began and how much it is.
    transfers: HashMap<RequestId, (Moment, f64)>,
    now: Moment,
}

impl Stack {
    /// An idle stack.
    pub fn new(config: StackConfig) -> Self {
        let mut engines = Vec::new();
        let prefill_duty = config.prefill.map(|pool| (pool, Duty::Prefill));
        let decode_duty = if config.prefill.is_some() {
            Duty::Decode
        } else {
            Duty::Whole
        };
        for (pool, duty) in prefill_duty.into_iter().chain([(config.decode, decode_duty)]) {
            for _ in 0..pool.engines.max(1) {
                engines.push(Replica::new(engines.len(), pool.ranks, duty, pool.limits));
            }
        }
        let prefill_engines = config.prefill.map_or(0, |pool| pool.engines.max(1) as usize);
        let block_size = config.decode.limits.block_size;
        let router =
            |replicas, salt: u64| Router::new(config.policy, replicas, block_size, mix(config.seed ^ salt));
        Self {
            prefill_router: router(prefill_engines, 1),
            decode_router: router(engines.len() - prefill_engines, 2),
            in_flight: vec![0; engines.len()],
            prefill_engines,
            engines,
            events: BinaryHeap::new(),
            sequence: 0,
            arriving: HashMap::new(),
            places: HashMap::new(),
            transfers: HashMap::new(),
            now: Moment::ZERO,
            config,
        }
    }

    /// Take a request that arrived at `at`, or now if that is past.
    pub fn submit(&mut self, job: Job, at: Moment) -> Result<(), Refused> {
        let waiting = self.arriving.len() + self.engines.iter().map(Replica::waiting).sum::<usize>();
        let places: usize = self.engines.iter().map(Replica::running).sum();
        if waiting >= self.config.max_waiting && places > 0 {
            return Err(Refused::QueueFull(waiting));
        }
        let block_size = self.config.decode.limits.block_size;
        let needed = job.prompt.saturating_add(job.output).div_ceil(block_size);
        let available = self.engines.iter().map(Replica::kv_blocks).min().unwrap_or(0);
        if needed > available {
            return Err(Refused::TooLong { needed, available });
        }
        let at = at.max(self.now);
        let id = job.id;
        let fill = self.engines.iter().map(Replica::fill).sum::<f64>() / self.engines.len().max(1) as f64;
        let cached = self
            .engines
            .iter()
            .map(|engine| engine.matched(&job.hashes))
            .max();
        let uncached = job.prompt.saturating_sub(cached.unwrap_or(0) as u32 * block_size);
        let ingress = self.config.latency.ingress(uncached, fill, self.draw(id));
        self.arriving.insert(id, Sequence::new(job, at));
        self.places.insert(
            id,
            Place {
                engine: None,
                parked: None,
            },
        );
        self.schedule(at + ingress, Event::Ingress(id));
        Ok(())
    }

    /// Drop a request; nothing more is told about it. Returns whether there was one.
    pub fn cancel(&mut self, id: RequestId) -> bool {
        let Some(place) = self.places.remove(&id) else {
            return false;
        };
        self.arriving.remove(&id);
        self.transfers.remove(&id);
        if let Some(engine) = place.engine {
            self.with_engine(engine, |replica| replica.cancel(id));
            self.leave(engine);
        }
        if let Some(engine) = place.parked {
            self.with_engine(engine, |replica| replica.unpark(id));
        }
        true
    }

    /// When something happens next; `None` while everything is idle.
    pub fn next_event(&self) -> Option<Moment> {
        self.events.peek().map(|Reverse((at, _, _))| *at)
    }

    /// Let time pass until `until`, and tell what happened.
    pub fn advance(&mut self, until: Moment, notices: &mut Vec<Notice>) {
        while let Some(Reverse((at, _, event))) = self.events.peek().copied() {
            if at > until {
                break;
            }
            self.events.pop();
            self.now = self.now.max(at);
            match event {
                Event::Ingress(id) => self.arrive(id),
                Event::StepEnd(engine) => self.step_ended(engine, notices),
                Event::Fetched { engine, id } => self.fetched(engine, id, notices),
            }
        }
        self.now = self.now.max(until);
    }

    /// Requests not ended.
    pub fn in_flight(&self) -> usize {
        self.places.len()
    }

    /// Forget all cached prefixes.
    pub fn reset_prefix_cache(&mut self) {
        self.engines.iter_mut().for_each(Replica::reset_cache);
    }

    /// Compute with other times from the next event on.
    pub fn set_latency(&mut self, latency: Latency) {
        self.config.latency = latency;
    }

    /// The engines as gauges show them, in order of position.
    pub fn views(&self) -> Vec<EngineView> {
        self.engines
            .iter()
            .map(|engine| EngineView {
                running: engine.running(),
                waiting: engine.waiting(),
                deferred: engine.deferred(),
                kv_usage: engine.kv_usage(),
                kv_blocks: engine.kv_blocks(),
                counters: engine.counters,
            })
            .collect()
    }

    fn arrive(&mut self, id: RequestId) {
        let Some(sequence) = self.arriving.remove(&id) else {
            return;
        };
        let prefill = self.prefill_engines > 0;
        let engine = self.route(&sequence, prefill);
        self.enter(engine, sequence);
    }

    fn step_ended(&mut self, engine: usize, notices: &mut Vec<Notice>) {
        let now = self.now;
        let first = notices.len();
        let handed_over = self
            .engines
            .get_mut(engine)
            .map(|replica| replica.end_step(now, notices))
            .unwrap_or_default();
        let ended: Vec<RequestId> = notices
            .iter()
            .skip(first)
            .filter_map(|notice| match notice {
                Notice::Finished { id, .. } => Some(*id),
                _ => None,
            })
            .collect();
        for id in ended {
            self.places.remove(&id);
            self.leave(engine);
        }
        for sequence in handed_over {
            let id = sequence.id();
            self.leave(engine);
            if let Some(place) = self.places.get_mut(&id) {
                place.parked = Some(engine);
            }
            let target = self.route(&sequence, false);
            self.enter(target, sequence);
        }
        self.kick(engine);
    }

    fn fetched(&mut self, engine: usize, id: RequestId, notices: &mut Vec<Notice>) {
        let Some((began, bytes)) = self.transfers.remove(&id) else {
            return;
        };
        notices.push(Notice::Transferred {
            engine,
            time: self.now.saturating_sub(began),
            bytes,
        });
        let parked = self.places.get_mut(&id).and_then(|place| place.parked.take());
        if let Some(source) = parked {
            self.with_engine(source, |replica| replica.unpark(id));
        }
        if let Some(replica) = self.engines.get_mut(engine) {
            replica.fetched(id);
        }
        self.kick(engine);
    }

    /// The engine for a sequence: of the prefill pool, or of the other one.
    fn route(&mut self, sequence: &Sequence, prefill: bool) -> usize {
        let (first, pool, router) = if prefill {
            let pool = self.engines.get(..self.prefill_engines);
            (0, pool, &mut self.prefill_router)
        } else {
            let pool = self.engines.get(self.prefill_engines..);
            (self.prefill_engines, pool, &mut self.decode_router)
        };
        let pool = pool.unwrap_or_default();
        let sights: Vec<Sight> = pool
            .iter()
            .map(|engine| Sight {
                backlog: engine.backlog(),
                in_flight: self.in_flight.get(engine.engine).copied().unwrap_or(0),
            })
            .collect();
        let hashes = sequence.hashes();
        let cached = |at: usize| pool.get(at).map_or(0, |engine| engine.matched(hashes));
        first + router.choose(sequence.record.prompt, hashes, &sights, cached)
    }

    fn enter(&mut self, engine: usize, sequence: Sequence) {
        if let Some(place) = self.places.get_mut(&sequence.id()) {
            place.engine = Some(engine);
        }
        if let Some(count) = self.in_flight.get_mut(engine) {
            *count += 1;
        }
        let now = self.now;
        if let Some(replica) = self.engines.get_mut(engine) {
            replica.enqueue(sequence, now);
        }
        self.kick(engine);
    }

    fn leave(&mut self, engine: usize) {
        if let Some(count) = self.in_flight.get_mut(engine) {
            *count = count.saturating_sub(1);
        }
    }

    /// Do something to an engine that frees blocks or places, and let it go on with them.
    fn with_engine<T>(&mut self, engine: usize, change: impl FnOnce(&mut Replica) -> T) {
        if let Some(replica) = self.engines.get_mut(engine) {
            change(replica);
        }
        self.kick(engine);
    }

    /// Let an engine start what it can: transfers, and an iteration if none is under way.
    fn kick(&mut self, engine: usize) {
        let (now, seed) = (self.now, self.config.seed);
        let Some(replica) = self.engines.get_mut(engine) else {
            return;
        };
        let mut fetches: Vec<Fetch> = Vec::new();
        replica.start_fetching(&mut fetches);
        let ranks = replica.ranks;
        let began = replica.begin_step(now).map(|load| {
            let draw = mix(seed ^ mix((engine as u64) << 48 ^ replica.steps));
            self.config.latency.step(load, ranks, replica.fill(), draw)
        });
        if let Some(time) = began {
            self.schedule(now + time, Event::StepEnd(engine));
        }
        for fetch in fetches {
            let source = self.places.get(&fetch.id).and_then(|place| place.parked);
            let from = source
                .and_then(|at| self.engines.get(at))
                .or(self.engines.first());
            let from = from.map_or(1, |replica| replica.ranks);
            let (time, bytes) = self
                .config
                .latency
                .transfer(fetch.tokens, from, ranks, self.draw(fetch.id));
            self.transfers.insert(fetch.id, (now, bytes));
            self.schedule(now + time, Event::Fetched { engine, id: fetch.id });
        }
    }

    fn draw(&self, id: RequestId) -> u64 {
        mix(self.config.seed ^ mix(id).rotate_left(17))
    }

    fn schedule(&mut self, at: Moment, event: Event) {
        self.sequence += 1;
        self.events.push(Reverse((at, self.sequence, event)));
    }
}
