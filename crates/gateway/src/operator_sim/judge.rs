//! What the phones saw, judged.
//!
//! Flows under test print a token in each message, such as `[k7 s3]`: campaign 7, step 3. From these alone the phones
//! can tell what a product did wrong, whatever it says about itself:
//!
//! - *doubled*: one token twice at one phone;
//! - *out of order*: the step number falls;
//! - *lost*: an answer that the product acknowledged has no successor, a message of its campaign with a higher step;
//! - *after stop*: anything but the confirmation, after STOP was acknowledged.
//!
//! The judge is pure: instants are arguments, as the time since the operator's start.

use super::config::{self, ConfigError};
use regex::Regex;
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

/// A connection that ended without unbind so soon after a message came over it may have taken the answer along: a
/// second copy of that message is then a message sent again because its fate was unknown.
const FATE_UNKNOWN: Duration = Duration::from_secs(30);

/// How many steps of one campaign, and how many open answers, are remembered per phone.
const STEPS_KEPT: usize = 4_096;
const OPEN_KEPT: usize = 256;

/// The campaign name under which a doubled confirmation of STOP is reported.
const STOP: &str = "STOP";

/// One fault, at one phone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// The phone, as `+231...`.
    pub phone: String,
    /// The campaign of the token; empty for a message without one.
    pub campaign: String,
    /// The step of the token.
    pub step: u32,
    /// When it happened, in milliseconds since the operator's start; of a lost answer, when it was sent.
    pub at_ms: u64,
    /// Of a doubled message: the connection of the first copy was lost before or just after its answer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fate_unknown: bool,
}

/// Faults of one kind: how many, and the first of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Faults {
    /// How many there are.
    pub count: u64,
    /// The first, up to `judge.list_limit`.
    pub list: Vec<Fault>,
}

impl Faults {
    fn add(&mut self, limit: usize, fault: Fault) {
        self.count += 1;
        if self.list.len() < limit {
            self.list.push(fault);
        }
    }
}

/// What the judge has found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// One token twice at one phone; or a step that came before the phone had sent its answer to the one before, for
    /// which an older answer must have been taken twice. Flows under test send one message an answer.
    pub doubled: Faults,
    /// Of these, steps that came before their answer was sent.
    pub unasked: u64,
    /// Of these, how many are explained by a connection lost at the first copy.
    pub doubled_fate_unknown: u64,
    /// A step lower than one that came before.
    pub out_of_order: Faults,
    /// Acknowledged answers without a successor. Only meaningful when the run has settled.
    pub lost: Faults,
    /// Messages after an acknowledged STOP.
    pub after_stop: Faults,
    /// Phones that saw the last message of a flow.
    pub completed: u64,
    /// STOPs that were acknowledged, and that were confirmed.
    pub stops_acknowledged: u64,
    /// STOPs whose confirmation reached the phone.
    pub stops_confirmed: u64,
    /// Answers and steps that were forgotten because a phone had too many: not judged.
    pub unjudged: u64,
}

/// What passed at one phone, whatever the judge makes of it: for whoever compares it with a product's own record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// The phone, as `+231...`.
    pub phone: String,
    /// Every message that reached it, each copy, in order.
    pub texts: Vec<String>,
    /// How many messages it sent, STOP included.
    pub answers: u64,
    /// Of these, acknowledged.
    pub acknowledged: u64,
    /// Its STOP was acknowledged.
    pub stopped: bool,
}

/// What a phone needs to know about a message that it got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// Its token, if it has one.
    pub token: Option<Token>,
    /// The phone has seen this token before.
    pub repeated: bool,
    /// It is the last message of a flow: no answer to it needs a successor.
    pub last: bool,
}

/// A campaign (the judge's number for it) and a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    campaign: u32,
    step: u32,
}

/// The judge.
#[derive(Debug)]
pub struct Judge {
    token: Regex,
    last: Regex,
    confirmation: Regex,
    list_limit: usize,
    keeps_history: bool,
    campaigns: Vec<Arc<str>>,
    campaign_ids: HashMap<Arc<str>, u32>,
    phones: HashMap<u64, Seen>,
    /// When a connection ended without unbind.
    lost_carriers: HashMap<u32, Duration>,
    verdict: Verdict,
    /// The carrier and instant of the first copy, for each listed doubled message.
    doubled_first: Vec<(u32, Duration)>,
}

#[derive(Debug, Default)]
struct Seen {
    campaigns: Vec<Campaign>,
    open: Vec<Open>,
    stop: Stop,
    completed: bool,
    texts: Vec<String>,
    /// Messages sent, and the numbers of those that were acknowledged.
    answers: u64,
    acknowledged: HashSet<u64>,
}

#[derive(Debug)]
struct Campaign {
    id: u32,
    highest: u32,
    steps: Vec<Step>,
}

#[derive(Clone, Copy, Debug)]
struct Step {
    number: u32,
    carrier: u32,
    at: Duration,
}

/// An answer that waits for its successor.
#[derive(Debug)]
struct Open {
    answer: u64,
    to: Option<Token>,
    at: Duration,
    acknowledged: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stop {
    #[default]
    No,
    /// Sent as this answer.
    Sent(u64),
    Acknowledged,
}

impl Judge {
    /// A judge for the patterns of `config`.
    pub fn new(config: &config::Judge) -> Result<Self, ConfigError> {
        let regex = |key: &str, text: &str| {
            Regex::new(text)
                .map_err(|error| ConfigError::Value { key: format!("judge.{key}"), reason: error.to_string() })
        };
        let token = regex("token", &config.token)?;
        for group in ["campaign", "step"] {
            if !token.capture_names().flatten().any(|name| name == group) {
                return Err(ConfigError::Value {
                    key: "judge.token".to_owned(),
                    reason: format!("has no group (?<{group}>...)"),
                });
            }
        }
        Ok(Self {
            token,
            last: regex("last", &config.last)?,
            confirmation: regex("confirmation", &config.confirmation)?,
            list_limit: config.list_limit,
            keeps_history: config.history,
            campaigns: Vec::new(),
            campaign_ids: HashMap::new(),
            phones: HashMap::new(),
            lost_carriers: HashMap::new(),
            verdict: Verdict::default(),
            doubled_first: Vec::new(),
        })
    }

    /// A message reached a phone, over the connection `carrier`.
    pub fn received(&mut self, at: Duration, phone: u64, text: &str, carrier: u32) -> Received {
        let token = self.read_token(text);
        let last = token.is_some() && self.last.is_match(text);
        let limit = self.list_limit;
        let seen = self.phones.entry(phone).or_default();
        if self.keeps_history {
            seen.texts.push(text.to_owned());
        }
        if last && !seen.completed {
            seen.completed = true;
            self.verdict.completed += 1;
        }
        // The conversation moved on before the phone sent its answer: an older answer was taken twice.
        let unasked = token.is_some_and(|token| {
            seen.open.iter().any(|open| {
                open.at > at && open.to.is_some_and(|to| to.campaign == token.campaign && token.step > to.step)
            })
        });
        seen.open.retain(|open| match (open.to, token) {
            (Some(to), Some(token)) => to.campaign != token.campaign || token.step <= to.step,
            (Some(_), None) => true,
            (None, _) => false,
        });
        let confirms = seen.stop != Stop::No && token.is_none() && self.confirmation.is_match(text);
        // A confirmation is remembered like a message of a campaign of its own, to see it doubled.
        let (id, step) = match token {
            Some(token) => (token.campaign, token.step),
            None if confirms => (u32::MAX, 0),
            None => {
                if seen.stop == Stop::Acknowledged {
                    self.verdict.after_stop.add(limit, fault(phone, "", 0, at));
                }
                return Received { token, repeated: false, last };
            }
        };
        let name = if confirms { STOP } else { &*self.campaigns[id as usize] };
        if seen.stop == Stop::Acknowledged && !confirms {
            self.verdict.after_stop.add(limit, fault(phone, name, step, at));
        }
        let known = seen.campaigns.iter().position(|c| c.id == id);
        let at_campaign = known.unwrap_or_else(|| {
            seen.campaigns.push(Campaign { id, highest: 0, steps: Vec::new() });
            seen.campaigns.len() - 1
        });
        let campaign = &mut seen.campaigns[at_campaign];
        let first = campaign.steps.is_empty();
        let before = if first || step > campaign.highest {
            None
        } else {
            campaign.steps.iter().find(|s| s.number == step).copied()
        };
        let repeated = before.is_some();
        if unasked {
            self.verdict.unasked += 1;
            self.verdict.doubled.add(limit, fault(phone, name, step, at));
            self.doubled_first.push((u32::MAX, at));
        }
        if let Some(before) = before {
            self.verdict.doubled.add(limit, fault(phone, name, step, at));
            self.doubled_first.push((before.carrier, before.at));
        } else {
            if confirms {
                self.verdict.stops_confirmed += 1;
            } else if !first && step < campaign.highest {
                self.verdict.out_of_order.add(limit, fault(phone, name, step, at));
            }
            if campaign.steps.len() >= STEPS_KEPT {
                campaign.steps.drain(..STEPS_KEPT / 2);
                self.verdict.unjudged += STEPS_KEPT as u64 / 2;
            }
            campaign.steps.push(Step { number: step, carrier, at });
            campaign.highest = campaign.highest.max(step);
        }
        Received { token, repeated, last }
    }

    /// A phone sent the answer number `answer` (unique in the run) to the message `to`, or a first message (`None`).
    pub fn answered(&mut self, at: Duration, phone: u64, answer: u64, to: Option<Received>, stop: bool) {
        let seen = self.phones.entry(phone).or_default();
        seen.answers += 1;
        if stop {
            // Whatever was open may be dropped now: the phone wants no more.
            seen.open.clear();
            if seen.stop == Stop::No {
                seen.stop = Stop::Sent(answer);
            }
            return;
        }
        if to.is_some_and(|to| to.last || to.repeated) {
            return;
        }
        if seen.open.len() >= OPEN_KEPT {
            seen.open.remove(0);
            self.verdict.unjudged += 1;
        }
        seen.open.push(Open { answer, to: to.and_then(|to| to.token), at, acknowledged: false });
    }

    /// The product acknowledged an answer of a phone.
    pub fn acknowledged(&mut self, phone: u64, answer: u64) {
        let Some(seen) = self.phones.get_mut(&phone) else { return };
        if self.keeps_history {
            seen.acknowledged.insert(answer);
        }
        if seen.stop == Stop::Sent(answer) {
            seen.stop = Stop::Acknowledged;
            self.verdict.stops_acknowledged += 1;
        }
        if let Some(open) = seen.open.iter_mut().find(|open| open.answer == answer) {
            open.acknowledged = true;
        }
    }

    /// The product refused an answer for good, or the operator gave it up: nothing need follow it.
    pub fn withdrawn(&mut self, phone: u64, answer: u64) {
        let Some(seen) = self.phones.get_mut(&phone) else { return };
        seen.open.retain(|open| open.answer != answer);
        if seen.stop == Stop::Sent(answer) {
            seen.stop = Stop::No;
        }
    }

    /// A connection ended without unbind.
    pub fn carrier_lost(&mut self, at: Duration, carrier: u32) {
        self.lost_carriers.insert(carrier, at);
    }

    /// The verdict on what was seen so far. An answer counts as lost as long as its successor is on its way.
    pub fn verdict(&self) -> Verdict {
        let mut verdict = self.verdict.clone();
        let unknown = |&(carrier, at): &(u32, Duration)| {
            self.lost_carriers.get(&carrier).is_some_and(|&lost| lost.saturating_sub(at) <= FATE_UNKNOWN)
        };
        verdict.doubled_fate_unknown = self.doubled_first.iter().filter(|first| unknown(first)).count() as u64;
        for (fault, first) in verdict.doubled.list.iter_mut().zip(&self.doubled_first) {
            fault.fate_unknown = unknown(first);
        }
        let mut lost: Vec<_> = self
            .phones
            .iter()
            .flat_map(|(&phone, seen)| seen.open.iter().filter(|open| open.acknowledged).map(move |open| (phone, open)))
            .collect();
        lost.sort_unstable_by_key(|(phone, open)| (open.at, *phone, open.answer));
        for (phone, open) in lost {
            let (name, step) = open.to.map_or(("", 0), |to| (&*self.campaigns[to.campaign as usize], to.step));
            verdict.lost.add(self.list_limit, fault(phone, name, step, open.at));
        }
        verdict
    }

    /// What passed at each phone, by number; nothing unless `judge.history` is set.
    pub fn history(&self) -> Vec<History> {
        if !self.keeps_history {
            return Vec::new();
        }
        let mut all: Vec<_> = self.phones.iter().collect();
        all.sort_unstable_by_key(|(phone, _)| **phone);
        let of = |(phone, seen): (&u64, &Seen)| History {
            phone: format!("+{phone}"),
            texts: seen.texts.clone(),
            answers: seen.answers,
            acknowledged: seen.acknowledged.len() as u64,
            stopped: seen.stop == Stop::Acknowledged,
        };
        all.into_iter().map(of).collect()
    }

    fn read_token(&mut self, text: &str) -> Option<Token> {
        let groups = self.token.captures(text)?;
        let step = groups.name("step")?.as_str().parse().ok()?;
        let name = groups.name("campaign")?.as_str();
        let campaign = if let Some(&known) = self.campaign_ids.get(name) {
            known
        } else {
            let id = u32::try_from(self.campaigns.len()).ok().filter(|&id| id < u32::MAX)?;
            let name: Arc<str> = name.into();
            self.campaigns.push(Arc::clone(&name));
            self.campaign_ids.insert(name, id);
            id
        };
        Some(Token { campaign, step })
    }
}

fn fault(phone: u64, campaign: &str, step: u32, at: Duration) -> Fault {
    Fault {
        phone: format!("+{phone}"),
        campaign: campaign.to_owned(),
        step,
        at_ms: u64::try_from(at.as_millis()).unwrap_or(u64::MAX),
        fate_unknown: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PHONE: u64 = 231_990_000_001;

    /// What happens at one phone, in order.
    enum Act {
        /// The phone gets a text, over connection 1 (`Got`) or 2 (`Again`).
        Got(&'static str),
        Again(&'static str),
        /// The phone answers the last text, with this answer number.
        Answers(u64),
        Starts(u64),
        Stops(u64),
        Acked(u64),
        Withdrawn(u64),
        Lost,
    }
    use Act::*;

    fn judge(acts: &[Act]) -> Verdict {
        let mut judge = Judge::new(&config::Judge::default()).unwrap();
        let mut last = None;
        for (i, act) in acts.iter().enumerate() {
            let at = Duration::from_secs(i as u64);
            match *act {
                Got(text) => last = Some(judge.received(at, PHONE, text, 1)),
                Again(text) => last = Some(judge.received(at, PHONE, text, 2)),
                Answers(id) => judge.answered(at, PHONE, id, last, false),
                Starts(id) => judge.answered(at, PHONE, id, None, false),
                Stops(id) => judge.answered(at, PHONE, id, last, true),
                Acked(id) => judge.acknowledged(PHONE, id),
                Withdrawn(id) => judge.withdrawn(PHONE, id),
                Lost => judge.carrier_lost(at, 1),
            }
        }
        judge.verdict()
    }

    /// The counts of doubled, out of order, lost, after stop.
    #[track_caller]
    fn check(acts: &[Act], expected: [u64; 4]) -> Verdict {
        let verdict = judge(acts);
        let counts = [verdict.doubled.count, verdict.out_of_order.count, verdict.lost.count, verdict.after_stop.count];
        assert_eq!(counts, expected, "{verdict:#?}");
        for faults in [&verdict.doubled, &verdict.out_of_order, &verdict.lost, &verdict.after_stop] {
            assert_eq!(faults.list.len() as u64, faults.count);
            assert!(faults.list.iter().all(|f| f.phone == "+231990000001"));
        }
        verdict
    }

    #[test]
    fn a_good_run_has_no_fault() {
        let verdict = check(
            &[
                Starts(1),
                Acked(1),
                Got("First? [k7 s1]"),
                Answers(2),
                Acked(2),
                Got("Second? [k7 s2]"),
                Answers(3),
                // The successor may be here before the acknowledgement is.
                Got("Thank you [k7 s3 end]"),
                Acked(3),
            ],
            [0; 4],
        );
        assert_eq!((verdict.completed, verdict.unjudged), (1, 0));
    }

    #[test]
    fn campaigns_are_apart() {
        check(&[Got("[k1 s5]"), Got("[k2 s1]"), Got("[k1 s6]"), Got("[k2 s2]")], [0; 4]);
        check(&[Got("[k1 s5]"), Answers(1), Acked(1), Got("[k2 s6]")], [0, 0, 1, 0]);
    }

    #[test]
    fn a_doubled_token_is_found() {
        let verdict = check(&[Got("[k1 s1]"), Got("[k1 s2]"), Got("[k1 s1]"), Got("[k1 s2]")], [2, 0, 0, 0]);
        assert_eq!((verdict.doubled.list[0].campaign.as_str(), verdict.doubled.list[0].step), ("1", 1));
        assert_eq!(verdict.doubled_fate_unknown, 0);
        assert!(!verdict.doubled.list[0].fate_unknown);
    }

    #[test]
    fn a_doubled_token_after_a_lost_connection_says_so() {
        let verdict =
            check(&[Got("[k1 s1]"), Lost, Again("[k1 s1]"), Again("[k1 s2]"), Again("[k1 s2]")], [2, 0, 0, 0]);
        assert_eq!(verdict.doubled_fate_unknown, 1);
        assert!(verdict.doubled.list[0].fate_unknown && !verdict.doubled.list[1].fate_unknown);
    }

    #[test]
    fn a_step_that_comes_before_its_answer_is_found() {
        let mut judge = Judge::new(&config::Judge::default()).unwrap();
        let first = judge.received(Duration::from_secs(1), 1, "[k1 s1]", 1);
        judge.answered(Duration::from_secs(2), 1, 1, Some(first), false);
        judge.acknowledged(1, 1);
        let second = judge.received(Duration::from_secs(3), 1, "[k1 s2]", 1);
        judge.answered(Duration::from_secs(5), 1, 2, Some(second), false);
        assert_eq!(judge.verdict().doubled.count, 0);
        judge.received(Duration::from_secs(4), 1, "[k1 s3]", 1);
        assert_eq!((judge.verdict().doubled.list[0].step, judge.verdict().unasked), (3, 1));
    }

    #[test]
    fn a_falling_step_is_found() {
        let verdict = check(&[Got("[k1 s1]"), Got("[k1 s3]"), Got("[k1 s2]"), Got("[k1 s4]")], [0, 1, 0, 0]);
        assert_eq!(verdict.out_of_order.list[0].step, 2);
        assert_eq!(verdict.out_of_order.list[0].at_ms, 2_000);
    }

    #[test]
    fn a_lost_answer_is_found() {
        check(&[Got("[k1 s1]"), Answers(1)], [0; 4]);
        let verdict = check(&[Got("[k1 s1]"), Answers(1), Acked(1)], [0, 0, 1, 0]);
        assert_eq!((verdict.lost.list[0].step, verdict.lost.list[0].at_ms), (1, 1_000));
        check(&[Got("[k1 s1]"), Answers(1), Acked(1), Got("[k1 s1]")], [1, 0, 1, 0]);
        check(&[Got("[k1 s1]"), Answers(1), Acked(1), Got("hello")], [0, 0, 1, 0]);
        check(&[Got("[k1 s1]"), Answers(1), Acked(1), Got("[k1 s2]")], [0; 4]);
        check(&[Starts(1), Acked(1)], [0, 0, 1, 0]);
        check(&[Starts(1), Acked(1), Got("hello")], [0; 4]);
        check(&[Starts(1), Withdrawn(1)], [0; 4]);
    }

    #[test]
    fn nothing_has_to_follow_the_last_message() {
        check(&[Got("Thanks [k1 s9 end]"), Answers(1), Acked(1)], [0; 4]);
    }

    #[test]
    fn messages_after_stop_are_found() {
        let bye = "You will get no more messages.";
        let verdict = check(&[Got("[k1 s1]"), Stops(1), Acked(1), Got(bye)], [0; 4]);
        assert_eq!((verdict.stops_acknowledged, verdict.stops_confirmed), (1, 1));
        // Not acknowledged yet: the product cannot know.
        check(&[Got("[k1 s1]"), Stops(1), Got("[k1 s2]"), Acked(1), Got(bye)], [0; 4]);
        check(&[Got("[k1 s1]"), Stops(1), Got(bye), Acked(1)], [0; 4]);
        check(&[Got("[k1 s1]"), Stops(1), Acked(1), Got(bye), Got("[k1 s2]")], [0, 0, 0, 1]);
        check(&[Got("[k1 s1]"), Stops(1), Acked(1), Got("hello")], [0, 0, 0, 1]);
        // A text that speaks of it is no confirmation if it carries a token.
        check(&[Got("[k1 s1]"), Stops(1), Acked(1), Got("no more messages [k1 s2]")], [0, 0, 0, 1]);
        // One confirmation, no more.
        let verdict = check(&[Got("[k1 s1]"), Stops(1), Acked(1), Got(bye), Got(bye)], [1, 0, 0, 0]);
        assert_eq!(verdict.doubled.list[0].campaign, "STOP");
        // STOP excuses what was open.
        check(&[Got("[k1 s1]"), Answers(1), Acked(1), Got("[k2 s1]"), Stops(2), Acked(2), Got(bye)], [0; 4]);
    }

    #[test]
    fn a_history_has_every_copy_and_every_answer() {
        let mut judge = Judge::new(&config::Judge { history: true, ..config::Judge::default() }).unwrap();
        let first = judge.received(Duration::ZERO, PHONE, "[k1 s1]", 1);
        judge.received(Duration::ZERO, PHONE, "[k1 s1]", 2);
        judge.answered(Duration::ZERO, PHONE, 7, Some(first), false);
        judge.answered(Duration::ZERO, PHONE, 8, None, true);
        // However often an answer is acknowledged, it is one.
        judge.acknowledged(PHONE, 8);
        judge.acknowledged(PHONE, 8);
        let texts = vec!["[k1 s1]".to_owned(), "[k1 s1]".to_owned()];
        let known = History { phone: "+231990000001".into(), texts, answers: 2, acknowledged: 1, stopped: true };
        assert_eq!(judge.history(), [known]);
        assert!(Judge::new(&config::Judge::default()).unwrap().history().is_empty());
    }

    #[test]
    fn lists_are_bounded_and_counts_are_not() {
        let mut judge = Judge::new(&config::Judge { list_limit: 3, ..config::Judge::default() }).unwrap();
        for _ in 0..10 {
            judge.received(Duration::ZERO, PHONE, "[k1 s1]", 1);
        }
        let verdict = judge.verdict();
        assert_eq!((verdict.doubled.count, verdict.doubled.list.len()), (9, 3));
    }

    #[test]
    fn memory_is_bounded() {
        let mut judge = Judge::new(&config::Judge::default()).unwrap();
        for step in 1..20_000_u32 {
            judge.received(Duration::ZERO, PHONE, &format!("[k1 s{step}]"), 1);
        }
        for answer in 0..1_000 {
            judge.answered(Duration::ZERO, PHONE, answer, None, false);
        }
        let seen = &judge.phones[&PHONE];
        assert!(seen.campaigns[0].steps.len() <= STEPS_KEPT && seen.open.len() <= OPEN_KEPT);
        let verdict = judge.verdict();
        assert!(verdict.unjudged > 0);
        assert_eq!((verdict.doubled.count, verdict.out_of_order.count), (0, 0));
    }

    #[test]
    fn bad_patterns_are_named() {
        let bad = |token: &str| Judge::new(&config::Judge { token: token.to_owned(), ..config::Judge::default() });
        assert!(bad(r"s(?<step>\d+)").unwrap_err().to_string().contains("judge.token: has no group (?<campaign>"));
        assert!(bad("(").unwrap_err().to_string().contains("judge.token"));
    }
}
