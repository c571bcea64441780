//! A log file by path: everything that was ever seen at that path since it was opened, as one list of rows.
//!
//! The writer may still append, replace the file (rotation) or cut it off (truncation). What the reader can no longer
//! show is never skipped silently: a row says what is missing. Owned by the [`Reader`](super::Reader); used directly
//! by benches.

use super::line::{Line, LineKind};
use super::search::Pattern;
use super::segment::{FileId, RawLine, Segment, SegmentScan};
use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Rotated files that are kept open for scrolling back; older ones become a gap.
const MAX_SEGMENTS: usize = 8;

/// A log could not be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} the log {}: {source}; its other lines are still shown, and reading is tried again", path.display())]
pub struct LogError {
    action: &'static str,
    path: PathBuf,
    source: io::Error,
}

/// Which way a search goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Towards the end.
    Forward,
    /// Towards the start.
    Backward,
}

/// What a look at the file found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Poll {
    /// Whether there is anything new to show.
    pub changed: bool,
    /// Whether there is more to read at once, beyond the budget of this look.
    pub more: bool,
}

/// What one step of a search found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scan {
    /// This row matches, and none between it and the start of the search does.
    Hit(u64),
    /// Nothing so far. Go on from this row (forward: at it, backward: before it).
    Continue(u64),
    /// Nothing up to the end of the log in this direction.
    End,
}

#[derive(Debug)]
enum Part {
    Segment(Segment),
    Gap(String),
}

impl Part {
    fn rows(&self) -> u64 {
        match self {
            Self::Segment(segment) => segment.lines(),
            Self::Gap(_) => 1,
        }
    }
}

/// A log file by path. See the module's documentation.
#[derive(Debug)]
pub struct LogFile {
    path: PathBuf,
    /// Oldest first; the last one is the file now at `path`, once there was one.
    parts: VecDeque<Part>,
    epoch: u32,
    missing: bool,
}

impl LogFile {
    /// The log at `path`. Nothing is read before the first [`poll`](Self::poll); the file need not exist yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            parts: VecDeque::new(),
            epoch: 0,
            missing: true,
        }
    }

    /// Where the log is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Rows there are to show.
    pub fn rows(&self) -> u64 {
        self.parts.iter().map(Part::rows).sum()
    }

    /// Changes when rows seen earlier were lost, so that row numbers mean something else than before.
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// Whether there is no file at the path now.
    pub fn is_missing(&self) -> bool {
        self.missing
    }

    /// Look whether the file grew, and index what is new: at most `budget` bytes, so that a look never takes long.
    pub fn poll(&mut self, budget: u64) -> Result<Poll, LogError> {
        let metadata = match std::fs::metadata(&self.path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return self.poll_removed(budget),
            Err(error) => return Err(self.error("look at", error)),
        };
        let reappeared = std::mem::replace(&mut self.missing, false);
        let id = FileId {
            device: metadata.dev(),
            inode: metadata.ino(),
        };
        let known = self.current().map(|segment| segment.id);
        if known.is_some_and(|known| known != id) {
            // Rotated: first what the writer still put into the old file.
            let grown = self.grow(budget)?;
            if grown >= budget {
                return Ok(Poll {
                    changed: true,
                    more: true,
                });
            }
            self.parts.push_back(Part::Gap(
                "the log was rotated: a new file begins here".to_owned(),
            ));
            self.open(id)?;
        } else if known.is_none() {
            self.open(id)?;
        }
        let cut = self.drop_if_rewritten(metadata.len())?;
        if cut {
            self.open(id)?;
        }
        let grown = self.grow(budget)?;
        Ok(Poll {
            changed: grown > 0 || cut || reappeared || known != Some(id),
            more: grown >= budget,
        })
    }

    /// The file is gone, but what the open handle holds is still there.
    fn poll_removed(&mut self, budget: u64) -> Result<Poll, LogError> {
        let vanished = !std::mem::replace(&mut self.missing, true);
        let grown = self.grow(budget)?;
        Ok(Poll {
            changed: grown > 0 || vanished,
            more: grown >= budget,
        })
    }

    fn open(&mut self, id: FileId) -> Result<(), LogError> {
        let file = File::open(&self.path).map_err(|error| self.error("open", error))?;
        self.parts.push_back(Part::Segment(Segment::new(file, id)));
        let segments = self.parts.iter().filter(|part| matches!(part, Part::Segment(_)));
        if segments.count() > MAX_SEGMENTS {
            let lost = self.lose_oldest();
            self.parts.push_front(Part::Gap(format!(
                "{lost} older lines of rotated files are not shown"
            )));
            self.epoch += 1;
        }
        Ok(())
    }

    /// Let go of the oldest segment and the gaps around it; returns how many lines it had.
    fn lose_oldest(&mut self) -> u64 {
        let mut lost = 0;
        while let Some(part) = self.parts.pop_front() {
            if let Part::Segment(segment) = part {
                lost = segment.lines();
                break;
            }
        }
        lost
    }

    /// When the current file was cut off or overwritten, what was indexed means nothing any more.
    fn drop_if_rewritten(&mut self, len: u64) -> Result<bool, LogError> {
        let Some(segment) = self.current() else {
            return Ok(false);
        };
        let same = segment.end() <= len
            && segment
                .is_unchanged()
                .map_err(|error| self.error("compare with what was read of", error))?;
        if same {
            return Ok(false);
        }
        let lost = segment.lines();
        self.parts.pop_back();
        self.parts.push_back(Part::Gap(format!(
            "the log was truncated: {lost} earlier lines are gone from the file"
        )));
        self.epoch += 1;
        Ok(true)
    }

    fn current(&self) -> Option<&Segment> {
        match self.parts.back() {
            Some(Part::Segment(segment)) => Some(segment),
            _ => None,
        }
    }

    fn grow(&mut self, budget: u64) -> Result<u64, LogError> {
        let grown = match self.parts.back_mut() {
            Some(Part::Segment(segment)) => segment.grow(budget),
            _ => Ok(0),
        };
        grown.map_err(|error| self.error("read", error))
    }

    /// How much of the file now at the path is indexed, and how long it is. Both in bytes.
    pub fn progress(&self) -> (u64, u64) {
        self.current().map_or((0, 0), |segment| {
            let len = segment.file_len().unwrap_or_default();
            (segment.end(), len.max(segment.end()))
        })
    }

    /// The rows `first..first + count`, as far as there are so many. At most `clip` bytes of each line are read; what
    /// was left out is said in [`Line::hidden_bytes`].
    pub fn read(&self, first: u64, count: u64, clip: usize) -> Result<Vec<Line>, LogError> {
        let mut lines = Vec::new();
        let last = first.saturating_add(count).min(self.rows());
        let mut start = 0;
        for part in &self.parts {
            let end = start + part.rows();
            let from = first.max(start);
            let to = last.min(end);
            if from < to {
                match part {
                    Part::Gap(text) => lines.push(Line::gap(start, text.clone())),
                    Part::Segment(segment) => {
                        let raw = segment
                            .read(from - start, to - from, clip)
                            .map_err(|error| self.error("read", error))?;
                        lines.extend(raw.into_iter().zip(from..).map(|(raw, row)| line_of(row, &raw)));
                    }
                }
            }
            start = end;
        }
        Ok(lines)
    }

    /// One step of a search: about a megabyte. Forward from row `from` on, or backward before it.
    pub fn scan(&self, pattern: &Pattern, from: u64, direction: Direction) -> Result<Scan, LogError> {
        let found = match direction {
            Direction::Forward => self.scan_forward(pattern, from),
            Direction::Backward => self.scan_backward(pattern, from),
        };
        found.map_err(|error| self.error("search", error))
    }

    fn scan_forward(&self, pattern: &Pattern, from: u64) -> io::Result<Scan> {
        let mut start = 0;
        for part in &self.parts {
            let end = start + part.rows();
            if from < end
                && let Part::Segment(segment) = part
            {
                return Ok(match segment.scan_forward(pattern, from.saturating_sub(start))? {
                    SegmentScan::Hit(line) => Scan::Hit(start + line),
                    SegmentScan::Continue(line) => Scan::Continue(start + line),
                    SegmentScan::End if end < self.rows() => Scan::Continue(end),
                    SegmentScan::End => Scan::End,
                });
            }
            start = end;
        }
        Ok(Scan::End)
    }

    fn scan_backward(&self, pattern: &Pattern, before: u64) -> io::Result<Scan> {
        let mut end = self.rows();
        for part in self.parts.iter().rev() {
            let start = end - part.rows();
            if before > start
                && let Part::Segment(segment) = part
            {
                return Ok(match segment.scan_backward(pattern, before.min(end) - start)? {
                    SegmentScan::Hit(line) => Scan::Hit(start + line),
                    SegmentScan::Continue(line) => Scan::Continue(start + line),
                    SegmentScan::End if start > 0 => Scan::Continue(start),
                    SegmentScan::End => Scan::End,
                });
            }
            end = start;
        }
        Ok(Scan::End)
    }

    fn error(&self, action: &'static str, source: io::Error) -> LogError {
        LogError {
            action,
            path: self.path.clone(),
            source,
        }
    }
}

fn line_of(row: u64, raw: &RawLine) -> Line {
    let kind = if raw.complete {
        LineKind::Text
    } else {
        LineKind::Partial
    };
    Line::text(row, kind, &raw.head, raw.total, raw.ending.as_deref())
}

#[cfg(test)]
mod tests;
