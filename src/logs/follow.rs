//! The reader: one thread that follows the log files of the pane on screen.
//!
//! A screen asks through [`Request`]s and is told through [`Update`]s; it never touches a file. Requests meet the
//! thread in a mailbox with one slot per kind, so a newer request replaces an older one that was not looked at yet:
//! nothing queues up behind a slow disk, and a search has at most one successor. Updates go through a bounded channel.
//!
//! The thread looks at the visible file at most ten times a second while it grows, less and less often while it does
//! not, and not at all when its writers are done and it was read to the end, or when nothing is on screen: then it
//! sleeps until the next request.

mod worker;

use super::file::Direction;
use super::line::Line;
use super::search::Pattern;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use tokio::sync::mpsc;

/// Updates that may wait for the screen.
const UPDATES: usize = 64;

/// Names what the pane shows (one attempt's logs, say), so that answers about what it showed before can be told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct View(pub u64);

/// A log to follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// What writes it, as the operator knows it.
    pub name: String,
    /// Where it is on disk.
    pub path: PathBuf,
}

/// Which rows the screen wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// So many last rows, again whenever there are new ones.
    Tail(u64),
    /// These rows.
    Rows {
        /// The first, from 0.
        first: u64,
        /// How many.
        count: u64,
    },
}

/// What a screen asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// These are the logs of this view now. Logs already open for the same view stay as they are.
    Open {
        /// The view; another one than before closes what was open.
        view: View,
        /// Its logs, in the order of their tabs.
        sources: Vec<Source>,
        /// Whether their writers are done. Then a log read to its end is not looked at again.
        ended: bool,
    },
    /// This log is on screen, and these of its rows are wanted.
    Show {
        /// The view.
        view: View,
        /// Position of the log in the view's list.
        source: usize,
        /// Which rows.
        wanted: Wanted,
        /// Bytes per line that are wanted.
        clip: usize,
    },
    /// Look for a pattern; a search under way is given up for it.
    Search {
        /// The view.
        view: View,
        /// Position of the log in the view's list.
        source: usize,
        /// What to look for.
        pattern: Pattern,
        /// Forward: the first row looked at. Backward: the row after the first one looked at.
        from: u64,
        /// Which way. At the end of the log the search goes on from the other end, up to where it began.
        direction: Direction,
        /// Comes back with the answer.
        id: u64,
    },
    /// Give up the search under way.
    CancelSearch,
    /// Nothing is on screen.
    Hide,
    /// Close all files.
    Close,
}

/// What is known of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SourceStatus {
    /// Rows there are to show.
    pub rows: u64,
    /// Changes when row numbers mean something else than before.
    pub epoch: u32,
    /// There is no file (yet, or any more).
    pub missing: bool,
    /// Bytes of the current file that are indexed.
    pub indexed: u64,
    /// Length of the current file in bytes. More than `indexed` while a large file is read for the first time.
    pub len: u64,
}

/// Rows of a log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Window {
    /// The number of the first row.
    pub first: u64,
    /// The rows.
    pub lines: Vec<Line>,
    /// Bytes per line that were read at most.
    pub clip: usize,
}

/// What the screen is told.
#[derive(Debug, Clone, PartialEq)]
pub enum Update {
    /// The state of a log, and the wanted rows where they are new.
    Status {
        /// The view.
        view: View,
        /// Position of the log in the view's list.
        source: usize,
        /// Its state.
        status: SourceStatus,
        /// The rows that were asked for.
        window: Option<Window>,
    },
    /// A search ended.
    Found {
        /// The view.
        view: View,
        /// Position of the log in the view's list.
        source: usize,
        /// From the request.
        id: u64,
        /// The row, if there is one.
        row: Option<u64>,
        /// Whether the search passed the end of the log and went on from the other end.
        wrapped: bool,
    },
    /// A log cannot be read at the moment.
    Failed {
        /// The view.
        view: View,
        /// Position of the log in the view's list.
        source: usize,
        /// What to tell the operator.
        error: String,
    },
}

/// Requests not yet looked at: at most one of each kind.
#[derive(Debug, Default)]
struct Mailbox {
    open: Option<Request>,
    show: Option<Request>,
    search: Option<Request>,
    /// The reader was dropped.
    closed: bool,
}

impl Mailbox {
    fn is_empty(&self) -> bool {
        self.open.is_none() && self.show.is_none() && self.search.is_none() && !self.closed
    }

    fn put(&mut self, request: Request) {
        match request {
            Request::Open { .. } | Request::Close => self.open = Some(request),
            Request::Show { .. } | Request::Hide => self.show = Some(request),
            Request::Search { .. } | Request::CancelSearch => self.search = Some(request),
        }
    }
}

#[derive(Debug, Default)]
struct Post {
    mailbox: Mutex<Mailbox>,
    arrived: Condvar,
}

impl Post {
    fn change(&self, change: impl FnOnce(&mut Mailbox)) {
        // A mailbox is valid after any panic: its slots are independent.
        change(&mut self.mailbox.lock().unwrap_or_else(PoisonError::into_inner));
        self.arrived.notify_one();
    }
}

/// The screen's end of the reader. Dropping it ends the thread.
#[derive(Debug)]
pub struct Reader {
    post: Arc<Post>,
}

impl Reader {
    /// Start the thread. Updates come out of the returned channel until the reader is dropped.
    pub fn start() -> std::io::Result<(Self, mpsc::Receiver<Update>)> {
        let post = Arc::new(Post::default());
        let (updates, receiver) = mpsc::channel(UPDATES);
        let worker = worker::Worker::new(Arc::clone(&post), updates);
        std::thread::Builder::new()
            .name("log-reader".to_owned())
            .spawn(move || worker.run())?;
        Ok((Self { post }, receiver))
    }

    /// Ask for something. Never waits; replaces a request of the same kind that was not looked at yet.
    pub fn ask(&self, request: Request) {
        self.post.change(|mailbox| mailbox.put(request));
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.post.change(|mailbox| mailbox.closed = true);
    }
}

#[cfg(test)]
mod tests;
