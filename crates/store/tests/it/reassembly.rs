//! Long inbound messages, whose parts come one by one.

use crate::support::{NOW, on_both};
use base::sms::Coding;
use base::{ChannelId, IdMaker, Millis, Part};
use store::ops::{Inbound, Ingested, Lease, SegmentOf, Task};
use store::{Store, params};

const CHANNEL: ChannelId = ChannelId(uuid::Uuid::from_u128(1));
const ADDRESS: &str = "tel:+231990000001";
const MINUTE: i64 = 60_000;

struct Phone {
    store: Store,
    lease: Lease,
    ids: IdMaker,
    now: Millis,
}

impl Phone {
    async fn new(store: Store) -> Self {
        let lease = store.balance(1).await.unwrap();
        Self { store, lease, ids: IdMaker::from_u64(1), now: NOW }
    }

    fn part(&mut self, reference: u16, total: u8, sequence: u8, coding: Coding, octets: &[u8]) -> Inbound {
        Inbound {
            id: self.ids.next(self.now),
            new_contact: self.ids.next(self.now),
            channel: CHANNEL,
            address: ADDRESS.into(),
            to: "4321".into(),
            text: base::text::strip_nul(&coding.decode(octets).text).into_owned(),
            received_on: self.now,
            dedupe: None,
            consent: None,
            segment: Some(SegmentOf { reference, total, sequence, coding, octets: octets.to_vec() }),
        }
    }

    /// Whether a part made a message whole.
    async fn send(&mut self, reference: u16, total: u8, sequence: u8, coding: Coding, octets: &[u8]) -> bool {
        let part = self.part(reference, total, sequence, coding, octets);
        matches!(self.store.ingest(vec![part]).await.unwrap()[..], [Ingested::New { .. }])
    }

    async fn later(&mut self, millis: i64) {
        self.now = Millis(self.now.0 + millis);
        let ids = self.ids.fork();
        self.store.sweep(&self.lease, self.now, 100, ids).await.unwrap();
    }

    /// The texts that wait in the inbox.
    async fn texts(&self) -> Vec<String> {
        let boxes = self.store.claim(&self.lease, Part(0), 100).await.unwrap();
        let tasks = boxes.into_iter().flat_map(|mailbox| mailbox.tasks);
        tasks
            .filter_map(|row| match row.task {
                Task::Message { text, .. } => Some(text),
                _ => None,
            })
            .collect()
    }

    async fn count(&self, sql: &str) -> i64 {
        self.store.query_one(sql, params![]).await.unwrap().unwrap().get(0).unwrap()
    }

    async fn gaps(&self) -> i64 {
        self.count("SELECT count(*) FROM problem WHERE kind = 'message_incomplete'").await
    }

    async fn waiting(&self) -> i64 {
        self.count("SELECT count(*) FROM segment").await
    }
}

#[test]
fn a_character_that_was_cut_between_two_parts_is_whole_again() {
    on_both(|store| async move {
        let mut phone = Phone::new(store).await;
        // Out of order, one of them twice.
        assert!(!phone.send(1, 3, 3, Coding::Ucs2, b"\0!").await);
        assert!(!phone.send(1, 3, 1, Coding::Ucs2, b"\0H\xd8\x3d").await);
        assert!(!phone.send(1, 3, 1, Coding::Ucs2, b"\0H\xd8\x3d").await);
        assert!(phone.send(1, 3, 2, Coding::Ucs2, b"\xde\0\0\0").await);
        assert!(!phone.send(2, 2, 1, Coding::Gsm7, b"1\x1b").await);
        assert!(phone.send(2, 2, 2, Coding::Gsm7, b"\x65").await);
        assert_eq!(phone.texts().await, ["H😀!", "1€"], "and without U+0000");
        phone.later(11 * MINUTE).await;
        assert_eq!((phone.texts().await.len(), phone.gaps().await, phone.waiting().await), (2, 0, 0));
    });
}

#[test]
fn parts_in_one_batch_are_one_message() {
    on_both(|store| async move {
        let mut phone = Phone::new(store).await;
        let batch = vec![
            phone.part(1, 2, 2, Coding::Gsm7, b"two"),
            phone.part(1, 2, 2, Coding::Gsm7, b"two"),
            phone.part(1, 2, 1, Coding::Gsm7, b"one "),
        ];
        let answers = phone.store.ingest(batch).await.unwrap();
        assert!(matches!(answers[..], [Ingested::Incomplete, Ingested::Incomplete, Ingested::New { .. }]));
        assert_eq!(phone.texts().await, ["one two"]);
    });
}

#[test]
fn what_did_come_is_delivered_when_the_rest_does_not() {
    on_both(|store| async move {
        let mut phone = Phone::new(store).await;
        phone.send(1, 3, 3, Coding::Gsm7, b"three").await;
        phone.send(1, 3, 1, Coding::Gsm7, b"one ").await;
        phone.later(10 * MINUTE - 1).await;
        assert!(phone.texts().await.is_empty());
        phone.later(1).await;
        assert_eq!(phone.texts().await, ["one three"]);
        assert_eq!((phone.gaps().await, phone.waiting().await), (1, 0));
    });
}

#[test]
fn a_reference_that_is_used_again_mixes_no_two_messages() {
    on_both(|store| async move {
        let mut phone = Phone::new(store).await;
        // The second part of the first message is lost on its way.
        phone.send(7, 2, 1, Coding::Gsm7, b"old").await;
        phone.later(9 * MINUTE).await;
        assert!(!phone.send(7, 2, 1, Coding::Gsm7, b"new ").await);
        assert_eq!(phone.texts().await, ["old"], "acknowledged, so it must not disappear");
        assert_eq!(phone.gaps().await, 1);
        // The timer of the first message does not end the wait for the second.
        phone.later(2 * MINUTE).await;
        assert_eq!(phone.waiting().await, 1);
        assert!(phone.send(7, 2, 2, Coding::Gsm7, b"message").await);
        assert_eq!(phone.texts().await, ["old", "new message"]);
        phone.later(20 * MINUTE).await;
        assert_eq!((phone.texts().await.len(), phone.gaps().await), (2, 1));
    });
}

#[test]
fn a_part_that_the_version_before_kept_is_joined_as_text() {
    on_both(|store| async move {
        let mut phone = Phone::new(store).await;
        phone.send(1, 2, 1, Coding::Gsm7, b"one ").await;
        phone.store.execute("UPDATE segment SET coding = NULL, octets = NULL", params![]).await.unwrap();
        assert!(!phone.send(1, 2, 1, Coding::Gsm7, b"one ").await, "delivered again");
        assert!(phone.send(1, 2, 2, Coding::Gsm7, b"two").await);
        assert_eq!(phone.texts().await, ["one two"]);
    });
}
