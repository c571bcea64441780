//! Start-up and exit codes only.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(llmdbenchmark::cli::run(std::env::args_os().collect()))
}
