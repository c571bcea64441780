//! Putting text into a buffer safely: bounds are checked, text is sanitised and cut by display width.
//!
//! Every widget draws through here, so that no size and no text from outside can make a frame panic or reach the
//! terminal with control sequences.

use super::input::Input;
use super::theme::{Glyphs, Theme};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use std::borrow::Cow;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Display width of `text` in columns.
pub fn width(text: &str) -> u16 {
    u16::try_from(UnicodeWidthStr::width(text)).unwrap_or(u16::MAX)
}

/// `text` in at most `max` columns; where something was cut off, `ellipsis` (one column) is the last.
pub fn truncate<'a>(text: &'a str, max: u16, ellipsis: &str) -> Cow<'a, str> {
    // Most texts fit, and bytes are never fewer than columns except for zero-width characters.
    if text.len() <= usize::from(max) || width(text) <= max {
        return Cow::Borrowed(text);
    }
    if max == 0 {
        return Cow::Borrowed("");
    }
    let mut cut = String::new();
    let mut used = 0;
    for grapheme in text.graphemes(true) {
        let next = used + width(grapheme);
        if next > max - 1 {
            break;
        }
        used = next;
        cut.push_str(grapheme);
    }
    cut.push_str(ellipsis);
    Cow::Owned(cut)
}

/// The end of `text` in at most `max` columns; where something was cut off, `ellipsis` (one column) is the first.
pub fn truncate_start<'a>(text: &'a str, max: u16, ellipsis: &str) -> Cow<'a, str> {
    if text.len() <= usize::from(max) || width(text) <= max {
        return Cow::Borrowed(text);
    }
    if max == 0 {
        return Cow::Borrowed("");
    }
    let mut start = text.len();
    let mut used = 0;
    for (at, grapheme) in text.grapheme_indices(true).rev() {
        used += width(grapheme);
        if used > max - 1 {
            break;
        }
        start = at;
    }
    Cow::Owned(format!("{ellipsis}{}", text.get(start..).unwrap_or_default()))
}

/// Text in lines of at most `max` columns, broken between words where there are any; its own line ends stay.
pub fn wrap(text: &str, max: u16) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        let mut used = 0;
        for word in paragraph.split_whitespace() {
            let needed = width(word);
            if used > 0 && used + 1 + needed > max {
                lines.push(std::mem::take(&mut line));
                used = 0;
            }
            if used > 0 {
                line.push(' ');
                used += 1;
            }
            if needed > max {
                let mut parts = wrap_hard(word, max);
                let last = parts.pop().unwrap_or_default();
                lines.append(&mut parts);
                used = width(&last);
                line = last;
            } else {
                line.push_str(word);
                used += needed;
            }
        }
        lines.push(line);
    }
    lines
}

/// Text in lines of at most `max` columns, broken wherever a line is full: for paths.
pub fn wrap_hard(text: &str, max: u16) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for grapheme in text.graphemes(true) {
        let needed = width(grapheme);
        if used + needed > max.max(1) && used > 0 {
            lines.push(String::new());
            used = 0;
        }
        used += needed;
        if let Some(line) = lines.last_mut() {
            line.push_str(grapheme);
        }
    }
    lines
}

/// Put one line of text at `x`, `y` in at most `max` columns; returns the column behind it.
///
/// Text outside of `area` of the buffer is cut; control characters are made visible.
pub fn put(buf: &mut Buffer, x: u16, y: u16, text: &str, max: u16, style: Style) -> u16 {
    let area = buf.area;
    if y < area.top() || y >= area.bottom() || x < area.left() || x >= area.right() || max == 0 {
        return x;
    }
    let safe = crate::text::sanitize(text);
    buf.set_stringn(x, y, safe.as_ref(), usize::from(max), style).0
}

/// Like [`put`], with an ellipsis where the text does not fit.
pub fn put_fit(buf: &mut Buffer, x: u16, y: u16, text: &str, max: u16, style: Style, theme: &Theme) -> u16 {
    put(buf, x, y, &truncate(text, max, theme.glyphs.ellipsis), max, style)
}

/// Like [`put_fit`], flush right in `max` columns from `x`.
pub fn put_right(buf: &mut Buffer, x: u16, y: u16, text: &str, max: u16, style: Style, theme: &Theme) {
    let text = truncate(text, max, theme.glyphs.ellipsis);
    let indent = max.saturating_sub(width(&text));
    put(buf, x.saturating_add(indent), y, &text, max - indent, style);
}

/// A line made of pieces from left to right; pieces that do not fit are cut, the rest is dropped.
pub struct Pen<'a> {
    buf: &'a mut Buffer,
    x: u16,
    y: u16,
    end: u16,
    ellipsis: &'static str,
}

impl<'a> Pen<'a> {
    /// A pen at the start of line `line` (from 0) of `area`.
    pub fn new(buf: &'a mut Buffer, area: Rect, line: u16, theme: &Theme) -> Self {
        let inside = line < area.height;
        Self {
            buf,
            x: area.x,
            y: area.y.saturating_add(line),
            end: if inside { area.right() } else { area.x },
            ellipsis: theme.glyphs.ellipsis,
        }
    }

    /// Write on.
    pub fn write(&mut self, text: &str, style: Style) -> &mut Self {
        let left = self.left();
        let text = truncate(text, left, self.ellipsis);
        self.x = put(self.buf, self.x, self.y, &text, left, style);
        self
    }

    /// Write a text that is being typed, with its cursor.
    pub fn write_input(&mut self, input: &Input, theme: &Theme) -> &mut Self {
        let mut after = input.after().chars();
        let under = after.next().unwrap_or(' ').to_string();
        self.write(input.before(), theme.strong)
            .write(&under, theme.cursor)
            .write(after.as_str(), theme.strong)
    }

    /// Leave columns out.
    pub fn skip(&mut self, columns: u16) -> &mut Self {
        self.x = self.x.saturating_add(columns).min(self.end);
        self
    }

    /// Columns left on the line.
    pub fn left(&self) -> u16 {
        self.end.saturating_sub(self.x)
    }

    /// The column the next piece starts at.
    pub fn x(&self) -> u16 {
        self.x
    }
}

/// Blank an area and give it a style.
pub fn clear(buf: &mut Buffer, area: Rect, style: Style) {
    let area = area.intersection(buf.area);
    for y in area.top()..area.bottom() {
        for x in area.left()..area.right() {
            if let Some(cell) = buf.cell_mut((x, y)) {
                cell.reset();
                cell.set_style(style);
            }
        }
    }
}

/// Add a style to an area, keeping its text.
pub fn tint(buf: &mut Buffer, area: Rect, style: Style) {
    buf.set_style(area.intersection(buf.area), style);
}

/// Draw a frame around `area` with a title in its top line; returns the area inside.
pub fn frame(buf: &mut Buffer, area: Rect, title: &str, focused: bool, theme: &Theme) -> Rect {
    let area = area.intersection(buf.area);
    if area.width < 2 || area.height < 2 {
        return Rect::new(area.x, area.y, 0, 0);
    }
    let style = if focused { theme.border_focus } else { theme.border };
    let [
        horizontal,
        vertical,
        top_left,
        top_right,
        bottom_right,
        bottom_left,
    ] = theme.glyphs.frame;
    let (left, right) = (area.left(), area.right() - 1);
    let (top, bottom) = (area.top(), area.bottom() - 1);
    for x in left..=right {
        put(buf, x, top, horizontal, 1, style);
        put(buf, x, bottom, horizontal, 1, style);
    }
    for y in top..=bottom {
        put(buf, left, y, vertical, 1, style);
        put(buf, right, y, vertical, 1, style);
    }
    put(buf, left, top, top_left, 1, style);
    put(buf, right, top, top_right, 1, style);
    put(buf, right, bottom, bottom_right, 1, style);
    put(buf, left, bottom, bottom_left, 1, style);
    if !title.is_empty() && area.width > 6 {
        let title_style = if focused { theme.border_focus } else { theme.text };
        let room = area.width - 4;
        let text = format!(" {} ", truncate(title, room - 2, theme.glyphs.ellipsis));
        put(buf, left + 2, top, &text, room, title_style);
    }
    Rect::new(area.x + 1, area.y + 1, area.width - 2, area.height - 2)
}

/// A progress bar of exactly `columns` columns; `fraction` is clamped to 0..=1.
pub fn bar(fraction: f64, columns: u16, glyphs: &Glyphs) -> String {
    let steps = glyphs.bar.len().saturating_sub(1).max(1);
    let fraction = if fraction.is_finite() {
        fraction.clamp(0.0, 1.0)
    } else {
        0.0
    };
    let filled = (fraction * f64::from(columns) * steps as f64).round() as usize;
    (0..usize::from(columns))
        .map(|column| {
            let part = filled.saturating_sub(column * steps).min(steps);
            glyphs.bar.get(part).copied().unwrap_or(" ")
        })
        .collect()
}

/// The middle of `outer`, at most as large as wished.
pub fn centered(outer: Rect, wide: u16, high: u16) -> Rect {
    let wide = wide.min(outer.width);
    let high = high.min(outer.height);
    Rect::new(
        outer.x + (outer.width - wide) / 2,
        outer.y + (outer.height - high) / 2,
        wide,
        high,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn text_is_cut_by_display_width() {
        assert_eq!(truncate("decode", 6, "…"), "decode");
        assert_eq!(truncate("decode", 5, "…"), "deco…");
        assert_eq!(truncate("漢字漢字", 5, "…"), "漢字…");
        assert_eq!(truncate("漢字漢字", 4, "…"), "漢…");
        assert_eq!(truncate("x", 0, "…"), "");
    }

    #[test]
    fn a_bar_fills_from_left_to_right() {
        let theme = Theme::plain();
        assert_eq!(bar(0.0, 4, theme.glyphs), "    ");
        assert_eq!(bar(0.5, 4, theme.glyphs), "██  ");
        assert_eq!(bar(0.53, 4, theme.glyphs), "██▏ ");
        assert_eq!(bar(7.0, 4, theme.glyphs), "████");
        assert_eq!(bar(f64::NAN, 2, theme.glyphs), "  ");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn any_text_at_any_place_stays_inside(
            text in any::<String>(), x in 0u16..40, y in 0u16..12, max in 0u16..60,
        ) {
            let theme = Theme::dark();
            let mut buf = Buffer::empty(Rect::new(3, 2, 30, 8));
            put(&mut buf, x, y, &text, max, Style::new());
            put_right(&mut buf, x, y, &text, max, Style::new(), &theme);
            Pen::new(&mut buf, Rect::new(3, 2, 30, 8), y, &theme).write(&text, Style::new()).skip(x).write(&text, Style::new());
            frame(&mut buf, Rect::new(x, y, max, max), &text, true, &theme);
            prop_assert!(width(&truncate(&text, max, "…")) <= max.max(width(&text).min(max)));
        }
    }
}
