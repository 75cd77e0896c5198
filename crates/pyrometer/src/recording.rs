//! From the sampler into a capture file.

use std::convert::Infallible;
use std::fs::File;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus as Status;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::Result;
use pyrometer_format::pyro::{Writer, WriterOptions};
use pyrometer_model::{CaptureInfo, Dictionary, ExitStatus, Nanoseconds, ProcessId, RecordingMode, SampleRun};
use pyrometer_remote::os::clock;
use pyrometer_remote::sampler::{End, Options, Session, SessionError};

use crate::failure::WithHint;
use crate::flags::Sampling;
use crate::sources;

/// The sampler's options that the flags ask for.
#[must_use]
pub fn options(flags: &Sampling) -> Options {
    Options {
        interval: flags.rate.interval(),
        subprocesses: flags.subprocesses,
        pause: flags.pause,
        budget: flags.budget.map(|share| share.0),
        native: !flags.no_native_callees,
        duration: flags.duration.and_then(|span| span.0),
        ..Options::default()
    }
}

/// A capture file that is being written.
#[allow(missing_debug_implementations)]
pub struct Recording {
    path: PathBuf,
    writer: Writer<File>,
    dictionary: Dictionary,
    /// Why nothing more could be written, when that happened.
    failure: Option<pyrometer_format::Error>,
    runs: u64,
    flush_wish: Option<Arc<AtomicBool>>,
}

impl Recording {
    /// Creates the file.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn begin(path: &Path, interval: Nanoseconds) -> Result<Self> {
        let file = File::create(path).map_err(|error| {
            WithHint::new(format!("cannot write {}: {error}", path.display()), Some("-o FILE writes elsewhere"))
        })?;
        let mut dictionary = Dictionary::default();
        dictionary.info = describe_capture();
        // Finer digits than a hundredth of the interval are noise, and would be a third of the file. Sums keep to the
        // nanosecond: what is rounded off one run is added to the next.
        let resolution = Nanoseconds((interval.0 / 100).clamp(1000, 10_000));
        let options = WriterOptions { resolution, ..WriterOptions::default() };
        let writer = Writer::with_options(file, &dictionary, options).map_err(|error| WithHint::format(&error))?;
        Ok(Self { path: path.to_owned(), writer, dictionary, failure: None, runs: 0, flush_wish: None })
    }

    /// See [`Session::flush_on`].
    pub fn flush_on(&mut self, wish: Arc<AtomicBool>) {
        self.flush_wish = Some(wish);
    }

    /// Samples process `pid` until it ends, its time is over or `stop` is set, and calls `written` at the first sample and
    /// whenever a block was written. When the disk is full sampling ends, and what was written until then stays readable.
    ///
    /// # Errors
    /// When the process cannot be sampled.
    pub fn follow(&mut self, pid: u32, options: Options, stop: &AtomicBool, written: &mut dyn FnMut()) -> Result<()> {
        if options.pause {
            self.dictionary.info.mode = RecordingMode::SampledPaused;
        }
        let mut session = Session::new(pid, options).map_err(|error| WithHint::remote(&error))?;
        if let Some(wish) = self.flush_wish.take() {
            session.flush_on(wish);
        }
        let (writer, runs_written) = (&mut self.writer, &mut self.runs);
        let mut sink = |dictionary: &mut Dictionary, runs: &[SampleRun]| {
            *runs_written += runs.len() as u64;
            let result = writer.write_block(dictionary, runs);
            if result.is_ok() {
                written();
            }
            result
        };
        let result = session.run(&mut self.dictionary, stop, &mut sink);
        if let Some(directory) = session.directory(ProcessId(0)) {
            self.dictionary.info.directory = directory.display().to_string();
        }
        let processes = self.dictionary.processes().len();
        sources::embed(&mut self.dictionary, &|file| {
            let candidates = (0..processes).map(|index| session.source_path(ProcessId::from_index(index), file));
            candidates.into_iter().find(|path| path.is_file())
        });
        match result {
            Ok(outcome) => {
                if !outcome.python_found {
                    eprintln!("pyrometer: note: no Python was seen running in process {pid}, so nothing was sampled");
                    eprintln!("hint: --subprocesses also samples the processes that it starts");
                }
                for note in outcome.notes {
                    eprintln!("pyrometer: note: {note}");
                }
                Ok(())
            }
            Err(SessionError::Target(error)) => Err(WithHint::remote(&error).into()),
            Err(SessionError::Sink(error)) => {
                self.failure = Some(error);
                Ok(())
            }
        }
    }

    /// Embeds the source of `-c CODE`, which stands in no file. CPython calls it `<string>`.
    pub fn embed_code(&mut self, code: &str) {
        let file = self.dictionary.strings.intern("<string>");
        for (number, line) in (1u32..).zip(code.lines().take(1000)) {
            self.dictionary.add_source_line(file, number, line);
        }
    }

    /// Whether not a single run was recorded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.runs == 0
    }

    /// Writes what is known only at the end, among it how the program ended.
    ///
    /// # Errors
    /// When not all could be written. What was written before can be read.
    pub fn finish(&mut self, status: Option<Status>) -> Result<()> {
        if let (Some(status), Some(process)) = (status, self.dictionary.process_mut(ProcessId(0))) {
            process.exit = exit_status(status);
        }
        let result = match self.failure.take() {
            Some(error) => Err(error),
            None => self.writer.finish(&self.dictionary),
        };
        result.map_err(|error| WithHint::new(format!("{}: {error}", self.path.display()), error.hint()).into())
    }

    /// Removes the file: nothing was recorded.
    pub fn discard(self) {
        // A device or pipe that was named as the output is not ours to remove.
        if self.path.is_file() {
            let _gone_already = std::fs::remove_file(&self.path);
        }
    }
}

/// Samples process `pid` into `absorb` and no file. Whenever `wish` is set, what was sampled until then is handed over.
///
/// # Errors
/// When the process cannot be sampled.
pub fn drive(
    pid: u32,
    options: Options,
    stop: &AtomicBool,
    wish: Arc<AtomicBool>,
    absorb: &mut dyn FnMut(&mut Dictionary, &[SampleRun]),
) -> Result<End> {
    let mut session = Session::new(pid, options).map_err(|error| WithHint::remote(&error))?;
    session.flush_on(wish);
    let mut sink = |dictionary: &mut Dictionary, runs: &[SampleRun]| -> Result<(), Infallible> {
        absorb(dictionary, runs);
        Ok(())
    };
    match session.run(&mut Dictionary::default(), stop, &mut sink) {
        Ok(outcome) => Ok(outcome.end),
        Err(SessionError::Target(error)) => Err(WithHint::remote(&error).into()),
        Err(SessionError::Sink(never)) => match never {},
    }
}

fn exit_status(status: Status) -> ExitStatus {
    match (status.code(), status.signal()) {
        (Some(code), _) => ExitStatus::Code(code),
        (None, Some(signal)) => ExitStatus::Signal(signal),
        (None, None) => ExitStatus::Unknown,
    }
}

fn describe_capture() -> CaptureInfo {
    let machine = rustix::system::uname();
    let text = |part: &std::ffi::CStr| part.to_string_lossy().into_owned();
    let processors = std::thread::available_parallelism().map_or(0, usize::from);
    CaptureInfo {
        pyrometer: env!("CARGO_PKG_VERSION").to_owned(),
        mode: RecordingMode::Sampled,
        command: std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect(),
        started: clock::since_epoch(),
        machine: format!(
            "{} {} {}, {processors} processors",
            text(machine.sysname()),
            text(machine.release()),
            text(machine.machine())
        ),
        directory: std::env::current_dir().map(|path| path.display().to_string()).unwrap_or_default(),
    }
}
