//! Where rewritten constants go: small ones into the graph, large ones into one file beside it, each once.
//!
//! The one rule: what is written was read from the model's own files; nothing is rounded but what was 64 bits wide.

use crate::error::{Error, ErrorKind};
use crate::graph::tensor::{Data, Tensor};
use crate::graph::weights::Stored;
use crate::onnx::{Entry, FLOAT, TensorProto};
use std::collections::HashMap;
use std::io::Write;

/// Values of a constant that still stands in the graph.
pub(crate) const INLINE: usize = 256;
/// Where a constant of the file may begin: a page, so that a runtime can map it.
const PAGE: u64 = 4096;

/// The file of weights of one component, while it is written.
pub(crate) struct Sink<'a> {
    name: String,
    /// `None` where only shapes are asked for.
    out: Option<&'a mut dyn Write>,
    at: u64,
    hasher: blake3::Hasher,
    /// What was written, by the digest of shape and values.
    known: HashMap<[u8; 32], TensorProto>,
    /// Constants that were written straight from a file.
    stored: Vec<(Stored, TensorProto)>,
}

impl<'a> Sink<'a> {
    /// A file called `name`, written to `out`.
    pub(crate) fn new(name: &str, out: &'a mut dyn Write) -> Self {
        Self {
            out: Some(out),
            ..Self::dry(name)
        }
    }

    /// One that keeps nothing: for a graph whose shapes alone are asked for.
    pub(crate) fn dry(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            out: None,
            at: 0,
            hasher: blake3::Hasher::new(),
            known: HashMap::new(),
            stored: Vec::new(),
        }
    }

    /// Length and digest of what was written.
    pub(crate) fn end(self) -> (u64, blake3::Hash) {
        (self.at, self.hasher.finalize())
    }

    /// A constant, ready to be an initializer of a graph.
    ///
    /// # Errors
    /// What the file refuses.
    pub(crate) fn tensor(&mut self, tensor: &Tensor) -> Result<TensorProto, Error> {
        let large = tensor.len() > INLINE && matches!(tensor.data, Data::Floats(_));
        self.put(tensor.written(""), large)
    }

    fn put(&mut self, mut proto: TensorProto, large: bool) -> Result<TensorProto, Error> {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&[proto.data_type as u8]);
        for side in &proto.dims {
            hasher.update(&(*side as u64).to_le_bytes());
        }
        hasher.update(&proto.raw_data);
        let digest = hasher.finalize();
        if let Some(known) = self.known.get(digest.as_bytes()) {
            return Ok(known.clone());
        }
        proto.name = format!("constant {}", self.known.len());
        if large {
            let raw = std::mem::take(&mut proto.raw_data);
            self.append(&mut proto, &raw)?;
        }
        self.known.insert(*digest.as_bytes(), proto.clone());
        Ok(proto)
    }

    /// A large constant, widened and turned while it is written.
    ///
    /// # Errors
    /// What the file refuses, or no memory for one tensor.
    pub(crate) fn stored(&mut self, stored: &Stored) -> Result<TensorProto, Error> {
        if let Some((_, proto)) = self.stored.iter().find(|(known, _)| known.same(stored)) {
            return Ok(proto.clone());
        }
        if self.out.is_none() {
            return Ok(TensorProto {
                name: format!("constant {}", self.known.len()),
                ..TensorProto::default()
            });
        }
        let wide = TensorProto {
            dims: stored.shape().iter().map(|side| *side as i64).collect(),
            data_type: FLOAT,
            raw_data: stored.wide()?,
            ..TensorProto::default()
        };
        let large = wide.raw_data.len() > INLINE * 4;
        let proto = self.put(wide, large)?;
        self.stored.push((stored.clone(), proto.clone()));
        Ok(proto)
    }

    fn append(&mut self, proto: &mut TensorProto, raw: &[u8]) -> Result<(), Error> {
        let gap = self.at.next_multiple_of(PAGE) - self.at;
        let padding = vec![0; gap as usize];
        self.write(&padding)?;
        let offset = self.at;
        self.write(raw)?;
        let entry = |key: &str, value: String| Entry {
            key: key.to_owned(),
            value,
        };
        proto.data_type = FLOAT;
        proto.data_location = 1;
        proto.external_data = vec![
            entry("location", self.name.clone()),
            entry("offset", offset.to_string()),
            entry("length", raw.len().to_string()),
        ];
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let Some(out) = &mut self.out else {
            return Ok(());
        };
        out.write_all(bytes).map_err(|error| {
            let message = format!("{} cannot be written: {error}", self.name);
            Error::new(ErrorKind::Runtime, message)
        })?;
        self.hasher.update(bytes);
        self.at += bytes.len() as u64;
        Ok(())
    }
}
