//! The process that is a stack: its command line, and the questions it is asked.

use super::supervisor::process::Launch;
use super::supervisor::{Cause, Folder, GRACE};
use super::{failed, last_words, relative};
use crate::engine::{Context, Failure, Health, LogSource, PhaseKind, Progress, Scope};
use crate::harness::tools;
use crate::http;
use crate::plan::{EffectiveConfig, get, shape};
use crate::platform::{RunningStack, StackSpec};
use crate::sim::config::{Config, Flags};
use crate::text::sanitize;
use crate::workspace::Instance;
use clap::Parser;
use clap::error::ErrorKind;
use serde_json::Value;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Between two looks at a server that is starting.
const LOOK: Duration = Duration::from_millis(25);
/// The longest pause between two looks, once a start takes long.
const SLOW_LOOK: Duration = Duration::from_millis(500);
/// How long a server may take to answer a question about itself.
const PATIENCE: Duration = Duration::from_secs(10);
/// Seconds until a server must answer, where the config does not say.
const READY: f64 = 600.0;

/// The folder of the process of the stack in `stack_folder`.
pub(super) fn folder(stack_folder: &Path) -> Folder {
    Folder::at(stack_folder.join("server"))
}

fn port_file(folder: &Folder) -> PathBuf {
    folder.path().join("port")
}

/// Whether this machine can run the stack.
pub(super) fn check(spec: &StackSpec) -> Result<(), Failure> {
    let told = |message: String| Failure::new(format!("setup treatment {}: {message}", spec.setup_name));
    shape::of(&spec.config).map_err(told)?;
    let command = shape::command(&spec.config).map_err(told)?;
    if command.is_empty() {
        return simulator_takes(spec).map_err(told);
    }
    match command.first() {
        Some(program) if !tools::is_there(program, std::env::var_os("PATH").as_deref()) => Err(Failure::new(
            format!("the server's program `{program}` is not on PATH"),
        )
        .with_hint("install it, or leave local.command out to use the simulator")),
        _ => Ok(()),
    }
}

/// Whether the simulator can be what the config asks for: memory for the model, sane numbers.
fn simulator_takes(spec: &StackSpec) -> Result<(), String> {
    let words = simulator(Path::new("simulate"), spec, Path::new("port"))?;
    // Program and subcommand are one name to the parser.
    match Flags::try_parse_from(words.into_iter().skip(1)) {
        Ok(flags) => Config::new(flags).map(|_| ()).map_err(|error| error.to_string()),
        // The server itself takes flags it does not know, as the servers it stands for do.
        Err(error) if error.kind() == ErrorKind::UnknownArgument => Ok(()),
        Err(error) => {
            let text = error.to_string();
            let line = text.lines().next().unwrap_or_default();
            Err(format!("the simulator: {}", line.trim_start_matches("error: ")))
        }
    }
}

/// Start the stack's process, unless it was started before.
///
/// One that was ended from outside before its standup was over, by a crash of the machine or by a stop at once, is
/// started again. It says nothing about the stack.
pub(super) async fn start(binary: &Path, spec: &StackSpec) -> Result<(), Failure> {
    let folder = folder(&spec.folder);
    if folder.is_launched().map_err(|error| failed(&error))? {
        if folder.is_running().map_err(|error| failed(&error))? {
            return Ok(());
        }
        let exit = folder.end(GRACE).await.map_err(|error| failed(&error))?;
        if exit.cause == Cause::Itself || exit.trouble.is_some() {
            return Ok(());
        }
        put_aside(&folder)?;
    }
    std::fs::create_dir_all(folder.path())
        .map_err(|error| Failure::new(format!("cannot create {}: {error}", folder.path().display())))?;
    let told = |message: String| Failure::new(format!("the config cannot be deployed: {message}"));
    let words = shape::command(&spec.config).map_err(told)?;
    let command = if words.is_empty() {
        simulator(binary, spec, &port_file(&folder)).map_err(told)?
    } else {
        own_command(&words, spec, &port_file(&folder))?
    };
    let env = environment(&spec.config);
    folder
        .launch(&Launch {
            supervisor: binary,
            command,
            env: &env,
            timeout: None,
        })
        .await
        .map_err(|error| failed(&error))
}

/// Keep what a process wrote that is not the stack's any more.
fn put_aside(folder: &Folder) -> Result<(), Failure> {
    let mut number = 1_u32;
    let aside = loop {
        let aside = folder.path().with_extension(format!("lost-{number}"));
        if !aside.exists() {
            break aside;
        }
        number += 1;
    };
    std::fs::rename(folder.path(), &aside).map_err(|error| {
        Failure::new(format!(
            "cannot move {} out of the way: {error}",
            folder.path().display()
        ))
    })
}

/// The simulator with what the config says about the stack.
fn simulator(binary: &Path, spec: &StackSpec, port_file: &Path) -> Result<Vec<OsString>, String> {
    let shape = shape::of(&spec.config)?;
    let mut words: Vec<OsString> = vec![binary.into(), "simulate".into()];
    let mut flag = |name: &str, value: &dyn std::fmt::Display| {
        words.push(format!("--{name}").into());
        words.push(value.to_string().into());
    };
    flag("host", &"127.0.0.1");
    flag("port", &0);
    flag("port-file", &port_file.display());
    flag("model", &shape.model);
    for role in &shape.roles {
        let prefix = match role.name {
            "replica" => String::new(),
            name => format!("{name}-"),
        };
        flag(&format!("{prefix}replicas"), &role.replicas);
        flag(&format!("{prefix}tensor-parallel-size"), &role.tensor_parallelism);
        flag(&format!("{prefix}data-parallel-size"), &role.data_parallelism);
    }
    if let Some(routing) = shape.routing {
        flag("routing-policy", &routing.name());
    }
    if let Some(plugins) = &shape.plugin_config {
        flag("plugins-config", plugins);
    }
    let config = &spec.config;
    for (name, path) in shape::SIMULATED {
        // Scenarios for machines without accelerators give 0 where a figure makes no sense.
        match get(config, path) {
            Some(Value::Number(number)) if number.as_f64() > Some(0.0) || *name == "seed" => {
                flag(name, number);
            }
            Some(Value::String(text)) if !text.is_empty() => flag(name, text),
            _ => {}
        }
    }
    if let Some(Value::Object(flags)) = get(config, &["local", "simulator", "flags"]) {
        for (name, value) in flags {
            match value {
                Value::String(text) => flag(name, text),
                Value::Null => {}
                other => flag(name, other),
            }
        }
    }
    if shape.expert_parallelism {
        words.push("--enable-expert-parallel".into());
    }
    Ok(words)
}

/// The scenario's own command, with a free port and the facts of the config in place of its placeholders.
fn own_command(words: &[String], spec: &StackSpec, port_file: &Path) -> Result<Vec<OsString>, Failure> {
    let trouble = |error: io::Error| Failure::new(format!("cannot find a free port: {error}"));
    let port = TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .map_err(trouble)?
        .port();
    // Kept before the start, so that whoever adopts the server knows where it answers.
    std::fs::write(port_file, port.to_string())
        .map_err(|error| Failure::new(format!("cannot write {}: {error}", port_file.display())))?;
    let text = |path: &[&str]| match get(&spec.config, path) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    };
    let tensor = match text(&["standalone", "parallelism", "tensor"]) {
        empty if empty.is_empty() => "1".to_owned(),
        tensor => tensor,
    };
    let fill = |word: &String| {
        word.replace("{port}", &port.to_string())
            .replace("{model}", &text(&["model", "name"]))
            .replace("{tensor}", &tensor)
            .replace("{maxModelLen}", &text(&["model", "maxModelLen"]))
    };
    let mut words: Vec<String> = words.iter().map(fill).collect();
    // It runs in a folder of its own, and is named from where the operator stands.
    if let Some(program) = words.first_mut()
        && program.contains('/')
        && let Ok(path) = std::path::absolute(&*program)
    {
        *program = path.display().to_string();
    }
    Ok(words.into_iter().map(OsString::from).collect())
}

fn environment(config: &Value) -> BTreeMap<String, String> {
    let Some(Value::Object(env)) = get(config, &["local", "env"]) else {
        return BTreeMap::new();
    };
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    env.iter()
        .map(|(name, value)| (name.clone(), text(value)))
        .collect()
}

fn scope(spec: &StackSpec) -> Scope {
    Scope::Phase {
        setup: spec.stack.setup,
        generation: spec.stack.generation,
        phase: PhaseKind::Standup,
    }
}

/// Tell that the server's logs can be followed.
pub(super) async fn log_seen(instance: &Instance, spec: &StackSpec, context: &dyn Context) {
    let folder = folder(&spec.folder);
    for (name, path) in [("server", folder.stdout()), ("server stderr", folder.stderr())] {
        let source = LogSource {
            name: name.to_owned(),
            path: relative(instance, &path),
        };
        context.log_seen(scope(spec), source).await;
    }
}

/// Wait until the server answers. Ends at once when its process does, or when the work is cancelled.
pub(super) async fn ready(spec: &StackSpec, context: &dyn Context) -> Result<RunningStack, Failure> {
    let folder = folder(&spec.folder);
    let begun = Instant::now();
    let seconds = get(&spec.config, &["local", "readyTimeout"])
        .and_then(Value::as_f64)
        .unwrap_or(READY);
    let limit = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
    let mut pause = LOOK;
    loop {
        if let Some(failure) = died(&folder)? {
            return Err(failure);
        }
        let doing = match endpoint(&folder) {
            None => "the server starts".to_owned(),
            Some(endpoint) => match is_ready(spec, &endpoint).await {
                Ok(()) => return Ok(RunningStack { endpoint }),
                Err(why) => why,
            },
        };
        let passed = begun.elapsed();
        if passed > limit {
            return Err(
                Failure::new(format!("the server is not ready after {seconds} s: {doing}"))
                    .with_hint("its log tells more; local.readyTimeout gives it more time"),
            );
        }
        context.progress(Progress {
            scope: scope(spec),
            done: 0,
            total: 0,
            text: format!("{doing} ({} s)", passed.as_secs()),
        });
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = context.cancelled().cancelled() => {
                return Err(Failure::new("cancelled before the server was ready"));
            }
        }
        pause = (pause * 5 / 4).min(SLOW_LOOK);
    }
}

/// Why the server's process does not run, if it does not.
fn died(folder: &Folder) -> Result<Option<Failure>, Failure> {
    if folder.is_running().map_err(|error| failed(&error))? {
        return Ok(None);
    }
    let exit = folder.exit().ok().flatten();
    let how = match exit.as_ref().map(|exit| (exit.code, exit.signal, &exit.trouble)) {
        Some((_, _, Some(trouble))) => trouble.clone(),
        Some((Some(code), _, _)) => format!("exit code {code}"),
        Some((_, Some(signal), _)) => format!("signal {signal}"),
        _ => "nobody saw how".to_owned(),
    };
    let lines = last_words::of(&folder.stderr()).or_else(|| last_words::of(&folder.stdout()));
    let reason = match lines {
        Some(lines) => format!("the server ended ({how}): {lines}"),
        None => format!("the server ended ({how}) without a word"),
    };
    Ok(Some(Failure::new(reason).with_hint(format!(
        "its whole log is in {}",
        folder.path().display()
    ))))
}

fn endpoint(folder: &Folder) -> Option<String> {
    let port: u16 = std::fs::read_to_string(port_file(folder))
        .ok()?
        .trim()
        .parse()
        .ok()?;
    Some(format!("http://127.0.0.1:{port}"))
}

/// Whether the server takes requests; what it is doing where it does not.
async fn is_ready(spec: &StackSpec, endpoint: &str) -> Result<(), String> {
    let health = http::get(&format!("{endpoint}/health"), PATIENCE).await;
    match health {
        Ok(answer) if answer.is_success() => {}
        Ok(answer) if answer.status == 503 => return Err("the server loads its model".to_owned()),
        Ok(answer) if answer.status == 404 => {}
        Ok(answer) => return Err(format!("/health answers {}", answer.status)),
        Err(_) => return Err("the server does not listen yet".to_owned()),
    }
    let models = models(endpoint).await.map_err(|error| error.reason)?;
    let wanted = get(&spec.config, &["model", "name"])
        .and_then(Value::as_str)
        .unwrap_or_default();
    if models.is_empty() {
        return Err(format!("/v1/models does not list {} yet", sanitize(wanted)));
    }
    Ok(())
}

/// Names under which models are served.
async fn models(endpoint: &str) -> Result<Vec<String>, Failure> {
    let url = format!("{endpoint}/v1/models");
    let ask = async {
        let answer = http::get(&url, PATIENCE).await?;
        if !answer.is_success() {
            return Ok(Err(format!("{url} answers {}", answer.status)));
        }
        answer.json().map(Ok)
    };
    let listed: Value = ask
        .await
        .unwrap_or_else(|error: http::HttpError| Err(format!("{url}: {error}")))
        .map_err(Failure::new)?;
    let names = listed.get("data").and_then(Value::as_array);
    Ok(names
        .into_iter()
        .flatten()
        .filter_map(|model| model.get("id")?.as_str().map(str::to_owned))
        .collect())
}

/// A quick look: the process lives, and answers.
pub(super) async fn health(spec: &StackSpec, endpoint: &str) -> Health {
    match died(&folder(&spec.folder)) {
        Ok(None) => {}
        Ok(Some(failure)) | Err(failure) => return Health::Broken(failure),
    }
    match is_ready(spec, endpoint).await {
        Ok(()) => Health::Healthy,
        Err(why) => Health::Broken(Failure::new(format!(
            "the stack does not answer as it should: {why}"
        ))),
    }
}

/// What the stack says it is. A server that is not ours is only asked for its model.
pub(super) async fn effective(spec: &StackSpec, endpoint: &str) -> Result<EffectiveConfig, Failure> {
    if let Some(failure) = died(&folder(&spec.folder))? {
        return Err(failure);
    }
    let own_command = shape::command(&spec.config).is_ok_and(|command| !command.is_empty());
    if own_command {
        return effective_of_command(spec, endpoint).await;
    }
    let url = format!("{endpoint}/admin/stack");
    let told = |what: String| Failure::new(format!("{url}: {what}"));
    let answer = http::get(&url, PATIENCE)
        .await
        .map_err(|error| told(error.to_string()))?;
    serde_json::from_slice(&answer.body).map_err(|error| told(error.to_string()))
}

async fn effective_of_command(spec: &StackSpec, endpoint: &str) -> Result<EffectiveConfig, Failure> {
    let served = models(endpoint).await?;
    let wanted = get(&spec.config, &["model", "name"])
        .and_then(Value::as_str)
        .unwrap_or_default();
    let model = served
        .iter()
        .find(|name| *name == wanted)
        .or(served.first())
        .ok_or_else(|| Failure::new("the server serves no model"))?;
    let started = folder(&spec.folder)
        .started()
        .ok()
        .flatten()
        .ok_or_else(|| Failure::new("there are no records of the server's process"))?;
    Ok(EffectiveConfig {
        model: model.clone(),
        roles: Vec::new(),
        plugin_config: None,
        restarts: 0,
        incarnation: started.at.to_string(),
    })
}
