//! Connections: how many, how long, and their end.
//!
//! The one rule: nobody holds a connection by doing nothing. A head that comes slowly, a silent line and a reader who does not read are
//! cut; one visitor has so many and no more, and all together fewer than the process may open files.

use crate::address::{TrustedProxies, one_visitor};
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::collections::HashMap;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio_io_timeout::TimeoutStream;
use tower::ServiceExt as _;

/// What is kept for files, the database and calls when connections are counted.
const FILES_KEPT: u64 = 256;
/// The most connections, however many files may be open.
const MOST_CONNECTIONS: u64 = 8192;
/// Whoever is at work when the process is told to stop has so long.
const LAST_ANSWERS: Duration = Duration::from_secs(3);

/// The bounds.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Connections in all.
    pub total: usize,
    /// Connections of one visitor. Trusted proxies speak for many.
    pub each: usize,
    /// A request's head is whole after so long, and the next one has begun.
    pub head: Duration,
    /// Nothing is read or taken for so long: longer than any request takes.
    pub silence: Duration,
}

impl Bounds {
    /// For this process: as many files as it may open, which is raised to what the machine allows.
    #[must_use]
    pub fn for_process() -> Self {
        let files = raise_open_files().unwrap_or(1024);
        let total = files.saturating_sub(FILES_KEPT).clamp(64, MOST_CONNECTIONS);
        Self {
            total: usize::try_from(total).unwrap_or(64),
            each: 128,
            head: Duration::from_secs(10),
            silence: Duration::from_secs(45),
        }
    }
}

/// How many files may be open, once that is as many as may be asked for.
#[cfg(unix)]
fn raise_open_files() -> Option<u64> {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    let before = limit.current;
    limit.current = limit.maximum;
    match setrlimit(Resource::Nofile, limit) {
        Ok(()) => limit.maximum,
        Err(_) => before,
    }
}

#[cfg(not(unix))]
fn raise_open_files() -> Option<u64> {
    None
}

/// Open connections by visitor.
#[derive(Clone, Default)]
struct Open(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// One of them; dropped with its connection.
struct Place {
    open: Open,
    visitor: IpAddr,
}

impl Open {
    /// A place, or `None` where there is none left.
    fn take(&self, visitor: IpAddr, trusted: bool, bounds: &Bounds) -> Option<Place> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = open.values().sum();
        let own = open.entry(visitor).or_default();
        if all >= bounds.total || (*own >= bounds.each && !trusted) {
            return None;
        }
        *own += 1;
        Some(Place {
            open: self.clone(),
            visitor,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.open.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = open.get_mut(&self.visitor) {
            *own -= 1;
            if *own == 0 {
                open.remove(&self.visitor);
            }
        }
    }
}

/// Serves connections until `stop` ends; then those at work end their answer, and idle ones are closed.
pub async fn serve<S>(
    listener: TcpListener,
    service: S,
    bounds: Bounds,
    trusted: TrustedProxies,
    stop: impl Future<Output = ()>,
) where
    S: tower::Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    let (open, ending) = (Open::default(), GracefulShutdown::new());
    let mut stop = std::pin::pin!(stop);
    loop {
        let (stream, peer) = tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // A visitor who left, or no file left to open: the next one may fare better.
                    tracing::warn!(error = %error, "cannot take a connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
        };
        let known = trusted.include(peer.ip());
        let Some(place) = open.take(one_visitor(peer.ip()), known, &bounds) else {
            continue;
        };
        converse(stream, peer, place, service.clone(), &bounds, &ending);
    }
    drop(listener);
    if tokio::time::timeout(LAST_ANSWERS, ending.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("some answers were cut off");
    }
}

/// Answers one connection's requests, in a task of its own.
fn converse<S>(
    stream: TcpStream,
    peer: SocketAddr,
    place: Place,
    service: S,
    bounds: &Bounds,
    ending: &GracefulShutdown,
) where
    S: tower::Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    // Small answers are not held back for more.
    let _slower = stream.set_nodelay(true);
    let mut stream = TimeoutStream::new(stream);
    stream.set_read_timeout(Some(bounds.silence));
    stream.set_write_timeout(Some(bounds.silence));
    let service = service.map_request(move |request: axum::http::Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        request
    });
    // HTTP/2 would put any number of requests on one connection; a proxy in front speaks it with browsers.
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(bounds.head)
        .serve_connection(
            TokioIo::new(Box::pin(stream)),
            TowerToHyperService::new(service),
        );
    let connection = ending.watch(connection);
    tokio::spawn(async move {
        let _place = place;
        // Whoever broke off, or was cut off.
        let _ended = connection.await;
    });
}

#[cfg(test)]
mod tests;
