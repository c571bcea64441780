//! Server-sent events, from bytes as they arrive.

use memchr::memchr2;

/// An event longer than this is not an answer of a model server.
const LONGEST: usize = 8 << 20;

/// An event grew beyond all bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an event of the stream is longer than 8 MiB")]
pub struct TooLong;

/// Cuts a stream into the data of its events, however the stream is cut into pieces.
#[derive(Debug, Default)]
pub struct Parser {
    /// A line whose end has not arrived.
    line: Vec<u8>,
    /// Data lines of the event under way, joined.
    data: Vec<u8>,
    has_data: bool,
    /// The last piece ended in CR: a LF that comes next belongs to it.
    after_cr: bool,
}

impl Parser {
    /// Take in `bytes` and hand the data of every event that they complete to `event`.
    pub fn push(&mut self, mut bytes: &[u8], mut event: impl FnMut(&[u8])) -> Result<(), TooLong> {
        if self.after_cr && !bytes.is_empty() {
            self.after_cr = false;
            bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
        }
        while let Some(end) = memchr2(b'\n', b'\r', bytes) {
            let (line, rest) = bytes.split_at(end);
            let (terminator, rest) = rest.split_at(1);
            if self.line.is_empty() {
                self.take_line(line, &mut event);
            } else {
                self.line.extend_from_slice(line);
                let whole = std::mem::take(&mut self.line);
                self.take_line(&whole, &mut event);
            }
            bytes = rest;
            if terminator == b"\r" {
                self.after_cr = bytes.is_empty();
                bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
            }
            self.check()?;
        }
        self.line.extend_from_slice(bytes);
        self.check()
    }

    /// The stream ended: hand out an event whose closing empty line never came, as some servers leave it out.
    pub fn finish(mut self, mut event: impl FnMut(&[u8])) {
        if !self.line.is_empty() {
            let whole = std::mem::take(&mut self.line);
            self.take_line(&whole, &mut event);
        }
        self.take_line(b"", &mut event);
    }

    fn check(&self) -> Result<(), TooLong> {
        if self.line.len() + self.data.len() > LONGEST {
            Err(TooLong)
        } else {
            Ok(())
        }
    }

    fn take_line(&mut self, line: &[u8], event: &mut impl FnMut(&[u8])) {
        if line.is_empty() {
            if self.has_data {
                event(&self.data);
                self.data.clear();
                self.has_data = false;
            }
            return;
        }
        // Comments, event names, ids and retry times say nothing about an answer.
        let Some(value) = line.strip_prefix(b"data:") else {
            return;
        };
        if self.has_data {
            self.data.push(b'\n');
        }
        self.data
            .extend_from_slice(value.strip_prefix(b" ").unwrap_or(value));
        self.has_data = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn events(pieces: &[&[u8]]) -> Vec<Vec<u8>> {
        let mut parser = Parser::default();
        let mut events = Vec::new();
        for piece in pieces {
            parser.push(piece, |data| events.push(data.to_vec())).unwrap();
        }
        parser.finish(|data| events.push(data.to_vec()));
        events
    }

    #[test]
    fn all_line_ends_comments_and_other_fields_are_understood() {
        let stream = b": hello\n\ndata: one\n\nevent: x\nid: 4\ndata:two\r\n\r\ndata: three\rdata: four\r\rdata: [DONE]";
        assert_eq!(
            events(&[stream]),
            [&b"one"[..], b"two", b"three\nfour", b"[DONE]"]
        );
    }

    #[test]
    fn an_endless_line_is_refused() {
        let mut parser = Parser::default();
        let piece = vec![b'x'; 1 << 20];
        let refused = (0..20).any(|_| parser.push(&piece, |_| ()).is_err());
        assert!(refused);
    }

    proptest! {
        #[test]
        fn cutting_a_stream_anywhere_gives_the_same_events(
            bytes in prop::collection::vec(
                prop::sample::select(vec![b'd', b'a', b't', b':', b' ', b'\n', b'\r', 0xff, b'x']), 0..200),
            cuts in prop::collection::vec(0usize..200, 0..20),
        ) {
            let mut stream = b"data: a\r\n\r\ndata: b\n\n".to_vec();
            stream.extend_from_slice(&bytes);
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(stream.len())).collect();
            cuts.push(0);
            cuts.push(stream.len());
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &stream[pair[0]..pair[1]]).collect();
            prop_assert_eq!(events(&pieces), events(&[&stream]));
        }

        #[test]
        fn no_bytes_make_it_panic(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..50), 0..20)) {
            let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
            events(&pieces);
        }
    }
}
