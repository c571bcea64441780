//! Logs: a bounded window over log files on disk, and the application's own log.
//!
//! Processes and pods write their logs to files themselves, whole, before anything is shown. This module only reads
//! those files: it keeps a sparse index of line starts (16 bytes per 1,024 lines or 256 KiB), and reads the lines a
//! screen asks for. Memory therefore does not depend on how much was logged.
//!
//! ```text
//! stdout.log ──► LogFile (index, windows, search) ──► Reader (one thread, mailbox) ──► Update ──► tui::logpane
//! tracing ─────► app::AppLog ──► <instance>/logs/llmdbenchmark.log, stderr, and the tui-logger pane
//! ```
//!
//! [`LogFile`] owns the index of one path; [`Reader`] owns the log files of the pane on screen and is the only one
//! that polls them; [`AppLog`] owns the subscriber of the application's own messages. Nothing here knows the engine
//! or a screen.

mod app;
mod file;
mod follow;
mod line;
mod sanitize;
mod search;
mod segment;

pub use crate::text::redact;
pub use app::{AppLog, InitError, Output, init};
pub use file::{Direction, LogError, LogFile, Poll, Scan};
pub use follow::{Reader, Request, Source, SourceStatus, Update, View, Wanted, Window};
pub use line::{Line, LineKind};
pub use sanitize::sanitize;
pub use search::{DEFAULT_ERROR_PATTERN, Pattern};
