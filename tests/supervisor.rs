//! Programs under a supervisor, with real processes: what an engine that is killed, restarted or confused may do to them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "these are tests")]

use llmdbenchmark::platform::local::supervisor::{Cause, Exit, Folder, process::Launch};
use rustix::process::{Pid, Signal};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const GRACE: Duration = Duration::from_secs(5);
const PROGRAM: &str = env!("CARGO_BIN_EXE_llmdbenchmark");

async fn launch_with(folder: &Folder, script: &str, timeout: Option<Duration>) {
    let launch = Launch {
        supervisor: Path::new(PROGRAM),
        command: ["/bin/sh", "-c", script].map(Into::into).to_vec(),
        env: &BTreeMap::from([("GREETING".to_owned(), "good day".to_owned())]),
        timeout,
    };
    folder.launch(&launch).await.unwrap();
}

async fn launch(folder: &Folder, script: &str) {
    launch_with(folder, script, None).await;
}

/// A supervisor nobody waits for, as an engine leaves it that is killed right after it spawned it.
fn spawn_blindly(folder: &Folder, script: &str) -> std::process::Child {
    Command::new(PROGRAM)
        .args(["supervise", "--folder"])
        .arg(folder.path())
        .args(["--", "/bin/sh", "-c", script])
        .stdin(Stdio::null())
        .current_dir(folder.path())
        .spawn()
        .unwrap()
}

fn folder() -> (tempfile::TempDir, Folder) {
    let scratch = tempfile::tempdir().unwrap();
    let folder = Folder::at(scratch.path());
    (scratch, folder)
}

fn text(folder: &Folder, name: &str) -> String {
    fs::read_to_string(folder.path().join(name)).unwrap_or_default()
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !holds() {
        assert!(Instant::now() < deadline, "never happened: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Process numbers that a script wrote, one per line, once there are `count`.
async fn pids(folder: &Folder, count: usize) -> Vec<Pid> {
    until("the script writes its process numbers", || {
        text(folder, "pids").lines().count() >= count
    })
    .await;
    text(folder, "pids")
        .lines()
        .map(|line| Pid::from_raw(line.parse().unwrap()).unwrap())
        .collect()
}

/// Whether a process runs. One that ended and that nobody has waited for yet does not.
fn lives(pid: Pid) -> bool {
    let number = pid.as_raw_nonzero().to_string();
    let state = if Path::new("/proc/self/stat").exists() {
        // The state follows the program's name, which stands in parentheses and may hold some itself.
        let stat = fs::read_to_string(format!("/proc/{number}/stat")).unwrap_or_default();
        stat.rsplit(") ").next().unwrap_or_default().to_owned()
    } else {
        let told = Command::new("ps").args(["-o", "stat=", "-p", &number]).output();
        String::from_utf8_lossy(&told.unwrap().stdout).trim().to_owned()
    };
    !state.is_empty() && !state.starts_with('Z')
}

fn kill(pid: i32, signal: Signal) {
    rustix::process::kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
}

#[tokio::test]
async fn output_and_exit_are_kept() {
    let (_scratch, folder) = folder();
    launch(&folder, "cat; echo \"$GREETING\"; pwd; echo oops >&2; exit 7").await;
    let exit = folder.wait().await.unwrap();
    assert_eq!(
        (exit.code, exit.signal, exit.cause),
        (Some(7), None, Cause::Itself)
    );
    let here = fs::canonicalize(folder.path()).unwrap();
    assert_eq!(
        text(&folder, "stdout.log"),
        format!("good day\n{}\n", here.display())
    );
    assert_eq!(text(&folder, "stderr.log"), "oops\n");
    assert!(!folder.is_running().unwrap());
}

#[tokio::test]
async fn a_program_that_is_not_there_says_so_in_its_log() {
    let (_scratch, folder) = folder();
    let launch = Launch {
        supervisor: Path::new(PROGRAM),
        command: vec!["/no/such/program".into()],
        env: &BTreeMap::new(),
        timeout: None,
    };
    folder.launch(&launch).await.unwrap();
    assert_eq!(folder.wait().await.unwrap().code, Some(127));
    assert!(text(&folder, "stderr.log").contains("cannot run /no/such/program"));
}

#[tokio::test]
async fn the_next_engine_adopts_what_runs() {
    let (scratch, folder) = folder();
    launch(
        &folder,
        "until test -e go; do sleep 0.01; done; echo once; exit 3",
    )
    .await;
    drop(folder);
    let adopted = Folder::at(scratch.path());
    launch(&adopted, "echo twice").await;
    assert!(adopted.is_running().unwrap());
    fs::write(scratch.path().join("go"), "").unwrap();
    assert_eq!(adopted.wait().await.unwrap().code, Some(3));
    assert_eq!(text(&adopted, "stdout.log"), "once\n");
    // And what ended stays ended.
    launch(&adopted, "echo twice").await;
    assert_eq!(adopted.wait().await.unwrap().code, Some(3));
    assert_eq!(text(&adopted, "stdout.log"), "once\n");
}

#[tokio::test]
async fn many_launches_at_once_run_the_program_once() {
    let (_scratch, folder) = folder();
    let launches = (0..8).map(|_| launch(&folder, "echo ran; sleep 0.2"));
    futures::future::join_all(launches).await;
    assert_eq!(folder.wait().await.unwrap().code, Some(0));
    assert_eq!(text(&folder, "stdout.log"), "ran\n");
}

#[tokio::test]
async fn ending_asks_first() {
    let (_scratch, folder) = folder();
    launch(
        &folder,
        "trap 'echo asked; exit 9' TERM; echo $$ >pids; while :; do sleep 0.01; done",
    )
    .await;
    let pids = pids(&folder, 1).await;
    let exit = folder.end(GRACE).await.unwrap();
    assert_eq!((exit.code, exit.cause), (Some(9), Cause::Request));
    assert_eq!(text(&folder, "stdout.log"), "asked\n", "asked once");
    assert!(!lives(pids[0]));
    assert_eq!(
        folder.end(GRACE).await.unwrap(),
        exit,
        "ending again changes nothing"
    );
}

#[tokio::test]
async fn ending_kills_what_does_not_listen() {
    let (_scratch, folder) = folder();
    launch(
        &folder,
        "trap '' TERM; sleep 1000 & echo $! >pids; echo $$ >>pids; while :; do sleep 1; done",
    )
    .await;
    let pids = pids(&folder, 2).await;
    let exit = folder.end(GRACE).await.unwrap();
    assert_eq!((exit.signal, exit.cause), (Some(9), Cause::Request));
    assert!(pids.iter().all(|pid| !lives(*pid)));
}

#[tokio::test]
async fn ending_at_once_asks_nobody() {
    let (_scratch, folder) = folder();
    launch(
        &folder,
        "trap 'echo asked' TERM; sleep 1000 & echo $! >pids; echo $$ >>pids; wait; wait",
    )
    .await;
    let pids = pids(&folder, 2).await;
    let exit = folder.end(Duration::ZERO).await.unwrap();
    assert_eq!((exit.code, exit.cause), (None, Cause::Lost));
    assert_eq!(text(&folder, "stdout.log"), "");
    assert!(pids.iter().all(|pid| !lives(*pid)));
}

#[tokio::test]
async fn a_program_that_takes_too_long_is_ended() {
    let (_scratch, folder) = folder();
    launch_with(&folder, "exec sleep 1000", Some(Duration::from_millis(200))).await;
    let exit = folder.wait().await.unwrap();
    assert_eq!((exit.signal, exit.cause), (Some(15), Cause::Timeout));
}

#[tokio::test]
async fn children_that_outlive_the_program_are_ended() {
    let (_scratch, folder) = folder();
    launch(&folder, "sleep 1000 & echo $! >pids; exit 4").await;
    let pids = pids(&folder, 1).await;
    let exit = folder.wait().await.unwrap();
    assert_eq!(
        (exit.code, exit.cause, exit.trouble),
        (Some(4), Cause::Itself, None)
    );
    assert!(!lives(pids[0]));
}

#[tokio::test]
async fn killing_the_supervisor_ends_all_it_started() {
    let (_scratch, folder) = folder();
    launch(
        &folder,
        "trap '' TERM; sleep 1000 & echo $! >pids; echo $$ >>pids; while :; do sleep 1; done",
    )
    .await;
    let pids = pids(&folder, 2).await;
    kill(folder.started().unwrap().unwrap().supervisor, Signal::KILL);
    let exit = folder.wait().await.unwrap();
    assert_eq!((exit.code, exit.signal, exit.cause), (None, None, Cause::Lost));
    assert!(pids.iter().all(|pid| !lives(*pid)));
    // What was lost is not run again.
    launch(&folder, "echo again").await;
    assert_eq!(folder.wait().await.unwrap(), exit);
    assert_eq!(text(&folder, "stdout.log"), "");
}

#[tokio::test]
async fn a_supervisor_that_comes_late_does_nothing() {
    for round in 0..20 {
        let (_scratch, folder) = folder();
        fs::create_dir(folder.path().join("process")).unwrap();
        // The engine was killed between spawning the supervisor and seeing its lock; the next one ends the folder while
        // the supervisor is anywhere on its way.
        let mut supervisor = spawn_blindly(&folder, "echo $$ >>pids; sleep 1000");
        tokio::time::sleep(Duration::from_millis(round)).await;
        let exit = folder.end(GRACE).await.unwrap();
        supervisor.wait().unwrap();
        assert_eq!(folder.exit().unwrap().as_ref(), Some(&exit), "written once");
        launch(&folder, "echo again >>pids").await;
        let ran = text(&folder, "pids");
        assert!(ran.lines().count() <= 1, "{ran}");
        for pid in ran.lines() {
            assert!(!lives(Pid::from_raw(pid.parse().unwrap()).unwrap()));
        }
    }
}

#[tokio::test]
async fn a_second_engine_launching_too_runs_nothing_twice() {
    for _ in 0..10 {
        let (_scratch, folder) = folder();
        let mut first = spawn_blindly(&folder, "echo ran");
        launch(&folder, "echo ran").await;
        assert_eq!(folder.wait().await.unwrap().code, Some(0));
        first.wait().unwrap();
        assert_eq!(text(&folder, "stdout.log"), "ran\n");
    }
}

#[tokio::test]
async fn a_reused_process_number_is_left_alone() {
    let (_scratch, folder) = folder();
    let mut innocent = Command::new("sleep").arg("1000").spawn().unwrap();
    let pid = innocent.id();
    // What a machine that went down leaves: records, and locks that nobody holds.
    let control = folder.path().join("process");
    fs::create_dir(&control).unwrap();
    fs::write(
        control.join("started.json"),
        format!("{{\"supervisor\":{pid},\"at\":\"2026-01-01T00:00:00Z\"}}"),
    )
    .unwrap();
    fs::write(control.join("group"), pid.to_string()).unwrap();
    fs::write(control.join("supervisor.lock"), "").unwrap();
    fs::write(control.join("alive.lock"), "").unwrap();
    assert!(!folder.is_running().unwrap());
    launch(&folder, "echo again").await;
    let exit = folder.wait().await.unwrap();
    assert_eq!(exit.cause, Cause::Lost);
    assert!(innocent.try_wait().unwrap().is_none(), "it still runs");
    innocent.kill().unwrap();
    innocent.wait().unwrap();
}

#[tokio::test]
async fn a_folder_in_which_nothing_was_launched_stays_as_it_is() {
    let (_scratch, folder) = folder();
    let Exit { cause, .. } = folder.end(GRACE).await.unwrap();
    assert_eq!(cause, Cause::NeverStarted);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}
