//! Writing a PDU.

use super::{Address, CommandId, HEADER_LENGTH, MAX_LENGTH, Pdu, Sm, Status};
use bytes::{BufMut, BytesMut};
use thiserror::Error;

/// Why a PDU cannot be written; the buffer is as it was.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum EncodeError {
    /// A field is longer than the standard allows.
    #[error("{field} has {length} octets; at most {limit} are allowed")]
    TooLong {
        /// The field, as the standard names it.
        field: &'static str,
        /// How long it is.
        length: usize,
        /// How long it may be.
        limit: usize,
    },
    /// A C-octet string contains the octet that ends it.
    #[error("{field} contains a NUL octet")]
    Nul {
        /// The field, as the standard names it.
        field: &'static str,
    },
}

impl Pdu<'_> {
    /// Appends this PDU to `out`.
    pub fn encode(&self, status: Status, sequence: u32, out: &mut BytesMut) -> Result<(), EncodeError> {
        let start = out.len();
        header(self.command(), status, sequence, out);
        let result = self.body(out).and_then(|()| {
            let length = out.len() - start;
            if length > MAX_LENGTH {
                return Err(EncodeError::TooLong { field: "the PDU", length, limit: MAX_LENGTH });
            }
            out[start..start + 4].copy_from_slice(&(length as u32).to_be_bytes());
            Ok(())
        });
        if result.is_err() {
            out.truncate(start);
        }
        result
    }

    fn body(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        match self {
            Self::SubmitSm(message) | Self::DeliverSm(message) => sm(message, out)?,
            Self::SubmitSmResp(resp) | Self::DeliverSmResp(resp) | Self::DataSmResp(resp) => {
                c_string("message_id", resp.message_id, 64, out)?;
                out.put_slice(resp.tlvs.as_bytes());
            }
            Self::DataSm(data) => {
                c_string("service_type", data.service_type, 5, out)?;
                address("source_addr", &data.source, 64, out)?;
                address("destination_addr", &data.destination, 64, out)?;
                out.put_slice(&[data.esm_class, data.registered_delivery, data.data_coding]);
                out.put_slice(data.tlvs.as_bytes());
            }
            Self::Bind(bind) => {
                c_string("system_id", bind.system_id, 15, out)?;
                c_string("password", bind.password, 64, out)?;
                c_string("system_type", bind.system_type, 12, out)?;
                out.put_u8(bind.interface_version);
                address("address_range", &bind.address_range, 40, out)?;
            }
            Self::BindResp(resp) => {
                c_string("system_id", resp.system_id, 15, out)?;
                out.put_slice(resp.tlvs.as_bytes());
            }
            Self::Outbind(outbind) => {
                c_string("system_id", outbind.system_id, 15, out)?;
                c_string("password", outbind.password, 64, out)?;
            }
            Self::QuerySm(query) => {
                c_string("message_id", query.message_id, 64, out)?;
                address("source_addr", &query.source, 20, out)?;
            }
            Self::QuerySmResp(resp) => {
                c_string("message_id", resp.message_id, 64, out)?;
                c_string("final_date", resp.final_date, 16, out)?;
                out.put_slice(&[resp.message_state, resp.error_code]);
            }
            Self::CancelSm(cancel) => {
                c_string("service_type", cancel.service_type, 5, out)?;
                c_string("message_id", cancel.message_id, 64, out)?;
                address("source_addr", &cancel.source, 20, out)?;
                address("destination_addr", &cancel.destination, 20, out)?;
            }
            Self::AlertNotification(alert) => {
                address("source_addr", &alert.source, 64, out)?;
                address("esme_addr", &alert.esme, 64, out)?;
                out.put_slice(alert.tlvs.as_bytes());
            }
            Self::Other { body, .. } => out.put_slice(body),
            Self::Unbind
            | Self::UnbindResp
            | Self::EnquireLink
            | Self::EnquireLinkResp
            | Self::GenericNack
            | Self::CancelSmResp => {}
        }
        Ok(())
    }
}

/// Appends a PDU that is a header alone: `enquire_link`, `unbind`, their responses, `generic_nack`, and error
/// responses, whose body the standard lets out.
pub fn encode(command: CommandId, status: Status, sequence: u32, out: &mut BytesMut) {
    header(command, status, sequence, out);
}

fn header(command: CommandId, status: Status, sequence: u32, out: &mut BytesMut) {
    out.put_u32(HEADER_LENGTH as u32);
    out.put_u32(command.0);
    out.put_u32(status.0);
    out.put_u32(sequence);
}

fn sm(message: &Sm<'_>, out: &mut BytesMut) -> Result<(), EncodeError> {
    out.reserve(80 + message.short_message.len() + message.tlvs.as_bytes().len());
    c_string("service_type", message.service_type, 5, out)?;
    address("source_addr", &message.source, 20, out)?;
    address("destination_addr", &message.destination, 20, out)?;
    out.put_slice(&[message.esm_class, message.protocol_id, message.priority]);
    c_string("schedule_delivery_time", message.schedule_delivery_time, 16, out)?;
    c_string("validity_period", message.validity_period, 16, out)?;
    out.put_slice(&[
        message.registered_delivery,
        message.replace_if_present,
        message.data_coding,
        message.default_message_id,
    ]);
    let length = message.short_message.len();
    if length > 254 {
        return Err(EncodeError::TooLong { field: "short_message", length, limit: 254 });
    }
    out.put_u8(length as u8);
    out.put_slice(message.short_message);
    out.put_slice(message.tlvs.as_bytes());
    Ok(())
}

fn address(field: &'static str, address: &Address<'_>, limit: usize, out: &mut BytesMut) -> Result<(), EncodeError> {
    out.put_slice(&[address.ton, address.npi]);
    c_string(field, address.addr, limit, out)
}

fn c_string(field: &'static str, text: &[u8], limit: usize, out: &mut BytesMut) -> Result<(), EncodeError> {
    if text.len() > limit {
        return Err(EncodeError::TooLong { field, length: text.len(), limit });
    }
    if text.contains(&0) {
        return Err(EncodeError::Nul { field });
    }
    out.put_slice(text);
    out.put_u8(0);
    Ok(())
}
