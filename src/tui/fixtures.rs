//! Sweeps for tests, made by applying records with fixed times, as an engine would write them.

pub(super) mod plans;

use super::model::Model;
use super::theme::Theme;
use super::update::{Msg, update};
use crate::engine::{
    Event, Failure, LogSource, Mode, Outcome, PhaseKind, Progress, Record, Scope, Signal, State, StepOutcome,
    SweepOpened, TreatmentInfo, Vitals,
};
use crate::experiment::{CellId, Level, RetryPolicy, SetupId};
use jiff::Timestamp;

/// A sweep being told, record by record.
#[derive(Clone)]
pub(super) struct Sweep {
    state: State,
    signals: Vec<Signal>,
    first: usize,
    seq: u64,
    now: Timestamp,
}

fn treatments(names: &str, factors: &[(&str, &[&str])], count: u32) -> Vec<TreatmentInfo> {
    let treatment = |index: u32| TreatmentInfo {
        name: format!("{names}{}", index + 1),
        levels: factors
            .iter()
            .map(|(factor, values)| Level {
                factor: (*factor).to_owned(),
                value: values
                    .get(index as usize)
                    .map_or_else(|| (index + 1).to_string(), |value| (*value).to_owned()),
            })
            .collect(),
        fingerprint: format!("{names}-{index}"),
    };
    (0..count).map(treatment).collect()
}

pub(super) fn opened(setups: u32, runs: u32) -> SweepOpened {
    SweepOpened {
        sweep_id: "5eed".to_owned(),
        experiment: "quickstart".to_owned(),
        platform: "local".to_owned(),
        simulated: true,
        harness: "builtin".to_owned(),
        profile: "random_concurrent".to_owned(),
        parallelism: 1,
        policy: RetryPolicy::default(),
        stop_on_error: false,
        skip_teardown: false,
        setups: treatments(
            "setup",
            &[
                ("LLMDBENCH_VLLM_COMMON_REPLICAS", &["1", "2", "4"]),
                ("LLMDBENCH_VLLM_COMMON_TENSOR_PARALLELISM", &["4", "2", "1"]),
            ],
            setups,
        ),
        runs: treatments(
            "run",
            &[
                ("max-concurrency", &["1", "8", "32", "128"]),
                ("num-prompts", &["10", "80", "320", "1280"]),
            ],
            runs,
        ),
    }
}

/// Treatments by name, with their values as `factor=value factor=value`.
pub(super) fn named(treatments: &[(&str, &str)]) -> Vec<TreatmentInfo> {
    let level = |text: &str| {
        let (factor, value) = text.split_once('=').unwrap();
        Level {
            factor: factor.to_owned(),
            value: value.to_owned(),
        }
    };
    let treatment = |(name, levels): &(&str, &str)| TreatmentInfo {
        name: (*name).to_owned(),
        levels: levels.split_whitespace().map(level).collect(),
        fingerprint: (*name).to_owned(),
    };
    treatments.iter().map(treatment).collect()
}

impl Sweep {
    pub(super) fn new(setups: u32, runs: u32) -> Self {
        Self::of(opened(setups, runs))
    }

    pub(super) fn of(opened: SweepOpened) -> Self {
        let mut sweep = Self {
            state: State::default(),
            signals: Vec::new(),
            first: 0,
            seq: 0,
            now: "2026-03-01T12:00:00Z".parse().unwrap(),
        };
        sweep.tell(Event::SweepOpened(Box::new(opened)));
        sweep.tell(Event::EngineStarted {
            pid: 4711,
            host: "bench".to_owned(),
            version: "0.1.0".to_owned(),
        });
        sweep.first = sweep.signals.len();
        sweep
    }

    pub(super) fn state(&self) -> &State {
        &self.state
    }

    pub(super) fn now(&self) -> Timestamp {
        self.now
    }

    pub(super) fn wait(&mut self, milliseconds: i64) {
        self.now += std::time::Duration::from_millis(milliseconds as u64);
    }

    pub(super) fn tell(&mut self, event: Event) {
        self.seq += 1;
        let record = Record {
            seq: self.seq,
            at: self.now,
            event,
        };
        self.state.apply(&record);
        self.signals.push(Signal::Recorded(record));
    }

    pub(super) fn mode(&mut self, mode: Mode) {
        self.tell(Event::ModeChanged {
            mode,
            reason: "operator".to_owned(),
        });
    }

    pub(super) fn phase(
        &mut self,
        setup: u32,
        phase: PhaseKind,
        milliseconds: i64,
        failure: Option<Failure>,
    ) {
        self.phase_begins(setup, phase);
        self.wait(milliseconds);
        let generation = self.generation(setup);
        let scope = Scope::Phase {
            setup: SetupId(setup),
            generation,
            phase,
        };
        self.tell(Event::StepEnded {
            scope,
            number: 6,
            outcome: match &failure {
                None => StepOutcome::Done { detail: None },
                Some(failure) => StepOutcome::Failed {
                    failure: failure.clone(),
                },
            },
        });
        self.tell(Event::PhaseEnded {
            setup: SetupId(setup),
            generation,
            phase,
            endpoint: failure.is_none().then(|| "http://127.0.0.1:8000".to_owned()),
            failure,
        });
    }

    fn generation(&self, setup: u32) -> u32 {
        self.state.setup(SetupId(setup)).unwrap().generation
    }

    pub(super) fn phase_begins(&mut self, setup: u32, phase: PhaseKind) {
        let generation = self.generation(setup) + u32::from(phase == PhaseKind::Standup);
        self.tell(Event::PhaseStarted {
            setup: SetupId(setup),
            generation,
            phase,
        });
        self.tell(Event::StepStarted {
            scope: Scope::Phase {
                setup: SetupId(setup),
                generation,
                phase,
            },
            number: 6,
            name: format!("{} the stack", phase.name()),
        });
    }

    pub(super) fn attempt_begins(&mut self, setup: u32, run: u32) -> Scope {
        let cell = CellId::new(setup, run);
        let attempt = self.state.cell(cell).unwrap().attempts.len() as u32 + 1;
        let scope = Scope::Attempt { cell, attempt };
        self.tell(Event::AttemptStarted {
            cell,
            attempt,
            generation: self.generation(setup),
            experiment_id: format!("quickstart-{}-{}-{attempt}", setup + 1, run + 1),
        });
        self.tell(Event::StepStarted {
            scope,
            number: 1,
            name: "render the profile".to_owned(),
        });
        self.wait(40);
        self.tell(Event::StepEnded {
            scope,
            number: 1,
            outcome: StepOutcome::Done { detail: None },
        });
        self.tell(Event::LogSeen {
            scope,
            source: LogSource {
                name: "harness 1".to_owned(),
                path: format!("logs/{setup}-{run}-{attempt}.log"),
            },
        });
        self.tell(Event::StepStarted {
            scope,
            number: 6,
            name: "run the harness".to_owned(),
        });
        scope
    }

    pub(super) fn attempt(&mut self, setup: u32, run: u32, milliseconds: i64, outcome: Outcome) {
        let scope = self.attempt_begins(setup, run);
        self.wait(milliseconds);
        self.attempt_ends(scope, outcome);
    }

    pub(super) fn attempt_ends(&mut self, scope: Scope, outcome: Outcome) {
        let Scope::Attempt { cell, attempt } = scope else {
            panic!("not an attempt");
        };
        self.tell(Event::StepEnded {
            scope,
            number: 6,
            outcome: match &outcome {
                Outcome::Failed { failure } => StepOutcome::Failed {
                    failure: failure.clone(),
                },
                _ => StepOutcome::Done {
                    detail: Some("640 of 640 requests".to_owned()),
                },
            },
        });
        self.tell(Event::AttemptEnded {
            cell,
            attempt,
            outcome,
        });
    }

    pub(super) fn progress(&mut self, scope: Scope, done: u64, total: u64) {
        self.signals.push(Signal::Progress(Progress {
            scope,
            done,
            total,
            text: format!("{done} of {total} requests"),
        }));
    }

    /// What a screen that shows this sweep has not heard yet; of progress the last word.
    pub(super) fn signals_after(&self, model: &Model) -> Vec<Signal> {
        let seen = model.state.seq;
        let new = |signal: &&Signal| match signal {
            Signal::Recorded(record) => record.seq > seen,
            _ => false,
        };
        let records = self.signals.iter().filter(new);
        let last = self
            .signals
            .last()
            .filter(|signal| matches!(signal, Signal::Progress(_)));
        records.chain(last).cloned().collect()
    }

    /// The screen after all that was told, as it came in signal by signal.
    pub(super) fn model(&self, width: u16, height: u16) -> Model {
        self.model_with(width, height, Theme::dark())
    }

    pub(super) fn model_with(&self, width: u16, height: u16, theme: Theme) -> Model {
        let mut state = State::default();
        let (before, after) = self.signals.split_at(self.first);
        for signal in before {
            if let Signal::Recorded(record) = signal {
                state.apply(record);
            }
        }
        let start = state.updated_at.unwrap();
        let mut model = Model::new(
            "/data/sweeps/op-20260301-120000-000".into(),
            state,
            theme,
            (width, height),
            start,
        )
        .with_plans();
        for signal in after {
            update(&mut model, Msg::Engine(signal.clone()));
        }
        update(&mut model, Msg::Tick(self.now));
        model
    }
}

pub(super) fn good(ttft: f64) -> Outcome {
    Outcome::Succeeded { vitals: vitals(ttft) }
}

pub(super) fn vitals(ttft: f64) -> Vitals {
    Vitals(
        [
            ("ttft_p50_ms", ttft),
            ("ttft_p99_ms", ttft * 3.0),
            ("itl_p50_ms", 7.25),
            ("e2e_p50_ms", ttft + 1200.0),
            ("output_tokens_per_second", 12_345.6),
            ("requests_per_second", 4.56),
            ("requests", 640.0),
            ("failures", 0.0),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect(),
    )
}

pub(super) fn bad() -> Outcome {
    Outcome::Failed {
        failure: Failure::new(
            "the load generator ended with exit code 3: connection refused by http://127.0.0.1:8000",
        )
        .with_hint("look at the server's log (L), then retry the cell (r)"),
    }
}

/// A sweep of 3 × 4 cells in the middle of its work: the first row ended with all sorts of outcomes, the second runs.
pub(super) fn midway() -> Sweep {
    story(&mut Sweep::new(3, 4)).pop().unwrap()
}

/// The way to [`midway`], one stop after each thing that happened.
pub(super) fn story(sweep: &mut Sweep) -> Vec<Sweep> {
    let mut stops = Vec::new();
    let mut stop = |sweep: &Sweep| stops.push(sweep.clone());
    sweep.mode(Mode::Running);
    sweep.phase_begins(0, PhaseKind::Standup);
    stop(sweep);
    sweep.wait(2000);
    sweep.tell(Event::PhaseEnded {
        setup: SetupId(0),
        generation: 1,
        phase: PhaseKind::Standup,
        failure: None,
        endpoint: Some("http://127.0.0.1:8000".to_owned()),
    });
    sweep.phase(0, PhaseKind::Smoketest, 300, None);
    sweep.attempt(0, 0, 4200, good(12.3));
    stop(sweep);
    sweep.attempt(0, 1, 5100, bad());
    sweep.attempt(
        0,
        2,
        6000,
        Outcome::Suspect {
            reasons: vec!["the server restarted during the cell".to_owned()],
            vitals: vitals(80.0),
        },
    );
    stop(sweep);
    sweep.tell(Event::CellsSkipped {
        cells: vec![CellId::new(0, 3)],
    });
    sweep.phase(0, PhaseKind::Teardown, 500, None);
    sweep.phase(1, PhaseKind::Standup, 2500, None);
    sweep.phase(1, PhaseKind::Smoketest, 300, None);
    sweep.attempt(1, 0, 3900, bad());
    sweep.tell(Event::CellsQueued {
        cells: vec![CellId::new(1, 0)],
        automatic: true,
    });
    stop(sweep);
    sweep.attempt(1, 0, 4100, good(9.9));
    let scope = sweep.attempt_begins(1, 1);
    sweep.wait(1500);
    sweep.progress(scope, 42, 100);
    stop(sweep);
    stops
}

/// A sweep whose work is done.
pub(super) fn done() -> Sweep {
    let mut sweep = Sweep::new(1, 3);
    sweep.mode(Mode::Running);
    sweep.phase(0, PhaseKind::Standup, 2000, None);
    sweep.attempt(0, 0, 4000, good(10.0));
    sweep.attempt(0, 1, 4000, bad());
    sweep.attempt(0, 2, 4000, good(20.0));
    sweep.phase(0, PhaseKind::Teardown, 400, None);
    sweep
}
