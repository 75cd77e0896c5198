//! The command line as a library: [`flags`] says what can be typed, [`commands`] does it, one file a command.

pub mod commands;
pub mod failure;
pub mod flags;
pub mod launch;
pub mod open;
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
    let result = match &flags.command {
        Command::Report(flags) => commands::report::run(flags),
        Command::Dump(flags) => commands::dump::run(flags),
        Command::Export(flags) => commands::export::run(flags),
        _ => Ok(ExitCode::FAILURE),
    };
    result.unwrap_or_else(|error| {
        eprintln!("{}", failure::text(&error));
        ExitCode::FAILURE
    })
}
