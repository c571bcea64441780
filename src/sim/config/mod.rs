//! From flags to a stack: what is served, by how many engines with how much memory, and how it misbehaves.

mod arguments;
mod flags;
mod live;
mod span;

pub use arguments::{ArgumentsError, read};
pub use flags::Flags;
pub use live::{CalculatorName, FailureType, Live, Mode, Refusal};
pub use span::{NotADuration, Span};

use super::model::profile::{Accelerator, ModelShape};
use super::model::replica::Limits;
use super::model::router::RoutingPolicy;
use super::model::stack::{PoolConfig, StackConfig};
use serde::Serialize;
use std::ops::RangeInclusive;

/// Longest context where neither a flag nor the cache sets a limit, in tokens.
const LONGEST_CONTEXT: u32 = 131_072;
/// Time scales within which all arithmetic on times stays exact enough and in range.
const TIME_SCALES: RangeInclusive<f64> = 0.001..=100_000.0;
/// Largest model, in billions of parameters.
const LARGEST_MODEL: f64 = 100_000.0;
/// Most engines in all.
const MOST_ENGINES: u64 = 4096;

/// Why flags do not make a server.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ConfigError {
    /// A value out of its range.
    #[error("cannot simulate with these flags: {0}")]
    Value(String),
    /// The weights do not leave room for a KV cache.
    #[error(
        "{model} does not fit: {gigabytes:.0} GB of weights leave no room for a KV cache on {ranks} × {accelerator:?} \
         at --gpu-memory-utilization {utilization}; raise {flag}, take another --accelerator, or set --kv-cache-size"
    )]
    DoesNotFit {
        /// The model.
        model: String,
        /// Its weights.
        gigabytes: f64,
        /// The flag that sets `ranks`.
        flag: &'static str,
        /// Accelerators of one of them.
        ranks: u32,
        /// Their kind.
        accelerator: Accelerator,
        /// Share of their memory in use.
        utilization: f64,
    },
}

/// Replicas of one kind, as `/admin/stack` tells them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Role {
    /// `replica`, `prefill` or `decode`.
    pub role: &'static str,
    /// How many.
    pub replicas: u32,
    /// Accelerators of each of their engines.
    pub tensor_parallelism: u32,
    /// Engines of each.
    pub data_parallelism: u32,
}

/// A server to be.
#[derive(Debug, Clone)]
pub struct Config {
    /// The flags it comes from.
    pub flags: Flags,
    /// Names the model is asked for by; never empty.
    pub served: Vec<String>,
    /// Shape of the model.
    pub shape: ModelShape,
    /// The stack.
    pub stack: StackConfig,
    /// Its roles.
    pub roles: Vec<Role>,
    /// Longest prompt and answer together, in tokens.
    pub max_model_len: u32,
    /// What the user should know before trusting the numbers.
    pub warnings: Vec<String>,
}

impl Config {
    /// Work out what `flags` ask for.
    pub fn new(flags: Flags) -> Result<Self, ConfigError> {
        check(&flags).map_err(ConfigError::Value)?;
        let mut warnings = Vec::new();
        let shape = shape(&flags, &mut warnings);
        let roles = roles(&flags);
        // Both pools compute with one model; where they spread its experts unevenly, the least spread counts.
        let spread = roles.iter().map(|role| role.data_parallelism).min().unwrap_or(1);
        let shape = if flags.enable_expert_parallel {
            shape.spread_over(spread)
        } else {
            shape
        };
        let policy = policy(&flags, &mut warnings);
        let latency = flags.live.latency(shape, flags.accelerator);
        let mut pools = Vec::new();
        for role in &roles {
            pools.push((role.role, pool(&flags, shape, role)?));
        }
        let prefill = pools
            .iter()
            .find(|(role, _)| *role == "prefill")
            .map(|(_, pool)| *pool);
        let decode = pools
            .iter()
            .find(|(role, _)| *role != "prefill")
            .map(|(_, pool)| *pool);
        let decode = decode.ok_or_else(|| ConfigError::Value("there are no decode replicas".to_owned()))?;
        let held = pools
            .iter()
            .map(|(_, pool)| pool.limits.kv_blocks.saturating_mul(flags.block_size))
            .min()
            .unwrap_or(0);
        let max_model_len = flags.max_model_len.unwrap_or(held.min(LONGEST_CONTEXT));
        if max_model_len > held {
            warnings.push(format!(
                "--max-model-len {max_model_len} is more than the {held} tokens one replica's KV cache holds; longer requests are refused"
            ));
        }
        let stack = StackConfig {
            decode,
            prefill,
            latency,
            policy,
            max_waiting: flags.max_waiting_queue_length as usize,
            seed: flags.seed,
        };
        let served = if flags.served_model_name.is_empty() {
            vec![flags.model.clone()]
        } else {
            flags.served_model_name.clone()
        };
        Ok(Self {
            flags,
            served,
            shape,
            stack,
            roles,
            max_model_len,
            warnings,
        })
    }

    /// The name the model is called by in answers.
    pub fn model(&self) -> &str {
        self.served
            .first()
            .map_or(self.flags.model.as_str(), String::as_str)
    }
}

fn check(flags: &Flags) -> Result<(), String> {
    flags.live.check()?;
    if !TIME_SCALES.contains(&flags.time_scale) {
        return Err(format!(
            "--time-scale is from {} to {}, not {}",
            TIME_SCALES.start(),
            TIME_SCALES.end(),
            flags.time_scale
        ));
    }
    if !(flags.gpu_memory_utilization > 0.0 && flags.gpu_memory_utilization <= 1.0) {
        return Err(format!(
            "--gpu-memory-utilization is above 0 and at most 1, not {}",
            flags.gpu_memory_utilization
        ));
    }
    if flags
        .model_size
        .is_some_and(|size| !(size > 0.0 && size <= LARGEST_MODEL))
    {
        return Err(format!(
            "--model-size is above 0 and at most {LARGEST_MODEL} billion"
        ));
    }
    let replicas = [
        Some(flags.replicas),
        flags.prefill_replicas,
        flags.decode_replicas,
    ];
    let per_replica = [
        Some(flags.data_parallel_size),
        flags.prefill_data_parallel_size,
        flags.decode_data_parallel_size,
    ];
    let engines: u64 = replicas.into_iter().flatten().map(u64::from).sum::<u64>()
        * u64::from(per_replica.into_iter().flatten().max().unwrap_or(1));
    if engines > MOST_ENGINES {
        return Err(format!(
            "{engines} engines are too many for one process; {MOST_ENGINES} is the limit of replicas × --data-parallel-size"
        ));
    }
    for (name, value) in [
        ("replicas", Some(flags.replicas)),
        ("tensor-parallel-size", Some(flags.tensor_parallel_size)),
        ("data-parallel-size", Some(flags.data_parallel_size)),
        ("decode-data-parallel-size", flags.decode_data_parallel_size),
        ("prefill-data-parallel-size", flags.prefill_data_parallel_size),
        ("decode-replicas", flags.decode_replicas),
        ("decode-tensor-parallel-size", flags.decode_tensor_parallel_size),
        ("prefill-tensor-parallel-size", flags.prefill_tensor_parallel_size),
        ("max-num-seqs", flags.max_num_seqs),
        ("max-num-batched-tokens", flags.max_num_batched_tokens),
        ("max-model-len", flags.max_model_len),
        ("kv-cache-size", flags.kv_cache_size),
    ] {
        if value == Some(0) {
            return Err(format!("--{name} is at least 1"));
        }
    }
    Ok(())
}

fn shape(flags: &Flags, warnings: &mut Vec<String>) -> ModelShape {
    let quantization = flags.quantization.as_deref();
    if let Some(size) = flags.model_size {
        let sized = format!("{size}b {}", flags.model.replace(['-', '_', '.', '/'], " "));
        return ModelShape::from_name(&sized, quantization).0;
    }
    let (shape, named) = ModelShape::from_name(&flags.model, quantization);
    if !named && flags.live.calculator() == CalculatorName::Roofline {
        warnings.push(format!(
            "the name `{}` does not tell the model's size; it counts as {:.0} billion parameters (--model-size says otherwise)",
            flags.model,
            shape.parameters / 1e9
        ));
    }
    shape
}

fn roles(flags: &Flags) -> Vec<Role> {
    let role = |role, replicas, ranks: Option<u32>, engines: Option<u32>| Role {
        role,
        replicas,
        tensor_parallelism: ranks.unwrap_or(flags.tensor_parallel_size),
        data_parallelism: engines.unwrap_or(flags.data_parallel_size),
    };
    let prefill = flags.prefill_replicas.filter(|replicas| *replicas > 0);
    if prefill.is_none() && flags.decode_replicas.is_none() {
        return vec![role("replica", flags.replicas, None, None)];
    }
    let decode = role(
        "decode",
        flags.decode_replicas.unwrap_or(flags.replicas),
        flags.decode_tensor_parallel_size,
        flags.decode_data_parallel_size,
    );
    prefill
        .map(|replicas| {
            role(
                "prefill",
                replicas,
                flags.prefill_tensor_parallel_size,
                flags.prefill_data_parallel_size,
            )
        })
        .into_iter()
        .chain([decode])
        .collect()
}

fn policy(flags: &Flags, warnings: &mut Vec<String>) -> RoutingPolicy {
    if let Some(policy) = flags.routing_policy {
        return policy;
    }
    let Some(name) = &flags.plugins_config else {
        // Plain replicas stand behind a Service, which knows nothing of them; the others behind llm-d's router.
        let routed = flags.prefill_replicas.or(flags.decode_replicas).is_some();
        return if routed {
            RoutingPolicy::Load
        } else {
            RoutingPolicy::Random
        };
    };
    RoutingPolicy::of_plugins(name).unwrap_or_else(|| {
        warnings.push(format!(
            "the plugin configuration `{name}` is not one this simulator knows; it routes by load (--routing-policy says otherwise)"
        ));
        RoutingPolicy::Load
    })
}

fn pool(flags: &Flags, shape: ModelShape, role: &Role) -> Result<PoolConfig, ConfigError> {
    let ranks = role.tensor_parallelism;
    let latency = flags.live.latency(shape, flags.accelerator);
    let fitting = || latency.kv_blocks(ranks, flags.block_size, flags.gpu_memory_utilization);
    let kv_blocks = flags
        .kv_cache_size
        .or_else(fitting)
        .ok_or_else(|| ConfigError::DoesNotFit {
            model: flags.model.clone(),
            gigabytes: shape.bytes() / 1e9,
            flag: match role.role {
                "prefill" => "--prefill-tensor-parallel-size",
                "decode" => "--decode-tensor-parallel-size",
                _ => "--tensor-parallel-size",
            },
            ranks,
            accelerator: flags.accelerator,
            utilization: flags.gpu_memory_utilization,
        })?;
    // What vLLM takes for its API server, by the memory of the accelerator.
    let (sequences, batched) = match flags.accelerator {
        Accelerator::A100 | Accelerator::L40s => (256, 2048),
        Accelerator::H100 | Accelerator::H200 | Accelerator::B200 | Accelerator::Mi300x => (1024, 8192),
    };
    Ok(PoolConfig {
        engines: role.replicas.saturating_mul(role.data_parallelism),
        ranks,
        limits: Limits {
            max_num_seqs: flags.max_num_seqs.unwrap_or(sequences) as usize,
            max_num_batched_tokens: flags.max_num_batched_tokens.unwrap_or(batched),
            block_size: flags.block_size,
            kv_blocks,
            prefix_caching: flags.enable_prefix_caching && !flags.no_enable_prefix_caching,
        },
    })
}

#[cfg(test)]
mod tests;
