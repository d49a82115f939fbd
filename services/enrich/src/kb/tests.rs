//! The shipped rows, the file, and a made-up dump.

use super::{
    layer::WRITTEN,
    wikidata::{Built, Options, build},
    write::Writer,
    *,
};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

fn rows() -> impl Iterator<Item = (&'static str, Vec<&'static str>)> {
    let lines = shipped::FILES.into_iter().flat_map(|(file, source)| source.lines().map(move |line| (file, line)));
    lines.filter(|(_, row)| !row.starts_with('#')).map(|(file, row)| (file, row.split('\t').collect()))
}

#[test]
fn ids_and_listed_aliases_are_not_shared() {
    let (mut ids, mut aliases) = (BTreeMap::new(), BTreeMap::new());
    for (file, columns) in rows() {
        assert!(columns[0].is_empty() || ids.insert(columns[0], columns[2]).is_none(), "{columns:?}");
        let names = std::iter::once(columns[2]).chain(columns[3].split('|')).filter(|alias| !alias.is_empty());
        // a region may share its name with a country or a city: what follows or goes before tells which is meant
        for alias in names.filter(|_| !matches!(file, "cities.tsv" | "regions.tsv")) {
            assert_eq!(aliases.insert(alias, columns[2]), None, "{alias}");
        }
    }
    assert!(ids.len() > 6000, "{} entries", ids.len());
}

#[test]
fn ids_have_their_form_and_countries_are_entries() {
    let countries: Vec<&str> = rows().filter(|(file, _)| *file != "cities.tsv").map(|(_, row)| row[0]).collect();
    let regions: Vec<&str> = rows().filter(|(file, _)| *file == "regions.tsv").map(|(_, row)| row[4]).collect();
    for (file, row) in rows() {
        let digits = if file == "cities.tsv" { row[0] } else { row[0].strip_prefix('Q').unwrap_or("1") };
        assert!(digits.parse::<u32>().is_ok_and(|number| number > 0), "{row:?}");
        let area = row.get(4).copied().filter(|area| !area.is_empty());
        let (country, region) = area.map_or((None, None), |area| match area.split_once('/') {
            Some((country, _)) => (Some(country), Some(area)),
            None => (Some(area), None),
        });
        assert!(country.is_none_or(|country| countries.contains(&country)), "{row:?}");
        assert!(region.is_none_or(|region| regions.contains(&region)), "{row:?}");
    }
}

/// `family:source` for each id, as `tools/ids` found them.
fn witnesses() -> BTreeMap<&'static str, (&'static str, BTreeSet<&'static str>)> {
    let lines = include_str!("../../kb/witnesses.tsv").lines().filter(|line| !line.starts_with('#'));
    let rows = lines.map(|line| line.split('\t').collect::<Vec<_>>());
    let families = |who: &'static str| who.split(' ').filter_map(|witness| witness.split_once(':')).map(|(of, _)| of);
    rows.map(|row| (row[0], (row[1], families(row[2]).collect()))).collect()
}

#[test]
fn two_witnesses_agree_on_each_wikidata_id() {
    let witnesses = witnesses();
    let of_wikidata = rows().map(|(_, row)| row).filter(|row| row[0].starts_with('Q'));
    for row in of_wikidata {
        let (name, families) = witnesses.get(row[0]).unwrap_or_else(|| panic!("{row:?} has none"));
        assert_eq!(*name, row[2]);
        assert!(families.len() >= 2, "{row:?}: {families:?} alone; `tools/ids` takes such an id away");
    }
}

#[test]
fn a_bad_row_is_told() {
    for (row, want) in [
        ("Q1\tplace\tA", "a row has four columns or more"),
        ("Q1\tcity\tA\t", "kind \"city\"; person, organisation, place or group"),
        ("1\tplace\tA\t\t\tmany", "people \"many\"; a number"),
    ] {
        assert_eq!(shipped::add(&mut Writer::new(), "x.tsv", row).unwrap_err(), want);
    }
}

#[test]
fn a_spelling_of_no_entry_is_told() {
    let places = [("places.tsv", "Q1\tplace\tA\t")];
    assert!(shipped::read(&places, &["A\tB"]).is_ok());
    let want = "kb/exonyms.tsv or kb/spellings.tsv: \"C\" is no entry's name";
    assert_eq!(shipped::read(&places, &["A\tB", "C\tD"]).unwrap_err(), want);
}

#[test]
fn what_is_an_area_alone_is_no_entry() {
    let kb = Kb::load(None).unwrap();
    assert_eq!(kb.longest(&tokens("Victoria"), 0, None), None);
    assert!(kb.meanings(&tokens("Victoria")).is_empty());
    assert!(regions().any(|region| region.names == ["Victoria", "Vic"] && region.area == "Q408/Victoria"));
}

fn names(kb: &Kb, found: &[Number]) -> Vec<String> {
    found.iter().map(|number| kb.entry(*number).name.to_owned()).collect()
}

#[test]
fn the_longest_listed_name_is_found_and_no_other() {
    let kb = Kb::load(None).unwrap();
    for (text, want) in [
        ("North Korea’s envoy", Some((2, "North Korea"))),
        ("U.S. envoy", Some((1, "United States"))),
        ("GAZA CITY", Some((2, "Gaza City"))),
        ("Xi Jinping", Some((2, "Xi Jinping"))),
        ("习近平在", Some((3, "Xi Jinping"))),
        // a city of GeoNames: not listed
        ("Ajman said", None),
        ("it is us", None),
    ] {
        let tokens = tokens(text);
        let found = kb.longest(&tokens, 0, Some("en")).map(|(len, found)| (len, names(&kb, &found)[0].clone()));
        assert_eq!(found, want.map(|(len, name)| (len, name.to_owned())), "{text}");
    }
}

#[test]
fn a_name_is_not_found_in_a_longer_one_of_a_script_without_spaces() {
    let kb = Kb::load(None).unwrap();
    for (text, at, want) in [
        ("马里政府", 0, Some("Mali")),
        ("马里乌波尔", 0, Some("Mariupol")),
        ("马里奥说", 0, None),
        ("阿曼外长", 0, Some("Oman")),
        ("阿曼达说", 0, None),
        ("阿曼达成协议", 0, Some("Oman")),
        ("罗马里奥说", 0, None),
        ("沿海地区", 1, None),
        ("チリの首都", 0, Some("Chile")),
        ("チリ・ペルー", 2, None),
        ("チリ・ペルー", 3, Some("Peru")),
        ("チリソース", 0, None),
        ("マチリ", 1, None),
    ] {
        let found = kb.longest(&tokens(text), at, Some("zh"));
        assert_eq!(found.map(|(_, found)| kb.entry(found[0]).name), want, "{text}");
    }
}

#[test]
fn spellings_that_no_row_has_are_found_by_their_variant() {
    let kb = Kb::load(None).unwrap();
    assert_eq!(names(&kb, &kb.variants("Volodimir Zelenskij")), ["Volodymyr Zelenskyy"]);
    assert!(kb.variants("Wladimir Pudding").is_empty() && kb.variants("Steyn").is_empty());
    assert_eq!(names(&kb, &kb.meanings(&tokens("AJMAN"))), ["Ajman"]);
    let council = kb.by_local_id("un security council").unwrap();
    assert_eq!(kb.entry(council).name, "UN Security Council");
    assert_eq!(kb.by_local_id("un security"), None);
}

#[test]
fn nationalities_and_cities_know_their_country() {
    let kb = Kb::load(None).unwrap();
    for (name, country) in [("Chinese", "Q148"), ("Ajman", "Q878"), ("Ukraine", "Q212")] {
        let found = kb.meanings(&tokens(name));
        assert_eq!(kb.entry(found[0]).country(), Some(country), "{name}");
    }
}

fn item(id: &str, [labels, aliases, claims]: [Value; 3], sitelinks: usize) -> String {
    let links: serde_json::Map<String, Value> = (0..sitelinks).map(|n| (format!("w{n}wiki"), json!({}))).collect();
    let links = if sitelinks == 0 { json!([]) } else { Value::Object(links) };
    json!({"type": "item", "id": id, "labels": labels, "descriptions": [], "aliases": aliases, "claims": claims,
        "sitelinks": links})
    .to_string()
}

fn claim(ids: &[(&str, &str)]) -> Value {
    let of = |(id, rank): &(&str, &str)| {
        json!({"mainsnak": {"snaktype": "value", "datavalue": {"value": {"id": id},
        "type": "wikibase-entityid"}}, "rank": rank})
    };
    ids.iter().map(of).collect()
}

/// Made up: two persons of one name, a town, a company, and what must not get in.
fn dump() -> String {
    let en = |name: &str| json!({"en": {"language": "en", "value": name}});
    let human = claim(&[("Q5", "normal")]);
    let items = [
        item(
            "Q900001",
            [
                en("Mira Kell"),
                json!({"en": [{"language": "en", "value": "Mira J. Kell"}]}),
                json!({"P31": human, "P27": claim(&[("Q900009", "deprecated"), ("Q900003", "normal")])}),
            ],
            40,
        ),
        item("Q900002", [en("Mira Kell"), json!([]), json!({"P31": human})], 9),
        item(
            "Q900003",
            [
                json!({"mul": {"value": "Noravia"}}),
                json!([]),
                json!({"P31": claim(&[("Q6256", "preferred")]), "P625": []}),
            ],
            120,
        ),
        item(
            "Q900004",
            [
                en("Brennick Fuels"),
                json!({"fr": [{"value": "Carburants Brennick"}]}),
                json!({"P452": [], "P625": [], "P31": [{"mainsnak": {"snaktype": "novalue"}}]}),
            ],
            12,
        ),
        item("Q900005", [en("Oleksa Zoryansky"), json!([]), json!({"P31": human})], 30),
        item("Q900006", [en("a thought"), json!([]), json!([])], 300),
        item("Q900007", [en("Little Known"), json!([]), json!({"P31": human})], 2),
        item("Q900008", [json!([]), json!([]), json!({"P31": human})], 50),
        item("Q900011", [en("Green Party of Noravia"), json!([]), json!({"P1142": []})], 30),
        item("Q900012", [en("Battle of Brennick"), json!([]), json!({"P625": [], "P585": []})], 30),
        item("Q900010", [en("UN Security Council"), json!([]), json!({"P159": []})], 150),
    ];
    format!("[\n{},\nnot an item,\n\n]\n", items.join(",\n"))
}

fn built() -> (Vec<u8>, Built) {
    let mut file = Vec::new();
    let options = Options { min_sitelinks: 5, languages: vec!["en".to_owned()] };
    let built = build(dump().as_bytes(), &mut file, "made-up", &options).unwrap();
    (file, built)
}

/// The shipped knowledge base with the made-up one above it.
fn kb() -> Kb {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), built().0).unwrap();
    Kb::load(Some(file.path())).unwrap()
}

#[test]
fn a_dump_becomes_a_knowledge_base() {
    let (file, told) = built();
    assert_eq!(told, Built { kept: 7, passed_over: 4, unreadable: 1 });
    assert_eq!(file, built().0, "the same dump gives the same file");
    let layer = Layer::read(&file).unwrap();
    let entry = |name: &str| layer.find(WRITTEN, name).first().map(|number| layer.entry(*number));
    let told = |name: &str| entry(name).map(|entry| (entry.id, entry.kind, entry.country()));
    assert_eq!(told("Mira J Kell"), Some(("Q900001", EntityType::Person, Some("Q900003"))));
    assert_eq!(told("Noravia"), Some(("Q900003", EntityType::Place, Some("Q900003"))));
    assert_eq!(told("Brennick Fuels"), Some(("Q900004", EntityType::Organisation, None)));
    assert_eq!(told("Carburants Brennick"), None);
    assert_eq!(told("Green Party of Noravia"), Some(("Q900011", EntityType::Organisation, None)));
    assert_eq!(told("Battle of Brennick"), None);
    let same: Vec<&str> = layer.find(WRITTEN, "Mira Kell").iter().map(|number| layer.entry(*number).id).collect();
    assert_eq!(same, ["Q900001", "Q900002"], "the better known first");
}

#[test]
fn the_users_layer_lies_above_the_shipped_one() {
    let kb = kb();
    assert_eq!(kb.name(), "tidings-kb-5+made-up");
    assert_eq!(kb.entry(kb.variants("Oleksa Zorianskyy")[0]).id, "Q900005");
    // the shipped entry has no certain id and takes that of the dump
    let (_, found) = kb.longest(&tokens("UN Security Council"), 0, None).unwrap();
    assert_eq!(kb.entry(found[0]).id, "Q900010");
    assert_eq!(kb.listed("UN Security Council"), Some(found[0]), "under endings too");
    assert_eq!(kb.longest(&tokens("Mira Kell"), 0, None), None, "not listed");
    assert_eq!(kb.listed("Brennick Fuels"), None);
}

#[test]
fn a_damaged_file_is_told_of_with_its_name_and_the_mend() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let whole = built().0;
    let mut damaged = whole.clone();
    damaged[whole.len() / 2] ^= 1;
    for (bytes, want) in [
        (&b"{}"[..], "no knowledge base"),
        (&whole[..20], "cut"),
        (&whole[..whole.len() - 1], "checksum"),
        (&damaged, "checksum"),
    ] {
        fs::write(file.path(), bytes).unwrap();
        let error = Kb::load(Some(file.path())).unwrap_err().to_string();
        let name = file.path().display().to_string();
        assert!(error.contains(want) && error.contains(&name) && error.contains("tidings kb build"), "{error}");
    }
    let error = Kb::load(Some(Path::new("/nowhere.kb"))).unwrap_err().to_string();
    assert!(error.contains("/nowhere.kb") && error.contains("can't be read"), "{error}");
}
