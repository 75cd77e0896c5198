//! Frames as viewers know them: a function, or a line of a function, with its name and file.

use std::collections::HashMap;

use pyrometer_model::{Code, CodeId, CodeKind, Dictionary, LocationId, ProcessId, ThreadId};
use rustc_hash::FxBuildHasher;

/// A frame of a viewer's stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Frame {
    /// The outermost frame of everything in a process, where a format puts processes at the root.
    Process(ProcessId),
    /// The outermost frame of a thread, where a format puts threads at the root.
    Thread(ThreadId),
    /// A function at a line; in function granularity the line is that of its definition.
    Code(CodeId, u32),
}

/// An index into [`Frames`].
pub(super) type FrameId = u32;

/// Whether two lines of one function are two frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Granularity {
    Function,
    Line,
}

/// Interned frames, in the order in which they were first met.
pub(super) struct Frames<'d> {
    pub(super) dictionary: &'d Dictionary,
    granularity: Granularity,
    list: Vec<Frame>,
    index: HashMap<Frame, FrameId, FxBuildHasher>,
}

impl<'d> Frames<'d> {
    pub(super) fn new(dictionary: &'d Dictionary, granularity: Granularity) -> Self {
        Self { dictionary, granularity, list: Vec::new(), index: HashMap::default() }
    }

    pub(super) fn intern(&mut self, frame: Frame) -> FrameId {
        let next = u32::try_from(self.list.len()).unwrap_or(u32::MAX);
        let id = *self.index.entry(frame).or_insert(next);
        if id == next {
            self.list.push(frame);
        }
        id
    }

    pub(super) fn at(&mut self, location: LocationId) -> FrameId {
        let location = self.dictionary.location(location);
        let line = match self.granularity {
            Granularity::Line => location.position.line,
            Granularity::Function => self.dictionary.code(location.code).first_line,
        };
        self.intern(Frame::Code(location.code, line))
    }

    pub(super) fn get(&self, id: FrameId) -> Frame {
        self.list[id as usize]
    }

    pub(super) fn list(&self) -> &[Frame] {
        &self.list
    }

    /// The code behind a frame; none for a process or thread.
    pub(super) fn code(&self, id: FrameId) -> Option<Code> {
        match self.get(id) {
            Frame::Code(code, _) => Some(self.dictionary.code(code)),
            Frame::Process(_) | Frame::Thread(_) => None,
        }
    }

    /// The frame's name without its file: `audit.redact`, `process 7: python a.py`, `MainThread (8)`.
    pub(super) fn name(&self, id: FrameId) -> String {
        match self.get(id) {
            Frame::Process(process) => process_label(self.dictionary, process),
            Frame::Thread(thread) => thread_label(self.dictionary, thread),
            Frame::Code(code, _) => code_name(self.dictionary, self.dictionary.code(code)),
        }
    }

    /// The name with the file, shortened, and the line: `audit.redact (app/audit.py:12)`.
    pub(super) fn label(&self, id: FrameId) -> String {
        let name = self.name(id);
        let Frame::Code(code, line) = self.get(id) else { return name };
        let file = self.dictionary.string(self.dictionary.code(code).file);
        let file = short_file(file, &self.dictionary.info.directory);
        match (file, line) {
            ("", _) => name,
            (file, 0) => format!("{name} ({file})"),
            (file, line) => format!("{name} ({file}:{line})"),
        }
    }
}

/// A code's display name; never empty, since some viewers drop frames without a name.
pub(super) fn code_name(dictionary: &Dictionary, code: Code) -> String {
    let name = dictionary.display_name(code);
    if name.is_empty() { "<unnamed>".to_owned() } else { name }
}

/// `process 4242: python app.py`, the command cut at 80 characters.
pub(super) fn process_label(dictionary: &Dictionary, id: ProcessId) -> String {
    let Some(process) = dictionary.process(id) else { return "process ?".to_owned() };
    let command = dictionary.string(process.command);
    if command.is_empty() {
        return format!("process {}", process.pid);
    }
    let mut short: String = command.chars().take(80).collect();
    if short.len() < command.len() {
        short.push('…');
    }
    format!("process {}: {short}", process.pid)
}

/// `MainThread (4243)`: the name and the kernel's id, or Python's where that is all there is.
pub(super) fn thread_label(dictionary: &Dictionary, id: ThreadId) -> String {
    let Some(thread) = dictionary.thread(id) else { return "thread ?".to_owned() };
    let name = match dictionary.string(thread.name) {
        "" => "thread",
        name => name,
    };
    match (thread.native_id, thread.python_id) {
        (0, 0) => name.to_owned(),
        (0, python) => format!("{name} ({python:#x})"),
        (native, _) => format!("{name} ({native})"),
    }
}

/// The part of a file's name that tells it from others: behind the target's directory, behind `site-packages`, or behind
/// the standard library's folder; else all of it.
pub(super) fn short_file<'f>(file: &'f str, directory: &str) -> &'f str {
    if !directory.is_empty()
        && let Some(rest) = file.strip_prefix(directory)
        && let Some(rest) = rest.strip_prefix('/')
    {
        return rest;
    }
    for folder in ["/site-packages/", "/dist-packages/"] {
        if let Some(at) = file.rfind(folder) {
            return &file[at + folder.len()..];
        }
    }
    behind_standard_library(file).unwrap_or(file)
}

/// What follows `/lib/python3.N/`.
fn behind_standard_library(file: &str) -> Option<&str> {
    let at = file.rfind("/lib/python3.")?;
    let rest = &file[at + "/lib/python3.".len()..];
    let (minor, rest) = rest.split_once('/')?;
    (!minor.is_empty() && minor.bytes().all(|byte| byte.is_ascii_alphanumeric())).then_some(rest)
}

/// Where a function comes from, for colours and categories.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// The program's own code.
    Own,
    /// An installed package.
    Library,
    /// Python's standard library, frozen modules among it.
    Standard,
    /// A function written in C.
    Native,
    /// Not a function.
    Marker,
}

/// Where `code` comes from, judged by its kind and its file's name.
pub(super) fn origin(dictionary: &Dictionary, code: Code) -> Origin {
    let file = dictionary.string(code.file);
    match code.kind {
        CodeKind::Marker => Origin::Marker,
        CodeKind::Native => Origin::Native,
        CodeKind::Python if file.contains("/site-packages/") || file.contains("/dist-packages/") => Origin::Library,
        CodeKind::Python if file.starts_with("<frozen ") || behind_standard_library(file).is_some() => Origin::Standard,
        CodeKind::Python => Origin::Own,
    }
}

#[cfg(test)]
mod tests {
    use super::short_file;

    #[test]
    fn files_are_shortened_where_that_loses_nothing() {
        assert_eq!(short_file("/srv/app/audit.py", "/srv/app"), "audit.py");
        assert_eq!(short_file("/srv/application/audit.py", "/srv/app"), "/srv/application/audit.py");
        assert_eq!(short_file("/v/lib/python3.12/site-packages/numpy/core.py", ""), "numpy/core.py");
        assert_eq!(short_file("/usr/lib/python3.14t/json/decoder.py", ""), "json/decoder.py");
        assert_eq!(short_file("<frozen importlib._bootstrap>", "/x"), "<frozen importlib._bootstrap>");
    }
}
