//! Connections: bind, unbind, enquire_link, and what every PDU goes through.

use super::{BindId, Smsc, What};
use crate::operator_sim::smsc::deliver::InFlight;
use crate::smpp::codec::{
    Bind as BindPdu, BindMode, BindResp, CommandId, Frame, Pdu, SmResp, Status, Tag, TlvBuf, encode,
};
use bytes::BytesMut;
use std::collections::{HashMap, VecDeque};
use std::time::Duration;

/// Once so much waits to be written to a connection, nothing more is read from it: the peer is not reading.
pub(in crate::operator_sim) const OUTPUT_LIMIT: usize = 1024 * 1024;

/// SMPP 3.4, as `sc_interface_version` says it.
const VERSION: u8 = 0x34;

pub(super) struct Bind {
    /// `None` until the bind is accepted.
    pub(super) mode: Option<BindMode>,
    /// What the peer called itself when it bound.
    pub(super) system_id: String,
    pub(super) out: BytesMut,
    pub(super) next_sequence: u32,
    pub(super) in_flight: HashMap<u32, InFlight>,
    /// The same by age.
    pub(super) by_age: VecDeque<(Duration, u32)>,
    /// Answers of phones that were taken back because no response came in time: phone and number by sequence number.
    /// A response that comes late all the same says that the peer has the message.
    pub(super) taken_back: HashMap<u32, (u64, u64)>,
    /// Close when the output is written.
    pub(super) closing: bool,
    /// Close now, output lost.
    pub(super) aborted: bool,
    /// An unbind was seen: the end of the connection is no loss.
    pub(super) unbound: bool,
}

impl Smsc {
    /// A connection was accepted.
    pub(in crate::operator_sim) fn connected(&mut self, now: Duration) -> BindId {
        self.now = self.now.max(now);
        let id = self.next_bind;
        self.next_bind += 1;
        self.binds.insert(
            id,
            Bind {
                mode: None,
                system_id: String::new(),
                out: BytesMut::new(),
                next_sequence: 1,
                in_flight: HashMap::new(),
                by_age: VecDeque::new(),
                taken_back: HashMap::new(),
                closing: false,
                aborted: false,
                unbound: false,
            },
        );
        id
    }

    /// A connection has ended. What waited for its answer is delivered again on another.
    pub(in crate::operator_sim) fn disconnected(&mut self, now: Duration, id: BindId) {
        self.now = self.now.max(now);
        let Some(mut bind) = self.binds.remove(&id) else { return };
        if bind.mode.is_some() && !bind.unbound {
            self.counts.connections_lost += 1;
            self.judge.carrier_lost(self.now, id);
        }
        // The oldest last, so that it comes to stand at the very front.
        while let Some((_, sequence)) = bind.by_age.pop_back() {
            if let Some(flight) = bind.in_flight.remove(&sequence) {
                self.counts.redelivered += 1;
                self.ready.push_front(flight.unit);
            }
        }
    }

    /// Closes all connections, unwritten.
    pub(in crate::operator_sim) fn drop_all(&mut self) {
        let all: Vec<BindId> = self.binds.keys().copied().collect();
        for id in all {
            self.abort(id);
        }
    }

    pub(super) fn abort(&mut self, id: BindId) {
        if let Some(bind) = self.binds.get_mut(&id) {
            bind.aborted = true;
            bind.out.clear();
            self.touched.push(id);
        }
    }

    /// Is so much waiting to be written that nothing is to be read?
    pub(in crate::operator_sim) fn congested(&self, id: BindId) -> bool {
        self.binds.get(&id).is_some_and(|bind| bind.out.len() >= OUTPUT_LIMIT)
    }

    /// A PDU came. [`run`](Smsc::run) is to be called after the last of a batch.
    pub(in crate::operator_sim) fn frame(&mut self, now: Duration, id: BindId, frame: &Frame<'_>) {
        self.now = self.now.max(now);
        let Some(bind) = self.binds.get_mut(&id) else { return };
        if bind.closing || bind.aborted {
            return;
        }
        let sequence = frame.header.sequence;
        let pdu = match Pdu::decode(frame) {
            Ok(pdu) => pdu,
            Err(error) => {
                self.counts.unreadable += 1;
                self.respond(id, CommandId::GENERIC_NACK, error.status(), sequence);
                return;
            }
        };
        match pdu {
            Pdu::SubmitSm(message) => self.submit(id, sequence, &message),
            Pdu::DeliverSmResp(_) => self.delivered(id, sequence, frame.header.status),
            Pdu::EnquireLink => self.respond(id, CommandId::ENQUIRE_LINK_RESP, Status::OK, sequence),
            Pdu::EnquireLinkResp | Pdu::UnbindResp | Pdu::AlertNotification(_) => {}
            Pdu::Bind(request) => self.bind(id, sequence, &request),
            Pdu::Unbind => {
                bind.unbound = true;
                bind.closing = true;
                self.respond(id, CommandId::UNBIND_RESP, Status::OK, sequence);
            }
            Pdu::GenericNack => {
                self.counts.nacks += 1;
                self.delivered(id, sequence, frame.header.status);
            }
            Pdu::QuerySm(_) => self.respond(id, CommandId::QUERY_SM_RESP, Status::QUERY_FAILED, sequence),
            Pdu::CancelSm(_) => self.respond(id, CommandId::CANCEL_SM_RESP, Status::CANCEL_FAILED, sequence),
            _ if frame.header.command.is_response() => self.counts.unreadable += 1,
            _ => {
                self.counts.unreadable += 1;
                self.respond(id, CommandId::GENERIC_NACK, Status::INVALID_COMMAND_ID, sequence);
            }
        }
    }

    /// The stream of this connection is no SMPP any more.
    pub(in crate::operator_sim) fn unframed(&mut self, id: BindId) {
        self.counts.unreadable += 1;
        self.respond(id, CommandId::GENERIC_NACK, Status::INVALID_COMMAND_LENGTH, 0);
        if let Some(bind) = self.binds.get_mut(&id) {
            bind.closing = true;
        }
    }

    fn bind(&mut self, id: BindId, sequence: u32, request: &BindPdu<'_>) {
        let accounts = &self.config.accounts;
        let account = accounts.iter().find(|account| account.system_id.as_bytes() == request.system_id);
        let Some(bind) = self.binds.get_mut(&id) else { return };
        let status = if bind.mode.is_some() {
            Status::ALREADY_BOUND
        } else if accounts.is_empty() || account.is_some_and(|a| a.password.as_bytes() == request.password) {
            Status::OK
        } else if account.is_some() {
            Status::INVALID_PASSWORD
        } else {
            Status::INVALID_SYSTEM_ID
        };
        let mut tlvs = TlvBuf::new();
        tlvs.push_u8(Tag::SC_INTERFACE_VERSION, VERSION);
        let system_id = self.config.smsc.system_id.as_bytes();
        let response = Pdu::BindResp(BindResp {
            mode: request.mode,
            system_id: &system_id[..system_id.len().min(15)],
            tlvs: tlvs.as_tlvs(),
        });
        if status != Status::OK || response.encode(status, sequence, &mut bind.out).is_err() {
            encode(request.mode.command().response(), status, sequence, &mut bind.out);
        }
        self.touched.push(id);
        if status != Status::OK {
            self.counts.binds_refused += 1;
            bind.closing = bind.mode.is_none();
            return;
        }
        bind.mode = Some(request.mode);
        bind.system_id = String::from_utf8_lossy(request.system_id).into_owned();
        self.counts.binds_total += 1;
        self.active_at = self.now;
        if !self.config.smsc.enquire_link.0.is_zero() {
            let due = self.now + self.config.smsc.enquire_link.0;
            self.at(due, What::EnquireLink(id));
        }
        if request.mode.receives() {
            self.begin_load();
        }
    }

    pub(super) fn enquire_link(&mut self, id: BindId) {
        let Some(bind) = self.binds.get_mut(&id) else { return };
        let sequence = bind.sequence();
        encode(CommandId::ENQUIRE_LINK, Status::OK, sequence, &mut bind.out);
        self.touched.push(id);
        let due = self.now + self.config.smsc.enquire_link.0;
        self.at(due, What::EnquireLink(id));
    }

    /// Answers with a bare header.
    pub(super) fn respond(&mut self, id: BindId, command: CommandId, status: Status, sequence: u32) {
        if let Some(bind) = self.binds.get_mut(&id) {
            encode(command, status, sequence, &mut bind.out);
            self.touched.push(id);
        }
    }

    pub(super) fn respond_submit(&mut self, id: BindId, sequence: u32, message_id: &str, delay: Duration) {
        let response = Pdu::SubmitSmResp(SmResp { message_id: message_id.as_bytes(), ..SmResp::default() });
        if delay.is_zero() {
            if let Some(bind) = self.binds.get_mut(&id)
                && response.encode(Status::OK, sequence, &mut bind.out).is_ok()
            {
                self.touched.push(id);
            }
            return;
        }
        let mut pdu = BytesMut::new();
        if response.encode(Status::OK, sequence, &mut pdu).is_ok() {
            let due = self.now + delay;
            self.at(due, What::Respond(id, pdu.freeze()));
        }
    }

    /// Writes a whole PDU.
    pub(super) fn write(&mut self, id: BindId, pdu: &[u8]) {
        if let Some(bind) = self.binds.get_mut(&id) {
            bind.out.extend_from_slice(pdu);
            self.touched.push(id);
        }
    }
}

impl Bind {
    /// The next sequence number, from 1 to 0x7FFFFFFF and around.
    pub(super) fn sequence(&mut self) -> u32 {
        let sequence = self.next_sequence;
        self.next_sequence = if sequence >= 0x7FFF_FFFF { 1 } else { sequence + 1 };
        sequence
    }
}
