//! Brokers that want TLS and a password, as production has them: the line runs, and who has the wrong ones is told.

use crate::LIMIT;
use std::fs;
use std::path::Path;
use tidings_tests::kafka::{Kafka, USER};
use tidings_tests::line::Line;
use tidings_tests::{root, until};

/// The sections of the configuration that a door asks for.
fn keys(ca: &Path) -> String {
    let (user, _) = USER;
    format!(
        "[kafka.tls]\nca_file = {ca:?}\n\
         [kafka.sasl]\nmechanism = \"SCRAM-SHA-512\"\nusername = {user:?}\npassword_file = \"password\"\n"
    )
}

#[test]
fn tls_and_scram() {
    let (_kafka, door) = Kafka::secured();
    let mut line = Line::on(&door.brokers, &keys(&door.ca));
    fs::write(line.dir().join("password"), format!("{}\n", USER.1)).unwrap();
    line.run(&["topics", "create"]);
    line.start_five();
    let file = root().join("tests/e2e/three.txt");
    line.run(&["ingest", file.to_str().unwrap(), "--format", "lead-extract"]);
    until(LIMIT, "three stories are enriched", || {
        let told = line.run(&["tail", "news.enriched.v1", "--json", "--from-beginning", "--until-end"]);
        (told.lines().count() == 3).then_some(())
    });

    fs::write(line.dir().join("password"), "close sesame\n").unwrap();
    refused(&line, "a wrong password", "uthentication");
    let stranger = Line::on(&door.brokers, &keys(Path::new("none.pem")));
    fs::write(stranger.dir().join("password"), USER.1).unwrap();
    refused(&stranger, "a certificate authority that is not there", "none.pem");
}

/// Whoever tries to come in learns why that fails.
fn refused(line: &Line, with: &str, why: &str) {
    for command in [["topics", "diff"], ["feeds", "list"]] {
        let output = line.try_run(&command);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains(why), "{command:?} with {with}: {}\n{said}", output.status);
    }
}
