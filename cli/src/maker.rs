//! What makes a command's pictures: `portable-1`, or an execution provider under `native`.
//!
//! The one rule: a provider's pictures are native wherever they are told of, and nobody gets one without having asked for it.

use crate::{machine, output};
use anyhow::{Context as _, Result};
use engine::executor::Executor;
use engine::model::Model;
use engine::onnx_runtime::{Native, OnnxRuntime, Provider, Share};
use engine::picture::Picture;
use engine::pipeline::Request;
use schema::recipe::{Profile, Recipe};
use std::path::Path;
use std::sync::Arc;

const VARIABLE: &str = "SEEDMARK_EP";

/// The provider of this run, when there is to be one: as the command says, else as `SEEDMARK_EP` does.
pub(crate) fn provider(named: Option<&str>) -> Result<Option<Provider>> {
    let set = std::env::var(VARIABLE).ok().filter(|set| !set.is_empty());
    match (named, set) {
        (Some(name), _) => Ok(Some(Provider::parse(name).context("--ep")?)),
        (None, Some(name)) => Ok(Some(Provider::parse(&name).context(VARIABLE)?)),
        (None, None) => Ok(None),
    }
}

/// What makes pictures.
pub(crate) enum Maker {
    /// The CPU, self-tested.
    Portable(OnnxRuntime),
    /// A provider.
    Native(Native),
}

impl Maker {
    /// A model, as [`machine::engine`] finds it, and what makes its pictures. A provider asks no self-test of this machine.
    pub(crate) fn open(
        provider: Option<Provider>,
        named: Option<&Path>,
        recipe: Option<&Recipe>,
    ) -> Result<(Arc<Model>, Self)> {
        let Some(provider) = provider else {
            let (model, runtime) = machine::engine(named, recipe)?;
            return Ok((model, Self::Portable(runtime)));
        };
        let wanted = recipe.map(|recipe| recipe.model);
        let model = machine::model_in(&machine::store(None)?, named, wanted)?;
        Ok((Arc::new(model), Self::native(provider)?))
    }

    /// A provider, with as many threads of the CPU as the runtime sees fit.
    pub(crate) fn native(provider: Provider) -> Result<Self> {
        Ok(Self::Native(Native::new(machine::runtime()?, provider, 0)?))
    }

    pub(crate) fn executor(&self) -> &dyn Executor {
        match self {
            Self::Portable(runtime) => runtime,
            Self::Native(native) => native,
        }
    }

    pub(crate) fn profile(&self) -> Profile {
        self.executor().profile()
    }

    /// Makes pictures; under `native`, one at a time unless told otherwise, for a provider has threads of its own.
    pub(crate) fn make(
        &self,
        model: &Arc<Model>,
        requests: &[Request],
        workers: Option<u16>,
    ) -> Result<Vec<Picture>> {
        match self {
            Self::Portable(runtime) => machine::generate(model, runtime, requests, workers),
            Self::Native(native) => {
                let requests: Vec<Request> =
                    requests.iter().cloned().map(Request::natively).collect();
                machine::generate(model, native, &requests, workers.or(Some(1)))
            }
        }
    }

    /// Says what a provider's pictures are, and how much of the graphs the CPU kept.
    pub(crate) fn tell(&self) {
        let Self::Native(native) = self else {
            return;
        };
        let Share { taken, all } = native.share();
        let kept = match all - taken {
            0 => String::new(),
            kept => format!(" ({kept} of {all} nodes stayed on the CPU)"),
        };
        output::hint(format!(
            "made under native with {}{kept}: near what portable-1 makes, not equal to it, and not for sale",
            native.provider().name()
        ));
    }
}
