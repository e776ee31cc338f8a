//! What the engine asks for from outside, and the answers.

use super::Halt;
use crate::event::{HttpLog, Sizes, Tokens};
use crate::pairs::Pairs;
use crate::reference::LlmRef;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

/// An HTTP request of a webhook or resthook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookRequest {
    /// `GET`...
    pub method: String,
    /// Absolute URL.
    pub url: String,
    /// Headers, in order.
    pub headers: Pairs<String>,
    /// Body; empty for none.
    pub body: String,
    /// Bytes of the response beyond which its body is to be dropped.
    pub max_response: usize,
}

impl Eq for Pairs<String> {}

/// Something that is needed from outside.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Request {
    /// Call a URL. A repeated call carries the same idempotency key: the session's UUID and the number of answers.
    Webhook(WebhookRequest),
    /// Ask a language model.
    Llm {
        /// Which.
        llm: LlmRef,
        /// What to do.
        instructions: String,
        /// What with.
        input: String,
        /// Most tokens to give back.
        max_tokens: u32,
    },
    /// Pay airtime. Never to be repeated when it may have been paid.
    Airtime {
        /// URN of the payer; empty when there is no channel.
        sender: String,
        /// URN of the receiver.
        recipient: String,
        /// Currency -> amount.
        amounts: Pairs<Box<RawValue>>,
    },
    /// Send mail.
    Email {
        /// Addresses.
        to: Vec<String>,
        /// Subject.
        subject: String,
        /// Text.
        body: String,
    },
    /// Take a URN for a contact, unless another contact has it.
    ClaimUrn {
        /// For whom.
        contact: Uuid,
        /// Normalised URN.
        urn: String,
    },
}

/// The answer to a webhook request.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct WebhookAnswer {
    /// The request as it was sent, for people to read.
    pub request: String,
    /// HTTP status; 0 without a response.
    pub status: u16,
    /// Status line and headers of the response as they came, with the empty line that ends them.
    pub response_head: String,
    /// Headers of the response, those that came several times joined by `, `.
    pub headers: Pairs<String>,
    /// Body of the response, without what isn't UTF-8; empty when it was dropped.
    pub body: String,
    /// Whether the body was dropped because it is over the limit.
    pub too_large: bool,
    /// How long it took.
    pub elapsed_ms: u64,
    /// How often it was tried again.
    pub retries: u32,
    /// Bytes sent and received.
    pub sizes: Sizes,
}

/// The answer of a language model.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LlmAnswer {
    /// What it said.
    pub output: String,
    /// What it took and gave.
    pub tokens: Tokens,
    /// How long it took.
    pub elapsed_ms: u64,
}

/// The answer of an airtime service.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AirtimeAnswer {
    /// The service's own id.
    pub external_id: String,
    /// What was paid: currency.
    pub currency: String,
    /// What was paid: amount.
    pub amount: Box<RawValue>,
    /// The exchanges with the service.
    pub http_logs: Vec<HttpLog>,
    /// Why nothing was paid; empty when it was.
    pub error: String,
}

/// The answer of the mail service: why mail wasn't sent, if it wasn't.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct EmailAnswer {
    /// Why mail wasn't sent; empty when it was.
    pub error: String,
}

/// An answer from outside.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// To a webhook.
    Webhook(WebhookAnswer),
    /// Of a language model, or why there is none.
    Llm(Result<LlmAnswer, String>),
    /// Of an airtime service.
    Airtime(AirtimeAnswer),
    /// Of the mail service.
    Email(EmailAnswer),
    /// Whether the URN is the contact's now.
    ClaimUrn(bool),
}

/// Hands out the answers in the order of the requests.
#[derive(Clone, Copy, Debug)]
pub struct Asker<'a> {
    answers: &'a [Answer],
    next: usize,
}

impl<'a> Asker<'a> {
    /// With the answers so far.
    pub fn new(answers: &'a [Answer]) -> Self {
        Self { answers, next: 0 }
    }

    pub(crate) fn ask(&mut self, request: Request) -> Result<&'a Answer, Halt> {
        let Some(answer) = self.answers.get(self.next) else { return Err(Halt::Need(request)) };
        self.next += 1;
        Ok(answer)
    }

    pub(crate) fn claim(&mut self, contact: Uuid, urn: &str) -> Result<bool, Halt> {
        match self.ask(Request::ClaimUrn { contact, urn: urn.to_owned() })? {
            Answer::ClaimUrn(taken) => Ok(*taken),
            _ => Err(Halt::mismatch("the claim of a URN")),
        }
    }
}
