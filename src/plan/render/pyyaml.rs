//! A value as PyYAML's dumper writes it, which is what the filter `toyaml` puts into a manifest.
//!
//! Rendered YAML may itself stand inside of a string (a file in a `ConfigMap`), where every byte counts. So this follows
//! PyYAML in all that shows: sorted keys, lists not indented below their key, which quotes a text gets, and where a line
//! beyond 80 columns is folded. Texts of several lines are blocks, as the reference's filter has them.

use super::look::{Look, is_break};
use super::python;
use crate::yaml;
use serde_json::Value;

/// The column behind which PyYAML folds a line at the next space.
const WIDTH: usize = 80;
/// How far each level is indented.
const STEP: usize = 2;
/// A key that takes more characters (with its tag, which is never written) gets a question mark.
const LONGEST_KEY: usize = 128;
const TEXT_TAG: usize = "!!str".len();

/// `value` without a newline at its end. Lists and maps are written as blocks, empty ones in brackets.
pub(super) fn dump(value: &Value) -> String {
    let mut out = Emitter::default();
    out.node(value, Place::root());
    out.text.truncate(out.text.trim_end().len());
    out.text
}

/// Where a value is written.
#[derive(Clone, Copy)]
struct Place {
    /// Column of the keys or dashes of the surrounding collection.
    indent: usize,
    in_map: bool,
    /// The value is the key of a map, on one line with its value.
    simple_key: bool,
}

impl Place {
    fn root() -> Self {
        Self {
            indent: 0,
            in_map: false,
            simple_key: false,
        }
    }
}

#[derive(Default)]
struct Emitter {
    text: String,
    column: usize,
    /// The last thing written was white space or an indentation.
    after_space: bool,
}

impl Emitter {
    fn node(&mut self, value: &Value, place: Place) {
        match value {
            Value::Object(map) if !map.is_empty() => {
                let mut entries: Vec<(&String, &Value)> = map.iter().collect();
                entries.sort_unstable_by_key(|(key, _)| *key);
                self.start_block(place);
                for (position, (key, value)) in entries.into_iter().enumerate() {
                    self.start_entry(position, place.indent);
                    self.entry(key, value, place.indent);
                }
            }
            Value::Array(items) if !items.is_empty() => {
                self.start_block(place);
                for (position, item) in items.iter().enumerate() {
                    self.start_entry(position, place.indent);
                    self.indicator("-", true);
                    let inner = Place {
                        indent: place.indent + STEP,
                        ..Place::root()
                    };
                    self.node(item, inner);
                }
            }
            Value::Object(_) => self.indicator("{}", true),
            Value::Array(_) => self.indicator("[]", true),
            Value::Null => self.indicator("null", true),
            Value::Bool(value) => self.indicator(if *value { "true" } else { "false" }, true),
            Value::Number(number) => self.indicator(&number_text(number), true),
            Value::String(text) => self.scalar(text, place),
        }
    }

    /// The first line of a collection: below its key, but beside a dash.
    fn start_block(&mut self, place: Place) {
        if place.in_map {
            self.line(place.indent);
        }
    }

    fn start_entry(&mut self, position: usize, indent: usize) {
        if position > 0 {
            self.line(indent);
        }
    }

    fn entry(&mut self, key: &str, value: &Value, indent: usize) {
        let look = Look::at(key);
        let simple = !look.empty && !look.line_breaks && key.chars().count() + TEXT_TAG < LONGEST_KEY;
        let key_place = Place {
            indent,
            in_map: true,
            simple_key: simple,
        };
        if simple {
            self.scalar(key, key_place);
            self.indicator(":", false);
        } else {
            self.indicator("?", true);
            self.scalar(key, key_place);
            self.line(indent);
            self.indicator(":", true);
        }
        // A list stands right below its key; everything else is indented.
        let deeper = if value.is_array() { indent } else { indent + STEP };
        let indent = if is_filled(value) { deeper } else { indent };
        self.node(
            value,
            Place {
                indent,
                in_map: true,
                simple_key: false,
            },
        );
    }

    fn scalar(&mut self, text: &str, place: Place) {
        // Numbers that JSON lacks are kept as these texts by the reader of configs.
        if matches!(text, ".inf" | "-.inf" | ".nan") {
            return self.indicator(text, true);
        }
        let look = Look::at(text);
        let continued = if place.in_map {
            place.indent + STEP
        } else {
            place.indent
        };
        let fold = !place.simple_key;
        let wants_block = text.contains('\n');
        if !wants_block && look.plain && stays_text(text) && !(place.simple_key && look.empty) {
            self.plain(text, continued, fold);
        } else if wants_block && look.block && !place.simple_key {
            self.literal(text, continued);
        } else if look.single_quoted && !look.line_breaks {
            self.single_quoted(text, continued, fold);
        } else {
            self.double_quoted(text, continued, fold);
        }
    }

    fn indicator(&mut self, text: &str, needs_space: bool) {
        if needs_space && !self.after_space && !self.text.is_empty() {
            self.write(" ");
        }
        self.write(text);
    }

    fn write(&mut self, text: &str) {
        self.text.push_str(text);
        self.column += text.chars().count();
        self.after_space = false;
    }

    /// A new line, at `indent`.
    fn line(&mut self, indent: usize) {
        self.text.push('\n');
        self.text.extend(std::iter::repeat_n(' ', indent));
        self.column = indent;
        self.after_space = true;
    }

    fn plain(&mut self, text: &str, indent: usize, fold: bool) {
        self.indicator("", true);
        self.words(text, indent, fold, false);
    }

    fn single_quoted(&mut self, text: &str, indent: usize, fold: bool) {
        self.indicator("'", true);
        self.words(text, indent, fold, true);
        self.write("'");
    }

    /// Words, folded at a single space beyond the width. Inside of quotes neither the first nor the last space folds.
    fn words(&mut self, text: &str, indent: usize, fold: bool, quoted: bool) {
        let mut rest = text;
        while !rest.is_empty() {
            let spaces = rest.len() - rest.trim_start_matches(' ').len();
            let (run, after) = rest.split_at(spaces);
            let outer = quoted && (rest.len() == text.len() || after.is_empty());
            if spaces == 1 && self.column > WIDTH && fold && !outer {
                self.line(indent);
            } else if spaces > 0 {
                self.write(run);
            }
            let end = after.find(' ').unwrap_or(after.len());
            let (word, after) = after.split_at(end);
            self.word(word, quoted);
            rest = after;
        }
    }

    fn word(&mut self, word: &str, quoted: bool) {
        if quoted {
            self.write(&word.replace('\'', "''"));
        } else {
            self.write(word);
        }
    }

    fn literal(&mut self, text: &str, indent: usize) {
        let mut header = String::from("|");
        if text.starts_with(|c| c == ' ' || is_break(c)) {
            header.push_str(&STEP.to_string());
        }
        let body = text.strip_suffix('\n').unwrap_or(text);
        if body.len() == text.len() {
            header.push('-');
        } else if body.is_empty() || body.ends_with(is_break) {
            header.push('+');
        }
        self.indicator(&header, true);
        for line in body.split('\n') {
            if line.is_empty() {
                self.line(0);
            } else {
                self.line(indent);
                self.write(line);
            }
        }
        self.after_space = true;
    }

    fn double_quoted(&mut self, text: &str, indent: usize, fold: bool) {
        let chars: Vec<char> = text.chars().collect();
        self.indicator("\"", true);
        let mut start = 0;
        let mut end = 0;
        while end <= chars.len() {
            let c = chars.get(end).copied();
            if c.is_none_or(needs_escape) {
                self.span(&chars, start, end);
                start = end;
                if let Some(c) = c {
                    self.write(&escaped(c));
                    start = end + 1;
                }
            }
            let inside = end > 0 && end + 1 < chars.len();
            if inside
                && (c == Some(' ') || start >= end)
                && self.column + end.saturating_sub(start) > WIDTH
                && fold
            {
                self.span(&chars, start, end);
                start = start.max(end);
                self.write("\\");
                self.line(indent);
                if chars.get(start) == Some(&' ') {
                    self.write("\\");
                }
            }
            end += 1;
        }
        self.write("\"");
    }

    fn span(&mut self, chars: &[char], start: usize, end: usize) {
        let text: String = chars.get(start..end).unwrap_or_default().iter().collect();
        if !text.is_empty() {
            self.write(&text);
        }
    }
}

fn is_filled(value: &Value) -> bool {
    match value {
        Value::Object(map) => !map.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    }
}

/// As PyYAML writes a float, so that its own reader takes it for one.
fn number_text(number: &serde_json::Number) -> String {
    match number.as_f64() {
        Some(float) if number.is_f64() => {
            let text = python::float(float);
            if text.contains('.') {
                text
            } else {
                text.replacen('e', ".0e", 1)
            }
        }
        _ => number.to_string(),
    }
}

/// Whether PyYAML reads `text`, without quotes, as text.
fn stays_text(text: &str) -> bool {
    use yaml::Note;
    text != "<<"
        && yaml::read_plain(text).is_ok_and(|reading| {
            reading.value.is_string() && !matches!(reading.note, Some(Note::Date | Note::NotFinite))
        })
}

fn needs_escape(c: char) -> bool {
    matches!(c, '"' | '\\' | '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}')
        || !matches!(c, ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}')
}

fn escaped(c: char) -> String {
    let short = match c {
        '\0' => '0',
        '\u{7}' => 'a',
        '\u{8}' => 'b',
        '\t' => 't',
        '\n' => 'n',
        '\u{b}' => 'v',
        '\u{c}' => 'f',
        '\r' => 'r',
        '\u{1b}' => 'e',
        '"' | '\\' => c,
        '\u{85}' => 'N',
        '\u{a0}' => '_',
        '\u{2028}' => 'L',
        '\u{2029}' => 'P',
        _ => {
            let code = u32::from(c);
            return match code {
                0..=0xff => format!("\\x{code:02X}"),
                0x100..=0xffff => format!("\\u{code:04X}"),
                _ => format!("\\U{code:08X}"),
            };
        }
    };
    format!("\\{short}")
}
