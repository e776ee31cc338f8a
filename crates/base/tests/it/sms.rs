//! Encodings, segments and substitutes of SMS texts.

use base::sms::{
    Encoding, Reference, Segments, decode_gsm7, decode_ucs2, encode_gsm7, encode_ucs2, encoding, forcing, pack,
    segments, segments_with, split, split_with, substitute, unpack,
};
use proptest::prelude::*;

fn check(text: &str, encoding: Encoding, count: usize, units: usize, remaining: usize) {
    assert_eq!(segments(text), Segments { encoding, count, units, remaining }, "{text:?}");
    assert_eq!(split(text).len(), count, "{text:?}");
}

#[test]
fn costs() {
    use Encoding::{Gsm7, Ucs2};
    check("", Gsm7, 1, 0, 160);
    check(&"a".repeat(160), Gsm7, 1, 160, 0);
    check(&"a".repeat(161), Gsm7, 2, 161, 145);
    check(&"a".repeat(306), Gsm7, 2, 306, 0);
    check(&"a".repeat(307), Gsm7, 3, 307, 152);
    check(&"€".repeat(80), Gsm7, 1, 160, 0);
    // 76 signs of two septets fit a part of 153: the last septet stays empty.
    check(&"€".repeat(81), Gsm7, 2, 162, 143);
    check("É", Gsm7, 1, 1, 159);
    check("Ê", Ucs2, 1, 1, 69);
    check(&"ê".repeat(70), Ucs2, 1, 70, 0);
    check(&"ê".repeat(71), Ucs2, 2, 71, 63);
    check(&"😀".repeat(35), Ucs2, 1, 70, 0);
    check(&"😀".repeat(36), Ucs2, 2, 72, 61);
    assert_eq!(segments_with(&"a".repeat(305), Reference::Sixteen).count, 3);
    assert_eq!(split_with(&"ê".repeat(133), Encoding::Ucs2, Reference::Sixteen).len(), 3);
}

#[test]
fn what_forces_ucs2() {
    assert_eq!(forcing("Êtes-vous à l\u{2019}hôpital ?").collect::<Vec<_>>(), [(0, 'Ê'), (15, '\u{2019}'), (19, 'ô')]);
    assert_eq!(encoding("@£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ¤¡ÄÖÑÜ§¿äöñüà^{}\\[~]|€\n\r\u{c}"), Encoding::Gsm7);
}

#[test]
fn known_octets() {
    let mut septets = Vec::new();
    encode_gsm7("hellohello", &mut septets).unwrap();
    assert_eq!(pack(&septets, 0), [0xe8, 0x32, 0x9b, 0xfd, 0x46, 0x97, 0xd9, 0xec, 0x37]);
    septets.clear();
    encode_gsm7("@€", &mut septets).unwrap();
    assert_eq!(septets, [0x00, 0x1b, 0x65]);
    let refused = encode_gsm7("abê", &mut septets).unwrap_err();
    assert_eq!((refused.character, refused.at), ('ê', 2));
    assert_eq!(decode_gsm7(&[0x1b, 0x41, 0x1b, 0x1b, 0x61, 0x1b, 0xff]), "A a\u{fffd}");
    assert_eq!(decode_gsm7(&[0x61, 0x1b]), "a ");
    let mut octets = Vec::new();
    encode_ucs2("ê😀", &mut octets);
    assert_eq!(octets, [0x00, 0xea, 0xd8, 0x3d, 0xde, 0x00]);
    assert_eq!(decode_ucs2(&[0x00, 0x61, 0xd8, 0x3d, 0x00]), "a\u{fffd}\u{fffd}");
}

#[test]
fn substitutes() {
    for (text, expected) in [
        ("Êtes-vous à l\u{2019}hôpital ?", "Etes-vous à l'hopital ?"),
        ("ça va… «oui» — cœur", "ca va... \"oui\" - coeur"),
        ("e\u{301}te\u{301}", "été"),
        ("a\u{a0}b\u{200b}c", "a bc"),
        ("Kpɛlɛ Ɓaa", "Kpele Baa"),
        ("ﬁn ²", "fin 2"),
    ] {
        let substitution = substitute(text);
        assert_eq!(substitution.text, expected, "{text:?}");
    }
    let substitution = substitute("Ê Ê 病 ’");
    assert_eq!(substitution.left, ['病']);
    assert_eq!(substitution.replaced.len(), 2);
    assert_eq!(
        (substitution.replaced[0].from, substitution.replaced[0].to.as_str(), substitution.replaced[0].count),
        ('Ê', "E", 2)
    );
    assert_eq!(substitution.encoding(), Encoding::Ucs2);
    assert_eq!(substitute("déjà {vu} €").replaced, []);
}

proptest! {
    #[test]
    fn segments_join_and_fit(text in "[a-z€\\[ê😀 ]{0,400}", sixteen: bool) {
        let reference = if sixteen { Reference::Sixteen } else { Reference::Eight };
        let cost = segments_with(&text, reference);
        let parts = split_with(&text, cost.encoding, reference);
        prop_assert_eq!(parts.concat(), text.clone());
        prop_assert_eq!(parts.len(), cost.count);
        let room = if parts.len() == 1 { cost.encoding.single() } else { cost.encoding.part(reference) };
        let mut units = 0;
        let mut last = 0;
        for part in &parts {
            let mut octets = Vec::new();
            last = match cost.encoding {
                Encoding::Gsm7 => {
                    encode_gsm7(part, &mut octets).unwrap();
                    prop_assert_eq!(decode_gsm7(&octets), *part);
                    octets.len()
                }
                Encoding::Ucs2 => {
                    encode_ucs2(part, &mut octets);
                    prop_assert_eq!(decode_ucs2(&octets), *part);
                    octets.len() / 2
                }
            };
            prop_assert!(last <= room);
            units += last;
        }
        prop_assert_eq!(units, cost.units);
        prop_assert_eq!(room - last, cost.remaining);
    }

    #[test]
    fn packing_is_undone(septets in proptest::collection::vec(0_u8..128, 0..200), fill in 0_u8..7) {
        let octets = pack(&septets, fill);
        prop_assert_eq!(octets.len(), (septets.len() * 7 + usize::from(fill)).div_ceil(8));
        prop_assert_eq!(unpack(&octets, septets.len(), fill), septets);
    }

    #[test]
    fn decoding_never_panics(octets in proptest::collection::vec(any::<u8>(), 0..300), count in 0_usize..400, fill in any::<u8>()) {
        decode_gsm7(&octets);
        decode_ucs2(&octets);
        unpack(&octets, count, fill);
    }

    #[test]
    fn a_substitute_is_never_worse(text in "\\PC{0,100}") {
        let substitution = substitute(&text);
        prop_assert_eq!(substitution.encoding() == Encoding::Gsm7, substitution.left.is_empty());
        prop_assert_eq!(substitute(&substitution.text).text, substitution.text);
    }
}
