//! The local platform: stacks and harnesses are processes on this machine.

pub mod supervisor;
