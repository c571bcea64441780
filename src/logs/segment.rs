//! One open file of a log and the sparse index of its line starts.
//!
//! Owned by [`LogFile`](super::LogFile), which decides when a file is indexed further, replaced or given up. Reads go
//! by position (`pread`), so nothing here has a cursor that a reader and a search could fight over.

use super::search::Pattern;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// A checkpoint is made after this many lines …
const CHECKPOINT_LINES: u64 = 1024;
/// … or this many bytes, whichever comes first, so that reaching a line never reads more than this.
const CHECKPOINT_BYTES: u64 = 256 * 1024;
/// Bytes per read.
const READ_BYTES: usize = 64 * 1024;
/// Bytes of lines a search looks at in one step: what fits into the processor's own cache together with the pattern.
const SEARCH_BYTES: u64 = 256 * 1024;
/// A region larger than this (one giant line) is searched piece by piece …
const PIECE_BYTES: u64 = 4 * 1024 * 1024;
/// … which overlap by this much, so that a match across the cut is found.
const PIECE_OVERLAP: u64 = 4 * 1024;
/// How much of the end of a long line is read to see what a progress bar says now.
const ENDING_BYTES: u64 = 4 * 1024;
/// Bytes before the indexed end that are compared at the next look, to notice a file that was rewritten.
const TAIL_BYTES: u64 = 64;

/// Which file a handle is open on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileId {
    pub(super) device: u64,
    pub(super) inode: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Checkpoint {
    line: u64,
    offset: u64,
}

/// A line's bytes as far as they were asked for.
pub(super) struct RawLine {
    pub(super) head: Vec<u8>,
    /// Length of the whole line without its newline.
    pub(super) total: u64,
    /// Whether a newline ends it.
    pub(super) complete: bool,
    /// The line's last bytes, for a cut line that was rewritten in place.
    pub(super) ending: Option<Vec<u8>>,
}

/// What one step of a search found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SegmentScan {
    Hit(u64),
    /// Nothing so far; go on at this line (forward), or before it (backward).
    Continue(u64),
    /// Nothing up to the end in this direction.
    End,
}

/// One open file and its line index.
#[derive(Debug)]
pub(super) struct Segment {
    file: File,
    pub(super) id: FileId,
    checkpoints: Vec<Checkpoint>,
    /// Complete lines.
    complete: u64,
    /// Bytes indexed.
    end: u64,
    /// Where the unfinished last line begins.
    partial_start: u64,
    tail: Vec<u8>,
}

impl Segment {
    pub(super) fn new(file: File, id: FileId) -> Self {
        Self {
            file,
            id,
            checkpoints: vec![Checkpoint { line: 0, offset: 0 }],
            complete: 0,
            end: 0,
            partial_start: 0,
            tail: Vec::new(),
        }
    }

    /// Lines there are to show, the unfinished one included.
    pub(super) fn lines(&self) -> u64 {
        self.complete + u64::from(self.end > self.partial_start)
    }

    /// Bytes indexed so far.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// The file's present length.
    pub(super) fn file_len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    /// Whether what was indexed is still what the file holds (as far as its last bytes tell).
    pub(super) fn is_unchanged(&self) -> io::Result<bool> {
        let mut now = vec![0; self.tail.len()];
        let start = self.end - self.tail.len() as u64;
        Ok(read_full(&self.file, &mut now, start)? == now.len() && now == self.tail)
    }

    /// Index up to `budget` further bytes; returns how many there were.
    pub(super) fn grow(&mut self, budget: u64) -> io::Result<u64> {
        let mut buffer = vec![0; READ_BYTES.min(usize::try_from(budget).unwrap_or(READ_BYTES))];
        let mut grown = 0;
        while grown < budget {
            let read = read_some(&self.file, &mut buffer, self.end)?;
            if read == 0 {
                break;
            }
            let chunk = buffer.get(..read).unwrap_or_default();
            for newline in memchr::memchr_iter(b'\n', chunk) {
                self.line_ended(self.end + newline as u64 + 1);
            }
            self.end += read as u64;
            grown += read as u64;
        }
        if grown > 0 {
            let mut tail = vec![0; self.end.min(TAIL_BYTES) as usize];
            let start = self.end - tail.len() as u64;
            let read = read_full(&self.file, &mut tail, start)?;
            tail.truncate(read);
            self.tail = tail;
        }
        Ok(grown)
    }

    fn line_ended(&mut self, next_start: u64) {
        self.complete += 1;
        self.partial_start = next_start;
        let last = self.checkpoint_before(u64::MAX);
        if self.complete - last.line >= CHECKPOINT_LINES || next_start - last.offset >= CHECKPOINT_BYTES {
            self.checkpoints.push(Checkpoint {
                line: self.complete,
                offset: next_start,
            });
        }
    }

    /// The last checkpoint at or before `line`.
    fn checkpoint_before(&self, line: u64) -> Checkpoint {
        let after = match self.checkpoints.last() {
            Some(last) if last.line <= line => self.checkpoints.len(),
            _ => self
                .checkpoints
                .partition_point(|checkpoint| checkpoint.line <= line),
        };
        self.checkpoints
            .get(after.saturating_sub(1))
            .copied()
            .unwrap_or(Checkpoint { line: 0, offset: 0 })
    }

    /// The start of `line`, where a checkpoint knows it.
    fn known_start(&self, line: u64) -> Option<u64> {
        let checkpoint = self.checkpoint_before(line);
        (checkpoint.line == line).then_some(checkpoint.offset)
    }

    /// Up to `count` lines from `first`, each cut at `clip` bytes.
    pub(super) fn read(&self, first: u64, count: u64, clip: usize) -> io::Result<Vec<RawLine>> {
        let last = first.saturating_add(count).min(self.lines());
        let checkpoint = self.checkpoint_before(first);
        let mut reader = LineReader::at(self, checkpoint);
        while reader.line < first && reader.skip_line()? {}
        let mut lines = Vec::new();
        while reader.line < last {
            match reader.next_line(clip)? {
                Some(line) => lines.push(line),
                None => break,
            }
        }
        Ok(lines)
    }

    /// One step of a search for the first matching line at or after `from`.
    pub(super) fn scan_forward(&self, pattern: &Pattern, from: u64) -> io::Result<SegmentScan> {
        if from >= self.lines() {
            return Ok(SegmentScan::End);
        }
        let start = self.checkpoint_before(from);
        let mut index = self.checkpoints.partition_point(|other| other.line <= start.line);
        let stop = loop {
            match self.checkpoints.get(index) {
                None => {
                    break Checkpoint {
                        line: self.lines(),
                        offset: self.end,
                    };
                }
                Some(next) if next.offset - start.offset >= SEARCH_BYTES => break *next,
                Some(_) => index += 1,
            }
        };
        let mut first = None;
        self.for_each_piece(start, stop, |hay, base| {
            first = pattern
                .first_line(hay, from.saturating_sub(base))
                .map(|line| base + line);
            first.is_none()
        })?;
        Ok(match first {
            Some(line) => SegmentScan::Hit(line),
            None if stop.line >= self.lines() => SegmentScan::End,
            None => SegmentScan::Continue(stop.line),
        })
    }

    /// One step of a search for the last matching line before `before`.
    pub(super) fn scan_backward(&self, pattern: &Pattern, before: u64) -> io::Result<SegmentScan> {
        let before = before.min(self.lines());
        let Some(last) = before.checked_sub(1) else {
            return Ok(SegmentScan::End);
        };
        let after = self.checkpoints.partition_point(|other| other.line <= last);
        let stop = self.checkpoints.get(after).copied().unwrap_or(Checkpoint {
            line: self.lines(),
            offset: self.end,
        });
        let mut start = self.checkpoint_before(last);
        while stop.offset - start.offset < SEARCH_BYTES && start.line > 0 {
            start = self.checkpoint_before(start.line - 1);
        }
        let mut found = None;
        self.for_each_piece(start, stop, |hay, base| {
            if let Some(line) = pattern.last_line(hay, before.saturating_sub(base)) {
                found = Some(base + line);
            }
            true
        })?;
        Ok(match found {
            Some(line) => SegmentScan::Hit(line),
            None if start.line == 0 => SegmentScan::End,
            None => SegmentScan::Continue(start.line),
        })
    }

    /// Read the lines between two checkpoints in pieces of bounded size and hand each to `look` with the number of its
    /// first line, until that returns false. Only one giant line makes more than one piece: lines that begin within a
    /// region do so well before the first cut, because checkpoints are close together.
    fn for_each_piece(
        &self,
        start: Checkpoint,
        stop: Checkpoint,
        mut look: impl FnMut(&[u8], u64) -> bool,
    ) -> io::Result<()> {
        let mut offset = start.offset;
        let mut base = start.line;
        let mut buffer = Vec::new();
        while offset < stop.offset {
            let len = (stop.offset - offset).min(PIECE_BYTES);
            buffer.resize(len as usize, 0);
            let read = read_full(&self.file, &mut buffer, offset)?;
            if !look(buffer.get(..read).unwrap_or_default(), base) || (read as u64) < len {
                break;
            }
            offset += len;
            if offset < stop.offset {
                offset -= PIECE_OVERLAP;
                base = stop.line.saturating_sub(1);
            }
        }
        Ok(())
    }
}

/// Reads lines one after another from a checkpoint on.
struct LineReader<'a> {
    segment: &'a Segment,
    line: u64,
    /// Where the buffer begins in the file.
    base: u64,
    buffer: Vec<u8>,
    at: usize,
}

impl<'a> LineReader<'a> {
    fn at(segment: &'a Segment, checkpoint: Checkpoint) -> Self {
        Self {
            segment,
            line: checkpoint.line,
            base: checkpoint.offset,
            buffer: Vec::new(),
            at: 0,
        }
    }

    fn position(&self) -> u64 {
        self.base + self.at as u64
    }

    fn seek(&mut self, offset: u64) {
        self.base = offset;
        self.buffer.clear();
        self.at = 0;
    }

    /// Bytes from the position on; empty at the indexed end. What the file gained since is not for this reader: index
    /// and text must tell the same story.
    fn fill(&mut self) -> io::Result<&[u8]> {
        if self.at >= self.buffer.len() {
            let offset = self.position();
            let left = self.segment.end.saturating_sub(offset).min(READ_BYTES as u64) as usize;
            self.seek(offset);
            self.buffer.resize(left, 0);
            let read = read_some(&self.segment.file, &mut self.buffer, offset)?;
            self.buffer.truncate(read);
        }
        Ok(self.buffer.get(self.at..).unwrap_or_default())
    }

    fn skip_line(&mut self) -> io::Result<bool> {
        Ok(self.next_line(0)?.is_some())
    }

    fn next_line(&mut self, clip: usize) -> io::Result<Option<RawLine>> {
        let start = self.position();
        let mut head = Vec::new();
        loop {
            if self.position() - start > CHECKPOINT_BYTES
                && let Some(next) = self.segment.known_start(self.line + 1)
            {
                self.seek(next);
                return self.finish(head, start, next - 1, true).map(Some);
            }
            let wanted = clip - head.len();
            let chunk = self.fill()?;
            if chunk.is_empty() {
                let position = self.position();
                return if position == start {
                    Ok(None)
                } else {
                    self.finish(head, start, position, false).map(Some)
                };
            }
            let newline = memchr::memchr(b'\n', chunk);
            let part = chunk.get(..newline.unwrap_or(chunk.len())).unwrap_or_default();
            head.extend_from_slice(part.get(..wanted.min(part.len())).unwrap_or_default());
            self.at += part.len();
            if newline.is_some() {
                let end = self.position();
                self.at += 1;
                return self.finish(head, start, end, true).map(Some);
            }
        }
    }

    fn finish(&mut self, head: Vec<u8>, start: u64, end: u64, complete: bool) -> io::Result<RawLine> {
        self.line += 1;
        let total = end - start;
        let cut = total > head.len() as u64;
        let ending = if cut && memchr::memchr(b'\r', &head).is_some() {
            let mut ending = vec![0; total.min(ENDING_BYTES) as usize];
            let from = end - ending.len() as u64;
            let read = read_full(&self.segment.file, &mut ending, from)?;
            ending.truncate(read);
            // Only from a rewrite on: before it may be the torn end of an older version.
            memchr::memchr(b'\r', &ending).map(|at| ending.split_off(at))
        } else {
            None
        };
        Ok(RawLine {
            head,
            total,
            complete,
            ending,
        })
    }
}

fn read_some(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    loop {
        match file.read_at(buffer, offset) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// Fill `buffer` as far as the file goes.
fn read_full(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match read_some(file, rest, offset + filled as u64)? {
            0 => break,
            read => filled += read,
        }
    }
    Ok(filled)
}
