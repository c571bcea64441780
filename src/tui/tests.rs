//! The whole screen: keys and signals in; pictures, commands and effects out.

mod keys;
mod pictures;
mod plans;
mod properties;
mod telling;

use super::fixtures;
use super::keys::Key;
use super::model::Model;
use super::plans::PlanSource;
use super::update::{Effect, Msg, update};
use super::view;
use crate::engine::Command;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// What is on the screen, as text.
fn screen(model: &Model) -> String {
    let (width, height) = model.size;
    let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
    view::draw(model, &mut buffer);
    let mut text = String::new();
    for y in 0..height {
        let line: String = (0..width).map(|x| buffer[(x, y)].symbol()).collect();
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Press keys one after another; what they made the runtime do.
fn press(model: &mut Model, keys: &[Key]) -> Vec<Effect> {
    keys.iter()
        .flat_map(|key| update(model, Msg::Key(*key)))
        .collect()
}

/// Press the keys of this text.
fn type_text(model: &mut Model, text: &str) -> Vec<Effect> {
    let key = |c| if c == ' ' { Key::Space } else { Key::Char(c) };
    press(model, &text.chars().map(key).collect::<Vec<_>>())
}

/// Let a source answer what was asked of it.
fn answer(model: &mut Model, effects: &[Effect], source: &dyn PlanSource) {
    for effect in effects {
        if let Effect::Plan(query) = effect {
            update(model, Msg::Plan(query.put_to(source)));
        }
    }
}

/// Press keys and let the plans that they ask for be shown.
fn press_and_plan(model: &mut Model, keys: &[Key]) {
    for key in keys {
        let effects = press(model, &[*key]);
        answer(model, &effects, &fixtures::plans::Plans);
    }
}

fn commands(effects: &[Effect]) -> Vec<&Command> {
    fn command(effect: &Effect) -> Option<&Command> {
        match effect {
            Effect::Command(command) => Some(command),
            _ => None,
        }
    }
    effects.iter().filter_map(command).collect()
}
