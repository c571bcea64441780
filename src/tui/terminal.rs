//! The terminal: taken, given back on every way out, and painted frame by frame.

use crossterm::cursor::{Hide, Show};
use crossterm::event::{
    DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture,
};
use crossterm::execute;
use crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
    disable_raw_mode, enable_raw_mode,
};
use ratatui::backend::CrosstermBackend;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::io::{self, BufWriter, Stdout, Write};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether the terminal is ours at the moment, for ways out that know nothing else.
static TAKEN: AtomicBool = AtomicBool::new(false);
/// The panic hook is put in place once per process.
static HOOK: Once = Once::new();
/// Bytes of a frame that are collected before they are written: a whole frame of a large screen, so that it goes out in
/// one piece.
const FRAME_BYTES: usize = 256 * 1024;

/// The terminal while it is ours. Gives it back when dropped.
pub(super) struct Terminal {
    screen: ratatui::Terminal<CrosstermBackend<BufWriter<Stdout>>>,
    mouse: bool,
    /// What is on the screen is not what was painted.
    stale: bool,
}

impl Terminal {
    /// Take the terminal: raw mode, the alternate screen, mouse and bracketed paste.
    pub(super) fn take(mouse: bool) -> io::Result<Self> {
        give_back_on_panic();
        // Half taken is to be given back, too.
        enter(mouse).inspect_err(|_| give_back())?;
        let backend = CrosstermBackend::new(BufWriter::with_capacity(FRAME_BYTES, io::stdout()));
        match ratatui::Terminal::new(backend) {
            Ok(screen) => Ok(Self {
                screen,
                mouse,
                stale: false,
            }),
            Err(error) => {
                give_back();
                Err(error)
            }
        }
    }

    /// Columns and lines.
    pub(super) fn size(&self) -> io::Result<(u16, u16)> {
        let size = self.screen.size()?;
        Ok((size.width, size.height))
    }

    /// Paint a frame, as far as it differs from the one before, in one synchronized update.
    pub(super) fn paint(&mut self, draw: impl FnOnce(&mut Buffer)) -> io::Result<()> {
        crossterm::queue!(self.screen.backend_mut(), BeginSynchronizedUpdate)?;
        let painted = self.draw(draw);
        crossterm::queue!(self.screen.backend_mut(), EndSynchronizedUpdate)?;
        self.screen.backend_mut().flush()?;
        painted
    }

    fn draw(&mut self, draw: impl FnOnce(&mut Buffer)) -> io::Result<()> {
        if std::mem::take(&mut self.stale) {
            // Not `Terminal::clear`: that asks the terminal where its cursor is, and waits for the answer.
            let size = self.screen.size()?;
            self.screen.resize(Rect::new(0, 0, size.width, size.height))?;
        }
        self.screen.draw(|frame| draw(frame.buffer_mut()))?;
        Ok(())
    }

    /// Take the mouse, or leave it to the terminal's own selection.
    pub(super) fn capture_mouse(&mut self, capture: bool) -> io::Result<()> {
        self.mouse = capture;
        if capture {
            execute!(io::stdout(), EnableMouseCapture)
        } else {
            execute!(io::stdout(), DisableMouseCapture)
        }
    }

    /// The next frame is painted whole, whatever is on the screen now.
    pub(super) fn forget(&mut self) {
        self.stale = true;
    }

    /// Give the terminal back, and stop the process group as the shell's Ctrl-Z does. The stop may come a moment after
    /// this returns; SIGCONT tells that it is over, and that the terminal may be taken again.
    pub(super) fn suspend() -> io::Result<()> {
        give_back();
        // SIGSTOP and not SIGTSTP: that one is caught here, so that stopping from outside restores the terminal, too.
        rustix::process::kill_current_process_group(rustix::process::Signal::STOP)?;
        Ok(())
    }

    /// Take the terminal after it was given back. The shell may have changed everything on it.
    pub(super) fn take_again(&mut self) -> io::Result<()> {
        self.forget();
        enter(self.mouse)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        give_back();
    }
}

fn enter(mouse: bool) -> io::Result<()> {
    enable_raw_mode()?;
    TAKEN.store(true, Ordering::SeqCst);
    let mut out = io::stdout();
    execute!(out, EnterAlternateScreen, EnableBracketedPaste, Hide)?;
    if mouse {
        execute!(out, EnableMouseCapture)?;
    }
    Ok(())
}

/// Leave the terminal as it was. Does nothing when it is not ours; errors are past helping, and the rest is still tried.
fn give_back() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut out = io::stdout();
    let _ = execute!(out, EndSynchronizedUpdate, DisableMouseCapture);
    let _ = execute!(out, DisableBracketedPaste, LeaveAlternateScreen, Show);
    let _ = out.flush();
    let _ = disable_raw_mode();
}

/// A panic of the thread that owns the screen is told on the ordinary screen; one of another thread while the screen
/// is ours goes to the application's log instead of across the picture.
fn give_back_on_panic() {
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        let screen = std::thread::current().id();
        std::panic::set_hook(Box::new(move |panic| {
            if TAKEN.load(Ordering::SeqCst) && std::thread::current().id() != screen {
                tracing::error!("{panic}");
                return;
            }
            give_back();
            before(panic);
        }));
    });
}
