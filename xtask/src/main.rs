//! Development tasks: `cargo xtask TASK`.

mod layouts;
mod picture;
mod tidy;

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask TASK

tasks:
  layouts  print CPython's structure offsets from its headers into the remote crate's tables
  picture  [COMMAND [LINES]] turn a terminal's text on standard input into an SVG picture
  tidy     check the invariants of ARCHITECTURE.md that no lint can";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.first().map(String::as_str) {
        Some("layouts") => layouts::run(),
        Some("picture") => picture::run(arguments.get(1..).unwrap_or_default()),
        Some("tidy") => tidy::run(),
        Some("help" | "-h" | "--help") => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
