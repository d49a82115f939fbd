//! `tidings kb build`: a knowledge base out of a Wikidata dump.

use crate::{cli::Knowledge, ingest::DATA_ERROR};
use anyhow::Context as _;
use flate2::read::MultiGzDecoder;
use indicatif::{ProgressBar, ProgressStyle};
use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader, BufWriter, Read},
    path::Path,
    process::ExitCode,
};
use tidings_enrich::kb::wikidata::{Options, build};

/// How gzip files begin.
const GZIP: &[u8] = &[0x1f, 0x8b];

/// Builds it. Exit code 65 where no item of the dump is in it.
pub fn run(command: &Knowledge) -> anyhow::Result<ExitCode> {
    let Knowledge::Build { wikidata, out, min_sitelinks, languages } = command;
    let name = out.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
    let options = Options { min_sitelinks: *min_sitelinks, languages: languages.clone() };
    let bar = bar(wikidata)?;
    let dump = unpacked(bar.wrap_read(open(wikidata)?))?;
    // beside its place, then there at once: a line that starts meanwhile never reads half of it
    let half = out.with_extension("half");
    let file = BufWriter::new(File::create(&half).with_context(|| format!("can't write {}", half.display()))?);
    let built = build(dump, file, &name, &options).with_context(|| format!("can't make {}", out.display()));
    let built = built.inspect_err(|_| _ = fs::remove_file(&half))?;
    bar.finish_and_clear();
    let counts =
        format!("{} entries, {} passed over, {} unreadable lines", built.kept, built.passed_over, built.unreadable);
    if built.kept == 0 {
        fs::remove_file(&half)?;
        eprintln!("{}: {counts}: this is no Wikidata dump, or --min-sitelinks is too high", wikidata.display());
        return Ok(DATA_ERROR.into());
    }
    fs::rename(&half, out).with_context(|| format!("can't write {}", out.display()))?;
    eprintln!("{}: {counts}; use it as enrich.kb", out.display());
    Ok(ExitCode::SUCCESS)
}

fn open(path: &Path) -> anyhow::Result<Box<dyn Read>> {
    match path == Path::new("-") {
        true => Ok(Box::new(io::stdin().lock())),
        false => Ok(Box::new(File::open(path).with_context(|| format!("can't read {}", path.display()))?)),
    }
}

/// What the bytes say, whether they are packed or not.
fn unpacked(read: impl Read + 'static) -> io::Result<Box<dyn BufRead>> {
    let mut read = BufReader::with_capacity(1 << 20, read);
    match read.fill_buf()?.starts_with(GZIP) {
        true => Ok(Box::new(BufReader::with_capacity(1 << 20, MultiGzDecoder::new(read)))),
        false => Ok(Box::new(read)),
    }
}

/// On a terminal: how far, how fast, how long yet.
fn bar(path: &Path) -> anyhow::Result<ProgressBar> {
    let length = fs::metadata(path).ok().filter(fs::Metadata::is_file).map(|file| file.len());
    let bar = length.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
    let style = match length {
        Some(_) => "{bar:40} {percent} %  {bytes} of {total_bytes}  {bytes_per_sec}  {eta} to go",
        None => "{spinner} {bytes}  {bytes_per_sec}",
    };
    Ok(bar.with_style(ProgressStyle::with_template(style)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    const DUMP: &str = concat!(
        "[\n",
        r#"{"id":"Q900001","labels":{"en":{"value":"Mira Kell"}},"claims":{"P31":[{"mainsnak":{"datavalue":{"value":"#,
        r#"{"id":"Q5"}}}}]},"sitelinks":{"awiki":{},"bwiki":{}}}"#,
        "\n]\n",
    );

    fn make(folder: &Path, dump: &[u8], min_sitelinks: usize) -> (String, Option<Vec<u8>>) {
        let (wikidata, out) = (folder.join("dump"), folder.join("made-up.kb"));
        fs::write(&wikidata, dump).unwrap();
        let command = Knowledge::Build { wikidata, out: out.clone(), min_sitelinks, languages: vec!["en".to_owned()] };
        let code = run(&command).unwrap();
        let written = fs::read(&out).ok();
        _ = fs::remove_file(&out);
        (format!("{code:?}"), written)
    }

    #[test]
    fn a_packed_dump_and_a_plain_one_give_the_same_and_an_empty_one_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(DUMP.as_bytes()).unwrap();
        let plain = make(folder.path(), DUMP.as_bytes(), 2);
        assert!(plain.1.as_ref().is_some_and(|bytes| bytes.starts_with(b"TDNGSKB1")));
        let packed = packed.finish().unwrap();
        assert_eq!(make(folder.path(), &packed, 2), plain);
        let cut = Knowledge::Build {
            wikidata: folder.path().join("cut"),
            out: folder.path().join("made-up.kb"),
            min_sitelinks: 2,
            languages: vec!["en".to_owned()],
        };
        fs::write(folder.path().join("cut"), &packed[..packed.len() / 2]).unwrap();
        assert!(run(&cut).is_err(), "a dump that was cut off in the middle");
        fs::remove_file(folder.path().join("cut")).unwrap();
        let (code, written) = make(folder.path(), DUMP.as_bytes(), 3);
        assert_eq!((code, written), (format!("{:?}", ExitCode::from(65)), None));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing half done is left");
    }
}
