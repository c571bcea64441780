//! The program as its users meet it: the real binary, on the local platform, without and with a terminal.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "these are tests: the first surprise ends them"
)]

mod flags;
mod headless;
mod kill;
mod lab;
#[path = "../support/pty.rs"]
mod pty;
mod screen;
mod terminal;
