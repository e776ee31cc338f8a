//! What passes between a channel and the store.

use crate::support::{NOW, Rig, on_both};
use app::Settings;
use base::sms::Coding;
use gateway::{Event, Evidence, Late, Receipt, ReceiptState, Refused, SegmentState, Submitted, Verdict};

fn accepted(id: &str) -> Submitted {
    Submitted::Accepted { message_ids: vec![(1, id.to_owned())] }
}

const SUPPRESSED: &str = "SELECT count(*) FROM suppression";
const KEYS: &str = "SELECT count(*) FROM dedupe";
const SENT: &str = "SELECT count(*) FROM message WHERE state = 3";
const UNKNOWN: &str = "SELECT count(*) FROM message WHERE state = 6";
const DELIVERED: &str = "SELECT count(*) FROM message WHERE state = 4";

#[test]
fn the_same_word_counts_again_when_the_proof_comes_by_another_bind() {
    on_both(|store| async move {
        let mut rig = Rig::new(store, Settings::default()).await;
        // STOP comes by the bind session 1; the confirmation goes out by another, which proves nothing of the first.
        assert_eq!(rig.write(1, 1, "STOP").await, Verdict::Accept);
        let farewell = rig.sent().await;
        rig.report(&farewell, 2, 5, accepted("a")).await;
        rig.until(SENT, 1).await;
        rig.until(KEYS, 1).await;
        assert_eq!(rig.write(1, 2, "STOP").await, Verdict::Accept, "a redelivery");
        rig.tell(vec![Event::Confirmed(Evidence { bind_session: 1, confirmed: 2 })]).await;
        rig.until(KEYS, 0).await;
        assert_eq!(rig.write(1, 3, "START").await, Verdict::Accept);
        let welcome = rig.sent().await;
        rig.report(&welcome, 1, 3, accepted("b")).await;
        rig.until(KEYS, 0).await;
        rig.until(SUPPRESSED, 0).await;
        assert_eq!(rig.write(1, 4, "STOP").await, Verdict::Accept);
        rig.until(SUPPRESSED, 1).await;
        let again = rig.sent().await;
        assert_eq!(again.text, farewell.text);
        rig.report(&again, 1, 4, accepted("c")).await;
        rig.until(SENT, 3).await;
        rig.stop().await;
    });
}

#[test]
fn long_messages_are_joined_as_octets() {
    on_both(|store| async move {
        let mut rig = Rig::new(store, Settings::default()).await;
        let parts =
            vec![rig.segment(2, 2, Coding::Ucs2, b"\xde\0\0!"), rig.segment(1, 2, Coding::Ucs2, b"\0H\xd8\x3d")];
        assert_eq!(rig.deliver(parts).await, [Verdict::Accept, Verdict::Accept]);
        rig.until("SELECT count(*) FROM message WHERE text = 'H😀!'", 1).await;
        rig.stop().await;
    });
}

#[test]
fn late_answers_to_all_pieces_settle_a_message() {
    on_both(|store| async move {
        let mut rig = Rig::new(store, Settings::default()).await;
        rig.write(1, 1, "STOP").await;
        let outgoing = rig.sent().await;
        let segments = vec![SegmentState::Accepted { message_id: "a1".into() }, SegmentState::Unknown];
        rig.report(&outgoing, 1, 0, Submitted::Unknown { segments }).await;
        rig.until(UNKNOWN, 1).await;
        let (token, message) = (outgoing.token, outgoing.message);
        let late = |segment, id: &str| {
            Event::Late(Late { token, message, segment, state: SegmentState::Accepted { message_id: id.into() } })
        };
        // Of a piece that there is not, and of the one that was missing.
        rig.tell(vec![late(3, "a3"), late(0, "a0"), late(2, "a2")]).await;
        rig.until(SENT, 1).await;
        rig.until("SELECT count(*) FROM outbox", 0).await;
        rig.until("SELECT count(*) FROM message WHERE external_ids = 'a1 a2'", 1).await;
        rig.stop().await;
    });
}

#[test]
fn a_message_in_fewer_or_more_pieces_is_delivered_with_the_last() {
    on_both(|store| async move {
        let mut rig = Rig::new(store, Settings::default()).await;
        rig.write(1, 1, "STOP").await;
        let outgoing = rig.sent().await;
        // The confirmation is one segment; this channel needed two pieces.
        let message_ids = vec![(1, "a1".to_owned()), (2, "a2".to_owned())];
        rig.report(&outgoing, 1, 1, Submitted::Accepted { message_ids }).await;
        rig.until(SENT, 1).await;
        for (number, id, delivered) in [(2, "a1", 0), (3, "a2", 1)] {
            let state = Some(ReceiptState::Delivered);
            let receipt = Receipt { message_id: Some(id.into()), state, ..Receipt::default() };
            let receipt = rig.receipt(number, receipt);
            assert_eq!(rig.deliver(vec![receipt]).await, [Verdict::Accept]);
            rig.until(DELIVERED, delivered).await;
        }
        rig.stop().await;
    });
}

#[test]
fn receipts_with_odd_texts_and_unswapped_addresses_are_taken() {
    on_both(|store| async move {
        let mut rig = Rig::new(store, Settings::default()).await;
        rig.write(1, 1, "STOP").await;
        let outgoing = rig.sent().await;
        rig.report(&outgoing, 1, 1, accepted("a1")).await;
        rig.until(SENT, 1).await;
        let state = Some(ReceiptState::Undeliverable);
        let odd = Receipt { message_id: Some("x\0".into()), state, err: Some("00\x001".into()), ..Receipt::default() };
        let good =
            Receipt { message_id: Some("a1".into()), state: Some(ReceiptState::Delivered), ..Receipt::default() };
        let mut good = rig.receipt(3, good);
        std::mem::swap(&mut good.source, &mut good.destination);
        let batch = vec![rig.receipt(2, odd), good];
        assert_eq!(rig.deliver(batch).await, [Verdict::Accept, Verdict::Accept]);
        rig.until(DELIVERED, 1).await;
        rig.stop().await;
    });
}

#[test]
fn what_is_no_text_is_put_on_the_work_list() {
    on_both(|store| async move {
        let rig = Rig::new(store, Settings::default()).await;
        let picture = || {
            let reason = "data_coding 0x04 is binary; only texts are taken".into();
            Event::Refused(Refused { source: "0990 000 001".into(), destination: "4321".into(), reason })
        };
        rig.tell(vec![picture()]).await;
        rig.until("SELECT count(*) FROM problem", 1).await;
        rig.tell(vec![picture()]).await;
        rig.until("SELECT count(*) FROM problem WHERE times = 2 AND subject = 'tel:+231990000001'", 1).await;
        rig.stop().await;
    });
}

#[test]
fn an_unknown_message_is_held_where_the_channel_says_so() {
    on_both(|store| async move {
        let mut rig = Rig::new(store, Settings { resend_after: None, ..Settings::default() }).await;
        rig.write(1, 1, "STOP").await;
        let outgoing = rig.sent().await;
        rig.report(&outgoing, 1, 1, Submitted::Unknown { segments: vec![SegmentState::Unknown] }).await;
        rig.until("SELECT count(*) FROM problem WHERE kind = 'message_unknown'", 1).await;
        rig.until("SELECT count(*) FROM timer", 0).await;
        assert_eq!(rig.store.resolve_known(NOW).await.unwrap(), 0);
        // A receipt tells after all.
        let state = Some(ReceiptState::Delivered);
        let told = Receipt { state, user_message_reference: Some(outgoing.reference), ..Receipt::default() };
        assert_eq!(rig.deliver(vec![rig.receipt(2, told)]).await, [Verdict::Accept]);
        rig.until(DELIVERED, 1).await;
        assert_eq!(rig.store.resolve_known(NOW).await.unwrap(), 1);
        rig.until("SELECT count(*) FROM problem WHERE kind = 'message_unknown' AND state = 'open'", 0).await;
        rig.stop().await;
    });
}
