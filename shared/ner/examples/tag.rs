//! Tags texts: `tag PACK [int16] < texts` prints, per line of input, its tokens and entities as JSON, in code points.
//!
//! Without PACK, or with `-`, it uses the English model that is compiled in. `tests/parity` compares its output with
//! spaCy's.

use std::{
    env,
    error::Error,
    io::{BufRead as _, BufWriter, Write as _, stdin, stdout},
    path::Path,
    sync::Arc,
};
use tidings_ner::{CodePoints, ENGLISH_SMALL, Model, Precision, Session};

fn main() -> Result<(), Box<dyn Error>> {
    let model = match env::args_os().nth(1) {
        Some(path) if path != "-" => Model::open(Path::new(&path))?,
        _ => Model::read(ENGLISH_SMALL)?,
    };
    let precision = match env::args_os().nth(2) {
        None => Precision::F32,
        Some(precision) if precision == "int16" => Precision::Int16,
        Some(_) => return Err("tag PACK [int16]".into()),
    };
    let mut session = Session::new(Arc::new(model.with_precision(precision)));
    let (mut input, mut out) = (stdin().lock(), BufWriter::new(stdout().lock()));
    let mut line = Vec::new();
    while input.read_until(b'\n', &mut line)? > 0 {
        let text = String::from_utf8_lossy(line.strip_suffix(b"\n").unwrap_or(&line));
        let analysis = session.analyse(&text);
        let mut points = CodePoints::new(&text);
        let tokens: Vec<_> = analysis.tokens.iter().map(|token| places(&mut points, token)).collect();
        let labels = session.model().labels();
        let mut points = CodePoints::new(&text);
        let entities = analysis.entities.iter().map(|entity| {
            let (start, end) = places(&mut points, &entity.bytes);
            (start, end, &labels[entity.label])
        });
        let entities: Vec<_> = entities.collect();
        writeln!(out, "{}", serde_json::json!({"tokens": tokens, "entities": entities}))?;
        line.clear();
    }
    out.flush()?;
    Ok(())
}

fn places(points: &mut CodePoints<'_>, bytes: &std::ops::Range<usize>) -> (usize, usize) {
    (points.before(bytes.start), points.before(bytes.end))
}
