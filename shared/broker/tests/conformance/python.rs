//! The same questions by clients that share nothing with ours: `tests/python` has them in each client's words.

use crate::cluster::Cluster;
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

/// The interpreter that knows the clients; brought when it isn't there.
static PYTHON: LazyLock<String> = LazyLock::new(|| {
    let install = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/clients/install");
    let installed = Command::new(install).output().expect("tests/clients/install can be run");
    let reason = String::from_utf8_lossy(&installed.stderr);
    assert!(installed.status.success(), "no Python clients: {reason}");
    String::from_utf8_lossy(&installed.stdout).trim().to_owned()
});

fn ask(client: &str, case: &str) {
    let cluster = Cluster::any();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python").join(client);
    let asked = Command::new(&*PYTHON).arg(script).args([&cluster.brokers, case]).output().unwrap();
    assert!(asked.status.success(), "{client} {case}:\n{}", String::from_utf8_lossy(&asked.stderr));
}

macro_rules! cases {
    ($($client:ident: $($case:ident)*;)*) => {
        $(mod $client {
            $(#[test]
            fn $case() {
                super::ask(concat!(stringify!($client), ".py"), stringify!($case));
            })*
        })*
    };
}

cases! {
    confluent: topics patterns records groups transactions fencing timeouts;
    aio: topics patterns records groups transactions fencing timeouts;
}
