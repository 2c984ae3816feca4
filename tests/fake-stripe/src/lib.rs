//! A stateful stand-in for the part of Stripe's API that Seedmark uses: its own clock, faults on demand, saved answers by
//! idempotency key, and webhooks.
//!
//! The one rule: it shares no code with the shop, and it is judged by others' work: the official npm package's types, the official
//! Node SDK, and `async-stripe`, which decodes what it answers. What it does not know it refuses loudly.

#![recursion_limit = "512"]

pub mod api;
pub mod faults;
mod form;
pub mod objects;
pub mod webhooks;
pub mod world;

pub use faults::Fault;
pub use world::World;

use axum::Router;
use std::sync::{Arc, Mutex, MutexGuard};

/// A running stand-in.
#[derive(Clone)]
pub struct FakeStripe {
    world: Arc<Mutex<World>>,
    /// `http://127.0.0.1:PORT/`.
    pub url: String,
}

impl FakeStripe {
    /// Listens on a free port of this machine.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(port: u16, now_s: i64) -> std::io::Result<Self> {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
        let url = format!("http://{}/", listener.local_addr()?);
        let world = Arc::new(Mutex::new(World::new(now_s)));
        let fake = Self {
            world: world.clone(),
            url,
        };
        let router: Router = api::router(world);
        tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                eprintln!("the stand-in stopped: {error}");
            }
        });
        Ok(fake)
    }

    /// The world behind the API. A poisoned lock is a bug of the stand-in.
    ///
    /// # Panics
    /// When an earlier request panicked.
    pub fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().expect("no request panicked")
    }
}
