//! Honest green: whether an attempt really measured what was planned.
//!
//! An exit code of 0 is not enough. What is asked here comes from greens that turned out to be false:
//!
//! | outcome | meaning | because |
//! | --- | --- | --- |
//! | *failed* | the load was not done, or its results are not whole | exit code, timeout, missing, torn or changed files, missing requests, too many failed requests |
//! | *suspect* | the load was done and its numbers are whole, but they may not be about what was planned | another configuration than planned, a server that restarted, a generator that was itself the bottleneck, numbers that cannot be |
//! | *succeeded* | neither | |
//! | *cancelled* | ended by the operator; nothing else is asked | |
//!
//! A failed attempt that is also suspect is failed, and tells all its reasons.

use super::builtin::output::SUMMARY;
use super::{HarnessJob, JobExit, ProcessExit, files, tools, vitals};
use crate::engine::{Failure, Outcome};
use crate::experiment::RetryPolicy;
use crate::plan::EffectiveConfig;
use crate::report::Report;
use crate::report::schema::Aggregate;
use serde_json::Value;

/// Everything that is known about an attempt.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// What was started.
    pub job: &'a HarnessJob,
    /// How it ended.
    pub exit: &'a JobExit,
    /// The rendered profile.
    pub profile: &'a Value,
    /// What the stack ought to be.
    pub planned: &'a EffectiveConfig,
    /// What it said it is before the load, or why it did not say.
    pub before: Result<&'a EffectiveConfig, &'a Failure>,
    /// The same after the load.
    pub after: Result<&'a EffectiveConfig, &'a Failure>,
    /// Whether a single failed request fails the cell.
    pub policy: &'a RetryPolicy,
    /// The share of requests that may fail, from 0 to 1; 0 by default.
    pub failure_limit: f64,
}

/// What was found against an attempt.
#[derive(Debug, Default)]
struct Case {
    failed: Vec<Failure>,
    suspect: Vec<String>,
}

impl Case {
    fn fail(&mut self, reason: impl Into<String>, hint: &str) {
        self.failed.push(Failure::new(reason).with_hint(hint));
    }
}

/// Judge an attempt.
pub fn judge(evidence: &Evidence<'_>) -> Outcome {
    if evidence.exit.cancelled {
        return Outcome::Cancelled;
    }
    let mut case = Case::default();
    exits(evidence, &mut case);
    let mut processes = Vec::new();
    for (at, folder) in evidence.job.folders.iter().enumerate() {
        match files::reports(folder, &evidence.job.harness, evidence.profile) {
            Ok(reports) => {
                requests(evidence, at + 1, &reports, &mut case);
                client_bound(folder, at + 1, &mut case);
                processes.push(reports);
            }
            Err(problem) => case.fail(
                format!("harness process {}: {problem}", at + 1),
                "the results cannot be trusted; look into the harness log and retry the cell",
            ),
        }
    }
    failures(evidence, &processes, &mut case);
    metrics(evidence, &processes, &mut case);
    configuration(evidence, &mut case);
    let vitals = vitals::vitals(&processes);
    if let Some(first) = case.failed.first() {
        let hint = first.hint.clone();
        let mut reasons: Vec<String> = case.failed.iter().map(|failure| failure.reason.clone()).collect();
        reasons.append(&mut case.suspect);
        reasons.dedup();
        return Outcome::Failed {
            failure: Failure {
                reason: reasons.join("; "),
                hint,
            },
        };
    }
    if case.suspect.is_empty() {
        Outcome::Succeeded { vitals }
    } else {
        Outcome::Suspect {
            reasons: case.suspect,
            vitals,
        }
    }
}

fn exits(evidence: &Evidence<'_>, case: &mut Case) {
    let exit = evidence.exit;
    if exit.timed_out {
        let limit = evidence
            .job
            .timeout
            .map_or_else(String::new, |limit| format!(" of {} s", limit.as_secs()));
        case.fail(
            format!("the harness did not end within its time limit{limit}"),
            "give it more time with --wait-timeout, or make the workload smaller",
        );
    }
    for (at, folder) in evidence.job.folders.iter().enumerate() {
        let Some(process) = exit.processes.get(at) else {
            case.fail(
                format!("nobody knows how harness process {} ended", at + 1),
                "retry the cell",
            );
            continue;
        };
        let Some(how) = bad_end(process) else {
            continue;
        };
        // A process that was ended for taking too long has nothing to add.
        if exit.timed_out {
            continue;
        }
        let told = files::error(folder).map_or_else(String::new, |error| format!(": {error}"));
        case.fail(
            format!("harness process {} {how}{told}", at + 1),
            "look into the harness log of this attempt",
        );
    }
}

fn bad_end(process: &ProcessExit) -> Option<String> {
    match (process.code, process.signal) {
        (Some(0), None) => None,
        (_, Some(9)) => Some("was killed (signal 9), perhaps for lack of memory".to_owned()),
        (_, Some(signal)) => Some(format!("was ended by signal {signal}")),
        (Some(code), None) => Some(format!("ended with exit code {code}")),
        (None, None) => Some("was lost".to_owned()),
    }
}

/// Requests completed or failed against requests planned, per process.
fn requests(evidence: &Evidence<'_>, process: usize, reports: &[Report], case: &mut Case) {
    let Some(planned) = tools::planned_requests(&evidence.job.harness, evidence.profile) else {
        return;
    };
    let all: Vec<&Aggregate> = reports.iter().filter_map(Report::aggregate).collect();
    let (ended, _) = vitals::counts(&all);
    if ended < planned {
        case.fail(
            format!("harness process {process} ended {ended} of {planned} planned requests"),
            "look into the harness log for what stopped it, and retry the cell",
        );
    } else if ended > planned {
        case.suspect.push(format!(
            "harness process {process} reports {ended} requests although {planned} were planned; is its result folder new?"
        ));
    }
}

fn failures(evidence: &Evidence<'_>, processes: &[Vec<Report>], case: &mut Case) {
    let all: Vec<&Aggregate> = processes.iter().flatten().filter_map(Report::aggregate).collect();
    let (total, failed) = vitals::counts(&all);
    if total == 0 || failed == 0 {
        return;
    }
    let kinds = evidence
        .job
        .folders
        .iter()
        .find_map(|folder| files::failure_kinds(folder))
        .map_or_else(String::new, |kinds| format!(" ({kinds})"));
    let rate = failed as f64 / total as f64;
    if rate > evidence.failure_limit {
        case.fail(
            format!(
                "{failed} of {total} requests failed{kinds}, {:.1} % where {:.1} % are allowed",
                rate * 100.0,
                evidence.failure_limit * 100.0
            ),
            "look into the server log; failed requests are in the records with their reason",
        );
    } else if evidence.policy.validate_failures {
        case.fail(
            format!("{failed} of {total} requests failed{kinds}, and the experiment asks for none (`validate_failures`)"),
            "look into the server log; failed requests are in the records with their reason",
        );
    }
}

/// No metric that must be positive may be zero or missing.
fn metrics(evidence: &Evidence<'_>, processes: &[Vec<Report>], case: &mut Case) {
    let streaming = tools::streams(&evidence.job.harness, evidence.profile);
    for (process, reports) in processes.iter().enumerate() {
        for (stage, aggregate) in reports.iter().filter_map(Report::aggregate).enumerate() {
            let (total, failed) = vitals::counts(&[aggregate]);
            if total == failed {
                continue;
            }
            let several = aggregate
                .requests
                .as_ref()
                .and_then(|requests| requests.output_length.as_ref())
                .is_none_or(|length| length.mean > 1.0);
            let mut needed = vec![
                ("request latency", vitals::e2e(aggregate)),
                ("request rate", vitals::request_rate(aggregate)),
                ("output token rate", vitals::output_rate(aggregate)),
            ];
            if streaming {
                needed.push(("time to first token", vitals::ttft(aggregate)));
                if several {
                    needed.push(("inter-token latency", vitals::itl(aggregate)));
                }
            }
            for (name, block) in needed {
                let problem = match block {
                    None => "missing",
                    Some(block) if !block.mean.is_finite() || block.mean <= 0.0 => "not above zero",
                    Some(_) => continue,
                };
                case.suspect.push(format!(
                    "the {name} of harness process {}, stage {stage}, is {problem}; either the server did not \
                     stream its answers, or this machine was too busy to see them come",
                    process + 1
                ));
            }
        }
    }
}

fn client_bound(folder: &std::path::Path, process: usize, case: &mut Case) {
    let Some(summary) = files::json(&folder.join(SUMMARY)) else {
        return;
    };
    if summary.get("client_bound").and_then(Value::as_bool) == Some(true) {
        let late = summary.get("late_requests").and_then(Value::as_u64).unwrap_or(0);
        case.suspect.push(format!(
            "harness process {process} was client-bound: it sent {late} requests late itself; lower the rate, or give the \
             load generator more CPU"
        ));
    }
}

/// The stack was what was planned, and the same servers all the time.
fn configuration(evidence: &Evidence<'_>, case: &mut Case) {
    for (when, found) in [("before", evidence.before), ("after", evidence.after)] {
        match found {
            Ok(found) => {
                for difference in evidence.planned.differences(found) {
                    case.suspect.push(format!(
                        "{when} the load the stack was not what was planned: {difference}"
                    ));
                }
            }
            Err(failure) => case.suspect.push(format!(
                "{when} the load the stack did not tell what it is: {}",
                failure.reason
            )),
        }
    }
    if let (Ok(before), Ok(after)) = (evidence.before, evidence.after) {
        if after.restarts > before.restarts {
            case.suspect.push(format!(
                "a server restarted {} times during the load; look into the server log",
                after.restarts - before.restarts
            ));
        } else if after.incarnation != before.incarnation {
            case.suspect.push(
                "the servers after the load are not those from before it; look into the server log"
                    .to_owned(),
            );
        }
    }
}

#[cfg(test)]
mod tests;
