//! How well clusters agree with the truth: pair precision and recall, adjusted Rand index (Hubert and Arabie 1985),
//! BCubed (Bagga and Baldwin 1998), documents in mixed clusters, and recall by the way in which a copy was made.

use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// One judged document: where it belongs, where it was put, in which way it was made, and whether it was called an update.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// Its true cluster.
    pub truth: String,
    /// The cluster that it was put into.
    pub found: String,
    /// How it differs from the first of its cluster; `original` for that one.
    pub class: String,
    /// Whether it was published as an update of its cluster.
    pub update: bool,
}

/// What a judge says.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// Documents.
    pub documents: usize,
    /// True clusters.
    pub clusters: usize,
    /// Share of the pairs put together that belong together.
    pub precision: f64,
    /// Share of the pairs that belong together that were put together.
    pub recall: f64,
    /// Adjusted Rand index.
    pub ari: f64,
    /// BCubed precision and recall.
    pub bcubed: (f64, f64),
    /// Documents in clusters of more than one truth.
    pub mixed: usize,
    /// Updates in clusters that have none: no copy has other figures or more text.
    pub wrong_updates: usize,
    /// Clusters in which a copy has other figures, and how many of them have an update.
    pub renumbered: (usize, usize),
    /// Of each class: how many there are, how many are with their original, and how many were called updates.
    pub classes: BTreeMap<String, (usize, usize, usize)>,
}

/// Harmonic mean.
fn f1(precision: f64, recall: f64) -> f64 {
    if precision + recall == 0.0 { 0.0 } else { 2.0 * precision * recall / (precision + recall) }
}

impl Verdict {
    /// Judges documents; none at all are judged perfect.
    pub fn of(documents: &[Judged]) -> Self {
        let pairs = |count: usize| count as f64 * (count as f64 - 1.0) / 2.0;
        let mut truths: BTreeMap<&str, usize> = BTreeMap::new();
        let mut found: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
        let mut originals: BTreeMap<&str, &str> = BTreeMap::new();
        for document in documents {
            *truths.entry(&document.truth).or_default() += 1;
            *found.entry(&document.found).or_default().entry(&document.truth).or_default() += 1;
            if document.class == ORIGINAL {
                originals.insert(&document.truth, &document.found);
            }
        }
        let true_pairs: f64 = truths.values().map(|count| pairs(*count)).sum();
        let sizes = || found.values().map(|parts| parts.values().sum::<usize>());
        let found_pairs: f64 = sizes().map(pairs).sum();
        let right: f64 = found.values().flat_map(BTreeMap::values).map(|count| pairs(*count)).sum();
        let chance = true_pairs * found_pairs / pairs(documents.len()).max(1.0);
        let share = |part: f64, whole: f64| if whole == 0.0 { 1.0 } else { part / whole };
        let (mut precise, mut recalled) = (0.0, 0.0);
        for parts in found.values() {
            let size = parts.values().sum::<usize>() as f64;
            for (truth, count) in parts {
                let count = *count as f64;
                precise += count * count / size;
                recalled += count * count / truths[truth] as f64;
            }
        }
        let mut classes: BTreeMap<String, (usize, usize, usize)> = BTreeMap::new();
        for document in documents.iter().filter(|document| document.class != ORIGINAL) {
            let with = originals.get(&*document.truth).is_some_and(|found| *found == document.found);
            let class = classes.entry(document.class.clone()).or_default();
            *class = (class.0 + 1, class.1 + usize::from(with), class.2 + usize::from(document.update));
        }
        // whichever comes last, the copy or its original, is the update
        let mut updates: BTreeMap<&str, (bool, bool, usize)> = BTreeMap::new();
        for document in documents {
            let (renumbered, more, count) = updates.entry(&document.truth).or_default();
            *renumbered |= document.class == RENUMBERED;
            *more |= MORE.contains(&&*document.class);
            *count += usize::from(document.update);
        }
        let wrong_updates =
            updates.values().filter(|(renumbered, more, _)| !renumbered && !more).map(|(.., n)| n).sum();
        let renumbered = updates.values().filter(|(renumbered, ..)| *renumbered);
        let renumbered = renumbered.fold((0, 0), |(all, seen), (.., n)| (all + 1, seen + usize::from(*n > 0)));
        let mixed = found.values().filter(|parts| parts.len() > 1).flat_map(BTreeMap::values).sum();
        let all = documents.len() as f64;
        Self {
            documents: documents.len(),
            clusters: truths.len(),
            precision: share(right, found_pairs),
            recall: share(right, true_pairs),
            ari: share(right - chance, (true_pairs + found_pairs) / 2.0 - chance),
            bcubed: (share(precise, all), share(recalled, all)),
            mixed,
            wrong_updates,
            renumbered,
            classes,
        }
    }

    /// Which share of the documents is in clusters of more than one truth.
    pub fn mixed_share(&self) -> f64 {
        self.mixed as f64 / self.documents.max(1) as f64
    }

    /// Harmonic mean of pair precision and recall.
    pub fn f1(&self) -> f64 {
        f1(self.precision, self.recall)
    }
}

/// The class of what copies are made of.
pub const ORIGINAL: &str = "original";
/// The class of copies that have other figures, and those of copies that have more text.
const RENUMBERED: &str = "renumbered";
const MORE: [&str; 2] = ["appended", "continued"];

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (precise, recalled) = self.bcubed;
        writeln!(f, "documents {}, true clusters {}", self.documents, self.clusters)?;
        writeln!(f, "pairs     precision {:.4}  recall {:.4}  F1 {:.4}", self.precision, self.recall, self.f1())?;
        writeln!(f, "BCubed    precision {precise:.4}  recall {recalled:.4}  F1 {:.4}", f1(precise, recalled))?;
        writeln!(f, "ARI       {:.4}", self.ari)?;
        let share = 100.0 * self.mixed_share();
        writeln!(f, "mixed     {} documents in clusters of more than one truth, {share:.2} %", self.mixed)?;
        let (all, seen) = self.renumbered;
        writeln!(f, "updates   {} where nothing is new, {seen} of {all} where figures are", self.wrong_updates)?;
        for (class, (all, with, updates)) in &self.classes {
            let share = *with as f64 / *all as f64;
            writeln!(f, "  {class:<11} {all:>6} copies, {share:.4} with their original, {updates:>4} called updates")?;
        }
        Ok(())
    }
}

/// Verdicts side by side, as a table in Markdown: the measures, then which share of the copies of each class is with
/// their original.
pub fn table(verdicts: &[(String, Verdict)]) -> String {
    let names: Vec<_> = verdicts.iter().map(|(name, _)| name.as_str()).collect();
    let mut table = format!("| | {} |\n", names.join(" | "));
    let mut row = |name: &str, cell: &dyn Fn(&Verdict) -> String| {
        let cells: Vec<_> = verdicts.iter().map(|(_, verdict)| cell(verdict)).collect();
        table += &format!("| {name} | {} |\n", cells.join(" | "));
    };
    row("---", &|_| "---:".to_owned());
    row("documents", &|verdict| verdict.documents.to_string());
    row("pairs: precision", &|verdict| format!("{:.4}", verdict.precision));
    row("pairs: recall", &|verdict| format!("{:.4}", verdict.recall));
    row("pairs: F1", &|verdict| format!("{:.4}", verdict.f1()));
    row("adjusted Rand index", &|verdict| format!("{:.4}", verdict.ari));
    row("BCubed F1", &|verdict| format!("{:.4}", f1(verdict.bcubed.0, verdict.bcubed.1)));
    row("in mixed clusters, %", &|verdict| format!("{:.2}", 100.0 * verdict.mixed_share()));
    row("updates where nothing is new, %", &|verdict| {
        format!("{:.2}", 100.0 * verdict.wrong_updates as f64 / verdict.documents as f64)
    });
    row("updates where figures are new, %", &|verdict| match verdict.renumbered {
        (0, _) => "–".to_owned(),
        (all, seen) => format!("{:.1}", 100.0 * seen as f64 / all as f64),
    });
    let classes: BTreeSet<&String> = verdicts.iter().flat_map(|(_, verdict)| verdict.classes.keys()).collect();
    for class in classes {
        row(class, &|verdict| match verdict.classes.get(class) {
            Some((all, with, _)) => format!("{:.4}", *with as f64 / *all as f64),
            None => "–".to_owned(),
        });
    }
    table
}

/// The newest verdict on each document among the records that dedup publishes: the item, and its cluster.
#[derive(Debug, Default)]
pub struct Found(BTreeMap<String, Published>);

/// A cluster, whether as an update of it, and the item.
#[derive(Debug)]
struct Published {
    cluster: String,
    update: bool,
    item: Value,
}

impl Found {
    /// Reads one record, in an envelope `{"topic","key","value"}` or bare.
    pub fn read(&mut self, line: &str) -> Result<(), String> {
        let mut record: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
        if record.get("topic").is_some() {
            record = record["value"].take();
        }
        let update = record["cluster"]["verdict"] == "update";
        let cluster = match &record["cluster"] {
            Value::String(copy) => copy.clone(),
            unique => text(&unique["id"]).ok_or("a record of dedup has `cluster` or `cluster.id`")?,
        };
        let item = record["item"].take();
        let id = text(&item["id"]).ok_or("a record of dedup has `item.id`")?;
        self.0.insert(id, Published { cluster, update, item });
        Ok(())
    }

    /// Compares with the truth by document, and where it says nothing, with the truth that the item carries itself
    /// ([`crate::stream`]). Documents that were not published are each in a cluster of their own.
    pub fn judge(&self, truths: &BTreeMap<String, String>) -> Vec<Judged> {
        let known = truths.iter().map(|(id, truth)| {
            let published = self.0.get(id);
            let found = published.map_or_else(|| format!("unpublished {id}"), |one| one.cluster.clone());
            let class = published.and_then(|one| text(&one.item["truth"]["class"]));
            let class = class.unwrap_or_else(|| "copy".to_owned());
            Judged { truth: truth.clone(), found, class, update: published.is_some_and(|one| one.update) }
        });
        let carried = self.0.iter().filter(|(id, _)| !truths.contains_key(*id)).filter_map(|(_, one)| {
            let (truth, class) = (text(&one.item["truth"]["cluster"])?, text(&one.item["truth"]["class"])?);
            Some(Judged { truth, found: one.cluster.clone(), class, update: one.update })
        });
        known.chain(carried).collect()
    }
}

/// A text, or a number as text.
pub fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(list: &[(&str, &str, &str)]) -> Vec<Judged> {
        let own = |text: &&str| (*text).to_owned();
        list.iter().map(|(t, f, c)| Judged { truth: own(t), found: own(f), class: own(c), update: false }).collect()
    }

    #[test]
    fn a_worked_example() {
        // truth {1,2,3} {4,5}; found {1,2} {3,4} {5}
        let documents = [("a", "x", ORIGINAL), ("a", "x", "cut"), ("a", "y", "cut"), ("b", "y", ORIGINAL)];
        let mut documents = judged(&documents);
        documents.extend(judged(&[("b", "z", "edit")]));
        let verdict = Verdict::of(&documents);
        assert_eq!((verdict.precision, verdict.recall), (0.5, 0.25));
        assert!((verdict.f1() - 1.0 / 3.0).abs() < 1e-12);
        assert_eq!(verdict.mixed, 2);
        // (1 - 4·2/10) / (3 - 4·2/10)
        assert!((verdict.ari - 0.2 / 2.2).abs() < 1e-12, "{}", verdict.ari);
        assert!((verdict.bcubed.0 - (2.0 + 0.5 + 0.5 + 1.0) / 5.0).abs() < 1e-12);
        assert!((verdict.bcubed.1 - (4.0 / 3.0 + 1.0 / 3.0 + 0.5 + 0.5) / 5.0).abs() < 1e-12);
        assert_eq!(verdict.classes["cut"], (2, 1, 0));
        assert_eq!(verdict.classes["edit"], (1, 0, 0));
        let table = table(&[("one".to_owned(), verdict)]);
        assert!(table.starts_with("| | one |\n| --- | ---: |\n| documents | 5 |\n"), "{table}");
        assert!(table.ends_with("| in mixed clusters, % | 40.00 |\n\
            | updates where nothing is new, % | 0.00 |\n| updates where figures are new, % | – |\n| cut | 0.5000 |\n| edit | 0.0000 |\n"), "{table}");
    }

    #[test]
    fn an_update_is_right_where_a_copy_tells_more() {
        let list = [
            ("a", ORIGINAL),
            ("a", "cut"),
            ("b", "renumbered"),
            ("b", ORIGINAL),
            ("c", "renumbered"),
            ("d", "continued"),
        ];
        let mut documents = judged(&list.map(|(truth, class)| (truth, truth, class)));
        for place in [1, 3, 5] {
            documents[place].update = true;
        }
        let verdict = Verdict::of(&documents);
        assert_eq!((verdict.wrong_updates, verdict.renumbered, verdict.classes["cut"]), (1, (2, 1), (1, 1, 1)));
    }

    #[test]
    fn records_are_read_with_or_without_envelope_and_the_last_counts() {
        let mut found = Found::default();
        for line in [
            r#"{"topic":"news.unique.v1","key":"1","value":{"item":{"id":"1","truth":{"cluster":7,"class":"original"}},"cluster":{"id":"1","verdict":"new"}}}"#,
            r#"{"item":{"id":2,"truth":{"cluster":"7","class":"cut"}},"cluster":{"id":"2","verdict":"new"}}"#,
            r#"{"item":{"id":2,"truth":{"cluster":"7","class":"cut"}},"cluster":"1","of":{"id":"1"}}"#,
        ] {
            found.read(line).unwrap();
        }
        assert_eq!(found.judge(&BTreeMap::new()), judged(&[("7", "1", ORIGINAL), ("7", "1", "cut")]));
        let truths = BTreeMap::from([("2", "q"), ("3", "q")].map(|(id, truth)| (id.to_owned(), truth.to_owned())));
        assert_eq!(
            found.judge(&truths),
            judged(&[("q", "1", "cut"), ("q", "unpublished 3", "copy"), ("7", "1", ORIGINAL)])
        );
        assert!(found.read("{}").is_err());
    }
}
