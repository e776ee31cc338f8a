//! Practitioner and PractitionerRole, with the extensions of iHRIS.

use base::Lang;
use base::text::collapse;
use serde_json::Value;

use super::{Context, Keys, PersonRecord, RoleRecord, element};
use crate::finding::Code;
use crate::model::{Address, Coded, Gender, Hash, Phone, PhoneState, Post, Status, Worker};
use crate::phones::{PhoneText, read_phones};

/// A FHIR Practitioner.
pub(super) fn practitioner(
    value: &Value,
    id: String,
    keys: Keys,
    raw: String,
    context: &mut Context<'_>,
) -> PersonRecord {
    let (name, given, family) = name(value, &id, context);
    let gender = element::text(value, "gender").and_then(|gender| {
        let known = match gender.to_ascii_lowercase().as_str() {
            "male" => Some(Gender::Male),
            "female" => Some(Gender::Female),
            "other" => Some(Gender::Other),
            "unknown" => Some(Gender::Unknown),
            _ => None,
        };
        if known.is_none() {
            context.find(Code::BadGender, "gender", format!("'{gender}' is no gender"));
        }
        known
    });
    let birth_date = element::date(value, "birthDate", "birthDate", context);
    let residence = element::reference(
        element::extension(value, "ihris-practitioner-residence"),
        "Location",
        "extension('ihris-practitioner-residence').value",
        context,
    );
    let mut skills: Vec<Coded> = Vec::new();
    for qualification in element::list(value, "qualification") {
        let code = qualification.get("code").and_then(element::coded);
        add_skill(&mut skills, code);
    }
    let worker = Worker {
        source: context.options.source.to_owned(),
        name,
        given,
        family,
        gender,
        language: language(value, context),
        birth_date,
        phones: phones(value, &id, context),
        emails: emails(value),
        posts: Vec::new(),
        skills,
        address: Address {
            residence_ref: None,
            nationality: element::extension(value, "ihris-practitioner-nationality").and_then(element::coded),
        },
        identifiers: element::identifiers(value),
        status: Status::Active,
        left: None,
        raw,
        hash: Hash::default(),
        source_id: id,
    };
    PersonRecord {
        origin: context.origin.clone(),
        keys,
        worker,
        active: element::truth(value, "active").unwrap_or(true),
        residence,
    }
}

/// A FHIR PractitionerRole.
pub(super) fn role(value: &Value, id: String, keys: Keys, raw: String, context: &mut Context<'_>) -> RoleRecord {
    let mut codes: Vec<Coded> = Vec::new();
    for concept in element::list(value, "code") {
        let several = element::list(concept, "coding");
        if several.len() > 1 {
            // Each coding has its own words; the concept's words are those of the first.
            for (at, coding) in several.iter().enumerate() {
                let code = if at == 0 { element::coded(concept) } else { element::coded(coding) };
                add_skill(&mut codes, code);
            }
        } else {
            add_skill(&mut codes, element::coded(concept));
        }
    }
    let is_cadre = |code: &&Coded| code.system.as_deref().is_some_and(|system| system.ends_with("/ihris-cadre"));
    let cadre = codes.iter().find(is_cadre).or_else(|| codes.first()).cloned();
    let nothing = Value::Null;
    let period = value.get("period").unwrap_or(&nothing);
    let period_start = element::date(period, "start", "period.start", context);
    let period_end = element::date(period, "end", "period.end", context);
    let today = context.options.today;
    let over = period_end.as_ref().and_then(crate::model::PartialDate::last_day).is_some_and(|last| last < today);
    let mut specialties = Vec::new();
    for specialty in element::list(value, "specialty") {
        add_skill(&mut specialties, element::coded(specialty));
    }
    let post = Post {
        cadre,
        codes,
        facility_ref: None,
        place_ref: None,
        period_start,
        period_end,
        active: element::truth(value, "active").unwrap_or(true) && !over,
        employment: element::extension(value, "ihris-practitionerrole-employment-status").and_then(element::coded),
        departure: element::extension(value, "ihris-practitionerrole-reason-departure").and_then(element::coded),
        raw,
        source_id: id,
    };
    let locations = element::list(value, "location")
        .iter()
        .enumerate()
        .filter_map(|(at, location)| {
            element::reference(Some(location), "Location", &format!("location[{at}]"), context)
        })
        .collect();
    RoleRecord {
        practitioner: element::reference(value.get("practitioner"), "Practitioner", "practitioner", context),
        organization: element::reference(value.get("organization"), "Organization", "organization", context),
        locations,
        phones: phones(value, &post.source_id, context),
        specialties,
        origin: context.origin.clone(),
        keys,
        post,
    }
}

fn add_skill(skills: &mut Vec<Coded>, code: Option<Coded>) {
    if let Some(code) = code
        && !skills.contains(&code)
    {
        skills.push(code);
    }
}

/// The whole name, the given names and the family name of the name in use.
fn name(value: &Value, id: &str, context: &mut Context<'_>) -> (String, Vec<String>, Option<String>) {
    let names = element::list(value, "name");
    let order = |name: &&Value| match element::text(name, "use").as_deref() {
        Some("official") => 0,
        Some("usual") => 1,
        None => 2,
        Some("temp" | "anonymous") => 4,
        Some("old" | "maiden") => 5,
        Some(_) => 3,
    };
    if let Some(name) = names.iter().min_by_key(order) {
        if let Some(whole) = element::plain(name) {
            context.find(Code::Lenient, "name", "a text stands where a HumanName should be");
            return (collapse(&whole).into_owned(), Vec::new(), None);
        }
        let given: Vec<String> = element::list(name, "given").iter().filter_map(element::plain).collect();
        let family = element::text(name, "family");
        let whole = element::text(name, "text").unwrap_or_else(|| {
            let parts: Vec<&str> = given.iter().chain(&family).map(String::as_str).collect();
            parts.join(" ")
        });
        if !whole.is_empty() {
            return (collapse(&whole).into_owned(), given, family);
        }
    }
    context.find(Code::NoName, "name", format!("the practitioner '{id}' has no name"));
    (id.to_owned(), Vec::new(), None)
}

/// Telephones among the contact points; `sms` counts as a mobile phone. Fax and pager numbers are none.
fn phones(value: &Value, worker: &str, context: &mut Context<'_>) -> Vec<Phone> {
    let mut fields = Vec::new();
    let points = element::list(value, "telecom");
    for (at, point) in points.iter().enumerate() {
        let system = element::text(point, "system");
        let text = point.get("value").and_then(Value::as_str).or_else(|| point.as_str());
        let number = point.get("value").filter(|value| value.is_number()).map(ToString::to_string);
        let Some(text) = text.map(str::to_owned).or(number) else { continue };
        let is_phone = match system.as_deref() {
            Some("phone" | "sms") => true,
            Some("fax" | "pager" | "email") => false,
            Some("url" | "other") => text.starts_with("tel:"),
            _ => !text.contains('@') && !text.contains("://"),
        };
        if !is_phone {
            continue;
        }
        let path = format!("telecom[{at}].value");
        let used = element::text(point, "use");
        let nothing = Value::Null;
        let end = element::date(
            point.get("period").unwrap_or(&nothing),
            "end",
            &format!("telecom[{at}].period.end"),
            context,
        );
        let over = end.and_then(|end| end.last_day()).is_some_and(|last| last < context.options.today);
        let state = if over || used.as_deref() == Some("old") { PhoneState::Old } else { PhoneState::Active };
        fields.push((
            text.strip_prefix("tel:").unwrap_or(&text).to_owned(),
            element::text(point, "rank").and_then(|rank| rank.parse().ok()),
            used.as_deref() == Some("mobile") || system.as_deref() == Some("sms"),
            state,
            context.origin.at(&path),
        ));
    }
    let fields = fields
        .iter()
        .map(|(text, rank, mobile, state, origin)| PhoneText {
            text,
            rank: *rank,
            mobile: *mobile,
            state: *state,
            origin: origin.clone(),
        })
        .collect();
    read_phones(worker, fields, context.options.region, context.findings)
}

fn emails(value: &Value) -> Vec<String> {
    let mut emails: Vec<String> = Vec::new();
    for point in element::list(value, "telecom") {
        let Some(text) = element::text(point, "value") else { continue };
        if (element::text(point, "system").as_deref() == Some("email") || text.contains('@')) && !emails.contains(&text)
        {
            emails.push(text);
        }
    }
    emails
}

/// The first known language of `communication`, else of iHRIS' language proficiency.
fn language(value: &Value, context: &mut Context<'_>) -> Option<Lang> {
    let mut refused = None;
    for (at, concept) in element::list(value, "communication").iter().enumerate() {
        // R5 and Patient put the concept one level deeper.
        let concept = concept.get("language").unwrap_or(concept);
        let Some(code) = element::coded(concept) else { continue };
        match Lang::parse(&code.code).or_else(|_| Lang::parse(&code.label)) {
            Ok(language) => return Some(language),
            Err(error) => refused = refused.or(Some((format!("communication[{at}]"), error))),
        }
    }
    for extension in element::list(value, "extension") {
        if !element::is_named(extension, "ihris-practitioner-language-proficiency") {
            continue;
        }
        let parts = element::list(extension, "extension");
        let named = parts.iter().filter(|part| element::is_named(part, "language"));
        for part in named.chain([extension]) {
            let Some(code) = element::extension_value(part).and_then(element::coded) else { continue };
            if let Ok(language) = Lang::parse(&code.code).or_else(|_| Lang::parse(&code.label)) {
                return Some(language);
            }
        }
    }
    if let Some((path, error)) = refused {
        context.find(Code::BadLanguage, &path, error.to_string());
    }
    None
}
