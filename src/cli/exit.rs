//! Exit codes, the same for every subcommand.

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
