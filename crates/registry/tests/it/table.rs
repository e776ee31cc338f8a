//! CSV files and workbooks.

use base::Lang;
use registry::{Assembly, Code, Gender, Known, Mapping, MappingError, Options, Status};
use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};

use super::{TODAY, count, found, import, import_with, workers};

#[test]
fn headers_in_english() {
    let text = "Staff ID,Full Name,Phone No.,Phone 2,Job Title,Facility,County,District,Skills,Language,Sex,Status,End Date\n\
        7,Ama Kollie,0990000001,0990000002/0990000003,Midwife,Suakoko Clinic,Bong,Suakoko,\"EmONC; Vaccination\",en,F,active,\n\
        \n\
        8,Bai Conteh,990000004,,Nurse,,Nimba,,,fr,M,,2020-05-01\n";
    let import = import(&[("staff.csv", text.as_bytes())]);
    assert_eq!(found(&import), Vec::<String>::new());
    assert_eq!(
        workers(&import),
        ["7 Ama Kollie: +231990000001 +231990000002 +231990000003", "8 Bai Conteh: +231990000004"]
    );
    let (ama, bai) = (&import.workers[0], &import.workers[1]);
    assert_eq!((ama.gender, ama.language, ama.status), (Some(Gender::Female), Some(Lang::ENG), Status::Active));
    assert_eq!(ama.skills.iter().map(|skill| skill.code.as_str()).collect::<Vec<_>>(), ["emonc", "vaccination"]);
    let post = &ama.posts[0];
    assert_eq!(post.facility_ref.as_deref(), Some("bong > suakoko > suakoko clinic"));
    assert_eq!(post.cadre.as_ref().unwrap().label, "Midwife");
    assert_eq!((bai.posts[0].facility_ref.as_deref(), bai.posts[0].place_ref.as_deref()), (None, Some("nimba")));
    assert_eq!(bai.status, Status::Left);
    assert_eq!(bai.left.as_ref().unwrap().on.as_ref().unwrap().as_str(), "2020-05-01");
    let places: Vec<_> = import.places.iter().map(|place| (place.name.as_str(), place.parent.as_deref())).collect();
    assert_eq!(
        places,
        [("Bong", None), ("Suakoko", Some("bong")), ("Suakoko Clinic", Some("bong > suakoko")), ("Nimba", None)]
    );
    let raw: serde_json::Value = serde_json::from_str(&ama.raw).unwrap();
    assert_eq!(raw["Phone 2"], "0990000002/0990000003");
}

#[test]
fn headers_in_french_latin_1_and_semicolons() {
    let text = "Liste du personnel;;\nNom;Prénom;N° de téléphone;Zone de santé;Établissement;Sexe\nBâ;Aïssatou;0990000001;Kéniéba;Hôpital régional;Femme\n";
    let latin: Vec<u8> = text.chars().map(|c| u8::try_from(c as u32).unwrap()).collect();
    let import = import(&[("personnel.csv", &latin)]);
    assert_eq!(found(&import), ["encoding personnel.csv:1"]);
    assert!(import.findings[0].message.contains("windows-1252"));
    assert_eq!(workers(&import), ["aissatou ba|+231990000001 Aïssatou Bâ: +231990000001"]);
    assert_eq!(import.workers[0].posts[0].facility_ref.as_deref(), Some("kenieba > hopital regional"));
}

#[test]
fn encodings_and_delimiters() {
    let text = "name\tphone\nÉlise\t0990000001\n";
    let utf16le: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let utf16be_bom: Vec<u8> = [0xfe, 0xff].into_iter().chain(text.encode_utf16().flat_map(u16::to_be_bytes)).collect();
    let bom: Vec<u8> = [0xef, 0xbb, 0xbf].into_iter().chain(text.bytes()).collect();
    for (bytes, name, guessed) in [
        (text.as_bytes().to_vec(), "UTF-8", 0),
        (bom, "UTF-8", 0),
        (utf16be_bom, "UTF-16BE", 0),
        (utf16le, "UTF-16LE", 1),
        (text.replace('\t', "|").into_bytes(), "UTF-8", 0),
        (text.replace('\t', ";").replace('\n', "\r\n").into_bytes(), "UTF-8", 0),
        (format!("sep=;\n{}", text.replace('\t', ";")).into_bytes(), "UTF-8", 0),
    ] {
        let import = import(&[("t.csv", &bytes)]);
        assert_eq!(workers(&import), ["elise|+231990000001 Élise: +231990000001"], "{name}");
        assert_eq!(import.summary.files[0].encoding.as_deref(), Some(name));
        assert_eq!(count(&import, Code::Encoding), guessed);
    }
}

#[test]
fn broken_rows_cost_no_other() {
    let text = "name,phone,cadre\n\
        Ama,0990000001,nurse\n\
        \"Bai,0990000002,nurse\n\
        Cora,0990000003,nurse\n\
        Dado,0990000004,nurse,extra,cells\n\
        ,0990000005,nurse\n\
        Ella,8.8661E+08,nurse\n\
        \"Fay\nLine two\",0990000007,nurse\n\
        Go\0ta,0990000008,\"nurse \"\"senior\"\"\"\n\
        Hana,,nurse\n\
        Ibra,0990000009\n";
    let import = import(&[("t.csv", text.as_bytes())]);
    assert_eq!(
        workers(&import),
        [
            "ama|+231990000001 Ama: +231990000001",
            "cora|+231990000003 Cora: +231990000003",
            "ella Ella: ",
            "fay line two|+231990000007 Fay Line two: +231990000007",
            "gota|+231990000008 Gota: +231990000008",
            "hana Hana: ",
            "ibra|+231990000009 Ibra: +231990000009",
        ]
    );
    assert_eq!(
        found(&import),
        [
            "syntax t.csv:3",
            "row_too_long t.csv:5",
            "empty_name t.csv:6 name",
            "unreadable_phone t.csv:7 phone",
            "nul_removed t.csv:10",
            "no_phone t.csv:11 phone",
        ]
    );
    assert_eq!(import.workers[4].posts[0].cadre.as_ref().unwrap().label, "nurse \"senior\"");
}

#[test]
fn the_same_worker_twice_and_one_id_for_two() {
    let text = "name,phone,facility\n\
        Ama Kollie,0990000001,Phebe\n\
        AMA  Kollie,+231 990 000 001 / 0990000002,Suakoko\n";
    let read = import(&[("t.csv", text.as_bytes())]);
    assert_eq!(workers(&read), ["ama kollie|+231990000001 Ama Kollie: +231990000001 +231990000002"]);
    assert_eq!(read.workers[0].posts.len(), 2);
    assert_eq!(found(&read), ["same_worker t.csv:3"]);

    let read = import(&[("t.csv", b"id,name,phone\n1,Ama,0990000001\n1,Bai,0990000002\n")]);
    assert_eq!(workers(&read), ["1 Ama: +231990000001", "1|bai Bai: +231990000002"]);
    assert_eq!(found(&read), ["duplicate_id t.csv:3"]);
}

#[test]
fn titles_and_headers_may_have_several_lines() {
    let text = "\"Staff list\n2026\",,\n\n\"Full\nname\",\"Phone\nnumber\",cadre\nAma,0990000001,nurse\n";
    let import = import(&[("t.csv", text.as_bytes())]);
    assert_eq!((workers(&import), found(&import)), (vec!["ama|+231990000001 Ama: +231990000001".to_owned()], vec![]));
}

#[test]
fn progress_goes_up_to_the_end() {
    let mut text = "name,phone\n".to_owned();
    for at in 0..2_000 {
        text += &["Ama ", &at.to_string(), ",0990000001\n"].concat();
    }
    let options = Options { source: "test", region: Some("LR"), today: TODAY, mapping: None };
    let mut seen = Vec::new();
    let mut assembly = Assembly::new(options, Known::default(), Box::new(Vec::new()));
    assembly.read("t.csv", &mut text.as_bytes(), &mut |done| seen.push(done)).unwrap();
    assert!(seen.len() > 2 && seen.is_sorted() && seen.iter().all(|done| *done <= text.len() as u64));
}

#[test]
fn an_edited_table_changes_only_what_was_edited() {
    let hashes = |text: &str| {
        import(&[("t.csv", text.as_bytes())])
            .workers
            .into_iter()
            .map(|worker| (worker.source_id, worker.hash))
            .collect::<Vec<_>>()
    };
    let old = hashes("name,phone,cadre\nAma,0990000001,nurse\nBai,0990000002,nurse\nCora,0990000003,nurse\n");
    let new = hashes("name,phone,cadre\nDado,0990000004,nurse\nBai,0990000002,midwife\nAma,0990000001,nurse\n");
    let same: Vec<_> = new.iter().filter(|worker| old.contains(worker)).map(|(id, _)| id.as_str()).collect();
    assert_eq!(same, ["ama|+231990000001"]);
    let ids: Vec<_> = new.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(ids, ["ama|+231990000001", "bai|+231990000002", "dado|+231990000004"]);
}

#[test]
fn a_mapping_says_what_headers_do_not() {
    let text = "Year 2026,,,\nAgent de santé,Contact A,Function,Remarks\nAma,0990000001,RN,tall\n";
    let unmapped = import(&[("t.csv", text.as_bytes())]);
    assert_eq!(unmapped.findings.iter().map(|finding| finding.code).collect::<Vec<_>>(), [Code::MissingColumn]);
    let mapping = Mapping::parse(
        "header_row = 2\n[columns]\n\"AGENT DE SANTE\" = \"name\"\n\"Contact A\" = \"phone\"\n\"Function\" = \"cadre\"\n\"Remarks\" = \"ignore\"\n[cadres]\nrn = \"nurse\"\n",
    )
    .unwrap();
    let mapped = import_with(&[("t.csv", text.as_bytes())], Some("LR"), Some(&mapping));
    assert_eq!(found(&mapped), Vec::<String>::new());
    let cadre = mapped.workers[0].posts[0].cadre.as_ref().unwrap();
    assert_eq!((cadre.code.as_str(), cadre.label.as_str()), ("nurse", "RN"));

    let error = Mapping::parse("[columns]\na = \"shoe size\"\n").unwrap_err();
    assert!(matches!(&error, MappingError::Field { field, .. } if field == "shoe size"), "{error}");
    assert!(matches!(Mapping::parse("delimiter = \"ab\""), Err(MappingError::Delimiter(_))));
    let error = Mapping::parse("colums = 1").unwrap_err().to_string();
    assert!(error.contains("line 1"), "{error}");
}

#[test]
fn missing_columns_are_named() {
    let import = import(&[("t.csv", b"name,shoe size\nAma,38\n")]);
    assert_eq!(found(&import), ["missing_column t.csv:1"]);
    assert_eq!(import.findings[0].message, "no column for phone; the columns are: name, shoe size");
}

#[test]
fn values_that_are_not_known_are_left_out() {
    let text = "name,phone,language,gender,status,birth date,favourite colour\nAma,0990000001,Klingon?,tall,asleep,03/04/1990,red\n";
    let import = import(&[("t.csv", text.as_bytes())]);
    let mut codes: Vec<Code> = import.findings.iter().map(|finding| finding.code).collect();
    codes.sort_unstable();
    assert_eq!(codes, [Code::UnknownColumn, Code::BadDate, Code::BadLanguage, Code::BadGender, Code::BadStatus]);
    assert_eq!(import.workers[0].status, Status::Active);
}

#[test]
fn a_workbook() {
    let mut workbook = Workbook::new();
    workbook.add_worksheet().set_name("Read me").unwrap().write_string(0, 0, "Nothing here").unwrap();
    let sheet = workbook.add_worksheet().set_name("Staff").unwrap();
    for (at, header) in (0..).zip(["Employee number", "Name", "Mobile", "Date of birth", "Hospital"]) {
        sheet.write_string(2, at, header).unwrap();
    }
    let day = Format::new().set_num_format("dd/mm/yyyy");
    sheet.write_number(3, 0, 42.0).unwrap();
    sheet.write_string(3, 1, "Ama Kollie").unwrap();
    sheet.write_number(3, 2, 990_000_001.0).unwrap();
    sheet.write_datetime_with_format(3, 3, ExcelDateTime::from_ymd(1979, 3, 31).unwrap(), &day).unwrap();
    sheet.write_string(3, 4, "Phebe").unwrap();
    sheet.write_string(5, 1, "Bai Conteh").unwrap();
    sheet.write_string(5, 2, "0990000002\n0990000003").unwrap();
    let bytes = workbook.save_to_buffer().unwrap();
    let import = import(&[("staff.xlsx", &bytes)]);
    assert_eq!(found(&import), Vec::<String>::new());
    assert_eq!(
        workers(&import),
        ["42 Ama Kollie: +231990000001", "bai conteh|+231990000002 Bai Conteh: +231990000002 +231990000003"]
    );
    assert_eq!(import.workers[0].birth_date.as_ref().unwrap().as_str(), "1979-03-31");

    let mapping = Mapping::parse("sheet = \"Personnel\"").unwrap();
    let refused = import_with(&[("staff.xlsx", &bytes)], Some("LR"), Some(&mapping));
    assert_eq!(refused.findings[0].message, "there is no sheet 'Personnel'; the sheets are: Read me, Staff");
}
