//! `pyrometer record`: a process that already runs, or a command, into a file.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{FromRawFd, OwnedFd};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use anyhow::{Context, Result};
use pyrometer_format::export::Threads;
use pyrometer_model::{Nanoseconds, View};
use pyrometer_remote::os::clock;

use super::run::record_command;
use crate::flags::Record;
use crate::output::{Looks, Output};
use crate::recording::{self, Recording};
use crate::signals::Watch;

/// Records until the process ends, the duration is over, or ^C.
///
/// # Errors
/// When the process is not there, is no Python or may not be read, or the output cannot be written.
pub fn run(flags: &Record) -> Result<ExitCode> {
    let choose = |name: &str| -> Result<Output> {
        let mut output = Output::choose(flags.output.as_deref(), flags.format.as_deref(), name)?;
        output.options.selection.view = if flags.gil { View::Gil } else { View::Wall };
        output.options.selection.include_idle |= flags.idle;
        output.options.lines = !(flags.function || flags.nolineno);
        output.options.threads = if flags.threads { Threads::Apart } else { Threads::Usual };
        Ok(output)
    };
    if let Some(note) = flags.habits.note() {
        eprintln!("pyrometer: note: {note}");
    }
    let Some(pid) = flags.pid else { return record_command(flags, choose) };
    let mut ready = flags.ready_fd.map(descriptor);
    let result = attach(flags, pid, &choose(&format!("pid{pid}"))?, ready.as_mut());
    if let (Err(error), Some(ready)) = (&result, &mut ready) {
        // The program that asked waits for a word, and shows this as its own error.
        let _gone = writeln!(ready, "error: {}", crate::failure::text(error).trim_start_matches("pyrometer: error: "));
    }
    result
}

fn attach(flags: &Record, pid: u32, output: &Output, ready: Option<&mut File>) -> Result<ExitCode> {
    let watch = Watch::begin()?;
    let stop = watch.stop_flag();
    let wishes = Wishes::default();
    if let Some(number) = flags.stop_fd {
        wishes.listen(descriptor(number), Arc::clone(&stop))?;
    }
    let mut options = recording::options(&flags.sampling);
    // A process that is named by its pid should be a Python already; waiting for one would look like hanging.
    options.patience = Some(Nanoseconds::from_millis(1000));
    let mut recording = Recording::begin(&output.capture, options.interval)?;
    recording.flush_on(Arc::clone(&wishes.flush));
    // Time zero of the capture, on the clock that Python calls `time.monotonic`.
    let mut begun = Some(clock::now());
    let mut answer = || {
        let Some(mut ready) = ready.as_deref() else { return };
        let _gone = match begun.take() {
            Some(start) => writeln!(ready, "ready {start}"),
            None if wishes.are_fulfilled() => writeln!(ready, "flushed"),
            None => Ok(()),
        };
    };
    if let Err(error) = recording.follow(pid, options, &stop, &mut answer) {
        if recording.is_empty() {
            recording.discard();
            return Err(error).with_context(|| format!("cannot sample process {pid}"));
        }
        eprintln!("pyrometer: note: sampling ended early: {error:#}");
    }
    recording.finish(None)?;
    output.tell(&Looks { json: flags.json.as_deref(), quiet: flags.quiet, looks: &flags.looks })?;
    Ok(ExitCode::SUCCESS)
}

/// What the program that asked for the recording wishes while it runs.
#[derive(Default)]
struct Wishes {
    /// To have all that was sampled in the file. The session clears it when it begins to.
    flush: Arc<AtomicBool>,
    /// To be told so. Locked while both are set, so that no block that is written in between is taken for the answer.
    answer: Arc<Mutex<bool>>,
}

impl Wishes {
    /// Whether somebody waits for an answer, and what was wished is done. Asked after each block that was written.
    fn are_fulfilled(&self) -> bool {
        let mut answer = self.answer.lock().unwrap_or_else(PoisonError::into_inner);
        !self.flush.load(Ordering::Acquire) && std::mem::take(&mut *answer)
    }

    /// Sets `stop` when the other end is closed, as happens when the program that asked ends, or any byte but `f` comes:
    /// that is a wish to flush.
    fn listen(&self, mut descriptor: File, stop: Arc<AtomicBool>) -> Result<()> {
        let (flush, answer) = (Arc::clone(&self.flush), Arc::clone(&self.answer));
        let listen = move || {
            let mut byte = [0];
            while descriptor.read(&mut byte).is_ok_and(|read| read == 1) && byte == *b"f" {
                let mut answer = answer.lock().unwrap_or_else(PoisonError::into_inner);
                flush.store(true, Ordering::Release);
                *answer = true;
            }
            stop.store(true, Ordering::Release);
        };
        thread::Builder::new()
            .name("stop".into())
            .stack_size(64 * 1024)
            .spawn(listen)
            .map(drop)
            .context("cannot start the thread that waits for the end")
    }
}

/// A descriptor that the program which started us has left open for this.
fn descriptor(number: i32) -> File {
    // SAFETY: the flag is part of the protocol with python/pyrometer, which opens the descriptor for us alone; nothing else
    // in this process knows of it. A wrong number gives EBADF on use and nothing worse.
    File::from(unsafe { OwnedFd::from_raw_fd(number) })
}
