//! `experiment`: from flags to a running sweep, watched on the screen or line by line.
//!
//! | file | its part |
//! | --- | --- |
//! | `flags` | what the user may say |
//! | `begin` | flags and files → a plan, of a new sweep or of one that is resumed |
//! | `offer` | the offer to go on with an unfinished sweep |
//! | `plans` | plans of rows, for the screen to show |
//! | `watch` | engine, platform and screen (or lines) together, from the first event to the exit code |
//! | `headless`, `lines` | the sweep without a screen |

mod begin;
mod flags;
mod headless;
mod lines;
mod offer;
mod plans;
mod stand_in;
mod watch;

pub(super) use flags::Args;

use super::exit::{self, Exit};
use super::output::{say, say_data};
use super::planning;
use crate::engine::{Failure, replay};
use crate::logs::{self, Output};
use crate::text::sanitize;
use crate::workspace::{self, Instance};
use begin::{Begun, Prepared};
use flags::Format;
use offer::Answer;
use std::io::{self, IsTerminal};
use std::path::Path;
use watch::Sweep;

/// What this machine lacks, and what to do about it.
fn say_missing(failure: &Failure) {
    say(&format!("error: {}", sanitize(&failure.reason)));
    if let Some(hint) = &failure.hint {
        say(&format!("  help: {}", sanitize(hint)));
    }
}

/// Run a sweep; returns the process's exit code.
pub(super) fn run(args: Args) -> u8 {
    execute(args).unwrap_or_else(Exit::told)
}

fn execute(args: Args) -> Result<u8, Exit> {
    let screen = !args.headless && args.format == Format::Text && io::stdout().is_terminal();
    let output = match (screen, args.verbose) {
        (true, _) => Output::Screen,
        (false, false) => Output::Stderr,
        (false, true) => Output::Verbose,
    };
    let app_log = logs::init(output).map_err(|error| Exit::new(exit::USAGE, error.to_string()))?;
    let unused = args.cluster.without_effect();
    if !unused.is_empty() {
        say(&format!(
            "note: no effect on the local platform: {}",
            unused.join(", ")
        ));
    }
    let (resumed, begun) = match &args.resume {
        Some(folder) => {
            let instance = found(folder)?;
            let begun = Begun::read(&instance)?;
            (Some(instance), Some(begun))
        }
        None => (None, None),
    };
    let prepared = begin::prepare(args.inputs.clone(), begun)?;
    if args.dry_run {
        let text: Vec<String> = prepared
            .plan
            .summary()
            .lines()
            .map(|line| sanitize(line).into_owned())
            .collect();
        say_data(&text.join("\n"))?;
        return Ok(exit::SUCCESS);
    }
    let root = planning::workspace(args.workspace.as_deref(), &prepared.plan);
    let (prepared, resumed) = match resumed {
        Some(instance) => (prepared, Some(instance)),
        None => continued(&args, prepared, &root, screen)?,
    };
    Sweep {
        args,
        prepared,
        resumed,
        root,
        screen,
        app_log,
    }
    .run()
}

fn found(folder: &Path) -> Result<Instance, Exit> {
    workspace::find_instance(folder).map_err(|error| Exit::new(exit::USAGE, error.to_string()))
}

/// The offer to go on with what was left unfinished in this workspace, when it is the same experiment.
fn continued(
    args: &Args,
    prepared: Prepared,
    root: &Path,
    screen: bool,
) -> Result<(Prepared, Option<Instance>), Exit> {
    let Some(instance) = workspace::unfinished(root) else {
        return Ok((prepared, None));
    };
    // A journal that cannot be read is no reason to refuse a new sweep.
    let Ok((state, _)) = replay(&instance.journal()) else {
        return Ok((prepared, None));
    };
    let same = state
        .opened
        .as_ref()
        .is_some_and(|opened| opened.experiment == prepared.plan.experiment);
    if !same {
        return Ok((prepared, None));
    }
    let story = offer::story(instance.path(), &state);
    if !(screen && io::stdin().is_terminal()) {
        say(&format!(
            "note: {story}; `--resume {}` goes on with it, this is a new sweep",
            sanitize(&instance.path().display().to_string())
        ));
        return Ok((prepared, None));
    }
    let answer = offer::ask(&story, &mut io::stdin().lock(), &mut io::stderr())
        .map_err(|error| Exit::new(exit::ENVIRONMENT, format!("cannot ask on this terminal: {error}")))?;
    match answer {
        Answer::New => Ok((prepared, None)),
        Answer::Leave => Err(Exit::new(exit::SUCCESS, "")),
        Answer::Resume => {
            let begun = Begun::read(&instance)?;
            let prepared = begin::prepare(args.inputs.clone(), Some(begun))?;
            Ok((prepared, Some(instance)))
        }
    }
}
