//! .
#[allow(dead_code, reason = "wired by the demo, which is to come")]
mod sample;
fn main() {}
