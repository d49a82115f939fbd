//! What the runner counts, per stage.

use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, Result,
};

/// Metrics of the runner; one for the process, labelled by stage.
#[derive(Debug, Clone)]
pub struct Metrics {
    consumed: IntCounterVec,
    produced: IntCounterVec,
    rejected: IntCounterVec,
    transactions: IntCounterVec,
    commit: HistogramVec,
    freshness: HistogramVec,
    lag: IntGaugeVec,
    tasks: IntGaugeVec,
    standby: IntGaugeVec,
    restore: HistogramVec,
    restored: IntCounterVec,
}

/// The metrics of one stage.
#[derive(Debug, Clone)]
pub(crate) struct Meters {
    pub consumed: IntCounter,
    pub produced: IntCounter,
    pub committed: IntCounter,
    pub aborted: IntCounter,
    pub fenced: IntCounter,
    pub commit: Histogram,
    pub freshness: Histogram,
    pub tasks: IntGauge,
    /// −1 while it is active, or shares partitions out.
    pub standby: IntGauge,
    pub restore: Histogram,
    pub restored: IntCounter,
    rejected: IntCounterVec,
    lag: IntGaugeVec,
    stage: &'static str,
}

impl Metrics {
    /// Registers them.
    pub fn new(registry: &Registry) -> Result<Self> {
        let counter = |name: &str, help: &str, labels: &[&str]| -> Result<IntCounterVec> {
            let counter = IntCounterVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(counter.clone()))?;
            Ok(counter)
        };
        let gauge = |name: &str, help: &str, labels: &[&str]| -> Result<IntGaugeVec> {
            let gauge = IntGaugeVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok(gauge)
        };
        let histogram = |name: &str, help: &str, buckets: &[f64]| -> Result<HistogramVec> {
            let histogram = HistogramVec::new(HistogramOpts::new(name, help).buckets(buckets.to_vec()), &["stage"])?;
            registry.register(Box::new(histogram.clone()))?;
            Ok(histogram)
        };
        let short = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
        let long = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 7200.0];
        Ok(Self {
            consumed: counter("tidings_stream_records_consumed_total", "Records read and committed.", &["stage"])?,
            produced: counter("tidings_stream_records_produced_total", "Records published and committed.", &["stage"])?,
            rejected: counter("tidings_stream_records_rejected_total", "Dead letters, by reason.", &["stage", "code"])?,
            transactions: counter(
                "tidings_stream_transactions_total",
                "Transactions, by result.",
                &["stage", "result"],
            )?,
            commit: histogram("tidings_stream_commit_seconds", "From the first send to the commit.", &short)?,
            freshness: histogram("tidings_stream_freshness_seconds", "From first sight to the stage's commit.", &long)?,
            lag: gauge("tidings_stream_lag_records", "Records not yet read.", &["stage", "topic", "partition"])?,
            tasks: gauge("tidings_stream_tasks", "Partitions that this instance works on.", &["stage"])?,
            standby: gauge(
                "tidings_stream_standby_lag_records",
                "Changes that a standby has not yet read; -1 where this instance does not stand by.",
                &["stage"],
            )?,
            restore: histogram("tidings_stream_restore_seconds", "From assignment to the first record.", &long)?,
            restored: counter("tidings_stream_restored_changes_total", "Changes read back at starts.", &["stage"])?,
        })
    }

    /// The metrics of one stage, each there from the start.
    pub(crate) fn stage(&self, stage: &'static str) -> Meters {
        let result = |result: &str| self.transactions.with_label_values(&[stage, result]);
        self.rejected.with_label_values(&[stage, "json"]);
        self.standby.with_label_values(&[stage]).set(-1);
        Meters {
            consumed: self.consumed.with_label_values(&[stage]),
            produced: self.produced.with_label_values(&[stage]),
            committed: result("committed"),
            aborted: result("aborted"),
            fenced: result("fenced"),
            commit: self.commit.with_label_values(&[stage]),
            freshness: self.freshness.with_label_values(&[stage]),
            tasks: self.tasks.with_label_values(&[stage]),
            standby: self.standby.with_label_values(&[stage]),
            restore: self.restore.with_label_values(&[stage]),
            restored: self.restored.with_label_values(&[stage]),
            rejected: self.rejected.clone(),
            lag: self.lag.clone(),
            stage,
        }
    }
}

impl Meters {
    pub(crate) fn rejected(&self, code: &str, count: u64) {
        self.rejected.with_label_values(&[self.stage, code]).inc_by(count);
    }

    pub(crate) fn lag(&self, topic: &str, partition: i32, records: i64) {
        self.lag.with_label_values(&[self.stage, topic, &partition.to_string()]).set(records);
    }

    /// A partition is no longer this instance's: its lag is another's to tell.
    pub(crate) fn forget_lag(&self, topic: &str, partition: i32) {
        // an error says that it was never told
        let _ = self.lag.remove_label_values(&[self.stage, topic, &partition.to_string()]);
    }
}
