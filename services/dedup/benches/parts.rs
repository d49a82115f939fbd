//! The parts of a decision, one by one, at a window of 20,000 items: `cargo bench -p tidings-dedup`.

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use std::hint::black_box;
use tidings_dedup::{Change, Config, Dedup, RawItem};
use tidings_model::{Record, topic};
use tidings_stage::{Change as _, Event, Input, Output as _, Stage};

fn item(id: u64, words: u64, salt: u64) -> RawItem {
    let word = |n: u64| format!("word{}", (id * 31 + n * n + salt) % (37 + n * 400));
    let text = (0..words).map(word).collect::<Vec<_>>().join(" ");
    let json = format!(
        r#"{{"id":"{id}","headline":"Ports closed by storm number {id}","summary":"{text}.","first_seen_at":"2026-11-24T12:00:00Z"}}"#
    );
    RawItem::decode(&topic::RAW, b"", Some(json.as_bytes())).expect("an item")
}

fn parts(criterion: &mut Criterion) {
    let mut stage = Dedup::new(&Config::default());
    let mut log: Vec<Record> = Vec::new();
    for id in 0..20_000 {
        let item = item(id, 35, 0);
        let prepared = stage.step(item.seen().unwrap_or_default(), &Event::Record(item)).expect("accepted");
        log.extend(prepared.changes);
    }
    let decide = |item: &RawItem| {
        let event = Event::Record(item.clone());
        stage.decide(item.seen().unwrap_or_default(), &event).expect("accepted")
    };
    for (name, item) in [
        ("decide: a new snippet", item(30_000, 35, 7)),
        ("decide: a new long text", item(30_001, 300, 7)),
        ("decide: a copy", RawItem::decode(&topic::RAW, b"", Some(copy(150).as_bytes())).expect("an item")),
    ] {
        criterion.bench_function(name, |bench| bench.iter(|| decide(black_box(&item))));
    }
    let step = decide(&item(30_002, 35, 9));
    criterion.bench_function("records: news with its headers", |bench| bench.iter(|| step.out[0].record()));
    criterion.bench_function("state: write an entry", |bench| bench.iter(|| step.changes[0].encode()));
    let record = &log[100];
    criterion.bench_function("state: read an entry", |bench| {
        bench.iter(|| Change::decode(&record.key, black_box(record.value.as_deref())));
    });
    criterion.bench_function("state: apply 1000 entries", |bench| {
        let read = |record: &Record| Change::decode(&record.key, record.value.as_deref()).expect("an entry");
        let changes: Vec<Change> = log.iter().take(1000).map(read).collect();
        bench.iter_batched_ref(
            || Dedup::new(&Config::default()),
            |stage| changes.iter().for_each(|change| stage.apply(change)),
            BatchSize::LargeInput,
        );
    });
}

/// A copy of item 150, as another publisher brings it.
fn copy(id: u64) -> String {
    let original = item(id, 35, 0);
    let headline = original.0.headline.as_deref().unwrap_or_default();
    let summary = original.0.summary.as_deref().unwrap_or_default();
    format!(r#"{{"id":"c","headline":"{headline} | BBC News","summary":"LONDON (AP) - {summary} Read more"}}"#)
}

criterion_group!(benches, parts);
criterion_main!(benches);
