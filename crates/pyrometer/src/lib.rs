//! The command line as a library.
pub mod flags;
pub mod launch;
pub mod signals;
use std::process::ExitCode;
use clap::Parser;
/// The executable's `main`.
pub fn main(a: impl Iterator<Item = std::ffi::OsString>) -> ExitCode {
    println!("{:?}", flags::Flags::parse_from(a));
    ExitCode::SUCCESS
}
