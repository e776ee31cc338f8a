//! How far a campaign is.

use super::named;
use super::outline::Asked;
use base::{Millis, StartId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use store::Status;
use store::ops::MessageState;

/// How many recipients stand where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// All of them.
    pub recipients: i64,
    /// Taken up, without a first message yet.
    pub waiting: i64,
    /// In the outbox.
    pub queued: i64,
    /// The operator took the first message, delivered or not.
    pub sent: i64,
    /// The phone has it.
    pub delivered: i64,
    /// It will not arrive.
    pub failed: i64,
    /// Nobody knows whether the operator has it.
    pub unknown: i64,
    /// The gate refused it.
    pub refused: i64,
    /// They answered.
    pub responded: i64,
    /// They went through to the end.
    pub completed: i64,
}

/// How far a campaign is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The start.
    pub id: StartId,
    /// The campaign's name.
    pub name: String,
    /// `running`, `paused`, `cancelled` or `done` (everybody has finished); `fanning out` while recipients are still taken up.
    pub state: String,
    /// The audience.
    pub query: String,
    /// When it was started.
    pub started_on: Millis,
    /// Everybody.
    pub all: Tally,
    /// By cadre.
    pub by_cadre: BTreeMap<String, Tally>,
    /// By place.
    pub by_place: BTreeMap<String, Tally>,
    /// Why messages were refused or failed.
    pub reasons: BTreeMap<String, i64>,
    /// The questions that have answers, in the flow's order.
    pub questions: Vec<Question>,
}

/// A question of the flow, and how it was answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// The result's key in the flow.
    pub key: String,
    /// The result's name in the flow.
    pub name: String,
    /// How often each answer was given, the most frequent first.
    pub answers: Vec<(String, i64)>,
}

impl Report {
    /// From the store's rows; `asked` are the questions of the flow in its order.
    pub(super) fn of(status: Status, asked: &[Asked]) -> Self {
        let mut report = Self {
            id: status.start.id,
            name: status.start.name,
            state: match status.start.state.as_str() {
                "running" if status.start.fanned_out_on.is_none() => "fanning out".into(),
                state => state.to_owned(),
            },
            query: status.start.query,
            started_on: status.start.created_on,
            all: Tally::default(),
            by_cadre: BTreeMap::new(),
            by_place: BTreeMap::new(),
            reasons: BTreeMap::new(),
            questions: Vec::new(),
        };
        for row in &status.rows {
            let cadre = report.by_cadre.entry(named(&row.cadre)).or_default();
            cadre.add(row);
            report.by_place.entry(named(&row.place)).or_default().add(row);
            report.all.add(row);
            if matches!(row.state, Some(MessageState::Refused | MessageState::Failed)) {
                *report.reasons.entry(row.detail.clone()).or_default() += row.n;
            }
        }
        for (key, answer, n) in status.answers {
            match report.questions.last_mut() {
                Some(question) if question.key == key => question.answers.push((answer, n)),
                _ => report.questions.push(Question { name: key.clone(), key, answers: vec![(answer, n)] }),
            }
        }
        for question in &mut report.questions {
            if let Some(asked) = asked.iter().find(|asked| asked.key == question.key) {
                question.name.clone_from(&asked.name);
            }
        }
        let place = |key: &str| asked.iter().position(|asked| asked.key == key).unwrap_or(asked.len());
        report.questions.sort_by_key(|question| place(&question.key));
        report
    }
}

impl Tally {
    fn add(&mut self, row: &store::StatusRow) {
        self.recipients += row.n;
        match row.state {
            None | Some(MessageState::Received) => self.waiting += row.n,
            Some(MessageState::Queued | MessageState::Wired) => self.queued += row.n,
            Some(MessageState::Sent) => self.sent += row.n,
            Some(MessageState::Delivered) => {
                self.sent += row.n;
                self.delivered += row.n;
            }
            Some(MessageState::Failed) => self.failed += row.n,
            Some(MessageState::Unknown) => self.unknown += row.n,
            Some(MessageState::Refused) => self.refused += row.n,
        }
        if row.responded {
            self.responded += row.n;
        }
        if row.completed {
            self.completed += row.n;
        }
    }
}
