//! A picture of a terminal for the documentation, from what a program really printed.

use std::io::Read;
use std::process::ExitCode;

use anyhow::{Context, Result};
use pyrometer_view::{ScreenOptions, terminal_svg};

/// Reads a terminal's text with colour codes from standard input and prints it as an SVG picture. The first argument is the
/// command line that is shown above it; the text is cut after as many lines as the second says.
pub fn run(arguments: &[String]) -> Result<ExitCode> {
    let command = arguments.first().cloned().unwrap_or_default();
    let most = arguments.get(1).map(|lines| lines.parse()).transpose().context("not a number of lines")?;
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).context("cannot read standard input")?;
    let lines: Vec<_> = text.lines().take(most.unwrap_or(usize::MAX)).collect();
    let title = command.clone();
    print!("{}", terminal_svg(&lines.join("\n"), &ScreenOptions { title, command, ..ScreenOptions::default() }));
    Ok(ExitCode::SUCCESS)
}
