//! Environment variables of flags, beyond what clap does with them.

use clap::builder::Resettable;
use clap::error::{ContextKind, ContextValue};
use clap::{Arg, Command};
use std::ffi::OsStr;

/// The same command line, for which empty variables count as absent, as shells and CI systems mean them.
pub(super) fn without_empty(cli: Command) -> Command {
    cli.mut_subcommands(|command| {
        command.mut_args(|arg| {
            let empty = arg
                .get_env()
                .and_then(std::env::var_os)
                .is_some_and(|value| value.is_empty());
            if empty { arg.env(Resettable::Reset) } else { arg }
        })
    })
}

/// Say that a refused value is that of a variable: whoever has it in a profile does not see it on the command line.
pub(super) fn tell_source(command: &Command, error: &mut clap::Error) {
    let (Some(ContextValue::String(flag)), Some(ContextValue::String(value))) = (
        error.get(ContextKind::InvalidArg),
        error.get(ContextKind::InvalidValue),
    ) else {
        return;
    };
    let variable = command
        .get_arguments()
        .find(|arg| arg.to_string() == *flag)
        .and_then(Arg::get_env)
        .filter(|name| std::env::var_os(name).is_some_and(|set| set == OsStr::new(value)));
    if let Some(variable) = variable {
        let tip = format!(
            "the environment variable {} may be where it comes from",
            variable.to_string_lossy()
        );
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    }
}
