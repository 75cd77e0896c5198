//! The dictionary's tables as blocks of columns: writing.

use std::ops::Range;

use pyrometer_model::{
    CodeId, CodeKind, Dictionary, ExitStatus, LocationId, Position, Process, ProcessId, StackId, StringId, Thread,
};

use super::bytes::{put_varint, zigzag};
use super::column::Packer;
use super::frame::{Kind, MAX_TEXT};
use crate::{Error, ErrorKind, Result};

/// A table that only grows: what is written of it stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Table {
    Strings,
    Codes,
    Locations,
    Stacks,
    SourceLines,
}

impl Table {
    /// In the order in which they refer to one another.
    pub(super) const ALL: [Self; 5] = [Self::Strings, Self::Codes, Self::Locations, Self::Stacks, Self::SourceLines];

    /// The kind of its blocks.
    pub(super) fn kind(self) -> Kind {
        match self {
            Self::Strings => Kind::Strings,
            Self::Codes => Kind::Codes,
            Self::Locations => Kind::Locations,
            Self::Stacks => Kind::Stacks,
            Self::SourceLines => Kind::SourceLines,
        }
    }

    /// How many entries `dictionary` has in it.
    pub(super) fn len(self, dictionary: &Dictionary) -> usize {
        match self {
            Self::Strings => dictionary.strings.len(),
            Self::Codes => dictionary.codes().len(),
            Self::Locations => dictionary.locations().len(),
            Self::Stacks => dictionary.stacks.len(),
            Self::SourceLines => dictionary.source_lines().len(),
        }
    }

    /// How many entries every table has from the beginning: the empty string, the empty stack.
    pub(super) fn built_in(self) -> usize {
        match self {
            Self::Strings | Self::Stacks => 1,
            Self::Codes | Self::Locations | Self::SourceLines => 0,
        }
    }

    /// Appends the entries in `range`, whose references [`check`] has found to be right.
    pub(super) fn encode(
        self,
        dictionary: &Dictionary,
        range: Range<usize>,
        packer: &mut Packer,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        put_varint(out, range.start as u64);
        put_varint(out, range.len() as u64);
        match self {
            Self::Strings => encode_strings(dictionary, range, packer, out),
            Self::Codes => columns(packer, out, dictionary.codes()[range].iter(), |code| {
                [
                    match code.kind {
                        CodeKind::Python => 0,
                        CodeKind::Native => 1,
                        CodeKind::Marker => 2,
                    },
                    code.name.0.into(),
                    code.qualified_name.0.into(),
                    code.module.0.into(),
                    code.file.0.into(),
                    code.first_line.into(),
                ]
            }),
            Self::Locations => columns(packer, out, dictionary.locations()[range].iter(), |location| {
                let Position { line, end_line, column, end_column } = location.position;
                let first = dictionary.code(location.code).first_line;
                [
                    location.code.0.into(),
                    zigzag(location.offset.into()),
                    zigzag(i64::from(line) - i64::from(first)),
                    zigzag(i64::from(end_line) - i64::from(line)),
                    // Unknown columns are the largest number: they become 0.
                    column.wrapping_add(1).into(),
                    end_column.wrapping_add(1).into(),
                ]
            }),
            Self::Stacks => columns(packer, out, range, |id| {
                let node = dictionary.stacks.get(StackId::from_index(id));
                node.map_or([0; 2], |node| [id as u64 - u64::from(node.parent.0), node.location.0.into()])
            }),
            Self::SourceLines => columns(packer, out, dictionary.source_lines()[range].iter(), |line| {
                [line.file.0.into(), line.line.into(), line.text.0.into()]
            }),
        }
    }

    /// Where the block that begins at `start` ends: after `most` entries, or before its text would be longer than `text`.
    pub(super) fn block_end(self, dictionary: &Dictionary, start: usize, most: usize, text: usize) -> usize {
        let end = self.len(dictionary).min(start.saturating_add(most));
        if self != Self::Strings {
            return end;
        }
        let mut length = 0;
        let fits = |&id: &usize| {
            length += dictionary.string(StringId::from_index(id)).len();
            id == start || length <= text
        };
        start + (start..end).take_while(fits).count()
    }
}

fn encode_strings(dictionary: &Dictionary, range: Range<usize>, packer: &mut Packer, out: &mut Vec<u8>) -> Result<()> {
    let strings = || range.clone().map(|id| dictionary.string(StringId::from_index(id)));
    let lengths: Vec<u64> = strings().map(|text| text.len() as u64).collect();
    packer.column(out, &lengths)?;
    let text: String = strings().collect();
    packer.bytes(out, text.as_bytes())
}

/// Appends a column for each of the numbers that `fields` gives for an entry.
fn columns<T, const N: usize>(
    packer: &mut Packer,
    out: &mut Vec<u8>,
    entries: impl Iterator<Item = T>,
    fields: impl Fn(T) -> [u64; N],
) -> Result<()> {
    let mut columns: [Vec<u64>; N] = std::array::from_fn(|_| Vec::with_capacity(entries.size_hint().0));
    for entry in entries {
        for (column, value) in columns.iter_mut().zip(fields(entry)) {
            column.push(value);
        }
    }
    columns.iter().try_for_each(|column| packer.column(out, column))
}

/// Appends the processes with their ids. Of a process that is given twice, the later one counts.
pub(super) fn encode_processes(processes: &[(usize, &Process)], packer: &mut Packer, out: &mut Vec<u8>) -> Result<()> {
    put_varint(out, processes.len() as u64);
    columns(packer, out, processes.iter(), |&(id, process)| {
        let python = process
            .python
            .map_or(0, |version| 1 + u64::from(u32::from_be_bytes([0, version.major, version.minor, version.micro])));
        let (exit, status) = match process.exit {
            ExitStatus::Unknown => (0, 0),
            ExitStatus::Code(code) => (1, code),
            ExitStatus::Signal(signal) => (2, signal),
        };
        [
            id as u64,
            process.pid.into(),
            process.parent.map_or(0, |parent| 1 + u64::from(parent.0)),
            process.command.0.into(),
            python,
            process.start.0,
            process.end.is_some().into(),
            process.end.map_or(0, |end| end.0),
            exit,
            zigzag(status.into()),
        ]
    })
}

/// Appends the threads with their ids. Of a thread that is given twice, the later one counts.
pub(super) fn encode_threads(threads: &[(usize, &Thread)], packer: &mut Packer, out: &mut Vec<u8>) -> Result<()> {
    put_varint(out, threads.len() as u64);
    columns(packer, out, threads.iter(), |&(id, thread)| {
        [
            id as u64,
            thread.process.0.into(),
            thread.native_id,
            thread.python_id,
            thread.name.0.into(),
            thread.interpreter.into(),
            thread.is_main.into(),
            thread.start.0,
            thread.end.0,
        ]
    })
}

/// Checks what a reader will check, so that no file is written that cannot be read: the entries from the given numbers
/// on refer to what is there.
///
/// # Errors
/// [`ErrorKind::Invalid`], naming the entry; [`ErrorKind::TooLarge`] for a string longer than the format allows.
pub(super) fn check(dictionary: &Dictionary, from: [usize; 5]) -> Result<()> {
    let [strings, codes, locations, stacks, lines] = from;
    let string = |id: StringId| id.index() < dictionary.strings.len();
    let wrong = |what: &str, id: usize| {
        Err(Error::new(ErrorKind::Invalid, format!("{what} {id} refers to what is not in the dictionary")))
    };
    for id in strings..dictionary.strings.len() {
        let length = dictionary.string(StringId::from_index(id)).len() as u64;
        if length > MAX_TEXT {
            let what = format!("string {id} has {length} bytes, at most {MAX_TEXT} allowed");
            return Err(Error::new(ErrorKind::TooLarge, what));
        }
    }
    for id in codes..dictionary.codes().len() {
        let code = dictionary.code(CodeId::from_index(id));
        if ![code.name, code.qualified_name, code.module, code.file].into_iter().all(string) {
            return wrong("code", id);
        }
    }
    for id in locations..dictionary.locations().len() {
        if dictionary.location(LocationId::from_index(id)).code.index() >= dictionary.codes().len() {
            return wrong("location", id);
        }
    }
    for id in stacks..dictionary.stacks.len() {
        let node = dictionary.stacks.get(StackId::from_index(id));
        if node.is_none_or(|node| node.location.index() >= dictionary.locations().len()) {
            return wrong("stack", id);
        }
    }
    for (id, line) in dictionary.source_lines().iter().enumerate().skip(lines) {
        if !string(line.file) || !string(line.text) {
            return wrong("source line", id);
        }
    }
    Ok(())
}

/// Checks the processes and threads in the same way.
///
/// # Errors
/// As [`check`].
pub(super) fn check_threads(dictionary: &Dictionary) -> Result<()> {
    let string = |id: StringId| id.index() < dictionary.strings.len();
    let wrong = |what: &str, id: usize| {
        Err(Error::new(ErrorKind::Invalid, format!("{what} {id} refers to what is not in the dictionary")))
    };
    for (id, process) in dictionary.processes().iter().enumerate() {
        if !string(process.command) {
            return wrong("process", id);
        }
    }
    if let Some(process) = wrong_parents(dictionary.processes()).first() {
        return wrong("the parent of process", process.index());
    }
    for (id, thread) in dictionary.threads().iter().enumerate() {
        if !string(thread.name) || thread.process.index() >= dictionary.processes().len() {
            return wrong("thread", id);
        }
    }
    Ok(())
}

/// The processes whose parent is not there, and one of each circle of ancestors: without their parents all is well.
pub(super) fn wrong_parents(processes: &[Process]) -> Vec<ProcessId> {
    let mut wrong = Vec::new();
    // For each process that was met, one more than where the path began on which it was.
    let mut path_of = vec![0; processes.len()];
    for start in 0..processes.len() {
        let mut id = start;
        while path_of[id] == 0 {
            path_of[id] = start + 1;
            let Some(parent) = processes[id].parent.map(ProcessId::index) else { break };
            if path_of.get(parent).is_none_or(|&path| path == start + 1) {
                wrong.push(ProcessId::from_index(id));
                break;
            }
            id = parent;
        }
    }
    wrong
}
