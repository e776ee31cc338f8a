//! The demo bundles of iHRIS 5, which this repository does not carry.

use registry::{Code, Gender, Import, PlaceKind, Status};
use std::path::PathBuf;

use super::{count, import_with};

const FILES: &[&str] = &["Country", "Region", "District", "Facility", "Practitioner", "PractitionerRole"];

/// The bundles, or none where they are absent, which in CI is a failure.
fn bundles() -> Option<Vec<(String, Vec<u8>)>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures/ihris/demo");
    if !folder.is_dir() {
        assert!(std::env::var_os("CI").is_none(), "the demo bundles of iHRIS are needed in CI: {}", folder.display());
        println!("skipped: no demo bundles of iHRIS at {}", folder.display());
        return None;
    }
    let read = |name: &&str| {
        let name = format!("bundle-{name}.json");
        let bytes = std::fs::read(folder.join(&name)).unwrap();
        (name, bytes)
    };
    Some(FILES.iter().map(read).collect())
}

fn import_all(files: &[(String, Vec<u8>)]) -> Import {
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    import_with(&files, Some("US"), None)
}

#[test]
fn everything_is_read_and_linked() {
    let Some(files) = bundles() else { return };
    let import = import_all(&files);
    let summary = &import.summary;
    assert_eq!((summary.workers, summary.posts, import.loose_posts.len()), (1_007, 1_008, 0));
    assert_eq!((summary.facilities, summary.jurisdictions), (15, 282));
    assert_eq!(summary.errors, 0, "{:#?}", import.findings);
    assert_eq!(count(&import, Code::UnresolvedReference), 0);
    // `managingOrganization` is a text in every facility.
    assert_eq!(count(&import, Code::Lenient), 15);
    // Three numbers are in the form of the United States, none of them in use there; a fax is no phone.
    let with_phones: Vec<_> = import.workers.iter().filter(|worker| !worker.phones.is_empty()).collect();
    assert_eq!(with_phones.len() + count(&import, Code::UnreadablePhone), 1 + count(&import, Code::UnreadablePhone));
    let numbers: Vec<(&str, u16, bool)> = with_phones[0]
        .phones
        .iter()
        .map(|phone| (phone.number.number.as_str(), phone.rank, phone.number.valid))
        .collect();
    assert_eq!(numbers, [("+12222222222", 1, false), ("+11111111111", 2, false), ("+13333333333", 3, false)]);
    assert_eq!(summary.without_phone, 1_006);
}

#[test]
fn a_worker_has_all_that_the_source_says() {
    let Some(files) = bundles() else { return };
    let import = import_all(&files);
    let worker = import.workers.iter().find(|worker| worker.source_id == "P10004").unwrap();
    assert_eq!((worker.name.as_str(), worker.family.as_deref()), ("Tekiokio Traifrop", Some("Traifrop")));
    assert_eq!(worker.given, ["Tekiokio"]);
    assert_eq!(worker.gender, Some(Gender::Female));
    assert_eq!(worker.birth_date.as_ref().unwrap().as_str(), "1979-01-01");
    assert_eq!((worker.skills[0].code.as_str(), worker.skills[0].label.as_str()), ("BA", "Bachelor of Arts"));
    assert_eq!(worker.address.residence_ref.as_deref(), Some("TF.W.GAS"));
    assert_eq!(worker.address.nationality.as_ref().unwrap().code, "TF");
    let raw: serde_json::Value = serde_json::from_str(&worker.raw).unwrap();
    assert_eq!(raw["id"], "P10004");

    let post = import.workers.iter().flat_map(|worker| &worker.posts).find(|post| post.source_id == "PR10001").unwrap();
    let cadre = post.cadre.as_ref().unwrap();
    assert_eq!(cadre.system.as_deref(), Some("http://ihris.org/fhir/CodeSystem/ihris-job"));
    assert_eq!((cadre.code.as_str(), cadre.label.as_str()), ("4222-1A", "Receptionist"));
    assert_eq!((post.facility_ref.as_deref(), post.active), (Some("TF.S.NYS.11"), true));

    let place = import.places.iter().find(|place| place.source_id == "TF.W.RSH.1").unwrap();
    assert_eq!(
        (place.name.as_str(), place.kind, place.parent.as_deref()),
        ("Rushonga Hospital", PlaceKind::Facility, Some("TF.W.RSH"))
    );
    assert_eq!(place.level.as_ref().unwrap().code, "HOSP");
    assert!(place.raw_organization.is_some());
    let district = import.places.iter().find(|place| place.source_id == "TF.CC.CAP").unwrap();
    assert_eq!((district.kind, district.level.as_ref().unwrap().label.as_str()), (PlaceKind::Jurisdiction, "District"));
}

#[test]
fn leavers_have_left() {
    let Some(files) = bundles() else { return };
    let import = import_all(&files);
    let left: Vec<_> = import.workers.iter().filter(|worker| worker.status == Status::Left).collect();
    let ended = import.workers.iter().flat_map(|worker| &worker.posts).filter(|post| !post.active).count();
    assert_eq!(ended, 13);
    assert!(!left.is_empty() && left.len() <= ended, "{} of {ended}", left.len());
    for worker in left {
        assert!(worker.posts.iter().all(|post| !post.active));
        assert!(worker.left.as_ref().unwrap().on.is_some());
    }
}

#[test]
fn the_order_of_the_files_does_not_matter_and_a_second_import_changes_nothing() {
    let Some(mut files) = bundles() else { return };
    let first = import_all(&files);
    files.reverse();
    let second = import_all(&files);
    assert!(first.workers == second.workers && first.places == second.places);
    let old = first.workers.iter().map(|worker| (worker.source_id.clone(), worker.hash)).collect();
    let changes = registry::changes(&old, second.workers.iter().map(|worker| (worker.source_id.as_str(), worker.hash)));
    assert_eq!((changes.new.len(), changes.changed.len(), changes.unchanged, changes.gone.len()), (0, 0, 1_007, 0));
}

#[test]
fn a_cut_file_keeps_what_came_before() {
    let Some(files) = bundles() else { return };
    let (name, bytes) = files.iter().find(|(name, _)| name == "bundle-Practitioner.json").unwrap();
    let cut = import_with(&[(name, &bytes[..bytes.len() / 2])], Some("US"), None);
    assert!((400..600).contains(&cut.summary.workers), "{}", cut.summary.workers);
    assert_eq!(count(&cut, Code::Truncated), 1);
    let truncated = cut.findings.iter().find(|finding| finding.code == Code::Truncated).unwrap();
    assert!(truncated.place.path.starts_with("Bundle.entry["), "{}", truncated.place);
}
