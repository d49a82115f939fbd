//! Whole verdicts: pairs of items, revisions, the window, the laws.

use super::*;
use serde_json::{Value, json};
use std::{fs, path::Path, time::Duration};
use tidings_stage::laws;

mod shapes;
mod time;

const HOUR: i64 = 3_600_000;
const START: i64 = 1_795_521_600_000;

fn dedup() -> Dedup {
    Dedup::new(&Config::default())
}

fn raw(value: &Value) -> (Timestamp, Event<Dedup>) {
    let item = RawItem::decode(&topic::RAW, b"", Some(value.to_string().as_bytes())).unwrap();
    (item.seen().unwrap_or_default(), Event::Record(item))
}

fn at(hours: i64) -> String {
    Timestamp::from_millis(START + hours * HOUR).to_string()
}

/// What became of an item: `new`, `update CLUSTER`, `copy of ID: RELATION, WHY`, `nothing`, or a reject's code.
fn told(stage: &mut Dedup, value: &Value) -> String {
    let (at, event) = raw(value);
    let step = match stage.step(at, &event) {
        Ok(prepared) => prepared.step,
        Err(reject) => return reject.code.to_owned(),
    };
    match step.out.first().map(|decision| &decision.outcome) {
        None => "nothing".to_owned(),
        Some(Outcome::Unique(unique)) if unique.cluster.verdict == Verdict::New => {
            assert_eq!(unique.cluster.id.as_str(), unique.item.id.as_str());
            "new".to_owned()
        }
        Some(Outcome::Unique(unique)) => format!("update {}", unique.cluster.id),
        Some(Outcome::Duplicate(copy)) => {
            let relation = serde_json::to_value(copy.relation).unwrap();
            let why = copy.why.split(' ').take(2).collect::<Vec<_>>().join(" ");
            let why = if why.starts_with("text ") { "alike" } else { &why };
            format!("copy of {}: {}, {why}", copy.of.id, relation.as_str().unwrap())
        }
    }
}

const STORM: &str = "A storm with winds of up to 140 kilometres an hour closed every port on the northern coast on \
    Tuesday, stranding ferries and cutting power to thousands of homes before it moved inland. Harbour masters \
    said the breakwater at Lonsund had cracked in two places. Schools will stay shut until the end of the week.";

/// Pairs: the second item's verdict, after the first.
#[test]
fn pairs() {
    let storm = |id: &str, publisher: &str, headline: &str, summary: &str| {
        let publisher = json!({"name": publisher});
        json!({"id": id, "headline": headline, "summary": summary, "publisher": publisher})
    };
    let original = storm("a", "Northern Star", "Storm closes all ports on the northern coast", STORM);
    let cut: String = STORM.chars().take(150).collect();
    for (case, second, expected) in [
        (
            "wire copy with a dateline, another headline word and a tail",
            storm(
                "b",
                "Daily Example",
                "Storm shuts all ports on the northern coast | Daily Example",
                &format!("LONSUND, Nov 24 (Reuters) - {STORM} (Reporting by Jo Doe; Editing by Al Roe)"),
            ),
            "copy of a: syndicated, alike",
        ),
        (
            "cut summary",
            storm("b", "Daily Example", "Storm closes all ports on the northern coast", &format!("{cut}…")),
            "copy of a: near_duplicate, alike",
        ),
        (
            "same text, same publisher",
            storm("b", "northern star", "STORM CLOSES ALL PORTS ON THE NORTHERN COAST", STORM),
            "copy of a: same_article, same text",
        ),
        (
            "same text, other publisher",
            storm("b", "Daily Example", "Storm closes all ports on the northern coast - Daily Example", STORM),
            "copy of a: syndicated, same text",
        ),
        (
            "other figures",
            storm("b", "Daily Example", "Storm closes all ports on the northern coast", &STORM.replace("140", "165")),
            "update a",
        ),
        (
            "own words about the same event",
            storm(
                "b",
                "Daily Example",
                "Ferries stranded as gale batters the north",
                "Thousands are without electricity after a gale hit the northern coast. The ferry company said it \
                 hoped to sail again on Thursday, once divers have looked at the damaged breakwater.",
            ),
            "new",
        ),
        ("nothing but an address", json!({"id": "b", "url": "https://example.org/b"}), "new"),
        ("nothing at all", json!({"id": "b", "headline": " ", "summary": ""}), "text_missing"),
        ("withdrawn and never seen", json!({"id": "b", "status": "withdrawn"}), "update b"),
    ] {
        let mut stage = dedup();
        assert_eq!(told(&mut stage, &original), "new");
        assert_eq!(told(&mut stage, &second), expected, "{case}");
    }
}

/// The same template is not the same news.
#[test]
fn templates_do_not_merge() {
    let mut stage = dedup();
    let report = |headline: &str, summary: &str| json!({"headline": headline, "summary": summary});
    for (n, mut report) in [
        report(
            "Lonsund beat Harmark 3-1",
            "Eriksen scored twice as Lonsund beat Harmark 3-1 at Harmark Park on Saturday to go top.",
        ),
        report(
            "Vesterby beat Kolding United 2-0",
            "Okafor scored twice as Vesterby beat Kolding United 2-0 at the Dome on Saturday to go top.",
        ),
        report(
            "M 5.1 - 12 km NE of Lonsund, Norway",
            "An earthquake of magnitude 5.1 struck 12 km north-east of Lonsund, Norway, on Tuesday at a depth of \
             10 km, the US Geological Survey said. There were no immediate reports of damage.",
        ),
        report(
            "M 4.8 - 40 km S of Padang, Indonesia",
            "An earthquake of magnitude 4.8 struck 40 km south of Padang, Indonesia, on Wednesday at a depth of \
             35 km, the US Geological Survey said. There were no immediate reports of damage.",
        ),
        report(
            "FTSE 100 closes higher as miners gain",
            "London's FTSE 100 index closed 0.4% higher on Monday at 7,512 points as mining stocks gained, while \
             the mid-cap FTSE 250 rose 0.2%.",
        ),
        report(
            "FTSE 100 closes lower as banks fall",
            "London's FTSE 100 index closed 0.9% lower on Tuesday at 7,441 points as banking stocks fell, while \
             the mid-cap FTSE 250 lost 0.7%.",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        report["id"] = json!(n);
        assert_eq!(told(&mut stage, &report), "new", "{report}");
    }
}

#[test]
fn little_text_is_no_evidence() {
    let mut stage = dedup();
    for (case, value, expected) in [
        ("two words", json!({"id": "1", "headline": "Live updates"}), "new"),
        ("the same two words", json!({"id": "2", "headline": "Live updates"}), "new"),
        ("no words", json!({"id": "3", "headline": "🎉🎉"}), "new"),
        ("no words again", json!({"id": "4", "headline": "🎉🎉"}), "new"),
        ("an address alone", json!({"id": "5", "url": "https://example.org/5"}), "new"),
        ("another address alone", json!({"id": "6", "url": "https://example.org/6"}), "new"),
        (
            "that address again",
            json!({"id": "7", "url": "http://www.example.org/6/"}),
            "copy of 6: same_article, same url",
        ),
        ("a site's address", json!({"id": "8", "headline": "Ports closed", "url": "https://example.net/"}), "new"),
        ("a site's address again", json!({"id": "9", "headline": "Bank fined", "url": "https://example.net/"}), "new"),
        ("a short headline", json!({"id": "10", "headline": "Storm closes ports"}), "new"),
        ("the same", json!({"id": "11", "headline": "Storm closes ports"}), "copy of 10: syndicated, same text"),
        ("one word differs", json!({"id": "12", "headline": "Strike closes ports"}), "new"),
        ("a canary", json!({"id": "c1", "headline": "All is well here", "origin": {"kind": "canary"}}), "new"),
        ("the next", json!({"id": "c2", "headline": "All is well here", "origin": {"kind": "canary"}}), "new"),
        ("chinese", json!({"id": "13", "headline": "习近平结束对莫斯科的国事访问"}), "new"),
        (
            "longer",
            json!({"id": "14", "headline": "习近平结束对莫斯科的国事访问回国"}),
            "copy of 13: syndicated, alike",
        ),
        ("other chinese", json!({"id": "15", "headline": "日本首相突访乌克兰首都基辅"}), "new"),
    ] {
        assert_eq!(told(&mut stage, &value), expected, "{case}");
    }
}

/// An address is an article, but entries of one feed may be different posts of one page.
#[test]
fn addresses() {
    let item = |id: &str, feed: Option<&str>, headline: &str, summary: &str| {
        let mut item = json!({"id": id, "url": "https://example.org/live?utm_source=x", "headline": headline,
            "summary": summary});
        if let Some(feed) = feed {
            item["origin"] = json!({"kind": "feed", "feed": {"id": feed, "url": "https://example.org/f"}});
        }
        item
    };
    let other = "The finance minister will present the budget on Thursday after a week of talks with the opposition.";
    for (feed, headline, summary, expected) in [
        (Some("world"), "Budget due on Thursday", other, "new"),
        (Some("world"), "Storm closes all northern ports", other, "copy of a: same_article, same url"),
        (Some("world"), "Storm closes all northern ports", &STORM.replace("140", "165"), "update a"),
        (Some("top"), "Storm closes all northern ports", other, "copy of a: same_article, same url"),
        (Some("top"), "Storm closes all northern ports", &STORM.replace("140", "165"), "update a"),
        (None, "Gale batters the north", &format!("{STORM} More soon."), "copy of a: same_article, same url"),
        // posts of a page that goes on
        (Some("top"), "Budget due on Thursday", other, "new"),
        (None, "Budget due on Thursday", other, "new"),
        (None, "Live", "", "copy of a: same_article, same url"),
    ] {
        let mut stage = dedup();
        assert_eq!(told(&mut stage, &item("a", Some("world"), "Storm closes all northern ports", STORM)), "new");
        assert_eq!(told(&mut stage, &item("b", feed, headline, summary)), expected, "{feed:?} {headline}");
    }
}

/// One life of a cluster: `a` is news, `b` a copy of it, `s` a search engine's extract, `u` another story.
#[test]
fn revisions_and_withdrawals() {
    let story = |id: &str, no: u32, text: &str| json!({"id": id, "revision": {"no": no}, "summary": text});
    let withdrawn = |id: &str, no: u32| json!({"id": id, "revision": {"no": no}, "status": "withdrawn"});
    let extract = |text: &str| json!({"id": "s", "origin": {"kind": "search"}, "body": text});
    let corrected = STORM.replace("Schools", "All schools");
    let budget = "The finance minister will present the budget on Thursday after a week of talks.";
    let mut stage = dedup();
    for (case, value, expected) in [
        ("news", story("a", 1, STORM), "new"),
        ("delivered again", story("a", 1, STORM), "nothing"),
        ("a copy", story("b", 1, STORM), "copy of a: syndicated, same text"),
        ("revised", story("a", 2, &corrected), "update a"),
        ("the first revision once more", story("a", 1, STORM), "nothing"),
        ("the copy revised likewise", story("b", 2, &corrected), "copy of a: syndicated, same text"),
        ("an extract", extract(STORM), "copy of a: syndicated, alike"),
        ("another extract of the same page", extract(budget), "nothing"),
        ("a copy withdrawn", withdrawn("s", 2), "copy of a: syndicated, alike"),
        ("the original withdrawn", withdrawn("a", 3), "update a"),
        ("and again", withdrawn("a", 4), "nothing"),
        ("the next copy, of the oldest that is left", story("c", 1, STORM), "copy of b: syndicated, alike"),
        ("the promoted copy revised: it is the story now", story("b", 3, budget), "update a"),
        ("a copy of that text", story("d", 1, budget), "copy of b: syndicated, same text"),
        ("a copy revised beyond resemblance stays in its cluster", story("c", 2, "Nine fish were found"), "update a"),
        ("all withdrawn", withdrawn("b", 4), "update a"),
        ("all withdrawn", withdrawn("c", 3), "update a"),
        ("all withdrawn", withdrawn("d", 2), "update a"),
        ("a text of which nothing is left", story("e", 1, budget), "new"),
        ("the original is back", story("a", 5, STORM), "update a"),
        ("and has copies again", story("f", 1, STORM), "copy of a: syndicated, same text"),
    ] {
        let value = expected_relation(value);
        assert_eq!(told(&mut stage, &value), expected, "{case}");
    }
}

/// Credits an agency, so that alike is syndicated whatever the share of the text.
fn expected_relation(mut value: Value) -> Value {
    value["agency"] = json!("AP");
    value
}

/// A withdrawal says who represents the story from now on.
#[test]
fn a_withdrawn_original_names_its_successor() {
    let story = |id: &str, text: &str| json!({"id": id, "summary": text, "publisher": {"name": format!("p {id}")}});
    let withdraw = |stage: &mut Dedup, id: &str| {
        let (at, event) = raw(&json!({"id": id, "revision": {"no": 2}, "status": "withdrawn"}));
        let step = stage.step(at, &event).map_err(|reject| reject.code).unwrap().step;
        match &step.out[0].outcome {
            Outcome::Unique(unique) => unique.cluster.promoted.clone().map(|of| (of.id.to_string(), of.publisher)),
            Outcome::Duplicate(copy) => panic!("a copy of {}", copy.of.id),
        }
    };
    let mut stage = dedup();
    for id in ["a", "b", "c"] {
        told(&mut stage, &story(id, STORM));
    }
    let (id, publisher) = withdraw(&mut stage, "a").unwrap();
    assert_eq!((id.as_str(), publisher.unwrap().name.as_deref()), ("b", Some("p b")));
    assert_eq!(withdraw(&mut stage, "b").unwrap().0, "c");
    assert_eq!(withdraw(&mut stage, "c"), None, "nobody is left");
}

/// When the window is full, the oldest leave it early, then the memory.
#[test]
fn a_full_memory_lets_the_oldest_go() {
    let config = Config { window_items: 50, memory_items: 80, ..Config::default() };
    let mut stage = Dedup::new(&config);
    let mut crowded_out = 0;
    for n in 0..200 {
        let headline = format!("report {n} of {} and {}", n * 7, n * 13);
        let (at, event) = raw(&json!({"id": n, "headline": headline, "first_seen_at": at(1)}));
        let step = stage.step(at, &event).map_err(|reject| reject.code).unwrap().step;
        crowded_out += step.out[0].fill.crowded_out;
        assert!(stage.memory.in_window() <= 50 && stage.memory.remembered() <= 80, "{n}");
    }
    assert_eq!((stage.memory.in_window(), stage.memory.remembered()), (50, 80));
    assert_eq!(crowded_out, 150 + 120);
}

/// State of an older algorithm keeps its clusters: sketches are made anew from its words, and a replay of
/// `news.raw.v1` reads the texts anew without publishing anything again.
#[test]
fn an_upgrade_keeps_published_clusters() {
    let story = |id: &str| json!({"id": id, "summary": STORM, "first_seen_at": at(0)});
    let mut old = dedup();
    let mut log = Vec::new();
    for id in ["a", "b"] {
        let (at, event) = raw(&story(id));
        log.extend(old.step(at, &event).map_err(|reject| reject.code).unwrap().step.changes);
    }
    let mut upgraded = dedup();
    for change in &log {
        let Change::Remember(id, entry) = change else { panic!("nothing is forgotten") };
        let mut entry = Entry::clone(entry);
        let print = entry.fingerprint.as_mut().unwrap();
        (print.algorithm, print.bits, print.lead, print.whole) = (0, 7, Default::default(), Default::default());
        upgraded.apply(&Change::Remember(id.clone(), Arc::new(entry)));
    }
    for id in ["a", "b"] {
        let (at, event) = raw(&story(id));
        let step = upgraded.step(at, &event).map_err(|reject| reject.code).unwrap().step;
        assert_eq!((step.out.len(), step.changes.len()), (0, 1), "{id} is read anew, once");
        assert_eq!(told(&mut upgraded, &story(id)), "nothing");
    }
    assert_eq!(told(&mut upgraded, &story("c")), "copy of a: syndicated, same text");
}

/// An explanation names what was compared, and why one of them won.
#[test]
fn verdicts_are_explained() {
    let mut stage = dedup().explaining();
    told(&mut stage, &json!({"id": "a", "summary": STORM, "publisher": {"name": "Star"}}));
    let (at, event) = raw(&json!({"id": "b", "summary": STORM.replace("Schools", "All schools")}));
    let record = &stage.step(at, &event).map_err(|reject| reject.code).unwrap().out[0];
    let value: Value = serde_json::from_slice(record.value.as_deref().unwrap()).unwrap();
    let compared = &value["explanation"]["compared"][0];
    assert_eq!(
        (&compared["id"], &compared["publisher"], &compared["basis"]),
        (&json!("a"), &json!("Star"), &json!("resemblance"))
    );
    assert!(compared["features"]["lead"].as_f64().unwrap() > 0.8 && value["item"]["id"] == "b", "{value}");
}

/// Stories in copies, revisions, withdrawals and repeats, over nine days: everything that changes state.
fn days() -> Vec<(Timestamp, Event<Dedup>)> {
    let words = ["port", "storm", "bank", "vote", "rail", "fish", "snow", "court", "fire", "bridge", "school", "oil"];
    (0..130u64)
        .map(|n| {
            let dice = crate::sketch::mix(n + 1);
            let (story, hours) = (n / 7, (n as i64) * 2 - (dice % 5) as i64);
            let text: Vec<_> = (0..30u64)
                .map(|place| format!("{}{}", words[crate::sketch::mix(story * 31 + place) as usize % 12], place % 4))
                .collect();
            let mut value = json!({
                "id": format!("{}", if dice.is_multiple_of(4) { n / 3 } else { n }),
                "revision": {"no": dice % 3 + 1},
                "summary": text.join(" ") + ["", " more", " later 5", " later 6"][dice as usize / 16 % 4],
                "publisher": {"name": format!("p{}", dice % 3)},
                "url": format!("https://example.org/{}", dice / 64 % 40),
                "first_seen_at": at(if n == 60 { 20_000 } else { hours }),
            });
            if (dice / 1024).is_multiple_of(8) {
                value["status"] = json!("withdrawn");
            }
            raw(&value)
        })
        .collect()
}

#[test]
fn laws_hold() {
    let (window, memory) = (Duration::from_secs(24 * 3600), Duration::from_secs(72 * 3600));
    let config = Config { window, memory, ..Config::default() };
    laws::hold(|| Dedup::new(&config), days);
    // and the events reach what they are for
    let mut stage = Dedup::new(&config);
    let (mut verdicts, mut forgotten, mut faded) = ([0; 4], 0, 0);
    for (at, event) in days() {
        let step = stage.step(at, &event).map_err(|reject| reject.code).unwrap().step;
        verdicts[match step.out.first().map(|decision| &decision.outcome) {
            None => 0,
            Some(Outcome::Duplicate(_)) => 1,
            Some(Outcome::Unique(unique)) if unique.cluster.verdict == Verdict::New => 2,
            Some(Outcome::Unique(_)) => 3,
        }] += 1;
        forgotten += step.changes.iter().filter(|change| matches!(change, Change::Forget(_))).count();
        faded += step.changes.len().saturating_sub(1);
    }
    assert!(
        verdicts.iter().all(|count| *count >= 4) && forgotten > 20 && faded > 40,
        "{verdicts:?} {forgotten} {faded}"
    );
}

/// The sample input: one news event told by seven publishers, each in its own words.
#[test]
fn the_seeds_are_seven_stories() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/seeds.txt");
    let Ok(text) = fs::read_to_string(&path) else {
        return println!("skipped: {} is absent", path.display());
    };
    let lines: Vec<_> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let mut stage = dedup();
    let told: Vec<_> = lines
        .chunks(2)
        .enumerate()
        .map(|(n, pair)| told(&mut stage, &json!({"id": n, "summary": pair[0], "body": pair[1]})))
        .collect();
    assert_eq!(told, ["new"; 7]);
}
