//! The simulated operator over TCP.

use bytes::{Buf, BytesMut};
use gateway::operator_sim::{Config, Handle, Operator, Report, control};
use gateway::smpp::codec::{Address, Bind, BindMode, CommandId, Pdu, Sm, SmResp, Status, frame};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// data_coding 1.
const ASCII: u8 = 1;
const SECOND: Duration = Duration::from_secs(1);

async fn start(config: &str) -> Handle {
    let config: Config = format!("listen = '127.0.0.1:0'\n{config}").parse().unwrap();
    Operator::start(config).await.unwrap()
}

/// A client of the plainest kind.
struct Client {
    stream: TcpStream,
    input: BytesMut,
    sequence: u32,
}

/// What the tests look at in a PDU.
#[derive(Debug)]
struct Got {
    command: CommandId,
    sequence: u32,
    text: String,
}

impl Client {
    async fn bind(operator: &Handle) -> Self {
        let stream = TcpStream::connect(operator.addr()).await.unwrap();
        let mut client = Self { stream, input: BytesMut::new(), sequence: 1 };
        let bind = Bind {
            mode: BindMode::Transceiver,
            system_id: b"mhero",
            password: b"secret",
            system_type: b"",
            interface_version: 0x34,
            address_range: Address::default(),
        };
        client.write(&[(1, Pdu::Bind(bind))]).await;
        assert_eq!(client.read().await.unwrap().command, CommandId::BIND_TRANSCEIVER_RESP);
        client
    }

    async fn write(&mut self, pdus: &[(u32, Pdu<'_>)]) {
        let mut out = BytesMut::new();
        for (sequence, pdu) in pdus {
            pdu.encode(Status::OK, *sequence, &mut out).unwrap();
        }
        self.stream.write_all(&out).await.unwrap();
    }

    async fn submit(&mut self, phone: u64, text: &str) {
        self.sequence += 1;
        let phone = phone.to_string();
        let message = Sm {
            source: Address { ton: 3, npi: 0, addr: b"4321" },
            destination: Address { ton: 1, npi: 1, addr: phone.as_bytes() },
            data_coding: ASCII,
            short_message: text.as_bytes(),
            ..Sm::default()
        };
        self.write(&[(self.sequence, Pdu::SubmitSm(message))]).await;
    }

    async fn ack(&mut self, sequence: u32) {
        self.write(&[(sequence, Pdu::DeliverSmResp(SmResp::default()))]).await;
    }

    /// The next PDU; `None` when the connection has ended.
    async fn read(&mut self) -> Option<Got> {
        loop {
            if let Some(frame) = frame(&self.input).unwrap() {
                let text = match Pdu::decode(&frame) {
                    Ok(Pdu::DeliverSm(sm)) => String::from_utf8_lossy(sm.short_message).into_owned(),
                    _ => String::new(),
                };
                let got = Got { command: frame.header.command, sequence: frame.header.sequence, text };
                let size = frame.size();
                self.input.advance(size);
                return Some(got);
            }
            let read = tokio::time::timeout(20 * SECOND, self.stream.read_buf(&mut self.input)).await;
            match read.expect("the operator is silent") {
                Ok(0) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    async fn read_delivery(&mut self) -> Got {
        loop {
            let got = self.read().await.expect("the connection has ended");
            if got.command == CommandId::DELIVER_SM {
                return got;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_survives_dropped_connections() {
    let operator = start("[phones]\nother_answers = ['fine']").await;
    let mut client = Client::bind(&operator).await;
    client.submit(231_990_000_001, "How are you? [k1 s1]").await;
    let first = client.read_delivery().await;
    assert_eq!(first.text, "fine");
    operator.drop_all();
    while client.read().await.is_some() {}

    let mut client = Client::bind(&operator).await;
    let again = client.read_delivery().await;
    assert_eq!(again.text, "fine");
    client.ack(again.sequence).await;
    assert!(operator.wait_settled(Duration::from_millis(50), 5 * SECOND).await);
    let report = operator.report();
    assert_eq!((report.counts.connections_lost, report.counts.redelivered), (1, 1));
    assert_eq!((report.counts.answers_acknowledged, report.verdict.lost.count), (1, 1));

    client.submit(231_990_000_001, "Good. [k1 s2 end]").await;
    let last = client.read_delivery().await;
    client.ack(last.sequence).await;
    assert!(operator.wait_settled(Duration::from_millis(50), 5 * SECOND).await);
    let verdict = operator.report().verdict;
    assert_eq!((verdict.lost.count, verdict.doubled.count, verdict.completed), (0, 0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_come_after_their_time() {
    let operator = start("[phones]\ndelay = '200ms'").await;
    let mut client = Client::bind(&operator).await;
    let asked = Instant::now();
    client.submit(231_990_000_001, "q").await;
    client.read_delivery().await;
    let took = asked.elapsed();
    assert!((Duration::from_millis(200)..2 * SECOND).contains(&took), "{took:?}");
    assert!(
        !operator.wait_settled(Duration::from_millis(10), Duration::from_millis(30)).await,
        "it is not acknowledged"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stalled_operator_reads_later() {
    let operator = start("").await;
    let mut client = Client::bind(&operator).await;
    operator.stall(Duration::from_millis(300));
    // A read that is under way when the stall begins is still taken.
    tokio::time::sleep(Duration::from_millis(20)).await;
    let asked = Instant::now();
    client.submit(231_990_000_001, "q").await;
    client.read_delivery().await;
    assert!(asked.elapsed() >= Duration::from_millis(250), "{:?}", asked.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn many_submits_at_once_are_all_answered() {
    const MESSAGES: u64 = 5_000;
    let operator = start("[phones]\nrespond = 0.5\n[smsc]\nwindow = 1000").await;
    let mut client = Client::bind(&operator).await;
    let texts: Vec<String> = (0..MESSAGES).map(|i| (231_990_000_000 + i).to_string()).collect();
    let pdus: Vec<(u32, Pdu<'_>)> = texts
        .iter()
        .zip(10..)
        .map(|(phone, sequence)| {
            let destination = Address { ton: 1, npi: 1, addr: phone.as_bytes() };
            let source = Address { ton: 3, npi: 0, addr: b"4321" };
            let message = Sm { source, destination, data_coding: ASCII, short_message: b"q [k1 s1]", ..Sm::default() };
            (sequence, Pdu::SubmitSm(message))
        })
        .collect();
    client.write(&pdus).await;
    let (mut responses, mut acknowledged) = (0, 0);
    while responses < MESSAGES || acknowledged < operator.counts().answers {
        let got = client.read().await.unwrap();
        match got.command {
            CommandId::SUBMIT_SM_RESP => responses += 1,
            CommandId::DELIVER_SM => {
                acknowledged += 1;
                client.ack(got.sequence).await;
            }
            other => panic!("{other}"),
        }
    }
    assert!(operator.wait_settled(Duration::ZERO, 5 * SECOND).await);
    let counts = operator.counts();
    assert_eq!((counts.taken, counts.reached), (MESSAGES, MESSAGES));
    assert!((2_300..2_700).contains(&counts.responded) && counts.answers_acknowledged == counts.answers, "{counts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_smpp_ends_the_connection_and_nothing_else() {
    let operator = start("").await;
    let mut stream = TcpStream::connect(operator.addr()).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    tokio::time::timeout(5 * SECOND, stream.read_to_end(&mut answer)).await.unwrap().unwrap();
    assert_eq!(frame(&answer).unwrap().unwrap().header.command, CommandId::GENERIC_NACK);
    Client::bind(&operator).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_process_controls_it_by_lines() {
    let operator = Arc::new(start("").await);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let server = tokio::spawn(control::serve(listener, Arc::clone(&operator)));
    let mut client = Client::bind(&operator).await;

    let mut stream = BufReader::new(TcpStream::connect(addr).await.unwrap());
    let mut ask = async |line: &str| {
        stream.write_all(format!("{line}\n").as_bytes()).await.unwrap();
        let mut answer = String::new();
        tokio::time::timeout(5 * SECOND, stream.read_line(&mut answer)).await.expect(line).unwrap();
        serde_json::from_str::<serde_json::Value>(&answer).unwrap()
    };
    let report: Report = serde_json::from_value(ask("{\"report\":true}").await).unwrap();
    assert_eq!((report.binds, report.counts.submits), (1, 0));
    let settled = ask("{\"settled\":{\"idle\":\"1ms\",\"timeout\":\"20ms\"}}").await;
    assert_eq!(settled["settled"], false, "nothing was sent yet");
    assert_eq!(ask("{\"throttle\":0.5}").await["ok"], true);
    client.submit(231_990_000_001, "q").await;
    client.submit(231_990_000_001, "q").await;
    let mut responses = 0;
    while responses < 2 {
        responses += u32::from(client.read().await.unwrap().command == CommandId::SUBMIT_SM_RESP);
    }
    assert_eq!(ask("{\"report\":true}").await["throttled"], 1);
    assert_eq!(ask("{\"throttle\":0}").await["ok"], true);
    let next = tokio::select! {
        next = ask("{\"next\":\"submit\"}") => next,
        () = async {
            loop {
                client.submit(231_990_000_001, "q").await;
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        } => unreachable!("it submits until it is stopped"),
    };
    assert_eq!(next["system_id"], "mhero");
    assert!(ask("{\"history\":true}").await.as_array().unwrap().is_empty(), "none is kept unless it is asked for");
    assert_eq!(ask("{\"stall\":\"1ms\"}").await["ok"], true);
    assert_eq!(ask("{\"restart_load_measure\":true}").await["ok"], true);
    assert_eq!(ask("{\"drop\":true}").await["ok"], true);
    while client.read().await.is_some() {}
    assert!(ask("{\"drop\":false}").await["error"].as_str().unwrap().contains("only `true`"));
    assert!(ask("hello").await["error"].is_string());
    assert!(ask(&"x".repeat(10_000)).await["error"].as_str().unwrap().contains("max line length"));
    server.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn it_stops_when_it_is_dropped() {
    let operator = start("").await;
    let mut client = Client::bind(&operator).await;
    let addr = operator.addr();
    drop(operator);
    assert!(client.read().await.is_none());
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(TcpStream::connect(addr).await.is_err());
}

#[tokio::test]
async fn an_address_in_use_is_named() {
    let operator = start("").await;
    let config: Config = format!("listen = '{}'", operator.addr()).parse().unwrap();
    let error = Operator::start(config).await.unwrap_err().to_string();
    assert!(error.contains(&operator.addr().to_string()) && error.contains("listen"), "{error}");
}
