//! From a command line and a configuration file to [`Flags`].
//!
//! A drop-in for vLLM is started with flags that mean nothing here, so an unknown flag is a warning, not an error.

use super::Flags;
use crate::diagnostic::{self, Finding};
use crate::yaml;
use clap::{Arg, ArgAction, Command, CommandFactory, Parser};
use serde_json::{Map, Value};
use std::ffi::OsString;
use std::iter::Peekable;
use std::path::{Path, PathBuf};

/// Why there are no flags.
#[derive(Debug, thiserror::Error)]
pub enum ArgumentsError {
    /// The command line is wrong, or asks for help; [`clap::Error::exit_code`] tells which.
    #[error(transparent)]
    Usage(#[from] clap::Error),
    /// The configuration file is not there.
    #[error("cannot read the configuration {path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The configuration file does not hold settings; a picture of the place.
    #[error("{0}")]
    NotSettings(String),
}

/// The flags that `arguments` (without the program's name) and the file they name ask for, and a warning for each
/// setting that does nothing here.
pub fn read(arguments: Vec<OsString>) -> Result<(Flags, Vec<String>), ArgumentsError> {
    let command = Flags::command();
    let (given, unknown) = split_unknown(&command, arguments);
    let mut warnings: Vec<String> = unknown
        .iter()
        .map(|flag| format!("the simulator has no flag {flag}; it does nothing here"))
        .collect();
    let flags = parse(&[], &given)?;
    let Some(path) = &flags.config else {
        return Ok((flags, warnings));
    };
    let from_file = file(&command, path, &mut warnings)?;
    Ok((parse(&from_file, &given)?, warnings))
}

/// Later arguments win over earlier ones of the same name.
fn parse(first: &[OsString], then: &[OsString]) -> Result<Flags, clap::Error> {
    let program = OsString::from("simulate");
    Flags::try_parse_from(std::iter::once(&program).chain(first).chain(then))
}

/// The flag of this long name, with or without its dashes in front; underscores count as dashes, as in vLLM.
fn find<'a>(command: &'a Command, name: &str) -> Option<&'a Arg> {
    let long = name.trim_start_matches("--").replace('_', "-");
    command.get_arguments().find(|flag| {
        flag.get_long() == Some(long.as_str())
            || flag
                .get_all_aliases()
                .is_some_and(|all| all.contains(&long.as_str()))
    })
}

/// Divide arguments into those the simulator has, spelled its way, and the names of flags it has not.
fn split_unknown(command: &Command, arguments: Vec<OsString>) -> (Vec<OsString>, Vec<String>) {
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    let mut arguments = arguments.into_iter().peekable();
    while let Some(argument) = arguments.next() {
        let text = match argument.to_string_lossy().as_ref() {
            "-h" => "--help".to_owned(),
            "-tp" => "--tensor-parallel-size".to_owned(),
            "-dp" => "--data-parallel-size".to_owned(),
            other => other.to_owned(),
        };
        if !text.starts_with('-') {
            // The value of the flag before it, or for clap to refuse.
            known.push(argument);
            continue;
        }
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (text.as_str(), None),
        };
        let found = find(command, name);
        if found.is_none() && name != "--help" {
            // What follows an unknown flag and is no flag is its value.
            while arguments
                .next_if(|next| is_value(&next.to_string_lossy()))
                .is_some()
            {}
            unknown.push(name.to_owned());
            continue;
        }
        spell(
            &name.replace('_', "-"),
            value.map(str::to_owned),
            found,
            &mut arguments,
            &mut known,
        );
    }
    (known, unknown)
}

/// Write a flag the way clap takes it, with its value, which may be the next of `arguments`.
fn spell(
    name: &str,
    value: Option<String>,
    flag: Option<&Arg>,
    arguments: &mut Peekable<impl Iterator<Item = OsString>>,
    known: &mut Vec<OsString>,
) {
    let takes_value = flag.is_some_and(|flag| {
        matches!(flag.get_action(), ArgAction::Set | ArgAction::Append) && !flag.is_require_equals_set()
    });
    let value = value.or_else(|| {
        // Yes and no may stand apart from a flag that needs neither.
        let word = arguments.next_if(|next| !takes_value && (next == "true" || next == "false"));
        word.map(|word| word.to_string_lossy().into_owned())
    });
    match value {
        Some(given) if flag.is_some_and(is_switch) => {
            if given != "false" {
                known.push(name.into());
            }
        }
        Some(value) => known.push(format!("{name}={value}").into()),
        None => {
            known.push(name.into());
            if takes_value {
                known.extend(arguments.next());
            }
        }
    }
}

/// Whether clap takes no value for a flag, so that `false` must be said by leaving it out.
fn is_switch(flag: &Arg) -> bool {
    matches!(flag.get_action(), ArgAction::SetTrue)
}

/// Whether an argument can only be a value: no flag, or a negative number.
fn is_value(text: &str) -> bool {
    !text.starts_with('-') || text.parse::<f64>().is_ok()
}

/// The settings of a YAML file as arguments.
fn file(command: &Command, path: &Path, warnings: &mut Vec<String>) -> Result<Vec<OsString>, ArgumentsError> {
    let text = std::fs::read_to_string(path).map_err(|source| ArgumentsError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    let refused = |finding: Finding| {
        let picture = diagnostic::render(&path.display().to_string(), text.as_bytes(), &[finding], false);
        ArgumentsError::NotSettings(picture)
    };
    let settings = match yaml::from_str(&text).map_err(refused)? {
        Value::Object(settings) => settings,
        Value::Null => Map::new(),
        _ => {
            return Err(ArgumentsError::NotSettings(format!(
                "{} does not hold settings; write one `name: value` per line",
                path.display()
            )));
        }
    };
    let mut arguments = Vec::new();
    for (key, value) in settings {
        match find(command, &key) {
            Some(flag) if key != "config" => arguments.extend(argument(flag, &value)),
            _ => warnings.push(format!(
                "the simulator has no setting `{key}` ({}); it does nothing here",
                path.display()
            )),
        }
    }
    Ok(arguments)
}

/// A setting as an argument; `None` where it says that the flag is not given.
fn argument(flag: &Arg, value: &Value) -> Option<OsString> {
    let name = flag.get_long()?;
    let text = match value {
        Value::Null => return None,
        Value::Bool(given) if is_switch(flag) => {
            return given.then(|| format!("--{name}").into());
        }
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(","),
        other => plain(other),
    };
    Some(format!("--{name}={text}").into())
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn words(line: &str) -> Vec<OsString> {
        line.split_whitespace().map(OsString::from).collect()
    }

    #[test]
    fn unknown_flags_go_with_their_values_and_known_ones_stay() {
        let (flags, warnings) = read(words(
            "--model m-8B --trust-remote-code --dtype auto --max_num_seqs 5 --kv-transfer-config={\"a\":1} --rank -1 \
             -tp 2 --seed 3",
        ))
        .unwrap();
        assert_eq!(
            (flags.model.as_str(), flags.max_num_seqs, flags.seed),
            ("m-8B", Some(5), 3)
        );
        assert_eq!(flags.tensor_parallel_size, 2);
        assert_eq!(warnings.len(), 4);
        for (warning, flag) in warnings
            .iter()
            .zip(["--trust-remote-code", "--dtype", "--kv-transfer-config"])
        {
            assert!(warning.contains(flag), "{warning}");
        }
    }

    #[test]
    fn several_values_and_aliases_are_known() {
        let (flags, warnings) = read(words(
            "--served-model-name a b --enable-kvcache --num-gpu-blocks-override 9 --failure-types rate_limit",
        ))
        .unwrap();
        assert_eq!(flags.served_model_name, ["a", "b"]);
        assert_eq!(flags.kv_cache_size, Some(9));
        assert_eq!(flags.live.failure_types.len(), 1);
        assert!(warnings.is_empty());
    }

    #[test]
    fn yes_and_no_may_stand_apart_from_their_flag() {
        let caching = |line: &str| {
            let (flags, warnings) = read(words(line)).unwrap();
            assert!(warnings.is_empty(), "{warnings:?}");
            flags.enable_prefix_caching && !flags.no_enable_prefix_caching
        };
        assert!(caching("--enable-prefix-caching true --seed 1"));
        assert!(!caching("--enable-prefix-caching false --seed 1"));
        assert!(!caching("--enable-kvcache=false"));
        assert!(!caching("--no-enable-prefix-caching true"));
        assert!(caching("--no-enable-prefix-caching false"));
        assert!(caching("--no-enable-prefix-caching=false"));
    }

    #[test]
    fn a_stray_word_and_a_wrong_value_are_refused() {
        assert!(matches!(
            read(words("stray")),
            Err(ArgumentsError::Usage(error)) if error.use_stderr()
        ));
        assert!(read(words("--seed many")).is_err());
        assert!(matches!(
            read(words("--help")),
            Err(ArgumentsError::Usage(error)) if !error.use_stderr()
        ));
    }

    #[test]
    fn a_file_has_the_same_names_and_flags_win_over_it() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(
            b"model: m-8B\nmax_num_seqs: 7\nseed: 4\nserved-model-name: [a, b]\nfailure-types: [rate_limit]\n\
              enable-prefix-caching: false\nno-enable-prefix-caching: true\ntime-to-first-token: 50ms\n\
              port: null\nlora-modules: []\n",
        )
        .unwrap();
        let line = format!("--config {} --seed 5", file.path().display());
        let (flags, warnings) = read(words(&line)).unwrap();
        assert_eq!((flags.seed, flags.max_num_seqs, flags.port), (5, Some(7), 8000));
        assert_eq!(flags.served_model_name, ["a", "b"]);
        assert!(!flags.enable_prefix_caching && flags.no_enable_prefix_caching);
        assert!(flags.live.time_to_first_token.is_some());
        assert_eq!(warnings.len(), 1);
        assert!(warnings[0].contains("lora-modules"));
    }

    #[test]
    fn a_file_that_holds_no_settings_says_where() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"model: m\nmodel: [\n").unwrap();
        let line = format!("--config {}", file.path().display());
        let error = read(words(&line)).unwrap_err().to_string();
        assert!(error.contains(&file.path().display().to_string()), "{error}");
        let error = read(words("--config /nowhere/at/all")).unwrap_err();
        assert!(matches!(error, ArgumentsError::Unreadable { .. }), "{error}");
    }
}
