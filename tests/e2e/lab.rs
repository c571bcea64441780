//! A folder to work in, and what is left behind in it and on the machine.

use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Marks every process a test starts, through the environment they all inherit.
const MARK: &str = "LLMDBENCHMARK_TEST_MARK";

/// Two setups, two runs, and a fraction of a second for each cell.
pub(crate) const SMALL: &str = "\
experiment: {name: small, harness: builtin, profile: quickstart}
setup:
  treatments:
    - {name: one, standalone.replicas: 1}
    - {name: two, standalone.replicas: 2}
constants: {random-input-len: 64, random-output-len: 8}
treatments:
  - {name: a, max-concurrency: 2, num-prompts: 10}
  - {name: b, max-concurrency: 4, num-prompts: 12}
";

/// The command line for [`SMALL`] in `small.yaml`, headless.
pub(crate) fn small_flags() -> &'static [&'static str] {
    &[
        "experiment",
        "--spec",
        "local",
        "--experiments",
        "small.yaml",
        "--headless",
        "--set",
        "local.simulator.timeScale=4",
    ]
}

/// A temporary folder, and the processes started from it.
pub(crate) struct Lab {
    folder: tempfile::TempDir,
}

impl Lab {
    /// An empty folder.
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// The binary under test.
    pub(crate) fn binary() -> &'static str {
        env!("CARGO_BIN_EXE_llmdbenchmark")
    }

    /// Where programs run.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The workspace of this lab.
    pub(crate) fn workspace(&self) -> PathBuf {
        self.folder().join("workspace")
    }

    /// The environment programs get: nothing of the developer's own but the search path.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        vec![
            ("PATH".to_owned(), std::env::var("PATH").unwrap_or_default()),
            ("HOME".to_owned(), self.folder().display().to_string()),
            ("USER".to_owned(), "tester".to_owned()),
            ("TZ".to_owned(), "UTC".to_owned()),
            (
                "LLMDBENCH_WORKSPACE".to_owned(),
                self.workspace().display().to_string(),
            ),
            (MARK.to_owned(), self.folder().display().to_string()),
        ]
    }

    /// Write a file into the folder.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    /// The binary with `arguments`, ready to be started.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(Self::binary());
        command
            .args(arguments)
            .env_clear()
            .envs(self.environment())
            .current_dir(self.folder())
            .stdin(Stdio::null());
        command
    }

    /// Run the binary to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// The newest instance folder.
    pub(crate) fn latest(&self) -> PathBuf {
        fs::canonicalize(self.workspace().join("latest")).unwrap()
    }

    /// The summary of the newest instance.
    pub(crate) fn summary(&self) -> Value {
        let text = fs::read_to_string(self.latest().join("experiment-summary.yaml")).unwrap();
        llmdbenchmark::yaml::from_str(&text).unwrap()
    }

    /// Processes of this lab that still live, by id.
    pub(crate) fn processes(&self) -> BTreeMap<u32, String> {
        let mark = format!("{MARK}={}\0", self.folder().display());
        fs::read_dir("/proc")
            .unwrap()
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok())
            .filter(|pid| {
                fs::read(format!("/proc/{pid}/environ"))
                    .is_ok_and(|environment| contains(&environment, mark.as_bytes()))
            })
            .map(|pid| {
                let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
                (pid, String::from_utf8_lossy(&line).replace('\0', " "))
            })
            .collect()
    }

    /// Wait until no process of this lab is left.
    pub(crate) fn wait_until_nothing_runs(&self) {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let left = self.processes();
            if left.is_empty() {
                return;
            }
            assert!(Instant::now() < deadline, "still running: {left:#?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Lab {
    /// A test that failed half-way must not leave stacks running.
    fn drop(&mut self) {
        for pid in self.processes().into_keys() {
            if let Some(pid) = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw) {
                // It may have ended meanwhile.
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            }
        }
    }
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}
