//! A pseudo-terminal with this test binary in it.

use crate::pty::Pty;
use portable_pty::CommandBuilder;
use rustix::process::{Pid, Signal, kill_process};
use std::ops::{Deref, DerefMut};

/// Says to the binary that it is the program in the terminal, and which.
pub(crate) const ROLE: &str = "LLMDBENCHMARK_TEST_SCREEN";

/// This binary in a terminal, and the folder it works in.
pub(crate) struct Screen {
    pty: Pty,
    folder: tempfile::TempDir,
}

impl Screen {
    /// Start this binary in a role, and wait for its first frame.
    pub(crate) fn start(role: &str, first: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = CommandBuilder::new(std::env::current_exe().unwrap());
        command.args(["--exact", "child", "--nocapture", "--test-threads=1"]);
        command.env(ROLE, role);
        command.env("RUST_BACKTRACE", "0");
        command.cwd(folder.path());
        let mut pty = Pty::start(90, 24, command);
        pty.wait_for(first);
        Self { pty, folder }
    }

    pub(crate) fn until_asked(&mut self, command: &str) {
        let file = self.folder.path().join("asked");
        self.pty.wait_true(command, |_| asked(&file).contains(command));
    }

    pub(crate) fn asked(&self) -> String {
        asked(&self.folder.path().join("asked"))
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_raw(self.pid()).unwrap(), signal).unwrap();
    }

    /// Wait until the kernel has stopped the process.
    pub(crate) fn until_stopped(&mut self) {
        self.pty.wait_true("the program stops", |pty| {
            let stat = std::fs::read_to_string(format!("/proc/{}/stat", pty.pid())).unwrap_or_default();
            let state = stat.rsplit(')').next();
            state.is_some_and(|rest| rest.trim_start().starts_with('T'))
        });
    }

    pub(crate) fn until_ordinary(&mut self) {
        self.pty
            .wait_true("the ordinary screen", |pty| !pty.is_full_screen());
    }

    /// The program is gone, and has left the terminal as it found it.
    pub(crate) fn assert_given_back(&mut self) {
        self.pty.wait_exit();
        assert_eq!(self.pty.settings(), self.pty.settings_before());
        self.until_ordinary();
        let picture = self.pty.picture();
        assert!(!picture.hide_cursor(), "the cursor is visible");
        assert!(!picture.bracketed_paste(), "pasting is as it was");
        assert_eq!(picture.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
    }
}

impl Deref for Screen {
    type Target = Pty;

    fn deref(&self) -> &Pty {
        &self.pty
    }
}

impl DerefMut for Screen {
    fn deref_mut(&mut self) -> &mut Pty {
        &mut self.pty
    }
}

fn asked(file: &std::path::Path) -> String {
    std::fs::read_to_string(file).unwrap_or_default()
}
