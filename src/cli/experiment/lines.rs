//! Events as lines for people: what `--headless` prints, one line per event.

use crate::engine::{
    CellStatus, Event, Failure, Mode, Outcome, PhaseKind, Record, Scope, State, StepOutcome, StopMode,
    SweepOpened, Vitals,
};
use crate::experiment::{CellId, SetupId};
use crate::text::sanitize;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::fmt::Write as _;
use std::time::Duration;

/// Vitals worth a place in a line, with the unit they are shown in.
const SHOWN_VITALS: &[(&str, &str, &str)] = &[
    ("ttft_p50_ms", "TTFT p50", "ms"),
    ("itl_p50_ms", "ITL p50", "ms"),
    ("output_tokens_per_second", "", "tokens/s"),
];

/// The line of `record`. `state` is the fold up to and with it. Safe to print: nothing in it acts on a terminal.
pub(super) fn line(record: &Record, state: &State) -> String {
    let time = record.at.to_zoned(TimeZone::system());
    let text = Teller { state, at: record.at }.tell(&record.event);
    format!("{}  {}", time.strftime("%H:%M:%S"), sanitize(&text))
}

/// Words for events, with the names the state knows.
struct Teller<'a> {
    state: &'a State,
    at: Timestamp,
}

impl Teller<'_> {
    fn tell(&self, event: &Event) -> String {
        match event {
            Event::SweepOpened(opened) => sweep(opened),
            Event::EngineStarted { pid, host, version } => {
                format!("engine {version} started as process {pid} on {host}")
            }
            Event::ModeChanged { mode, reason } => format!("{}{}", mode_word(*mode), because(reason)),
            Event::PhaseStarted {
                setup,
                generation,
                phase,
            } => format!("{}: {}{}", self.setup(*setup), phase.name(), again(*generation)),
            Event::PhaseEnded {
                setup,
                phase,
                failure,
                endpoint,
                ..
            } => self.phase_ended(*setup, *phase, failure.as_ref(), endpoint.as_deref()),
            Event::StackLost { setup, failure, .. } => {
                format!("{}: stack lost: {}", self.setup(*setup), told(failure))
            }
            Event::StepStarted { scope, number, name } => {
                format!("{}: step {number:02} {name}", self.scope(*scope))
            }
            Event::StepEnded {
                scope,
                number,
                outcome,
            } => format!(
                "{}: step {number:02} {}",
                self.scope(*scope),
                self.step_outcome(*scope, *number, outcome)
            ),
            Event::LogSeen { scope, source } => {
                format!(
                    "{}: log of {} in {}",
                    self.scope(*scope),
                    source.name,
                    source.path
                )
            }
            Event::AttemptStarted {
                cell,
                attempt,
                experiment_id,
                ..
            } => format!("{}: attempt {attempt} as {experiment_id}", self.cell(*cell)),
            Event::AttemptEnded {
                cell,
                attempt,
                outcome,
            } => self.attempt_ended(*cell, *attempt, outcome),
            Event::CellsSkipped { cells } => format!("skipped: {}", self.cells(cells)),
            Event::CellsQueued { cells, automatic } => {
                let by = if *automatic { " by policy" } else { "" };
                format!("queued{by}: {}", self.cells(cells))
            }
            Event::CellsCancelled { cells } => format!("cancelled: {}", self.cells(cells)),
            Event::CellsNotRun { cells, failure } => {
                format!("not run: {}: {}", self.cells(cells), told(failure))
            }
            Event::CellsPrioritized { cells } => format!("next: {}", self.cells(cells)),
            Event::Notice { text } => text.clone(),
            Event::SweepEnded { stopped } => self.ended(*stopped),
        }
    }

    fn setup(&self, setup: SetupId) -> String {
        let opened = self.state.opened.as_deref();
        let name = opened.and_then(|opened| opened.setups.get(setup.index()));
        format!(
            "setup {} of {} {}",
            setup.0 + 1,
            self.state.setups.len(),
            name.map_or("", |info| info.name.as_str())
        )
    }

    fn cell(&self, cell: CellId) -> String {
        let opened = self.state.opened.as_deref();
        let setup = opened.and_then(|opened| opened.setups.get(cell.setup.index()));
        let run = opened.and_then(|opened| opened.runs.get(cell.run.index()));
        match (setup, run) {
            (Some(setup), Some(run)) => format!("cell {cell} {} × {}", setup.name, run.name),
            _ => format!("cell {cell}"),
        }
    }

    fn cells(&self, cells: &[CellId]) -> String {
        match cells {
            [one] => self.cell(*one),
            [first, .., last] => format!("{} cells, {first} to {last}", cells.len()),
            [] => "no cell".to_owned(),
        }
    }

    fn scope(&self, scope: Scope) -> String {
        match scope {
            Scope::Phase { setup, phase, .. } => format!("{}: {}", self.setup(setup), phase.name()),
            Scope::Attempt { cell, .. } => self.cell(cell),
        }
    }

    fn phase_ended(
        &self,
        setup: SetupId,
        phase: PhaseKind,
        failure: Option<&Failure>,
        endpoint: Option<&str>,
    ) -> String {
        let setup = self.setup(setup);
        match (failure, endpoint) {
            (Some(failure), _) => format!("{setup}: {} failed: {}", phase.name(), told(failure)),
            (None, Some(endpoint)) => format!("{setup}: {} done, answers at {endpoint}", phase.name()),
            (None, None) => format!("{setup}: {} done", phase.name()),
        }
    }

    fn step_outcome(&self, scope: Scope, number: u8, outcome: &StepOutcome) -> String {
        let took = self.step_took(scope, number);
        match outcome {
            StepOutcome::Done { detail: None } => format!("done{took}"),
            StepOutcome::Done { detail: Some(detail) } => format!("done{took}: {detail}"),
            StepOutcome::Skipped { why } => format!("skipped: {why}"),
            StepOutcome::Failed { failure } => format!("failed{took}: {}", told(failure)),
            StepOutcome::Cancelled => format!("cancelled{took}"),
        }
    }

    fn step_took(&self, scope: Scope, number: u8) -> String {
        let steps = match scope {
            Scope::Phase { setup, .. } => self.state.setup(setup).map(|row| &row.steps),
            Scope::Attempt { cell, attempt } => self
                .state
                .cell(cell)
                .and_then(|cell| cell.attempts.iter().find(|one| one.number == attempt))
                .map(|attempt| &attempt.steps),
        };
        steps
            .and_then(|steps| steps.iter().rev().find(|step| step.number == number))
            .map_or_else(String::new, |step| format!(" in {}", self.since(step.started_at)))
    }

    fn attempt_ended(&self, cell: CellId, number: u32, outcome: &Outcome) -> String {
        let begun = self
            .state
            .cell(cell)
            .and_then(|cell| cell.attempts.iter().find(|attempt| attempt.number == number))
            .map(|attempt| attempt.started_at);
        let took = begun.map_or_else(String::new, |begun| format!(" after {}", self.since(begun)));
        let cell = self.cell(cell);
        match outcome {
            Outcome::Succeeded { vitals } => {
                format!("{cell}: succeeded{took}{}{}", vital(vitals), self.done())
            }
            Outcome::Suspect { reasons, .. } => {
                format!("{cell}: suspect{took}: {}{}", reasons.join("; "), self.done())
            }
            Outcome::Failed { failure } => format!("{cell}: failed{took}: {}{}", told(failure), self.done()),
            Outcome::Cancelled => format!("{cell}: cancelled{took}{}", self.done()),
            Outcome::Interrupted => format!("{cell}: interrupted{took}; a resume runs it again"),
        }
    }

    /// How far the sweep is: ` [3 of 12]`.
    fn done(&self) -> String {
        let open = self.state.counts.of(CellStatus::Pending) + self.state.counts.of(CellStatus::Running);
        let all = self.state.cells.len();
        format!(" [{} of {all}]", all.saturating_sub(open as usize))
    }

    fn ended(&self, stopped: bool) -> String {
        let counts = &self.state.counts;
        let mut text = format!(
            "sweep {}: {} of {} cells succeeded",
            if stopped { "stopped" } else { "ended" },
            counts.of(CellStatus::Succeeded),
            self.state.cells.len()
        );
        for (status, word) in [
            (CellStatus::Suspect, "suspect"),
            (CellStatus::Failed, "failed"),
            (CellStatus::NotRun, "not run"),
            (CellStatus::Skipped, "skipped"),
            (CellStatus::Cancelled, "cancelled"),
            (CellStatus::Interrupted, "interrupted"),
            (CellStatus::Pending, "still to run"),
        ] {
            let count = counts.of(status);
            if count > 0 {
                // Writing to a string cannot fail.
                let _ = write!(text, ", {count} {word}");
            }
        }
        text
    }

    fn since(&self, begun: Timestamp) -> String {
        seconds(Duration::try_from(self.at.duration_since(begun)).unwrap_or_default())
    }
}

fn sweep(opened: &SweepOpened) -> String {
    let simulated = if opened.simulated { ", SIMULATED" } else { "" };
    format!(
        "sweep {}: {} setup × {} run treatments = {} cells, harness {}, profile {}, on {}{simulated}",
        opened.experiment,
        opened.setups.len(),
        opened.runs.len(),
        opened.setups.len() * opened.runs.len(),
        opened.harness,
        opened.profile,
        opened.platform,
    )
}

fn told(failure: &Failure) -> String {
    match &failure.hint {
        Some(hint) => format!("{} ({hint})", failure.reason),
        None => failure.reason.clone(),
    }
}

fn again(generation: u32) -> String {
    if generation > 1 {
        format!(" (number {generation})")
    } else {
        String::new()
    }
}

fn because(reason: &str) -> String {
    if reason.is_empty() {
        String::new()
    } else {
        format!(": {reason}")
    }
}

fn mode_word(mode: Mode) -> &'static str {
    match mode {
        Mode::Ready => "ready",
        Mode::Running => "running",
        Mode::Paused => "paused",
        Mode::Stopping(StopMode::Finish) => "stopping after the running cell",
        Mode::Stopping(StopMode::Graceful) => {
            "stopping: the running cell is cancelled, the stack is torn down"
        }
        Mode::Stopping(StopMode::Now) => "stopping now",
        Mode::Ended => "ended",
    }
}

fn vital(vitals: &Vitals) -> String {
    let shown: Vec<String> = SHOWN_VITALS
        .iter()
        .filter_map(|(key, name, unit)| {
            let value = vitals.0.get(*key)?;
            let gap = if name.is_empty() { "" } else { " " };
            Some(format!("{name}{gap}{value:.1} {unit}"))
        })
        .collect();
    if shown.is_empty() {
        String::new()
    } else {
        format!(", {}", shown.join(", "))
    }
}

/// `4.2 s`, `3 min 20 s`, `2 h 05 min`.
fn seconds(duration: Duration) -> String {
    let whole = duration.as_secs();
    match whole {
        0..60 => format!("{:.1} s", duration.as_secs_f64()),
        60..3600 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", whole / 3600, whole % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{LogSource, TreatmentInfo};
    use crate::experiment::RetryPolicy;
    use std::collections::BTreeMap;

    fn treatment(name: &str) -> TreatmentInfo {
        TreatmentInfo {
            name: name.to_owned(),
            levels: Vec::new(),
            fingerprint: name.to_owned(),
        }
    }

    fn opened() -> Event {
        Event::SweepOpened(Box::new(SweepOpened {
            sweep_id: "s".to_owned(),
            experiment: "demo".to_owned(),
            platform: "local".to_owned(),
            simulated: true,
            harness: "builtin".to_owned(),
            profile: "chat.yaml".to_owned(),
            parallelism: 1,
            policy: RetryPolicy::default(),
            stop_on_error: false,
            skip_teardown: false,
            setups: vec![treatment("one"), treatment("two")],
            runs: vec![treatment("slow"), treatment("fast")],
        }))
    }

    fn told_lines(events: Vec<Event>) -> String {
        let mut state = State::default();
        let mut lines = Vec::new();
        for (index, event) in events.into_iter().enumerate() {
            let record = Record {
                seq: index as u64 + 1,
                at: Timestamp::from_second(1_800_000_000).unwrap() + Duration::from_secs(30 * index as u64),
                event,
            };
            state.apply(&record);
            // The time of day depends on where the test runs.
            lines.push(line(&record, &state)[10..].to_owned());
        }
        lines.join("\n")
    }

    #[test]
    fn a_sweep_reads_like_a_story() {
        let setup = SetupId(0);
        let cell = CellId::new(0, 1);
        let scope = Scope::Attempt { cell, attempt: 1 };
        insta::assert_snapshot!(told_lines(vec![
            opened(),
            Event::EngineStarted {
                pid: 7,
                host: "lab".to_owned(),
                version: "0.1.0".to_owned(),
            },
            Event::ModeChanged {
                mode: Mode::Running,
                reason: "started by the operator".to_owned(),
            },
            Event::CellsSkipped {
                cells: vec![CellId::new(0, 0), CellId::new(1, 0), CellId::new(1, 1)],
            },
            Event::PhaseStarted {
                setup,
                generation: 2,
                phase: PhaseKind::Standup,
            },
            Event::PhaseEnded {
                setup,
                generation: 2,
                phase: PhaseKind::Standup,
                failure: None,
                endpoint: Some("http://127.0.0.1:8000".to_owned()),
            },
            Event::AttemptStarted {
                cell,
                attempt: 1,
                generation: 2,
                experiment_id: "builtin-fast-1".to_owned(),
            },
            Event::StepStarted {
                scope,
                number: 7,
                name: "deploy_harness".to_owned(),
            },
            Event::LogSeen {
                scope,
                source: LogSource {
                    name: "harness 1".to_owned(),
                    path: "a/stdout.log".to_owned(),
                },
            },
            Event::StepEnded {
                scope,
                number: 7,
                outcome: StepOutcome::Done {
                    detail: Some("1 process\x1b[2J".to_owned()),
                },
            },
            Event::AttemptEnded {
                cell,
                attempt: 1,
                outcome: Outcome::Succeeded {
                    vitals: Vitals(BTreeMap::from([("ttft_p50_ms".to_owned(), 12.34)])),
                },
            },
            Event::SweepEnded { stopped: false },
        ]));
    }

    #[test]
    fn failures_come_with_their_hints() {
        let failure = Failure::new("out of memory").with_hint("give it more");
        insta::assert_snapshot!(told_lines(vec![
            opened(),
            Event::PhaseEnded {
                setup: SetupId(1),
                generation: 1,
                phase: PhaseKind::Smoketest,
                failure: Some(failure.clone()),
                endpoint: None,
            },
            Event::StackLost {
                setup: SetupId(1),
                generation: 1,
                failure: failure.clone(),
            },
            Event::CellsNotRun {
                cells: vec![CellId::new(1, 0)],
                failure: failure.clone(),
            },
            Event::AttemptEnded {
                cell: CellId::new(0, 0),
                attempt: 1,
                outcome: Outcome::Failed { failure },
            },
            Event::Notice {
                text: "the disk is nearly full".to_owned(),
            },
        ]));
    }

    #[test]
    fn durations_are_short() {
        assert_eq!(seconds(Duration::from_millis(4_240)), "4.2 s");
        assert_eq!(seconds(Duration::from_secs(200)), "3 min 20 s");
        assert_eq!(seconds(Duration::from_mins(125)), "2 h 05 min");
    }
}
