//! Compares what the phones saw with what the store says, message by message.
//!
//! Neither is believed for its sums: each text of a phone is matched with the store's own message of that text to that
//! phone, so that a double cannot hide behind another message's resend, a message that nobody ever got cannot hide
//! behind a state `sent`, and a worker who was never asked is seen. Pure; every text to one phone is different, because
//! the flow prints its step in it.

use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// How the flow marks its messages.
const TOKEN: &str = "[kchaos ";

/// What passed at one phone: the operator's own record.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Phone {
    /// `+231...`
    #[serde(rename = "phone")]
    pub(super) number: String,
    /// Every message that reached it, each copy.
    pub(super) texts: Vec<String>,
    /// Messages that it sent.
    pub(super) answers: u64,
    /// Of these, acknowledged.
    pub(super) acknowledged: u64,
    /// Its STOP was acknowledged.
    pub(super) stopped: bool,
}

/// A message as the store has it.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Message {
    /// `tel:+231...`
    pub(super) address: String,
    pub(super) state: State,
    /// Sent once more by policy, because nobody knew whether the operator had it.
    pub(super) resent: bool,
    pub(super) text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    Received,
    Queued,
    Wired,
    Sent,
    Delivered,
    Failed,
    Unknown,
    Refused,
}

/// What does not agree. Each list says what, for a person.
#[derive(Debug, Default)]
pub(super) struct Disagreements {
    /// A phone was never asked; an acknowledged message of a phone is not in the store; the store says `sent` and the
    /// phone has nothing; a message failed or was refused without a STOP.
    pub(super) lost: Vec<String>,
    /// A phone has a text more often than the store sent it; the store made a message, or took one in, twice; a phone
    /// has what the store does not know.
    pub(super) doubled: Vec<String>,
    /// Messages that wait, or of which nobody knows yet.
    pub(super) unsettled: Vec<String>,
    /// Messages of which nobody knows although they were sent again: they are held on the work list.
    pub(super) held: Vec<String>,
    /// Phones to which a message is on its way of which nobody knows: their conversations stand still and are not lost.
    pub(super) open: BTreeSet<String>,
    /// Second copies that the store's own resend of that very message explains.
    pub(super) resent: u64,
}

/// Compares; `asked` are the phones that were to be asked, `counted` is how many answers the campaign's report has.
pub(super) fn compare(asked: &[String], phones: &[Phone], messages: &[Message], counted: u64) -> Disagreements {
    let mut found = Disagreements::default();
    let mut by_phone: BTreeMap<&str, Vec<&Message>> = BTreeMap::new();
    for message in messages {
        by_phone.entry(message.address.trim_start_matches("tel:")).or_default().push(message);
    }
    let seen: BTreeMap<&str, &Phone> = phones.iter().map(|phone| (phone.number.as_str(), phone)).collect();
    let nothing = Phone::default();
    for phone in asked {
        if seen.get(phone.as_str()).is_none_or(|phone| phone.texts.is_empty()) {
            found.lost.push(format!("{phone} was never asked"));
        }
    }
    let numbers: BTreeSet<&str> = by_phone.keys().chain(seen.keys()).copied().collect();
    for number in numbers {
        let phone = seen.get(number).copied().unwrap_or(&nothing);
        let rows = by_phone.get(number).map_or(&[][..], Vec::as_slice);
        incoming(number, phone, rows, &mut found);
        outgoing(number, phone, rows, &mut found);
    }
    // Each answer to a question brought the next question, and the last one the end, unless it is openly unknown.
    let questions = |phone: &Phone| {
        phone.texts.iter().filter(|text| text.contains(TOKEN)).collect::<BTreeSet<_>>().len().saturating_sub(1) as u64
    };
    let taken: u64 = phones.iter().map(questions).sum();
    if counted < taken {
        found.lost.push(format!("{taken} answers were followed by a question, {counted} are counted"));
    }
    if counted > taken + found.open.len() as u64 {
        found.doubled.push(format!("{taken} answers were followed by a question, {counted} are counted"));
    }
    found
}

fn incoming(number: &str, phone: &Phone, rows: &[&Message], found: &mut Disagreements) {
    let stored = rows.iter().filter(|row| row.state == State::Received).count() as u64;
    if stored < phone.acknowledged {
        let acknowledged = phone.acknowledged;
        found.lost.extend(
            (stored..acknowledged)
                .map(|_| format!("{number}: {acknowledged} messages were acknowledged and {stored} stored")),
        );
    }
    if stored > phone.answers {
        let answers = phone.answers;
        found
            .doubled
            .extend((answers..stored).map(|_| format!("{number}: {answers} messages were sent and {stored} stored")));
    }
}

fn outgoing(number: &str, phone: &Phone, rows: &[&Message], found: &mut Disagreements) {
    let mut copies: BTreeMap<&str, usize> = BTreeMap::new();
    for text in &phone.texts {
        *copies.entry(text).or_default() += 1;
    }
    let mut stored: BTreeMap<&str, Vec<&Message>> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.state != State::Received) {
        stored.entry(&row.text).or_default().push(row);
    }
    let texts: BTreeSet<&str> = copies.keys().chain(stored.keys()).copied().collect();
    for text in texts {
        let copies = copies.get(text).copied().unwrap_or(0);
        let rows = stored.get(text).map_or(&[][..], Vec::as_slice);
        let Some(row) = rows.first() else {
            found.doubled.extend((0..copies).map(|_| format!("{number}: the store does not know \"{text}\"")));
            continue;
        };
        // One copy, and one more if this very message was sent again.
        let allowed = 1 + usize::from(row.resent);
        found.resent += copies.min(allowed).saturating_sub(1) as u64;
        let too_many = copies.saturating_sub(allowed).max(rows.len() - 1);
        found.doubled.extend(
            (0..too_many).map(|_| format!("{number}: {copies} copies of \"{text}\", {} made, {row:?}", rows.len())),
        );
        for row in rows {
            match row.state {
                State::Queued | State::Wired => found.unsettled.push(format!("{number}: {row:?}")),
                State::Unknown => {
                    found.open.insert(number.to_owned());
                    let list = if row.resent { &mut found.held } else { &mut found.unsettled };
                    list.push(format!("{number}: {row:?}"));
                }
                State::Sent | State::Delivered if copies == 0 => {
                    found.lost.push(format!("{number} never got what the store calls sent: {row:?}"));
                }
                State::Failed => found.lost.push(format!("{number}: {row:?}")),
                State::Refused if !phone.stopped => found.lost.push(format!("{number} said no STOP: {row:?}")),
                // What was refused did not go out, unless its first copy's fate was unknown.
                State::Refused if copies > 0 && !row.resent => {
                    found.doubled.push(format!("{number} got what the store calls refused: {row:?}"));
                }
                State::Received | State::Sent | State::Delivered | State::Refused => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use State::{Delivered, Failed, Queued, Received, Refused, Sent, Unknown, Wired};

    const NUMBER: &str = "+231990000001";

    fn phone(texts: &[&str], answers: u64, acknowledged: u64) -> Phone {
        let texts = texts.iter().map(|text| (*text).to_owned()).collect();
        Phone { number: NUMBER.into(), texts, answers, acknowledged, stopped: false }
    }

    fn message(state: State, text: &str) -> Message {
        Message { address: format!("tel:{NUMBER}"), state, resent: false, text: text.into() }
    }

    fn again(state: State, text: &str) -> Message {
        Message { resent: true, ..message(state, text) }
    }

    /// The numbers of lost, doubled, unsettled and explained.
    #[track_caller]
    fn check(phone: Phone, messages: &[Message], expected: [usize; 4]) {
        let found = compare(&[NUMBER.to_owned()], &[phone], messages, 0);
        let counts = [found.lost.len(), found.doubled.len(), found.unsettled.len(), found.resent as usize];
        assert_eq!(counts, expected, "{found:#?}");
    }

    #[test]
    fn a_good_history_agrees() {
        let messages = [message(Delivered, "one"), message(Received, "1"), message(Sent, "two")];
        check(phone(&["one", "two"], 1, 1), &messages, [0; 4]);
    }

    #[test]
    fn a_copy_is_explained_by_the_resend_of_that_message_alone() {
        check(phone(&["one", "one"], 0, 0), &[again(Sent, "one")], [0, 0, 0, 1]);
        check(phone(&["one", "one", "one"], 0, 0), &[again(Sent, "one")], [0, 1, 0, 1]);
        check(phone(&["one", "one"], 0, 0), &[message(Sent, "one")], [0, 1, 0, 0]);
        // The resend of another message, of which only one copy arrived, explains nothing.
        let messages = [message(Sent, "one"), again(Sent, "two")];
        check(phone(&["one", "one", "two"], 0, 0), &messages, [0, 1, 0, 0]);
        // Nor does that of the same text to another phone.
        let elsewhere = Message { address: "tel:+231990000002".into(), ..again(Sent, "one") };
        let other = Phone { number: "+231990000002".into(), ..phone(&["one"], 0, 0) };
        let phones = [phone(&["one", "one"], 0, 0), other];
        let found = compare(&[], &phones, &[message(Sent, "one"), elsewhere], 0);
        assert_eq!((found.doubled.len(), found.resent), (1, 0), "{found:#?}");
    }

    #[test]
    fn a_step_that_was_made_twice_is_found_even_if_one_message_went() {
        check(phone(&["one"], 0, 0), &[message(Sent, "one"), message(Queued, "one")], [0, 1, 1, 0]);
        check(phone(&["one", "one"], 0, 0), &[message(Sent, "one"), message(Sent, "one")], [0, 1, 0, 0]);
    }

    #[test]
    fn a_message_that_is_sent_and_never_arrived_is_lost() {
        check(phone(&["one"], 0, 0), &[message(Sent, "one"), message(Sent, "two")], [1, 0, 0, 0]);
        check(phone(&["one"], 0, 0), &[message(Sent, "one"), message(Delivered, "two")], [1, 0, 0, 0]);
        check(phone(&["one"], 0, 0), &[message(Sent, "one"), message(Failed, "two")], [1, 0, 0, 0]);
    }

    #[test]
    fn a_worker_who_was_never_asked_is_lost() {
        let found = compare(&[NUMBER.to_owned()], &[], &[], 0);
        assert_eq!(found.lost, [format!("{NUMBER} was never asked")]);
        check(phone(&[], 0, 0), &[], [1, 0, 0, 0]);
    }

    #[test]
    fn an_acknowledged_answer_without_a_record_is_lost() {
        check(phone(&["one"], 2, 2), &[message(Sent, "one"), message(Received, "1")], [1, 0, 0, 0]);
        // Sent and not acknowledged: it may be there or not.
        check(phone(&["one"], 2, 1), &[message(Sent, "one"), message(Received, "1")], [0; 4]);
    }

    #[test]
    fn an_answer_that_was_taken_in_twice_is_doubled() {
        let messages = [message(Sent, "one"), message(Received, "1"), message(Received, "1")];
        check(phone(&["one"], 1, 1), &messages, [0, 1, 0, 0]);
    }

    #[test]
    fn what_the_store_does_not_know_is_found() {
        check(phone(&["one"], 0, 0), &[], [0, 1, 0, 0]);
    }

    #[test]
    fn answers_are_counted_once() {
        let texts = ["[kchaos s1]", "[kchaos s2]", "[kchaos s2]", "[kchaos s3 end]", "no more messages"];
        let messages: Vec<Message> =
            [0, 1, 3, 4].map(|at| Message { resent: true, ..message(Sent, texts[at]) }).to_vec();
        for (counted, lost, doubled) in [(2, 0, 0), (1, 1, 0), (3, 0, 1)] {
            let found = compare(&[], &[phone(&texts, 0, 0)], &messages, counted);
            assert_eq!((found.lost.len(), found.doubled.len()), (lost, doubled), "{found:#?}");
        }
    }

    #[test]
    fn an_answer_whose_question_is_openly_unknown_is_counted() {
        let messages = [message(Sent, "[kchaos s1]"), message(Unknown, "[kchaos s2]")];
        let found = compare(&[], &[phone(&["[kchaos s1]"], 0, 0)], &messages, 1);
        assert_eq!((found.lost.len(), found.doubled.len(), found.unsettled.len()), (0, 0, 1), "{found:#?}");
        let found = compare(&[], &[phone(&["[kchaos s1]"], 0, 0)], &messages, 2);
        assert_eq!(found.doubled.len(), 1, "{found:#?}");
    }

    #[test]
    fn what_waits_is_unsettled() {
        for state in [Queued, Wired, Unknown] {
            check(phone(&["one"], 0, 0), &[message(Sent, "one"), message(state, "two")], [0, 0, 1, 0]);
            let found = compare(&[], &[phone(&["one"], 0, 0)], &[message(Sent, "one"), message(state, "two")], 0);
            assert_eq!(found.open.contains(NUMBER), state == Unknown);
        }
    }

    #[test]
    fn what_is_unknown_a_second_time_is_held() {
        let messages = [message(Sent, "one"), again(Unknown, "two")];
        let found = compare(&[], &[phone(&["one", "two", "two"], 0, 0)], &messages, 0);
        assert_eq!(
            (found.held.len(), found.unsettled.len(), found.doubled.len(), found.resent),
            (1, 0, 0, 1),
            "{found:#?}"
        );
        // A third copy is more than the policy makes.
        let found = compare(&[], &[phone(&["one", "two", "two", "two"], 0, 0)], &messages, 0);
        assert_eq!((found.held.len(), found.doubled.len()), (1, 1), "{found:#?}");
    }

    #[test]
    fn a_refusal_needs_a_stop() {
        check(phone(&["one"], 0, 0), &[message(Sent, "one"), message(Refused, "two")], [1, 0, 0, 0]);
        let stopped = || Phone { stopped: true, ..phone(&["one"], 0, 0) };
        check(stopped(), &[message(Sent, "one"), message(Refused, "two")], [0; 4]);
        // Its first copy may have gone out; a message that was never unknown cannot.
        check(stopped(), &[again(Refused, "one")], [0; 4]);
        check(stopped(), &[message(Refused, "one")], [0, 1, 0, 0]);
    }
}
