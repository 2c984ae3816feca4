//! Work that computes, away from the threads that answer requests.
//!
//! The one rule: it is begun outside every write transaction, on input whose size was checked, and awaited like anything else.

use std::sync::Arc;
use tokio::sync::Semaphore;

/// Heavy work of one kind: so much of it goes on at once, and so much waits for its turn. What is begun keeps its turn until it is done, also
/// when whoever asked has left: a page that is given up lets nobody begin more.
#[derive(Clone, Debug)]
pub struct Turns {
    going: Arc<Semaphore>,
    asked: Arc<Semaphore>,
}

/// Too much of the same waits already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too much of this is asked for at once")]
pub struct Busy;

impl Turns {
    /// `at_once` on their threads, and `waiting` behind them.
    #[must_use]
    pub fn new(at_once: usize, waiting: usize) -> Self {
        Self {
            going: Arc::new(Semaphore::new(at_once)),
            asked: Arc::new(Semaphore::new(at_once + waiting)),
        }
    }

    /// Whether [`Turns::run`] would refuse now.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.asked.available_permits() == 0
    }

    /// Runs `work` on a thread for blocking work when its turn comes.
    ///
    /// # Errors
    /// At once when too many wait.
    pub async fn run<T, F>(&self, work: F) -> Result<T, Busy>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let asked = self.asked.clone().try_acquire_owned().map_err(|_| Busy)?;
        let turn = self.going.clone().acquire_owned().await.map_err(|_| Busy)?;
        Ok(run(move || {
            let _until_done = (asked, turn);
            work()
        })
        .await)
    }
}

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

#[cfg(test)]
mod tests {
    use super::{Busy, Turns};
    use std::sync::mpsc;

    #[tokio::test]
    async fn work_that_nobody_waits_for_keeps_its_turn_until_it_is_done() {
        let turns = Turns::new(1, 0);
        let (begun, has_begun) = mpsc::channel();
        let (end, may_end) = mpsc::channel::<()>();
        let work = turns.run(move || {
            begun.send(()).expect("somebody listens");
            may_end.recv().expect("a word");
        });
        let asked = tokio::spawn({
            let turns = turns.clone();
            async move { turns.run(|| ()).await }
        });
        assert_eq!(asked.await.expect("no panic"), Ok(()), "nobody works yet");
        let mut work = Box::pin(work);
        assert!(!is_done_at_once(&mut work).await, "it goes on");
        tokio::task::spawn_blocking(move || has_begun.recv())
            .await
            .expect("no panic")
            .expect("it began");
        drop(work);
        assert_eq!(turns.run(|| ()).await, Err(Busy), "its thread still works");
        end.send(()).expect("it waits");
        while turns.run(|| ()).await == Err(Busy) {
            tokio::task::yield_now().await;
        }
    }

    /// Looks once whether something is done.
    async fn is_done_at_once<F: Future + Unpin>(future: &mut F) -> bool {
        std::future::poll_fn(|context| {
            let done = std::pin::Pin::new(&mut *future).poll(context).is_ready();
            std::task::Poll::Ready(done)
        })
        .await
    }
}
