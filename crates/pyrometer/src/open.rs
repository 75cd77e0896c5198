//! Opening captures.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use pyrometer_format::ErrorKind;
use pyrometer_format::pyro::{Capture, Limits, ReadAt};
use pyrometer_model::{Dictionary, ProcessId, Selection, ThreadId, View};

use crate::failure::WithHint;
use crate::flags::{Choice, ViewFlag};
use crate::sources;

/// A file that is read at offsets. It is not mapped: a file that is cut while it is read is then an error and not a fault.
#[derive(Debug)]
pub struct FileBytes {
    file: File,
    size: u64,
}

impl FileBytes {
    fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
        let metadata = file.metadata().with_context(|| format!("cannot read {}", path.display()))?;
        if metadata.is_dir() {
            bail!("{} is a folder, not a capture", path.display());
        }
        Ok(Self { file, size: metadata.len() })
    }
}

impl ReadAt for FileBytes {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(buffer, offset)
    }
}

/// Opens a capture, says on standard error when it was cut and what of it is there, and does `work` on it. When damage in
/// the middle of the file comes to light only then, the damaged part is left out and the work done again.
///
/// # Errors
/// When the file cannot be read or is not a capture, and what the work says.
pub fn with<T>(path: &Path, work: impl Fn(&mut Capture<FileBytes>) -> Result<T>) -> Result<T> {
    let explain = |error: pyrometer_format::Error| WithHint::new(format!("{}: {error}", path.display()), error.hint());
    let (mut capture, error) = match Capture::open(FileBytes::open(path)?) {
        Ok(mut capture) => {
            tell(path, &capture);
            complete(&mut capture);
            let error = match work(&mut capture) {
                Ok(done) => return Ok(done),
                Err(error) => error,
            };
            (Capture::salvage(FileBytes::open(path)?, Limits::default()).map_err(explain)?, error)
        }
        Err(error) if error.kind == ErrorKind::Damaged => {
            (Capture::salvage(FileBytes::open(path)?, Limits::default()).map_err(explain)?, explain(error).into())
        }
        Err(error) => return Err(explain(error).into()),
    };
    if capture.recovered().is_none_or(|recovery| recovery.damaged == 0) {
        return Err(error);
    }
    tell(path, &capture);
    complete(&mut capture);
    work(&mut capture)
}

fn tell(path: &Path, capture: &Capture<FileBytes>) {
    if let Some(recovery) = capture.recovered() {
        eprintln!("pyrometer: note: {}: {recovery}", path.display());
    }
}

/// A recording that did not end has no source in it: the files may still be as they were.
fn complete(capture: &mut Capture<FileBytes>) {
    if capture.dictionary().source_lines().is_empty() {
        let directory = PathBuf::from(&capture.dictionary().info.directory);
        sources::embed(capture.dictionary_mut(), &|file| Some(directory.join(file)));
    }
}

/// The samples that the flags ask for.
///
/// # Errors
/// When no thread or process of the capture is the one that is asked for.
pub fn selection(dictionary: &Dictionary, choice: &Choice) -> Result<Selection> {
    let view = match choice.view {
        None | Some(ViewFlag::Wall) => View::Wall,
        Some(ViewFlag::Cpu) => View::Cpu,
        Some(ViewFlag::Gil) => View::Gil,
    };
    let mut selection = Selection { include_idle: choice.idle, ..Selection::of(view) };
    if let Some(since) = choice.since.and_then(|span| span.0) {
        selection.since = since;
    }
    if let Some(until) = choice.until.and_then(|span| span.0) {
        selection.until = until;
    }
    for wanted in &choice.thread {
        let found = threads_called(dictionary, wanted);
        if found.is_empty() {
            bail!("no thread of the capture is {wanted}\nhint: the threads are {}", thread_list(dictionary));
        }
        selection.threads.extend(found);
    }
    for &pid in &choice.process {
        let found: Vec<_> = (0..dictionary.processes().len())
            .map(ProcessId::from_index)
            .filter(|&id| dictionary.process(id).is_some_and(|process| process.pid == pid))
            .collect();
        if found.is_empty() {
            let pids: Vec<_> = dictionary.processes().iter().map(|process| process.pid.to_string()).collect();
            bail!("no process of the capture has the pid {pid}\nhint: the pids are {}", pids.join(", "));
        }
        selection.processes.extend(found);
    }
    Ok(selection)
}

fn threads_called(dictionary: &Dictionary, wanted: &str) -> Vec<ThreadId> {
    let number = wanted.parse::<u64>().ok();
    (0..dictionary.threads().len())
        .map(ThreadId::from_index)
        .filter(|&id| {
            dictionary.thread(id).is_some_and(|thread| {
                dictionary.string(thread.name) == wanted
                    || number
                        .is_some_and(|number| number != 0 && (thread.native_id == number || thread.python_id == number))
            })
        })
        .collect()
}

fn thread_list(dictionary: &Dictionary) -> String {
    let names =
        dictionary.threads().iter().map(|thread| format!("{} ({})", dictionary.string(thread.name), thread.native_id));
    let mut names: Vec<_> = names.take(12).collect();
    if dictionary.threads().len() > names.len() {
        names.push("…".to_owned());
    }
    names.join(", ")
}
