//! Work that computes, away from the threads that answer requests.
//!
//! The one rule: it is begun outside every write transaction, on input whose size was checked, and awaited like anything else.

/// Runs `work` on a thread for blocking work. A panic in it is a panic of the caller.
pub async fn run<T, F>(work: F) -> T
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        // The runtime is shutting down: whoever waits for this is dropped with it.
        Err(_) => std::future::pending().await,
    }
}
