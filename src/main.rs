//! Start-up and exit codes only.

fn main() {}
