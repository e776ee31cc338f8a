//! Actions: what is done at a node. One file per kind, named by its wire type.

use crate::definition::fields::{Fields, Item};
use crate::definition::localization::Localization;
use crate::definition::{AllowedIn, DefinitionError, FlowType};
use crate::engine::{Execution, Halt};
use crate::inspect::Findings;
use serde_json::Value;
use uuid::Uuid;

mod recipients;
mod variable;
mod webhook;

type Result<T> = std::result::Result<T, DefinitionError>;

/// What a kind of action is.
trait Kind: Sized {
    /// Its wire type.
    const TYPE: &'static str;
    /// The flows it is allowed in.
    const ALLOWED: AllowedIn;

    /// Reads its members.
    fn read(fields: &Fields<'_>, item: Item<'_>) -> Result<Self>;

    /// Does it.
    fn execute(&self, ex: &mut Execution<'_>) -> std::result::Result<(), Halt>;

    /// Tells what it refers to, evaluates and writes.
    fn inspect(&self, found: &mut Findings<'_>);
}

macro_rules! actions {
    ($($module:ident $Kind:ident;)*) => {
        $(mod $module;)*

        /// An action by kind.
        #[derive(Clone, Debug)]
        enum Any {
            $($Kind(Box<$module::$Kind>),)*
        }

        const TYPES: &[&str] = &[$(<$module::$Kind as Kind>::TYPE,)*];

        impl Any {
            fn read(kind: &str, fields: &Fields<'_>, item: Item<'_>) -> Result<Self> {
                match kind {
                    $(<$module::$Kind as Kind>::TYPE => Ok(Self::$Kind(Box::new(<$module::$Kind as Kind>::read(fields, item)?))),)*
                    other => Err(DefinitionError::new(format!("unknown type: '{other}'"))),
                }
            }

            fn type_name(&self) -> &'static str {
                match self { $(Self::$Kind(_) => <$module::$Kind as Kind>::TYPE,)* }
            }

            fn allowed(&self) -> AllowedIn {
                match self { $(Self::$Kind(_) => <$module::$Kind as Kind>::ALLOWED,)* }
            }

            fn execute(&self, ex: &mut Execution<'_>) -> std::result::Result<(), Halt> {
                match self { $(Self::$Kind(action) => action.execute(ex),)* }
            }

            fn inspect(&self, found: &mut Findings<'_>) {
                match self { $(Self::$Kind(action) => action.inspect(found),)* }
            }
        }
    };
}

actions! {
    add_contact_groups AddContactGroups;
    add_contact_urn AddContactUrn;
    add_input_labels AddInputLabels;
    call_classifier CallClassifier;
    call_llm CallLlm;
    call_resthook CallResthook;
    call_webhook CallWebhook;
    enter_flow EnterFlow;
    open_ticket OpenTicket;
    play_audio PlayAudio;
    remove_contact_groups RemoveContactGroups;
    request_optin RequestOptin;
    say_msg SayMsg;
    send_broadcast SendBroadcast;
    send_email SendEmail;
    send_msg SendMsg;
    set_contact_channel SetContactChannel;
    set_contact_field SetContactField;
    set_contact_language SetContactLanguage;
    set_contact_name SetContactName;
    set_contact_status SetContactStatus;
    set_contact_timezone SetContactTimezone;
    set_run_local SetRunLocal;
    set_run_result SetRunResult;
    start_session StartSession;
    transfer_airtime TransferAirtime;
}

/// The wire types of all actions.
pub fn action_types() -> impl Iterator<Item = &'static str> {
    TYPES.iter().copied()
}

/// Something done at a node.
#[derive(Clone, Debug)]
pub(crate) struct Action {
    pub(crate) uuid: Uuid,
    kind: Any,
}

impl Action {
    pub(crate) fn read(source: &Value, localization: &Localization) -> Result<Self> {
        let fields = Fields::of(source)?;
        let kind = fields.required("type", 64)?;
        let uuid = fields.uuid("uuid")?;
        Ok(Self { uuid, kind: Any::read(kind, &fields, Item { localization, uuid })? })
    }

    /// Its wire type.
    pub(crate) fn type_name(&self) -> &'static str {
        self.kind.type_name()
    }

    pub(crate) fn check_allowed(&self, kind: FlowType) -> Result<()> {
        if self.kind.allowed().allows(kind) {
            return Ok(());
        }
        let (action, flow) = (self.type_name(), kind.as_str());
        Err(DefinitionError::new(format!("action type '{action}' is not allowed in a flow of type '{flow}'")))
    }

    pub(crate) fn execute(&self, ex: &mut Execution<'_>) -> std::result::Result<(), Halt> {
        self.kind.execute(ex)
    }

    pub(crate) fn inspect(&self, found: &mut Findings<'_>) {
        self.kind.inspect(found);
    }
}
