//! What the built-in load generator is to do, whatever the shape of the profile it came from.

use std::time::Duration;

/// The tool whose profile shape, and so whose result files, are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Flat flags of `vllm bench serve`.
    VllmBenchmark,
    /// Nested `load` / `data` / `api` / `server` of inference-perf.
    InferencePerf,
    /// Nested `spec` of guidellm; results are files like those of inference-perf, one per stage.
    Guidellm,
    /// Flat flags of `aiperf profile`; results are a file like that of `vllm bench serve`.
    Aiperf,
}

/// A whole workload: stages one after another against one model.
#[derive(Debug, Clone, PartialEq)]
pub struct Workload {
    /// Where the profile's keys and the result files' names come from.
    pub shape: Shape,
    /// Run in this order; never empty.
    pub stages: Vec<Stage>,
    /// Pause between two stages.
    pub pause: Duration,
    /// What is asked.
    pub prompts: Prompts,
    /// Which endpoint is asked.
    pub api: Api,
    /// Whether answers are streamed; without streaming there is no TTFT, TPOT or ITL.
    pub streaming: bool,
    /// Model to ask for; the profile's, and `None` where it names none.
    pub model: Option<String>,
    /// Base URL from the profile; the environment's goes first.
    pub base_url: Option<String>,
    /// Ask the server to generate the full length whatever the model says.
    pub ignore_eos: bool,
    /// Sampling temperature to ask for.
    pub temperature: Option<f64>,
    /// Seed of prompts, lengths and arrivals; `None`: one of the run's own.
    pub seed: Option<u64>,
    /// How long one request may take in all.
    pub request_timeout: Duration,
    /// Service levels a request must meet to count as good.
    pub goals: Vec<Goal>,
    /// Requests sent and thrown away before the first stage.
    pub warmups: u64,
}

impl Workload {
    /// Requests of all stages, without warm-ups; `None` where time decides how many there are.
    pub fn requests(&self) -> Option<u64> {
        self.stages.iter().try_fold(0_u64, |sum, stage| {
            stage.time.is_none().then(|| sum.saturating_add(stage.requests))
        })
    }
}

/// A part of the workload with its own pace.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stage {
    /// When requests are sent.
    pub pace: Pace,
    /// How many; at least 1.
    pub requests: u64,
    /// No request is sent after so long, whether or not all were; only in a closed loop.
    pub time: Option<Duration>,
}

impl Stage {
    /// Requests of a stage that time alone ends: more than any server answers.
    pub const UNBOUNDED: u64 = 1 << 40;
}

/// When requests are sent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace {
    /// Closed loop: so many at any time, the next one when an answer is complete.
    Closed {
        /// Requests under way at once, at least 1.
        concurrency: u32,
    },
    /// Open loop: by a schedule that does not look at answers.
    Open {
        /// Requests per second on average, above 0.
        rate: f64,
        /// How the gaps between requests are distributed.
        arrivals: Arrivals,
        /// At most so many under way at once; a request beyond waits, which its scheduled latency shows.
        limit: Option<u32>,
    },
}

/// How the gaps between scheduled requests are distributed, all with the same mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Arrivals {
    /// All gaps are equal.
    Constant,
    /// Gamma with this shape: 1 is a Poisson process, below 1 comes in bursts, above 1 evens out.
    Gamma(f64),
}

/// What is asked.
#[derive(Debug, Clone, PartialEq)]
pub enum Prompts {
    /// Every prompt is its own.
    Random {
        /// Tokens all prompts begin with.
        prefix: u32,
        /// Tokens after the prefix.
        input: Lengths,
        /// Tokens to generate.
        output: Lengths,
        /// Different prompts; later requests repeat them. `None`: all are different.
        distinct: Option<u64>,
    },
    /// Groups of prompts that begin alike.
    SharedPrefix {
        /// Groups, at least 1.
        groups: u32,
        /// Different questions in each, at least 1.
        per_group: u32,
        /// Tokens that the prompts of a group share.
        system: u32,
        /// Tokens of the question.
        question: Lengths,
        /// Tokens to generate.
        output: Lengths,
    },
}

/// A distribution of lengths in tokens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Lengths {
    /// Always the same.
    Fixed(u32),
    /// All from `min` to `max` alike.
    Uniform {
        /// Smallest.
        min: u32,
        /// Largest.
        max: u32,
    },
    /// Normal, cut off at both ends.
    Normal {
        /// Mean before cutting.
        mean: f64,
        /// Standard deviation before cutting.
        std_dev: f64,
        /// Smallest.
        min: u32,
        /// Largest.
        max: u32,
    },
}

/// Which endpoint is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Api {
    /// `/v1/completions`.
    Completion,
    /// `/v1/chat/completions`.
    Chat,
}

impl Api {
    /// The endpoint's path.
    pub fn path(self) -> &'static str {
        match self {
            Self::Completion => "/v1/completions",
            Self::Chat => "/v1/chat/completions",
        }
    }
}

/// One service level: a metric of a request must not be above `limit`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Goal {
    /// Which metric.
    pub metric: GoalMetric,
    /// Milliseconds.
    pub limit_ms: f64,
}

/// Metrics that service levels are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GoalMetric {
    /// Time to first token.
    Ttft,
    /// Time per output token after the first.
    Tpot,
    /// Whole request.
    E2el,
}
