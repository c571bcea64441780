//! `llmdbenchmark` runs Design-of-Experiments sweeps over LLM serving stacks.
//!
//! The crate is a library with one binary on top. Modules depend on each other in one direction only:
//!
//! ```text
//! text, diagnostic, yaml  ←  experiment  ←  engine  ←  plan  ←  report  ←  harness  ←  platform  ←  phase
//!                                             ↑                                                       ↑
//!                                            tui (shows)                            cli (puts all together)
//! ```
//!
//! `docs/architecture.md` tells the whole story; each module's header tells its own part.

pub mod cli;
pub mod diagnostic;
mod disk;
pub mod engine;
pub mod experiment;
pub mod harness;
pub mod http;
pub mod logs;
pub mod manifest;
pub mod phase;
pub mod plan;
pub mod platform;
pub mod report;
pub mod sim;
pub mod text;
pub mod tui;
pub mod workspace;
pub mod yaml;
