//! Opening captures.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use pyrometer_format::pyro::{Capture, ReadAt};
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

impl ReadAt for FileBytes {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(buffer, offset)
    }
}

/// Opens a capture and says on standard error when it was cut and what of it is there.
///
/// # Errors
/// When it cannot be read or is not a capture.
pub fn capture(path: &Path) -> Result<Capture<FileBytes>> {
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let metadata = file.metadata().with_context(|| format!("cannot read {}", path.display()))?;
    if metadata.is_dir() {
        bail!("{} is a folder, not a capture", path.display());
    }
    let source = FileBytes { file, size: metadata.len() };
    let mut capture = Capture::open(source).map_err(|error| {
        let hint = error.hint();
        WithHint::new(format!("{}: {error}", path.display()), hint)
    })?;
    if let Some(recovery) = capture.recovered() {
        eprintln!("pyrometer: note: {}: {recovery}", path.display());
    }
    if capture.dictionary().source_lines().is_empty() {
        let directory = PathBuf::from(&capture.dictionary().info.directory);
        sources::embed(capture.dictionary_mut(), &|file| Some(directory.join(file)));
    }
    Ok(capture)
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
