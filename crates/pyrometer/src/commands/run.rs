//! `pyrometer run`: a program, sampled from its first line to its last, and then what is slow in it.

use std::ffi::{OsStr, OsString};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, ExitStatus};

use anyhow::{Context, Result};

use crate::flags::{Record, Run};
use crate::launch::{self, Program, Target};
use crate::output::{Looks, Output};
use crate::recording::{self, Recording};
use crate::signals::{self, Watch};

/// Runs the program, and exits as it did.
///
/// # Errors
/// When the program cannot be started or the output cannot be written. Once the program runs it is never stopped by an
/// error here: it goes on, is waited for, and the error is told at the end.
pub fn run(flags: &Run) -> Result<ExitCode> {
    let target = match (&flags.module, &flags.code) {
        (Some(words), _) => Target::Module(words),
        (_, Some(words)) => Target::Code(words),
        _ => Target::Command(&flags.target),
    };
    let program = Program::resolve(target, flags.python.as_deref())?;
    let output = Output::choose(flags.output.as_deref(), flags.format.as_deref(), &program.name)?;
    let looks = Looks { json: flags.json.as_deref(), quiet: flags.quiet, looks: &flags.looks };
    let code = flags.code.as_ref().and_then(|words| words.first()).map(OsString::as_os_str);
    let status = measure(&program, code, recording::options(&flags.sampling), &output, &looks)?;
    Ok(exit(status))
}

/// `pyrometer record -- COMMAND`: the same for a command that is taken as it is.
///
/// # Errors
/// As [`run`].
pub fn record_command(flags: &Record, output: impl FnOnce(&str) -> Result<Output>) -> Result<ExitCode> {
    let program = Program::resolve(Target::Command(&flags.target), None)?;
    let output = output(&program.name)?;
    let looks = Looks { json: flags.json.as_deref(), quiet: flags.quiet, looks: &flags.looks };
    let status = measure(&program, None, recording::options(&flags.sampling), &output, &looks)?;
    Ok(exit(status))
}

fn measure(
    program: &Program,
    code: Option<&OsStr>,
    options: pyrometer_remote::sampler::Options,
    output: &Output,
    looks: &Looks<'_>,
) -> Result<ExitStatus> {
    let mut recording = Recording::begin(&output.capture, options.interval)?;
    let watch = Watch::begin()?;
    let mut child = match program.spawn() {
        Ok(child) => child,
        Err(error) => {
            recording.discard();
            return Err(error);
        }
    };
    watch.pass_to(child.id());
    let stop = watch.stop_flag();
    let recorded = recording.follow(child.id(), options, &stop, &mut || {});
    let status = child.wait().with_context(|| format!("cannot wait for {}", program.command_line()))?;
    if let Some(code) = code {
        recording.embed_code(&code.to_string_lossy());
    }
    // When the disk is full, what was written before that is still reported.
    let finished = recorded.and_then(|()| recording.finish(Some(status)));
    let told = if recording.is_empty() && finished.is_err() { Ok(()) } else { output.tell(looks) };
    for error in [finished, told].into_iter().filter_map(Result::err) {
        eprintln!("{}", crate::failure::text(&error));
    }
    Ok(status)
}

/// Ends as the program ended: by its exit code, or by the signal that ended it.
fn exit(status: ExitStatus) -> ExitCode {
    if let Some(signal) = status.signal() {
        signals::end_by(signal);
    }
    ExitCode::from(launch::shell_code(status))
}

/// The file's name when none is given: the program's and our own pid, so that runs side by side keep apart.
#[must_use]
pub fn default_capture(name: &str) -> PathBuf {
    let name: String = name
        .chars()
        .map(|letter| if letter.is_alphanumeric() || "._-".contains(letter) { letter } else { '_' })
        .collect();
    // A leading dash would make the file's name an option wherever it is typed.
    let name = name.trim_start_matches('-');
    let name = if name.is_empty() { "program" } else { name };
    Path::new(&format!("{name}.{}.pyro", std::process::id())).to_owned()
}
