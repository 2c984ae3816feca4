//! What the graphs of a folder say of themselves: channels, and how large the decoder's pictures are.

use super::{Graphs, Job, rewritten};
use crate::error::{Error, ErrorKind};
use crate::import::Sink;
use crate::onnx::ModelProto;
use bytes::Bytes;
use prost::Message as _;

/// Cells of the latent along one side, where a folder is measured.
const PROBE: usize = 16;

/// Numbers that the graphs themselves say.
pub(in super::super) struct Measured {
    pub(in super::super) latent_channels: u32,
    pub(in super::super) input_channels: u32,
    pub(in super::super) factor: u32,
    pub(super) pooled: Option<usize>,
}

impl Graphs<'_> {
    /// Reads what the graphs declare, and asks the decoder how large its pictures are.
    pub(in super::super) fn measure(&mut self) -> Result<Measured, Error> {
        let unet = self.open("unet")?.graph;
        let sides = |name: &str, bytes: &Bytes, output: bool| -> Result<Vec<i64>, Error> {
            let model = ModelProto::decode(bytes.clone()).map_err(|error| {
                Error::new(ErrorKind::Malformed, format!("unet/model.onnx: {error}"))
            })?;
            let graph = model.graph.unwrap_or_default();
            let values = if output { graph.output } else { graph.input };
            let found = values.into_iter().find(|value| value.name == name);
            let shape = found
                .and_then(|value| value.kind)
                .and_then(|kind| kind.tensor_type)
                .and_then(|tensor| tensor.shape);
            let dims = shape.map(|shape| shape.dim).unwrap_or_default();
            Ok(dims.into_iter().map(|dim| dim.dim_value).collect())
        };
        let known = |sides: &[i64], at: usize| {
            sides
                .get(at)
                .and_then(|side| u32::try_from(*side).ok())
                .filter(|side| *side > 0)
        };
        let output = sides("out_sample", &unet, true)?;
        let input = sides("sample", &unet, false)?;
        let configured = self.folder.json("unet/config.json")?.unwrap_or_default();
        let of_config = |field: &str| {
            configured[field]
                .as_u64()
                .and_then(|n| u32::try_from(n).ok())
        };
        let latent_channels = known(&output, 1).or(of_config("out_channels")).unwrap_or(4);
        let input_channels = known(&input, 1)
            .or(of_config("in_channels"))
            .unwrap_or(latent_channels);
        let pooled = known(&sides("text_embeds", &unet, false)?, 1).map(|side| side as usize);
        let latent = vec![1, latent_channels as usize, PROBE, PROBE];
        let job = Job {
            name: "vae_decoder".into(),
            shape: &|_| Some(latent.clone()),
            change: None,
        };
        let mut sink = Sink::dry("vae_decoder.f32");
        let opened = self.open("vae_decoder")?;
        let made = rewritten(&opened, self.adapters, "vae_decoder", &job, &mut sink)?;
        let made = made
            .portable
            .outputs
            .first()
            .map(|(_, shape)| shape.clone());
        let factor = match made.as_deref() {
            Some([1, 3, height, width]) if height == width && height.is_multiple_of(PROBE) => {
                (height / PROBE) as u32
            }
            other => {
                return Err(Error::new(
                    ErrorKind::NotOffered,
                    format!(
                        "vae_decoder/model.onnx: makes {other:?} of {PROBE}×{PROBE} cells, which is no picture"
                    ),
                ));
            }
        };
        Ok(Measured {
            latent_channels,
            input_channels,
            factor,
            pooled,
        })
    }
}
