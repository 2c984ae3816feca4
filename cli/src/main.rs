//! `seedmark`: keys, pictures, seals and checks on your own machine.
//!
//! The one rule: only `log` with a URL, `reproduce --attest`, `key end` and `witness` talk to a network. Results go to standard
//! output, progress and hints to standard error;
//! `--json` prints one JSON object for machines. Exit codes stand in `exit.rs` and in `--help`.

mod arguments;
mod command;
mod exit;
mod machine;
mod output;

use arguments::{Arguments, Command};
use clap::Parser as _;
use exit::Exit;

fn main() -> std::process::ExitCode {
    let arguments = Arguments::parse();
    let result = match &arguments.command {
        Command::Keygen(options) => command::keygen::run(options),
        Command::Key(options) => command::key::run(options),
        Command::Generate(options) => command::generate::run(options),
        Command::Seal(options) => command::seal::run(options),
        Command::Verify(options) => command::verify::run(options),
        Command::Reproduce(options) => command::reproduce::run(options),
        Command::Model(options) => command::model::run(options),
        Command::Log(options) => command::log::run(options),
        Command::Witness(options) => command::witness::run(options),
    };
    match result {
        Ok(exit) => exit.code(),
        Err(error) => {
            output::error(&error);
            Exit::of(&error).code()
        }
    }
}
