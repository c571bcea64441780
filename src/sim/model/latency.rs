//! How long one engine iteration, one request's way in and one KV transfer take.
//!
//! The default is a roofline: an iteration takes as long as the slower of reading the weights and multiplying with
//! them, plus attention, plus the all-reduces of tensor parallelism, plus a host part. `docs/simulator.md` has the
//! formulas with their reasons. The constant and per-token calculators are those of llm-d-inference-sim, for users who
//! have its flags in their scenarios.

use super::profile::{Accelerator, ModelShape};
use crate::sim::tokens::{mix, normal};
use std::time::Duration;

/// Share of the data-sheet operations that dense layers reach in prefill.
const COMPUTE_EFFICIENCY: f64 = 0.5;
/// Share of the memory bandwidth that reading weights and KV blocks reaches.
const MEMORY_EFFICIENCY: f64 = 0.6;
/// Share of the link bandwidth that all-reduces reach.
const LINK_EFFICIENCY: f64 = 0.7;
/// Start-up of one all-reduce per doubling of the ranks, seconds.
const ALL_REDUCE_LATENCY: f64 = 10e-6;
/// Scheduler, input preparation and sampling per iteration, seconds.
const HOST_PER_STEP: f64 = 2e-3;
/// Kernel launches per layer and iteration, seconds.
const HOST_PER_LAYER: f64 = 40e-6;
/// Bookkeeping per sequence of a batch, seconds.
const HOST_PER_SEQUENCE: f64 = 10e-6;
/// Gateway, HTTP front end, tokenising and the first step's set-up, per request and outside of the engine: a fixed part
/// and one per layer, calibrated on the TTFT of published profiles (8B on H100, 70B on eight).
const INGRESS_FIXED: f64 = 15e-3;
/// See [`INGRESS_FIXED`].
const INGRESS_PER_LAYER: f64 = 1.6e-3;
/// Handshake of one KV transfer, seconds.
const TRANSFER_LATENCY: f64 = 2e-3;
/// What one rank's network adapter moves (400 Gb/s at 80 %), bytes per second.
const NETWORK_BANDWIDTH: f64 = 40e9;
/// Standard deviation of an iteration's time, as a share of it.
const JITTER: f64 = 0.02;
/// Random values stay within this share of their mean, as in llm-d-inference-sim.
const CLAMP: f64 = 0.7;

/// What one iteration computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StepLoad {
    /// Prompt tokens computed.
    pub prefill_tokens: u64,
    /// Sum over those tokens of how many tokens each attends to.
    pub prefill_attention: u64,
    /// Sequences that get one more token.
    pub decodes: u64,
    /// Sum of those sequences' lengths.
    pub decode_context: u64,
}

impl StepLoad {
    /// Tokens computed in all.
    pub fn tokens(&self) -> u64 {
        self.prefill_tokens + self.decodes
    }
}

/// A time with a random part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spread {
    /// Mean.
    pub mean: Duration,
    /// Standard deviation.
    pub deviation: Duration,
}

impl Spread {
    fn sample(self, seed: u64) -> f64 {
        let mean = self.mean.as_secs_f64();
        let value = mean + self.deviation.as_secs_f64() * normal(seed);
        value.clamp(mean * (1.0 - CLAMP), mean * (1.0 + CLAMP))
    }
}

/// Which formulas time comes from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Calculator {
    /// From the model's shape and the accelerator (ours).
    Roofline,
    /// llm-d-inference-sim's: fixed or per-token prefill, fixed time between tokens.
    Fixed(Fixed),
}

/// The parameters of llm-d-inference-sim's calculators.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Fixed {
    /// Prefill of any prompt (`constant`), or its fixed part (`per-token`).
    pub prefill: Spread,
    /// Prefill per uncached prompt token; zero for `constant`.
    pub prefill_per_token: Spread,
    /// Between tokens.
    pub inter_token: Spread,
    /// How much slower everything is on a full replica (1 = not).
    pub load_factor: f64,
}

/// All that times depend on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Latency {
    /// The model.
    pub shape: ModelShape,
    /// The accelerator.
    pub accelerator: Accelerator,
    /// The formulas.
    pub calculator: Calculator,
    /// KV transfer as given by flags, fixed and per token; `None` computes it from bytes.
    pub transfer: Option<(Spread, Spread)>,
}

impl Latency {
    /// Time of one iteration on `ranks` accelerators, where the replica is `fill` full (0 to 1).
    pub fn step(&self, load: StepLoad, ranks: u32, fill: f64, seed: u64) -> Duration {
        let seconds = match self.calculator {
            Calculator::Roofline => {
                self.roofline(load, ranks) * (1.0 + JITTER * normal(seed).clamp(-3.0, 3.0))
            }
            Calculator::Fixed(fixed) => fixed.inter_token.sample(seed) * slowdown(fixed.load_factor, fill),
        };
        // Never zero: virtual time must go on.
        Duration::from_secs_f64(seconds.max(1e-6))
    }

    /// The roofline time of one iteration, in seconds, without jitter.
    pub fn roofline(&self, load: StepLoad, ranks: u32) -> f64 {
        let hardware = self.accelerator.figures();
        let shape = &self.shape;
        let ranks_f = f64::from(ranks.max(1));
        let layers = f64::from(shape.layers);
        let tokens = load.tokens() as f64;
        let flops = hardware.flops * COMPUTE_EFFICIENCY * ranks_f;
        let bandwidth = hardware.memory_bandwidth * MEMORY_EFFICIENCY * ranks_f;
        // Of a mixture of experts a bigger batch touches more; a dense model reads everything always.
        let touched = (shape.active * tokens.max(1.0)).min(shape.parameters) * shape.weight_bytes;
        // Narrow weights multiply faster only down to 8 bits.
        let speedup = (2.0 / shape.weight_bytes).min(2.0);
        let dense = (touched / bandwidth).max(2.0 * shape.active * tokens / (flops * speedup));
        let attention = load.decode_context as f64 * shape.kv_bytes_per_token() / bandwidth
            + 4.0 * layers * f64::from(shape.hidden) * load.prefill_attention as f64 / flops;
        let all_reduce = if ranks > 1 {
            let bytes = tokens * f64::from(shape.hidden) * 2.0;
            let link = hardware.link_bandwidth * LINK_EFFICIENCY;
            2.0 * layers
                * (ALL_REDUCE_LATENCY * ranks_f.log2() + 2.0 * (ranks_f - 1.0) / ranks_f * bytes / link)
        } else {
            0.0
        };
        let sequences = load.decodes as f64;
        let host = HOST_PER_STEP + HOST_PER_LAYER * layers + HOST_PER_SEQUENCE * sequences;
        dense + attention + all_reduce + host
    }

    /// Time before a request reaches an engine; `uncached` prompt tokens must be computed.
    pub fn ingress(&self, uncached: u32, fill: f64, seed: u64) -> Duration {
        let seconds = match self.calculator {
            Calculator::Roofline => INGRESS_FIXED + INGRESS_PER_LAYER * f64::from(self.shape.layers),
            // The first token leaves at the end of an iteration, so that much of the prefill is there already.
            Calculator::Fixed(fixed) => {
                let prefill = fixed.prefill.sample(seed)
                    + f64::from(uncached) * fixed.prefill_per_token.sample(mix(seed));
                (prefill * slowdown(fixed.load_factor, fill) - fixed.inter_token.mean.as_secs_f64()).max(0.0)
            }
        };
        Duration::from_secs_f64(seconds)
    }

    /// Time to move the KV cache of `tokens` tokens between replicas of `from` and `to` ranks, and its bytes.
    pub fn transfer(&self, tokens: u32, from: u32, to: u32, seed: u64) -> (Duration, f64) {
        let bytes = f64::from(tokens) * self.shape.kv_bytes_per_token();
        let seconds = match self.transfer {
            Some((fixed, per_token)) => fixed.sample(seed) + f64::from(tokens) * per_token.sample(mix(seed)),
            None => TRANSFER_LATENCY + bytes / (NETWORK_BANDWIDTH * f64::from(from.min(to).max(1))),
        };
        (Duration::from_secs_f64(seconds), bytes)
    }

    /// How many KV blocks fit beside the weights on `ranks` accelerators; `None` where the model does not fit.
    pub fn kv_blocks(&self, ranks: u32, block_size: u32, utilization: f64) -> Option<u32> {
        /// Activations, graphs and the runtime of one rank, bytes.
        const RESERVED: f64 = 3e9;
        let ranks = f64::from(ranks.max(1));
        let free = (self.accelerator.figures().memory * utilization - RESERVED) * ranks - self.shape.bytes();
        let blocks = free / (self.shape.kv_bytes_per_token() * f64::from(block_size.max(1)));
        (blocks >= 1.0).then_some(blocks.min(f64::from(u32::MAX)) as u32)
    }
}

/// Linear from 1 on an idle replica to `factor` on a full one.
fn slowdown(factor: f64, fill: f64) -> f64 {
    1.0 + (factor.max(1.0) - 1.0) * fill.clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn latency(model: &str) -> Latency {
        Latency {
            shape: ModelShape::from_name(model, None).0,
            accelerator: Accelerator::H100,
            calculator: Calculator::Roofline,
            transfer: None,
        }
    }

    fn decode(batch: u64, context: u64) -> StepLoad {
        StepLoad {
            decodes: batch,
            decode_context: batch * context,
            ..StepLoad::default()
        }
    }

    fn prefill(tokens: u64) -> StepLoad {
        StepLoad {
            prefill_tokens: tokens,
            prefill_attention: tokens * tokens / 2,
            ..StepLoad::default()
        }
    }

    #[test]
    fn a_lone_request_is_as_fast_as_published_profiles_say() {
        for (model, ranks, ttft, itl) in [
            ("Llama-3.1-8B", 1, 0.060..0.120, 0.010..0.015),
            ("Llama-3.1-70B", 8, 0.150..0.250, 0.018..0.028),
        ] {
            let latency = latency(model);
            let first = latency.ingress(256, 0.0, 0).as_secs_f64() + latency.roofline(prefill(256), ranks);
            assert!(ttft.contains(&first), "{model}: TTFT {first}");
            let next = latency.roofline(decode(1, 256), ranks);
            assert!(itl.contains(&next), "{model}: ITL {next}");
        }
    }

    #[test]
    fn more_ranks_are_faster_but_not_in_proportion() {
        let latency = latency("Llama-3.1-70B");
        for load in [decode(1, 256), decode(64, 1024), prefill(256), prefill(8192)] {
            let times: Vec<f64> = [1, 2, 4, 8]
                .iter()
                .map(|ranks| latency.roofline(load, *ranks))
                .collect();
            for pair in times.windows(2) {
                assert!(pair[1] < pair[0], "{load:?}: {times:?}");
                assert!(pair[1] > pair[0] / 2.0, "{load:?}: {times:?}");
            }
        }
    }

    #[test]
    fn bigger_batches_and_longer_contexts_take_longer_but_raise_throughput() {
        let latency = latency("Llama-3.1-8B");
        let mut last = (0.0, 0.0);
        for batch in [1, 4, 16, 64, 256, 1024] {
            let time = latency.roofline(decode(batch, 500), 1);
            let rate = batch as f64 / time;
            assert!(
                time > last.0 && rate > last.1,
                "batch {batch}: {time} s, {rate}/s"
            );
            last = (time, rate);
        }
        assert!(latency.roofline(decode(8, 8000), 1) > latency.roofline(decode(8, 500), 1));
    }

    #[test]
    fn mixtures_of_experts_are_faster_than_dense_models_of_their_size() {
        let (moe, dense) = (latency("Qwen3-30B-A3B"), latency("Some-30B"));
        assert!(moe.roofline(decode(1, 100), 1) < dense.roofline(decode(1, 100), 1) / 2.0);
    }

    #[test]
    fn memory_left_by_the_weights_holds_the_cache() {
        let blocks = latency("Llama-3.1-8B").kv_blocks(1, 16, 0.9).unwrap();
        assert!((20_000..30_000).contains(&blocks), "{blocks}");
        assert_eq!(latency("Llama-3.1-70B").kv_blocks(1, 16, 0.9), None);
    }

    #[test]
    fn fixed_calculators_do_as_their_flags_say() {
        let spread = |ms| Spread {
            mean: Duration::from_millis(ms),
            deviation: Duration::ZERO,
        };
        let mut latency = latency("Llama-3.1-8B");
        latency.calculator = Calculator::Fixed(Fixed {
            prefill: spread(100),
            prefill_per_token: spread(1),
            inter_token: spread(10),
            load_factor: 2.0,
        });
        assert_eq!(latency.ingress(50, 0.0, 1), Duration::from_millis(140));
        assert_eq!(latency.step(decode(1, 1), 8, 0.0, 1), Duration::from_millis(10));
        assert_eq!(latency.step(decode(1, 1), 8, 1.0, 1), Duration::from_millis(20));
    }
}
