//! Prometheus text, with the names, labels and buckets of vLLM and of llm-d's router.

use super::histogram::Histogram;
use super::{EngineMetrics, Metrics};
use crate::sim::model::stack::EngineView;
use std::fmt::Write;

/// What labels say besides the engine.
#[derive(Debug, Clone, Copy)]
pub struct Labels<'a> {
    /// Name the model is served by.
    pub model: &'a str,
    /// Tokens per KV block.
    pub block_size: u32,
    /// Share of memory in use.
    pub gpu_memory_utilization: f64,
    /// Whether prefixes are found again.
    pub prefix_caching: bool,
    /// Sequences all engines together have places for.
    pub places: usize,
}

/// Text under construction. Writing to a string cannot fail, so results of `write!` are not looked at.
struct Page<'a> {
    text: String,
    model: String,
    views: &'a [EngineView],
    metrics: &'a Metrics,
}

impl Page<'_> {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let _ = write!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    fn line(&mut self, name: &str, engine: usize, more: &str, value: f64) {
        let model = &self.model;
        let _ = writeln!(
            self.text,
            "{name}{{engine=\"{engine}\",model_name=\"{model}\"{more}}} {value:?}"
        );
    }

    /// One value per engine, from its present state.
    fn family(&mut self, name: &str, kind: &str, help: &str, value: impl Fn(&EngineView) -> f64) {
        self.head(name, kind, help);
        let views = self.views;
        for (engine, view) in views.iter().enumerate() {
            self.line(name, engine, "", value(view));
        }
    }

    fn histogram(&mut self, name: &str, help: &str, of: impl Fn(&EngineMetrics) -> &Histogram) {
        self.head(name, "histogram", help);
        let metrics = self.metrics;
        let (buckets, sum, count) = (
            format!("{name}_bucket"),
            format!("{name}_sum"),
            format!("{name}_count"),
        );
        for (engine, metrics) in metrics.engines.iter().enumerate() {
            let histogram = of(metrics);
            for (bound, total) in histogram.cumulative() {
                self.line(&buckets, engine, &format!(",le=\"{bound}\""), total as f64);
            }
            self.line(&sum, engine, "", histogram.sum());
            self.line(&count, engine, "", histogram.count() as f64);
        }
    }
}

/// The whole `/metrics` page.
pub fn render(labels: Labels<'_>, views: &[EngineView], metrics: &Metrics) -> String {
    let mut page = Page {
        text: "# SIMULATED: no accelerator is behind these numbers; times are of the simulation.\n"
            .to_owned(),
        model: escape(labels.model),
        views,
        metrics,
    };
    gauges(&mut page, labels);
    counters(&mut page);
    histograms(&mut page);
    router(&mut page, labels);
    page.text
}

fn escape(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

fn gauges(page: &mut Page<'_>, labels: Labels<'_>) {
    page.family(
        "vllm:num_requests_running",
        "gauge",
        "Requests in the batches.",
        |view| view.running as f64,
    );
    page.family(
        "vllm:num_requests_waiting",
        "gauge",
        "Requests that wait.",
        |view| view.waiting as f64,
    );
    let by_reason = "vllm:num_requests_waiting_by_reason";
    page.head(
        by_reason,
        "gauge",
        "Requests that wait, for a place or for their KV blocks.",
    );
    let views = page.views;
    for (engine, view) in views.iter().enumerate() {
        let capacity = view.waiting.saturating_sub(view.deferred);
        page.line(by_reason, engine, ",reason=\"capacity\"", capacity as f64);
        page.line(by_reason, engine, ",reason=\"deferred\"", view.deferred as f64);
    }
    for name in ["vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc"] {
        page.family(name, "gauge", "Share of the KV blocks in use, 0 to 1.", |view| {
            view.kv_usage
        });
    }
    let info = "vllm:cache_config_info";
    page.head(info, "gauge", "The KV cache's configuration.");
    for (engine, view) in views.iter().enumerate() {
        let more = format!(
            ",block_size=\"{}\",enable_prefix_caching=\"{}\",gpu_memory_utilization=\"{}\",num_gpu_blocks=\"{}\"",
            labels.block_size,
            if labels.prefix_caching { "True" } else { "False" },
            labels.gpu_memory_utilization,
            view.kv_blocks
        );
        page.line(info, engine, &more, 1.0);
    }
    let lora = "vllm:lora_requests_info";
    page.head(lora, "gauge", "LoRA adapters in use; there are none.");
    page.text.push_str(lora);
    page.text
        .push_str("{max_lora=\"0\",running_lora_adapters=\"\",waiting_lora_adapters=\"\"} 0.0\n");
}

fn counters(page: &mut Page<'_>) {
    page.family(
        "vllm:prompt_tokens_total",
        "counter",
        "Prompt tokens of admitted requests.",
        |view| view.counters.prompt_tokens as f64,
    );
    page.family(
        "vllm:prompt_tokens_cached_total",
        "counter",
        "Prompt tokens found in the prefix cache.",
        |view| view.counters.prompt_tokens_cached as f64,
    );
    page.family(
        "vllm:generation_tokens_total",
        "counter",
        "Generated tokens.",
        |view| view.counters.generation_tokens as f64,
    );
    page.family(
        "vllm:prefix_cache_queries_total",
        "counter",
        "Tokens looked up in the prefix cache.",
        |view| view.counters.prefix_queries as f64,
    );
    page.family(
        "vllm:prefix_cache_hits_total",
        "counter",
        "Tokens found in the prefix cache.",
        |view| view.counters.prefix_hits as f64,
    );
    for name in [
        "vllm:external_prefix_cache_queries_total",
        "vllm:external_prefix_cache_hits_total",
    ] {
        page.family(
            name,
            "counter",
            "Tokens whose KV blocks came from another replica.",
            |view| view.counters.external_tokens as f64,
        );
    }
    page.family(
        "vllm:num_preemptions_total",
        "counter",
        "Requests that lost their KV blocks to older ones.",
        |view| view.counters.preemptions as f64,
    );
    let name = "vllm:request_success_total";
    page.head(name, "counter", "Requests that ended.");
    let metrics = page.metrics;
    for (engine, metrics) in metrics.engines.iter().enumerate() {
        for (reason, count) in [
            ("stop", metrics.stopped),
            ("length", metrics.at_length),
            ("abort", metrics.aborted),
        ] {
            page.line(
                name,
                engine,
                &format!(",finished_reason=\"{reason}\""),
                count as f64,
            );
        }
    }
}

fn histograms(page: &mut Page<'_>) {
    page.histogram(
        "vllm:time_to_first_token_seconds",
        "From arrival to the first token.",
        |m| &m.first_token,
    );
    page.histogram("vllm:inter_token_latency_seconds", "Between tokens.", |m| {
        &m.inter_token
    });
    page.histogram(
        "vllm:time_per_output_token_seconds",
        "Between tokens (older name).",
        |m| &m.inter_token,
    );
    page.histogram(
        "vllm:request_time_per_output_token_seconds",
        "Mean time between the tokens of a request.",
        |m| &m.per_output_token,
    );
    page.histogram(
        "vllm:e2e_request_latency_seconds",
        "From arrival to the last token.",
        |m| &m.whole,
    );
    page.histogram("vllm:request_queue_time_seconds", "Waiting for a place.", |m| {
        &m.queue
    });
    page.histogram(
        "vllm:request_inference_time_seconds",
        "From the first iteration to the last token.",
        |m| &m.inference,
    );
    page.histogram(
        "vllm:request_prefill_time_seconds",
        "From the first iteration to the first token.",
        |m| &m.prefill,
    );
    page.histogram(
        "vllm:request_decode_time_seconds",
        "From the first token to the last.",
        |m| &m.decode,
    );
    page.histogram("vllm:request_prompt_tokens", "Prompt tokens.", |m| {
        &m.prompt_tokens
    });
    page.histogram("vllm:request_generation_tokens", "Generated tokens.", |m| {
        &m.generation_tokens
    });
    page.histogram(
        "vllm:request_max_num_generation_tokens",
        "Generated tokens of the longest answer of a request.",
        |m| &m.generation_tokens,
    );
    page.histogram(
        "vllm:request_params_max_tokens",
        "Limit of tokens that clients gave.",
        |m| &m.max_tokens,
    );
    page.histogram("vllm:iteration_tokens_total", "Tokens per iteration.", |m| {
        &m.iteration_tokens
    });
    page.histogram("vllm:nixl_xfer_time_seconds", "KV transfers.", |m| {
        &m.transfer_time
    });
    page.histogram("vllm:nixl_bytes_transferred", "Bytes of KV transfers.", |m| {
        &m.transfer_bytes
    });
}

/// What llm-d's endpoint picker tells about the pool behind it.
fn router(page: &mut Page<'_>, labels: Labels<'_>) {
    let views = page.views;
    let engines = views.len().max(1) as f64;
    let running: f64 = views.iter().map(|view| view.running as f64).sum();
    let waiting: f64 = views.iter().map(|view| view.waiting as f64).sum();
    let usage: f64 = views.iter().map(|view| view.kv_usage).sum::<f64>() / engines;
    let saturation = (running / labels.places.max(1) as f64).max(usage);
    for (name, value, help) in [
        (
            "inference_pool_average_kv_cache_utilization",
            usage,
            "Mean share of KV blocks in use.",
        ),
        (
            "inference_pool_average_queue_size",
            waiting / engines,
            "Mean requests that wait at an engine.",
        ),
        (
            "inference_pool_average_running_requests",
            running / engines,
            "Mean requests in a batch.",
        ),
        ("inference_pool_ready_pods", engines, "Engines that answer."),
    ] {
        page.head(name, "gauge", help);
        let _ = writeln!(page.text, "{name}{{name=\"simulated\"}} {value:?}");
    }
    for (name, value, help) in [
        (
            "llm_d_epp_flow_control_pool_saturation",
            saturation,
            "How full the pool is, by places or KV blocks, 0 to 1.",
        ),
        (
            "llm_d_epp_flow_control_queue_size",
            0.0,
            "Requests held back by the router; it holds none.",
        ),
        (
            "llm_d_epp_request_running",
            running + waiting,
            "Requests sent on and not ended.",
        ),
    ] {
        page.head(name, "gauge", help);
        let model = &page.model;
        let _ = writeln!(
            page.text,
            "{name}{{inference_pool=\"simulated\",model_name=\"{model}\"}} {value:?}"
        );
    }
}
