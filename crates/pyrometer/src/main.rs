//! The pyrometer executable: everything is in the library, so that it can be tested and embedded.

use std::process::ExitCode;

fn main() -> ExitCode {
    pyrometer::main(std::env::args_os())
}
