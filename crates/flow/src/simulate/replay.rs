//! Runs recorded conversations: as regression tests of flows.

use super::SimulateError;
use super::services::{Mock, ServiceOptions, Services};
use crate::assets::Assets;
use crate::contact::Contact;
use crate::engine::{Answer, Engine, Evaluated, Evaluator, Outcome, Segment, Sources, Sprint};
use crate::environment::Environment;
use crate::event::{Call, Event};
use crate::expression::Template;
use crate::modifier::{Modified, Modifier};
use crate::resume::Resume;
use crate::session::{Session, SessionStatus};
use crate::trigger::Trigger;
use base::IdMaker;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// A recorded conversation.
#[derive(Deserialize)]
pub struct Case {
    #[serde(default, deserialize_with = "or_default")]
    environment: Environment,
    contact: Contact,
    trigger: Box<RawValue>,
    #[serde(default)]
    call: Option<Call>,
    #[serde(default, deserialize_with = "or_default")]
    resumes: Vec<Box<RawValue>>,
    #[serde(default, deserialize_with = "or_default")]
    http_mocks: BTreeMap<String, Vec<Mock>>,
    #[serde(default)]
    now: Option<Timestamp>,
    #[serde(default, deserialize_with = "or_default")]
    options: ServiceOptions,
}

/// A recorded conversation with everything read and checked, ready to be run any number of times.
pub struct Prepared<'a> {
    case: &'a Case,
    assets: &'a Assets,
    engine: Engine,
    services: Services,
    contact: Contact,
    trigger: Trigger,
    resumes: Vec<Resume>,
    sources: Sources,
}

/// A contact, and a change to it.
#[derive(Deserialize)]
pub struct ModifyCase {
    contact: Contact,
    modifier: Modifier,
    #[serde(default, deserialize_with = "or_default")]
    options: ServiceOptions,
    #[serde(default)]
    now: Option<Timestamp>,
}

fn or_default<'de, D: serde::Deserializer<'de>, T: Default + Deserialize<'de>>(from: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

/// What one sprint did, and the session as it is stored after it.
#[derive(Serialize)]
struct Output {
    events: Vec<Event>,
    session: Box<RawValue>,
    segments: Vec<Segment>,
}

/// What a conversation did: one output per sprint, and the contact after the last.
#[derive(Serialize)]
pub struct Report {
    outputs: Vec<Output>,
    contact: Contact,
}

/// What a modifier did.
#[derive(Serialize)]
pub struct ModifyReport {
    contact: Contact,
    events: Vec<Event>,
}

/// A conversation that was run, with the state after its last sprint.
pub struct Replayed {
    /// What it did.
    pub report: Report,
    engine: Engine,
    sprint: Sprint,
    resume: Option<Resume>,
}

/// The start of the clock when a case doesn't say: 2025-05-04T12:30:45.123456789Z.
fn default_now() -> Timestamp {
    Timestamp::new(1_746_361_845, 123_456_789).unwrap_or(Timestamp::UNIX_EPOCH)
}

fn complete(
    services: &mut Services,
    mut step: impl FnMut(&[Answer]) -> Result<Outcome, SimulateError>,
) -> Result<Sprint, SimulateError> {
    let mut answers = Vec::new();
    loop {
        match step(&answers)? {
            Outcome::Done(sprint) => return Ok(*sprint),
            Outcome::Need(request) => answers.push(services.answer(request)?),
        }
    }
}

/// Records what a sprint did; gives the session's JSON.
fn record(
    outputs: &mut Vec<Output>,
    events: Vec<Event>,
    segments: Vec<Segment>,
    session: &Session,
) -> Result<String, SimulateError> {
    let mut session = session.clone();
    session.compact();
    let json = session.to_json();
    outputs.push(Output { events, session: RawValue::from_string(json.clone())?, segments });
    Ok(json)
}

impl Case {
    /// Reads a case's JSON.
    pub fn read(text: &str) -> Result<Self, SimulateError> {
        Ok(serde_json::from_str(text)?)
    }

    /// Reads what the conversation is made of, and checks what it refers to.
    pub fn prepare<'a>(&'a self, assets: &'a Assets) -> Result<Prepared<'a>, SimulateError> {
        let trigger = Trigger::read(self.trigger.get())?;
        let mut contact = self.contact.clone();
        let mut missing = contact.drop_missing(assets);
        missing.extend(trigger.missing(assets));
        if let Some(reference) = missing.into_iter().next() {
            return Err(SimulateError::Missing(reference));
        }
        let resumes = self.resumes.iter().map(|resume| Resume::read(resume.get())).collect::<Result<_, _>>()?;
        let services = Services::new(&self.options, self.http_mocks.clone());
        Ok(Prepared {
            case: self,
            assets,
            engine: services.engine(),
            services,
            contact,
            trigger,
            resumes,
            sources: Sources::new(self.now.unwrap_or_else(default_now), IdMaker::from_u64(1)),
        })
    }

    /// Runs the conversation. The contact is the same one in memory throughout; the session goes through its JSON
    /// between sprints, as it does when it is stored.
    pub fn run(&self, assets: &Assets) -> Result<Replayed, SimulateError> {
        let prepared = self.prepare(assets)?;
        let mut services = prepared.services();
        let mut sprint = prepared.start(&mut services)?;
        let mut outputs = Vec::with_capacity(prepared.resumes.len() + 1);
        for i in 0..prepared.resumes.len() {
            if sprint.session.status != SessionStatus::Waiting {
                return Err(SimulateError::LeftOver(i + 1));
            }
            let json = record(&mut outputs, sprint.events, sprint.segments, &sprint.session)?;
            sprint = prepared.resume(&mut services, i, &json, sprint.contact, sprint.sources)?;
        }
        let (events, segments) = (std::mem::take(&mut sprint.events), std::mem::take(&mut sprint.segments));
        record(&mut outputs, events, segments, &sprint.session)?;
        let report = Report { outputs, contact: sprint.contact.clone() };
        let Prepared { engine, mut resumes, .. } = prepared;
        Ok(Replayed { report, engine, sprint, resume: resumes.pop() })
    }

    /// What evaluates templates as the run that a conversation executed last would, at another time if one is given.
    pub fn evaluator<'a>(
        &'a self,
        assets: &'a Assets,
        replayed: &'a Replayed,
        now: Option<Timestamp>,
    ) -> Evaluator<'a> {
        let mut sources = replayed.sprint.sources.clone();
        sources.now = now.unwrap_or(sources.now);
        let (call, resume) = (self.call.as_ref(), replayed.resume.as_ref());
        replayed.engine.evaluator(assets, &self.environment, &replayed.sprint, call, resume, sources)
    }

    /// Evaluates templates as the run that a conversation executed last would, at another time if one is given.
    pub fn evaluate(
        &self,
        assets: &Assets,
        replayed: &Replayed,
        now: Option<Timestamp>,
        templates: &[String],
    ) -> Vec<Evaluated> {
        let mut evaluator = self.evaluator(assets, replayed, now);
        templates.iter().map(|template| evaluator.evaluate(&Template::parse(template))).collect()
    }
}

impl Prepared<'_> {
    /// The services that answer it: one set for each time it is run, as answers are used up.
    pub fn services(&self) -> Services {
        self.services.clone()
    }

    /// How many resumes it has.
    pub fn resumes(&self) -> usize {
        self.resumes.len()
    }

    /// The first sprint.
    pub fn start(&self, services: &mut Services) -> Result<Sprint, SimulateError> {
        complete(services, |answers| {
            let (contact, call, trigger) = (self.contact.clone(), self.case.call.clone(), self.trigger.clone());
            let sources = self.sources.clone();
            Ok(self.engine.start(self.assets, &self.case.environment, contact, call, trigger, sources, answers)?)
        })
    }

    /// The first sprint and the one of the first resume, if there is one; between them the session goes through its
    /// JSON. The cost of this is what a host pays for an answer, without its store.
    pub fn round_trip(&self, services: &mut Services) -> Result<Sprint, SimulateError> {
        let mut sprint = self.start(services)?;
        sprint.session.compact();
        let json = sprint.session.to_json();
        if self.resumes.is_empty() {
            sprint.session = Session::read(&json)?;
            return Ok(sprint);
        }
        self.resume(services, 0, &json, sprint.contact, sprint.sources)
    }

    /// The sprint of resume number `resume`, with the session's JSON and what the sprint before left.
    pub fn resume(
        &self,
        services: &mut Services,
        resume: usize,
        session: &str,
        contact: Contact,
        sources: Sources,
    ) -> Result<Sprint, SimulateError> {
        let env = &self.case.environment;
        let Some(resume) = self.resumes.get(resume) else { return Err(SimulateError::LeftOver(resume + 1)) };
        complete(services, |answers| {
            let session = Session::read(session)?;
            let (contact, call, resume) = (contact.clone(), self.case.call.clone(), resume.clone());
            Ok(self.engine.resume(self.assets, env, session, contact, call, resume, sources.clone(), answers)?)
        })
    }
}

impl ModifyCase {
    /// Reads a case's JSON.
    pub fn read(text: &str) -> Result<Self, SimulateError> {
        Ok(serde_json::from_str(text)?)
    }

    /// Applies the modifier.
    pub fn run(&self, assets: &Assets) -> Result<ModifyReport, SimulateError> {
        let mut services = Services::new(&self.options, BTreeMap::new());
        let engine = services.engine();
        let sources = Sources::new(self.now.unwrap_or_else(default_now), IdMaker::from_u64(1));
        let environment = Environment::default();
        let mut answers = Vec::new();
        loop {
            let contact = self.contact.clone();
            match engine.modify(assets, &environment, contact, &self.modifier, sources.clone(), &answers)? {
                Modified::Need(request) => answers.push(services.answer(request)?),
                Modified::Done { contact, events, .. } => return Ok(ModifyReport { contact: *contact, events }),
            }
        }
    }
}
