//! Flags before the subcommand, as users of llm-d-benchmark write them.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, Command};
use std::ffi::{OsStr, OsString};

/// Move what stands before the subcommand behind it, so that each subcommand defines its flags once, lists only its
/// own in `--help`, and still accepts them on either side.
///
/// Arguments without a recognisable subcommand come back unchanged, so that clap words the error.
pub(super) fn flags_after_subcommand(cli: &Command, arguments: Vec<OsString>) -> Vec<OsString> {
    let Some(position) = subcommand_position(cli, &arguments) else {
        return arguments;
    };
    let mut moved = Vec::with_capacity(arguments.len());
    moved.extend(arguments.first().cloned());
    moved.extend(arguments.get(position).cloned());
    moved.extend(arguments.iter().take(position).skip(1).cloned());
    moved.extend(arguments.into_iter().skip(position + 1));
    moved
}

fn subcommand_position(cli: &Command, arguments: &[OsString]) -> Option<usize> {
    let mut index = 1;
    while let Some(argument) = arguments.get(index) {
        let text = argument.to_str()?;
        if matches!(text, "--" | "-h" | "--help" | "-V" | "--version") {
            return None;
        }
        if text.starts_with('-') && text.len() > 1 {
            index += if value_follows(cli, text) { 2 } else { 1 };
        } else {
            return cli.find_subcommand(OsStr::new(text)).map(|_| index);
        }
    }
    None
}

/// Whether the flag written as `text` takes its value from the next argument.
fn value_follows(cli: &Command, text: &str) -> bool {
    let with_value = || {
        cli.get_subcommands()
            .flat_map(Command::get_arguments)
            .filter(|arg| {
                matches!(arg.get_action(), ArgAction::Set | ArgAction::Append) && !arg.is_positional()
            })
    };
    if let Some(long) = text.strip_prefix("--") {
        // A unique prefix of a long flag is enough; where prefixes are ambiguous clap refuses later.
        return !long.contains('=')
            && with_value().any(|arg| long_names(arg).any(|name| name.starts_with(long)));
    }
    // In a cluster like `-nj` the first flag that takes a value takes the rest of it, or the next argument.
    let letters = text.get(1..).unwrap_or_default();
    letters
        .char_indices()
        .find(|(_, letter)| with_value().any(|arg| arg.get_short() == Some(*letter)))
        .is_some_and(|(at, letter)| at + letter.len_utf8() == letters.len())
}

/// Where a flag is unknown because several begin like it, name them.
pub(super) fn tell_ambiguous(command: &Command, error: &mut clap::Error) {
    let Some(ContextValue::String(written)) = error.get(ContextKind::InvalidArg) else {
        return;
    };
    let Some(prefix) = written.strip_prefix("--") else {
        return;
    };
    let meant: Vec<String> = command
        .get_arguments()
        .flat_map(long_names)
        .filter(|name| name.starts_with(prefix))
        .map(|name| format!("--{name}"))
        .collect();
    if error.kind() == ErrorKind::UnknownArgument && meant.len() > 1 {
        let tip = format!("{written} could be {}", meant.join(", "));
        error.remove(ContextKind::SuggestedArg);
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    }
}

fn long_names(arg: &Arg) -> impl Iterator<Item = &str> {
    arg.get_long_and_visible_aliases().unwrap_or_default().into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cli() -> Command {
        Command::new("x").subcommand(
            Command::new("experiment")
                .arg(Arg::new("spec").long("spec"))
                .arg(Arg::new("parallelism").short('j').long("parallelism"))
                .arg(
                    Arg::new("dry")
                        .short('n')
                        .long("dry-run")
                        .action(ArgAction::SetTrue),
                ),
        )
    }

    fn moved(line: &str) -> String {
        let arguments = line.split(' ').map(OsString::from).collect();
        flags_after_subcommand(&cli(), arguments)
            .join(OsStr::new(" "))
            .into_string()
            .unwrap()
    }

    #[test]
    fn flags_before_the_subcommand_move_behind_it() {
        assert_eq!(
            moved("x --spec local -n experiment -j 2"),
            "x experiment --spec local -n -j 2"
        );
        assert_eq!(moved("x --spec=local experiment"), "x experiment --spec=local");
        assert_eq!(moved("x --par 2 experiment"), "x experiment --par 2");
        assert_eq!(moved("x -nj 2 experiment"), "x experiment -nj 2");
        assert_eq!(moved("x -j2 experiment"), "x experiment -j2");
    }

    #[test]
    fn a_value_that_is_also_a_subcommand_stays_a_value() {
        assert_eq!(
            moved("x --spec experiment experiment"),
            "x experiment --spec experiment"
        );
    }

    #[test]
    fn without_a_subcommand_nothing_moves() {
        assert_eq!(moved("x --spec local"), "x --spec local");
        assert_eq!(moved("x --help experiment"), "x --help experiment");
        assert_eq!(moved("x -n nonsense"), "x -n nonsense");
    }
}
