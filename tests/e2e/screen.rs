//! Sweeps steered with keys and read from the screen.

use crate::lab::{Lab, SMALL};
use crate::pty::Pty;
use crate::terminal;
use rustix::process::{Pid, Signal, kill_process};

const ESCAPE: &str = "\x1b";

/// Open the screen on [`SMALL`]; `scale` is how much faster than the hardware the simulator is.
fn open(lab: &Lab, columns: u16, rows: u16, scale: &str, more: &[&str]) -> Pty {
    lab.write("small.yaml", SMALL);
    let scale = format!("local.simulator.timeScale={scale}");
    let mut arguments = vec![
        "experiment",
        "--spec",
        "local",
        "-e",
        "small.yaml",
        "--set",
        &scale,
    ];
    arguments.extend(more);
    let mut terminal = terminal::start(lab, columns, rows, &arguments);
    terminal.wait_for("READY");
    terminal
}

fn leave(terminal: &mut Pty) -> u32 {
    terminal.keys("q");
    let code = terminal.wait_exit().exit_code();
    assert!(!terminal.is_full_screen(), "the terminal is given back");
    code
}

#[test]
fn start_watch_and_leave_with_the_summary_in_the_scrollback() {
    let lab = Lab::new();
    let mut terminal = open(&lab, 120, 40, "4", &[]);
    assert!(terminal.screen().contains("SIMULATED"));
    assert!(terminal.screen().contains("press s to start"));
    terminal.keys("s");
    terminal.wait_for("DONE");
    terminal.wait_for("4 succeeded");
    assert_eq!(leave(&mut terminal), 0);
    assert!(
        terminal.screen().contains("cells: 4 succeeded of 4"),
        "{}",
        terminal.screen()
    );
    assert_eq!(lab.summary()["succeeded"], 2);
    lab.wait_until_nothing_runs();
}

#[test]
fn skip_cancel_and_retry_from_the_keyboard() {
    let lab = Lab::new();
    // Slow enough that the first cell runs while keys are pressed.
    let mut terminal = open(&lab, 140, 45, "0.5", &[]);
    // Row two is skipped whole: its stack is never deployed.
    terminal.keys("jVS");
    terminal.wait_for("Skip 2 pending cells?");
    terminal.keys("y");
    terminal.wait_for("2 skipped");
    // Marks are used up by what they were set for.
    terminal.wait_gone("2 marked");
    terminal.keys("gs");
    terminal.wait_for("1 running");
    terminal.wait_for("wait_completion");
    terminal.keys("x");
    terminal.wait_for("Cancel");
    terminal.keys("y");
    terminal.wait_for("1 cancelled");
    terminal.wait_for("DONE");
    terminal.keys(ESCAPE);
    terminal.wait_gone("All is done");
    // Back to the first cell, and once more; one cell that did not succeed needs no question.
    terminal.keys("gr");
    terminal.wait_for("2 succeeded");
    terminal.wait_for("DONE");
    assert_eq!(leave(&mut terminal), 0, "what the operator skipped is no failure");
    let journal = std::fs::read_to_string(lab.latest().join("journal.jsonl")).unwrap();
    assert!(
        !journal.contains("setup-treatment-two/stack"),
        "the skipped row was never deployed"
    );
    lab.wait_until_nothing_runs();
}

#[test]
fn leaving_a_running_sweep_asks_and_can_be_resumed_from_the_offer() {
    let lab = Lab::new();
    let mut terminal = open(&lab, 100, 30, "1", &["--start"]);
    terminal.wait_for("wait_completion");
    terminal.keys("q");
    terminal.wait_for("Stay");
    terminal.keys("s");
    terminal.wait_gone("Stay");
    terminal.keys("q");
    terminal.wait_for("Stay");
    terminal.keys("c");
    assert_eq!(terminal.wait_exit().exit_code(), 130);
    assert!(terminal.screen().contains("--resume"), "{}", terminal.screen());
    lab.wait_until_nothing_runs();
    // A bare re-run offers to go on.
    let mut terminal = terminal::start(
        &lab,
        100,
        30,
        &[
            "experiment",
            "--spec",
            "local",
            "-e",
            "small.yaml",
            "--set",
            "local.simulator.timeScale=1",
            "--start",
        ],
    );
    terminal.wait_for("Go on with it?");
    terminal.keys("y\r");
    terminal.wait_for("4 succeeded");
    terminal.wait_for("DONE");
    assert_eq!(leave(&mut terminal), 0);
    let instances = std::fs::read_dir(lab.workspace()).unwrap().count();
    assert_eq!(instances, 2, "one instance and the link to it");
    lab.wait_until_nothing_runs();
}

#[test]
fn small_and_changing_terminals() {
    let lab = Lab::new();
    let mut terminal = open(&lab, 40, 10, "4", &[]);
    terminal.wait_for("help");
    terminal.resize(160, 50);
    terminal.wait_for("press s to start");
    terminal.keys("?");
    terminal.wait_for("pause");
    terminal.keys(ESCAPE);
    terminal.resize(20, 5);
    terminal.resize(80, 24);
    terminal.wait_for("press s to start");
    terminal.keys("q");
    assert_eq!(terminal.wait_exit().exit_code(), 130);
}

#[test]
fn the_terminal_is_given_back_on_signals() {
    for signal in [Signal::TERM, Signal::HUP] {
        let lab = Lab::new();
        let mut terminal = open(&lab, 100, 30, "1", &["--start"]);
        terminal.wait_for("wait_completion");
        let pid = Pid::from_raw(terminal.pid()).unwrap();
        kill_process(pid, signal).unwrap();
        let status = terminal.wait_exit();
        assert_eq!(status.exit_code(), 130, "{signal:?}");
        assert!(!terminal.is_full_screen(), "{signal:?}");
        assert!(
            String::from_utf8_lossy(terminal.written()).contains("\x1b[?25h"),
            "the cursor is shown again"
        );
        lab.wait_until_nothing_runs();
    }
}

#[test]
fn suspended_by_ctrl_z_and_brought_back() {
    let lab = Lab::new();
    lab.write("small.yaml", SMALL);
    let mut shell = portable_pty::CommandBuilder::new("/bin/sh");
    shell.args(["-i"]);
    let mut terminal = terminal::command(&lab, 100, 30, shell);
    let before = terminal.settings();
    terminal.keys(&format!(
        "PS1=shell-; {} experiment --spec local -e small.yaml\r",
        Lab::binary()
    ));
    terminal.wait_for("READY");
    terminal.keys("\x1a");
    terminal.wait_true("the shell's prompt", |terminal| {
        let screen = terminal.screen();
        screen.trim_end().ends_with("shell-")
    });
    assert!(!terminal.is_full_screen());
    assert_eq!(terminal.settings(), before, "as the shell had it");
    terminal.keys("fg\r");
    terminal.wait_for("press s to start");
    assert!(terminal.is_full_screen());
    terminal.keys("q");
    terminal.wait_true("the shell's prompt", |terminal| {
        let screen = terminal.screen();
        screen.trim_end().ends_with("shell-")
    });
    assert_eq!(terminal.settings(), before);
    terminal.keys("exit\r");
    terminal.wait_exit();
}

#[test]
fn the_plan_of_a_row_and_how_two_rows_differ() {
    let lab = Lab::new();
    let mut terminal = open(&lab, 160, 45, "4", &[]);
    // Left of the first column is the header of the row.
    terminal.keys("h\r");
    terminal.wait_for("Plan of row 1 one");
    terminal.wait_for("config.yaml · resolved");
    // What a layer set says in which line of which file.
    terminal.keys("\r+/standalone.replicas\r");
    terminal.wait_for("standalone.replicas: 1");
    terminal.wait_for("set by   setup treatment one");
    terminal.wait_for("small.yaml:");
    terminal.wait_for("replaced");
    terminal.keys("]]");
    terminal.wait_for(".yaml · from ");
    terminal.keys("q");
    terminal.wait_for("press s to start");
    terminal.keys("djd");
    terminal.wait_for("From row 1 one to row 2 two");
    terminal.wait_for("standalone.replicas");
    terminal.keys("q");
    terminal.wait_for("press s to start");
    terminal.keys("q");
    assert_eq!(terminal.wait_exit().exit_code(), 130);
}
