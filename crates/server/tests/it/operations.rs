//! `/healthz`, `/readyz`, `/metrics`, and what every route has in common.

use crate::peer::{Peer, found, read, settings};
use server::{Check, Settings};
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

#[tokio::test]
async fn health_tells_the_service() {
    let peer = Peer::start(settings(), found(false)).await;
    let answer = peer.get("/healthz", "").await;
    assert_eq!((answer.status, answer.json()["service"].as_str()), (200, Some("mhero")));
    assert!(answer.head.contains("cache-control: no-store"), "{answer:?}");
    peer.stop().await;
}

#[tokio::test]
async fn readiness_shows_details_to_operations_only() {
    for (ok, status) in [(true, 200), (false, 503)] {
        let peer = Peer::start(settings(), found(ok)).await;
        let here = peer.get("/readyz", "").await;
        assert_eq!((here.status, here.json()["ready"].as_bool()), (status, Some(ok)));
        assert_eq!(here.json()["checks"][0]["detail"], "sqlite");
        let away = peer.get("/readyz", "X-Forwarded-For: 203.0.113.9\r\n").await;
        assert_eq!((away.status, away.json().get("checks")), (status, None));
        peer.stop().await;
    }
}

#[tokio::test]
async fn a_store_that_never_answers_is_not_ready() {
    let never = Arc::new(|| -> Pin<Box<dyn Future<Output = Vec<Check>> + Send>> { Box::pin(std::future::pending()) });
    let peer = Peer::start(Settings { timeout: Duration::from_millis(100), ..settings() }, never).await;
    let answer = peer.get("/readyz", "").await;
    assert_eq!(answer.status, 503);
    assert!(answer.head.contains("application/problem+json"), "{answer:?}");
    peer.stop().await;
}

#[tokio::test]
async fn metrics_are_for_this_machine_or_the_token() {
    let proxied = "Forwarded: for=203.0.113.9\r\n";
    let cases = [
        ("", true, 200),
        (proxied, true, 401),
        ("Forwarded: for=203.0.113.9\r\nAuthorization: Bearer t0ken\r\n", true, 200),
        ("Forwarded: for=203.0.113.9\r\nAuthorization: Bearer t0keN\r\n", true, 401),
        ("Forwarded: for=203.0.113.9\r\nAuthorization: Basic t0ken\r\n", true, 401),
        (proxied, false, 403),
        ("", false, 200),
    ];
    for (headers, token, expected) in cases {
        let mut settings = settings();
        if !token {
            settings.operations_token = None;
        }
        let peer = Peer::start(settings, found(true)).await;
        let answer = peer.get("/metrics", headers).await;
        assert_eq!(answer.status, expected, "{headers:?} {answer:?}");
        assert_eq!(answer.body.contains("up 1"), expected == 200, "{answer:?}");
        assert_eq!(answer.head.contains("www-authenticate"), expected == 401, "{answer:?}");
        peer.stop().await;
    }
}

#[tokio::test]
async fn errors_are_problems() {
    let peer = Peer::start(settings(), found(true)).await;
    let big = "x".repeat(2000);
    let cases = [
        ("GET /nowhere HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n".to_owned(), 404, "nothing at this address"),
        ("POST /healthz HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n".to_owned(), 405, "does not take this method"),
        (
            format!("POST /healthz HTTP/1.1\r\nHost: t\r\nConnection: close\r\nContent-Length: 2000\r\n\r\n{big}"),
            413,
            "http.body_limit_kb",
        ),
    ];
    for (request, status, detail) in cases {
        let answer = peer.say(&request).await;
        assert_eq!(answer.status, status, "{answer:?}");
        assert!(answer.head.contains("content-type: application/problem+json"), "{answer:?}");
        let problem = answer.json();
        assert_eq!(problem["status"], status);
        assert_eq!(problem["type"], "about:blank");
        assert!(problem["detail"].as_str().unwrap().contains(detail), "{problem}");
        assert!(status != 405 || answer.head.contains("allow: get"), "{answer:?}");
    }
    peer.stop().await;
}

#[tokio::test]
async fn a_head_that_never_ends_is_not_waited_for() {
    let peer = Peer::start(settings(), found(true)).await;
    for said in ["", "GET /healthz HTT", "GET /healthz HTTP/1.1\r\nHost: t\r\nX-Slow: "] {
        let mut stream = TcpStream::connect(peer.at).await.unwrap();
        stream.write_all(said.as_bytes()).await.unwrap();
        // The server closes; a server that waits would leave this waiting for ever.
        let answer = read(&mut stream).await;
        assert!([0, 408].contains(&answer.status), "{said:?}: {answer:?}");
    }
    assert_eq!(peer.get("/healthz", "").await.status, 200);
    peer.stop().await;
}

#[tokio::test]
async fn a_body_that_is_announced_too_large_is_refused_before_it_comes() {
    let peer = Peer::start(settings(), found(true)).await;
    let answer =
        peer.say("POST /healthz HTTP/1.1\r\nHost: t\r\nConnection: close\r\nContent-Length: 99999999\r\n\r\n").await;
    assert_eq!(answer.status, 413, "{answer:?}");
    assert_eq!(peer.get("/healthz", "").await.status, 200);
    peer.stop().await;
}

#[tokio::test]
async fn a_panic_ends_with_its_request() {
    let panics = Arc::new(|| -> Pin<Box<dyn Future<Output = Vec<Check>> + Send>> { panic!("the secret of the panic") });
    let peer = Peer::start(settings(), panics).await;
    for _ in 0..2 {
        let answer = peer.get("/readyz", "").await;
        assert_eq!(answer.status, 500, "{answer:?}");
        assert!(!answer.body.contains("secret"), "{answer:?}");
    }
    assert_eq!(peer.get("/healthz", "").await.status, 200);
    peer.stop().await;
}

#[tokio::test]
async fn stopping_lets_a_running_request_end() {
    let slow = Arc::new(|| -> Pin<Box<dyn Future<Output = Vec<Check>> + Send>> {
        Box::pin(async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            Vec::new()
        })
    });
    let peer = Peer::start(settings(), slow).await;
    let mut stream = TcpStream::connect(peer.at).await.unwrap();
    stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: t\r\n\r\n").await.unwrap();
    tokio::time::sleep(Duration::from_millis(30)).await;
    let at = peer.at;
    let stopping = tokio::spawn(peer.stop());
    let answer = read(&mut stream).await;
    // It ran while the server was told to stop: it is answered, and says so.
    assert_eq!(answer.status, 503, "{answer:?}");
    assert_eq!(answer.json()["checks"][0]["name"], "shutdown");
    stopping.await.unwrap();
    assert!(TcpStream::connect(at).await.is_err());
}

#[tokio::test]
async fn stopping_does_not_wait_for_ever() {
    let never = Arc::new(|| -> Pin<Box<dyn Future<Output = Vec<Check>> + Send>> { Box::pin(std::future::pending()) });
    let peer = Peer::start(Settings { timeout: Duration::from_mins(1), ..settings() }, never).await;
    let mut stream = TcpStream::connect(peer.at).await.unwrap();
    stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: t\r\n\r\n").await.unwrap();
    tokio::time::sleep(Duration::from_millis(30)).await;
    let asked = Instant::now();
    peer.stop().await;
    assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
}

#[tokio::test]
async fn metrics_of_the_process_are_rendered() {
    let render = server::operations::install_metrics().unwrap();
    let peer = Peer::start(settings(), found(true)).await;
    peer.get("/healthz", "").await;
    let text = render();
    for expected in ["mhero_build_info{version=", "process_resident_memory_bytes ", "route=\"/healthz\""] {
        assert!(text.contains(expected), "{expected} not in {text}");
    }
    peer.stop().await;
}
