//! `transfer_airtime`: pays the contact airtime.

use super::{Kind, Result};
use crate::definition::AllowedIn;
use crate::definition::fields::{Fields, Item};
use crate::engine::{Answer, Execution, Halt, Request};
use crate::event::EventKind;
use crate::inspect::Findings;
use crate::pairs::Pairs;
use serde_json::value::{RawValue, to_raw_value};

/// The new transfer, for the flow to see.
const LOCAL: &str = "_new_transfer";
const MAX_AMOUNT: f64 = 1e15;

#[derive(Clone, Debug)]
pub(super) struct TransferAirtime {
    amounts: Pairs<Box<RawValue>>,
}

impl Kind for TransferAirtime {
    const TYPE: &'static str = "transfer_airtime";
    const ALLOWED: AllowedIn = AllowedIn::Online;

    fn read(fields: &Fields<'_>, _: Item<'_>) -> Result<Self> {
        let source = fields.required_object("amounts")?;
        let mut amounts = Pairs::default();
        for (currency, amount) in source.members() {
            match (amount.as_f64(), to_raw_value(amount)) {
                (Some(number), Ok(raw)) if (0.0..=MAX_AMOUNT).contains(&number) => amounts.set(currency, raw),
                _ => return source.invalid(currency, "must be a number from 0 to 1e15"),
            }
        }
        Ok(Self { amounts })
    }

    fn execute(&self, ex: &mut Execution<'_>) -> std::result::Result<(), Halt> {
        let transfer = self.transfer(ex)?;
        ex.set_local(LOCAL, transfer.unwrap_or_default());
        Ok(())
    }

    fn inspect(&self, found: &mut Findings<'_>) {
        found.local(LOCAL);
    }
}

impl TransferAirtime {
    fn transfer(&self, ex: &mut Execution<'_>) -> std::result::Result<Option<String>, Halt> {
        let contact = &ex.state.contact;
        let Some(recipient) = contact.urns.iter().find(|u| u.scheme() == "tel").map(|u| u.identity().to_owned()) else {
            ex.error("can't transfer airtime to contact without a phone number");
            return Ok(None);
        };
        let channel = contact.preferred_channel().and_then(|uuid| ex.state.assets.channel(&uuid));
        let sender = channel.filter(|c| c.supports("tel")).map_or_else(String::new, |c| format!("tel:{}", c.address));
        let request = Request::Airtime {
            sender: sender.clone(),
            recipient: recipient.clone(),
            amounts: self.amounts.clone(),
        };
        let Answer::Airtime(answer) = ex.ask(request)? else { return Err(Halt::mismatch("airtime")) };
        let mut uuid = None;
        if answer.error.is_empty() || !answer.http_logs.is_empty() && !answer.currency.is_empty() {
            uuid = Some(ex.event(EventKind::AirtimeCreated {
                external_id: answer.external_id.clone(),
                sender,
                recipient,
                currency: answer.currency.clone(),
                amount: answer.amount.clone(),
                http_logs: answer.http_logs.clone(),
            }));
        }
        if !answer.error.is_empty() {
            ex.error(answer.error.clone());
            return Ok(None);
        }
        Ok(uuid.map(|u| u.to_string()))
    }
}
