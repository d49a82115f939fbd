//! How well names are found and linked, against labels by hand.
//!
//! Labels are JSON, `{"docs": [{"text", "entities": [{"start", "end", "type", "optional", "wikidata"}…]}…]}` with places in
//! code points of the text, or text with its names marked: `President [PER Mira Kell] of [?NORP Velmontian] descent`, a
//! document being a line that is its lead and the lines after it, up to an empty one. A span is right where start, end
//! and type are; what meets an optional one is not judged. An id is judged where the labels have one for that span, or
//! say by `null` that there is none.

use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, fs, io,
    path::Path,
};

/// Labelled documents.
#[derive(Debug, Deserialize)]
pub struct Gold {
    docs: Vec<Document>,
}

#[derive(Debug, Default, Deserialize)]
struct Document {
    text: String,
    entities: Vec<Label>,
}

#[derive(Debug, Deserialize)]
struct Label {
    start: u64,
    end: u64,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    optional: bool,
    /// Absent: not looked for; null: there is none, or none that the labeller is sure of.
    #[serde(default, deserialize_with = "present")]
    wikidata: Option<Option<String>>,
}

fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// What was found at a place.
#[derive(Debug)]
struct Told {
    kind: &'static str,
    /// A Wikidata id.
    id: Option<String>,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Score {
    right: usize,
    told: usize,
    wanted: usize,
}

impl Score {
    fn count(&mut self, other: &Self) {
        self.right += other.right;
        self.told += other.told;
        self.wanted += other.wanted;
    }

    /// Precision, recall and F1, in percent.
    fn figures(&self) -> [f64; 3] {
        let share = |of: usize| 100.0 * self.right as f64 / of.max(1) as f64;
        [share(self.told), share(self.wanted), 200.0 * self.right as f64 / (self.told + self.wanted).max(1) as f64]
    }
}

/// The document as an item: its lead is the summary, the rest the body.
fn item(number: usize, text: &str) -> Value {
    match text.split_once('\n') {
        Some((lead, rest)) => json!({"id": number.to_string(), "summary": lead, "body": rest}),
        None => json!({"id": number.to_string(), "body": text}),
    }
}

/// What was found in all documents, against the labels.
#[derive(Debug, Default)]
pub struct Verdict {
    documents: usize,
    kinds: BTreeMap<&'static str, Score>,
    spans: Score,
    ids: Score,
    unlabelled: usize,
}

impl Gold {
    /// Reads a file: JSON where its name says so, else marked text.
    ///
    /// # Errors
    /// It can't be read, or is neither.
    pub fn read(path: &Path) -> io::Result<Self> {
        let text = fs::read_to_string(path)?;
        let told = |error: String| io::Error::other(format!("{}: {error}", path.display()));
        if path.extension().is_some_and(|extension| extension == "json") {
            return serde_json::from_str(&text).map_err(|error| told(error.to_string()));
        }
        let lines = text.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>();
        let blocks = lines.split(|line| line.trim().is_empty()).filter(|block| !block.is_empty());
        Ok(Self { docs: blocks.map(Document::marked).collect::<Result<_, _>>().map_err(told)? })
    }

    /// The documents as items: the lead is the summary, the rest the body. Their ids are their numbers.
    pub fn items(&self) -> impl Iterator<Item = Value> {
        self.docs.iter().enumerate().map(|(number, document)| item(number, &document.text))
    }

    /// Compares with the enriched items, one for each document.
    ///
    /// # Errors
    /// One is missing, or is of no document.
    pub fn judge(&self, enriched: impl IntoIterator<Item = Value>) -> Result<Verdict, String> {
        let mut found = BTreeMap::new();
        for enriched in enriched {
            let number: usize =
                enriched["item"]["id"].as_str().and_then(|id| id.parse().ok()).ok_or("a record without an item")?;
            let document = self.docs.get(number).ok_or_else(|| format!("the labels have no document {number}"))?;
            found.insert(number, told(&enriched, document));
        }
        let mut verdict = Verdict { documents: self.docs.len(), ..Verdict::default() };
        for (number, document) in self.docs.iter().enumerate() {
            let told = found.remove(&number).ok_or_else(|| format!("document {number} was not enriched"))?;
            verdict.unlabelled += ids_without_label(document, &told);
            let (kinds, spans, ids) = compare(document, told);
            kinds.iter().for_each(|(kind, score)| verdict.kinds.entry(*kind).or_default().count(score));
            verdict.spans.count(&spans);
            verdict.ids.count(&ids);
        }
        Ok(verdict)
    }
}

impl Verdict {
    /// F1 of spans with their types, in percent.
    pub fn f1(&self) -> f64 {
        let [_, _, f1] = self.all().figures();
        f1
    }

    fn all(&self) -> Score {
        let mut all = Score::default();
        self.kinds.values().for_each(|score| all.count(score));
        all
    }
}

/// A Markdown table.
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| {} documents | precision | recall | F1 | right | told | wanted |", self.documents)?;
        writeln!(f, "| --- | ---: | ---: | ---: | ---: | ---: | ---: |")?;
        let rows = self.kinds.iter().map(|(kind, score)| (*kind, score));
        let all = self.all();
        for (name, score) in
            rows.chain([("all", &all), ("spans without type", &self.spans), ("Wikidata ids", &self.ids)])
        {
            let [precision, recall, f1] = score.figures();
            let Score { right, told, wanted } = score;
            writeln!(f, "| {name} | {precision:.1} | {recall:.1} | {f1:.1} | {right} | {told} | {wanted} |")?;
        }
        writeln!(f, "| Wikidata ids where the labels have none | | | | | {} | 0 |", self.unlabelled)
    }
}

impl Document {
    /// Of a block of marked lines.
    fn marked(lines: &[&str]) -> Result<Self, String> {
        let (lead, rest) = lines.split_first().ok_or("a document without a line")?;
        let marked = format!("{lead}\n{}", rest.join(" "));
        let mut document = Self::default();
        let mut parts = marked.split('[');
        document.text.push_str(parts.next().unwrap_or_default());
        for part in parts {
            let (mark, after) = part.split_once(']').ok_or_else(|| format!("[{part:.40}: no ] closes it"))?;
            let (kind, name) = mark.split_once(' ').ok_or_else(|| format!("[{mark}]: a type and a name are wanted"))?;
            let start = document.text.chars().count() as u64;
            let end = start + name.chars().count() as u64;
            let optional = kind.starts_with('?');
            let kind = kind.trim_start_matches('?').to_owned();
            document.entities.push(Label { start, end, kind, optional, wikidata: None });
            document.text.push_str(name);
            document.text.push_str(after);
        }
        Ok(document)
    }
}

/// What was found, by its place in the text.
fn told(enriched: &Value, document: &Document) -> BTreeMap<(u64, u64), Told> {
    let lead = document.text.split_once('\n').map_or(0, |(lead, _)| lead.chars().count() as u64 + 1);
    let mut told = BTreeMap::new();
    for entity in enriched["entities"].as_array().into_iter().flatten() {
        let id = entity["id"].as_str().filter(|_| entity["id_kind"] == "wikidata").map(ToOwned::to_owned);
        for mention in entity["mentions"].as_array().into_iter().flatten() {
            let base = if mention["field"] == "body" { lead } else { 0 };
            let place = |key: &str| mention[key].as_u64().map(|at| base + at);
            if let (Some(start), Some(end)) = (place("start"), place("end")) {
                told.insert((start, end), Told { kind: kind(entity["type"].as_str().unwrap_or("")), id: id.clone() });
            }
        }
    }
    told
}

/// Typed spans by type, spans whatever their type, and ids.
fn compare(document: &Document, mut told: BTreeMap<(u64, u64), Told>) -> (BTreeMap<&'static str, Score>, Score, Score) {
    let (mut kinds, mut spans, mut ids) = (BTreeMap::<_, Score>::new(), Score::default(), Score::default());
    let wanted: BTreeSet<_> =
        document.entities.iter().filter(|label| !label.optional).map(|l| (l.start, l.end)).collect();
    for label in document.entities.iter().filter(|label| label.optional) {
        told.retain(|place, _| wanted.contains(place) || place.1 <= label.start || label.end <= place.0);
    }
    for label in document.entities.iter().filter(|label| !label.optional) {
        let found = told.get(&(label.start, label.end));
        let want = kind(&label.kind);
        let score = kinds.entry(want).or_default();
        score.wanted += 1;
        score.right += usize::from(found.is_some_and(|found| found.kind == want));
        spans.wanted += 1;
        spans.right += usize::from(found.is_some());
        if let Some(Some(want)) = &label.wikidata {
            let id = found.and_then(|found| found.id.as_ref());
            ids.wanted += 1;
            ids.told += usize::from(id.is_some());
            ids.right += usize::from(id == Some(want));
        }
    }
    spans.told = told.len();
    for found in told.values() {
        kinds.entry(found.kind).or_default().told += 1;
    }
    (kinds, spans, ids)
}

/// The ids told for mentions that the labels give none: wrong where the labels mean that there is none, and not to be
/// judged where the labeller was only not sure.
fn ids_without_label(document: &Document, told: &BTreeMap<(u64, u64), Told>) -> usize {
    let labels = document.entities.iter().filter(|label| !label.optional && label.wikidata == Some(None));
    labels.filter_map(|label| told.get(&(label.start, label.end))).filter(|found| found.id.is_some()).count()
}

/// One name for the types of the records and those of the usual corpora.
fn kind(name: &str) -> &'static str {
    match name {
        "person" | "PER" | "PERSON" | "Person" => "PER",
        "organisation" | "ORG" | "Organization" => "ORG",
        "place" | "LOC" | "GPE" | "FAC" | "Location" | "Facility" => "LOC",
        "group" | "NORP" => "NORP",
        _ => "MISC",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_labels() {
        let document = Document::marked(&["[LOC Łódź] - a lead", "by [?PER Kell],", "she said"]).unwrap();
        assert_eq!(document.text, "Łódź - a lead\nby Kell, she said");
        let told: Vec<_> = document.entities.iter().map(|l| (l.start, l.end, l.kind.as_str(), l.optional)).collect();
        assert_eq!(told, [(0, 4, "LOC", false), (17, 21, "PER", true)]);
        assert!(Document::marked(&["by [PER Kell"]).is_err() && Document::marked(&["by [Kell] x"]).is_err());
    }

    #[test]
    fn spans_types_and_ids_are_told_apart() {
        let gold: Gold =
            serde_json::from_value(json!({"docs": [{"text": "Xi is\nin Rome, Xi says to Benn of NWA", "entities": [
                {"start": 0, "end": 2, "type": "PER", "wikidata": "Q15031"},
                {"start": 9, "end": 13, "type": "GPE", "wikidata": "Q220"},
                {"start": 15, "end": 17, "type": "PER", "wikidata": "Q15031"},
                {"start": 26, "end": 30, "type": "PER", "wikidata": null},
                {"start": 34, "end": 37, "type": "ORG", "optional": true},
            ]}]}))
            .unwrap();
        let mention = |field: &str, start: u64, end: u64| json!({"field": field, "start": start, "end": end});
        let enriched = json!({"item": {"id": "0"}, "entities": [
            {"id": "Q15031", "id_kind": "wikidata", "type": "person", "mentions": [mention("summary", 0, 2)]},
            {"id": "Q1", "id_kind": "wikidata", "type": "place", "mentions": [mention("body", 3, 7)]},
            {"id": "x", "id_kind": "local", "type": "place", "mentions": [mention("body", 9, 11)]},
            {"id": "Q2", "id_kind": "wikidata", "type": "person", "mentions": [mention("body", 20, 24)]},
            {"id": "y", "id_kind": "local", "type": "person", "mentions": [mention("body", 28, 31)]},
            {"id": "z", "id_kind": "local", "type": "other", "mentions": [mention("body", 0, 2)]},
        ]});
        let document = &gold.docs[0];
        assert_eq!(ids_without_label(document, &told(&enriched, document)), 1);
        let (kinds, spans, ids) = compare(document, told(&enriched, document));
        let score = |right, told, wanted| Score { right, told, wanted };
        assert_eq!(kinds["PER"], score(2, 2, 3));
        assert_eq!(kinds["LOC"], score(1, 2, 1));
        assert_eq!(kinds["MISC"], score(0, 1, 0));
        assert_eq!(spans, score(4, 5, 4));
        assert_eq!(ids, score(1, 2, 3));
        assert_eq!(score(1, 2, 4).figures().map(f64::round), [50.0, 25.0, 33.0]);
    }
}
