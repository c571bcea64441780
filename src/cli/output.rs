//! What subcommands print: data to stdout, everything about the program itself to stderr.

use super::exit::{self, Exit};
use std::io::{self, IsTerminal, Write};

/// A line for the operator that is no data: to stderr, where nobody needs to be listening.
pub(super) fn say(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Something for stdout. A closed pipe (`| head`) is the reader's choice, not a failure of ours.
pub(super) fn say_data(text: &str) -> Result<(), Exit> {
    match writeln!(io::stdout(), "{text}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Exit::new(
            exit::ENVIRONMENT,
            format!("cannot write to stdout: {error}"),
        )),
        _ => Ok(()),
    }
}

/// Whether colours may be used on `stream`: on a terminal, unless `NO_COLOR` says no.
pub(super) fn colored(stream: &impl IsTerminal) -> bool {
    stream.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
