//! Connections that do nothing, against a service that answers.

use super::{Bounds, serve};
use crate::address::TrustedProxies;
use axum::Router;
use axum::routing::get;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

struct Running {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

async fn running(bounds: Bounds) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let (stop, stopped) = oneshot::channel();
    let routes = Router::new().route("/", get(|| async { "here" }));
    let task = tokio::spawn(serve(
        listener,
        routes,
        bounds,
        TrustedProxies::default(),
        async {
            let _gone = stopped.await;
        },
    ));
    Running {
        address,
        stop,
        task,
    }
}

fn bounds(total: usize, each: usize) -> Bounds {
    Bounds {
        total,
        each,
        head: Duration::from_millis(300),
        silence: Duration::from_secs(30),
    }
}

/// What comes until the other side closes.
async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let _cut = stream.read_to_end(&mut bytes).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

async fn ask(address: SocketAddr) -> String {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let head = b"GET / HTTP/1.1\r\nhost: shop.test\r\nconnection: close\r\n\r\n";
    // A refused connection may be closed before it is written to.
    let _refused = stream.write_all(head).await;
    rest(&mut stream).await
}

#[tokio::test]
async fn who_sends_no_head_or_half_of_one_is_cut_off_and_others_get_in() {
    let shop = running(bounds(4, 4)).await;
    let mut silent = Vec::new();
    for number in 0..4 {
        let mut stream = TcpStream::connect(shop.address)
            .await
            .expect("a connection");
        if number % 2 == 0 {
            let half = b"GET / HTTP/1.1\r\nhost: ";
            stream.write_all(half).await.expect("half a head");
        }
        silent.push(stream);
    }
    assert_eq!(ask(shop.address).await, "", "there is no place left");
    for stream in &mut silent {
        let answer = rest(stream).await;
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 408"),
            "{answer}"
        );
    }
    assert!(ask(shop.address).await.ends_with("here"));
}

#[tokio::test]
async fn one_visitor_has_so_many_connections_and_no_more() {
    let shop = running(bounds(100, 2)).await;
    let mut held = Vec::new();
    for _ in 0..2 {
        let stream = TcpStream::connect(shop.address).await;
        held.push(stream.expect("a connection"));
    }
    assert_eq!(ask(shop.address).await, "");
    drop(held);
    let mut answer = String::new();
    // Their end is seen when it is read.
    while answer.is_empty() {
        answer = ask(shop.address).await;
    }
    assert!(answer.ends_with("here"), "{answer}");
}

#[tokio::test]
async fn a_stop_waits_for_nobody_who_is_silent() {
    let mut slow = bounds(100, 100);
    slow.head = Duration::from_secs(60);
    let shop = running(slow).await;
    let mut kept = TcpStream::connect(shop.address)
        .await
        .expect("a connection");
    let head = b"GET / HTTP/1.1\r\nhost: shop.test\r\n\r\n";
    kept.write_all(head).await.expect("a request");
    let mut first = [0; 12];
    kept.read_exact(&mut first).await.expect("an answer");
    let begun = Instant::now();
    shop.stop.send(()).expect("it runs");
    shop.task.await.expect("no panic");
    assert!(begun.elapsed() < Duration::from_secs(2), "it waited");
    assert!(rest(&mut kept).await.ends_with("here"));
}

#[tokio::test]
async fn many_requests_at_once_need_many_connections() {
    let shop = running(bounds(4, 4)).await;
    let mut stream = TcpStream::connect(shop.address)
        .await
        .expect("a connection");
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    stream.write_all(preface).await.expect("a preface");
    let answer = rest(&mut stream).await;
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 400"),
        "{answer:?}"
    );
}
