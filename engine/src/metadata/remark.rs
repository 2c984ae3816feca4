//! What an import could not take over, as values that a shop puts into its readers' language.
//!
//! The one rule: whatever the file asks for and this engine does not do is named here or kept among the unknown pairs, never dropped unseen.

/// What is wrong with a part of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The file ends inside of it.
    Truncated,
    /// Its checksum is that of other bytes.
    WrongChecksum,
    /// It is, or unpacks to, more than is read.
    TooLarge,
    /// It is not packed, spelled or built as its format says.
    Unreadable,
    /// There are more such parts than are read.
    TooMany,
}

/// Spellings in a prompt that other programs act upon; here they are words like all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syntax {
    /// `(word)`, `[word]`, `(word:1.3)`, `word++`: more or less weight.
    Weight,
    /// `[from:to:0.5]`, `[one|other]`: words that change while the picture is made.
    Editing,
    /// `AND`: several prompts at once.
    Composed,
    /// `BREAK`: a new group of tokens.
    Break,
    /// `{one|other}`, `__name__`: words drawn at random.
    Wildcard,
    /// `embedding:name`: words that the model was taught.
    Embedding,
    /// `<kind:name:weight>` other than a LoRA.
    ExtraNetwork,
}

/// What this engine cannot reproduce, or could not read, and why. Complete on purpose: a new one is no build until a shop has words for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remark {
    /// A part of the file was left out; the rest was read.
    Damaged {
        /// Which part, as its format names it.
        place: String,
        /// What is wrong with it.
        fault: Fault,
    },
    /// This text was longer than is kept.
    Cut(String),
    /// This value is none that its name can have.
    ValueUnread {
        /// The name in the file.
        name: String,
        /// The value in the file.
        value: String,
    },
    /// This number has more than three decimals.
    Rounded(String),
    /// The program draws its noise on a graphics card, or the file does not say where.
    NoiseMayDiffer,
    /// A source of noise that is not offered.
    NoiseUnknown(String),
    /// The seed has more than 32 bits, of which the noise of that program uses the low ones.
    SeedOver32Bits {
        /// The seed that draws the same noise.
        low: u32,
    },
    /// No scheduler of this engine does what this sampler does.
    SamplerUnknown(String),
    /// The scheduler of that name here is a variant of this sampler.
    SamplerDiffers(String),
    /// A spacing of sigmas that is not offered.
    SigmasUnknown(String),
    /// The program chose the spacing of sigmas by the sampler, differently in each of its versions.
    SigmasBySampler,
    /// The file names its model by a hash alone.
    ModelByHashOnly(String),
    /// The file names its model by a name alone, which anybody may give to another file.
    ModelByNameOnly(String),
    /// Another VAE than the model's own.
    VaeNotTaken(String),
    /// A LoRA changed the model.
    LoraNotTaken(String),
    /// A ControlNet or T2I-Adapter steered the picture.
    ControlNet,
    /// An image prompt steered the picture.
    ImagePrompt,
    /// The picture was enlarged and drawn over.
    HiresFix,
    /// A second model finished the picture.
    Refiner,
    /// The picture was drawn over another one.
    ImageToImage,
    /// A part of another picture was drawn over.
    Inpainting,
    /// Faces were painted over.
    FaceRestoration,
    /// The picture continues over its edges.
    Tiling,
    /// The noise was mixed with that of another seed.
    VariationSeed,
    /// The noise behind the first draw came from another seed.
    SeedDelta,
    /// The noise was drawn for another size.
    SeedResize,
    /// The text encoder's last layers were skipped.
    ClipSkip,
    /// Guidance was changed in the way that is named.
    GuidanceChanged(String),
    /// The sampler's own noise was scaled.
    Eta,
    /// The list of steps was given by hand, or a part of it was taken.
    StepsChosen,
    /// This was one of several pictures that were drawn together.
    Batch,
    /// A spelling in the prompt that here means nothing.
    PromptSyntax(Syntax),
    /// A second text encoder was given this other prompt.
    SecondPrompt(String),
    /// Several prompts were joined; the first is taken.
    PromptsJoined,
    /// The graph was followed through a node of this class, which may change the picture.
    NodeUnknown(String),
    /// The graph goes in a circle, or deeper than it is followed.
    GraphEndless,
    /// The graph holds several samplers; one must be chosen ([`super::read_choice`]).
    SeveralSamplers,
}
