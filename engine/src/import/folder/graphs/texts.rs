//! Text encoders: one graph for each number of last layers that a recipe may leave out, or one that shows them.

use super::{Graphs, Job};
use crate::error::{Error, ErrorKind};
use crate::import::folder::index::Kind;
use crate::import::layers::{skip, skippable};
use crate::model::{TextEncoder, TextLayer};
use crate::onnx::ModelProto;
use crate::text::TextTokenizer;
use schema::recipe::MAX_CLIP_SKIP;

/// What is done to a source before it is rewritten.
type Change = Box<dyn Fn(&mut ModelProto) -> bool>;

impl Graphs<'_> {
    /// A text encoder, with as many of its last layers left out as its graph lets one see.
    pub(in super::super) fn text_encoder(
        &mut self,
        component: &str,
        tokenizer_name: &str,
        tokenizer: &TextTokenizer,
        kind: Kind,
    ) -> Result<TextEncoder, Error> {
        let config = self
            .folder
            .json(&format!("{component}/config.json"))?
            .unwrap_or_default();
        let places = config["max_position_embeddings"].as_u64().unwrap_or(77);
        let tokens = tokenizer.limit().min(usize::try_from(places).unwrap_or(77));
        let shape = |name: &str| match name {
            "input_ids" | "attention_mask" | "token_type_ids" | "position_ids" => {
                Some(vec![1, tokens])
            }
            _ => None,
        };
        let layers = match kind {
            Kind::Stable => skippable(&self.open(component)?.graph),
            Kind::Xl => 0,
        };
        let changes: Vec<Change> = (0..=layers)
            .map(|left_out| -> Change { Box::new(move |model| self::skip(model, left_out)) })
            .collect();
        let jobs: Vec<Job<'_>> = (0..=layers)
            .map(|skip| Job {
                name: match skip {
                    0 => component.to_owned(),
                    skip => format!("{component}.skip{skip}"),
                },
                shape: &shape,
                change: (skip > 0).then(|| changes[skip].as_ref()),
            })
            .collect();
        let made = self.part(component, &jobs)?;
        let outputs = &made[0].portable.outputs;
        let (hidden, width) = hidden(component, outputs, tokens, kind)?;
        let layers = match kind {
            Kind::Stable => jobs
                .iter()
                .map(|job| TextLayer {
                    graph: job.name.clone(),
                    output: hidden.clone(),
                })
                .collect(),
            Kind::Xl => shown_layers(component, &hidden),
        };
        let pooled = match (kind, component) {
            (Kind::Xl, "text_encoder_2") => Some("text_embeds".to_owned()),
            _ => None,
        };
        Ok(TextEncoder {
            layers,
            pooled,
            tokenizer: tokenizer_name.to_owned(),
            tokens: tokens as u32,
            width: width as u32,
        })
    }
}

/// The layers that a graph shows, from the usual one to the first.
fn shown_layers(component: &str, hidden: &str) -> Vec<TextLayer> {
    let number = hidden
        .rsplit('.')
        .next()
        .and_then(|n| n.parse::<usize>().ok());
    let first = number.unwrap_or(0);
    (first.saturating_sub(MAX_CLIP_SKIP as usize)..=first)
        .rev()
        .map(|number| TextLayer {
            graph: component.to_owned(),
            output: format!("hidden_states.{number}"),
        })
        .collect()
}

/// The output that conditions the picture, with its width.
fn hidden(
    component: &str,
    outputs: &[(String, Vec<usize>)],
    tokens: usize,
    kind: Kind,
) -> Result<(String, usize), Error> {
    let name = match kind {
        Kind::Stable => "last_hidden_state".to_owned(),
        // The last layer but one, before its norm.
        Kind::Xl => {
            let layers = outputs
                .iter()
                .filter(|(name, _)| name.starts_with("hidden_states."));
            format!("hidden_states.{}", layers.count().saturating_sub(2))
        }
    };
    let found = outputs.iter().find(|(known, _)| *known == name);
    match found.map(|(_, shape)| &shape[..]) {
        Some([1, rows, width]) if *rows == tokens => Ok((name, *width)),
        other => Err(Error::new(
            ErrorKind::NotOffered,
            format!(
                "{component}/model.onnx: the output {name} is {other:?}; [1, {tokens}, width] belongs"
            ),
        )),
    }
}
