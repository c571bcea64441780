//! The screen in a real pseudo-terminal: what is left of the terminal on every way out, what is asked of the engine on
//! the way, and a whole sweep by a real engine.
//!
//! The program in the terminal is this test binary itself, in the role of [`child`].

#![allow(clippy::unwrap_used, clippy::panic, reason = "these are tests")]

#[path = "../support/pty.rs"]
mod pty;
mod screen;
mod sweep;
mod ways_out;

use screen::ROLE;

/// Not a test of its own: the program that the tests start in a terminal.
#[test]
fn child() {
    let Ok(role) = std::env::var(ROLE) else {
        return;
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let folder = std::env::current_dir().unwrap();
    let ended = match role.as_str() {
        "sweep" => runtime.block_on(sweep::show(&folder)),
        _ => runtime.block_on(ways_out::show(&folder.join("asked"))),
    };
    println!("the screen ended: {ended}");
}
