//! The few numbers of a cell that the operator sees, from its reports.

use crate::engine::Vitals;
use crate::report::Report;
use crate::report::schema::{Aggregate, Statistics};
use std::collections::BTreeMap;

/// The vitals of one attempt: the reports of each of its processes, in order.
///
/// Processes run side by side, so their rates add up. The reports of one process are stages one after another, so their
/// rates are averaged. Percentiles cannot be merged exactly: medians are averaged by requests, and of the 99th
/// percentiles the worst is taken.
pub fn vitals(processes: &[Vec<Report>]) -> Vitals {
    let mut numbers = BTreeMap::new();
    let all: Vec<&Aggregate> = processes.iter().flatten().filter_map(Report::aggregate).collect();
    let (requests, failures) = counts(&all);
    if all.iter().any(|aggregate| aggregate.requests.is_some()) {
        numbers.insert("requests".to_owned(), requests as f64);
        numbers.insert("failures".to_owned(), failures as f64);
    }
    let mut put = |name: &str, value: Option<f64>| {
        if let Some(value) = value.filter(|value| value.is_finite()) {
            // Six decimals are nanoseconds; more would show how they were computed.
            numbers.insert(name.to_owned(), (value * 1e6).round() / 1e6);
        }
    };
    put("ttft_p50_ms", median(&all, ttft));
    put(
        "ttft_p99_ms",
        all.iter()
            .filter_map(|aggregate| ttft(aggregate))
            .filter_map(|block| Some(block.p99? * milliseconds(block)))
            .reduce(f64::max),
    );
    put("itl_p50_ms", median(&all, itl));
    put("e2e_p50_ms", median(&all, e2e));
    put("output_tokens_per_second", rate(processes, output_rate));
    put("requests_per_second", rate(processes, request_rate));
    Vitals(numbers)
}

/// All requests and the failed ones.
pub(super) fn counts(all: &[&Aggregate]) -> (u64, u64) {
    all.iter()
        .filter_map(|aggregate| aggregate.requests.as_ref())
        .fold((0, 0), |(total, failed): (u64, u64), requests| {
            (
                total.saturating_add(requests.total),
                failed.saturating_add(requests.failures.unwrap_or(0)),
            )
        })
}

pub(super) fn ttft(aggregate: &Aggregate) -> Option<&Statistics> {
    aggregate.latency.as_ref()?.time_to_first_token.as_ref()
}

pub(super) fn itl(aggregate: &Aggregate) -> Option<&Statistics> {
    aggregate.latency.as_ref()?.inter_token_latency.as_ref()
}

pub(super) fn e2e(aggregate: &Aggregate) -> Option<&Statistics> {
    aggregate.latency.as_ref()?.request_latency.as_ref()
}

pub(super) fn output_rate(aggregate: &Aggregate) -> Option<&Statistics> {
    aggregate.throughput.as_ref()?.output_token_rate.as_ref()
}

pub(super) fn request_rate(aggregate: &Aggregate) -> Option<&Statistics> {
    aggregate.throughput.as_ref()?.request_rate.as_ref()
}

/// Milliseconds per unit of a latency block.
fn milliseconds(block: &Statistics) -> f64 {
    if block.units.starts_with("ms") { 1.0 } else { 1e3 }
}

/// Requests that were answered: what a report's latencies are about.
fn weight(aggregate: &Aggregate) -> f64 {
    aggregate.requests.as_ref().map_or(0.0, |requests| {
        requests.total.saturating_sub(requests.failures.unwrap_or(0)) as f64
    })
}

fn mean(weighted: impl Iterator<Item = (f64, f64)>) -> Option<f64> {
    let (sum, weights) = weighted.fold((0.0, 0.0), |(sum, weights), (value, weight)| {
        (value.mul_add(weight, sum), weights + weight)
    });
    (weights > 0.0).then(|| sum / weights)
}

fn median(all: &[&Aggregate], block: fn(&Aggregate) -> Option<&Statistics>) -> Option<f64> {
    mean(all.iter().filter_map(|aggregate| {
        let block = block(aggregate)?;
        Some((
            block.p50.unwrap_or(block.mean) * milliseconds(block),
            weight(aggregate),
        ))
    }))
}

/// A stage of `n` requests at `r` requests per second took `n / r` seconds; that is its weight.
fn rate(processes: &[Vec<Report>], block: fn(&Aggregate) -> Option<&Statistics>) -> Option<f64> {
    processes
        .iter()
        .filter_map(|reports| {
            mean(
                reports
                    .iter()
                    .filter_map(Report::aggregate)
                    .filter_map(|aggregate| {
                        let seconds = weight(aggregate) / request_rate(aggregate)?.mean;
                        Some((block(aggregate)?.mean, seconds)).filter(|(_, seconds)| seconds.is_finite())
                    }),
            )
        })
        .reduce(|a, b| a + b)
}
