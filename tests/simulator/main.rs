//! The simulated server as its clients meet it: the real binary on a loopback port, spoken to over HTTP.

// Helpers are test code too, which clippy sees only inside of test functions.
#![allow(clippy::unwrap_used, clippy::panic)]

mod api;
mod effects;
mod faults;
mod server;
