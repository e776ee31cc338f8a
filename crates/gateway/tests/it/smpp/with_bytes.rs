//! An operator that writes octets by hand, where a real codec would not let it.

use super::client::{Client, accepted, config};
use super::judge::SOON;
use gateway::smpp::Config;
use gateway::{Event, LinkState, Submitted};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

struct Operator {
    listener: TcpListener,
    port: u16,
}

struct Connection(TcpStream);

impl Operator {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        Self { listener, port }
    }

    async fn accept(&self) -> Connection {
        let (stream, _) = timeout(SOON, self.listener.accept()).await.unwrap().unwrap();
        stream.set_nodelay(true).unwrap();
        Connection(stream)
    }

    /// Accepts a connection and its bind.
    async fn bound(&self) -> Connection {
        let mut connection = self.accept().await;
        connection.read().await;
        connection.write(&pdu(0x8000_0009, 0, 1, "00")).await;
        connection
    }
}

impl Connection {
    /// One PDU, as octets.
    async fn read(&mut self) -> Vec<u8> {
        let mut length = [0; 4];
        timeout(SOON, self.0.read_exact(&mut length)).await.unwrap().unwrap();
        let mut pdu = length.to_vec();
        pdu.resize(u32::from_be_bytes(length) as usize, 0);
        timeout(SOON, self.0.read_exact(&mut pdu[4..])).await.unwrap().unwrap();
        pdu
    }

    async fn write(&mut self, hex: &str) {
        self.0.write_all(&octets(hex)).await.unwrap();
    }

    /// One octet in each segment of TCP.
    async fn write_slowly(&mut self, hex: &str) {
        for octet in octets(hex) {
            self.0.write_all(&[octet]).await.unwrap();
            tokio::task::yield_now().await;
        }
    }
}

/// A PDU in hexadecimal digits.
fn pdu(command: u32, status: u32, sequence: u32, body: &str) -> String {
    let length = 16 + octets(body).len();
    format!("{length:08x}{command:08x}{status:08x}{sequence:08x}{body}")
}

/// The sequence number of a PDU.
fn number(pdu: &[u8]) -> u32 {
    u32::from_be_bytes([pdu[12], pdu[13], pdu[14], pdu[15]])
}

/// The octets of hexadecimal digits; what is no digit is left out.
fn octets(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

#[tokio::test]
async fn pdus_are_framed_whatever_tcp_makes_of_them() {
    let operator = Operator::start().await;
    let mut client = Client::start(config(operator.port));
    let mut connection = operator.accept().await;
    let bind = pdu(9, 0, 1, "6d696e697374727900 73656372657400 00 34 00 00 00");
    assert_eq!(connection.read().await, octets(&bind));
    // The bind's response octet by octet; its last one comes with a message, all but the middle of it.
    connection.write_slowly("00000015 80000009 00000000 00000001 736d7363").await;
    // The last parameter is one of a vendor.
    let (begin, middle) =
        ("00 01 01 32333139393030303030303100 03 00 3433323100", "00 00 00 00 00 00 00 00 00 03 596573");
    let message = pdu(5, 0, 7, &format!("{begin} {middle} 1501 0002 abcd")).replace(' ', "");
    let (first, rest) = message.split_at(70);
    connection.write(&format!("00{first}")).await;
    client.until(LinkState::Up).await;
    let (second, third) = rest.split_at(30);
    connection.write_slowly(second).await;
    // Its end, and two PDUs more, in one write.
    connection.write(&[third, &pdu(0x15, 0, 8, ""), &pdu(0x15, 0, 9, "")].concat()).await;
    let inbound = client.inbound().await;
    assert_eq!((inbound.source.as_str(), inbound.text.as_str()), ("+231990000001", "Yes"));
    assert_eq!(inbound.tlvs, [(0x1501, vec![0xab, 0xcd])]);
    assert_eq!(connection.read().await, octets(&pdu(0x8000_0015, 0, 8, "")));
    assert_eq!(connection.read().await, octets(&pdu(0x8000_0015, 0, 9, "")));
    inbound.ack.accept();
    assert_eq!(connection.read().await, octets(&pdu(0x8000_0005, 0, 7, "00")));
    client.link.stop();
    connection.0.shutdown().await.unwrap();
}

#[tokio::test]
async fn careless_responses_settle_their_message() {
    let operator = Operator::start().await;
    let mut client = Client::start(config(operator.port));
    let mut connection = operator.bound().await;
    client.until(LinkState::Up).await;
    // Without a body, without the NUL, longer than allowed, with a TLV that is longer than the PDU, with a vendor's
    // own status.
    let long = "37".repeat(100);
    for (body, status, expected) in [
        ("", 0, Some("")),
        ("616263", 0, Some("abc")),
        (format!("{long}00").as_str(), 0, Some("7".repeat(100).as_str())),
        ("61620004270009ff", 0, Some("ab")),
        ("00", 0x0000_0fff, None),
    ] {
        client.send("a").await;
        let submit = connection.read().await;
        connection.write(&pdu(0x8000_0004, status, number(&submit), body)).await;
        let outcome = client.report().await.outcome;
        match expected {
            Some(id) => assert_eq!(outcome, accepted(&[id])),
            None => assert!(matches!(outcome, Submitted::Rejected { status: 0xfff, permanent: true, .. })),
        }
    }
    client.link.stop();
}

#[tokio::test]
async fn letting_go_of_the_link_waits_for_answers() {
    let operator = Operator::start().await;
    let mut client = Client::start(config(operator.port));
    let mut connection = operator.bound().await;
    client.until(LinkState::Up).await;
    client.send("a").await;
    let submit = connection.read().await;
    let Client { link, mut events, .. } = client;
    drop(link);
    connection.write(&pdu(0x8000_0004, 0, number(&submit), "373700")).await;
    let unbind = connection.read().await;
    assert_eq!(unbind[..8], octets("00000010 00000006"));
    connection.write(&pdu(0x8000_0006, 0, number(&unbind), "")).await;
    let mut outcomes = Vec::new();
    while let Some(batch) = timeout(SOON, events.recv()).await.unwrap() {
        outcomes.extend(batch.into_iter().filter_map(|event| match event {
            Event::Submitted(report) => Some(report.outcome),
            _ => None,
        }));
    }
    assert_eq!(outcomes, [accepted(&["77"])]);
}

#[tokio::test]
async fn an_operator_that_does_not_answer_the_bind_is_left() {
    let operator = Operator::start().await;
    let mut client = Client::start(Config { response_timeout: Duration::from_millis(50), ..config(operator.port) });
    let mut connection = operator.accept().await;
    connection.read().await;
    let reason = client.until(LinkState::Down).await.unwrap();
    assert!(reason.starts_with("the operator did not answer the bind in time; next attempt in"), "{reason}");
    // A message that is handed over meanwhile comes back unsent.
    let early = client.outgoing("early");
    client.link.submit(vec![early]);
    assert_eq!(client.report().await.outcome, Submitted::NotSent);
    assert_eq!(client.link.free_window(), 0);
    client.end().await;
}

#[tokio::test]
async fn an_address_without_a_server_is_named() {
    let port = {
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
        free.local_addr().unwrap().port()
    };
    let mut client = Client::start(config(port));
    let reason = client.until(LinkState::Down).await.unwrap();
    assert!(reason.starts_with(&format!("cannot connect to 127.0.0.1:{port}: ")), "{reason}");
    client.end().await;
}

#[tokio::test]
async fn a_loop_that_does_not_take_events_holds_the_operator_back() {
    let operator = Operator::start().await;
    let mut client = Client::start(Config { inbound_window: 100, ..config(operator.port) });
    let mut connection = operator.bound().await;
    client.until(LinkState::Up).await;
    // Two thousand messages are on their way; no more than a hundred come in before one is answered.
    let writer = tokio::spawn(async move {
        for sequence in 1..=2_000_u32 {
            let addresses = "00 01 01 32333139393030303030303100 03 00 3433323100";
            let text = format!("00 00 00 00 00 00 00 00 00 04 {sequence:08x}");
            connection.write(&pdu(5, 0, sequence, &format!("{addresses} {text}"))).await;
        }
        connection
    });
    let mut held = Vec::new();
    while held.len() < 100 {
        held.push(client.inbound().await);
    }
    let more = timeout(Duration::from_millis(100), async {
        loop {
            if let Some(Event::Inbound(_)) = client.event().await {
                return;
            }
        }
    });
    assert!(more.await.is_err(), "reading stops");
    let mut numbers: Vec<u64> = held.iter().map(|inbound| inbound.number).collect();
    for inbound in held {
        inbound.ack.accept();
    }
    while numbers.len() < 2_000 {
        let inbound = client.inbound().await;
        numbers.push(inbound.number);
        inbound.ack.accept();
    }
    assert!(numbers.iter().copied().eq(1..=2_000), "all of them, in order");
    let mut connection = writer.await.unwrap();
    assert_eq!(connection.read().await, octets(&pdu(0x8000_0005, 0, 1, "00")));
    client.link.stop();
}
