//! Names of tensors in adapters, in the forms that people have, taken apart.
//!
//! The one rule: a name is of a form that is listed here, or it is an error that says what it is; nothing is passed over.

/// A part of a model that adapters change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    Text,
    SecondText,
    Unet,
}

impl Part {
    pub(crate) const ALL: [Self; 3] = [Self::Text, Self::SecondText, Self::Unet];

    /// Its folder in a model.
    pub(crate) fn folder(self) -> &'static str {
        match self {
            Self::Text => "text_encoder",
            Self::SecondText => "text_encoder_2",
            Self::Unet => "unet",
        }
    }

    pub(crate) fn of(folder: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|part| part.folder() == folder)
    }
}

/// What a tensor is to its layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// From the layer's input to the few numbers in between.
    Down,
    /// From these to the layer's output.
    Up,
    /// What the product is multiplied with, times the rank.
    Alpha,
}

/// A name, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) part: Part,
    /// The layer as the file calls it: with dots as diffusers does, or with underscores as kohya does.
    pub(crate) layer: String,
    pub(crate) role: Role,
}

/// How a part's layers begin: diffusers' names, then kohya's.
const BEGINNINGS: [(&str, Part); 7] = [
    ("unet.", Part::Unet),
    ("text_encoder.", Part::Text),
    ("text_encoder_2.", Part::SecondText),
    ("lora_unet_", Part::Unet),
    ("lora_te_", Part::Text),
    ("lora_te1_", Part::Text),
    ("lora_te2_", Part::SecondText),
];

/// How the tensors of a layer end: diffusers' training scripts, peft, kohya.
const ENDINGS: [(&str, Role); 9] = [
    (".lora_linear_layer.down.weight", Role::Down),
    (".lora_linear_layer.up.weight", Role::Up),
    (".lora.down.weight", Role::Down),
    (".lora.up.weight", Role::Up),
    (".lora_A.weight", Role::Down),
    (".lora_B.weight", Role::Up),
    (".lora_down.weight", Role::Down),
    (".lora_up.weight", Role::Up),
    (".alpha", Role::Alpha),
];

/// Endings of diffusers before 0.17, which kept a processor between an attention and its layers.
const OLD_ENDINGS: [(&str, Role); 2] = [
    ("_lora.down.weight", Role::Down),
    ("_lora.up.weight", Role::Up),
];

/// Other things than LoRA that such files hold, by what their names hold.
const OTHERS: [(&str, &str); 12] = [
    ("dora_scale", "DoRA"),
    ("lora_magnitude_vector", "DoRA"),
    ("hada_", "LoHa"),
    ("lokr_", "LoKr"),
    ("lora_mid", "LyCORIS' LoCon with a tensor in between"),
    ("oft_", "LyCORIS' OFT"),
    ("boft_", "LyCORIS' BOFT"),
    (".glora", "LyCORIS' GLoRA"),
    (".diff", "LyCORIS' difference of whole weights"),
    (".on_input", "LyCORIS' IA3"),
    ("lora_B.bias", "a bias"),
    ("lora_embedding_", "an embedding"),
];

impl Key {
    /// Takes a name apart.
    ///
    /// # Errors
    /// What the name is instead, in words.
    pub(crate) fn of(name: &str) -> Result<Self, String> {
        if let Some((_, what)) = OTHERS.iter().find(|(part, _)| name.contains(part)) {
            return Err(format!("is of {what}; LoRA alone is merged"));
        }
        let begins = |(text, part): &(&str, Part)| Some((*part, name.strip_prefix(text)?));
        let (part, rest) = BEGINNINGS.iter().find_map(begins).ok_or(
            "is of no part that is known: unet, text_encoder and text_encoder_2 and kohya's lora_unet_, lora_te_, lora_te1_ and lora_te2_ are",
        )?;
        let ends = |(text, role): &(&str, Role)| Some((rest.strip_suffix(text)?, *role));
        let found = ENDINGS.iter().find_map(ends);
        let (layer, role) = match found {
            Some((layer, role)) => (layer.to_owned(), role),
            None => OLD_ENDINGS
                .iter()
                .find_map(ends)
                .and_then(|(layer, role)| Some((without_processor(layer)?, role)))
                .ok_or("ends in no way that is known of a LoRA")?,
        };
        match layer.is_empty() {
            true => Err("names no layer".into()),
            false => Ok(Self { part, layer, role }),
        }
    }
}

/// `….attn1.processor.to_out` → `….attn1.to_out.0`.
fn without_processor(layer: &str) -> Option<String> {
    let (attention, name) = layer.rsplit_once(".processor.")?;
    let name = match name {
        "to_q" | "to_k" | "to_v" => name,
        "to_out" => "to_out.0",
        _ => return None,
    };
    Some(format!("{attention}.{name}"))
}
