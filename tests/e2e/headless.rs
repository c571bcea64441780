//! Sweeps without a terminal: what is printed, what is left on disk, and how they are ended and taken up again.

use crate::lab::{Lab, SMALL, small_flags};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

fn start_small(lab: &Lab, more: &[&str]) -> Child {
    lab.write("small.yaml", SMALL);
    let mut arguments = small_flags().to_vec();
    arguments.extend(more);
    lab.command(&arguments).stdout(Stdio::piped()).spawn().unwrap()
}

/// Read the child's lines until one has `text` in it.
fn read_until(child: &mut Child, text: &str) -> String {
    let mut lines = BufReader::new(child.stdout.as_mut().unwrap());
    let mut line = String::new();
    while lines.read_line(&mut line).unwrap() > 0 {
        if line.contains(text) {
            return line;
        }
        line.clear();
    }
    panic!("the program ended before it printed `{text}`");
}

#[test]
fn a_sweep_leaves_results_of_every_cell_and_tells_its_story() {
    let lab = Lab::new();
    lab.write("small.yaml", SMALL);
    let output = lab.run(small_flags());
    let stdout = String::from_utf8(output.stdout).unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{stdout}\n{stderr}");
    for told in [
        "SIMULATED",
        "setup 1 of 2 one: standup done, answers at http://127.0.0.1:",
        "cell 2×2 two × b: succeeded",
        "[4 of 4]",
        "sweep ended: 4 of 4 cells succeeded",
        "results: ",
    ] {
        assert!(stdout.contains(told), "`{told}` is missing in\n{stdout}");
    }
    let summary = lab.summary();
    assert_eq!(summary["experiment"], "small");
    assert_eq!(summary["total_matrix"], 4);
    assert_eq!(summary["succeeded"], 2);
    assert_eq!(summary["treatments"][0]["run_treatments"], "2/2");
    for setup in ["one", "two"] {
        let results = lab.latest().join(format!("setup-treatment-{setup}/results"));
        let folders: Vec<_> = fs::read_dir(&results)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        assert_eq!(folders.len(), 2, "{folders:?}");
        for folder in folders {
            let manifest = fs::read_to_string(folder.join("manifest.json")).unwrap();
            assert!(manifest.contains("benchmark_report_v0.2"), "{manifest}");
        }
    }
    lab.wait_until_nothing_runs();
}

#[test]
fn parallel_harnesses_and_descriptions_reach_the_results() {
    let lab = Lab::new();
    lab.write("small.yaml", SMALL);
    let mut arguments = small_flags().to_vec();
    arguments.extend(["-j", "2", "--run-description", "before the upgrade"]);
    let output = lab.run(&arguments);
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{stdout}");
    let reports = reports(&lab, "one");
    assert_eq!(
        reports.len(),
        4,
        "two processes for each of two cells: {reports:#?}"
    );
    for (folder, report) in reports {
        assert!(folder.ends_with("_1") || folder.ends_with("_2"), "{folder}");
        assert_eq!(report["version"], "0.2");
        assert!(
            report["run"]["description"]
                .as_str()
                .unwrap()
                .contains("before the upgrade"),
            "{report:#}"
        );
        assert!(
            report.to_string().to_lowercase().contains("simulated"),
            "a rehearsal says so: {report:#}"
        );
    }
}

/// The v0.2 report in each results folder of a setup.
fn reports(lab: &Lab, setup: &str) -> Vec<(String, Value)> {
    let results = lab.latest().join(format!("setup-treatment-{setup}/results"));
    let read = |folder: std::path::PathBuf| {
        let file = fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .find(|path| path.to_string_lossy().contains("benchmark_report_v0.2"))
            .unwrap();
        let report = llmdbenchmark::yaml::from_str(&fs::read_to_string(file).unwrap()).unwrap();
        (folder.display().to_string(), report)
    };
    fs::read_dir(&results)
        .unwrap()
        .map(|entry| read(entry.unwrap().path()))
        .collect()
}

#[test]
fn json_lines_fold_to_the_journal_and_nothing_else_is_on_stdout() {
    let lab = Lab::new();
    lab.write("small.yaml", SMALL);
    let mut arguments = small_flags().to_vec();
    arguments.extend(["--format", "json"]);
    let output = lab.run(&arguments);
    assert_eq!(output.status.code(), Some(0));
    let printed: Vec<Value> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(printed[0]["event"], "sweep_opened");
    assert_eq!(printed.last().unwrap()["event"], "sweep_ended");
    let (_, records) = llmdbenchmark::engine::replay(&lab.latest().join("journal.jsonl")).unwrap();
    let recorded: Vec<Value> = records
        .iter()
        .map(|record| serde_json::to_value(record).unwrap())
        .collect();
    assert_eq!(printed, recorded);
}

#[test]
fn flags_work_before_the_subcommand_and_the_old_variable_names_the_experiment() {
    let lab = Lab::new();
    lab.write("experiments/mine.yaml", SMALL);
    let output = lab
        .command(&["--spec", "local", "-n", "experiment"])
        .env("LLMDBENCH_HARNESS_EXPERIMENT_TREATMENTS", "mine")
        .output()
        .unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{stdout}");
    assert!(stdout.contains("2 setup × 2 run = 4"), "{stdout}");
    assert!(!lab.workspace().exists(), "a dry run leaves nothing");
}

#[test]
fn what_is_wrong_is_said_before_anything_is_made() {
    let lab = Lab::new();
    lab.write(
        "bad.yaml",
        &SMALL.replace("standalone.replicas: 2", "standalon.replicas: 2"),
    );
    let output = lab.run(&["experiment", "--spec", "local", "-e", "bad.yaml"]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("bad.yaml:"), "{stderr}");
    assert!(
        stderr.contains("did you mean `standalone`"),
        "a suggestion: {stderr}"
    );
    let output = lab.run(&["experiment", "--spec", "local", "-e", "nowhere"]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(
        stderr.contains("quickstart"),
        "what there is instead is listed: {stderr}"
    );
    let output = lab.run(&[
        "experiment",
        "--spec",
        "local",
        "-e",
        "quickstart",
        "-l",
        "guidellm",
    ]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_ne!(output.status.code(), Some(0), "{stderr}");
    assert!(stderr.contains("pip install"), "how to install it: {stderr}");
    assert!(!lab.workspace().exists(), "nothing was made");
}

#[test]
fn a_planted_secret_reaches_neither_workspace_nor_output() {
    const SECRET: &str = "hf_PlantedForThisTest0123456789";
    let lab = Lab::new();
    lab.write("small.yaml", SMALL);
    let output = lab
        .command(small_flags())
        .env("HF_TOKEN", SECRET)
        .env("LLMDBENCHMARK_LOG", "trace")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(!String::from_utf8_lossy(&output.stdout).contains(SECRET));
    assert!(!String::from_utf8_lossy(&output.stderr).contains(SECRET));
    let mut folders = vec![lab.latest()];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files += 1;
                let bytes = fs::read(&path).unwrap();
                assert!(
                    !String::from_utf8_lossy(&bytes).contains(SECRET),
                    "in {}",
                    path.display()
                );
            }
        }
    }
    assert!(files > 20, "the workspace was looked through: {files} files");
    // Where it would have to be kept to be resumed, it is refused.
    let token = format!("huggingface.token={SECRET}");
    let mut arguments = small_flags().to_vec();
    arguments.extend(["--set", &token]);
    let output = lab.run(&arguments);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(
        stderr.contains("--set huggingface.token holds what looks like a secret"),
        "{stderr}"
    );
    assert!(!stderr.contains(SECRET), "{stderr}");
}

#[test]
fn ctrl_c_tears_down_and_a_resume_finishes() {
    let lab = Lab::new();
    let mut child = start_small(&lab, &["--set", "local.simulator.timeScale=2"]);
    read_until(&mut child, "cell 1×1 one × a: step 07");
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let status = child.wait_with_output().unwrap().status;
    assert_eq!(status.code(), Some(130));
    lab.wait_until_nothing_runs();
    let workspace = lab.workspace().display().to_string();
    let output = lab.run(&["experiment", "--resume", &workspace]);
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{stdout}");
    assert!(stdout.contains("4 of 4 cells succeeded"), "{stdout}");
    // Once more, with nothing left to do, and from a copy of the workspace.
    let copy = lab.folder().join("copy");
    let copied = std::process::Command::new("cp")
        .arg("-a")
        .arg(lab.workspace())
        .arg(&copy)
        .status()
        .unwrap();
    assert!(copied.success());
    let output = lab.run(&["experiment", "--resume", &copy.display().to_string()]);
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{stdout}");
    assert!(stdout.contains("4 of 4 cells succeeded"), "{stdout}");
}

#[test]
fn a_second_ctrl_c_ends_everything_at_once_and_a_resume_finishes() {
    let lab = Lab::new();
    // A server that takes its time to answer keeps a polite stop waiting.
    let mut child = start_small(&lab, &["--set", "local.simulator.timeScale=0.2"]);
    read_until(&mut child, "cell 1×1 one × a: step 08");
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    lab.wait_until_nothing_runs();
    let workspace = lab.workspace().display().to_string();
    let faster = "local.simulator.timeScale=4";
    let output = lab.run(&["experiment", "--resume", &workspace, "--set", faster]);
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{stdout}");
    assert!(stdout.contains("4 of 4 cells succeeded"), "{stdout}");
}

#[test]
fn a_server_that_crashes_costs_a_standup_and_no_cell_its_place() {
    let lab = Lab::new();
    lab.write("small.yaml", &format!("treatment_max_attempts: 3\n{SMALL}"));
    let mut arguments = small_flags().to_vec();
    // Enough for the smoketest and the first cell; the second one meets the crash, and a new server.
    arguments.extend(["--set", "local.simulator.flags.crash-after=18"]);
    let output = lab.run(&arguments);
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{stdout}");
    assert!(stdout.contains("stack lost"), "{stdout}");
    assert!(stdout.contains("standup (number 2)"), "{stdout}");
    let (state, _) = llmdbenchmark::engine::replay(&lab.latest().join("journal.jsonl")).unwrap();
    let attempts: Vec<usize> = state.cells.iter().map(|cell| cell.attempts.len()).collect();
    assert_eq!(attempts, [1, 2, 1, 2], "{stdout}");
    for setup in ["one", "two"] {
        assert_eq!(
            fs::read_dir(lab.latest().join(format!("setup-treatment-{setup}/results")))
                .unwrap()
                .count(),
            3,
            "the files of every attempt are kept"
        );
    }
    lab.wait_until_nothing_runs();
}

#[test]
fn a_second_engine_on_the_same_sweep_is_refused_with_the_holder() {
    let lab = Lab::new();
    let mut child = start_small(&lab, &["--set", "local.simulator.timeScale=1"]);
    read_until(&mut child, "cell 1×1 one × a: step 07");
    let workspace = lab.workspace().display().to_string();
    let output = lab.run(&["experiment", "--resume", &workspace]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{stderr}");
    assert!(stderr.contains(&child.id().to_string()), "{stderr}");
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    lab.wait_until_nothing_runs();
}

#[test]
fn an_edited_experiment_keeps_the_cells_that_did_not_change() {
    let lab = Lab::new();
    lab.write("small.yaml", SMALL);
    assert_eq!(lab.run(small_flags()).status.code(), Some(0));
    let edited = SMALL.replace("num-prompts: 12", "num-prompts: 13");
    let edited = lab.write("edited.yaml", &edited).display().to_string();
    let workspace = lab.workspace().display().to_string();
    let output = lab.run(&["experiment", "--resume", &workspace, "-e", &edited]);
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{stdout}");
    assert!(stdout.contains("cell 1×2 one × b: succeeded"), "{stdout}");
    assert!(
        stdout.contains("the experiment was edited: 2 cells are kept, 2 added or changed"),
        "{stdout}"
    );
    assert!(
        !stdout.contains("cell 1×1 one × a: attempt"),
        "it did not change: {stdout}"
    );
}

#[test]
fn a_failing_cell_fails_alone_and_the_exit_code_tells() {
    let lab = Lab::new();
    lab.write("small.yaml", SMALL);
    let mut arguments = small_flags().to_vec();
    arguments.extend([
        "--set",
        "local.simulator.flags.failure-injection-rate=100",
        "--set",
        "local.simulator.flags.failure-types=server_error",
    ]);
    let output = lab.run(&arguments);
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stdout}");
    assert!(stdout.contains("sweep ended: 0 of 4 cells succeeded"), "{stdout}");
    lab.wait_until_nothing_runs();
}

#[test]
fn a_sweep_that_stops_at_its_first_error_has_failed_and_can_go_on() {
    let lab = Lab::new();
    lab.write("small.yaml", SMALL);
    let mut arguments = small_flags().to_vec();
    // Enough for the smoketest and half of the first cell.
    arguments.extend(["--stop-on-error", "--set", "local.simulator.flags.crash-after=8"]);
    let output = lab.run(&arguments);
    let stdout = String::from_utf8(output.stdout).unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stdout}");
    assert!(
        stdout.contains("1 failed, 3 pending") || stdout.contains("3 pending, 1 failed"),
        "{stdout}"
    );
    assert!(stderr.contains("to go on: "), "{stderr}");
    lab.wait_until_nothing_runs();
}

/// What is printed is all the operator sees of a headless sweep, so one that cannot print ends; but not by leaving its
/// servers and load generators behind.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_under_stdout_ends_the_sweep_and_all_it_started() {
    let lab = Lab::new();
    lab.write("small.yaml", SMALL);
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let output = lab
        .command(small_flags())
        .stdout(full)
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{stderr}");
    assert!(stderr.contains("cannot print events"), "{stderr}");
    lab.wait_until_nothing_runs();
    let (state, _) = llmdbenchmark::engine::replay(&lab.latest().join("journal.jsonl")).unwrap();
    assert_eq!(state.mode, llmdbenchmark::engine::Mode::Ended);
}
