//! The thread behind [`Reader`](super::Reader): looks at files, serves rows, searches in small steps.

use super::{Mailbox, Post, Request, Source, SourceStatus, Update, View, Wanted, Window};
use crate::logs::file::{Direction, LogError, LogFile, Poll, Scan};
use crate::logs::search::Pattern;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// Looks are at least this far apart, so that a busy log costs ten looks a second …
const SHORTEST: Duration = Duration::from_millis(100);
/// … and this far where nothing happened for a while.
const LONGEST: Duration = Duration::from_secs(1);
/// Bytes indexed per look: a few milliseconds.
const BUDGET: u64 = 8 * 1024 * 1024;
/// Rows per answer are bounded, whatever is asked for.
const MAX_ROWS: u64 = 4096;

/// The screen went away.
#[derive(Debug)]
pub(super) struct Gone;

struct OpenLog {
    source: Source,
    file: LogFile,
    /// Whether it was read to the end after its writers were done.
    finished: bool,
    /// Whether the last look failed, so that one message is sent and not ten a second.
    failed: bool,
}

struct Shown {
    source: usize,
    wanted: Wanted,
    clip: usize,
}

struct Search {
    source: usize,
    pattern: Pattern,
    direction: Direction,
    id: u64,
    began: u64,
    at: u64,
    wrapped: bool,
    epoch: u32,
}

/// When to look at the visible file.
struct Pace {
    next: Instant,
    delay: Duration,
}

pub(super) struct Worker {
    post: Arc<Post>,
    updates: mpsc::Sender<Update>,
    view: View,
    logs: Vec<OpenLog>,
    ended: bool,
    shown: Option<Shown>,
    search: Option<Search>,
    pace: Pace,
}

impl Worker {
    pub(super) fn new(post: Arc<Post>, updates: mpsc::Sender<Update>) -> Self {
        Self {
            post,
            updates,
            view: View::default(),
            logs: Vec::new(),
            ended: false,
            shown: None,
            search: None,
            pace: Pace {
                next: Instant::now(),
                delay: SHORTEST,
            },
        }
    }

    pub(super) fn run(mut self) {
        loop {
            let mail = self.wait();
            if mail.closed || self.turn(mail).is_err() {
                return;
            }
        }
    }

    pub(super) fn turn(&mut self, mail: Mailbox) -> Result<(), Gone> {
        if let Some(request) = mail.open {
            self.open(request);
        }
        match mail.search {
            Some(Request::Search {
                view,
                source,
                pattern,
                from,
                direction,
                id,
            }) if view == self.view => {
                self.begin_search(source, pattern, from, direction, id);
            }
            Some(_) => self.search = None,
            None => {}
        }
        match mail.show {
            Some(Request::Show {
                view,
                source,
                wanted,
                clip,
            }) if view == self.view => {
                self.shown = Some(Shown { source, wanted, clip });
                self.look(true)?;
            }
            Some(Request::Hide) => self.shown = None,
            _ => {}
        }
        if self.is_due() {
            self.look(false)?;
        }
        self.search_step()
    }

    /// The requests that came, once there are some or there is something else to do.
    fn wait(&self) -> Mailbox {
        let mut mailbox = self.post.mailbox.lock().unwrap_or_else(PoisonError::into_inner);
        while mailbox.is_empty() && self.search.is_none() {
            match self.time_to_look() {
                Some(Duration::ZERO) => break,
                Some(delay) => {
                    let waited = self.post.arrived.wait_timeout(mailbox, delay);
                    mailbox = waited.unwrap_or_else(PoisonError::into_inner).0;
                }
                None => {
                    let waited = self.post.arrived.wait(mailbox);
                    mailbox = waited.unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
        std::mem::take(&mut *mailbox)
    }

    /// How long until the visible file has to be looked at; `None` when nothing can happen to it.
    pub(super) fn time_to_look(&self) -> Option<Duration> {
        let log = self.logs.get(self.shown.as_ref()?.source)?;
        (!log.finished).then(|| self.pace.next.saturating_duration_since(Instant::now()))
    }

    fn is_due(&self) -> bool {
        self.time_to_look() == Some(Duration::ZERO)
    }

    fn open(&mut self, request: Request) {
        let Request::Open { view, sources, ended } = request else {
            self.logs.clear();
            self.shown = None;
            self.search = None;
            return;
        };
        if view != self.view {
            self.view = view;
            self.logs.clear();
            self.shown = None;
            self.search = None;
        }
        let mut known = std::mem::take(&mut self.logs);
        self.logs = sources
            .into_iter()
            .map(
                |source| match known.iter().position(|log| log.source.path == source.path) {
                    // A retry of the view may have writers again.
                    Some(index) => OpenLog {
                        source,
                        finished: false,
                        ..known.swap_remove(index)
                    },
                    None => OpenLog {
                        file: LogFile::new(&source.path),
                        source,
                        finished: false,
                        failed: false,
                    },
                },
            )
            .collect();
        self.ended = ended;
        self.pace = Pace {
            next: Instant::now(),
            delay: SHORTEST,
        };
    }

    /// Look at the visible file and tell the screen what is new; `asked` answers in any case.
    fn look(&mut self, asked: bool) -> Result<(), Gone> {
        let Some(shown) = &self.shown else { return Ok(()) };
        let (source, wanted, clip) = (shown.source, shown.wanted, shown.clip);
        let Some(log) = self.logs.get_mut(source) else {
            return Ok(());
        };
        // What is asked for again and again while scrolling is answered without a look at the file.
        let polled = if asked && log.finished {
            Ok(Poll {
                changed: false,
                more: false,
            })
        } else {
            log.file.poll(BUDGET)
        };
        let answer = polled.and_then(|poll| {
            let tail_grew = poll.changed && matches!(wanted, Wanted::Tail(_));
            let window = (asked || tail_grew)
                .then(|| window(&log.file, wanted, clip))
                .transpose()?;
            Ok((poll, window))
        });
        match answer {
            Ok((poll, window)) => {
                log.failed = false;
                log.finished = self.ended && !poll.more && !poll.changed;
                let status = status(&log.file);
                self.pace.after(poll);
                if poll.changed || window.is_some() {
                    self.send(Update::Status {
                        view: self.view,
                        source,
                        status,
                        window,
                    })?;
                }
                Ok(())
            }
            Err(error) => self.look_failed(source, &error),
        }
    }

    fn look_failed(&mut self, source: usize, error: &LogError) -> Result<(), Gone> {
        self.pace.after(Poll {
            changed: false,
            more: false,
        });
        let Some(log) = self.logs.get_mut(source) else {
            return Ok(());
        };
        log.finished = self.ended;
        if std::mem::replace(&mut log.failed, true) {
            return Ok(());
        }
        let error = error.to_string();
        self.send(Update::Failed {
            view: self.view,
            source,
            error,
        })
    }

    fn begin_search(&mut self, source: usize, pattern: Pattern, from: u64, direction: Direction, id: u64) {
        self.search = self.logs.get(source).map(|log| Search {
            source,
            pattern,
            direction,
            id,
            began: from,
            at: from,
            wrapped: false,
            epoch: log.file.epoch(),
        });
    }

    fn search_step(&mut self) -> Result<(), Gone> {
        let Some(mut search) = self.search.take() else {
            return Ok(());
        };
        let Some(log) = self.logs.get(search.source) else {
            return Ok(());
        };
        if log.file.epoch() != search.epoch {
            // Rows were renumbered: begin anew at the end the search came from.
            search.epoch = log.file.epoch();
            search.at = search.start(&log.file);
            search.began = search.at;
            search.wrapped = false;
        }
        let row = match log.file.scan(&search.pattern, search.at, search.direction) {
            Ok(Scan::Hit(row)) if search.is_past_beginning(row) => None,
            Ok(Scan::Hit(row)) => Some(row),
            Ok(Scan::Continue(at)) => {
                search.at = at;
                self.search = Some(search);
                return Ok(());
            }
            Ok(Scan::End) if !search.wrapped => {
                search.wrapped = true;
                search.at = search.start(&log.file);
                self.search = Some(search);
                return Ok(());
            }
            Ok(Scan::End) => None,
            Err(error) => {
                let error = error.to_string();
                self.send(Update::Failed {
                    view: self.view,
                    source: search.source,
                    error,
                })?;
                None
            }
        };
        self.send(Update::Found {
            view: self.view,
            source: search.source,
            id: search.id,
            row,
            wrapped: search.wrapped,
        })
    }

    fn send(&self, update: Update) -> Result<(), Gone> {
        self.updates.blocking_send(update).map_err(|_| Gone)
    }
}

impl Search {
    /// Where a search in this direction begins on the far end.
    fn start(&self, file: &LogFile) -> u64 {
        match self.direction {
            Direction::Forward => 0,
            Direction::Backward => file.rows(),
        }
    }

    /// Whether a search that went around is back where it began.
    fn is_past_beginning(&self, row: u64) -> bool {
        self.wrapped
            && match self.direction {
                Direction::Forward => row >= self.began,
                Direction::Backward => row < self.began,
            }
    }
}

impl Pace {
    fn after(&mut self, poll: Poll) {
        self.delay = if poll.changed {
            SHORTEST
        } else {
            (self.delay * 2).min(LONGEST)
        };
        self.next = Instant::now() + if poll.more { Duration::ZERO } else { self.delay };
    }
}

fn status(file: &LogFile) -> SourceStatus {
    let (indexed, len) = file.progress();
    SourceStatus {
        rows: file.rows(),
        epoch: file.epoch(),
        missing: file.is_missing(),
        indexed,
        len,
    }
}

fn window(file: &LogFile, wanted: Wanted, clip: usize) -> Result<Window, LogError> {
    let (first, count) = match wanted {
        Wanted::Tail(count) => (
            file.rows().saturating_sub(count.min(MAX_ROWS)),
            count.min(MAX_ROWS),
        ),
        Wanted::Rows { first, count } => (first, count.min(MAX_ROWS)),
    };
    Ok(Window {
        first,
        lines: file.read(first, count, clip)?,
        clip,
    })
}
