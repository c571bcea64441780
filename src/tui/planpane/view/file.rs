//! A rendered file, or the notes, with line numbers.

use super::{Painted, hits, paint, style};
use crate::text::sanitize;
use crate::tui::canvas;
use crate::tui::planpane::find::Find;
use crate::tui::planpane::highlight::pieces;
use crate::tui::planpane::parts::Parts;
use crate::tui::planpane::plan::Plan;
use crate::tui::theme::Theme;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

pub(super) fn draw(plan: &Plan, find: &Find, parts: &Parts, theme: &Theme, buf: &mut Buffer) {
    let area = parts.text;
    let gutter = plan.gutter().min(area.width);
    if plan.lines.len() == 0 {
        canvas::put_fit(
            buf,
            area.x,
            area.y,
            "(empty)",
            area.width * area.height.min(1),
            theme.dim,
            theme,
        );
        return;
    }
    let left = plan.scroll.left;
    let columns = left + usize::from(area.width);
    for (line, row) in (plan.scroll.top..plan.lines.len()).zip(0..area.height) {
        let y = area.y + row;
        if gutter > 1 {
            let number = (line + 1).to_string();
            canvas::put_right(buf, area.x, y, &number, gutter - 1, theme.dim, theme);
        }
        let text = sanitize(plan.lines.get(line, columns));
        let pieces: Vec<_> = pieces(&text)
            .into_iter()
            .map(|(range, kind)| (range, style(kind, theme)))
            .collect();
        let marked = plan.scroll.mark == Some(line);
        let hits = hits(find, &text);
        let painted = Painted {
            text: &text,
            pieces: &pieces,
            hits: &hits,
            hit: if marked { theme.cursor } else { theme.hit },
        };
        let room = Rect::new(area.x + gutter, y, area.width - gutter, 1);
        paint(&painted, left, room, theme, buf);
    }
}
