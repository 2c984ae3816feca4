//! The ONNX Runtime executor of `portable-1`; no file beside this and its folder names `ort`.
//!
//! The one rule: the session options below are part of the profile. One thread, no optimisation, prepacking on, KleidiAI off;
//! any other setting changes bits (measured). What runs under `native` is [`Native`].

mod native;
mod placed;
mod providers;

pub use native::Native;
pub use placed::Share;
pub use providers::Provider;

use crate::error::{Error, ErrorKind};
use crate::executor::{Executor, Input, Named, Session, Weights};
use ort::environment::Environment;
use ort::session::builder::{GraphOptimizationLevel, SessionBuilder};
use ort::value::{DynValue, Tensor};
use schema::recipe::Profile;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The version that releases are tested with; another one runs only if the self-test passes.
pub const TESTED_VERSION: &str = "1.32.0";

/// The library's own switch against what it would otherwise send home and write below the home folder: an id of this machine, its
/// CPU, the path of the program. It reads the switch while it is opened.
const QUIET: &str = "ORT_DISABLE_TELEMETRY";

/// Sets the switch, for this process and those that it starts. [`OnnxRuntime::load`] refuses to open the library without it, so a
/// program that forgets this call cannot send anything; tests get the switch from `.cargo/config.toml`.
///
/// # Safety
/// No other thread may run: another one could be reading the environment. Call it first in `main`.
pub unsafe fn keep_quiet() {
    // SAFETY: passed on to the caller.
    unsafe { std::env::set_var(QUIET, "1") }
}

/// A loaded ONNX Runtime library.
#[derive(Clone)]
pub struct OnnxRuntime {
    environment: Environment,
    version: String,
}

/// The library can be loaded once a process; every caller shares it.
static LOADED: OnceLock<Result<OnnxRuntime, String>> = OnceLock::new();

impl OnnxRuntime {
    /// Loads the library at `path`, once for the process; later calls share the first one's.
    ///
    /// # Errors
    /// `ErrorKind::Missing` when there is no usable library there; `ErrorKind::Unsupported` when it would send something home.
    pub fn load(path: &Path) -> Result<Self, Error> {
        if std::env::var_os(QUIET).is_none_or(|set| set != "1") {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!("ONNX Runtime is not opened without {QUIET}=1: it would send data home"),
            ));
        }
        let loaded = LOADED.get_or_init(|| {
            let version = version_of(path)?;
            let environment = ort::init_from(path).map_err(|error| error.to_string())?;
            let environment = environment
                .with_name("seedmark")
                .with_telemetry(false)
                .build()
                .map_err(|error| error.to_string())?;
            Ok(Self {
                environment,
                version,
            })
        });
        loaded.clone().map_err(|error| {
            Error::new(
                ErrorKind::Missing,
                format!(
                    "ONNX Runtime at {} cannot be loaded: {error}",
                    path.display()
                ),
            )
        })
    }

    /// Where the library lies: `ORT_DYLIB_PATH` as passed in, beside the program, or in the cache folder that
    /// `cargo xtask serve` fills.
    ///
    /// # Errors
    /// `ErrorKind::Missing`, saying which places were looked at and how to get it.
    pub fn find(
        configured: Option<PathBuf>,
        program: Option<&Path>,
        cache: Option<&Path>,
    ) -> Result<PathBuf, Error> {
        if let Some(path) = configured {
            // A wrong setting is an error of its own: falling through would run another library than was asked for.
            return if path.is_file() {
                Ok(path)
            } else {
                Err(Error::new(
                    ErrorKind::Missing,
                    format!("ORT_DYLIB_PATH is {}, where no file lies", path.display()),
                ))
            };
        }
        let beside = program
            .and_then(Path::parent)
            .map(|folder| folder.join(LIBRARY));
        let cached = cache.map(|folder| {
            folder
                .join(format!("seedmark/onnxruntime-{TESTED_VERSION}"))
                .join(LIBRARY)
        });
        let places: Vec<PathBuf> = beside.into_iter().chain(cached).collect();
        if let Some(path) = places.iter().find(|path| path.is_file()) {
            return Ok(path.clone());
        }
        let looked = places
            .iter()
            .map(|path| path.display().to_string())
            .collect::<Vec<_>>()
            .join(", ");
        Err(Error::new(
            ErrorKind::Missing,
            format!(
                "the ONNX Runtime library is missing (looked at {looked}); run `cargo xtask runtime`, or set ORT_DYLIB_PATH"
            ),
        ))
    }
}

/// The setting that says where files of weights lie (`onnxruntime_session_options_config_keys.h`).
const FOLDER: &str = "session.model_external_initializers_file_folder_path";

/// The library's file name on this system.
const LIBRARY: &str = if cfg!(target_os = "macos") {
    "libonnxruntime.dylib"
} else if cfg!(windows) {
    "onnxruntime.dll"
} else {
    "libonnxruntime.so"
};

/// The first two members of the library's C interface (`onnxruntime_c_api.h`), all that is needed to ask for its version.
#[repr(C)]
struct ApiBase {
    get_api: *const std::ffi::c_void,
    get_version_string: unsafe extern "C" fn() -> *const std::ffi::c_char,
}

/// Asks the library itself; `ort` keeps the answer to itself.
fn version_of(path: &Path) -> Result<String, String> {
    // SAFETY: the caller chose this library to run as ONNX Runtime, so its initialisers may run. The symbol and the struct
    // are the library's documented, frozen entry point, and the string is a constant inside it.
    unsafe {
        let library = libloading::Library::new(path).map_err(|error| error.to_string())?;
        let base = library
            .get::<unsafe extern "C" fn() -> *const ApiBase>(b"OrtGetApiBase")
            .map_err(|_| "it is not ONNX Runtime: OrtGetApiBase is missing".to_owned())?(
        );
        let version = std::ffi::CStr::from_ptr(((*base).get_version_string)());
        Ok(version.to_string_lossy().into_owned())
    }
}

impl Executor for OnnxRuntime {
    fn session(
        &self,
        name: &str,
        graph: &[u8],
        weights: Weights,
    ) -> Result<Box<dyn Session>, Error> {
        let build = || -> Result<ort::session::Session, ort::Error> {
            let builder = ort::session::Session::builder(&self.environment)?
                .with_intra_threads(1)?
                .with_inter_threads(1)?
                .with_parallel_execution(false)?
                .with_optimization_level(GraphOptimizationLevel::Disable)?
                .with_prepacking(true)?
                .with_intra_op_spinning(false)?
                // Where values lie changes no bit. Planned after the first run, they would lie beside what that run held.
                .with_memory_pattern(false)?
                .with_config_entry("mlas.disable_kleidiai", "1")?;
            with_weights(builder, weights)?.commit_from_memory(graph)
        };
        Ok(opened(name, build())?)
    }

    fn boxed(&self) -> Box<dyn Executor> {
        Box::new(self.clone())
    }

    fn profile(&self) -> Profile {
        Profile::Portable1
    }

    fn runtime(&self) -> String {
        format!("onnxruntime {}", self.version)
    }
}

fn with_weights(builder: SessionBuilder, weights: Weights) -> Result<SessionBuilder, ort::Error> {
    Ok(match weights {
        Weights::Memory(name, bytes) => {
            builder.with_external_initializer_file_in_memory(name, bytes)?
        }
        Weights::Folder(folder) => builder.with_config_entry(FOLDER, folder.to_string_lossy())?,
    })
}

fn opened(
    name: &str,
    session: Result<ort::session::Session, ort::Error>,
) -> Result<Box<OrtSession>, Error> {
    let session = session.map_err(|error| {
        Error::new(
            ErrorKind::Runtime,
            format!("graph {name} cannot be loaded: {error}"),
        )
    })?;
    Ok(Box::new(OrtSession {
        name: name.to_owned(),
        session,
    }))
}

struct OrtSession {
    name: String,
    session: ort::session::Session,
}

impl Session for OrtSession {
    fn run(&mut self, inputs: &[Named<'_>], outputs: &[&str]) -> Result<Vec<Vec<f32>>, Error> {
        let name = self.name.clone();
        let failed = |error: ort::Error| {
            Error::new(ErrorKind::Runtime, format!("graph {name} failed: {error}"))
        };
        let mut values: Vec<(String, DynValue)> = Vec::with_capacity(inputs.len());
        for input in inputs {
            let shape = input.shape.clone();
            let value = match input.values {
                Input::F32(data) => Tensor::from_array((shape, data.to_vec()))
                    .map_err(failed)?
                    .into_dyn(),
                Input::I64(data) => Tensor::from_array((shape, data.to_vec()))
                    .map_err(failed)?
                    .into_dyn(),
            };
            values.push((input.name.to_owned(), value));
        }
        let results = self.session.run(values).map_err(failed)?;
        outputs
            .iter()
            .map(|output| {
                let value = results.get(*output).ok_or_else(|| {
                    Error::new(
                        ErrorKind::Runtime,
                        format!("graph {name} has no output {output}"),
                    )
                })?;
                let (_, data) = value.try_extract_tensor::<f32>().map_err(failed)?;
                Ok(data.to_vec())
            })
            .collect()
    }
}
