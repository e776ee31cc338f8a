//! `call_llm`: asks a language model.

use super::set_run_local::local_name;
use super::{Kind, Result};
use crate::definition::AllowedIn;
use crate::definition::fields::{Fields, Item, MAX_TEMPLATE};
use crate::engine::{Answer, Execution, Halt, Request};
use crate::event::EventKind;
use crate::expression::Template;
use crate::inspect::Findings;
use crate::reference::LlmRef;

const MAX_TOKENS: u32 = 2500;
/// What the flow sees when there is no answer.
const FAILED: &str = "<ERROR>";

#[derive(Clone, Debug)]
pub(super) struct CallLlm {
    llm: LlmRef,
    instructions: Template,
    input: Template,
    output_local: String,
}

impl Kind for CallLlm {
    const TYPE: &'static str = "call_llm";
    const ALLOWED: AllowedIn = AllowedIn::Online;

    fn read(fields: &Fields<'_>, _: Item<'_>) -> Result<Self> {
        let (uuid, name) = fields.required_object("llm")?.reference(64)?;
        fields.required("instructions", MAX_TEMPLATE)?;
        Ok(Self {
            llm: LlmRef { uuid, name },
            instructions: fields.template("instructions", MAX_TEMPLATE)?,
            input: fields.template("input", MAX_TEMPLATE)?,
            output_local: local_name(fields, "output_local")?,
        })
    }

    fn execute(&self, ex: &mut Execution<'_>) -> std::result::Result<(), Halt> {
        let output = self.call(ex)?;
        ex.set_local(&self.output_local, output.unwrap_or_else(|| FAILED.to_owned()));
        Ok(())
    }

    fn inspect(&self, found: &mut Findings<'_>) {
        found.at("llm").reference(&self.llm.reference());
        found.at("instructions").template(&self.instructions);
        found.at("input").template(&self.input);
        found.local(&self.output_local);
    }
}

impl CallLlm {
    fn call(&self, ex: &mut Execution<'_>) -> std::result::Result<Option<String>, Halt> {
        let Some(llm) = ex.state.assets.llm(&self.llm.uuid) else {
            ex.missing(&self.llm.reference());
            return Ok(None);
        };
        if !llm.roles.iter().any(|r| r == "engine") {
            ex.error(format!("LLM {} does not have the engine role", llm.uuid));
            return Ok(None);
        }
        let (instructions, _) = ex.text(&self.instructions);
        let (input, _) = ex.text(&self.input);
        let llm = llm.reference();
        let request = Request::Llm {
            llm: llm.clone(),
            instructions: instructions.clone(),
            input: input.clone(),
            max_tokens: MAX_TOKENS,
        };
        match ex.ask(request)? {
            Answer::Llm(Ok(answer)) => {
                let (output, tokens, elapsed_ms) = (answer.output.clone(), answer.tokens, answer.elapsed_ms);
                ex.event(EventKind::LlmCalled { llm, instructions, input, output: output.clone(), tokens, elapsed_ms });
                Ok(Some(output))
            }
            Answer::Llm(Err(problem)) => {
                ex.error(problem.clone());
                Ok(None)
            }
            _ => Err(Halt::mismatch("a language model")),
        }
    }
}
