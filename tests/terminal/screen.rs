//! A pseudo-terminal with this test binary in it, read as a screen.

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use rustix::process::{Pid, kill_process};
use std::io::{Read, Write};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// Says to the binary that it is the program in the terminal, and which.
pub(crate) const ROLE: &str = "LLMDBENCHMARK_TEST_SCREEN";
/// After this long something is broken, however busy the machine is.
const PATIENCE: Duration = Duration::from_secs(30);
pub(crate) const SIZE: PtySize = PtySize {
    rows: 24,
    cols: 90,
    pixel_width: 0,
    pixel_height: 0,
};

/// A program in a terminal.
pub(crate) struct Screen {
    pub(crate) child: Box<dyn Child + Send + Sync>,
    pub(crate) terminal: Option<Box<dyn MasterPty + Send>>,
    pub(crate) keyboard: Box<dyn Write + Send>,
    pub(crate) output: Receiver<Vec<u8>>,
    pub(crate) seen: Vec<u8>,
    pub(crate) picture: vt100::Parser,
    pub(crate) folder: tempfile::TempDir,
    /// The terminal's settings before the program took it.
    pub(crate) before: String,
}

impl Screen {
    /// Start this binary in a role, and wait for its first frame.
    pub(crate) fn start(role: &str, first: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let pair = native_pty_system().openpty(SIZE).unwrap();
        let before = settings(pair.master.as_ref());
        let mut reader = pair.master.try_clone_reader().unwrap();
        let keyboard = pair.master.take_writer().unwrap();
        let (sender, output) = channel();
        std::thread::spawn(move || {
            let mut buffer = vec![0; 16 * 1024];
            while let Ok(read @ 1..) = reader.read(&mut buffer) {
                if sender.send(buffer[..read].to_vec()).is_err() {
                    break;
                }
            }
        });
        let mut command = CommandBuilder::new(std::env::current_exe().unwrap());
        command.args(["--exact", "child", "--nocapture", "--test-threads=1"]);
        command.env(ROLE, role);
        command.cwd(folder.path());
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        command.env("RUST_BACKTRACE", "0");
        let child = pair.slave.spawn_command(command).unwrap();
        let mut screen = Self {
            child,
            terminal: Some(pair.master),
            keyboard,
            output,
            seen: Vec::new(),
            picture: vt100::Parser::new(24.try_into().unwrap(), 90.try_into().unwrap(), 0),
            folder,
            before,
        };
        screen.until(first);
        screen
    }

    pub(crate) fn read(&mut self) {
        if let Ok(bytes) = self.output.recv_timeout(Duration::from_millis(5)) {
            self.picture.process(&bytes);
            self.seen.extend(bytes);
        }
    }

    pub(crate) fn until_true(&mut self, what: &str, mut holds: impl FnMut(&mut Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !holds(self) {
            self.read();
            assert!(
                Instant::now() < deadline,
                "never came about: {what}; on screen:\n{}",
                self.picture.screen().contents()
            );
        }
    }

    pub(crate) fn until(&mut self, text: &str) {
        self.until_true(text, |screen| screen.picture.screen().contents().contains(text));
    }

    pub(crate) fn until_asked(&mut self, command: &str) {
        self.until_true(command, |screen| screen.asked().contains(command));
    }

    pub(crate) fn asked(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("asked")).unwrap_or_default()
    }

    pub(crate) fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.child.process_id().unwrap().cast_signed()).unwrap()
    }

    pub(crate) fn settings(&self) -> String {
        settings(self.terminal.as_deref().unwrap())
    }

    /// Whether the kernel has stopped the process.
    pub(crate) fn is_stopped(&self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid())).unwrap_or_default();
        stat.rsplit(')')
            .next()
            .is_some_and(|rest| rest.trim_start().starts_with('T'))
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// The program is gone, and has left the terminal as it found it.
    pub(crate) fn assert_given_back(&mut self) {
        self.until_true("the program ends", Self::has_ended);
        assert_eq!(self.settings(), self.before);
        self.until_true("the ordinary screen", |screen| {
            !screen.picture.screen().alternate_screen()
        });
        let picture = self.picture.screen();
        assert!(!picture.hide_cursor(), "the cursor is visible");
        assert!(!picture.bracketed_paste(), "pasting is as it was");
        assert_eq!(picture.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

fn settings(terminal: &dyn MasterPty) -> String {
    format!("{:?}", terminal.get_termios())
}
