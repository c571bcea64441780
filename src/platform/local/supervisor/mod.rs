//! Programs that outlive the engine, and are never run twice.
//!
//! An engine may be killed at any instant and another one takes its sweep up. So stacks and harnesses are not children of
//! the engine: each gets a *supervisor*, this binary under the hidden subcommand `supervise`, in its own process group.
//! It starts the program, keeps its output, passes on the request to end, and writes down how it ended.
//!
//! The supervisor starts the program through a second stage of itself (`child.rs`) that makes the program end when the
//! supervisor is killed (Linux) and puts it into a session of its own, which an engine can end as a whole.
//! `folder.rs` tells how engines and supervisors meet; [`process`] is the engine's side.
//!
//! What may go wrong, and what then happens:
//!
//! | event | outcome |
//! | --- | --- |
//! | engine killed before the supervisor took its lock | the next engine launches again; whoever is second gives up |
//! | the same launch issued twice | one of the two gets the lock; the other sees it held, or the records, and gives up |
//! | engine ends a folder while a supervisor is on its way | it writes the exit under the lock; the late one gives up |
//! | supervisor killed | the program gets SIGKILL from the kernel (Linux); the next look ends the rest of its group |
//! | process number reused | no signal is sent: the locks say that nothing of ours lives |
//! | machine goes down | locks are gone, `started.json` is there: the program counts as lost, and is not run again |

mod child;
mod folder;
pub mod process;

pub use folder::{Cause, Exit, Folder, Started};

use jiff::Timestamp;
use rustix::process::{Pid, Signal};
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};

/// Time a program gets between being asked to end and being killed.
pub(crate) const GRACE: Duration = Duration::from_secs(5);
/// How long killed processes may take to vanish before that is called trouble.
const VANISH: Duration = Duration::from_secs(5);
/// Between two looks at a lock that is about to be given back.
const LOOK: Duration = Duration::from_millis(10);

/// Exit code of a supervisor that did nothing because another one is there.
const HELD: u8 = 75;
/// Exit code of a supervisor that could not keep its records.
const BROKEN: u8 = 74;

/// Arguments of the hidden subcommand `supervise`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Folder for the program's output and records
    #[arg(long, value_name = "DIR")]
    folder: PathBuf,
    /// End the program after this many seconds
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<f64>,
    /// Become the program, as the child of this supervisor
    #[arg(long, value_name = "PID", hide = true)]
    child_of: Option<i32>,
    /// The program and its arguments
    #[arg(last = true, required = true, value_name = "PROGRAM")]
    command: Vec<OsString>,
}

/// Supervise a program until nothing of it is left; returns the exit code of the supervisor itself.
pub fn run(args: &Args) -> u8 {
    let folder = Folder::at(&args.folder);
    if let Some(supervisor) = args.child_of {
        return child::become_program(&folder, supervisor, &args.command);
    }
    let lock = match folder.create().and_then(|()| folder.lock_supervisor()) {
        Ok(Some(lock)) => lock,
        Ok(None) => return HELD,
        Err(_) => return BROKEN,
    };
    let done = supervise(&folder, args);
    drop(lock);
    match done {
        Ok(()) => 0,
        Err(_) => BROKEN,
    }
}

/// With the lock held: start the program unless it ran before, and see it to its end.
fn supervise(folder: &Folder, args: &Args) -> io::Result<()> {
    // Started without an exit means that its supervisor was killed. The program may have had effects, so it is not run
    // again; the next engine that looks ends what is left of it.
    if folder.exit()?.is_some() || folder.started()?.is_some() {
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let exit = attend(folder, args).await?;
        folder.write_exit(&exit)
    })
}

async fn attend(folder: &Folder, args: &Args) -> io::Result<Exit> {
    // Handlers first, so that a request to end is never met by the default action, which would leave no exit behind.
    let mut requests = [
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
        signal(SignalKind::hangup())?,
    ];
    let [terminate, interrupt, hangup] = &mut requests;
    folder.write_started(&Started {
        supervisor: rustix::process::getpid().as_raw_nonzero().get(),
        at: Timestamp::now(),
    })?;
    let mut child = match start(folder, args) {
        Ok(child) => child,
        Err(error) => {
            return Ok(exit(
                Cause::Itself,
                None,
                Some(format!("cannot be started: {error}")),
            ));
        }
    };
    let limit = args
        .timeout
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let (cause, status) = tokio::select! {
        status = child.wait() => (Cause::Itself, Some(status?)),
        _ = terminate.recv() => (Cause::Request, None),
        _ = interrupt.recv() => (Cause::Request, None),
        _ = hangup.recv() => (Cause::Request, None),
        () = sleep_or_forever(limit) => (Cause::Timeout, None),
    };
    let group = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
    let status = match (status, group) {
        (Some(status), _) => status,
        (None, group) => end_child(&mut child, group).await?,
    };
    let trouble = end_rest(folder, GRACE).await?;
    Ok(exit(cause, Some(status), trouble))
}

fn exit(cause: Cause, status: Option<std::process::ExitStatus>, trouble: Option<String>) -> Exit {
    Exit {
        code: status.and_then(|status| status.code()),
        signal: status.and_then(|status| status.signal()),
        cause,
        trouble,
        at: Timestamp::now(),
    }
}

async fn sleep_or_forever(limit: Option<Duration>) {
    match limit {
        Some(limit) => tokio::time::sleep(limit).await,
        None => std::future::pending().await,
    }
}

fn start(folder: &Folder, args: &Args) -> io::Result<Child> {
    let alive = folder
        .lock_alive()?
        .ok_or_else(|| io::Error::other("processes of an earlier launch still live in this folder"))?;
    let append = |path: PathBuf| File::options().create(true).append(true).open(path);
    Command::new(std::env::current_exe()?)
        .arg("supervise")
        .arg("--folder")
        .arg(&args.folder)
        .arg("--child-of")
        .arg(rustix::process::getpid().as_raw_nonzero().get().to_string())
        .arg("--")
        .args(&args.command)
        .stdin(Stdio::from(alive))
        .stdout(append(folder.stdout())?)
        .stderr(append(folder.stderr())?)
        .spawn()
}

/// Ask the program to end, then kill it. It is not reaped before this returns, so its number is its own.
async fn end_child(child: &mut Child, group: Option<Pid>) -> io::Result<std::process::ExitStatus> {
    signal_child(group, Signal::TERM);
    if let Ok(status) = tokio::time::timeout(GRACE, child.wait()).await {
        return status;
    }
    signal_child(group, Signal::KILL);
    child.wait().await
}

/// Signal the program's group, or the program itself when it has not made its group yet.
fn signal_child(group: Option<Pid>, signal: Signal) {
    if let Some(pid) = group
        && rustix::process::kill_process_group(pid, signal).is_err()
    {
        // Fails only where there is nobody left to signal.
        let _ = rustix::process::kill_process(pid, signal);
    }
}

/// End what an earlier supervisor left when it was killed. Call with the supervisor's lock held.
async fn end_orphans(folder: &Folder, grace: Duration) -> io::Result<Exit> {
    let trouble = end_rest(folder, grace).await?;
    let cause = if folder.started()?.is_some() {
        Cause::Lost
    } else {
        Cause::NeverStarted
    };
    Ok(exit(cause, None, trouble))
}

/// End what is left of the program's group: children it did not wait for, or all of it when its supervisor was killed.
///
/// The lock they inherited proves that some of it lives, so the number of its group cannot be another one's.
/// Returns what could not be ended.
async fn end_rest(folder: &Folder, grace: Duration) -> io::Result<Option<String>> {
    if all_gone(folder, Duration::ZERO).await? {
        return Ok(None);
    }
    signal_group(folder, Signal::TERM);
    if all_gone(folder, grace).await? {
        return Ok(None);
    }
    let deadline = Instant::now() + VANISH;
    while Instant::now() < deadline {
        // Again and again, because the group may be forking, or may not have written down its number yet.
        signal_group(folder, Signal::KILL);
        if all_gone(folder, Duration::from_millis(100)).await? {
            return Ok(None);
        }
    }
    Ok(Some(
        "some of its processes left its group and still run; look for them and end them by hand".to_owned(),
    ))
}

fn signal_group(folder: &Folder, signal: Signal) {
    if let Some(group) = folder.group().and_then(Pid::from_raw) {
        // Fails only where there is nobody left to signal.
        let _ = rustix::process::kill_process_group(group, signal);
    }
}

/// Whether nothing of the program lives any more, at the latest after `patience`.
async fn all_gone(folder: &Folder, patience: Duration) -> io::Result<bool> {
    let deadline = Instant::now() + patience;
    loop {
        if folder.lock_alive()?.is_some() {
            return Ok(true);
        }
        if Instant::now() >= deadline {
            return Ok(false);
        }
        tokio::time::sleep(LOOK).await;
    }
}
