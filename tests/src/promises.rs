//! The promises of `docs/guarantees.md`: a table of what is promised, the tests that hold it, and what they found last.
//!
//! The second column is what `make prove` runs: a link whose text names tests leads to the file they are in. A name that
//! ends in `…` stands for all that begin so, and that of the file itself for all of its tests.

use crate::{figures, root};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

const HEAD: &str = "| promise | test | found last |\n| --- | --- | --- |\n";

/// A test program: one of a package's integration tests, or the tests beside its code.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Suite {
    /// The package.
    pub package: String,
    /// The integration test; none for the tests beside the code.
    pub target: Option<String>,
    /// Whether that code is a library.
    pub is_library: bool,
}

/// Tests that the document names.
#[derive(Debug)]
pub struct Named {
    /// Where they run.
    pub suite: Suite,
    /// The module that their file is, as `chaos` or `document::tests`; none for a program's root.
    module: String,
    /// How one segment of their path begins; none for all in the module.
    name: Option<String>,
    /// Theirs.
    file: PathBuf,
}

impl Named {
    /// Whether their file has a function of that name.
    pub fn is_there(&self) -> bool {
        let text = std::fs::read_to_string(&self.file).unwrap_or_default();
        self.name.as_ref().is_none_or(|name| text.contains(&format!("fn {name}")))
    }

    /// Whether a test of the suite is one of them.
    pub fn is(&self, test: &str) -> bool {
        let segments = || test.split("::");
        let within = self.module.is_empty() || segments().zip(self.module.split("::")).all(|(own, of)| own == of);
        within && self.name.as_ref().is_none_or(|name| segments().any(|own| own.starts_with(name)))
    }
}

/// The second column, row by row.
pub fn cells() -> Vec<String> {
    let text = figures::text();
    let (_, rows, _) = parts(&text);
    rows.lines().map(|row| columns(row)[1].to_owned()).collect()
}

/// Writes what was found last into each row for whose second column `found` has it.
pub fn tell(mut found: impl FnMut(&str) -> Option<String>) {
    let text = figures::text();
    let (before, rows, after) = parts(&text);
    let told = rows.lines().map(|row| {
        let [promise, test, last] = columns(row);
        let last = found(test).map_or(last.to_owned(), |found| found.replace('|', "/"));
        format!("| {promise} | {test} | {last} |\n")
    });
    figures::write(&format!("{before}{}{after}", told.collect::<String>()));
}

/// The document before the rows of the table, the rows, and the rest.
fn parts(text: &str) -> (&str, &str, &str) {
    let start = text.find(HEAD).map(|at| at + HEAD.len()).expect("the document begins with its promises");
    let end = text[start..].find("\n\n").map_or(text.len(), |at| start + at + 1);
    (&text[..start], &text[start..end], &text[end..])
}

fn columns(row: &str) -> [&str; 3] {
    let cells = row.strip_prefix("| ").and_then(|row| row.strip_suffix(" |")).map(|row| row.split(" | "));
    let cells = cells.into_iter().flatten().map(str::trim).collect::<Vec<_>>();
    cells.try_into().unwrap_or_else(|_| panic!("a promise has three columns: {row}"))
}

/// What a cell of the second column names.
pub fn tests(cell: &str) -> Vec<Named> {
    let links = cell.split('[').skip(1).filter_map(|link| link.split_once(')')?.0.split_once("](../"));
    let placed = links.filter_map(|(text, file)| Some((text, file, place(file)?)));
    let named = placed.flat_map(|(text, file, (suite, module, called))| {
        let names = text.split('`').skip(1).step_by(2).map(|name| name.trim_end_matches('…'));
        names.map(move |name| {
            let name = name.rsplit("::").next().unwrap_or(name);
            let name = (name != called).then(|| name.to_owned());
            Named { suite: suite.clone(), module: module.clone(), name, file: root().join(file) }
        })
    });
    named.collect()
}

/// The suite of a file in the workspace, its module, and what the file is called; none for a file of no suite.
fn place(file: &str) -> Option<(Suite, String, String)> {
    let path = Path::new(file);
    let folder = path.ancestors().skip(1).find(|folder| root().join(folder).join("Cargo.toml").is_file())?;
    let manifest = std::fs::read_to_string(root().join(folder).join("Cargo.toml")).ok()?;
    let package = manifest.lines().find_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'))?;
    // integration tests lie in tests/, which is a package of its own, too: its folders are its suites
    let (target, inside) = match path.strip_prefix(folder.join("src")) {
        Ok(inside) => (None, inside.with_extension("")),
        Err(_) => {
            let inside = path.strip_prefix(folder).ok()?.with_extension("");
            let inside = inside.strip_prefix("tests").unwrap_or(&inside);
            let target = inside.iter().next()?.to_str()?;
            (Some(target.to_owned()), inside.strip_prefix(target).ok()?.to_owned())
        }
    };
    let segments =
        || inside.iter().filter_map(|part| part.to_str()).filter(|part| !["main", "mod", "lib"].contains(part));
    let module = segments().collect::<Vec<_>>().join("::");
    let called = segments().rfind(|part| *part != "tests").or(target.as_deref()).unwrap_or(package).to_owned();
    let is_library = root().join(folder).join("src/lib.rs").is_file();
    Some((Suite { package: package.to_owned(), target, is_library }, module, called))
}
