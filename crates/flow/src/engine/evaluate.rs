//! Evaluating templates in the context of a sprint that is over.

use super::context::{State, View};
use super::destination::Regions;
use super::surroundings::session_environment;
use super::{Engine, Sources, Sprint};
use crate::assets::Assets;
use crate::environment::Environment;
use crate::event::Call;
use crate::expression::{Problem, Scope, Template, Value};
use crate::resume::Resume;

/// What a template gives.
#[derive(Clone, Debug)]
pub struct Evaluated {
    /// As text, without the parts that had errors.
    pub text: String,
    /// As a value; an error when it is one expression that has one.
    pub value: Value,
    /// Errors of the parts.
    pub errors: Vec<Problem>,
    /// Warnings, each once.
    pub warnings: Vec<String>,
}

/// Evaluates templates in the context of one sprint.
pub struct Evaluator<'a> {
    engine: &'a Engine,
    state: State<'a>,
    env: Environment,
    sources: Sources,
}

impl Engine {
    /// What evaluates templates as the run that `sprint` executed last would: for the people who write flows.
    pub fn evaluator<'a>(
        &'a self,
        assets: &'a Assets,
        env: &Environment,
        sprint: &Sprint,
        call: Option<&Call>,
        resume: Option<&Resume>,
        sources: Sources,
    ) -> Evaluator<'a> {
        let regions = Regions::default();
        let (env, _) = session_environment(assets, env, &sprint.contact, &regions);
        let mut state = State {
            assets,
            contact: sprint.contact.clone(),
            call: call.cloned(),
            flows: vec![None; sprint.session.runs.len()],
            session: sprint.session.clone(),
            run: sprint.run,
            resume: resume.cloned(),
            regions,
        };
        if sprint.run < state.flows.len() {
            state.load_flow(sprint.run);
        }
        Evaluator { engine: self, state, env, sources }
    }
}

impl Evaluator<'_> {
    fn scoped<T>(&mut self, work: impl FnOnce(&mut Scope<'_>) -> T) -> T {
        let Self { engine, state, env, sources } = self;
        let view = View { state, env };
        let ids = &mut sources.ids;
        let mut random = || ids.unit();
        let mut scope = Scope::new(env, &view, sources.now, &mut random);
        scope.locations = state.assets.locations();
        scope.prompts = &engine.options.prompts;
        work(&mut scope)
    }

    /// The text that a template gives, without the parts that have errors.
    pub fn text(&mut self, template: &Template) -> String {
        self.scoped(|scope| template.text(scope))
    }

    /// All that a template gives.
    pub fn evaluate(&mut self, template: &Template) -> Evaluated {
        self.scoped(|scope| {
            let text = template.text(scope);
            let (errors, warnings) = (std::mem::take(&mut scope.errors), std::mem::take(&mut scope.warnings));
            let value = template.value(scope);
            Evaluated { text, value, errors, warnings }
        })
    }
}
