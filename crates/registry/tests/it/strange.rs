//! What strangers send: nothing panics, and nothing is lost without a word.

use registry::{Code, PhoneState, Status};
use rust_xlsxwriter::{ExcelDateTime, Format, Formula, Workbook};

use super::{Import, count, found, import, workers};

fn bundle(entries: &[&str]) -> Import {
    let text =
        format!("{{\"resourceType\": \"Bundle\", \"type\": \"collection\", \"entry\": [{}]}}", entries.join(","));
    import(&[("b.json", text.as_bytes())])
}

const AMA: &str = r#"{"resource": {"resourceType": "Practitioner", "id": "p1", "name": [{"text": "Ama"}]}}"#;

#[test]
fn roles_that_end_or_belong_to_nobody() {
    let role = |rest: &str| format!(r#"{{"resource": {{"resourceType": "PractitionerRole", {rest}}}}}"#);
    let of_ama = r#""practitioner": {"reference": "Practitioner/p1"}"#;
    for (rest, status, codes) in [
        (format!(r#""id": "r", {of_ama}"#), Status::Active, vec![]),
        (format!(r#""id": "r", {of_ama}, "active": false"#), Status::Left, vec![]),
        (format!(r#""id": "r", {of_ama}, "period": {{"end": "2026-11-22"}}"#), Status::Left, vec![]),
        (format!(r#""id": "r", {of_ama}, "period": {{"end": "2026-11-23"}}"#), Status::Active, vec![]),
        (format!(r#""id": "r", {of_ama}, "period": {{"end": "soon"}}"#), Status::Active, vec![Code::BadDate]),
        (format!(r#""id": "r", {of_ama}, "period": "2020""#), Status::Active, vec![]),
        (r#""id": "r""#.to_owned(), Status::Active, vec![Code::NoWorker]),
        (r#""id": "r", "practitioner": {}"#.to_owned(), Status::Active, vec![Code::BadField, Code::NoWorker]),
        (
            r#""id": "r", "practitioner": {"reference": "Practitioner/gone"}"#.to_owned(),
            Status::Active,
            vec![Code::UnresolvedReference],
        ),
        (
            format!(r##""id": "r", {of_ama}, "location": [{{"reference": "#here"}}]"##),
            Status::Active,
            vec![Code::UnresolvedReference],
        ),
        (of_ama.to_owned(), Status::Active, vec![Code::NoId]),
    ] {
        let import = bundle(&[AMA, &role(&rest)]);
        let mut have: Vec<Code> = import.findings.iter().map(|finding| finding.code).collect();
        have.sort();
        let mut codes = codes;
        codes.sort();
        assert_eq!((import.workers[0].status, have), (status, codes), "{rest}");
        assert!(import.findings.iter().all(|finding| finding.place.line > 0 && !finding.remedy.is_empty()));
    }
}

#[test]
fn the_same_practitioner_twice() {
    let other = AMA.replace("Ama", "Bai");
    let import = bundle(&[AMA, &other]);
    assert_eq!((workers(&import), count(&import, Code::DuplicateId)), (vec!["p1 Bai: ".to_owned()], 1));
    let later = other.replace(r#""id": "p1""#, r#""id": "p1", "meta": {"versionId": "2"}"#);
    let first = AMA.replace(r#""id": "p1""#, r#""id": "p1", "meta": {"versionId": "10"}"#);
    let import = bundle(&[&first, &later]);
    assert_eq!((workers(&import), count(&import, Code::DuplicateId)), (vec!["p1 Ama: ".to_owned()], 0));
    assert_eq!(count(&bundle(&[AMA, AMA]), Code::DuplicateId), 0);
}

#[test]
fn telephones_by_use_rank_and_period() {
    let import = bundle(&[
        r#"{"resource": {"resourceType": "Practitioner", "id": "p1", "name": [{"text": "Ama"}], "telecom": [
        {"system": "phone", "value": "0990000001", "rank": 3}, {"system": "phone", "value": "0990000002", "rank": 1},
        {"system": "phone", "value": "0990000003", "period": {"end": "2020"}}, {"system": "sms", "value": "0990000004"},
        {"system": "phone", "value": "0990000005", "use": "old", "rank": 1}, {"system": "phone"}, null, 5, "0990000006"]}}"#,
    ]);
    let phones = &import.workers[0].phones;
    let order: Vec<&str> = phones.iter().map(|phone| &phone.number.number[11..]).collect();
    assert_eq!(order, ["04", "02", "01", "06", "05", "03"]);
    assert_eq!(phones.iter().filter(|phone| phone.state == PhoneState::Old).count(), 2);
}

#[test]
fn places_within_themselves() {
    let place = |id: &str, parent: &str| {
        format!(
            r#"{{"resource": {{"resourceType": "Location", "id": "{id}", "name": "{id}", "partOf": {{"reference": "Location/{parent}"}}}}}}"#
        )
    };
    let import = bundle(&[&place("a", "b"), &place("b", "c"), &place("c", "a"), &place("d", "d"), &place("e", "a")]);
    assert_eq!((import.places.len(), count(&import, Code::PlaceCycle)), (5, 2));
    let tops: Vec<_> =
        import.places.iter().filter(|place| place.parent.is_none()).map(|place| &*place.source_id).collect();
    assert_eq!(tops, ["a", "d"]);
}

#[test]
fn by_urn_and_identifier() {
    let import = bundle(&[
        r#"{"fullUrl": "urn:uuid:0192f3a0-0000-7000-8000-000000000001", "resource": {"resourceType": "Practitioner",
            "name": [{"text": "Ama"}], "identifier": [{"system": "urn:licence", "value": "7"}]}}"#,
        r#"{"resource": {"resourceType": "PractitionerRole", "id": "r1",
            "practitioner": {"reference": "urn:uuid:0192f3a0-0000-7000-8000-000000000001"}}}"#,
        r#"{"resource": {"resourceType": "PractitionerRole", "id": "r2",
            "practitioner": {"identifier": {"system": "urn:licence", "value": "7"}}}}"#,
    ]);
    assert_eq!((import.workers[0].posts.len(), found(&import)), (2, vec![]));
}

#[test]
fn what_the_source_deletes_is_told() {
    let import = bundle(&[
        AMA,
        r#"{"request": {"method": "DELETE", "url": "http://hr.example.org/fhir/Practitioner/p2/"}}"#,
        r#"{"request": {"method": "DELETE", "url": "PractitionerRole/r2"}}"#,
        r#"{"request": {"method": "DELETE", "url": "/"}}"#,
    ]);
    let deleted: Vec<_> = import.deleted.iter().map(|(kind, id)| format!("{kind}/{id}")).collect();
    assert_eq!(deleted, ["Practitioner/p2", "PractitionerRole/r2"]);
    let codes: Vec<Code> = import.findings.iter().map(|finding| finding.code).collect();
    assert_eq!(codes, [Code::Deleted, Code::BadField]);
}

#[test]
fn encodings() {
    let table = "name,phone\nZoé Koïta,0990000001\n";
    let latin: Vec<u8> = table.chars().map(|c| c as u8).collect();
    let utf_16 = |big: bool, mark: bool| -> Vec<u8> {
        let units = mark.then_some(0xfeff).into_iter().chain(table.encode_utf16());
        units.flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
    };
    let marked = [b"\xef\xbb\xbf", table.as_bytes()].concat();
    for (bytes, encoding) in [
        (table.as_bytes().to_vec(), "UTF-8"),
        (marked, "UTF-8"),
        (latin, "windows-1252"),
        (utf_16(false, true), "UTF-16LE"),
        (utf_16(true, true), "UTF-16BE"),
        (utf_16(false, false), "UTF-16LE"),
    ] {
        let import = import(&[("t.csv", &bytes)]);
        assert_eq!(workers(&import), ["zoe koita|+231990000001 Zoé Koïta: +231990000001"], "{encoding}");
        assert_eq!(import.summary.files[0].encoding.as_deref(), Some(encoding));
    }
}

/// A long file is decided on where its first letter beyond ASCII stands, whether or not that is far from its start.
#[test]
fn a_late_letter_decides_on_the_encoding() {
    let entry = |at: usize, name: &[u8]| {
        let start =
            format!(r#"{{"resource": {{"resourceType": "Practitioner", "id": "p{at:05}", "name": [{{"text": ""#);
        [start.as_bytes(), name, br#""}]}}"#].concat()
    };
    for (name, encoding) in [(&b"Zo\xe9"[..], "windows-1252"), ("Zoé".as_bytes(), "UTF-8")] {
        let mut text = b"{\"resourceType\": \"Bundle\", \"entry\": [".to_vec();
        for at in 0..6_000 {
            text.extend(entry(at, b"Ama"));
            text.push(b',');
        }
        text.extend(entry(6_000, name));
        text.extend(b"]}");
        assert!(text.len() > 400_000);
        let import = import(&[("b.json", &text)]);
        assert_eq!((import.workers.len(), import.workers[6_000].name.as_str()), (6_001, "Zoé"));
        assert_eq!(import.summary.files[0].encoding.as_deref(), Some(encoding));
    }
}

#[test]
fn files_that_are_no_table() {
    for (bytes, code) in [
        (&b""[..], Code::UnknownFormat),
        (b" \n\t ", Code::UnknownFormat),
        (b"\xef\xbb\xbf", Code::UnknownFormat),
        (b"<Bundle/>", Code::UnknownFormat),
        (b"%PDF-1.7\n", Code::UnknownFormat),
        (b"PK\x03\x04 no workbook", Code::Syntax),
        (b"one line without a separator", Code::MissingColumn),
        (b"{\"resourceType\": \"Bundle\"", Code::Truncated),
        (b"{", Code::Truncated),
        (b"[", Code::Truncated),
    ] {
        let import = import(&[("f", bytes)]);
        assert_eq!(import.findings.iter().map(|f| f.code).collect::<Vec<_>>(), [code], "{:?}", str::from_utf8(bytes));
    }
}

#[test]
fn a_header_twice() {
    let import = import(&[("t.csv", b"name,phone,phone,name\nAma,0990000001,0990000002,Kollie\n")]);
    assert_eq!(import.workers[0].phones.len(), 2);
    assert!(import.workers[0].raw.contains("Kollie"), "{}", import.workers[0].raw);
}

#[test]
fn workbooks_as_people_make_them() {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    sheet.merge_range(0, 0, 0, 4, "Staff of Bong", &Format::new()).unwrap();
    for (at, header) in ["Name", "Phone", "Cadre", "Birth date", "Status"].iter().enumerate() {
        sheet.write(1, at as u16, *header).unwrap();
    }
    let date = ExcelDateTime::from_ymd(1979, 3, 31).unwrap();
    let format = Format::new().set_num_format("dd/mm/yyyy");
    sheet.write(2, 0, "Ama").unwrap();
    sheet.write_number(2, 1, 231_990_000_001_f64).unwrap();
    sheet.merge_range(2, 2, 3, 2, "Nurse", &Format::new()).unwrap();
    sheet.write_datetime_with_format(2, 3, date, &format).unwrap();
    sheet.write(3, 0, "Bai").unwrap();
    sheet.write(3, 1, "2.31886E+11").unwrap();
    sheet.write(3, 3, "31.03.1979").unwrap();
    sheet.write_formula(4, 0, Formula::new("=\"Co\"&\"ra\"").set_result("Cora")).unwrap();
    sheet.write_formula(4, 1, Formula::new("=B3+1").set_result("231990000002")).unwrap();
    sheet.write(4, 4, "resigned?").unwrap();
    let import = import(&[("t.xlsx", &book.save_to_buffer().unwrap())]);
    let names: Vec<&str> = import.workers.iter().map(|worker| worker.name.as_str()).collect();
    assert_eq!(names, ["Ama", "Bai", "Cora"]);
    assert_eq!(import.workers[0].phones[0].number.number, "+231990000001");
    assert_eq!(import.workers[2].phones[0].number.number, "+231990000002");
    assert!(
        import.workers[..2].iter().all(|w| w.birth_date.as_ref().is_some_and(|date| date.as_str() == "1979-03-31"))
    );
    // Of merged cells only the first has the text: that the second is empty cannot be known.
    let cadres: Vec<usize> = import.workers.iter().map(|worker| worker.posts.len()).collect();
    assert_eq!(cadres, [1, 0, 0]);
    assert_eq!(found(&import), ["unreadable_phone t.xlsx:4 Phone", "bad_status t.xlsx:5 Status"]);
}
