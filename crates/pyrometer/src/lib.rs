//! The command line as a library.
pub mod flags;
pub mod launch;
pub mod signals;
pub mod sources;
pub mod top;
use clap::Parser;
use std::process::ExitCode;
/// The executable's `main`.
pub fn main(a: impl Iterator<Item = std::ffi::OsString>) -> ExitCode {
    println!("{:?}", flags::Flags::parse_from(a));
    ExitCode::SUCCESS
}
