//! `pyrometer export`: a capture in another tool's format.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use pyrometer_format::ErrorKind;
use pyrometer_format::export::{Format, Options, Orientation, Threads, Weights, export};
use pyrometer_model::{Dictionary, SampleSource};

use crate::failure::WithHint;
use crate::flags::Export;
use crate::open;

/// Writes what the flags ask for.
///
/// # Errors
/// When the capture cannot be read, the format is not known or the output cannot be written.
pub fn run(flags: &Export) -> Result<ExitCode> {
    let format = format_of(flags.format.as_deref(), flags.output.as_deref())?;
    let mut choice = flags.choice.clone();
    // A format that others read shows waiting as those others do, unless it is a graph that adds everything up.
    choice.idle |= keeps_idle(format);
    let output = flags.output.clone().unwrap_or_else(|| beside(&flags.file, format));
    open::with(&flags.file, |capture| {
        let (dictionary, samples) = capture.parts();
        let options = Options {
            selection: open::selection(dictionary, &choice)?,
            threads: if flags.threads { Threads::Apart } else { Threads::Usual },
            lines: !flags.function,
            weights: if flags.microseconds { Weights::Microseconds } else { Weights::Samples },
            orientation: if flags.icicle { Orientation::Icicle } else { Orientation::Flame },
            title: flags.title.clone().unwrap_or_default(),
        };
        write(format, dictionary, samples, &options, &output)
    })?;
    if output != Path::new("-") {
        eprintln!("pyrometer: wrote {}, {}", output.display(), format.describe());
    }
    Ok(ExitCode::SUCCESS)
}

/// Whether a format with a time axis, in which a gap would be wrong, or one that holds everything.
#[must_use]
pub fn keeps_idle(format: Format) -> bool {
    matches!(format, Format::Firefox | Format::ChromeTrace | Format::Perfetto | Format::Jsonl)
}

/// The format that is asked for by name, or else by the output's ending.
///
/// # Errors
/// When neither tells.
pub fn format_of(name: Option<&str>, output: Option<&Path>) -> Result<Format> {
    let known = || Format::ALL.iter().map(|format| format.name()).collect::<Vec<_>>().join(", ");
    if let Some(name) = name {
        // py-spy's name for collapsed stacks.
        let name = if name == "raw" { "collapsed" } else { name };
        return Format::from_name(name)
            .with_context(|| format!("there is no format called {name}\nhint: the formats are {}", known()));
    }
    let Some(output) = output else {
        bail!("neither --format nor --output is given\nhint: --format is one of {}", known())
    };
    Format::from_extension(&output.to_string_lossy()).with_context(|| {
        format!("the ending of {} tells no format\nhint: add --format, one of {}", output.display(), known())
    })
}

/// Writes to a new file that takes the output's name only when it is whole; `-` is standard output.
///
/// # Errors
/// When it cannot be written; then there is no file of that name, or still the one that was there.
pub fn write(
    format: Format,
    dictionary: &Dictionary,
    source: &mut dyn SampleSource,
    options: &Options,
    output: &Path,
) -> Result<()> {
    if output == Path::new("-") {
        let mut out = std::io::stdout().lock();
        return match export(format, dictionary, source, options, &mut out) {
            // A reader that has seen enough (`| head`) is not an error.
            Err(error) if error.kind == ErrorKind::Io(std::io::ErrorKind::BrokenPipe) => Ok(()),
            result => result.map_err(|error| WithHint::format(&error).into()),
        };
    }
    // A device or a pipe cannot be replaced by renaming.
    let is_special = output.metadata().is_ok_and(|metadata| !metadata.is_file());
    let part = if is_special { output.to_owned() } else { part_name(output) };
    let file = File::create(&part).with_context(|| format!("cannot write {}", part.display()))?;
    let mut out = BufWriter::new(file);
    let result = export(format, dictionary, source, options, &mut out)
        .map_err(|error| anyhow::Error::from(WithHint::format(&error)))
        .and_then(|()| out.flush().with_context(|| format!("cannot write {}", part.display())));
    if is_special {
        return result;
    }
    match result {
        Ok(()) => {
            std::fs::rename(&part, output).with_context(|| format!("cannot name the output {}", output.display()))
        }
        Err(error) => {
            let _nothing_more_to_do = std::fs::remove_file(&part);
            Err(error)
        }
    }
}

fn part_name(output: &Path) -> PathBuf {
    let mut name = output.as_os_str().to_owned();
    name.push(format!(".part{}", std::process::id()));
    name.into()
}

fn beside(capture: &Path, format: Format) -> PathBuf {
    let extension = format.extension();
    capture.with_extension(extension.trim_start_matches('.'))
}
