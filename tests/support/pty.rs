//! A program in a pseudo-terminal: keys in, a screen out. Shared by the tests that need one.
#![allow(dead_code, reason = "each test binary uses its part of this module")]

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use std::io::{Read, Write};
use std::num::NonZero;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// How long a condition may take to come true on a busy machine before it is called broken.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);
/// How long to wait for output before conditions that do not depend on it are looked at again.
const GLANCE: Duration = Duration::from_millis(10);

/// A program and the terminal it runs in.
pub(crate) struct Pty {
    child: Box<dyn Child + Send + Sync>,
    master: Option<Box<dyn MasterPty + Send>>,
    keyboard: Box<dyn Write + Send>,
    output: Receiver<Vec<u8>>,
    parser: vt100::Parser,
    written: Vec<u8>,
    before: String,
}

impl Pty {
    /// Start `command` in a terminal of `columns` × `rows`.
    pub(crate) fn start(columns: u16, rows: u16, mut command: CommandBuilder) -> Self {
        let pair = native_pty_system().openpty(size(columns, rows)).unwrap();
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        let before = settings(pair.master.as_ref());
        let mut reader = pair.master.try_clone_reader().unwrap();
        let keyboard = pair.master.take_writer().unwrap();
        let child = pair.slave.spawn_command(command).unwrap();
        let (sender, output) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 16 * 1024];
            while let Ok(read @ 1..) = reader.read(&mut buffer) {
                if sender.send(buffer[..read].to_vec()).is_err() {
                    break;
                }
            }
        });
        Self {
            child,
            master: Some(pair.master),
            keyboard,
            output,
            parser: parser(columns, rows),
            written: Vec::new(),
            before,
        }
    }

    /// Type `keys`, escape sequences included.
    pub(crate) fn keys(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
        self.keyboard.flush().unwrap();
    }

    /// The screen as text, row by row.
    pub(crate) fn screen(&self) -> String {
        self.parser.screen().contents()
    }

    /// The screen with its modes.
    pub(crate) fn picture(&self) -> &vt100::Screen {
        self.parser.screen()
    }

    /// Whether the program has the alternate screen.
    pub(crate) fn is_full_screen(&self) -> bool {
        self.parser.screen().alternate_screen()
    }

    /// All that was ever written, with control sequences: for what is not on the screen any more.
    pub(crate) fn written(&self) -> &[u8] {
        &self.written
    }

    /// Wait until `text` is on the screen.
    pub(crate) fn wait_for(&mut self, text: &str) {
        self.wait_true(&format!("`{text}` on the screen"), |pty| {
            pty.screen().contains(text)
        });
    }

    /// Wait until `text` is not on the screen any more.
    pub(crate) fn wait_gone(&mut self, text: &str) {
        self.wait_true(&format!("`{text}` gone from the screen"), |pty| {
            !pty.screen().contains(text)
        });
    }

    /// Wait until a condition holds, reading on meanwhile: a program that cannot write does nothing else either.
    pub(crate) fn wait_true(&mut self, what: &str, mut holds: impl FnMut(&mut Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !holds(self) {
            match self.output.recv_timeout(GLANCE) {
                Ok(bytes) => self.take(&bytes),
                Err(RecvTimeoutError::Timeout) => {}
                // Nothing more will be read; what is waited for may still come about elsewhere.
                Err(RecvTimeoutError::Disconnected) => std::thread::sleep(GLANCE),
            }
            assert!(
                Instant::now() < deadline,
                "waited in vain for {what}; the screen is\n{}",
                self.screen()
            );
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        self.parser.process(bytes);
        self.written.extend_from_slice(bytes);
    }

    /// Change the terminal's size.
    pub(crate) fn resize(&mut self, columns: u16, rows: u16) {
        self.parser.screen_mut().set_size(some(rows), some(columns));
        self.master.as_ref().unwrap().resize(size(columns, rows)).unwrap();
    }

    /// Close this side of the terminal.
    pub(crate) fn close(&mut self) {
        self.master = None;
        self.keyboard = Box::new(std::io::sink());
    }

    /// The program's process id.
    pub(crate) fn pid(&self) -> i32 {
        self.child.process_id().unwrap().try_into().unwrap()
    }

    /// Wait until the program has ended and its last words are read; its exit code, that of a signal being the library's.
    pub(crate) fn wait_exit(&mut self) -> portable_pty::ExitStatus {
        let mut status = None;
        self.wait_true("the end of the program", |pty| {
            status = pty.child.try_wait().unwrap();
            status.is_some()
        });
        while let Ok(bytes) = self.output.recv_timeout(Duration::from_millis(200)) {
            self.take(&bytes);
        }
        status.unwrap()
    }

    /// The terminal's settings (echo, line mode, …) as one text to compare.
    pub(crate) fn settings(&self) -> String {
        settings(self.master.as_deref().unwrap())
    }

    /// The settings before the program took the terminal.
    pub(crate) fn settings_before(&self) -> &str {
        &self.before
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        // A test that failed half-way leaves its program running otherwise; one that ended already is no error.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn settings(terminal: &dyn MasterPty) -> String {
    format!("{:?}", terminal.get_termios())
}

fn size(columns: u16, rows: u16) -> PtySize {
    PtySize {
        rows,
        cols: columns,
        pixel_width: 0,
        pixel_height: 0,
    }
}

fn parser(columns: u16, rows: u16) -> vt100::Parser {
    vt100::Parser::new(some(rows), some(columns), 1000)
}

fn some(count: u16) -> NonZero<u16> {
    NonZero::new(count).unwrap()
}
