//! The flags of `simulate`: named as in vLLM and llm-d-inference-sim where they have them.

use super::{Live, Span};
use crate::sim::model::profile::Accelerator;
use crate::sim::model::router::RoutingPolicy;
use clap::Parser;
use std::path::PathBuf;

/// Serve a SIMULATED model: OpenAI-style endpoints and vLLM-style metrics, without accelerators.
#[derive(Debug, Clone, Parser)]
#[command(
    name = "simulate",
    bin_name = "llmdbenchmark simulate",
    args_override_self = true,
    disable_version_flag = true
)]
pub struct Flags {
    /// YAML file with the same keys as these flags; flags win over it
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Address to listen on
    #[arg(long, default_value = "127.0.0.1")]
    pub host: String,
    /// Port to listen on; 0 takes a free one
    #[arg(long, default_value_t = 8000)]
    pub port: u16,
    /// Write the port to this file once the server listens
    #[arg(long, value_name = "FILE")]
    pub port_file: Option<PathBuf>,
    /// Model; its name tells its size (`…-8B-…`, `…-30B-A3B`, `opt-125m`) and the width of its weights (`FP8`, `awq`)
    #[arg(long, value_name = "NAME", default_value = "simulated/model-8B")]
    pub model: String,
    /// Names the model is asked for by; the model's own where none is given
    #[arg(long, value_name = "NAME", num_args = 1.., value_delimiter = ',')]
    pub served_model_name: Vec<String>,
    /// Width of the weights where the model's name does not tell it
    #[arg(long, value_name = "KIND")]
    pub quantization: Option<String>,
    /// Billions of parameters where the model's name does not tell it
    #[arg(long, value_name = "BILLIONS")]
    pub model_size: Option<f64>,
    /// Accelerator each rank runs on
    #[arg(long, value_enum, ignore_case = true, default_value = "h100")]
    pub accelerator: Accelerator,

    /// Replicas that do both prefill and decode
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub replicas: u32,
    /// Accelerators of each replica
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub tensor_parallel_size: u32,
    /// Engines of each replica
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub data_parallel_size: u32,
    /// Replicas that do prefill only; 0 for none
    #[arg(long, value_name = "N")]
    pub prefill_replicas: Option<u32>,
    /// Accelerators of each of them
    #[arg(long, value_name = "N")]
    pub prefill_tensor_parallel_size: Option<u32>,
    /// Replicas that decode (and do prefill too, unless there are prefill replicas)
    #[arg(long, value_name = "N")]
    pub decode_replicas: Option<u32>,
    /// Accelerators of each of them
    #[arg(long, value_name = "N")]
    pub decode_tensor_parallel_size: Option<u32>,
    /// Engines of each prefill replica
    #[arg(long, value_name = "N")]
    pub prefill_data_parallel_size: Option<u32>,
    /// Engines of each decode replica
    #[arg(long, value_name = "N")]
    pub decode_data_parallel_size: Option<u32>,
    /// Spread the experts of a mixture over the engines of a replica
    #[arg(long)]
    pub enable_expert_parallel: bool,
    /// Name of the router's plugin configuration, which tells the routing policy
    #[arg(long, value_name = "NAME")]
    pub plugins_config: Option<String>,
    /// Routing policy, whatever the plugin configuration
    #[arg(long, value_enum)]
    pub routing_policy: Option<RoutingPolicy>,

    /// Longest prompt and answer together, in tokens; what one replica's cache holds, up to 131072, where not given
    #[arg(long, value_name = "TOKENS")]
    pub max_model_len: Option<u32>,
    /// Sequences in one batch; vLLM's default for the accelerator (1024 or 256) where not given
    #[arg(long, value_name = "N")]
    pub max_num_seqs: Option<u32>,
    /// Tokens computed in one iteration; vLLM's default for the accelerator (8192 or 2048) where not given
    #[arg(long, value_name = "N")]
    pub max_num_batched_tokens: Option<u32>,
    /// Requests that may wait
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pub max_waiting_queue_length: u32,
    /// Tokens per KV block
    #[arg(long, value_name = "TOKENS", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=256))]
    pub block_size: u32,
    /// KV blocks of each replica; what the accelerator's memory holds beside the weights where not given
    #[arg(long, value_name = "BLOCKS", alias = "num-gpu-blocks-override")]
    pub kv_cache_size: Option<u32>,
    /// Share of the accelerator's memory that is used
    #[arg(long, value_name = "SHARE", default_value_t = 0.9)]
    pub gpu_memory_utilization: f64,
    /// Find the blocks of equal prefixes again
    #[arg(
        long, alias = "enable-kvcache", value_name = "BOOL", num_args = 0..=1, require_equals = true,
        default_value_t = true, default_missing_value = "true", action = clap::ArgAction::Set
    )]
    pub enable_prefix_caching: bool,
    /// Find no prefixes again
    #[arg(long)]
    pub no_enable_prefix_caching: bool,

    /// Seed of answers, jitter, routing and faults
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// Simulated seconds per real second
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0)]
    pub time_scale: f64,
    /// Answer 503 for so long after the start, as while a model is being loaded
    #[arg(long, value_name = "TIME", default_value = "0s")]
    pub startup_duration: Span,
    /// Take N requests and crash when the next one comes
    #[arg(long, value_name = "N")]
    pub crash_after: Option<u64>,

    /// What may be changed at run time.
    #[command(flatten)]
    pub live: Live,
}
