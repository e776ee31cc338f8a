//! How fast the protocol alone is: our client against a sink that accepts everything, over the loopback interface.

use super::codec::{self, Address, CommandId, Pdu, SmResp, Status, Tlvs, frame};
use super::config::{Config, ConfigError};
use crate::event::{Event, Outgoing, SendOptions, Submitted};
use base::{IdMaker, Millis};
use bytes::{Buf, BytesMut};
use std::io;
use std::io::Write as _;
use std::time::{Duration, Instant};
use thiserror::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What was measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// Messages submitted and accepted.
    pub messages: usize,
    /// How long that took.
    pub elapsed: Duration,
}

impl Measured {
    /// `submit_sm` a second.
    pub fn per_second(&self) -> f64 {
        self.messages as f64 / self.elapsed.as_secs_f64()
    }
}

/// Why nothing was measured.
#[derive(Debug, Error)]
pub enum BenchError {
    /// The loopback interface failed.
    #[error("cannot listen on the loopback interface: {0}")]
    Io(#[from] io::Error),
    /// The window is not possible.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A message was not accepted, or the connection ended.
    #[error("the sink did not accept every message")]
    NotAccepted,
}

/// Submits so many messages of 60 characters through one transceiver and waits until each is reported as accepted.
pub async fn submit(messages: usize, window: usize) -> Result<Measured, BenchError> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let port = listener.local_addr()?.port();
    let sink = tokio::spawn(async move {
        if let Ok((stream, _)) = listener.accept().await {
            // It ends when the client does.
            let _ = serve(stream).await;
        }
    });
    let config = Config {
        host: "127.0.0.1".into(),
        port,
        system_id: "bench".into(),
        source_address: "4321".into(),
        window,
        ..Config::default()
    };
    let (link, mut events) = super::start(config, 1, 1)?;
    let mut changed = link.watch();
    while link.free_window() == 0 {
        changed.changed().await.map_err(|_| BenchError::NotAccepted)?;
    }
    let mut ids = IdMaker::from_u64(1);
    let begun = Instant::now();
    let (mut sent, mut accepted) = (0, 0);
    while accepted < messages {
        let room = link.free_window().min(messages - sent);
        if room > 0 {
            let batch = (sent..sent + room).map(|number| outgoing(number, &mut ids)).collect();
            sent += room;
            link.submit(batch);
        }
        let batch = tokio::select! {
            biased;
            batch = events.recv() => batch.ok_or(BenchError::NotAccepted)?,
            _ = changed.changed(), if sent < messages => continue,
        };
        for event in batch {
            match event {
                Event::Submitted(report) if matches!(report.outcome, Submitted::Accepted { .. }) => accepted += 1,
                Event::Submitted(_) => return Err(BenchError::NotAccepted),
                _ => {}
            }
        }
    }
    let elapsed = begun.elapsed();
    link.stop();
    while events.recv().await.is_some() {}
    sink.abort();
    Ok(Measured { messages, elapsed })
}

fn outgoing(number: usize, ids: &mut IdMaker) -> Outgoing {
    Outgoing {
        token: number as u64,
        message: ids.next(Millis(1)),
        to: format!("+231990{:06}", number % 1_000_000),
        from: None,
        text: "Is the health facility open today? Answer yes or no, please.".to_owned(),
        reference: number as u16,
        options: SendOptions::default(),
    }
}

/// An operator that accepts everything.
async fn serve(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut input = BytesMut::with_capacity(64 * 1024);
    let mut out = BytesMut::with_capacity(64 * 1024);
    let mut id = [0; 20];
    let mut next = 0_u64;
    loop {
        input.reserve(32 * 1024);
        if stream.read_buf(&mut input).await? == 0 {
            return Ok(());
        }
        while let Some(cut) = frame(&input).map_err(io::Error::other)? {
            let (size, header) = (cut.size(), cut.header);
            match Pdu::decode(&cut) {
                Ok(Pdu::SubmitSm(_)) => {
                    next += 1;
                    let mut rest = &mut id[..];
                    write!(rest, "{next}")?;
                    let left = rest.len();
                    let message_id = &id[..id.len() - left];
                    let resp = Pdu::SubmitSmResp(SmResp { message_id, tlvs: Tlvs::default() });
                    resp.encode(Status::OK, header.sequence, &mut out).map_err(io::Error::other)?;
                }
                Ok(Pdu::Bind(bind)) => {
                    let resp = codec::BindResp { mode: bind.mode, system_id: b"sink", tlvs: Tlvs::default() };
                    let written = Pdu::BindResp(resp).encode(Status::OK, header.sequence, &mut out);
                    written.map_err(io::Error::other)?;
                }
                Ok(pdu) if !pdu.command().is_response() => {
                    codec::encode(header.command.response(), Status::OK, header.sequence, &mut out);
                }
                Ok(_) => {}
                Err(error) => codec::encode(CommandId::GENERIC_NACK, error.status(), header.sequence, &mut out),
            }
            input.advance(size);
        }
        stream.write_all_buf(&mut out).await?;
    }
}

/// What the codec alone costs: the time of encoding and decoding so many `submit_sm`.
pub fn codec(messages: usize) -> Measured {
    let text = [b'a'; 60];
    let mut buffer = BytesMut::with_capacity(256);
    let mut octets = 0;
    let begun = Instant::now();
    for number in 0..messages {
        let sm = codec::Sm {
            source: Address { ton: 3, npi: 0, addr: b"4321" },
            destination: Address { ton: 1, npi: 1, addr: b"231990000001" },
            short_message: &text,
            ..codec::Sm::default()
        };
        buffer.clear();
        if Pdu::SubmitSm(sm).encode(Status::OK, number as u32, &mut buffer).is_ok()
            && let Ok(Some(cut)) = frame(&buffer)
            && let Ok(Pdu::SubmitSm(read)) = Pdu::decode(&cut)
        {
            octets += std::hint::black_box(read).short_message.len();
        }
    }
    let elapsed = begun.elapsed();
    Measured { messages: octets / text.len(), elapsed }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_message_is_accepted() {
        let measured = submit(2_000, 100).await.unwrap();
        assert_eq!(measured.messages, 2_000);
        assert!(measured.per_second() > 0.0);
        assert_eq!(codec(100).messages, 100);
        assert!(submit(1, 0).await.is_err());
    }
}
