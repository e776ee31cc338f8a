//! Runs a recorded conversation.

use super::services::{Mock, ServiceOptions, Services};
use anyhow::{Context as _, anyhow, bail};
use base::IdMaker;
use flow::engine::{Segment, Sprint};
use flow::event::Call;
use flow::session::SessionStatus;
use flow::{Answer, Assets, Contact, Engine, Environment, Event, Modifier, Outcome, Resume, Session, Sources, Trigger};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// A recorded conversation.
#[derive(Deserialize)]
pub(super) struct Case {
    #[serde(default, deserialize_with = "or_default")]
    pub(super) environment: Environment,
    contact: Contact,
    trigger: Box<RawValue>,
    #[serde(default)]
    pub(super) call: Option<Call>,
    #[serde(default, deserialize_with = "or_default")]
    resumes: Vec<Box<RawValue>>,
    #[serde(default, deserialize_with = "or_default")]
    http_mocks: BTreeMap<String, Vec<Mock>>,
    #[serde(default)]
    now: Option<jiff::Timestamp>,
    #[serde(default, deserialize_with = "or_default")]
    options: ServiceOptions,
}

/// A change to a contact.
#[derive(Deserialize)]
pub(super) struct ModifyCase {
    pub(super) contact: Contact,
    pub(super) modifier: Modifier,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) options: ServiceOptions,
    #[serde(default)]
    pub(super) now: Option<jiff::Timestamp>,
}

fn or_default<'de, D: serde::Deserializer<'de>, T: Default + Deserialize<'de>>(from: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

#[derive(Serialize)]
struct Output {
    events: Vec<Event>,
    session: Box<RawValue>,
    segments: Vec<Segment>,
}

#[derive(Serialize)]
pub(super) struct Report {
    outputs: Vec<Output>,
    contact: Contact,
}

/// A conversation that was run, and the state after its last sprint.
pub(super) struct Replayed {
    pub(super) report: Report,
    pub(super) engine: Engine,
    pub(super) sprint: Sprint,
    pub(super) resume: Option<Resume>,
    pub(super) sources: Sources,
}

impl Case {
    pub(super) fn read(text: &str) -> anyhow::Result<Self> {
        serde_json::from_str(text).context("unable to read the case")
    }
}

/// Sources of a replay: the clock stands still, chance and ids are always the same.
pub(super) fn sources(now: Option<jiff::Timestamp>) -> Sources {
    let start = jiff::Timestamp::new(1_746_361_845, 123_456_789).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    Sources::new(now.unwrap_or(start), IdMaker::from_u64(1))
}

fn complete(
    services: &mut Services,
    mut step: impl FnMut(&[Answer]) -> anyhow::Result<Outcome>,
) -> anyhow::Result<Sprint> {
    let mut answers = Vec::new();
    loop {
        match step(&answers)? {
            Outcome::Done(sprint) => return Ok(*sprint),
            Outcome::Need(request) => answers.push(services.answer(request)?),
        }
    }
}

fn check_missing(contact: &mut Contact, trigger: &Trigger, assets: &Assets) -> anyhow::Result<()> {
    let mut missing = contact.drop_missing(assets);
    missing.extend(trigger.missing(assets));
    match missing.first() {
        None => Ok(()),
        Some(reference) => bail!("missing asset: {reference}"),
    }
}

/// Runs the conversation. The contact is the same in-memory one throughout; the session goes through its JSON between
/// sprints, as it does when it is stored.
pub(super) fn run(assets: &Assets, case: &Case) -> anyhow::Result<Replayed> {
    let mut services = Services::new(&case.options, case.http_mocks.clone());
    let engine = services.engine();
    let trigger = Trigger::read(case.trigger.get())?;
    let mut contact = case.contact.clone();
    check_missing(&mut contact, &trigger, assets)?;
    let resumes: Vec<Resume> = case.resumes.iter().map(|r| Resume::read(r.get())).collect::<Result<_, _>>()?;
    let env = &case.environment;
    let mut sources = sources(case.now);
    let mut sprint = complete(&mut services, |answers| {
        let (contact, call, trigger) = (contact.clone(), case.call.clone(), trigger.clone());
        Ok(engine.start(assets, env, contact, call, trigger, sources.clone(), answers)?)
    })?;
    let mut outputs = Vec::with_capacity(resumes.len() + 1);
    let mut last = None;
    for (i, resume) in resumes.into_iter().enumerate() {
        // Another stretch of the same stream of ids for each sprint.
        sources.ids = IdMaker::from_u64(2 + i as u64);
        if sprint.session.status != SessionStatus::Waiting {
            return Err(anyhow!("resume {} is left over: the session doesn't wait", i + 1));
        }
        let contact = sprint.contact.clone();
        let json = record(&mut outputs, sprint)?;
        sprint = complete(&mut services, |answers| {
            let session = Session::read(&json)?;
            let (contact, call, resume) = (contact.clone(), case.call.clone(), resume.clone());
            Ok(engine.resume(assets, env, session, contact, call, resume, sources.clone(), answers)?)
        })?;
        last = Some(resume);
    }
    let kept = Sprint {
        session: sprint.session.clone(),
        contact: sprint.contact.clone(),
        events: Vec::new(),
        segments: Vec::new(),
        run: sprint.run,
    };
    record(&mut outputs, sprint)?;
    let report = Report { outputs, contact: kept.contact.clone() };
    Ok(Replayed { report, engine, sprint: kept, resume: last, sources })
}

/// Records what a sprint did; gives the session's JSON.
fn record(outputs: &mut Vec<Output>, sprint: Sprint) -> anyhow::Result<String> {
    let mut session = sprint.session;
    session.compact();
    let json = session.to_json();
    let session = RawValue::from_string(json.clone())?;
    outputs.push(Output { events: sprint.events, session, segments: sprint.segments });
    Ok(json)
}
