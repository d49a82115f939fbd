//! What the tests need of the world: Apache Kafka, strangers' clients to read it with, a feed server, and the line
//! itself as processes.
//!
//! Everything is on 127.0.0.1 and gone when its value is dropped. Nothing returns errors: a test has nobody to hand
//! them to, so what fails panics with the reason and the mend.

pub mod chaos;
pub mod figures;
pub mod http;
pub mod kafka;
pub mod line;
pub mod promises;
pub mod read;

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// The root of the workspace.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the workspace")
}

/// Asks `probe` until it has an answer.
///
/// # Panics
/// When there is none within `limit`; `what` is what was waited for.
pub fn until<T>(limit: Duration, what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + limit;
    loop {
        if let Some(answer) = probe() {
            return answer;
        }
        assert!(Instant::now() < end, "waited {limit:?} in vain: {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Ports of 127.0.0.1 that nobody listened on a moment ago. None is given twice by a process, nor is one of those that
/// the system gives to outgoing connections: a process that is killed finds its port free when it comes back.
pub fn free_ports<const N: usize>() -> [u16; N] {
    /// Below what Linux takes for outgoing connections (`ip_local_port_range`).
    const PORTS: std::ops::Range<u32> = 10_000..32_000;
    static NEXT: AtomicU32 = AtomicU32::new(0);
    // tests that run beside each other begin elsewhere
    let first = std::process::id().wrapping_mul(997);
    let candidate =
        || PORTS.start + first.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % (PORTS.end - PORTS.start);
    let mut candidates = std::iter::repeat_with(candidate).map(|port| u16::try_from(port).expect("below 32,000"));
    let is_free = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
    std::array::from_fn(|_| candidates.find(is_free).expect("candidates do not end"))
}

/// Runs a command to its end and returns what it printed.
///
/// # Panics
/// When it can't be run or fails, with what it said.
pub(crate) fn output(command: &mut Command) -> String {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}; tests/setup brings what the tests need"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}\n{said}", output.status);
    String::from_utf8(output.stdout).unwrap_or_else(|_| panic!("{program} prints UTF-8"))
}

/// The path that an install script of `tests/` prints.
pub(crate) fn installed(script: &str) -> PathBuf {
    output(&mut Command::new(root().join("tests").join(script).join("install"))).trim_end().into()
}
