//! Runs recorded conversations: as regression tests of flows.

use super::SimulateError;
use super::services::{Mock, ServiceOptions, Services};
use crate::assets::Assets;
use crate::contact::Contact;
use crate::engine::{Answer, Engine, Evaluated, Outcome, Segment, Sources, Sprint};
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

    /// Runs the conversation. The contact is the same one in memory throughout; the session goes through its JSON
    /// between sprints, as it does when it is stored.
    pub fn run(&self, assets: &Assets) -> Result<Replayed, SimulateError> {
        let mut services = Services::new(&self.options, self.http_mocks.clone());
        let engine = services.engine();
        let trigger = Trigger::read(self.trigger.get())?;
        let mut contact = self.contact.clone();
        let mut missing = contact.drop_missing(assets);
        missing.extend(trigger.missing(assets));
        if let Some(reference) = missing.into_iter().next() {
            return Err(SimulateError::Missing(reference));
        }
        let mut resumes = Vec::with_capacity(self.resumes.len());
        for resume in &self.resumes {
            resumes.push(Resume::read(resume.get())?);
        }
        let env = &self.environment;
        let sources = Sources::new(self.now.unwrap_or_else(default_now), IdMaker::from_u64(1));
        let mut sprint = complete(&mut services, |answers| {
            let (contact, call, trigger) = (contact.clone(), self.call.clone(), trigger.clone());
            Ok(engine.start(assets, env, contact, call, trigger, sources.clone(), answers)?)
        })?;
        let mut outputs = Vec::with_capacity(resumes.len() + 1);
        let mut last = None;
        for (i, resume) in resumes.into_iter().enumerate() {
            if sprint.session.status != SessionStatus::Waiting {
                return Err(SimulateError::LeftOver(i + 1));
            }
            let json = record(&mut outputs, sprint.events, sprint.segments, &sprint.session)?;
            let (contact, sources) = (sprint.contact, sprint.sources);
            sprint = complete(&mut services, |answers| {
                let session = Session::read(&json)?;
                let (contact, call, resume) = (contact.clone(), self.call.clone(), resume.clone());
                Ok(engine.resume(assets, env, session, contact, call, resume, sources.clone(), answers)?)
            })?;
            last = Some(resume);
        }
        let (events, segments) = (std::mem::take(&mut sprint.events), std::mem::take(&mut sprint.segments));
        record(&mut outputs, events, segments, &sprint.session)?;
        let report = Report { outputs, contact: sprint.contact.clone() };
        Ok(Replayed { report, engine, sprint, resume: last })
    }

    /// Evaluates templates as the run that a conversation executed last would, at another time if one is given.
    pub fn evaluate(
        &self,
        assets: &Assets,
        replayed: &Replayed,
        now: Option<Timestamp>,
        templates: &[String],
    ) -> Vec<Evaluated> {
        let mut sources = replayed.sprint.sources.clone();
        sources.now = now.unwrap_or(sources.now);
        let (call, resume) = (self.call.as_ref(), replayed.resume.as_ref());
        let one = |template: &String| {
            let template = Template::parse(template);
            replayed.engine.evaluate(assets, &self.environment, &replayed.sprint, call, resume, &mut sources, &template)
        };
        templates.iter().map(one).collect()
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
