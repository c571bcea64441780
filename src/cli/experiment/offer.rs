//! The offer to go on with what an earlier sweep left unfinished.

use crate::engine::{CellStatus, State};
use crate::text::sanitize;
use std::io::{self, BufRead, Write};
use std::path::Path;

/// What the operator wants to do about an unfinished sweep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// Go on with it.
    Resume,
    /// Begin a new one beside it.
    New,
    /// Neither.
    Leave,
}

/// One line about what is there.
pub(super) fn story(instance: &Path, state: &State) -> String {
    let text = format!(
        "unfinished sweep in {}: {} of {} cells succeeded, {} still to run",
        instance.display(),
        state.counts.of(CellStatus::Succeeded),
        state.cells.len(),
        state.counts.of(CellStatus::Pending)
            + state.counts.of(CellStatus::Running)
            + state.counts.of(CellStatus::Interrupted),
    );
    sanitize(&text).into_owned()
}

/// Ask on a terminal, before the screen is opened. An empty line takes the first choice; the end of input is no answer.
pub(super) fn ask(story: &str, input: &mut dyn BufRead, output: &mut dyn Write) -> io::Result<Answer> {
    writeln!(output, "{story}")?;
    loop {
        write!(output, "Go on with it? [Y]es, [n]ew sweep, [q]uit: ")?;
        output.flush()?;
        let mut line = String::new();
        if input.read_line(&mut line)? == 0 {
            return Ok(Answer::Leave);
        }
        match line.trim().to_ascii_lowercase().as_str() {
            "" | "y" | "yes" => return Ok(Answer::Resume),
            "n" | "new" | "no" => return Ok(Answer::New),
            "q" | "quit" => return Ok(Answer::Leave),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(typed: &str) -> Answer {
        ask("story", &mut typed.as_bytes(), &mut Vec::new()).unwrap()
    }

    #[test]
    fn enter_goes_on_and_nonsense_is_asked_again() {
        assert_eq!(answer("\n"), Answer::Resume);
        assert_eq!(answer("what\nN\n"), Answer::New);
        assert_eq!(answer("q\n"), Answer::Leave);
        assert_eq!(answer(""), Answer::Leave);
    }
}
