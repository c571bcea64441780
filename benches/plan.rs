//! Planning: from a spec's name to all rendered and checked files, for one deployment and for an experiment with a hundred
//! setup treatments.
//!
//! With `LLMDBENCH_REFERENCE_CHECKOUT`, a checkout of llm-d-benchmark, its largest templates are planned as well. Its own
//! `plan` takes 2.6 s for a spec on the machine the bars were set on, two cores.

#![allow(clippy::unwrap_used, reason = "a bench stops at the first surprise")]

mod support;

use llmdbenchmark::experiment::{self, Source};
use llmdbenchmark::plan::{self, PlatformKind, Request};
use std::fmt::Write as _;
use std::hint::black_box;
use std::path::PathBuf;
use std::time::Duration;
use support::{Bars, finish, peak_kib, percentiles, timed};

/// Plans of one deployment that are measured.
const PLANS: usize = 50;
const SETUPS: usize = 100;
/// A fiftieth of what the reference takes, without the start of a process.
const ONE: f64 = 50.0;
/// Milliseconds for an experiment with [`SETUPS`] setup treatments.
const MANY: f64 = 2_000.0;
/// Most of what is rendered for a treatment was rendered for another one.
const GROWTH: f64 = 60.0;
/// MiB at the end of it all.
const MEMORY: f64 = 200.0;

fn experiment() -> Source {
    let mut text =
        String::from("experiment: {harness: builtin, profile: sanity_random}\nsetup:\n  treatments:\n");
    for count in 1..=SETUPS {
        writeln!(
            text,
            "    - {{name: d{count}, decode.replicas: {count}, model.maxModelLen: {}}}",
            1024 * (count % 10 + 1)
        )
        .unwrap();
    }
    text.push_str("treatments:\n  - {name: few, num-prompts: 4}\n");
    Source {
        name: "hundred.yaml".to_owned(),
        stem: "hundred".to_owned(),
        path: None,
        text: text.into_bytes(),
    }
}

fn request(base_dir: Option<&PathBuf>, spec: &str, source: Option<&Source>) -> Request {
    let mut request = match source {
        Some(source) => Request::new(spec, source.clone(), experiment::load(source).design.unwrap()),
        None => Request::without_experiment(spec),
    };
    request.base_dir = base_dir.cloned();
    request.namespace = Some("ns1".to_owned());
    request.platform = PlatformKind::Kubernetes;
    request.workload = source.map(|_| "sanity_random".to_owned());
    request
}

fn plan(request: &Request) -> Duration {
    let (files, took) = timed(|| {
        let plan = plan::make(request).unwrap();
        let setups: Vec<_> = plan.setups.iter().collect();
        plan.render(&setups).unwrap()
    });
    assert_eq!(black_box(files).len(), request.design.setups.len());
    took
}

fn measure(bars: &mut Bars, name: &str, base_dir: Option<&PathBuf>, spec: &str) {
    let one = request(base_dir, spec, None);
    let (middle, most) = percentiles((0..PLANS).map(|_| plan(&one)).collect());
    bars.timed(format!("{name}, one, p50"), middle, ONE, "ms");
    bars.timed(format!("{name}, one, p99"), most, ONE * 2.0, "ms");
    let source = experiment();
    let many = request(base_dir, spec, Some(&source));
    let (many, _) = percentiles((0..3).map(|_| plan(&many)).collect());
    bars.timed(format!("{name}, {SETUPS} setups"), many, MANY, "ms");
    bars.exact(
        format!("{name}, {SETUPS} setups to one"),
        many / middle,
        GROWTH,
        "×",
    );
}

fn main() {
    let mut bars = Bars::default();
    measure(&mut bars, "embedded", None, "pd-disaggregation");
    if let Some(checkout) = std::env::var_os("LLMDBENCH_REFERENCE_CHECKOUT") {
        measure(
            &mut bars,
            "llm-d-benchmark's",
            Some(&PathBuf::from(checkout)),
            "guides/pd-disaggregation",
        );
    }
    bars.exact("memory at most", peak_kib("self") / 1024.0, MEMORY, "MiB");
    finish(&bars);
}
