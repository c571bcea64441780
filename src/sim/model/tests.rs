//! What the model must do: keep its books, and move metrics in the direction hardware does.

use super::latency::{Calculator, Latency};
use super::profile::{Accelerator, ModelShape};
use super::replica::Limits;
use super::router::RoutingPolicy;
use super::stack::{PoolConfig, Stack, StackConfig};
use super::{Job, Moment, Notice, Record};
use crate::sim::tokens::{Answer, block_hashes, mix};
use proptest::prelude::*;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

const BLOCK: u32 = 16;

fn limits(kv_blocks: u32) -> Limits {
    Limits {
        max_num_seqs: 256,
        max_num_batched_tokens: 8192,
        block_size: BLOCK,
        kv_blocks,
        prefix_caching: true,
    }
}

fn pool(engines: u32, ranks: u32) -> PoolConfig {
    PoolConfig {
        engines,
        ranks,
        limits: limits(20_000 * ranks),
    }
}

fn config(model: &str, decode: PoolConfig, prefill: Option<PoolConfig>) -> StackConfig {
    StackConfig {
        decode,
        prefill,
        latency: Latency {
            shape: ModelShape::from_name(model, None).0,
            accelerator: Accelerator::H100,
            calculator: Calculator::Roofline,
            transfer: None,
        },
        policy: RoutingPolicy::Load,
        max_waiting: 100_000,
        seed: 1,
    }
}

/// A request: which prefix it shares, how long that is, its own part, its answer.
#[derive(Debug, Clone, Copy)]
struct Ask {
    group: u32,
    shared: u32,
    own: u32,
    output: u32,
}

fn job(id: u64, ask: Ask) -> Job {
    let shared = (0..ask.shared).map(|i| ask.group * 1000 + i % 997);
    let own = (0..ask.own).map(|i| (mix(id * 7919 + u64::from(i)) % 100_000) as u32);
    let prompt: Vec<u32> = shared.chain(own).collect();
    let answer = Answer::generate(1, id, ask.output);
    Job {
        id,
        prompt: prompt.len() as u32,
        output: ask.output,
        hashes: block_hashes(0, BLOCK, &prompt, &answer),
    }
}

#[derive(Debug, Default)]
struct Seen {
    records: BTreeMap<u64, Record>,
    gaps: Vec<f64>,
    tokens: u64,
    end: f64,
    hit_rate: f64,
    preemptions: u64,
    peak_usage: f64,
}

impl Seen {
    fn ttft(&self) -> f64 {
        let sum: f64 = self
            .records
            .values()
            .map(|r| r.first_token.saturating_sub(r.arrived).as_secs_f64())
            .sum();
        sum / self.records.len() as f64
    }
    fn itl(&self) -> f64 {
        self.gaps.iter().sum::<f64>() / self.gaps.len() as f64
    }
    fn itl_quantile(&self, q: f64) -> f64 {
        let mut gaps = self.gaps.clone();
        gaps.sort_by(f64::total_cmp);
        gaps[((gaps.len() - 1) as f64 * q) as usize]
    }
    fn throughput(&self) -> f64 {
        self.tokens as f64 / self.end
    }
}

/// Closed loop: `concurrency` requests at any time, until all are answered.
fn closed_loop(config: StackConfig, concurrency: usize, asks: &[Ask]) -> Seen {
    let mut stack = Stack::new(config);
    let mut todo: VecDeque<(u64, Ask)> = (1..).zip(asks.iter().copied()).collect();
    let mut seen = Seen::default();
    let mut now = Moment::ZERO;
    for (id, ask) in todo.drain(..concurrency.min(asks.len())) {
        stack.submit(job(id, ask), now).unwrap();
    }
    let mut notices = Vec::new();
    let mut events = 0;
    while let Some(at) = stack.next_event() {
        now = at;
        events += 1;
        assert!(events < 1_000_000, "it never ends");
        stack.advance(now, &mut notices);
        for notice in notices.drain(..) {
            match notice {
                Notice::Token { gap, first, .. } => {
                    seen.tokens += 1;
                    if !first {
                        seen.gaps.push(gap.as_secs_f64());
                    }
                }
                Notice::Finished { id, record, .. } => {
                    assert!(seen.records.insert(id, record).is_none(), "{id} finished twice");
                    if let Some((id, ask)) = todo.pop_front() {
                        stack.submit(job(id, ask), now).unwrap();
                    }
                }
                Notice::Step { .. } | Notice::Transferred { .. } => {}
            }
        }
        for view in stack.views() {
            assert!((0.0..=1.0).contains(&view.kv_usage));
            seen.peak_usage = seen.peak_usage.max(view.kv_usage);
        }
    }
    assert_eq!(stack.in_flight(), 0);
    let (mut queries, mut hits) = (0, 0);
    for view in stack.views() {
        assert!(
            view.kv_usage.abs() < 1e-9,
            "blocks are still in use when all is done"
        );
        assert_eq!((view.running, view.waiting), (0, 0));
        queries += view.counters.prefix_queries;
        hits += view.counters.prefix_hits;
        seen.preemptions += view.counters.preemptions;
    }
    seen.hit_rate = hits as f64 / queries.max(1) as f64;
    seen.end = now.as_secs_f64();
    seen
}

fn plain(count: usize, prompt: u32, output: u32) -> Vec<Ask> {
    vec![
        Ask {
            group: 0,
            shared: 0,
            own: prompt,
            output,
        };
        count
    ]
}

#[test]
fn concurrency_raises_throughput_to_a_knee_and_always_raises_latency() {
    let rates: Vec<(f64, f64, f64)> = [1usize, 4, 16, 64, 256, 1024]
        .iter()
        .map(|c| {
            let seen = closed_loop(
                config("m-8B", pool(1, 1), None),
                *c,
                &plain((c * 3).min(1500), 512, 64),
            );
            (seen.throughput(), seen.itl(), seen.ttft())
        })
        .collect();
    for pair in rates.windows(2) {
        assert!(pair[1].1 > pair[0].1 * 0.98 && pair[1].2 > pair[0].2, "{rates:?}");
        assert!(pair[1].0 > pair[0].0 * 0.95, "{rates:?}");
    }
    assert!(rates[2].0 > 6.0 * rates[0].0, "nearly linear at first: {rates:?}");
    assert!(
        rates[5].0 < 1.5 * rates[4].0,
        "flat beyond the batch limit: {rates:?}"
    );
    assert!(
        rates[5].2 > 3.0 * rates[4].2,
        "queueing beyond the batch limit: {rates:?}"
    );
}

#[test]
fn more_replicas_raise_throughput_under_load() {
    let at = |replicas| {
        closed_loop(
            config("m-8B", pool(replicas, 1), None),
            512,
            &plain(1024, 256, 64),
        )
    };
    let (two, four) = (at(2), at(4));
    assert!(four.throughput() > 1.4 * two.throughput());
    assert!(four.ttft() < two.ttft());
}

#[test]
fn tensor_parallelism_lowers_latency_less_than_in_proportion() {
    let at = |ranks| closed_loop(config("m-8B", pool(1, ranks), None), 16, &plain(64, 2048, 64));
    let seen: Vec<Seen> = [1, 2, 4, 8].into_iter().map(at).collect();
    for pair in seen.windows(2) {
        assert!(pair[1].ttft() < pair[0].ttft());
        assert!(pair[1].itl() < pair[0].itl());
        assert!(pair[1].itl() > pair[0].itl() / 2.0);
    }
    assert!(seen[3].throughput() < 8.0 * seen[0].throughput());
}

#[test]
fn splitting_prefill_from_decode_lowers_the_tail_of_inter_token_latency() {
    let asks = plain(300, 8000, 100);
    let mixed = closed_loop(config("m-8B", pool(4, 1), None), 32, &asks);
    let split = closed_loop(config("m-8B", pool(2, 1), Some(pool(2, 1))), 32, &asks);
    assert!(
        split.itl_quantile(0.99) < mixed.itl_quantile(0.99) / 3.0,
        "split {} mixed {}",
        split.itl_quantile(0.99),
        mixed.itl_quantile(0.99)
    );
    assert!(split.itl() < mixed.itl());
    assert_eq!(split.records.len(), 300);
}

#[test]
fn more_prefill_replicas_lower_the_time_to_first_token_of_a_split_stack() {
    let asks = plain(300, 6000, 50);
    let at = |prefill| {
        let config = config("m-8B", pool(2, 2), Some(pool(prefill, 1)));
        closed_loop(config, 32, &asks).ttft()
    };
    let (two, four, eight) = (at(2), at(4), at(8));
    assert!(four < two && eight < four, "{two} {four} {eight}");
}

#[test]
fn transfers_of_long_prompts_show_in_the_first_token() {
    let at = |prefill| closed_loop(config("m-70B", pool(1, 4), prefill), 1, &plain(8, 16_000, 4)).ttft();
    assert!(at(Some(pool(1, 4))) > at(None) + 0.01);
}

/// Groups of requests with a common system prompt, interleaved in a seeded order.
fn grouped(groups: u32, per_group: u32, shared: u32) -> Vec<Ask> {
    let mut asks: Vec<Ask> = (0..groups * per_group)
        .map(|i| Ask {
            group: i % groups + 1,
            shared,
            own: 100,
            output: 50,
        })
        .collect();
    asks.sort_by_key(|ask| ask.group);
    let mut keyed: Vec<(u64, Ask)> = (0..).zip(asks).map(|(i, ask)| (mix(i), ask)).collect();
    keyed.sort_by_key(|(key, _)| *key);
    keyed.into_iter().map(|(_, ask)| ask).collect()
}

fn routed(policy: RoutingPolicy, asks: &[Ask]) -> Seen {
    let mut config = config("m-8B", pool(4, 1), None);
    // Small enough that no replica can hold all groups, as with 8,000-token prompts on real hardware.
    config.decode.limits.kv_blocks = 9_000;
    config.policy = policy;
    closed_loop(config, 16, asks)
}

#[test]
fn the_more_the_router_knows_of_prefixes_the_more_are_hit_and_the_sooner_tokens_come() {
    for (groups, shared) in [(40, 8000), (60, 5000), (60, 1000)] {
        let asks = grouped(groups, 10, shared);
        let load = routed(RoutingPolicy::Load, &asks);
        let estimate = routed(RoutingPolicy::PrefixEstimate, &asks);
        let tracking = routed(RoutingPolicy::PrefixTracking, &asks);
        let rates = (load.hit_rate, estimate.hit_rate, tracking.hit_rate);
        assert!(
            tracking.hit_rate >= estimate.hit_rate - 0.005,
            "{groups}×{shared}: {rates:?}"
        );
        assert!(estimate.hit_rate > load.hit_rate, "{groups}×{shared}: {rates:?}");
        let ttft = (load.ttft(), estimate.ttft(), tracking.ttft());
        assert!(tracking.ttft() < load.ttft(), "{groups}×{shared}: {ttft:?}");
        assert!(estimate.ttft() < load.ttft(), "{groups}×{shared}: {ttft:?}");
    }
}

#[test]
fn longer_system_prompts_raise_the_time_to_first_token() {
    let at = |shared| routed(RoutingPolicy::Load, &grouped(60, 5, shared)).ttft();
    assert!(at(1000) < at(5000) && at(5000) < at(8000));
}

#[test]
fn a_small_cache_queues_and_preempts_but_answers_everything() {
    let mut config = config("m-8B", pool(1, 1), None);
    config.decode.limits.kv_blocks = 120;
    let small = closed_loop(config.clone(), 64, &plain(64, 200, 200));
    assert!(small.preemptions > 0);
    assert!(small.peak_usage > 0.9);
    assert_eq!(small.tokens, 64 * 200);
    config.decode.limits.kv_blocks = 20_000;
    let large = closed_loop(config, 64, &plain(64, 200, 200));
    assert_eq!(large.preemptions, 0);
    assert!(large.throughput() > small.throughput());
}

#[test]
fn the_seed_fixes_every_moment() {
    let run = |seed| {
        let mut config = config("m-8B", pool(2, 1), Some(pool(2, 2)));
        config.seed = seed;
        config.policy = RoutingPolicy::PrefixTracking;
        closed_loop(config, 20, &grouped(5, 20, 500)).records
    };
    assert_eq!(run(3), run(3));
    assert_ne!(run(3), run(4));
}

#[test]
fn what_is_too_long_or_too_much_is_refused() {
    let mut config = config("m-8B", pool(1, 1), None);
    config.decode.limits.kv_blocks = 10;
    config.decode.limits.max_num_seqs = 1;
    config.max_waiting = 2;
    let mut stack = Stack::new(config);
    let ask = |own, output| Ask {
        group: 0,
        shared: 0,
        own,
        output,
    };
    assert!(stack.submit(job(1, ask(150, 20)), Moment::ZERO).is_err());
    stack.submit(job(2, ask(100, 20)), Moment::ZERO).unwrap();
    stack.advance(Duration::from_millis(80), &mut Vec::new());
    assert_eq!(stack.views()[0].running, 1);
    stack.submit(job(3, ask(100, 20)), Moment::ZERO).unwrap();
    stack.submit(job(4, ask(100, 20)), Moment::ZERO).unwrap();
    assert!(stack.submit(job(5, ask(100, 20)), Moment::ZERO).is_err());
}

/// Prefill and decode apart with little memory: fetched, preempted and parked sequences all want the same blocks.
#[test]
fn sequences_that_hold_blocks_for_each_other_do_not_wait_for_ever() {
    let asks = [
        (0, 0, 7, 1),
        (0, 90, 147, 35),
        (0, 4, 80, 1),
        (0, 66, 120, 25),
        (0, 18, 106, 1),
        (0, 0, 155, 1),
        (0, 52, 158, 1),
        (0, 76, 184, 46),
        (3, 111, 144, 11),
        (0, 56, 219, 57),
        (1, 177, 52, 51),
        (2, 56, 156, 29),
        (0, 17, 68, 23),
        (3, 96, 224, 54),
        (1, 165, 238, 13),
        (0, 110, 62, 18),
        (2, 97, 253, 39),
        (0, 44, 283, 55),
        (1, 149, 244, 8),
    ]
    .map(|(group, shared, own, output)| Ask {
        group,
        shared,
        own,
        output,
    });
    let limits = Limits {
        max_num_seqs: 11,
        max_num_batched_tokens: 139,
        block_size: BLOCK,
        kv_blocks: 47,
        prefix_caching: false,
    };
    let pool = PoolConfig {
        engines: 2,
        ranks: 1,
        limits,
    };
    let mut config = config("m-8B", pool, Some(pool));
    config.policy = RoutingPolicy::RoundRobin;
    let seen = closed_loop(config, 14, &asks);
    assert_eq!(seen.records.len(), asks.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn every_request_ends_with_all_its_tokens_whatever_the_stack(
        asks in prop::collection::vec((0u32..4, 0u32..200, 1u32..300, 1u32..60), 1..40),
        concurrency in 1usize..20,
        kv_blocks in 40u32..200,
        max_num_seqs in 1usize..12,
        budget in 16u32..600,
        engines in 1u32..4,
        split in any::<bool>(),
        caching in any::<bool>(),
        policy in 0usize..5,
    ) {
        let asks: Vec<Ask> = asks.into_iter()
            .map(|(group, shared, own, output)| Ask { group, shared, own, output })
            .collect();
        let limits = Limits {
            max_num_seqs,
            max_num_batched_tokens: budget,
            block_size: BLOCK,
            kv_blocks,
            prefix_caching: caching,
        };
        let pool = PoolConfig { engines, ranks: 1, limits };
        let mut config = config("m-8B", pool, split.then_some(pool));
        config.policy = [
            RoutingPolicy::Random,
            RoutingPolicy::RoundRobin,
            RoutingPolicy::Load,
            RoutingPolicy::PrefixEstimate,
            RoutingPolicy::PrefixTracking,
        ][policy];
        let seen = closed_loop(config, concurrency, &asks);
        prop_assert_eq!(seen.records.len(), asks.len());
        for (id, record) in &seen.records {
            let ask = asks[*id as usize - 1];
            prop_assert_eq!(record.generated, ask.output);
            prop_assert_eq!(record.prompt, ask.shared + ask.own);
            prop_assert!(record.cached < record.prompt);
            prop_assert!(record.arrived <= record.queued && record.queued <= record.scheduled);
            prop_assert!(record.scheduled < record.first_token && record.first_token <= record.last_token);
        }
        prop_assert_eq!(seen.tokens, asks.iter().map(|ask| u64::from(ask.output)).sum::<u64>());
    }

    #[test]
    fn cancelled_requests_leave_nothing_behind(
        asks in prop::collection::vec((1u32..300, 1u32..60), 1..30),
        cancels in prop::collection::vec((0u64..30, 0u64..2000), 0..30),
        split in any::<bool>(),
    ) {
        let mut pool = pool(2, 1);
        pool.limits.kv_blocks = 100;
        pool.limits.max_num_seqs = 4;
        let mut stack = Stack::new(config("m-8B", pool, split.then_some(pool)));
        for (id, (own, output)) in (0..).zip(&asks) {
            let ask = Ask { group: 0, shared: 0, own: *own, output: *output };
            stack.submit(job(id, ask), Moment::ZERO).unwrap();
        }
        let mut cancels = cancels;
        cancels.sort_by_key(|(_, at)| *at);
        let mut notices = Vec::new();
        let mut cancelled = 0;
        for (id, at) in cancels {
            stack.advance(Duration::from_millis(at), &mut notices);
            cancelled += usize::from(stack.cancel(id));
        }
        while let Some(at) = stack.next_event() {
            stack.advance(at, &mut notices);
        }
        let finished = notices.iter().filter(|notice| matches!(notice, Notice::Finished { .. })).count();
        prop_assert_eq!(finished + cancelled, asks.len());
        prop_assert_eq!(stack.in_flight(), 0);
        for view in stack.views() {
            prop_assert!(view.kv_usage.abs() < 1e-9);
            prop_assert_eq!((view.running, view.waiting), (0, 0));
        }
    }
}
