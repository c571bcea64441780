//! The real binary in a real pseudo-terminal: keys in, a screen out.

use crate::lab::Lab;
use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};
use std::io::{Read, Write};
use std::num::NonZero;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// How long a condition may take to come true on a busy machine before it is called broken.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// A program and the terminal it runs in.
pub(crate) struct Terminal {
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    keyboard: Box<dyn Write + Send>,
    output: Receiver<Vec<u8>>,
    parser: vt100::Parser,
    /// Everything the program ever wrote, for what is not on the screen any more.
    written: Vec<u8>,
}

impl Terminal {
    /// Start the binary with `arguments` in a terminal of `columns` × `rows`.
    pub(crate) fn start(lab: &Lab, columns: u16, rows: u16, arguments: &[&str]) -> Self {
        let mut command = CommandBuilder::new(Lab::binary());
        command.args(arguments);
        Self::command(lab, columns, rows, command)
    }

    /// Start any command in a terminal.
    pub(crate) fn command(lab: &Lab, columns: u16, rows: u16, mut command: CommandBuilder) -> Self {
        let size = PtySize {
            rows,
            cols: columns,
            pixel_width: 0,
            pixel_height: 0,
        };
        let pair = native_pty_system().openpty(size).unwrap();
        command.env_clear();
        for (name, value) in lab.environment() {
            command.env(name, value);
        }
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        command.cwd(lab.folder());
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
            master: pair.master,
            keyboard,
            output,
            parser: parser(columns, rows),
            written: Vec::new(),
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

    /// Whether the program has the alternate screen.
    pub(crate) fn is_full_screen(&self) -> bool {
        self.parser.screen().alternate_screen()
    }

    /// All that was ever written, with control sequences.
    pub(crate) fn written(&self) -> String {
        String::from_utf8_lossy(&self.written).into_owned()
    }

    /// Wait until `text` is on the screen.
    pub(crate) fn wait_for(&mut self, text: &str) {
        self.wait_until(&format!("`{text}` on the screen"), |screen| screen.contains(text));
    }

    /// Wait until `text` is not on the screen any more.
    pub(crate) fn wait_gone(&mut self, text: &str) {
        self.wait_until(&format!("`{text}` gone from the screen"), |screen| {
            !screen.contains(text)
        });
    }

    /// Wait until the screen is as `condition` wants it.
    pub(crate) fn wait_until(&mut self, what: &str, condition: impl Fn(&str) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !condition(&self.screen()) {
            assert!(
                Instant::now() < deadline,
                "waited in vain for {what}; the screen is\n{}",
                self.screen()
            );
            match self.output.recv_timeout(Duration::from_secs(1)) {
                Ok(bytes) => self.take(&bytes),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    assert!(
                        condition(&self.screen()),
                        "the program ended before {what}; the screen is\n{}",
                        self.screen()
                    );
                }
            }
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        self.parser.process(bytes);
        self.written.extend_from_slice(bytes);
    }

    /// Change the terminal's size.
    pub(crate) fn resize(&mut self, columns: u16, rows: u16) {
        let size = PtySize {
            rows,
            cols: columns,
            pixel_width: 0,
            pixel_height: 0,
        };
        self.parser = parser(columns, rows);
        self.master.resize(size).unwrap();
    }

    /// The program's process id.
    pub(crate) fn pid(&self) -> i32 {
        self.child.process_id().unwrap().try_into().unwrap()
    }

    /// Wait until the program has ended and its last words are read.
    pub(crate) fn wait_exit(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            // Read on meanwhile: a program that cannot write does not end.
            if let Ok(bytes) = self.output.recv_timeout(Duration::from_millis(20)) {
                self.take(&bytes);
            }
            if let Some(status) = self.child.try_wait().unwrap() {
                while let Ok(bytes) = self.output.recv_timeout(Duration::from_millis(200)) {
                    self.take(&bytes);
                }
                return status;
            }
            assert!(
                Instant::now() < deadline,
                "the program does not end; the screen is\n{}",
                self.screen()
            );
        }
    }

    /// The terminal's settings (echo, line mode, …) as one text to compare.
    pub(crate) fn settings(&self) -> String {
        format!("{:?}", self.master.get_termios().unwrap())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // A test that failed half-way leaves its program running otherwise; one that ended already is no error.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn parser(columns: u16, rows: u16) -> vt100::Parser {
    vt100::Parser::new(NonZero::new(rows).unwrap(), NonZero::new(columns).unwrap(), 1000)
}
