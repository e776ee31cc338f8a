//! Audiences: whom a query means, now.

use crate::{App, AppError};
use ::audience::{Attribute, Compiled, Environment, Names, Property, Query, QueryError, Reference, Subject, Value};
use base::Part;
use base::place::Span;
use rust_decimal::Decimal;
use serde_json::Value as Json;
use store::contact::Candidate;

/// How many contacts are read at a time.
const CHUNK: usize = 2_000;

/// A query that can be evaluated here.
pub struct Audience {
    /// As parsed; its `Display` is the normal form.
    pub query: Query,
    /// As it runs.
    pub compiled: Compiled,
}

/// Why a query cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AudienceError {
    /// It is not valid; the text is the query with a mark under the place.
    #[error("the query cannot be used:\n{0}")]
    Query(String),
    /// The store refused.
    #[error(transparent)]
    App(#[from] AppError),
}

impl From<store::StoreError> for AudienceError {
    fn from(error: store::StoreError) -> Self {
        Self::App(error.into())
    }
}

/// Id, path and positions of each place, as queries name them.
pub(crate) fn spans(places: &store::registry::Places) -> Vec<(String, String, Span)> {
    let span = |place: &store::registry::PlaceRow| {
        let depth = u32::try_from(base::place::split_path(&place.path).count()).unwrap_or(1).saturating_sub(1);
        (place.source_id.clone(), place.path.clone(), Span { left: place.low, right: place.high, depth })
    };
    places.iter().map(span).collect()
}

impl App {
    /// How queries are read here.
    pub fn query_environment(&self) -> Environment {
        let mut environment = Environment::new(self.now().timestamp());
        environment.timezone = self.settings.timezone.clone();
        environment.default_country.clone_from(&self.settings.region);
        environment
    }

    /// The fields, groups, flows and places that queries can name.
    pub async fn query_names(&self) -> Result<Names, AppError> {
        let fields = self.store.fields().await?;
        let kind = |kind: &str| match kind {
            "number" => ::audience::FieldType::Number,
            "datetime" => ::audience::FieldType::Datetime,
            "state" => ::audience::FieldType::State,
            "district" => ::audience::FieldType::District,
            "ward" => ::audience::FieldType::Ward,
            _ => ::audience::FieldType::Text,
        };
        let groups = self.store.groups().await?;
        let flows = self.store.flows().await?;
        let places = self.store.places().await?;
        Ok(Names::default()
            .with_fields(fields.into_iter().map(|field| (field.key, kind(&field.kind))))
            .with_groups(groups.into_iter().map(|group| Reference { uuid: group.id.to_string(), name: group.name }))
            .with_flows(flows.into_iter().map(|flow| Reference { uuid: flow.id.to_string(), name: flow.name }))
            .with_places(spans(&places).iter().map(|(id, path, span)| (&**id, &**path, *span))))
    }

    /// Reads a query.
    ///
    /// # Errors
    /// [`AudienceError::Query`] with the query and a mark under the place that is wrong.
    pub async fn audience(&self, text: &str) -> Result<Audience, AudienceError> {
        let environment = self.query_environment();
        let names = self.query_names().await?;
        let shown = |error: &QueryError| AudienceError::Query(error.render(text));
        let query = ::audience::parse(text, &environment, &names).map_err(|error| shown(&error))?;
        if query.inspect().attributes.contains(&Attribute::History) {
            return Err(AudienceError::Query("`history` cannot be asked for yet: use `flow` or a group".into()));
        }
        let compiled = query.compile(&environment).map_err(|error| shown(&error))?;
        Ok(Audience { query, compiled })
    }

    /// Calls `each` with every contact whom the audience means, part by part.
    ///
    /// # Errors
    /// The store's.
    pub async fn each_member(&self, audience: &Audience, mut each: impl FnMut(Candidate)) -> Result<(), AppError> {
        // What the store's indexes can answer; what they cannot is looked at contact by contact.
        let filter = self.store.audience_filter(&audience.compiled).await?;
        for part in Part::all() {
            let mut after = None;
            loop {
                let candidates = self.store.candidates_filtered(&filter, part, after, CHUNK).await?;
                let Some(last) = candidates.last() else { break };
                after = Some(last.contact);
                let full = candidates.len() == CHUNK;
                candidates.into_iter().filter(|candidate| audience.contains(candidate)).for_each(&mut each);
                if !full {
                    break;
                }
            }
        }
        Ok(())
    }
}

impl Audience {
    /// Whether the audience means a contact.
    pub fn contains(&self, candidate: &Candidate) -> bool {
        self.compiled.matches(&Seen(candidate))
    }
}

/// A contact as a query sees it.
struct Seen<'a>(&'a Candidate);

impl Subject for Seen<'_> {
    fn each(&self, property: &Property, visit: &mut dyn FnMut(Value<'_>)) {
        let contact = self.0;
        match property {
            Property::Attribute(attribute) => match attribute {
                Attribute::Uuid => texts([contact.contact.to_string().as_str()], visit),
                Attribute::Name => texts(contact.name.as_deref(), visit),
                Attribute::Status => texts([contact.status.as_str()], visit),
                Attribute::Language => texts(contact.language.as_deref(), visit),
                Attribute::Urn => texts(contact.urns.iter().map(|urn| path_of(urn).1), visit),
                Attribute::Group => {
                    contact.groups.iter().for_each(|group| texts([group.to_string().as_str()], visit));
                }
                Attribute::Flow => contact.flow.iter().for_each(|flow| texts([flow.to_string().as_str()], visit)),
                Attribute::CreatedOn => visit(Value::Time(contact.created_on.timestamp())),
                Attribute::LastSeenOn => {
                    contact.last_seen_on.iter().for_each(|at| visit(Value::Time(at.timestamp())));
                }
                Attribute::Tickets => visit(Value::Number(Decimal::ZERO)),
                Attribute::Id | Attribute::Ref | Attribute::History => {}
            },
            Property::Urn(scheme) => {
                let paths = contact.urns.iter().map(|urn| path_of(urn));
                texts(paths.filter(|(of, _)| of == scheme).map(|(_, path)| path), visit);
            }
            Property::Field(key) => field(&contact.fields, key, visit),
            Property::Worker(attribute) => contact.attributes.each(*attribute, visit),
        }
    }
}

fn texts<'a>(texts: impl IntoIterator<Item = &'a str>, visit: &mut dyn FnMut(Value<'_>)) {
    texts.into_iter().filter(|text| !text.is_empty()).for_each(|text| visit(Value::Text(text)));
}

/// The scheme and the path of a URN.
fn path_of(urn: &str) -> (&str, &str) {
    let identity = urn.split(['?', '#']).next().unwrap_or(urn);
    identity.split_once(':').unwrap_or(("", identity))
}

/// The values of a field: the text or the place, and the number and the instant that the text can be read as.
fn field(fields: &str, key: &str, visit: &mut dyn FnMut(Value<'_>)) {
    if fields == "{}" {
        return;
    }
    let Ok(all) = serde_json::from_str::<Json>(fields) else { return };
    let Some(value) = all.get(key) else { return };
    let text = |name: &str| value.get(name).and_then(Json::as_str);
    if let Some(number) = value.get("number").and_then(|number| number.to_string().trim_matches('"').parse().ok()) {
        visit(Value::Number(number));
    }
    if let Some(at) = text("datetime").and_then(|at| at.parse().ok()) {
        visit(Value::Time(at));
    }
    let place = ["ward", "district", "state"].into_iter().find_map(text);
    let place = place.and_then(|path| base::place::split_path(path).next_back());
    if let Some(text) = place.or(text("text")).filter(|text| !text.is_empty()) {
        visit(Value::Text(text));
    }
}
