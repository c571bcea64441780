//! The terminal UI: one loop around a pure model.
//!
//! ```text
//! keys, mouse, signals, time ──► Msg ──► update(&mut Model, Msg) ──► Vec<Effect> ──► runtime
//!                                              │
//!                                              └──► view::draw(&Model, area, buffer), on change only
//! ```
//!
//! The UI meets the engine at two enums, [`crate::engine::Command`] and [`crate::engine::Signal`], and at nothing else:
//! it holds its own fold of the events and touches no platform, no process and no file of a sweep. Only
//! `runtime` and `terminal` do input and output; everything else here is a function of its arguments.

pub mod action;
pub mod applog;
pub mod canvas;
mod filter;
#[cfg(test)]
mod fixtures;
mod headers;
mod heat;
pub mod input;
pub mod keys;
mod layout;
pub mod logpane;
pub mod model;
mod overlay;
mod pace;
mod planpane;
pub mod plans;
mod runtime;
mod terminal;
#[cfg(test)]
mod tests;
pub mod theme;
pub mod update;
pub mod view;

pub use runtime::{Session, TuiError, run};
pub use theme::{Theme, ThemeChoice};
pub use update::Ended;
