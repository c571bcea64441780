//! A question in the middle of the screen: what will happen, and the answers, one to a line.

use super::Line;
use crate::tui::canvas;
use crate::tui::model::Model;
use crate::tui::overlay::Dialog;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

/// Widest a question gets.
const WIDTH: u16 = 66;

pub(super) fn draw(model: &Model, dialog: &Dialog, screen: Rect, buf: &mut Buffer) {
    let theme = &model.theme;
    let text = text(dialog, screen);
    let inner = super::page(
        model,
        &dialog.title,
        WIDTH,
        text.len() + dialog.choices.len() + 1,
        screen,
        buf,
    );
    let style = theme.text;
    let lines: Vec<Line> = text
        .into_iter()
        .map(|line| vec![(format!(" {line}"), style)])
        .collect();
    let answers = answers(dialog, inner);
    let room = Rect {
        height: answers.y.saturating_sub(inner.y),
        ..inner
    };
    super::draw_lines(&lines, 0, room, model, buf);
    for ((index, choice), line) in dialog.choices.iter().enumerate().zip(0..answers.height) {
        let selected = index == dialog.selected;
        let pointer = if selected { theme.glyphs.pointer } else { " " };
        let mut pen = canvas::Pen::new(buf, answers, line, theme);
        pen.write(&format!(" {pointer} "), theme.key)
            .write(&choice.key.to_string(), theme.key)
            .write(&format!("  {}", choice.label), theme.text);
        if selected {
            let row = Rect::new(
                answers.x + 1,
                answers.y + line,
                answers.width.saturating_sub(2),
                1,
            );
            canvas::tint(buf, row, theme.cursor);
        }
    }
}

fn text(dialog: &Dialog, screen: Rect) -> Vec<String> {
    let room = WIDTH.min(screen.width).saturating_sub(4);
    dialog
        .text
        .iter()
        .flat_map(|text| canvas::wrap(text, room))
        .collect()
}

/// The answers are at the bottom: they are what has to be seen on a small screen.
fn answers(dialog: &Dialog, inner: Rect) -> Rect {
    let height = (dialog.choices.len() as u16).min(inner.height);
    Rect::new(inner.x, inner.bottom() - height, inner.width, height)
}

/// The answer that is drawn at a place.
pub(crate) fn choice_at(dialog: &Dialog, screen: Rect, at: Position) -> Option<usize> {
    let lines = text(dialog, screen).len() + dialog.choices.len() + 1;
    let outer = super::page_area(WIDTH, lines, screen);
    if outer.width < 2 || outer.height < 2 {
        return None;
    }
    let inner = Rect::new(outer.x + 1, outer.y + 1, outer.width - 2, outer.height - 2);
    let answers = answers(dialog, inner);
    answers.contains(at).then(|| usize::from(at.y - answers.y))
}
