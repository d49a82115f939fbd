//! Logs: for people on a terminal, JSON lines otherwise; always on stderr, so that stdout is for data.

use std::io::{IsTerminal, stderr};
use tracing_subscriber::{EnvFilter, fmt};

/// Logs from `level` up; `TIDINGS_LOG` says otherwise, as in `TIDINGS_LOG=tidings_fetch=debug,warn`.
pub fn init(level: &str) {
    let filter = EnvFilter::try_from_env("TIDINGS_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    let logs = fmt().with_env_filter(filter).with_writer(stderr);
    if stderr().is_terminal() { logs.with_target(false).init() } else { logs.json().init() }
}
