//! `seedmark`: keys, pictures, seals and checks on your own machine.
//!
//! The one rule: only `log` with a URL, `reproduce --attest`, `key end` and `witness` talk to a network. Results go to standard
//! output, progress and hints to standard error;
//! `--json` prints one JSON object for machines. Exit codes stand in `exit.rs` and in `--help`.

mod arguments;
mod command;
mod exit;
mod input;
mod machine;
mod maker;
mod output;
mod prompt;
mod target;

use arguments::{Arguments, Command};
use clap::Parser as _;
use exit::Exit;

fn main() -> std::process::ExitCode {
    // SAFETY: the first line of the program; no other thread runs yet.
    unsafe { engine::onnx_runtime::keep_quiet() };
    let as_json = std::env::args_os().any(|argument| argument == "--json");
    let exit = match Arguments::try_parse() {
        Ok(arguments) => run(&arguments.command).unwrap_or_else(|error| {
            let exit = Exit::of(&error);
            output::error(&error, exit, as_json);
            exit
        }),
        Err(said) => output::usage(&said, as_json),
    };
    output::finish(exit)
}

fn run(command: &Command) -> anyhow::Result<Exit> {
    match command {
        Command::Keygen(options) => command::keygen::run(options),
        Command::Key(options) => command::key::run(options),
        Command::Generate(options) => command::generate::run(options),
        Command::Import(options) => command::import::run(options),
        Command::Compare(options) => command::compare::run(options),
        Command::Sheet(options) => command::sheet::run(options),
        Command::Seal(options) => command::seal::run(options),
        Command::Verify(options) => command::verify::run(options),
        Command::Reproduce(options) => command::reproduce::run(options),
        Command::Model(options) => command::model::run(options),
        Command::Log(options) => command::log::run(options),
        Command::Witness(options) => command::witness::run(options),
    }
}
