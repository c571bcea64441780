//! What is compiled for a template, and where each part of it really stands.
//!
//! The reference puts the text of `_macros.j2` before every template, and we put in what `rewrite` says. An error must still name
//! the file, the line and the column that somebody can edit.

use super::rewrite;
use crate::diagnostic::Span;
use crate::plan::base_dir::Document;
use std::ops::Range;

/// Text put together from parts of documents.
#[derive(Debug)]
pub(super) struct Source {
    /// As it is compiled.
    pub(super) text: String,
    documents: Vec<Document>,
    pieces: Vec<Piece>,
}

/// From `at` on, the text is that of a document from `offset` on.
#[derive(Debug)]
struct Piece {
    at: usize,
    document: usize,
    offset: usize,
}

impl Source {
    /// `document` with `macros` before it.
    pub(super) fn new(macros: Option<&Document>, document: &Document) -> Self {
        let mut source = Self {
            text: String::new(),
            documents: Vec::new(),
            pieces: Vec::new(),
        };
        if let Some(macros) = macros {
            source.add(macros);
            source.text.push('\n');
        }
        source.add(document);
        source
    }

    fn add(&mut self, document: &Document) {
        let index = self.documents.len();
        self.documents.push(document.clone());
        let mut offset = 0;
        for (place, put) in rewrite::places(&document.text) {
            self.copy(index, document, offset..place);
            self.text.push_str(&put);
            offset = place;
        }
        self.copy(index, document, offset..document.text.len());
    }

    fn copy(&mut self, index: usize, document: &Document, range: Range<usize>) {
        self.pieces.push(Piece {
            at: self.text.len(),
            document: index,
            offset: range.start,
        });
        self.text.push_str(document.text.get(range).unwrap_or_default());
    }

    /// The document and the place in it of a part of the text.
    pub(super) fn place(&self, range: &Range<usize>) -> Option<(&Document, Span)> {
        let (document, start) = self.offset(range.start)?;
        let (_, end) = self.offset(range.end)?;
        Some((document, span(&document.text, start, end)))
    }

    /// The document and the line of it that is line `line` of the text.
    pub(super) fn line(&self, line: usize) -> Option<(&Document, Span)> {
        let starts = self.text.split_inclusive('\n').take(line.saturating_sub(1));
        let start = starts.map(str::len).sum();
        let line = self.text.get(start..)?.lines().next().unwrap_or_default();
        let blank = line.len() - line.trim_start().len();
        self.place(&(start + blank..start + line.trim_end().len()))
    }

    /// A part of the text, with what stands before it where it is no more than `.name`.
    pub(super) fn whole_expression(&self, range: Range<usize>) -> Range<usize> {
        let before = self.text.get(..range.start).unwrap_or_default();
        let starts_inside = self
            .text
            .get(range.clone())
            .is_some_and(|text| text.starts_with(['.', '[', '|', '(']));
        if !starts_inside {
            return range;
        }
        let of_a_path = |c: char| c.is_alphanumeric() || "_.[]".contains(c);
        let start = before.trim_end().trim_end_matches(of_a_path).len();
        start..range.end
    }

    /// The text of a part, for messages.
    pub(super) fn excerpt(&self, range: &Range<usize>) -> Option<&str> {
        self.text.get(range.clone())
    }

    fn offset(&self, at: usize) -> Option<(&Document, usize)> {
        let behind = self.pieces.partition_point(|piece| piece.at <= at);
        let piece = self.pieces.get(behind.checked_sub(1)?)?;
        let document = self.documents.get(piece.document)?;
        let limit = document.text.len();
        Some((document, (piece.offset + at - piece.at).min(limit)))
    }
}

/// The part from `start` to `end` of `text`, as lines and columns.
pub(super) fn span(text: &str, start: usize, end: usize) -> Span {
    let before = text.get(..start).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let marked = text.get(start..end).unwrap_or_default();
    let marked = marked.lines().next().unwrap_or_default();
    Span {
        line: before.matches('\n').count() as u32 + 1,
        column: before.get(line_start..).unwrap_or_default().chars().count() as u32 + 1,
        width: marked.chars().count().max(1) as u32,
    }
}
