//! From parser events to the tree, collecting findings on the way.

use super::decode::{self, Characters};
use super::node::{Node, NodeKind};
use super::quotes::{self, Quotes};
use super::scalar::read_plain;
use super::tags::{self, Asked};
use super::{Limits, Stream, merge, tabs};
use crate::diagnostic::{Finding, Findings, Span};
use saphyr_parser::{Event, Parser, ScalarStyle, ScanError};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::ops::Range;

/// How many documents a file may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Documents {
    One,
    Any,
}

/// Most quoted scalars of a file that are given the indentation they lack; each costs another pass.
const MOST_INDENTED: usize = 50;

/// Read the documents of a file; the limits are those of all of them together.
pub(super) fn read(bytes: &[u8], limits: Limits, wanted: Documents) -> Stream {
    let text = match decode::decode(bytes, limits) {
        Ok(text) => text,
        Err(finding) => return Stream::unreadable(Findings::default().with(finding)),
    };
    let mut text = Cow::Borrowed(text);
    let mut indented = 0;
    loop {
        match read_text(&text, limits, wanted) {
            Ok(stream) => return stream,
            Err((start, stream)) => match quotes::indented(&text, start) {
                Some(mended) if indented < MOST_INDENTED => text = Cow::Owned(mended),
                _ => return stream,
            },
        }
        indented += 1;
    }
}

/// One pass over `text`. The error is where a quoted scalar begins whose further lines are indented less than the
/// parser wants, and what there is to say if nothing is done about it.
fn read_text(text: &str, limits: Limits, wanted: Documents) -> Result<Stream, (usize, Stream)> {
    let mut findings = Findings::default();
    let characters = decode::look_at(text, &mut findings);
    if characters.has_nul {
        return Ok(Stream::unreadable(findings));
    }
    let mut reader = Reader {
        limits,
        characters: &characters,
        findings,
        anchors: HashMap::new(),
        open: Vec::new(),
        nodes: 0,
        wanted,
        documents: 0,
        roots: Vec::new(),
        protected: Vec::new(),
        quotes: Quotes::new(text),
    };
    let stopped = reader.run(text);
    let start = match &stopped {
        Some(Stop::Syntax(error)) if error.info() == "invalid indentation in quoted scalar" => {
            Some(error.marker().index())
        }
        _ => None,
    };
    let stream = reader.finish(text, stopped);
    match start {
        Some(start) => Err((start, stream)),
        None => Ok(stream),
    }
}

/// Why reading ended before the end of the document.
enum Stop {
    /// The text is not YAML.
    Syntax(ScanError),
    /// What the document says costs too much, or cannot be followed further; a finding says so.
    Refused(Finding),
}

/// A list or map that is still being filled.
struct Open {
    span: Span,
    anchor: usize,
    /// Values inside so far, itself included.
    size: usize,
    /// Levels below and including this one.
    height: usize,
    kind: OpenKind,
}

enum OpenKind {
    Sequence(Vec<Node>),
    Mapping {
        pairs: Vec<(Node, Node)>,
        key: Option<Node>,
    },
}

/// A value that aliases may repeat.
struct Anchored {
    node: Node,
    size: usize,
    height: usize,
}

struct Reader<'t> {
    limits: Limits,
    characters: &'t Characters,
    findings: Findings,
    anchors: HashMap<usize, Anchored>,
    open: Vec<Open>,
    nodes: usize,
    wanted: Documents,
    documents: usize,
    roots: Vec<Node>,
    /// Character ranges of scalars that may hold tabs; kept only where the file has tabs.
    protected: Vec<Range<usize>>,
    quotes: Quotes<'t>,
}

impl Reader<'_> {
    fn run(&mut self, text: &str) -> Option<Stop> {
        let mut parser = Parser::new_from_str(text);
        while let Some(event) = parser.next_event() {
            let step = match event {
                Ok((event, span)) => self.event(event, span),
                Err(error) => Err(Stop::Syntax(error)),
            };
            if let Err(stop) = step {
                return Some(stop);
            }
        }
        None
    }

    fn event(&mut self, event: Event<'_>, place: saphyr_parser::Span) -> Result<(), Stop> {
        let span = self.span(place);
        match event {
            Event::DocumentStart(_) => {
                self.documents += 1;
                // A name given in one document means nothing in the next.
                self.anchors.clear();
                if self.documents > 1 && self.wanted == Documents::One {
                    let finding = Finding::error(span, "a second document begins here").with_help(
                        "keep one document per file: remove the line `---` and what does not belong",
                    );
                    return Err(Stop::Refused(finding));
                }
            }
            Event::Scalar(raw, style, anchor, tag) => {
                let extent = self.quotes.extent(place.start.index(), style);
                let span = extent.map_or(span, |extent| Span {
                    width: extent.on_first_line as u32,
                    ..span
                });
                if self.characters.has_tab && style != ScalarStyle::Plain {
                    let start = place.start.index();
                    let end = extent.map_or(place.end.index(), |extent| start + extent.chars);
                    self.protected.push(start..end);
                }
                let raw = self.without_invented_end(raw, style, place.end.index());
                let node = self.scalar(raw, style, &tags::asked(tag.as_ref()), span);
                self.add(node, anchor, 1, 0)?;
            }
            Event::SequenceStart(anchor, tag) => {
                self.collection_tag(&tags::asked(tag.as_ref()), "seq", span);
                self.begin(span, anchor, OpenKind::Sequence(Vec::new()))?;
            }
            Event::MappingStart(anchor, tag) => {
                self.collection_tag(&tags::asked(tag.as_ref()), "map", span);
                let kind = OpenKind::Mapping {
                    pairs: Vec::new(),
                    key: None,
                };
                self.begin(span, anchor, kind)?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.end()?,
            Event::Alias(anchor) => self.alias(anchor, span)?,
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
        }
        Ok(())
    }

    /// Our span for the parser's: from its start to its end, or to the end of its first line.
    fn span(&self, place: saphyr_parser::Span) -> Span {
        let (start, end) = (place.start, place.end);
        let line_end = if start.line() == end.line() {
            end.col()
        } else {
            let lengths = &self.characters.line_lengths;
            lengths
                .get(start.line().saturating_sub(1))
                .map_or(0, |length| *length as usize)
        };
        Span {
            line: start.line() as u32,
            column: start.col() as u32 + 1,
            width: line_end.saturating_sub(start.col()).max(1) as u32,
        }
    }

    /// A block scalar that ends with the file, without the line break that the parser adds where the file has none.
    fn without_invented_end<'e>(&self, raw: Cow<'e, str>, style: ScalarStyle, end: usize) -> Cow<'e, str> {
        let block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
        match raw.strip_suffix('\n') {
            Some(rest) if block && self.characters.open_end == Some(end) => Cow::Owned(rest.to_owned()),
            _ => raw,
        }
    }

    fn scalar(&mut self, raw: Cow<'_, str>, style: ScalarStyle, asked: &Asked, span: Span) -> Node {
        let plain = style == ScalarStyle::Plain && *asked == Asked::Nothing;
        let value = match asked {
            Asked::Standard(name) => tags::tagged_scalar(name, &raw).unwrap_or_else(|message| {
                self.findings
                    .push(Finding::error(span, message).with_help(TAG_HELP));
                Value::String(raw.clone().into_owned())
            }),
            Asked::Unknown(tag) => {
                self.findings.push(unknown_tag(tag, span));
                Value::String(raw.clone().into_owned())
            }
            Asked::Nothing if plain => self.plain(&raw, span),
            Asked::Nothing => Value::String(raw.clone().into_owned()),
        };
        Node {
            span,
            kind: NodeKind::Scalar {
                value,
                raw: raw.into_owned(),
                plain,
            },
        }
    }

    fn plain(&mut self, raw: &str, span: Span) -> Value {
        match read_plain(raw) {
            Ok(reading) => {
                if let Some(note) = reading.note {
                    let (message, help) = note.words(raw, &reading.value);
                    self.findings
                        .push(Finding::warning(span, message).with_help(help));
                }
                reading.value
            }
            Err(why) => {
                let finding = Finding::error(span, format!("`{raw}` cannot be read: {why}"));
                self.findings.push(finding.with_help("quote it to keep the text"));
                Value::String(raw.to_owned())
            }
        }
    }

    fn collection_tag(&mut self, asked: &Asked, standard: &str, span: Span) {
        match asked {
            Asked::Nothing => {}
            Asked::Standard(name) if name == standard => {}
            Asked::Standard(name) => {
                let message = format!("the tag `!!{name}` cannot be used here");
                self.findings
                    .push(Finding::error(span, message).with_help(TAG_HELP));
            }
            Asked::Unknown(tag) => self.findings.push(unknown_tag(tag, span)),
        }
    }

    fn begin(&mut self, span: Span, anchor: usize, kind: OpenKind) -> Result<(), Stop> {
        if self.open.len() >= self.limits.depth {
            return Err(too_deep(span, self.limits.depth));
        }
        self.open.push(Open {
            span,
            anchor,
            size: 1,
            height: 1,
            kind,
        });
        Ok(())
    }

    fn end(&mut self) -> Result<(), Stop> {
        let Some(open) = self.open.pop() else {
            return Ok(());
        };
        let kind = match open.kind {
            OpenKind::Sequence(items) => NodeKind::Sequence(items),
            OpenKind::Mapping { pairs, .. } => {
                self.report_duplicates(&pairs);
                NodeKind::Mapping(merge::merged(pairs, &mut self.findings))
            }
        };
        let node = Node {
            span: open.span,
            kind,
        };
        // The values inside were counted when they were added; only this one is new.
        self.nodes = self.nodes.saturating_sub(open.size - 1);
        self.add(node, open.anchor, open.size, open.height)
    }

    fn report_duplicates(&mut self, pairs: &[(Node, Node)]) {
        let mut seen = HashSet::with_capacity(pairs.len());
        for (key, _) in pairs {
            let name = key.raw().unwrap_or_default();
            if !seen.insert(name) {
                let message = format!("the key `{name}` is given twice");
                let finding = match self.wanted {
                    Documents::One => Finding::error(key.span, message),
                    // The tools that take files of several documents keep the last.
                    Documents::Any => Finding::warning(key.span, message),
                };
                self.findings
                    .push(finding.with_help("remove or rename one of the two"));
            }
        }
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Result<(), Stop> {
        let Some(anchored) = self.anchors.get(&anchor) else {
            let finding = if self.documents > 1 {
                Finding::error(span, "an alias of nothing in its own document")
                    .with_help("an anchor ends with its document; write the value out")
            } else {
                Finding::error(span, "an alias inside the value it stands for")
                    .with_help("a value cannot contain itself; write the part out")
            };
            return Err(Stop::Refused(finding));
        };
        let (size, height) = (anchored.size, anchored.height);
        // Before the copy is made: an alias bomb must not cost what it would expand to.
        if self.nodes + size > self.limits.nodes {
            return Err(too_many(span, self.limits.nodes));
        }
        let mut node = anchored.node.clone();
        node.span = span;
        self.add(node, 0, size, height)
    }

    /// Put a finished value where it belongs: into the open list or map, or at the root.
    fn add(&mut self, node: Node, anchor: usize, size: usize, height: usize) -> Result<(), Stop> {
        self.nodes += size;
        if anchor != 0 {
            self.nodes += size;
        }
        if self.nodes > self.limits.nodes {
            return Err(too_many(node.span, self.limits.nodes));
        }
        if self.open.len() + height > self.limits.depth {
            return Err(too_deep(node.span, self.limits.depth));
        }
        if anchor != 0 {
            let node = node.clone();
            self.anchors.insert(anchor, Anchored { node, size, height });
        }
        let Some(open) = self.open.last_mut() else {
            self.roots.push(node);
            return Ok(());
        };
        open.size += size;
        open.height = open.height.max(height + 1);
        match &mut open.kind {
            OpenKind::Sequence(items) => items.push(node),
            OpenKind::Mapping { pairs, key } => match key.take() {
                Some(key) => pairs.push((key, node)),
                None => *key = Some(as_key(node, &mut self.findings)),
            },
        }
        Ok(())
    }

    fn finish(mut self, text: &str, stopped: Option<Stop>) -> Stream {
        let end = match &stopped {
            Some(Stop::Syntax(error)) => error.marker().index(),
            _ => usize::MAX,
        };
        let before = self.findings.errors();
        if self.characters.has_tab {
            tabs::report(text, &self.protected, end, &mut self.findings);
        }
        let tabs_found = self.findings.errors() > before;
        let complete = stopped.is_none();
        match stopped {
            // The parser's own complaint about a tab would only repeat ours in other words.
            Some(Stop::Syntax(_)) if tabs_found => {}
            Some(Stop::Syntax(error)) => self.findings.push(syntax(&error)),
            Some(Stop::Refused(finding)) => self.findings.push(finding),
            None => {}
        }
        if !complete {
            return Stream::unreadable(self.findings);
        }
        Stream {
            roots: self.roots,
            findings: self.findings.into_sorted(),
        }
    }
}

/// A map's key, with the text it has in JSON.
fn as_key(mut node: Node, findings: &mut Findings) -> Node {
    match &mut node.kind {
        NodeKind::Scalar {
            value: Value::Null, ..
        } => {
            findings
                .push(Finding::error(node.span, "an empty key").with_help("write a name before the colon"));
        }
        NodeKind::Scalar { value, raw, .. } => {
            if !value.is_string() {
                *raw = value.to_string();
            }
        }
        NodeKind::Sequence(_) | NodeKind::Mapping(_) => {
            findings.push(
                Finding::error(node.span, "a list or map as a key")
                    .with_help("a key must be one word or text"),
            );
        }
    }
    node
}

/// What to do about a tag of YAML's own that does not fit its value.
const TAG_HELP: &str = "remove the tag: a value needs none, and text is told by its quotes";

fn unknown_tag(tag: &str, span: Span) -> Finding {
    let span = Span {
        width: tag.chars().count().max(1) as u32,
        ..span
    };
    Finding::error(span, format!("unknown tag `{tag}`"))
        .with_help("remove it; quote the value if the `!` belongs to it")
}

fn too_deep(span: Span, limit: usize) -> Stop {
    Stop::Refused(
        Finding::error(span, format!("nested more than {limit} levels deep"))
            .with_help("no file of ours needs that"),
    )
}

fn too_many(span: Span, limit: usize) -> Stop {
    Stop::Refused(
        Finding::error(
            span,
            format!("more than {limit} values, aliases counted each time they are used"),
        )
        .with_help("split the file, or use fewer aliases of large values"),
    )
}

fn syntax(error: &ScanError) -> Finding {
    let marker = error.marker();
    let span = Span {
        line: marker.line() as u32,
        column: marker.col() as u32 + 1,
        width: 1,
    };
    let finding = Finding::error(span, format!("not valid YAML: {}", error.info()));
    let help = if error.info().contains("mapping values are not allowed") {
        "check the indentation; a value that contains `: ` needs quotes"
    } else {
        "check indentation, quotes and brackets at and above this place"
    };
    finding.with_help(help)
}
