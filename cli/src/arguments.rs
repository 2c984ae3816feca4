//! The command line. Help texts teach: what a command proves, what it leaves unproved, and an example each.

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// Make, seal, verify and reproduce text-to-image recipes, bit for bit.
#[derive(Parser)]
#[command(
    version,
    after_help = "\
Exit codes: 0 all holds · 1 a check failed or a picture is different · 2 wrong command or input, or the
            results cannot be written · 3 this machine cannot (no runtime, model or fused multiply-add)
            4 near, but not equal. A reader that leaves (`| head`) changes no code. With --json an error is
            printed as an object with `error` and `exit`.

A file is written whole or not at all. A picture replaces a picture and a recipe a recipe, never another
file; keys and bundles replace nothing. `-` reads standard input (--recipe, --key, --policy, a bundle), and
`--out -` writes one picture or bundle to standard output. Making pictures takes about 200 MB of memory with
the embedded model; where there is far less, the system ends the program (134).

Only `log` with a URL, `reproduce --attest`, `key end` and `witness` use a network. The ONNX Runtime library is found by ORT_DYLIB_PATH, beside this
program, or in the cache folder that `cargo xtask runtime` fills."
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Make an Ed25519 key, encrypted under a passphrase
    Keygen(Keygen),
    /// End a key of yours for good, in the public log
    Key(Key),
    /// Make a picture from a prompt, all pictures of a recipe, or your own with the values of a .seedmark file
    Generate(Box<Generate>),
    /// Read the settings that another program left in a picture, as a recipe to go on with
    Import(Import),
    /// One prompt through several models, or several prompts, side by side on one sheet
    Compare(Compare),
    /// Lay pictures out for stickers, badges, nails or shirts, as PDF or PNG at 300 dpi
    Sheet(Sheet),
    /// Seal a recipe: regenerate its pictures, commit to it and sign, ready to be logged
    Seal(Seal),
    /// Check a .seedmark file offline: everything but the pixels
    Verify(Verify),
    /// Check a .seedmark file, then regenerate its pictures and compare the pixels
    Reproduce(Reproduce),
    /// Add, list, describe, check and remove models
    Model(Model),
    /// Read, check and follow a transparency log, in a folder or behind a URL
    Log(Log),
    /// Run a witness: cosign the checkpoints of the logs that you choose
    Witness(Witness),
}

#[derive(Args)]
#[command(after_help = "\
The passphrase is read from the terminal, or from the variable SEEDMARK_PASSPHRASE.
Keep a copy of the file: without it nobody can sign as you again.

Example: seedmark keygen --out ada.key")]
pub(crate) struct Keygen {
    /// Where to write the key file; an existing file is never overwritten
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct Key {
    #[command(subcommand)]
    pub(crate) command: KeyCommand,
}

#[derive(Subcommand)]
pub(crate) enum KeyCommand {
    /// Sign the end of a key with the key itself, and publish it
    #[command(after_help = "\
A key that ended signs nothing new. What it signed before stays valid, by the order of the
log: nobody, not even whoever stole it, can seal anything under it that would count as older.
This cannot be undone.

With --successor both keys sign, so that everybody can see that they belong together. Register
the successor on your account page first. SEEDMARK_PASSPHRASE opens both files; without it you
are asked for each. A key that you have no more is ended on the account page, on your account's
word.

Example: seedmark key end --key old.key --shop https://shop.example --origin shop.example/log")]
    End {
        /// The key file of the key that ends
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// Why: routine, lost or stolen; everybody can read it
        #[arg(long, default_value = "routine", value_parser = ["routine", "lost", "stolen"])]
        reason: String,
        /// The key file of the key that takes over
        #[arg(long, value_name = "FILE")]
        successor: Option<PathBuf>,
        /// The shop's address; its log holds the statement
        #[arg(long, value_name = "URL")]
        shop: String,
        /// The log's name, as proof pages and bundles show it; the key signs for this log alone
        #[arg(long)]
        origin: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Args)]
#[command(after_help = "\
A picture is decided by its prompt and its seed. To find a good seed, make nine at once and look at the
contact sheet; then make the one you like, with its recipe.

Limits: 4000 bytes of prompt and of negative prompt (and as many tokens as `seedmark model info` says),
200 steps, guidance 30 with three decimals, seeds below 2^64 (2^32 with torch-cpu and numpy). Pictures are
PNG files. At guidance 1 and below the negative prompt changes nothing.

With --bundle you make your own pictures of a recipe that you own, offline: --slots shows what may be chosen, and
--set chooses it; what is left out has its default. Each picture with a new seed of the system's; --seed sealed
takes that of the first sealed picture (sealed:2 of the second), which makes one picture, and --seed 7 takes 7 and
the numbers behind it. Such a picture carries the file's name and not the seal; with the values and the seed of a
sealed picture it is compared with it, and exits with 1 if it differs. The files carry the visible AI label: with
--unlabelled they do not, and then labelling them where the law asks for it is up to you.

Examples:
  seedmark generate --prompt \"red apple, 3d style\" --explore 9 --out apples.png
  seedmark generate --prompt \"red apple, 3d style\" --seed 7 --save-recipe apple.json --out apple.png
  seedmark generate --recipe dragon.json --out pictures/
  seedmark generate --prompt \"red apple, 3d style\" --ep cuda --out apple.png
  seedmark generate --bundle menu.seedmark --slots
  seedmark generate --bundle menu.seedmark --set dish=pizza --set n=3 --count 4 --out pictures/
  seedmark generate --bundle menu.seedmark --set dish=pizza --count 12 --sheet sticker")]
pub(crate) struct Generate {
    /// The prompt, used exactly as written
    #[arg(
        long,
        required_unless_present_any = ["recipe", "bundle"],
        conflicts_with_all = ["recipe", "bundle"],
        allow_hyphen_values = true
    )]
    pub(crate) prompt: Option<String>,
    /// What to keep out of the picture
    #[arg(long, conflicts_with_all = ["recipe", "bundle"], allow_hyphen_values = true)]
    pub(crate) negative: Option<String>,
    /// Seed of the noise, 0 to 2^64-1; taken from the operating system when left out. With --bundle also new, sealed or sealed:N
    #[arg(long, conflicts_with = "recipe", allow_hyphen_values = true)]
    pub(crate) seed: Option<String>,
    /// Make this many pictures with fresh seeds on one contact sheet, and list the seeds
    #[arg(long, value_name = "N", conflicts_with_all = ["seed", "save_recipe", "recipe", "bundle"], value_parser = clap::value_parser!(u8).range(2..=16))]
    pub(crate) explore: Option<u8>,
    /// Size such as 128x128, one that the model offers; its usual one when left out
    #[arg(long, value_name = "SIZE", conflicts_with_all = ["recipe", "bundle"])]
    pub(crate) size: Option<String>,
    /// Make the picture of its latents in tiles of N pixels a side, and faded into each other: less memory, other pixels. One of the model's
    #[arg(long, value_name = "N", conflicts_with_all = ["recipe", "bundle"])]
    pub(crate) tile: Option<u32>,
    /// Steps, 1 to 200; the model's own number when left out
    #[arg(long, conflicts_with_all = ["recipe", "bundle"], allow_negative_numbers = true)]
    pub(crate) steps: Option<u32>,
    /// Guidance, such as 3 or 3.5, 0 to 30; the model's own when left out
    #[arg(long, conflicts_with_all = ["recipe", "bundle"], allow_hyphen_values = true)]
    pub(crate) guidance: Option<String>,
    /// Noise: philox (for anything on sale), torch-cpu or numpy (for recipes made elsewhere)
    #[arg(long, default_value = "philox", conflicts_with_all = ["recipe", "bundle"])]
    pub(crate) noise: String,
    /// Sampler of an added model, such as "Euler a" or "DPM++ 2M Karras"; the model's own when left out
    #[arg(long, value_name = "NAME", conflicts_with_all = ["recipe", "bundle"])]
    pub(crate) sampler: Option<String>,
    /// Last layers of the text encoder to leave out ("Clip skip 2" elsewhere is 1 here)
    #[arg(long, value_name = "N", conflicts_with_all = ["recipe", "bundle"], value_parser = clap::value_parser!(u32).range(1..=12))]
    pub(crate) clip_skip: Option<u32>,
    /// Read brackets in the prompts as weights: (more), [less], (so much:1.3)
    #[arg(long, conflicts_with_all = ["recipe", "bundle"])]
    pub(crate) weights: bool,
    /// How much of the guided spread to bring back, such as 0.7
    #[arg(long, value_name = "SHARE", conflicts_with_all = ["recipe", "bundle"])]
    pub(crate) rescale: Option<String>,
    /// Mix the noise of a second seed in, such as 42:0.2
    #[arg(long, value_name = "SEED:SHARE", conflicts_with_all = ["recipe", "bundle"])]
    pub(crate) variation: Option<String>,
    /// Begin with this PNG, JPEG or WebP instead of noise alone; cut to the picture's size, and painted anew only where it is transparent
    #[arg(long, value_name = "FILE", conflicts_with_all = ["recipe", "bundle"])]
    pub(crate) init: Option<PathBuf>,
    /// How much of the run is made over --init, 0.001 to 1
    #[arg(
        long,
        value_name = "SHARE",
        default_value = "0.6",
        conflicts_with_all = ["recipe", "bundle"]
    )]
    pub(crate) strength: String,
    /// Paint anew only where this picture is bright
    #[arg(long, value_name = "FILE", requires = "init")]
    pub(crate) mask: Option<PathBuf>,
    /// A recipe file; every anchor is made
    #[arg(long, value_name = "FILE", conflicts_with = "bundle")]
    pub(crate) recipe: Option<PathBuf>,
    /// With --recipe: a picture that the recipe begins with, or its mask; those beside the recipe's file are found
    #[arg(long, value_name = "FILE", requires = "recipe")]
    pub(crate) picture: Vec<PathBuf>,
    /// The .seedmark file of something you own, or - for standard input: pictures with your own values
    #[arg(long, value_name = "FILE")]
    pub(crate) bundle: Option<PathBuf>,
    /// With --bundle: say what may be chosen, and make nothing
    #[arg(long, requires = "bundle", conflicts_with_all = ["set", "seed", "count", "sheet", "out", "unlabelled", "label"])]
    pub(crate) slots: bool,
    /// With --bundle: a value for one of its slots; as often as there are slots
    #[arg(
        long,
        value_name = "SLOT=VALUE",
        requires = "bundle",
        allow_hyphen_values = true
    )]
    pub(crate) set: Vec<String>,
    /// With --bundle: how many pictures, 1 to 16; one when left out
    #[arg(long, value_name = "N", requires = "bundle", value_parser = clap::value_parser!(u8).range(1..=16))]
    pub(crate) count: Option<u8>,
    /// With --bundle: without the visible AI label
    #[arg(long, requires = "bundle", conflicts_with = "label")]
    pub(crate) unlabelled: bool,
    /// With --bundle: the language of the visible AI label; that of this system when left out
    #[arg(long, value_name = "LANGUAGE", requires = "bundle", value_parser = ["en", "de", "zh"])]
    pub(crate) label: Option<String>,
    /// With --bundle: also a print sheet of the pictures as PDF and PNG
    #[arg(long, value_name = "PRESET", requires = "bundle", value_parser = presets())]
    pub(crate) sheet: Option<String>,
    /// What the sheet is printed on
    #[arg(long, default_value = "a4", requires = "sheet", value_parser = papers())]
    pub(crate) paper: String,
    /// A model that was added, by name or digest, or a model's folder; left out, the one that the recipe names, else the embedded one
    #[arg(long, value_name = "MODEL")]
    pub(crate) model: Option<PathBuf>,
    /// Write prompt, seed and settings into the PNG, as A1111 writes them and other programs read them
    #[arg(long, conflicts_with_all = ["bundle", "explore"])]
    pub(crate) parameters: bool,
    /// The PNG to write, or - for standard output; with --recipe a folder, with --bundle a folder too: this one when left out
    #[arg(long, value_name = "PATH", required_unless_present = "bundle")]
    pub(crate) out: Option<PathBuf>,
    /// Also write the recipe of this picture, ready for `seedmark seal`
    #[arg(long, value_name = "FILE", conflicts_with_all = ["recipe", "bundle"])]
    pub(crate) save_recipe: Option<PathBuf>,
    /// portable-1, whose pictures are equal everywhere, or native, ordinary ONNX Runtime: portable-1 when left out, native with --ep
    #[arg(long, value_name = "NAME", value_parser = ["portable-1", "native"], conflicts_with_all = ["recipe", "bundle"])]
    pub(crate) profile: Option<String>,
    #[command(flatten)]
    pub(crate) runs: Runs,
    #[command(flatten)]
    pub(crate) workers: Workers,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

fn presets() -> clap::builder::PossibleValuesParser {
    engine::sheet::Preset::ALL
        .map(engine::sheet::Preset::name)
        .into()
}

fn papers() -> clap::builder::PossibleValuesParser {
    engine::sheet::Paper::ALL
        .map(engine::sheet::Paper::name)
        .into()
}

#[derive(Args)]
#[command(after_help = "\
Read are PNG, JPEG and WebP files of A1111, Forge, ComfyUI, InvokeAI, stable-diffusion.cpp and Seedmark. What was
recognised is printed, and what this engine cannot follow is said: the picture that comes out is another one than
the file's, for models and noise differ between programs. Nothing is fetched.

Examples:
  seedmark import fox.png
  seedmark import fox.png --model \"Stable Diffusion 1.5\" --out fox.json
  seedmark generate --recipe fox.json --out foxes/")]
pub(crate) struct Import {
    /// The picture
    pub(crate) file: PathBuf,
    /// Of a ComfyUI graph with several samplers, the one to take
    #[arg(long, value_name = "ID")]
    pub(crate) node: Option<String>,
    /// The model of the recipe: one that was added, by name or digest; the embedded one when left out
    #[arg(long, value_name = "MODEL")]
    pub(crate) model: Option<PathBuf>,
    /// Write a recipe here, ready for `seedmark generate --recipe`
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
#[command(after_help = "\
Every prompt is made by every model with the same seed: rows are prompts, columns are models. With --recipes each
picture's recipe is written too, so that each can be sealed on its own.

Example:
  seedmark compare --prompt \"a red fox\" --prompt \"ein roter Fuchs\" --prompt 一只红狐狸 --model Taiyi --model SD15 --out fox.png")]
pub(crate) struct Compare {
    /// A prompt; as often as there are
    #[arg(long, required = true, allow_hyphen_values = true)]
    pub(crate) prompt: Vec<String>,
    /// A model, by name, digest or folder; as often as there are. The embedded one when left out
    #[arg(long, value_name = "MODEL")]
    pub(crate) model: Vec<PathBuf>,
    /// The seed of every picture; one from the operating system when left out
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// What to keep out of every picture
    #[arg(long, allow_hyphen_values = true)]
    pub(crate) negative: Option<String>,
    /// Size such as 512x512, one that every model offers; each model's usual one when left out
    #[arg(long, value_name = "SIZE")]
    pub(crate) size: Option<String>,
    /// Steps, 1 to 200; each model's own number when left out
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=200))]
    pub(crate) steps: Option<u32>,
    /// Guidance, such as 3 or 3.5; each model's own when left out
    #[arg(long)]
    pub(crate) guidance: Option<String>,
    /// Sampler of every added model, such as "DPM++ 2M Karras"; each model's own when left out
    #[arg(long, value_name = "NAME")]
    pub(crate) sampler: Option<String>,
    /// The PNG to write
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// A folder for the recipe of each picture
    #[arg(long, value_name = "FOLDER")]
    pub(crate) recipes: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) runs: Runs,
    #[command(flatten)]
    pub(crate) workers: Workers,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
#[command(after_help = "\
Presets: sticker (50 mm square), badge-32 and badge-58 (round), nails (ten sizes from 16 to 7 mm, a row for each
picture), shirt (200 mm) and shirt-mirrored (for film that is ironed on). The pictures are repeated until the last
page is full. Small ones are enlarged by whole numbers, so every pixel stays a square. Print at 100 %.

A name that ends in .pdf takes all pages, one that ends in .png the first; further pages get a number behind it.
The caption is what the pictures' own metadata say, or what you give.

Example: seedmark sheet menu-own-3-labelled.png menu-own-7-labelled.png --preset sticker --out stickers.pdf")]
pub(crate) struct Sheet {
    /// PNG files, 1 to 16
    #[arg(required = true, num_args = 1..=16)]
    pub(crate) pictures: Vec<PathBuf>,
    /// What the pieces are for
    #[arg(long, value_parser = presets())]
    pub(crate) preset: String,
    /// What is printed on
    #[arg(long, default_value = "a4", value_parser = papers())]
    pub(crate) paper: String,
    /// What stands below, at most 400 characters
    #[arg(long)]
    pub(crate) caption: Option<String>,
    /// Draw the visible AI label in this language onto each piece; for pictures that do not carry it
    #[arg(long, value_name = "LANGUAGE", value_parser = ["en", "de", "zh"])]
    pub(crate) label: Option<String>,
    /// The .pdf or .png to write
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
#[command(after_help = "\
The seal fixes the recipe for good, yet tells nobody what it is. The file written holds the recipe and
its salt: keep it secret, it is what a buyer would receive.

Example: seedmark seal --recipe dragon.json --key ada.key --origin shop.example/log --out dragon.seedmark")]
pub(crate) struct Seal {
    /// The recipe, as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) recipe: PathBuf,
    /// A picture that the recipe begins with, or its mask; those beside the recipe's file are found
    #[arg(long, value_name = "FILE")]
    pub(crate) picture: Vec<PathBuf>,
    /// The key file
    #[arg(long, value_name = "FILE")]
    pub(crate) key: PathBuf,
    /// The log that will hold the leaves; it is inside the signature
    #[arg(long)]
    pub(crate) origin: String,
    /// Licences on offer
    #[arg(long, default_value = "standard-1", value_delimiter = ',')]
    pub(crate) licences: Vec<String>,
    /// A model that was added, by name or digest, or a model's folder; left out, the one that the recipe names, else the embedded one
    #[arg(long, value_name = "MODEL")]
    pub(crate) model: Option<PathBuf>,
    /// The .seedmark file to write, or - for standard output; an existing file is never overwritten
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
#[command(after_help = "\
Log keys come from --policy, else from the policy file in the configuration folder
(seedmark/policy), else from the bundle itself, and then the report says \"trusted on first use\".

Example: seedmark verify dragon.seedmark")]
pub(crate) struct Verify {
    /// The bundle, or - for standard input; at most 1 MiB
    pub(crate) file: PathBuf,
    /// A tlog-policy file with the logs that you trust
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
#[command(after_help = "\
A different picture says that this machine and the seller's disagree; it does not say why.

With --attest the outcome is signed with your key and published in the log, whether the pictures are equal
or not. It shows the kind of CPU and the versions of engine and runtime, and your public key; the licence in the
file proves to the shop alone that you own the recipe.

With --ep another part of this machine makes the pictures, and they are compared with the sealed ones by
tolerance: near (35 dB and more) or different. That is no proof of equal bits, is never called exact, and is
not published.

Examples:
  seedmark reproduce dragon.seedmark --out pictures/
  seedmark reproduce dragon.seedmark --ep openvino --sealed dragon-1.png
  seedmark reproduce dragon.seedmark --attest https://seedmark.example --key me.key")]
pub(crate) struct Reproduce {
    /// The bundle of something you own, or - for standard input; at most 1 MiB
    pub(crate) file: PathBuf,
    /// A tlog-policy file with the logs that you trust
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// A model that was added, by name or digest, or a model's folder; left out, the one that the recipe names, else the embedded one
    #[arg(long, value_name = "MODEL")]
    pub(crate) model: Option<PathBuf>,
    /// Publish the outcome: the shop's address; needs --key
    #[arg(long, value_name = "URL", requires = "key")]
    pub(crate) attest: Option<String>,
    /// The key file to sign the outcome with
    #[arg(long, value_name = "FILE", requires = "attest")]
    pub(crate) key: Option<PathBuf>,
    /// A folder for the regenerated pictures
    #[arg(long, value_name = "FOLDER")]
    pub(crate) out: Option<PathBuf>,
    /// With --ep: a sealed picture as PNG to compare with, known by its pixels; as often as there are. Those that are not given are made with
    /// portable-1 first
    #[arg(long, value_name = "FILE")]
    pub(crate) sealed: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) runs: Runs,
    #[command(flatten)]
    pub(crate) workers: Workers,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// What runs the graphs.
#[derive(Args)]
pub(crate) struct Runs {
    /// Execution provider, such as cpu, cuda, coreml, directml or openvino, as the ONNX Runtime library has it; as `SEEDMARK_EP` says when
    /// left out. Its pictures are of the profile native: near, never equal bit for bit, and not for sale
    #[arg(long, value_name = "NAME")]
    pub(crate) ep: Option<String>,
}

#[derive(Args)]
pub(crate) struct Workers {
    /// Pictures made at once; as many as there are cores when left out. It changes the time, never a pixel
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) workers: Option<u16>,
}

#[derive(Args)]
pub(crate) struct Model {
    #[command(subcommand)]
    pub(crate) command: ModelCommand,
}

#[derive(Subcommand)]
pub(crate) enum ModelCommand {
    /// Add a model folder as `optimum-cli export onnx` writes it: rewritten for equal pixels on every CPU, and proven on the spot
    #[command(after_help = "\
The folder is only read. Each graph is rewritten into operators whose results are equal on every CPU, measured
against the original, and written into the store under the digest of what came out. Nothing is downloaded: to get
a folder, see `seedmark model export-help`. What cannot be rewritten is named, and nothing is added.

The exporter does not keep the model's card, so name the licence that its page names.

Example:
  seedmark model add sd15-onnx --name \"Stable Diffusion 1.5\" --licence creativeml-openrail-m --size 512x512 --size 512x768")]
    Add(Box<ModelAdd>),
    /// List the models that are here
    List {
        #[command(flatten)]
        store: ModelStore,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Check a model's files and print what it is, and whether this machine keeps portable-1
    Info {
        /// A model that was added, by name or digest; the embedded model when left out
        name: Option<String>,
        /// The same, or a model's folder
        #[arg(long, value_name = "MODEL", conflicts_with = "name")]
        model: Option<PathBuf>,
        #[command(flatten)]
        store: ModelStore,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Take a model out of the store; its recipes can no longer be made here
    Remove {
        /// Its name or digest
        name: String,
        #[command(flatten)]
        store: ModelStore,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Make a model's fixed pictures and print their digests; the embedded model's are compared with the published ones
    #[command(after_help = "\
The digests of an added model are the same on every machine that keeps portable-1: compare the lists of two.

Examples:
  seedmark model check
  seedmark model check \"Stable Diffusion 1.5\" --pictures 2 --json > here.json")]
    Check {
        /// A model that was added, by name or digest; the embedded model when left out
        name: Option<String>,
        /// How many of the fixed pictures, from the first: all 32 of the embedded model, 4 of an added one
        #[arg(long, value_name = "N")]
        pictures: Option<usize>,
        #[command(flatten)]
        store: ModelStore,
        #[command(flatten)]
        workers: Workers,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Say how to get a model folder from a model on Hugging Face, on your own machine
    ExportHelp,
}

/// Where added models lie.
#[derive(Args)]
pub(crate) struct ModelStore {
    /// Where added models lie; as `SEEDMARK_MODELS` says, else seedmark/models in the data folder, when left out
    #[arg(long, value_name = "FOLDER")]
    pub(crate) store: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct ModelAdd {
    /// The folder with `model_index.json`
    pub(crate) folder: PathBuf,
    /// Its name for people; that of the folder when left out
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// A picture size that it is to make, such as 512x768; as often as there are sizes. The size it was trained for when left out
    #[arg(long, value_name = "SIZE")]
    pub(crate) size: Vec<String>,
    /// Let pictures that are larger be made in tiles of N pixels a side; as often as there are tiles
    #[arg(long, value_name = "N")]
    pub(crate) tile: Vec<u32>,
    /// Make pictures that are larger than a tile in tiles alone: for a machine that has no memory for a whole one
    #[arg(long, requires = "tile")]
    pub(crate) tiles_only: bool,
    /// Its licence, where the folder's README.md does not say it
    #[arg(long)]
    pub(crate) licence: Option<String>,
    /// Add it although its licence forbids sale: recipes with it cannot be sold
    #[arg(long)]
    pub(crate) for_own_use: bool,
    /// Merge a LoRA into it, at full weight or so much of it, such as style.safetensors:0.8; again for more, in their order
    #[arg(long, value_name = "FILE[:WEIGHT]")]
    pub(crate) lora: Vec<String>,
    /// Steps that are usual for it
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=200))]
    pub(crate) steps: Option<u32>,
    /// Guidance that is usual for it, such as 7.5
    #[arg(long)]
    pub(crate) guidance: Option<String>,
    #[command(flatten)]
    pub(crate) store: ModelStore,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct Log {
    #[command(subcommand)]
    pub(crate) command: LogCommand,
}

/// What every log command needs.
#[derive(Args)]
#[group(skip)]
pub(crate) struct LogSource {
    /// The log: a URL prefix, or a folder with `checkpoint` and `tile/`
    pub(crate) log: String,
    /// The log's verifier key, as served under /log/vkey; get it from a second place
    #[arg(long, value_name = "VKEY", required_unless_present = "policy")]
    pub(crate) key: Option<String>,
    /// A tlog-policy file with the log's key and the witnesses that must have cosigned
    #[arg(long, value_name = "FILE", conflicts_with = "key")]
    pub(crate) policy: Option<PathBuf>,
    /// Print JSON, one object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Subcommand)]
pub(crate) enum LogCommand {
    /// Re-verify every entry and tile against the signed checkpoint
    #[command(after_help = "\
With --state each run reads what is new and a thirtieth of what was read before (at least 16,384 entries), so
that bits which rot are found in time; it says what it read. --full reads everything again.

Example: seedmark log audit https://seedmark.example/log --policy policy.txt --state seedmark.state")]
    Audit {
        #[command(flatten)]
        source: LogSource,
        /// Remember what was audited in this file, and go on from there next time
        #[arg(long, value_name = "FILE")]
        state: Option<PathBuf>,
        /// Read everything again, whatever the state says
        #[arg(long)]
        full: bool,
    },
    /// Print one entry, verified
    Get {
        #[command(flatten)]
        source: LogSource,
        /// The entry's index
        #[arg(long)]
        index: u64,
    },
    /// Print the inclusion proof of one entry, as a tlog-proof
    Prove {
        #[command(flatten)]
        source: LogSource,
        /// The entry's index
        #[arg(long)]
        index: u64,
    },
    /// Print the newest entries, verified
    Tail {
        #[command(flatten)]
        source: LogSource,
        /// How many
        #[arg(long, short = 'n', value_name = "N", default_value_t = 10)]
        entries: u64,
        /// Go on and print new ones as they come
        #[arg(long, short = 'f')]
        follow: bool,
        /// Seconds between two looks
        #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..))]
        interval: u64,
    },
    /// Watch that a log never rewrites its history; ends with exit code 1 when it does
    #[command(after_help = "\
Every new entry is read and hashed. When a checkpoint contradicts what was seen, both signed checkpoints
are written beside the state, as evidence that anyone can check.

Example: seedmark log monitor https://seedmark.example/log --key \"$VKEY\" --state seedmark.state")]
    Monitor {
        #[command(flatten)]
        source: LogSource,
        /// What was seen so far; made on the first run
        #[arg(long, value_name = "FILE")]
        state: PathBuf,
        /// Look once and end
        #[arg(long)]
        once: bool,
        /// Seconds between two looks
        #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
        interval: u64,
    },
}

#[derive(Args)]
#[command(after_help = "\
A witness remembers the newest checkpoint of each log and cosigns only what extends it. It proves nothing
about what the entries say, only that everybody is shown the same ones. The line that it prints at start
belongs into the policy of the log's operator and of those who check. Without what it remembered of a log
that it cosigned it does not start: it would cosign another history.

Example: seedmark witness --name witness.example --data witness/ --log \"$VKEY\"")]
pub(crate) struct Witness {
    /// The witness's name, such as a host name of yours; it is inside the key's id
    #[arg(long)]
    pub(crate) name: String,
    /// Where the key and the newest checkpoints lie; made on the first start
    #[arg(long, value_name = "FOLDER")]
    pub(crate) data: PathBuf,
    /// The verifier key of a log to follow; may be given several times
    #[arg(long, value_name = "VKEY", required = true)]
    pub(crate) log: Vec<String>,
    /// Follow this log as if it was never seen, because what was remembered of it is lost for good; for one start
    #[arg(long, value_name = "ORIGIN")]
    pub(crate) begin_anew: Vec<String>,
    /// Where to listen
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7890")]
    pub(crate) listen: String,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
