//! The demo bundles of iHRIS 5, which this repository does not carry.

use registry::{Code, PlaceKind, Status};
use serde_json::Value;
use std::path::PathBuf;

use super::{Import, count, import_with};

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
    assert_eq!(summary.without_phone, 1_006);
}

/// The resources of one type, by id.
fn resources<'a>(bundles: &'a [Value], kind: &str) -> Vec<&'a Value> {
    let entries = bundles.iter().flat_map(|bundle| bundle["entry"].as_array().unwrap());
    entries.map(|entry| &entry["resource"]).filter(|resource| resource["resourceType"] == kind).collect()
}

/// The last part of a reference.
fn target(reference: &Value) -> Option<&str> {
    reference["reference"].as_str()?.rsplit('/').next()
}

#[test]
fn all_that_the_source_says_is_there() {
    let Some(files) = bundles() else { return };
    let import = import_all(&files);
    let bundles: Vec<Value> = files.iter().map(|(_, bytes)| serde_json::from_slice(bytes).unwrap()).collect();

    for source in resources(&bundles, "Practitioner") {
        let worker = import.workers.iter().find(|worker| source["id"] == worker.source_id.as_str()).unwrap();
        assert_eq!(source["name"][0]["text"].as_str().unwrap().trim(), worker.name);
        assert_eq!(source["name"][0]["family"].as_str(), worker.family.as_deref());
        let gender = worker.gender.map(|gender| serde_json::to_value(gender).unwrap());
        assert_eq!(source.get("gender"), gender.as_ref());
        assert_eq!(source["birthDate"].as_str(), worker.birth_date.as_ref().map(registry::PartialDate::as_str));
        let skills: Vec<&str> = worker.skills.iter().map(|skill| skill.code.as_str()).collect();
        for qualification in source["qualification"].as_array().into_iter().flatten() {
            assert!(skills.contains(&qualification["code"]["coding"][0]["code"].as_str().unwrap()), "{skills:?}");
        }
        let extension = |name: &str| {
            let mut extensions = source["extension"].as_array().unwrap().iter();
            extensions.find(|extension| extension["url"].as_str().unwrap().ends_with(name))
        };
        let residence = extension("/ihris-practitioner-residence").and_then(|found| target(&found["valueReference"]));
        assert_eq!(residence, worker.address.residence_ref.as_deref());
        let nationality =
            extension("/ihris-practitioner-nationality").and_then(|found| found["valueCoding"]["code"].as_str());
        assert_eq!(nationality, worker.address.nationality.as_ref().map(|code| code.code.as_str()));
        assert_eq!(serde_json::from_str::<Value>(&worker.raw).unwrap(), *source);
    }
    for source in resources(&bundles, "PractitionerRole") {
        let worker =
            import.workers.iter().find(|worker| Some(worker.source_id.as_str()) == target(&source["practitioner"]));
        let post = worker.unwrap().posts.iter().find(|post| source["id"] == post.source_id.as_str()).unwrap();
        let cadre = post.cadre.as_ref().unwrap();
        assert_eq!(source["code"][0]["coding"][0]["system"].as_str(), cadre.system.as_deref());
        assert_eq!(source["code"][0]["coding"][0]["code"], cadre.code.as_str());
        assert_eq!(source["code"][0]["text"].as_str().unwrap().trim(), cadre.label);
        assert_eq!(target(&source["location"][0]), post.facility_ref.as_deref());
        assert_eq!(post.active, source["period"].get("end").is_none());
    }
    for source in resources(&bundles, "Location") {
        let place = import.places.iter().find(|place| source["id"] == place.source_id.as_str()).unwrap();
        assert_eq!(target(&source["partOf"]), place.parent.as_deref());
        let facility = source.get("managingOrganization").is_some();
        assert_eq!(place.kind == PlaceKind::Facility, facility);
        assert_eq!(place.raw_organization.is_some(), facility);
        assert!(place.level.as_ref().is_some_and(|level| !level.code.starts_with("urn:")), "{:?}", place.level);
    }
}

#[test]
fn the_mobile_phone_comes_first() {
    let Some(files) = bundles() else { return };
    let import = import_all(&files);
    let bundles: Vec<Value> = files.iter().map(|(_, bytes)| serde_json::from_slice(bytes).unwrap()).collect();
    let worker = import.workers.iter().find(|worker| !worker.phones.is_empty()).unwrap();
    let source =
        resources(&bundles, "Practitioner").into_iter().find(|source| source["id"] == worker.source_id.as_str());
    let mut points: Vec<&Value> = source.unwrap()["telecom"].as_array().unwrap().iter().collect();
    points.retain(|point| point["system"] == "phone");
    points.sort_by_key(|point| (point["use"] != "mobile", point["rank"].as_u64()));
    assert!(points.len() > 1);
    let expected: Vec<String> =
        points.iter().map(|point| format!("+1{}", point["value"].as_str().unwrap().replace('-', ""))).collect();
    let numbers: Vec<&str> = worker.phones.iter().map(|phone| phone.number.number.as_str()).collect();
    assert_eq!(numbers, expected);
    assert!(worker.phones.iter().zip(1..).all(|(phone, rank)| phone.rank == rank));
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
    assert_eq!(first.workers.len(), 1_007);
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
