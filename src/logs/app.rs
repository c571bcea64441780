//! The application's own log: where its messages go, and that no secret goes with them.
//!
//! One subscriber formats each message once, without secrets and control characters, and hands it to a file in the
//! instance folder, to stderr when there is no screen, and to the tui-logger pane when there is one. The instance is
//! known only after start-up; until then the file's part is kept in memory.
//!
//! `tui-logger` is fed directly and its own thread, which would wake up a hundred times a second, is never started.

mod recorder;
mod sink;

use recorder::Recorder;
use sink::FileSink;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::watch;
use tracing::Subscriber;
use tracing_subscriber::filter::{EnvFilter, LevelFilter};
use tracing_subscriber::layer::{Layer, SubscriberExt};

/// The environment variable that says what is logged, such as `debug` or `warn,llmdbenchmark::engine=trace`.
const VARIABLE: &str = "LLMDBENCHMARK_LOG";
/// What is logged where the variable is absent.
const DEFAULT_FILTER: &str = "info,llmdbenchmark=debug";
/// Messages the pane keeps.
const PANE_MESSAGES: usize = 5_000;
/// Messages tui-logger takes in at once. They are moved on one by one, so there are never many.
const PANE_BURST: usize = 64;

/// Where messages go besides the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// There is a screen: to the log pane.
    Screen,
    /// There is none: warnings and errors to stderr, or everything that `LLMDBENCHMARK_LOG` asks for.
    Stderr,
    /// There is none, and everything that is logged is asked for on stderr.
    Verbose,
}

/// Logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// The environment variable cannot be understood.
    #[error(
        "cannot read the log filter `{value}` in {VARIABLE}: {source}; use a level such as `debug`, or pairs such as `warn,llmdbenchmark::engine=trace`"
    )]
    Filter {
        /// The variable's value.
        value: String,
        /// What is wrong with it.
        source: tracing_subscriber::filter::ParseError,
    },
    /// Somebody was faster.
    #[error("cannot set up logging a second time in one process: {0}; call logs::init once, at start-up")]
    Twice(#[from] tracing::subscriber::SetGlobalDefaultError),
}

/// The application's own log.
#[derive(Debug, Clone)]
pub struct AppLog {
    file: Arc<FileSink>,
    changed: watch::Sender<u64>,
}

impl AppLog {
    /// Write to this file from now on (it is appended to, its folder is made), beginning with what was logged so far.
    ///
    /// The sweep does not depend on its log: a caller reports the error and goes on.
    pub fn attach(&self, path: &Path) -> std::io::Result<()> {
        self.file.attach(path)
    }

    /// Changes with each message, for a screen that shows the log pane and has to draw it again.
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }
}

/// Set up logging for this process: call once, before anything is logged.
pub fn init(output: Output) -> Result<AppLog, InitError> {
    let asked = std::env::var(VARIABLE)
        .ok()
        .filter(|value| !value.trim().is_empty());
    let (subscriber, log) = subscriber(output, asked.as_deref())?;
    tracing::subscriber::set_global_default(subscriber)?;
    if output == Output::Screen {
        // What the filter lets through is recorded; the pane's own levels only choose what it shows.
        tui_logger::set_default_level(tui_logger::LevelFilter::Trace);
        tui_logger::set_hot_buffer_depth(PANE_BURST);
        tui_logger::set_buffer_depth(PANE_MESSAGES);
    }
    Ok(log)
}

fn subscriber(
    output: Output,
    asked: Option<&str>,
) -> Result<(impl Subscriber + Send + Sync + use<>, AppLog), InitError> {
    let filter = EnvFilter::builder()
        .parse(asked.unwrap_or(DEFAULT_FILTER))
        .map_err(|source| InitError::Filter {
            value: asked.unwrap_or(DEFAULT_FILTER).to_owned(),
            source,
        })?;
    let log = AppLog {
        file: Arc::new(FileSink::default()),
        changed: watch::Sender::new(0),
    };
    let stderr = match (output, asked) {
        (Output::Screen, _) => LevelFilter::OFF,
        (Output::Stderr, None) => LevelFilter::WARN,
        (Output::Stderr, Some(_)) | (Output::Verbose, _) => LevelFilter::TRACE,
    };
    let recorder = Recorder {
        file: Arc::clone(&log.file),
        changed: log.changed.clone(),
        stderr,
        pane: output == Output::Screen,
    };
    let subscriber = tracing_subscriber::registry().with(recorder.with_filter(filter));
    Ok((subscriber, log))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &Path) -> String {
        std::fs::read_to_string(path).unwrap()
    }

    #[test]
    fn messages_before_the_file_is_known_are_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("logs/llmdbenchmark.log");
        let (subscriber, log) = subscriber(Output::Screen, Some("trace")).unwrap();
        let changed = log.changed();
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(cells = 12, "early");
            log.attach(&path).unwrap();
            let span = tracing::info_span!("attempt", cell = "1×2");
            let _inside = span.enter();
            tracing::warn!("late\nwith a second line");
        });
        let text = read(&path);
        let lines: Vec<&str> = text.lines().collect();
        let [early, late, second] = lines.as_slice() else {
            panic!("{text}");
        };
        assert!(
            early.contains(" INFO ") && early.ends_with("early cells=12"),
            "{early}"
        );
        assert!(
            late.contains(" WARN ") && late.ends_with("attempt{cell=\"1×2\"}: late"),
            "{late}"
        );
        assert_eq!(*second, "    with a second line");
        assert!(changed.has_changed().unwrap());
    }

    #[test]
    fn secrets_and_control_sequences_stay_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let (subscriber, log) = subscriber(Output::Screen, None).unwrap();
        log.attach(&path).unwrap();
        tracing::subscriber::with_default(subscriber, || {
            tracing::error!(env = "HF_TOKEN=hf_abcdefghijklmnop", "\u{1b}[2Jstarted");
        });
        let text = read(&path);
        assert!(!text.contains("hf_abc") && !text.contains('\u{1b}'), "{text}");
        assert!(text.contains("[redacted]") && text.contains("started"), "{text}");
    }

    #[test]
    fn the_filter_decides_what_is_logged() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let (subscriber, log) = subscriber(Output::Screen, Some("warn")).unwrap();
        log.attach(&path).unwrap();
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!("quiet");
            tracing::warn!("loud");
        });
        let text = read(&path);
        assert!(!text.contains("quiet") && text.contains("loud"), "{text}");
    }

    #[test]
    fn a_bad_filter_is_refused_with_advice() {
        let error = subscriber(Output::Stderr, Some("llmdbenchmark=loud"))
            .err()
            .unwrap();
        let text = error.to_string();
        assert!(
            text.contains("llmdbenchmark=loud") && text.contains("LLMDBENCHMARK_LOG"),
            "{text}"
        );
    }
}
