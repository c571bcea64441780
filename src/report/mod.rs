//! Benchmark reports: schema v0.2, written per attempt, read back by the judge and the summary.
//!
//! One report is written for every raw result file of a load generator, whichever it was: [`convert`] maps the numbers,
//! [`context`] adds whose run it was and what was measured, [`schema`] is the format, and [`Report::check`]
//! refuses what the format refuses.

mod check;
pub mod context;
pub mod convert;
mod file;
pub mod schema;

pub use file::{PREFIX, ReportError, file_name, read, read_all, write};
pub use schema::Report;

#[cfg(test)]
mod tests;
