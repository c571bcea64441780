//! The router in front of the replicas: which one gets a request.
//!
//! Owned by [`super::stack::Stack`], one per pool of replicas. Every policy but the two blind ones picks the replica
//! with the least expected work, counted in prompt tokens: what is queued there, plus a share per request in flight, plus
//! what of this prompt must be computed. Policies differ in what they know about the last term.

use super::kv::HashKeyed;
use crate::sim::tokens::mix;
use std::collections::VecDeque;

/// How much work one request in flight stands for, in prompt tokens: it slows every iteration down a little.
const TOKENS_PER_REQUEST: u64 = 64;
/// Blocks per replica the estimating router remembers (the default of the gateway's prefix scorer).
const REMEMBERED_BLOCKS: usize = 31_250;
/// Leading blocks of a prompt the estimating router looks at (the default of the gateway's prefix scorer).
const ESTIMATED_BLOCKS: usize = 256;

/// How replicas are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum RoutingPolicy {
    /// Any: what a Kubernetes Service does.
    Random,
    /// One after another.
    RoundRobin,
    /// The least loaded (llm-d's `default` plugins).
    Load,
    /// Load, and where the router itself sent the same prefix before (`prefix-cache-estimate-config`).
    PrefixEstimate,
    /// Load, and what each replica's cache really holds, from its events (`prefix-cache-tracking-config`).
    PrefixTracking,
}

impl RoutingPolicy {
    /// The policy of a plugin configuration by its name, with or without folder and `.yaml`; `None` where the name is
    /// not one we know.
    pub fn of_plugins(name: &str) -> Option<Self> {
        let file = name.rsplit('/').next().unwrap_or(name);
        let stem = file
            .strip_suffix(".yaml")
            .or(file.strip_suffix(".yml"))
            .unwrap_or(file);
        match stem {
            "default" | "default-plugins" | "inf-sche-kv" | "inf-sche-queue" => Some(Self::Load),
            "random" | "inf-sche-none" => Some(Self::Random),
            "round-robin" => Some(Self::RoundRobin),
            _ if stem.contains("tracking") || stem.contains("precise") => Some(Self::PrefixTracking),
            _ if stem.contains("prefix") || stem.starts_with("pd-") => Some(Self::PrefixEstimate),
            _ => None,
        }
    }
}

/// What a router sees of a replica.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sight {
    /// Prompt tokens queued.
    pub backlog: u64,
    /// Requests sent and not ended.
    pub in_flight: u64,
}

/// The blocks a router believes one replica to hold: those it sent there last.
#[derive(Debug, Default)]
struct Memory {
    last_use: HashKeyed<u64>,
    order: VecDeque<(u64, u64)>,
    clock: u64,
}

impl Memory {
    fn matched(&self, hashes: &[u64]) -> usize {
        hashes
            .iter()
            .take_while(|hash| self.last_use.contains_key(hash))
            .count()
    }

    fn remember(&mut self, hashes: &[u64]) {
        for hash in hashes {
            self.clock += 1;
            self.last_use.insert(*hash, self.clock);
            self.order.push_back((self.clock, *hash));
        }
        // An entry of `order` is stale where the block was used again later. Dropping stale ones first keeps both small.
        while let Some((time, hash)) = self.order.front().copied() {
            let stale = self.last_use.get(&hash) != Some(&time);
            if !stale && self.last_use.len() <= REMEMBERED_BLOCKS {
                break;
            }
            if !stale {
                self.last_use.remove(&hash);
            }
            self.order.pop_front();
        }
        if self.order.len() > 2 * self.last_use.len() + REMEMBERED_BLOCKS {
            let last_use = &self.last_use;
            self.order.retain(|(time, hash)| last_use.get(hash) == Some(time));
        }
    }
}

/// Chooses replicas of one pool.
#[derive(Debug)]
pub struct Router {
    policy: RoutingPolicy,
    block_size: u32,
    memories: Vec<Memory>,
    seed: u64,
    choices: u64,
}

impl Router {
    /// A router over `replicas` replicas.
    pub fn new(policy: RoutingPolicy, replicas: usize, block_size: u32, seed: u64) -> Self {
        Self {
            policy,
            block_size,
            memories: std::iter::repeat_with(Memory::default).take(replicas).collect(),
            seed,
            choices: 0,
        }
    }

    /// The position of the replica that gets a request of `prompt` tokens. `cached` tells the leading blocks really in
    /// a replica's cache.
    pub fn choose(
        &mut self,
        prompt: u32,
        hashes: &[u64],
        sights: &[Sight],
        cached: impl Fn(usize) -> usize,
    ) -> usize {
        let draw = mix(self.seed ^ self.choices);
        let turn = self.choices;
        self.choices += 1;
        let count = sights.len().max(1) as u64;
        match self.policy {
            RoutingPolicy::Random => (draw % count) as usize,
            RoutingPolicy::RoundRobin => (turn % count) as usize,
            RoutingPolicy::Load => self.least(sights, draw, |_, _| 0),
            RoutingPolicy::PrefixEstimate => {
                let whole = (prompt / self.block_size) as usize;
                let known = hashes
                    .get(..whole.min(hashes.len()).min(ESTIMATED_BLOCKS))
                    .unwrap_or_default();
                let chosen = self.least(sights, draw, |router, at| {
                    let matched = router.memories.get(at).map_or(0, |memory| memory.matched(known));
                    router.uncached(prompt, matched)
                });
                if let Some(memory) = self.memories.get_mut(chosen) {
                    memory.remember(known);
                }
                chosen
            }
            RoutingPolicy::PrefixTracking => {
                self.least(sights, draw, |router, at| router.uncached(prompt, cached(at)))
            }
        }
    }

    fn uncached(&self, prompt: u32, blocks: usize) -> u64 {
        u64::from(prompt).saturating_sub(blocks as u64 * u64::from(self.block_size))
    }

    /// The replica of least work; among equals any.
    fn least(&self, sights: &[Sight], draw: u64, own: impl Fn(&Self, usize) -> u64) -> usize {
        (0..sights.len())
            .min_by_key(|at| {
                let sight = sights.get(*at).copied().unwrap_or_default();
                let work = sight.backlog + TOKENS_PER_REQUEST * sight.in_flight + own(self, *at);
                (work, mix(draw ^ *at as u64))
            })
            .unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDLE: Sight = Sight {
        backlog: 0,
        in_flight: 0,
    };

    #[test]
    fn plugin_configurations_are_known_by_name() {
        let policy = RoutingPolicy::of_plugins;
        assert_eq!(policy("default"), Some(RoutingPolicy::Load));
        assert_eq!(policy("default-plugins.yaml"), Some(RoutingPolicy::Load));
        assert_eq!(
            policy("prefix-cache-estimate-config"),
            Some(RoutingPolicy::PrefixEstimate)
        );
        assert_eq!(
            policy("prefix-cache-tracking-config.yaml"),
            Some(RoutingPolicy::PrefixTracking)
        );
        assert_eq!(
            policy("/etc/epp/precise-prefix-cache-aware.yaml"),
            Some(RoutingPolicy::PrefixTracking)
        );
        assert_eq!(
            policy("inf-sche-prefix-kv-queue"),
            Some(RoutingPolicy::PrefixEstimate)
        );
        assert_eq!(policy("inf-sche-none"), Some(RoutingPolicy::Random));
        assert_eq!(policy("my-own"), None);
    }

    #[test]
    fn the_estimate_follows_what_was_sent_unless_that_replica_is_busy() {
        let mut router = Router::new(RoutingPolicy::PrefixEstimate, 3, 16, 1);
        let hashes: Vec<u64> = (1..=10).map(mix).collect();
        let first = router.choose(160, &hashes, &[IDLE; 3], |_| 0);
        for _ in 0..5 {
            assert_eq!(router.choose(160, &hashes, &[IDLE; 3], |_| 0), first);
        }
        let mut busy = [IDLE; 3];
        busy[first].backlog = 10_000;
        assert_ne!(router.choose(160, &hashes, &busy, |_| 0), first);
    }

    #[test]
    fn tracking_goes_by_the_caches() {
        let mut router = Router::new(RoutingPolicy::PrefixTracking, 4, 16, 1);
        let hashes: Vec<u64> = (1..=10).map(mix).collect();
        assert_eq!(
            router.choose(160, &hashes, &[IDLE; 4], |at| if at == 2 { 9 } else { 3 }),
            2
        );
    }

    #[test]
    fn load_takes_the_emptiest_and_blind_policies_take_all() {
        let mut router = Router::new(RoutingPolicy::Load, 3, 16, 1);
        let mut sights = [IDLE; 3];
        sights[0].in_flight = 2;
        sights[2].in_flight = 1;
        assert_eq!(router.choose(16, &[], &sights, |_| 0), 1);
        for policy in [RoutingPolicy::Random, RoutingPolicy::RoundRobin] {
            let mut router = Router::new(policy, 3, 16, 1);
            let mut seen = [0; 3];
            for _ in 0..300 {
                seen[router.choose(16, &[], &sights, |_| 0)] += 1;
            }
            assert!(seen.iter().all(|count| *count > 60), "{policy:?}: {seen:?}");
        }
    }

    #[test]
    fn memory_stays_bounded() {
        let mut memory = Memory::default();
        for i in 0..4 * REMEMBERED_BLOCKS as u64 {
            memory.remember(&[mix(i), mix(1)]);
        }
        assert!(memory.last_use.len() <= REMEMBERED_BLOCKS);
        assert!(memory.order.len() <= 4 * REMEMBERED_BLOCKS);
        assert_eq!(memory.matched(&[mix(1)]), 1);
        assert_eq!(memory.matched(&[mix(0)]), 0);
    }
}
