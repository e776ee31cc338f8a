//! Evaluating templates in the context of a sprint that is over.

use super::context::{State, View};
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

impl Engine {
    #[expect(clippy::too_many_arguments, reason = "everything it depends on is an argument")]
    /// Evaluates a template as the run that `sprint` executed last would: for the people who write flows.
    pub fn evaluate(
        &self,
        assets: &Assets,
        env: &Environment,
        sprint: &Sprint,
        call: Option<&Call>,
        resume: Option<&Resume>,
        sources: &mut Sources,
        template: &Template,
    ) -> Evaluated {
        let (env, _) = session_environment(assets, env, &sprint.contact);
        let mut state = State {
            assets,
            contact: sprint.contact.clone(),
            call: call.cloned(),
            flows: vec![None; sprint.session.runs.len()],
            session: sprint.session.clone(),
            run: sprint.run,
            resume: resume.cloned(),
        };
        if sprint.run < state.flows.len() {
            state.load_flow(sprint.run);
        }
        let view = View { state: &state, env: &env };
        let ids = &mut sources.ids;
        let mut random = || ids.unit();
        let mut scope = Scope::new(&env, &view, sources.now, &mut random);
        scope.locations = assets.locations();
        scope.prompts = &self.options.prompts;
        let text = template.text(&mut scope);
        let (errors, warnings) = (std::mem::take(&mut scope.errors), std::mem::take(&mut scope.warnings));
        let value = template.value(&mut scope);
        Evaluated { text, value, errors, warnings }
    }
}
