//! Exit codes, the same for every subcommand, and why one ends before its work is done.

use super::output::say;
use crate::text::sanitize;

/// All cells succeeded, or the command did what it was asked.
pub const SUCCESS: u8 = 0;
/// Some cells did not succeed.
pub const FAILED: u8 = 1;
/// Wrong usage, or input that is refused.
pub const USAGE: u8 = 2;
/// The environment (cluster, tools, disk) cannot be used.
pub const ENVIRONMENT: u8 = 3;
/// Ended by a signal or by the operator before all was done.
pub const INTERRUPTED: u8 = 130;

/// Why the program ends before or without its work.
pub(super) struct Exit {
    /// One of the codes above.
    pub(super) code: u8,
    /// What to tell the operator; may be empty.
    pub(super) text: String,
}

impl Exit {
    pub(super) fn new(code: u8, text: impl Into<String>) -> Self {
        Self {
            code,
            text: text.into(),
        }
    }

    /// Say it, and give the code.
    pub(super) fn told(self) -> u8 {
        if !self.text.is_empty() {
            let lines: Vec<_> = self.text.lines().map(sanitize).collect();
            say(&format!("error: {}", lines.join("\n")));
        }
        self.code
    }
}
