//! What a session does with each PDU that it receives.

use super::super::codec::{self, CommandId, DecodeError, Frame, Header, Pdu, SmResp, Status, StatusClass, Tlvs};
use super::inbound::{self, Delivery};
use super::outbound::Outcome;
use super::requests::{Purpose, Request};
use super::{End, GOODBYE, Phase, Session};
use crate::event::{Event, Late, LinkState, SegmentState, Submitted};
use std::time::Instant;

impl Session {
    /// Does what one PDU asks for.
    pub(super) fn pdu(&mut self, frame: &Frame<'_>, now: Instant) -> Result<(), End> {
        let header = &frame.header;
        let pdu = match Pdu::decode(frame) {
            Ok(pdu) => pdu,
            Err(error) => {
                self.malformed(header, &error);
                return Ok(());
            }
        };
        match pdu {
            Pdu::SubmitSmResp(resp) => self.answered(header, Some(&resp), now)?,
            Pdu::DeliverSm(sm) => self.deliver(&Delivery::from(sm), header.sequence),
            Pdu::DataSm(data) => self.deliver(&Delivery::from(data), header.sequence),
            Pdu::EnquireLink => self.respond(CommandId::ENQUIRE_LINK_RESP, Status::OK, header.sequence),
            Pdu::EnquireLinkResp | Pdu::BindResp(_) | Pdu::UnbindResp | Pdu::GenericNack | Pdu::DataSmResp(_) => {
                self.answered(header, None, now)?;
            }
            Pdu::Unbind => {
                self.respond(CommandId::UNBIND_RESP, Status::OK, header.sequence);
                self.phase = Phase::Dismissed(now + GOODBYE);
                self.changes.push((LinkState::Closing, Some(End::Unbound.to_string())));
            }
            Pdu::SubmitSm(_) => self.respond(CommandId::SUBMIT_SM_RESP, Status::INVALID_BIND_STATUS, header.sequence),
            Pdu::QuerySm(_) => self.respond(CommandId::QUERY_SM_RESP, Status::QUERY_FAILED, header.sequence),
            Pdu::CancelSm(_) => self.respond(CommandId::CANCEL_SM_RESP, Status::CANCEL_FAILED, header.sequence),
            Pdu::Bind(_) => self.respond(header.command.response(), Status::ALREADY_BOUND, header.sequence),
            Pdu::Other { command, .. } if !command.is_response() => {
                self.respond(CommandId::GENERIC_NACK, Status::INVALID_COMMAND_ID, header.sequence);
            }
            // Notices without an answer, and answers to what we never ask.
            Pdu::AlertNotification(_)
            | Pdu::Outbind(_)
            | Pdu::DeliverSmResp(_)
            | Pdu::QuerySmResp(_)
            | Pdu::CancelSmResp
            | Pdu::Other { .. } => {}
        }
        Ok(())
    }

    fn malformed(&mut self, header: &Header, error: &DecodeError) {
        self.counts.malformed += 1;
        tracing::warn!(bind_session = self.id, command = %header.command, %error, "a PDU cannot be read");
        // Answers are not answered: two sides that did would never end.
        if !header.command.is_response() {
            self.respond(CommandId::GENERIC_NACK, error.status(), header.sequence);
        }
    }

    /// An answer to one of our requests.
    fn answered(&mut self, header: &Header, resp: Option<&SmResp<'_>>, now: Instant) -> Result<(), End> {
        let fits = |purpose: Purpose| match purpose {
            Purpose::Submit { .. } => CommandId::SUBMIT_SM_RESP,
            Purpose::EnquireLink => CommandId::ENQUIRE_LINK_RESP,
            Purpose::Unbind => CommandId::UNBIND_RESP,
            Purpose::Bind => self.mode.command().response(),
        };
        let request = match self.requests.peek(header.sequence) {
            Some(request) if [fits(request.purpose), CommandId::GENERIC_NACK].contains(&header.command) => *request,
            Some(_) => {
                tracing::debug!(command = %header.command, "an answer does not fit its request");
                return Ok(());
            }
            None => {
                self.answered_late(header, resp);
                return Ok(());
            }
        };
        self.requests.take(header.sequence);
        if request.answered > self.confirmed {
            self.confirmed = request.answered;
            self.share_evidence();
        }
        match request.purpose {
            Purpose::Bind if header.status.is_ok() && header.command != CommandId::GENERIC_NACK => {
                self.phase = Phase::Bound;
                self.changes.push((LinkState::Up, None));
            }
            Purpose::Bind => return Err(End::Refused(header.status)),
            Purpose::Unbind => return Err(End::Stopped),
            Purpose::EnquireLink => {}
            Purpose::Submit { slot, segment } => {
                let outcome = match resp {
                    Some(resp) if header.status.is_ok() => {
                        self.counts.accepted += 1;
                        Outcome::Accepted(self.config.message_id.of_response(&codec::latin1(resp.message_id)))
                    }
                    // A generic_nack with ESME_ROK is no acceptance.
                    _ if header.status.is_ok() => Outcome::Refused(Status::UNKNOWN_ERROR),
                    _ => Outcome::Refused(header.status),
                };
                self.submitted(&request, slot, segment, outcome, now);
            }
        }
        Ok(())
    }

    fn submitted(&mut self, request: &Request, slot: usize, segment: u8, outcome: Outcome, now: Instant) {
        let throttled = matches!(&outcome, Outcome::Refused(status) if status.class() == StatusClass::Throttled);
        let begins = throttled && self.pacer.throttled(request.written, now);
        if throttled {
            self.counts.throttled += 1;
        } else {
            self.pacer.answered();
            if matches!(outcome, Outcome::Refused(_)) {
                self.counts.rejected += 1;
            }
        }
        let status = if let Outcome::Refused(status) = &outcome { *status } else { Status::OK };
        if let Some((message, outcome)) = self.outbound.settle(slot, segment, outcome) {
            self.finish(&message, outcome);
        }
        if begins {
            self.paused = true;
            self.changes.push((LinkState::Paused, Some(status.to_string())));
            for message in self.outbound.take_untouched() {
                self.report(message.token, message.id, Submitted::Throttled);
            }
        }
    }

    fn answered_late(&mut self, header: &Header, resp: Option<&SmResp<'_>>) {
        let Some(index) = self.late.iter().position(|(sequence, ..)| *sequence == header.sequence) else { return };
        let Some((_, token, message, segment)) = self.late.remove(index) else { return };
        let state = match resp {
            Some(resp) if header.status.is_ok() => {
                let message_id = self.config.message_id.of_response(&codec::latin1(resp.message_id));
                SegmentState::Accepted { message_id }
            }
            _ => SegmentState::Rejected { status: header.status.0 },
        };
        self.events.push(Event::Late(Late { token, message, segment: segment + 1, state }));
    }

    fn deliver(&mut self, delivery: &Delivery<'_>, sequence: u32) {
        let command = delivery.command;
        if matches!(self.phase, Phase::Draining(_) | Phase::Unbinding(_) | Phase::Dismissed(_)) {
            self.respond(command.response(), Status::RECEIVER_TEMPORARY, sequence);
            return;
        }
        let number = self.open.next_number();
        match inbound::read(delivery, &self.config, self.id, number, &self.answers) {
            Ok(inbound) => {
                self.open.push(command, sequence);
                if inbound.receipt.is_some() {
                    self.counts.receipts += 1;
                } else {
                    self.counts.inbound += 1;
                }
                self.events.push(Event::Inbound(inbound));
            }
            Err(refused) => {
                self.counts.refused += 1;
                self.respond(command.response(), Status::RECEIVER_REJECTED, sequence);
                self.events.push(Event::Refused(refused));
            }
        }
    }

    /// Writes a response.
    pub(super) fn respond(&mut self, command: CommandId, status: Status, sequence: u32) {
        self.counts.written += 1;
        let written =
            match command {
                CommandId::DELIVER_SM_RESP => Pdu::DeliverSmResp(SmResp { message_id: b"", tlvs: Tlvs::default() })
                    .encode(status, sequence, &mut self.out),
                CommandId::DATA_SM_RESP => Pdu::DataSmResp(SmResp { message_id: b"", tlvs: Tlvs::default() }).encode(
                    status,
                    sequence,
                    &mut self.out,
                ),
                command => {
                    codec::encode(command, status, sequence, &mut self.out);
                    Ok(())
                }
            };
        debug_assert!(written.is_ok(), "a response has no field that can be too long");
    }
}
