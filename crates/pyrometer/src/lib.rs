//! The command line as a library: [`flags`] says what can be typed, [`commands`] does it, one file a command.

pub mod commands;
pub mod failure;
pub mod flags;
pub mod launch;
pub mod open;
pub mod output;
pub mod recording;
pub mod signals;
pub mod sources;
pub mod terminal;
pub mod top;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

use flags::{Command, Flags};

/// Does what `arguments` (the executable's name first) ask for, prints errors, and says how to exit.
pub fn main(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let flags = Flags::parse_from(arguments);
    let command = match &flags.command {
        Command::Run(flags) => flags.target.as_slice(),
        Command::Record(flags) => &flags.target,
        Command::Top(flags) => &flags.target,
        _ => &[],
    };
    if let Err(error) = flags::check_command(command) {
        error.exit();
    }
    let result = match &flags.command {
        Command::Run(flags) => commands::run::run(flags),
        Command::Record(flags) => commands::record::run(flags),
        Command::Report(flags) => commands::report::run(flags),
        Command::Dump(flags) => commands::dump::run(flags),
        Command::Export(flags) => commands::export::run(flags),
        Command::Top(flags) => commands::top::run(flags),
    };
    result.unwrap_or_else(|error| {
        eprintln!("{}", failure::text(&error));
        ExitCode::FAILURE
    })
}
