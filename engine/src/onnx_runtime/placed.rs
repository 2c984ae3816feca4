//! Which nodes of a graph went to an execution provider, as the runtime says once a session is built.
//!
//! The one rule: asked of the runtime itself and never guessed from operators.

use super::providers::Provider;
use ort::AsPointer as _;
use std::ffi::{CStr, c_char};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The setting that has the runtime keep the answer (`onnxruntime_session_options_config_keys.h`).
pub(super) const RECORD: &str = "session.record_ep_graph_assignment_info";

/// How much a provider took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Nodes that the provider runs.
    pub taken: usize,
    /// All nodes.
    pub all: usize,
}

/// The shares of all sessions.
#[derive(Default)]
pub(super) struct Counted {
    taken: AtomicUsize,
    all: AtomicUsize,
}

impl Counted {
    pub(super) fn add(&self, share: Share) {
        self.taken.fetch_add(share.taken, Ordering::Relaxed);
        self.all.fetch_add(share.all, Ordering::Relaxed);
    }

    pub(super) fn share(&self) -> Share {
        Share {
            taken: self.taken.load(Ordering::Relaxed),
            all: self.all.load(Ordering::Relaxed),
        }
    }
}

/// What the provider has of a session.
pub(super) fn of(session: &ort::session::Session, provider: Provider) -> Result<Share, ort::Error> {
    let api = ort::api();
    let checked = |status: ort::sys::OrtStatusPtr| {
        // SAFETY: the status was just returned by the library, and is handed over once.
        unsafe { ort::Error::result_from_status(status) }
    };
    let mut share = Share::default();
    let (mut parts, mut count) = (std::ptr::null(), 0usize);
    // SAFETY: the session lives for the whole function and was built with RECORD, so the library owns what the pointers are set to for as long
    // as the session lives; each array has as many entries as the library says, and names end with NUL.
    unsafe {
        checked((api.Session_GetEpGraphAssignmentInfo)(
            session.ptr(),
            &raw mut parts,
            &raw mut count,
        ))?;
        for at in 0..count {
            let part = *parts.add(at);
            let mut name: *const c_char = std::ptr::null();
            checked((api.EpAssignedSubgraph_GetEpName)(part, &raw mut name))?;
            let (mut nodes, mut length) = (std::ptr::null(), 0usize);
            checked((api.EpAssignedSubgraph_GetNodes)(
                part,
                &raw mut nodes,
                &raw mut length,
            ))?;
            share.all += length;
            if CStr::from_ptr(name).to_bytes() == provider.internal().as_bytes() {
                share.taken += length;
            }
        }
    }
    Ok(share)
}
