//! What the operator and its phones counted.

use super::judge::Verdict;
use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A report of the run so far.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Seconds since the operator started.
    pub seconds: f64,
    /// Is nothing on its way: no message of a phone, no receipt?
    pub settled: bool,
    /// Binds that are up now.
    pub binds: usize,
    /// What was counted.
    #[serde(flatten)]
    pub counts: Counts,
    /// Messages of phones that were not acknowledged yet.
    pub answers_pending: u64,
    /// Receipts that were not acknowledged yet.
    pub receipts_pending: u64,
    /// What the judge found.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// The load, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load: Option<LoadReport>,
}

/// What is counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// Successful binds.
    pub binds_total: u64,
    /// Binds refused.
    pub binds_refused: u64,
    /// Connections that ended without unbind.
    pub connections_lost: u64,
    /// submit_sm received, whatever became of them.
    pub submits: u64,
    /// submit_sm taken: segments.
    pub taken: u64,
    /// submit_sm answered with ESME_RTHROTTLED or ESME_RMSGQFUL.
    pub throttled: u64,
    /// submit_sm answered with another error.
    pub refused: u64,
    /// submit_sm taken and never answered, because the configuration says so or the connection was closed.
    pub unanswered: u64,
    /// Whole messages that reached a phone.
    pub received: u64,
    /// Whole messages to phones that are out of reach or do not exist.
    pub undeliverable: u64,
    /// Long messages whose parts did not all come in time.
    pub incomplete: u64,
    /// Phones that got a message.
    pub reached: u64,
    /// Phones that sent a message.
    pub responded: u64,
    /// Messages that phones sent, STOPs included.
    pub answers: u64,
    /// Of these, acknowledged.
    pub answers_acknowledged: u64,
    /// Of these, refused for good.
    pub answers_refused: u64,
    /// STOPs that phones sent.
    pub stops: u64,
    /// deliver_sm sent again because no answer came.
    pub redelivered: u64,
    /// Answers delivered a second time after they were acknowledged.
    pub duplicated: u64,
    /// Receipts made.
    pub receipts: u64,
    /// Of these, acknowledged.
    pub receipts_acknowledged: u64,
    /// Of these, refused for good, or given up because too many waited.
    pub receipts_refused: u64,
    /// Answers to a deliver_sm that came too late or answered nothing.
    pub late_responses: u64,
    /// Malformed PDUs sent.
    pub malformed_sent: u64,
    /// generic_nack received.
    pub nacks: u64,
    /// PDUs received that could not be read or were not expected.
    pub unreadable: u64,
}

/// How the load went.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LoadReport {
    /// Messages that the phones sent.
    pub sent: u64,
    /// Answers that they got: steps.
    pub steps: u64,
    /// Phones that wait for an answer now.
    pub waiting: u64,
    /// Times at which a phone was due to send and none was free, at a fixed rate.
    pub skipped: u64,
    /// Steps a second from the first message to the last answer.
    pub steps_per_second: f64,
    /// From the moment a phone sends to the moment it has its answer, in milliseconds.
    pub latency_ms: Latency,
}

/// A distribution of times, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "percentiles")]
pub struct Latency {
    pub p50: f64,
    pub p90: f64,
    pub p99: f64,
    pub max: f64,
}

/// Gathers the times of a load.
#[derive(Debug)]
pub(super) struct Latencies(Histogram<u64>);

impl Latencies {
    /// Times up to ten minutes, with two significant digits: a fixed amount of memory.
    const LONGEST_MICROS: u64 = 600_000_000;

    pub(super) fn new() -> Self {
        match Histogram::new_with_bounds(1, Self::LONGEST_MICROS, 2) {
            Ok(histogram) => Self(histogram),
            Err(error) => unreachable!("the bounds are constants: {error}"),
        }
    }

    pub(super) fn add(&mut self, time: Duration) {
        self.0.saturating_record(u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
    }

    pub(super) fn clear(&mut self) {
        self.0.reset();
    }

    pub(super) fn summary(&self) -> Latency {
        let at = |quantile| self.0.value_at_quantile(quantile) as f64 / 1_000.0;
        Latency { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: self.0.max() as f64 / 1_000.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_survives_json() {
        let report = Report { seconds: 1.5, load: Some(LoadReport::default()), ..Report::default() };
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(json["reached"], 0);
        assert_eq!(json["doubled"]["count"], 0);
        assert_eq!(serde_json::from_value::<Report>(json).unwrap(), report);
    }

    #[test]
    fn latencies_are_summed_up() {
        let mut latencies = Latencies::new();
        for ms in 1..=100 {
            latencies.add(Duration::from_millis(ms));
        }
        latencies.add(Duration::from_secs(3_600));
        let summary = latencies.summary();
        assert!((49.0..53.0).contains(&summary.p50) && summary.max >= 590_000.0, "{summary:?}");
    }
}
