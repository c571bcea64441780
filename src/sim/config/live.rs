//! What may be changed while the server runs: one definition for the flags and for `/admin/config`.

use super::Span;
use crate::sim::model::latency::{Calculator, Fixed, Latency, Spread};
use crate::sim::model::profile::{Accelerator, ModelShape};
use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What answers are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// The prompt's own words.
    Echo,
    /// Seeded words.
    #[default]
    Random,
}

/// Which formulas times come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CalculatorName {
    /// From model, accelerator and load.
    Roofline,
    /// `--time-to-first-token` and `--inter-token-latency`, whatever the prompt.
    Constant,
    /// `--prefill-overhead` plus `--prefill-time-per-token`, and `--inter-token-latency`.
    PerToken,
}

/// An error a request can be made to get.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub enum FailureType {
    /// 429
    RateLimit,
    /// 401
    InvalidApiKey,
    /// 400
    ContextLength,
    /// 500
    ServerError,
    /// 400
    InvalidRequest,
    /// 404
    ModelNotFound,
}

/// How a server that refuses does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    /// Every endpoint but `/admin/…` answers 503.
    Unavailable,
    /// The port is held, and nobody listens on it. From the start only.
    Connections,
}

/// Settings that act on the requests that come after a change.
#[derive(Debug, Clone, PartialEq, Args, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Live {
    /// What answers are made of
    #[arg(long, value_enum, default_value = "random")]
    pub mode: Mode,
    /// Formulas of latencies; roofline unless one of the times below is given
    #[arg(long, value_enum)]
    pub latency_calculator: Option<CalculatorName>,
    /// Time to first token, of the constant calculator
    #[arg(long, value_name = "TIME")]
    pub time_to_first_token: Option<Span>,
    /// Its standard deviation, at most 30 %
    #[arg(long, value_name = "TIME", default_value = "0ms")]
    pub time_to_first_token_std_dev: Span,
    /// Time between tokens, of the constant and per-token calculators
    #[arg(long, value_name = "TIME")]
    pub inter_token_latency: Option<Span>,
    /// Its standard deviation, at most 30 %
    #[arg(long, value_name = "TIME", default_value = "0ms")]
    pub inter_token_latency_std_dev: Span,
    /// Fixed part of a prefill, of the per-token calculator
    #[arg(long, value_name = "TIME")]
    pub prefill_overhead: Option<Span>,
    /// Prefill time of one prompt token that is not cached
    #[arg(long, value_name = "TIME")]
    pub prefill_time_per_token: Option<Span>,
    /// Standard deviation of a prefill's fixed part, at most 30 %
    #[arg(long, value_name = "TIME", default_value = "0ms")]
    pub prefill_time_std_dev: Span,
    /// Fixed part of a KV transfer; else computed from bytes
    #[arg(long, value_name = "TIME")]
    pub kv_cache_transfer_latency: Option<Span>,
    /// Its standard deviation, at most 30 %
    #[arg(long, value_name = "TIME", default_value = "0ms")]
    pub kv_cache_transfer_latency_std_dev: Span,
    /// KV transfer time of one token; else computed from bytes
    #[arg(long, value_name = "TIME")]
    pub kv_cache_transfer_time_per_token: Option<Span>,
    /// Its standard deviation, at most 30 %
    #[arg(long, value_name = "TIME", default_value = "0ms")]
    pub kv_cache_transfer_time_std_dev: Span,
    /// How much slower the constant and per-token times are on a full replica
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0)]
    pub time_factor_under_load: f64,
    /// Percentage of requests that get an error
    #[arg(long, value_name = "PERCENT", default_value_t = 0.0)]
    pub failure_injection_rate: f64,
    /// Which errors; all where none is named
    #[arg(long, value_enum, value_delimiter = ',', num_args = 0..)]
    pub failure_types: Vec<FailureType>,
    /// Percentage of requests whose answer stops on the way for a while
    #[arg(long, value_name = "PERCENT", default_value_t = 0.0)]
    pub stall_rate: f64,
    /// How long it stops
    #[arg(long, value_name = "TIME", default_value = "10s")]
    pub stall_duration: Span,
    /// Refuse everybody
    #[arg(long, value_enum)]
    pub refuse: Option<Refusal>,
}

impl Live {
    /// What is wrong with these settings, worded for whoever gave them.
    pub fn check(&self) -> Result<(), String> {
        for (name, percentage) in [
            ("failure-injection-rate", self.failure_injection_rate),
            ("stall-rate", self.stall_rate),
        ] {
            if !(0.0..=100.0).contains(&percentage) {
                return Err(format!("{name} is a percentage from 0 to 100, not {percentage}"));
            }
        }
        if !(1.0..=1000.0).contains(&self.time_factor_under_load) {
            return Err(format!(
                "time-factor-under-load is from 1 to 1000, not {}",
                self.time_factor_under_load
            ));
        }
        for (name, mean, deviation) in self.spreads() {
            let (mean, deviation) = (mean.unwrap_or_default().0, deviation.0);
            if deviation > mean.mul_f64(0.3) {
                return Err(format!(
                    "the standard deviation of {name} is at most 30 % of it: {deviation:?} is more than that of {mean:?}"
                ));
            }
        }
        Ok(())
    }

    /// Means with their deviations, as far as they are given by name.
    fn spreads(&self) -> [(&'static str, Option<Span>, Span); 5] {
        [
            (
                "time-to-first-token",
                self.time_to_first_token,
                self.time_to_first_token_std_dev,
            ),
            (
                "inter-token-latency",
                self.inter_token_latency,
                self.inter_token_latency_std_dev,
            ),
            (
                "prefill-overhead",
                self.prefill_overhead,
                self.prefill_time_std_dev,
            ),
            (
                "kv-cache-transfer-latency",
                self.kv_cache_transfer_latency,
                self.kv_cache_transfer_latency_std_dev,
            ),
            (
                "kv-cache-transfer-time-per-token",
                self.kv_cache_transfer_time_per_token,
                self.kv_cache_transfer_time_std_dev,
            ),
        ]
    }

    /// Which formulas are in effect.
    pub fn calculator(&self) -> CalculatorName {
        if let Some(named) = self.latency_calculator {
            named
        } else if self.prefill_overhead.or(self.prefill_time_per_token).is_some() {
            CalculatorName::PerToken
        } else if self.time_to_first_token.or(self.inter_token_latency).is_some() {
            CalculatorName::Constant
        } else {
            CalculatorName::Roofline
        }
    }

    /// All times of a stack that serves a model of this shape on this accelerator.
    pub fn latency(&self, shape: ModelShape, accelerator: Accelerator) -> Latency {
        let inter_token = spread(self.inter_token_latency, self.inter_token_latency_std_dev);
        let load_factor = self.time_factor_under_load;
        let calculator = match self.calculator() {
            CalculatorName::Roofline => Calculator::Roofline,
            CalculatorName::Constant => Calculator::Fixed(Fixed {
                prefill: spread(self.time_to_first_token, self.time_to_first_token_std_dev),
                prefill_per_token: Spread::default(),
                inter_token,
                load_factor,
            }),
            CalculatorName::PerToken => Calculator::Fixed(Fixed {
                prefill: spread(self.prefill_overhead, self.prefill_time_std_dev),
                prefill_per_token: spread(self.prefill_time_per_token, Span::default()),
                inter_token,
                load_factor,
            }),
        };
        let (fixed, per_token) = (
            self.kv_cache_transfer_latency,
            self.kv_cache_transfer_time_per_token,
        );
        let transfer = fixed.or(per_token).is_some().then(|| {
            (
                spread(fixed, self.kv_cache_transfer_latency_std_dev),
                spread(per_token, self.kv_cache_transfer_time_std_dev),
            )
        });
        Latency {
            shape,
            accelerator,
            calculator,
            transfer,
        }
    }

    /// How long an answer stalls.
    pub fn stall(&self) -> Duration {
        self.stall_duration.0
    }
}

fn spread(mean: Option<Span>, deviation: Span) -> Spread {
    Spread {
        mean: mean.unwrap_or_default().0,
        deviation: deviation.0,
    }
}
