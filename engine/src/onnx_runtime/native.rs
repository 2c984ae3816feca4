//! Ordinary ONNX Runtime, for the profile `native`: every optimisation, several threads, and one execution provider.
//!
//! The one rule: what was asked for runs, or an error says what is missing. Nothing goes on with the CPU in silence: a provider that the
//! library does not have, that does not start or that takes no part of a graph is refused, and what the CPU keeps is counted.

use super::placed::{self, Counted, Share};
use super::providers::Provider;
use super::{OnnxRuntime, opened, with_weights};
use crate::error::{Error, ErrorKind};
use crate::executor::{Executor, Session, Weights};
use ort::session::builder::{GraphOptimizationLevel, SessionBuilder};
use schema::recipe::Profile;
use std::sync::Arc;

/// Its bits are those of this machine alone, so it certifies nothing.
#[derive(Clone)]
pub struct Native {
    runtime: OnnxRuntime,
    provider: Provider,
    /// Threads of the CPU within an operator; 0 lets the runtime choose.
    threads: usize,
    counted: Arc<Counted>,
}

impl Native {
    /// What runs graphs with a provider, and with so many threads of the CPU within an operator; 0 lets the runtime choose.
    ///
    /// # Errors
    /// `ErrorKind::Missing` for a provider that the library does not have, naming those that it has and what to install.
    pub fn new(runtime: OnnxRuntime, provider: Provider, threads: usize) -> Result<Self, Error> {
        let offered = Provider::offered()?;
        if !offered.contains(&provider) {
            let names: Vec<&str> = offered.iter().map(|one| one.name()).collect();
            return Err(Error::new(
                ErrorKind::Missing,
                format!(
                    "the execution provider {} is not in this library ({}), which has {}; {}, and set ORT_DYLIB_PATH to its library",
                    provider.name(),
                    runtime.runtime(),
                    names.join(", "),
                    provider.install()
                ),
            ));
        }
        Ok(Self {
            runtime,
            provider,
            threads,
            counted: Arc::default(),
        })
    }

    /// The provider.
    #[must_use]
    pub fn provider(&self) -> Provider {
        self.provider
    }

    /// How much of the graphs that were opened until now the provider took.
    #[must_use]
    pub fn share(&self) -> Share {
        self.counted.share()
    }

    fn builder(&self, name: &str) -> Result<SessionBuilder, Error> {
        let build = || -> Result<SessionBuilder, ort::Error> {
            let builder = ort::session::Session::builder(&self.runtime.environment)?
                .with_optimization_level(GraphOptimizationLevel::All)?
                .with_config_entry(placed::RECORD, "1")?;
            Ok(match self.threads {
                0 => builder,
                threads => builder.with_intra_threads(threads)?,
            })
        };
        let builder = build().map_err(|error| self.failed(name, &error))?;
        match self.provider.registration() {
            None => Ok(builder),
            Some(provider) => builder
                .with_execution_providers([provider.error_on_failure()])
                .map_err(|error| {
                    Error::new(
                        ErrorKind::Missing,
                        format!(
                            "the execution provider {} does not start: {error}; {}",
                            self.provider.name(),
                            self.provider.install()
                        ),
                    )
                }),
        }
    }

    fn failed(&self, name: &str, error: &ort::Error) -> Error {
        let provider = self.provider.name();
        Error::new(
            ErrorKind::Runtime,
            format!("graph {name} cannot be opened with {provider}: {error}"),
        )
    }
}

impl Executor for Native {
    fn session(
        &self,
        name: &str,
        graph: &[u8],
        weights: Weights,
    ) -> Result<Box<dyn Session>, Error> {
        let builder = self.builder(name)?;
        let session = with_weights(builder, weights)
            .and_then(|mut builder| builder.commit_from_memory(graph))
            .map_err(|error| self.failed(name, &error))?;
        let share =
            placed::of(&session, self.provider).map_err(|error| self.failed(name, &error))?;
        if share.taken == 0 && share.all > 0 {
            return Err(Error::new(
                ErrorKind::Runtime,
                format!(
                    "the execution provider {} takes none of the {} nodes of {name}: the CPU would make the picture",
                    self.provider.name(),
                    share.all
                ),
            ));
        }
        self.counted.add(share);
        Ok(opened(name, Ok(session))?)
    }

    fn boxed(&self) -> Box<dyn Executor> {
        Box::new(self.clone())
    }

    fn profile(&self) -> Profile {
        Profile::Native
    }

    fn runtime(&self) -> String {
        format!("{} {}", self.runtime.runtime(), self.provider.name())
    }
}
