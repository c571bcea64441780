//! One line of a journal: a record as JSON, with what proves that it is whole at its end.

use crate::engine::event::Record;
use serde::{Deserialize, Serialize};

/// Separates the covered bytes from their length and checksum.
const LENGTH: &[u8] = b",\"len\":";
const CHECKSUM: &[u8] = b",\"crc\":\"";
const END: &[u8] = b"\"}";

#[derive(Serialize)]
struct Written<'a> {
    #[serde(flatten)]
    record: &'a Record,
    batch: u64,
}

#[derive(Deserialize)]
struct Batch {
    batch: u64,
}

/// Why a line is not a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Flaw {
    /// The line is not what was written.
    Damaged(String),
    /// The line is whole, but says something unknown.
    Unknown(String),
}

/// The line with its line break, and the record as it will be read back from it: numbers may lose their last bit on
/// the way through text, and the state must not depend on whether it was replayed.
pub(super) fn encode(record: &Record, batch: u64) -> Result<(Vec<u8>, Record), String> {
    let mut line = serde_json::to_vec(&Written { record, batch }).map_err(|error| error.to_string())?;
    line.pop();
    let length = line.len();
    let checksum = crc32fast::hash(&line);
    line.extend_from_slice(format!(",\"len\":{length},\"crc\":\"{checksum:08x}\"}}\n").as_bytes());
    match decode(line.trim_ascii_end()) {
        Ok((record, _)) => Ok((line, record)),
        Err(Flaw::Damaged(reason) | Flaw::Unknown(reason)) => Err(reason),
    }
}

/// The record and the batch of a line without its line break.
pub(super) fn decode(line: &[u8]) -> Result<(Record, u64), Flaw> {
    let body = checked(line).map_err(|reason| Flaw::Damaged(reason.to_owned()))?;
    let mut json = Vec::with_capacity(body.len() + 1);
    json.extend_from_slice(body);
    json.push(b'}');
    let unknown = |error: serde_json::Error| Flaw::Unknown(error.to_string());
    let Batch { batch } = serde_json::from_slice(&json).map_err(unknown)?;
    let record = serde_json::from_slice(&json).map_err(unknown)?;
    Ok((record, batch))
}

/// The bytes that the checksum covers, if they are what was written.
fn checked(line: &[u8]) -> Result<&[u8], &'static str> {
    const NO_END: &str = "it does not end with a length and a checksum";
    let rest = line.strip_suffix(END).ok_or(NO_END)?;
    let (rest, checksum) = split_last(rest, CHECKSUM).ok_or(NO_END)?;
    let (body, length) = split_last(rest, LENGTH).ok_or(NO_END)?;
    let length: usize = number(length, 10).ok_or(NO_END)?;
    if length != body.len() {
        return Err("its length is not the one it tells");
    }
    if number(checksum, 16) != Some(crc32fast::hash(body) as usize) {
        return Err("its checksum is not the one it tells");
    }
    Ok(body)
}

fn split_last<'a>(bytes: &'a [u8], separator: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = memchr::memmem::rfind(bytes, separator)?;
    Some((bytes.get(..at)?, bytes.get(at + separator.len()..)?))
}

fn number(digits: &[u8], radix: u32) -> Option<usize> {
    let digits = std::str::from_utf8(digits).ok()?;
    usize::from_str_radix(digits, radix).ok()
}
