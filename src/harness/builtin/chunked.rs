//! The chunked transfer coding of HTTP/1.1, from bytes as they arrive.

/// A trailer or an extension longer than this is no trailer.
const LONGEST_LINE: u32 = 16 << 10;

/// Where in the coding the next byte lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum At {
    /// In the size of a chunk.
    #[default]
    Size,
    /// After the size: an extension, which means nothing.
    Extension,
    /// In a chunk's data.
    Data,
    /// In the line end after a chunk's data.
    AfterData,
    /// In the trailers after the last chunk; the number counts bytes of the line.
    Trailer,
    /// Beyond the end.
    End,
}

/// Takes the coding off a body, however it is cut into pieces.
#[derive(Debug, Default)]
pub struct Chunked {
    at: At,
    /// Size of the chunk under way, then what is left of it.
    left: u64,
    digits: u32,
    line: u32,
}

impl Chunked {
    /// Whether the body has come in full.
    pub fn is_complete(&self) -> bool {
        self.at == At::End
    }

    /// Append the body's bytes among `coded` to `body`; returns how many of `coded` belong to this body.
    pub fn decode(&mut self, coded: &[u8], body: &mut Vec<u8>) -> Result<usize, &'static str> {
        let mut used = 0;
        while let Some(byte) = coded.get(used).copied() {
            match self.at {
                At::End => break,
                At::Data => {
                    let rest = coded.get(used..).unwrap_or_default();
                    let own = rest.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
                    body.extend_from_slice(rest.get(..own).unwrap_or_default());
                    self.left -= own as u64;
                    used += own;
                    if self.left == 0 {
                        self.at = At::AfterData;
                    }
                    continue;
                }
                At::Size => self.size(byte)?,
                At::Extension => self.extension(byte)?,
                At::AfterData => match byte {
                    b'\r' => {}
                    b'\n' => self.at = At::Size,
                    _ => return Err("a chunk is longer than its size"),
                },
                At::Trailer => self.trailer(byte)?,
            }
            used += 1;
        }
        Ok(used)
    }

    fn size(&mut self, byte: u8) -> Result<(), &'static str> {
        match char::from(byte).to_digit(16) {
            Some(digit) if self.digits < 15 => {
                self.left = self.left * 16 + u64::from(digit);
                self.digits += 1;
                Ok(())
            }
            None if self.digits > 0 && matches!(byte, b';' | b' ' | b'\t' | b'\r' | b'\n') => {
                self.at = At::Extension;
                self.line = 0;
                self.extension(byte)
            }
            _ => Err("the size of a chunk is no number"),
        }
    }

    fn extension(&mut self, byte: u8) -> Result<(), &'static str> {
        if byte == b'\n' {
            self.at = if self.left == 0 { At::Trailer } else { At::Data };
            (self.digits, self.line) = (0, 0);
            return Ok(());
        }
        self.count()
    }

    /// Trailers end with an empty line.
    fn trailer(&mut self, byte: u8) -> Result<(), &'static str> {
        match byte {
            b'\r' => Ok(()),
            b'\n' if self.line == 0 => {
                self.at = At::End;
                Ok(())
            }
            b'\n' => {
                self.line = 0;
                Ok(())
            }
            _ => self.count(),
        }
    }

    fn count(&mut self) -> Result<(), &'static str> {
        self.line += 1;
        if self.line > LONGEST_LINE {
            return Err("a line of the chunked coding is longer than 16 KiB");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decode(pieces: &[&[u8]]) -> Result<(Vec<u8>, bool), &'static str> {
        let mut chunked = Chunked::default();
        let mut body = Vec::new();
        for piece in pieces {
            chunked.decode(piece, &mut body)?;
        }
        Ok((body, chunked.is_complete()))
    }

    #[test]
    fn what_follows_the_body_is_left_alone() {
        let mut chunked = Chunked::default();
        let mut body = Vec::new();
        let coded = b"1\r\na\r\n0\r\n\r\nHTTP/1.1";
        assert_eq!(chunked.decode(coded, &mut body), Ok(coded.len() - 8));
        assert!(chunked.is_complete());
        assert_eq!(body, b"a");
    }

    #[test]
    fn sizes_beyond_reason_are_refused() {
        assert!(decode(&[b"ffffffffffffffffff\r\n"]).is_err());
        assert!(decode(&[b"\r\n"]).is_err());
        assert!(decode(&[b"1\r\nab"]).is_err());
    }

    proptest! {
        #[test]
        fn any_body_comes_out_however_it_is_chunked_and_cut(
            chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 0..8),
            cuts in prop::collection::vec(0usize..400, 0..10),
        ) {
            let mut coded = Vec::new();
            for chunk in &chunks {
                coded.extend_from_slice(format!("{:X};a=b\r\n", chunk.len()).as_bytes());
                coded.extend_from_slice(chunk);
                coded.extend_from_slice(b"\r\n");
            }
            coded.extend_from_slice(b"0\r\nx: y\r\n\r\n");
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(coded.len())).collect();
            cuts.push(0);
            cuts.push(coded.len());
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &coded[pair[0]..pair[1]]).collect();
            prop_assert_eq!(decode(&pieces), Ok((chunks.concat(), true)));
        }

        #[test]
        fn no_bytes_make_it_panic(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..50), 0..10)) {
            let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
            let _ = decode(&pieces);
        }
    }
}
