//! What the benches share: a table of figures against their bars, and memory as the kernel counts it.
#![allow(dead_code, reason = "each bench uses its part of this module")]
#![allow(clippy::print_stdout, reason = "the table is what a bench is run for")]

use std::time::{Duration, Instant};

/// How far over its bar a figure may be before the run fails. The bars are for a quiet machine; shared ones are slower,
/// but a figure twice its bar is a regression and no noise.
pub(crate) const TOLERANCE: f64 = 2.0;

/// A figure and its bar; less is better.
struct Figure {
    name: String,
    measured: f64,
    bar: f64,
    unit: &'static str,
    tolerance: f64,
}

/// Figures against their bars.
#[derive(Default)]
pub(crate) struct Bars {
    figures: Vec<Figure>,
}

impl Bars {
    /// A figure that depends on how busy the machine is: fails the run beyond [`TOLERANCE`] times its bar.
    pub(crate) fn timed(&mut self, name: impl Into<String>, measured: f64, bar: f64, unit: &'static str) {
        self.add(name.into(), measured, bar, unit, TOLERANCE);
    }

    /// A figure that does not: fails the run beyond its bar.
    pub(crate) fn exact(&mut self, name: impl Into<String>, measured: f64, bar: f64, unit: &'static str) {
        self.add(name.into(), measured, bar, unit, 1.0);
    }

    fn add(&mut self, name: String, measured: f64, bar: f64, unit: &'static str, tolerance: f64) {
        self.figures.push(Figure {
            name,
            measured,
            bar,
            unit,
            tolerance,
        });
    }

    /// Print the table; false when a figure fails the run.
    #[must_use]
    pub(crate) fn report(&self) -> bool {
        let width = self
            .figures
            .iter()
            .map(|figure| figure.name.len())
            .max()
            .unwrap_or(0);
        println!("\n{:width$}  {:>12}  {:>12}  of bar", "figure", "measured", "bar");
        let mut passed = true;
        for figure in &self.figures {
            let Figure {
                name,
                measured,
                bar,
                unit,
                tolerance,
            } = figure;
            let verdict = match measured {
                value if value <= bar => "ok",
                value if *value <= bar * tolerance => "over (tolerated)",
                _ => {
                    passed = false;
                    "FAILED"
                }
            };
            let share = if *bar > 0.0 {
                format!("{:.0} %", measured / bar * 100.0)
            } else {
                String::new()
            };
            println!(
                "{name:width$}  {:>12}  {:>12}  {share:>6}  {verdict}",
                format!("{measured:.2} {unit}"),
                format!("{bar:.2} {unit}"),
            );
        }
        println!();
        passed
    }
}

/// Print the table, and leave with exit code 1 when a figure fails the run.
pub(crate) fn finish(bars: &Bars) {
    if !bars.report() {
        std::process::exit(1);
    }
}

/// Resident memory of a process in KiB, as the kernel counts it; 0 where it does not say.
pub(crate) fn resident_kib(pid: &str) -> f64 {
    status_field(pid, "VmRSS:")
}

/// The most resident memory a process ever had, in KiB, as the kernel counts it; 0 where it does not say.
pub(crate) fn peak_kib(pid: &str) -> f64 {
    status_field(pid, "VmHWM:")
}

/// How often a process gave up the processor by itself (over all its threads): each is a sleep it woke up from.
pub(crate) fn wake_ups(pid: &str) -> f64 {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task"))
        .into_iter()
        .flatten()
        .flatten();
    tasks
        .map(|task| {
            status_field(
                &format!("{pid}/task/{}", task.file_name().to_string_lossy()),
                "voluntary_ctxt_switches:",
            )
        })
        .sum()
}

fn status_field(pid: &str, field: &str) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .unwrap_or(0.0)
}

/// The middle of some samples, and the one that 99 % do not exceed, in milliseconds.
pub(crate) fn percentiles(mut samples: Vec<Duration>) -> (f64, f64) {
    samples.sort_unstable();
    let at = |percent: usize| {
        let index = (samples.len() * percent / 100).min(samples.len().saturating_sub(1));
        samples
            .get(index)
            .map_or(0.0, |sample| sample.as_secs_f64() * 1e3)
    };
    (at(50), at(99))
}

/// How long something takes.
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed())
}
