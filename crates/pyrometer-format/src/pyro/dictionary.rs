//! The dictionary's tables as blocks of columns: reading, with every reference checked.

use pyrometer_model::{
    Code, CodeId, CodeKind, Dictionary, ExitStatus, Location, LocationId, Nanoseconds, Position, Process, ProcessId,
    PythonVersion, StackId, StringId, Thread,
};

use super::bytes::{Cursor, unzigzag};
use super::column::Unpacker;
use super::frame::{Kind, MAX_ENTRIES, MAX_TEXT};
use super::record::{decode_audit, decode_info};
use super::tables::wrong_parents;
use crate::{Error, ErrorKind, Result};

/// A dictionary being read, block by block.
pub(super) struct DictionaryReader {
    dictionary: Dictionary,
    unpacker: Unpacker,
    /// Bytes of memory that the dictionary may still grow by.
    budget: u64,
}

impl DictionaryReader {
    /// Of a dictionary that may take about `budget` bytes of memory.
    pub(super) fn new(budget: u64) -> Result<Self> {
        Ok(Self { dictionary: Dictionary::default(), unpacker: Unpacker::new()?, budget })
    }

    pub(super) fn dictionary(&self) -> &Dictionary {
        &self.dictionary
    }

    /// Takes in a block whose payload begins at `offset` in the file. Kinds that are not the dictionary's are skipped.
    pub(super) fn block(&mut self, kind: u8, payload: &[u8], offset: u64) -> Result<()> {
        let cursor = &mut Cursor::new(payload, offset);
        match Kind::from_number(kind) {
            Some(Kind::Info) => self.dictionary.info = decode_info(cursor, offset)?,
            Some(Kind::Audit) => self.dictionary.audit = decode_audit(cursor)?,
            Some(Kind::Strings) => self.strings(cursor)?,
            Some(Kind::Codes) => self.codes(cursor)?,
            Some(Kind::Locations) => self.locations(cursor)?,
            Some(Kind::Stacks) => self.stacks(cursor)?,
            Some(Kind::SourceLines) => self.source_lines(cursor)?,
            Some(Kind::Processes) => self.processes(cursor)?,
            Some(Kind::Threads) => self.threads(cursor)?,
            Some(Kind::Samples | Kind::Index) | None => {}
        }
        Ok(())
    }

    /// The dictionary, after a last check: the processes' parents are there and nobody is his own ancestor. With `repair`,
    /// for a file of which a part is lost, a process where that is not so has no parent instead.
    pub(super) fn finish(mut self, repair: bool) -> Result<Dictionary> {
        for id in wrong_parents(self.dictionary.processes()) {
            match self.dictionary.process_mut(id).filter(|_| repair) {
                Some(process) => process.parent = None,
                None => {
                    let what = format!("process {} has no parent where it says, or itself as an ancestor", id.0);
                    return Err(Error::new(ErrorKind::Damaged, what));
                }
            }
        }
        Ok(self.dictionary)
    }

    /// Reads the first id and the number of entries of a table that has `length` entries by now, each of them `cost`
    /// bytes in memory.
    fn begin(&mut self, cursor: &mut Cursor<'_>, what: &str, length: usize, cost: u64) -> Result<usize> {
        let first = cursor.varint()?;
        if first != length as u64 {
            return Err(cursor.damaged(format!("{what} from {first} on follow the {length} there are")));
        }
        let count = cursor.size(what, MAX_ENTRIES)?;
        self.spend(cursor, count as u64 * cost)?;
        Ok(count)
    }

    fn spend(&mut self, cursor: &Cursor<'_>, bytes: u64) -> Result<()> {
        let Some(left) = self.budget.checked_sub(bytes) else {
            let what = cursor.damaged("the dictionary needs more memory than is allowed").context;
            return Err(Error::new(ErrorKind::TooLarge, what));
        };
        self.budget = left;
        Ok(())
    }

    fn columns<const N: usize>(&mut self, cursor: &mut Cursor<'_>, length: usize) -> Result<[Vec<u64>; N]> {
        let mut columns = std::array::from_fn(|_| Vec::new());
        for column in &mut columns {
            self.unpacker.column(cursor, length, column)?;
        }
        Ok(columns)
    }

    fn strings(&mut self, cursor: &mut Cursor<'_>) -> Result<()> {
        let count = self.begin(cursor, "strings", self.dictionary.strings.len(), 16)?;
        let [lengths] = self.columns(cursor, count)?;
        let total = lengths.iter().try_fold(0_u64, |sum, &length| sum.checked_add(length));
        let total = total.filter(|&total| total <= MAX_TEXT).ok_or_else(|| cursor.damaged("too much text"))?;
        self.spend(cursor, total)?;
        let mut text = Vec::new();
        let total = usize::try_from(total).map_err(|_| cursor.damaged("too much text"))?;
        self.unpacker.bytes(cursor, total, &mut text)?;
        let mut rest = std::str::from_utf8(&text).map_err(|_| cursor.damaged("strings that are not UTF-8"))?;
        for length in lengths {
            let id = self.dictionary.strings.len();
            let split = usize::try_from(length).ok().and_then(|length| rest.split_at_checked(length));
            let (string, behind) = split.ok_or_else(|| cursor.damaged(format!("string {id} cuts a character")))?;
            if self.dictionary.strings.intern(string).index() != id {
                return Err(cursor.damaged(format!("string {id} is there twice")));
            }
            rest = behind;
        }
        Ok(())
    }

    fn codes(&mut self, cursor: &mut Cursor<'_>) -> Result<()> {
        let count = self.begin(cursor, "codes", self.dictionary.codes().len(), 64)?;
        let [kinds, names, qualified_names, modules, files, first_lines] = self.columns(cursor, count)?;
        for n in 0..count {
            let id = self.dictionary.codes().len();
            let kind = match kinds[n] {
                0 => CodeKind::Python,
                1 => CodeKind::Native,
                2 => CodeKind::Marker,
                other => return Err(cursor.damaged(format!("code {id} is of unknown kind {other}"))),
            };
            let code = Code {
                kind,
                name: self.string(cursor, names[n])?,
                qualified_name: self.string(cursor, qualified_names[n])?,
                module: self.string(cursor, modules[n])?,
                file: self.string(cursor, files[n])?,
                first_line: narrow(cursor, first_lines[n], "first line")?,
            };
            if self.dictionary.intern_code(code).index() != id {
                return Err(cursor.damaged(format!("code {id} is there twice")));
            }
        }
        Ok(())
    }

    fn locations(&mut self, cursor: &mut Cursor<'_>) -> Result<()> {
        let count = self.begin(cursor, "locations", self.dictionary.locations().len(), 72)?;
        let [codes, offsets, lines, end_lines, columns, end_columns] = self.columns(cursor, count)?;
        for n in 0..count {
            let id = self.dictionary.locations().len();
            let code = CodeId(within(cursor, codes[n], self.dictionary.codes().len(), "code")?);
            let line = moved(cursor, self.dictionary.code(code).first_line, lines[n])?;
            let offset = i32::try_from(unzigzag(offsets[n])).map_err(|_| cursor.damaged("an offset beyond 2 GiB"))?;
            let position = Position {
                line,
                end_line: moved(cursor, line, end_lines[n])?,
                column: narrow(cursor, columns[n], "column")?.wrapping_sub(1),
                end_column: narrow(cursor, end_columns[n], "column")?.wrapping_sub(1),
            };
            if self.dictionary.intern_location(Location { code, offset, position }).index() != id {
                return Err(cursor.damaged(format!("location {id} is there twice")));
            }
        }
        Ok(())
    }

    fn stacks(&mut self, cursor: &mut Cursor<'_>) -> Result<()> {
        let count = self.begin(cursor, "stacks", self.dictionary.stacks.len(), 20)?;
        let [distances, locations] = self.columns(cursor, count)?;
        let known = self.dictionary.locations().len();
        for (distance, location) in distances.into_iter().zip(locations) {
            let id = self.dictionary.stacks.len();
            // A parent is always older than its child: no file can make a cycle.
            let parent = (id as u64).checked_sub(distance).filter(|&parent| parent < id as u64);
            let parent =
                parent.ok_or_else(|| cursor.damaged(format!("stack {id} has a parent {distance} before it")))?;
            let location = LocationId(within(cursor, location, known, "location")?);
            if self.dictionary.intern_stack(StackId(narrow(cursor, parent, "stack")?), location).index() != id {
                return Err(cursor.damaged(format!("stack {id} is there twice")));
            }
        }
        Ok(())
    }

    fn source_lines(&mut self, cursor: &mut Cursor<'_>) -> Result<()> {
        let count = self.begin(cursor, "source lines", self.dictionary.source_lines().len(), 48)?;
        let [files, lines, texts] = self.columns(cursor, count)?;
        for n in 0..count {
            let file = self.string(cursor, files[n])?;
            let line = narrow(cursor, lines[n], "line")?;
            let text = self.string(cursor, texts[n])?;
            let text = self.dictionary.string(text).to_owned();
            let before = self.dictionary.source_lines().len();
            self.dictionary.add_source_line(file, line, &text);
            if self.dictionary.source_lines().len() == before {
                return Err(cursor.damaged(format!("line {line} of a file is there twice")));
            }
        }
        Ok(())
    }

    fn processes(&mut self, cursor: &mut Cursor<'_>) -> Result<()> {
        let count = cursor.size("processes", MAX_ENTRIES)?;
        self.spend(cursor, count as u64 * 80)?;
        let [ids, pids, parents, commands, pythons, starts, ended, ends, exits, statuses] =
            self.columns(cursor, count)?;
        for n in 0..count {
            let parent = match parents[n].checked_sub(1) {
                Some(parent) => Some(ProcessId(narrow(cursor, parent, "process")?)),
                None => None,
            };
            let python = match pythons[n].checked_sub(1) {
                Some(python) => {
                    let [_, major, minor, micro] = narrow(cursor, python, "Python version")?.to_be_bytes();
                    Some(PythonVersion { major, minor, micro })
                }
                None => None,
            };
            let status =
                i32::try_from(unzigzag(statuses[n])).map_err(|_| cursor.damaged("an exit status too large"))?;
            let process = Process {
                pid: narrow(cursor, pids[n], "process id")?,
                parent,
                command: self.string(cursor, commands[n])?,
                python,
                start: Nanoseconds(starts[n]),
                end: (ended[n] != 0).then_some(Nanoseconds(ends[n])),
                exit: match exits[n] {
                    0 => ExitStatus::Unknown,
                    1 => ExitStatus::Code(status),
                    2 => ExitStatus::Signal(status),
                    other => return Err(cursor.damaged(format!("unknown way {other} to end"))),
                },
            };
            let length = self.dictionary.processes().len();
            let id = ProcessId(within(cursor, ids[n], length + 1, "process")?);
            match self.dictionary.process_mut(id) {
                Some(older) => *older = process,
                None => _ = self.dictionary.add_process(process),
            }
        }
        Ok(())
    }

    fn threads(&mut self, cursor: &mut Cursor<'_>) -> Result<()> {
        let count = cursor.size("threads", MAX_ENTRIES)?;
        self.spend(cursor, count as u64 * 64)?;
        let [ids, processes, natives, pythons, names, interpreters, mains, starts, ends] =
            self.columns(cursor, count)?;
        for n in 0..count {
            let thread = Thread {
                process: ProcessId(within(cursor, processes[n], self.dictionary.processes().len(), "process")?),
                native_id: natives[n],
                python_id: pythons[n],
                name: self.string(cursor, names[n])?,
                interpreter: narrow(cursor, interpreters[n], "interpreter")?,
                is_main: mains[n] != 0,
                start: Nanoseconds(starts[n]),
                end: Nanoseconds(ends[n]),
            };
            let length = self.dictionary.threads().len();
            let id = pyrometer_model::ThreadId(within(cursor, ids[n], length + 1, "thread")?);
            match self.dictionary.thread_mut(id) {
                Some(older) => *older = thread,
                None => _ = self.dictionary.add_thread(thread),
            }
        }
        Ok(())
    }

    fn string(&self, cursor: &Cursor<'_>, id: u64) -> Result<StringId> {
        within(cursor, id, self.dictionary.strings.len(), "string").map(StringId)
    }
}

/// An id that must be below `length`.
fn within(cursor: &Cursor<'_>, id: u64, length: usize, what: &str) -> Result<u32> {
    let id = u32::try_from(id).ok().filter(|&id| (id as usize) < length);
    id.ok_or_else(|| cursor.damaged(format!("a {what} that is not among the {length} there are")))
}

/// A number that must have 32 bits.
fn narrow(cursor: &Cursor<'_>, value: u64, what: &str) -> Result<u32> {
    u32::try_from(value).map_err(|_| cursor.damaged(format!("{what} {value} is too large")))
}

/// `from` moved by a signed distance in zigzag.
fn moved(cursor: &Cursor<'_>, from: u32, distance: u64) -> Result<u32> {
    let line = i64::from(from).checked_add(unzigzag(distance)).and_then(|line| u32::try_from(line).ok());
    line.ok_or_else(|| cursor.damaged("a line number out of range"))
}

#[cfg(test)]
mod tests {
    use super::super::column::Packer;
    use super::super::tables::{encode_processes, wrong_parents};
    use super::{DictionaryReader, Kind};
    use crate::ErrorKind;
    use pyrometer_model::{Process, ProcessId};

    #[test]
    fn processes_that_descend_from_themselves_are_refused_or_orphaned() {
        for (parents, wrong) in [
            (vec![None, Some(0), Some(1), Some(0)], vec![]),
            (vec![Some(2), None, Some(1)], vec![]),
            (vec![Some(1), Some(0), None], vec![1]),
            (vec![Some(0), None, Some(0)], vec![0]),
            (vec![Some(1), Some(2), Some(0), Some(2), Some(9)], vec![2, 4]),
        ] {
            let process = |parent: &Option<u32>| Process { parent: parent.map(ProcessId), ..Process::default() };
            let processes: Vec<_> = parents.iter().map(process).collect();
            assert_eq!(wrong_parents(&processes), wrong.iter().copied().map(ProcessId).collect::<Vec<_>>());
            let mut payload = Vec::new();
            let numbered: Vec<_> = processes.iter().enumerate().collect();
            encode_processes(&numbered, &mut Packer::new(1).unwrap(), &mut payload).unwrap();
            let read = || {
                let mut reader = DictionaryReader::new(1 << 20).unwrap();
                reader.block(Kind::Processes as u8, &payload, 0).unwrap();
                reader
            };
            assert_eq!(read().finish(false).err().map(|error| error.kind), wrong.first().map(|_| ErrorKind::Damaged));
            let repaired = read().finish(true).unwrap();
            assert_eq!(wrong_parents(repaired.processes()), []);
        }
    }
}
