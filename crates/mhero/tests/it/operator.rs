//! An operator that does exactly what a test wants done: SMPP 3.4 by hand over blocking sockets.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

const BIND_TRANSCEIVER: u32 = 0x0000_0009;
const SUBMIT_SM: u32 = 0x0000_0004;
const DELIVER_SM: u32 = 0x0000_0005;
const UNBIND: u32 = 0x0000_0006;
const ENQUIRE_LINK: u32 = 0x0000_0015;
/// What the id of a response has beside that of its request.
const RESPONSE: u32 = 0x8000_0000;

/// How long anything may take before a test gives up.
const PATIENCE: Duration = Duration::from_secs(20);

/// Listens for the binds of a server.
pub(crate) struct Operator(TcpListener);

/// One connection, bound.
pub(crate) struct Line {
    stream: TcpStream,
    sequence: u32,
    /// Submits that were read while something else was waited for.
    kept: VecDeque<Submit>,
}

/// A PDU.
#[derive(Debug)]
pub(crate) struct Pdu {
    pub(crate) command: u32,
    pub(crate) status: u32,
    pub(crate) sequence: u32,
    pub(crate) body: Vec<u8>,
}

/// A message for a phone.
#[derive(Debug)]
pub(crate) struct Submit {
    sequence: u32,
    /// Digits.
    pub(crate) to: String,
    pub(crate) text: String,
}

impl Operator {
    pub(crate) fn new() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").unwrap())
    }

    /// The block of the configuration that leads here, with `more` keys.
    pub(crate) fn channel(&self, more: &str) -> String {
        let port = self.0.local_addr().unwrap().port();
        format!(
            "\n[[channels]]\nname = \"operator\"\nkind = \"smpp\"\nhost = \"127.0.0.1\"\nport = {port}\n\
             system_id = \"mhero\"\npassword = \"secret\"\nsource_address = \"4321\"\nregistered_delivery = 0\n\
             reconnect_first = 0.05\n{more}\n"
        )
    }

    /// Waits for a connection and its bind, and says yes.
    pub(crate) fn accept(&self) -> Line {
        self.0.set_nonblocking(true).unwrap();
        let began = Instant::now();
        let stream = loop {
            match self.0.accept() {
                Ok((stream, _)) => break stream,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    assert!(began.elapsed() < PATIENCE, "the server does not connect");
                    std::thread::sleep(Duration::from_millis(10));
                }
                Err(error) => panic!("{error}"),
            }
        };
        stream.set_nonblocking(false).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut line = Line { stream, sequence: 0, kept: VecDeque::new() };
        let bind = line.read().unwrap();
        assert_eq!(bind.command, BIND_TRANSCEIVER, "{bind:?}");
        line.write(BIND_TRANSCEIVER | RESPONSE, 0, bind.sequence, b"operator\0");
        line
    }
}

impl Line {
    /// Writes bytes as they are.
    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    pub(crate) fn write(&mut self, command: u32, status: u32, sequence: u32, body: &[u8]) {
        let mut bytes = Vec::with_capacity(16 + body.len());
        for word in [16 + body.len() as u32, command, status, sequence] {
            bytes.extend(word.to_be_bytes());
        }
        bytes.extend(body);
        self.raw(&bytes);
    }

    /// The next PDU; `None` when the server has closed. Tests of the link are answered on the way.
    pub(crate) fn read(&mut self) -> Option<Pdu> {
        let began = Instant::now();
        loop {
            // A test of the link now and then is not what is waited for.
            assert!(began.elapsed() < PATIENCE, "nothing came");
            let mut head = [0; 16];
            match self.stream.read_exact(&mut head) {
                Ok(()) => {}
                Err(error) if matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset) => {
                    return None;
                }
                Err(error) => panic!("nothing came: {error}"),
            }
            let word = |at: usize| u32::from_be_bytes(head[at..at + 4].try_into().unwrap());
            let mut body = vec![0; word(0) as usize - 16];
            self.stream.read_exact(&mut body).unwrap();
            let pdu = Pdu { command: word(4), status: word(8), sequence: word(12), body };
            match pdu.command {
                ENQUIRE_LINK | UNBIND => self.write(pdu.command | RESPONSE, 0, pdu.sequence, &[]),
                _ => return Some(pdu),
            }
        }
    }

    /// The next message that the server wants sent. It stays in the window until it is taken.
    pub(crate) fn submit(&mut self) -> Submit {
        if let Some(submit) = self.kept.pop_front() {
            return submit;
        }
        let pdu = self.read().expect("the server closed");
        assert_eq!(pdu.command, SUBMIT_SM, "{pdu:?}");
        Submit::of(&pdu)
    }

    /// Says that a message is taken.
    pub(crate) fn take(&mut self, submit: &Submit) {
        let id = format!("m{}\0", submit.sequence);
        self.write(SUBMIT_SM | RESPONSE, 0, submit.sequence, id.as_bytes());
    }

    /// The next message, taken.
    pub(crate) fn taken(&mut self) -> Submit {
        let submit = self.submit();
        self.take(&submit);
        submit
    }

    /// A phone sends a text in Latin-1; gives the status of the server's answer.
    pub(crate) fn says(&mut self, from: &str, text: &[u8]) -> u32 {
        let mut body = b"\0\x01\x01".to_vec();
        body.extend(from.as_bytes());
        body.extend(b"\0\x03\x004321\0\0\0\0\0\0\0\0\x03\0");
        body.push(u8::try_from(text.len()).unwrap());
        body.extend(text);
        self.deliver(&body)
    }

    /// Writes a `deliver_sm` with this body and waits for its answer.
    pub(crate) fn deliver(&mut self, body: &[u8]) -> u32 {
        self.sequence += 1;
        let sequence = self.sequence;
        self.write(DELIVER_SM, 0, sequence, body);
        loop {
            let pdu = self.read().expect("the server closed");
            if pdu.command == SUBMIT_SM {
                self.kept.push_back(Submit::of(&pdu));
                continue;
            }
            // Or a generic_nack.
            assert!([DELIVER_SM | RESPONSE, RESPONSE].contains(&pdu.command), "{pdu:?}");
            assert_eq!(pdu.sequence, sequence, "{pdu:?}");
            return pdu.status;
        }
    }
}

impl Submit {
    fn of(pdu: &Pdu) -> Self {
        let mut rest = pdu.body.as_slice();
        let mut string = |numbering: usize| {
            rest = &rest[numbering..];
            let end = rest.iter().position(|byte| *byte == 0).unwrap();
            let text = String::from_utf8(rest[..end].to_vec()).unwrap();
            rest = &rest[end + 1..];
            text
        };
        let (_service, _from, to) = (string(0), string(2), string(2));
        let (_schedule, _validity) = (string(3), string(0));
        let (coding, length) = (rest[2], usize::from(rest[4]));
        let bytes = &rest[5..5 + length];
        let text = if coding == 8 {
            let units: Vec<u16> = bytes.chunks(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
            String::from_utf16(&units).unwrap()
        } else {
            // The texts of these tests use no letter in which the GSM alphabet differs from ASCII.
            String::from_utf8_lossy(bytes).into_owned()
        };
        Self { sequence: pdu.sequence, to, text }
    }
}
