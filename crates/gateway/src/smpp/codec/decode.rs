//! Reading a body.

use super::{
    Address, AlertNotification, Bind, BindMode, BindResp, CancelSm, CommandId, DataSm, DecodeError, Frame,
    HEADER_LENGTH, Outbind, Pdu, QuerySm, QuerySmResp, Sm, SmResp, Tlvs,
};

impl<'a> Pdu<'a> {
    /// Reads the body of a frame.
    ///
    /// # Errors
    /// When a request ends inside a mandatory field or inside a TLV, or the length field was below that of a header.
    /// Responses are read as far as they go.
    pub fn decode(frame: &Frame<'a>) -> Result<Self, DecodeError> {
        let header = &frame.header;
        if (header.length as usize) < HEADER_LENGTH {
            return Err(DecodeError::Length { length: header.length });
        }
        let mut body = Reader(frame.body);
        Ok(match header.command {
            CommandId::SUBMIT_SM => Self::SubmitSm(body.sm()?),
            CommandId::DELIVER_SM => Self::DeliverSm(body.sm()?),
            CommandId::SUBMIT_SM_RESP => Self::SubmitSmResp(body.sm_resp()),
            CommandId::DELIVER_SM_RESP => Self::DeliverSmResp(body.sm_resp()),
            CommandId::DATA_SM_RESP => Self::DataSmResp(body.sm_resp()),
            CommandId::ENQUIRE_LINK => Self::EnquireLink,
            CommandId::ENQUIRE_LINK_RESP => Self::EnquireLinkResp,
            CommandId::UNBIND => Self::Unbind,
            CommandId::UNBIND_RESP => Self::UnbindResp,
            CommandId::GENERIC_NACK => Self::GenericNack,
            CommandId::CANCEL_SM_RESP => Self::CancelSmResp,
            CommandId::DATA_SM => Self::DataSm(DataSm {
                service_type: body.c_string("service_type")?,
                source: body.address("source_addr")?,
                destination: body.address("destination_addr")?,
                esm_class: body.octet("esm_class")?,
                registered_delivery: body.octet("registered_delivery")?,
                data_coding: body.octet("data_coding")?,
                tlvs: Tlvs::parse(body.0)?,
            }),
            CommandId::BIND_RECEIVER => Self::Bind(body.bind(BindMode::Receiver)?),
            CommandId::BIND_TRANSMITTER => Self::Bind(body.bind(BindMode::Transmitter)?),
            CommandId::BIND_TRANSCEIVER => Self::Bind(body.bind(BindMode::Transceiver)?),
            CommandId::BIND_RECEIVER_RESP => Self::BindResp(body.bind_resp(BindMode::Receiver)),
            CommandId::BIND_TRANSMITTER_RESP => Self::BindResp(body.bind_resp(BindMode::Transmitter)),
            CommandId::BIND_TRANSCEIVER_RESP => Self::BindResp(body.bind_resp(BindMode::Transceiver)),
            CommandId::OUTBIND => {
                Self::Outbind(Outbind { system_id: body.c_string("system_id")?, password: body.rest_of_c_string() })
            }
            CommandId::QUERY_SM => Self::QuerySm(QuerySm {
                message_id: body.c_string("message_id")?,
                source: body.address("source_addr")?,
            }),
            CommandId::QUERY_SM_RESP => Self::QuerySmResp(QuerySmResp {
                message_id: body.rest_of_c_string(),
                final_date: body.rest_of_c_string(),
                message_state: body.octet("message_state").unwrap_or_default(),
                error_code: body.octet("error_code").unwrap_or_default(),
            }),
            CommandId::CANCEL_SM => Self::CancelSm(CancelSm {
                service_type: body.c_string("service_type")?,
                message_id: body.c_string("message_id")?,
                source: body.address("source_addr")?,
                destination: body.address("destination_addr")?,
            }),
            CommandId::ALERT_NOTIFICATION => Self::AlertNotification(AlertNotification {
                source: body.address("source_addr")?,
                esme: body.address("esme_addr")?,
                tlvs: Tlvs::parse(body.0)?,
            }),
            command => Self::Other { command, body: body.0 },
        })
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn octet(&mut self, field: &'static str) -> Result<u8, DecodeError> {
        let (&octet, rest) = self.0.split_first().ok_or(DecodeError::Truncated { field })?;
        self.0 = rest;
        Ok(octet)
    }

    /// Up to the NUL, however long: limits of the standard are for those who write.
    fn c_string(&mut self, field: &'static str) -> Result<&'a [u8], DecodeError> {
        let end = self.0.iter().position(|&octet| octet == 0).ok_or(DecodeError::Truncated { field })?;
        let text = &self.0[..end];
        self.0 = &self.0[end + 1..];
        Ok(text)
    }

    /// Up to the NUL or, when it is missing, to the end: for the last string of a body and for responses.
    fn rest_of_c_string(&mut self) -> &'a [u8] {
        self.c_string("").unwrap_or_else(|_| std::mem::take(&mut self.0))
    }

    fn address(&mut self, field: &'static str) -> Result<Address<'a>, DecodeError> {
        Ok(Address { ton: self.octet(field)?, npi: self.octet(field)?, addr: self.c_string(field)? })
    }

    fn sm(&mut self) -> Result<Sm<'a>, DecodeError> {
        Ok(Sm {
            service_type: self.c_string("service_type")?,
            source: self.address("source_addr")?,
            destination: self.address("destination_addr")?,
            esm_class: self.octet("esm_class")?,
            protocol_id: self.octet("protocol_id")?,
            priority: self.octet("priority_flag")?,
            schedule_delivery_time: self.c_string("schedule_delivery_time")?,
            validity_period: self.c_string("validity_period")?,
            registered_delivery: self.octet("registered_delivery")?,
            replace_if_present: self.octet("replace_if_present_flag")?,
            data_coding: self.octet("data_coding")?,
            default_message_id: self.octet("sm_default_msg_id")?,
            short_message: {
                let length = usize::from(self.octet("sm_length")?);
                let (text, rest) =
                    self.0.split_at_checked(length).ok_or(DecodeError::Truncated { field: "short_message" })?;
                self.0 = rest;
                text
            },
            tlvs: Tlvs::parse(self.0)?,
        })
    }

    fn sm_resp(&mut self) -> SmResp<'a> {
        SmResp { message_id: self.rest_of_c_string(), tlvs: Tlvs::lenient(self.0) }
    }

    fn bind(&mut self, mode: BindMode) -> Result<Bind<'a>, DecodeError> {
        Ok(Bind {
            mode,
            system_id: self.c_string("system_id")?,
            password: self.c_string("password")?,
            system_type: self.c_string("system_type")?,
            interface_version: self.octet("interface_version")?,
            address_range: Address {
                ton: self.octet("addr_ton")?,
                npi: self.octet("addr_npi")?,
                addr: self.rest_of_c_string(),
            },
        })
    }

    fn bind_resp(&mut self, mode: BindMode) -> BindResp<'a> {
        BindResp { mode, system_id: self.rest_of_c_string(), tlvs: Tlvs::lenient(self.0) }
    }
}
