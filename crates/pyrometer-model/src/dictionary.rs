//! Everything that sample runs refer to.

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

use crate::{
    Audit, CaptureInfo, Code, CodeId, CodeKind, Location, LocationId, Position, Process, ProcessId, StackId,
    StackTable, StringId, StringTable, Thread, ThreadId,
};

type FxMap<K, V> = HashMap<K, V, FxBuildHasher>;

/// One line of source, embedded so that a report quotes the code that ran and not what the file says now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SourceLine {
    /// `co_filename`.
    pub file: StringId,
    /// 1-based.
    pub line: u32,
    /// Its text, without the line's end.
    pub text: StringId,
}

/// The tables of one capture. Ids are dense and never change, so a writer that remembers the lengths it has written
/// appends only what is new. Threads and processes may still change after they were added (their end, their name).
#[derive(Clone, Debug, Default)]
pub struct Dictionary {
    /// How the capture was made.
    pub info: CaptureInfo,
    /// What it says about itself; final only when the recording has ended.
    pub audit: Audit,
    /// Strings.
    pub strings: StringTable,
    /// Stacks.
    pub stacks: StackTable,
    codes: Vec<Code>,
    code_index: FxMap<Code, CodeId>,
    locations: Vec<Location>,
    location_index: FxMap<(CodeId, i32, Position), LocationId>,
    threads: Vec<Thread>,
    processes: Vec<Process>,
    source_lines: Vec<SourceLine>,
    source_index: FxMap<(StringId, u32), StringId>,
}

impl Dictionary {
    /// The id of `code`, adding it when no equal one is there.
    pub fn intern_code(&mut self, code: Code) -> CodeId {
        let next = CodeId::from_index(self.codes.len());
        let id = *self.code_index.entry(code).or_insert(next);
        if id == next {
            self.codes.push(code);
        }
        id
    }

    /// The id of the marker called `name`, for example [`Code::UNKNOWN`].
    pub fn intern_marker(&mut self, name: &str) -> LocationId {
        let name = self.strings.intern(name);
        let code = self.intern_code(Code { kind: CodeKind::Marker, name, qualified_name: name, ..Code::default() });
        self.intern_location(Location { code, offset: -1, position: Position::UNKNOWN })
    }

    /// The id of `location`, adding it when no equal one is there.
    pub fn intern_location(&mut self, location: Location) -> LocationId {
        let next = LocationId::from_index(self.locations.len());
        let key = (location.code, location.offset, location.position);
        let id = *self.location_index.entry(key).or_insert(next);
        if id == next {
            self.locations.push(location);
        }
        id
    }

    /// The id of the stack with `location` on top of `parent`.
    pub fn intern_stack(&mut self, parent: StackId, location: LocationId) -> StackId {
        self.stacks.intern(parent, location)
    }

    /// Adds a thread; every call adds one.
    pub fn add_thread(&mut self, thread: Thread) -> ThreadId {
        self.threads.push(thread);
        ThreadId::from_index(self.threads.len() - 1)
    }

    /// Adds a process; every call adds one.
    pub fn add_process(&mut self, process: Process) -> ProcessId {
        self.processes.push(process);
        ProcessId::from_index(self.processes.len() - 1)
    }

    /// Embeds a line of source; the first text given for a line stays.
    pub fn add_source_line(&mut self, file: StringId, line: u32, text: &str) {
        if self.source_index.contains_key(&(file, line)) {
            return;
        }
        let text = self.strings.intern(text);
        self.source_index.insert((file, line), text);
        self.source_lines.push(SourceLine { file, line, text });
    }

    /// The embedded text of a line of source, where it is embedded.
    #[must_use]
    pub fn source_line(&self, file: StringId, line: u32) -> Option<&str> {
        self.source_index.get(&(file, line)).map(|&text| self.strings.get(text))
    }

    /// The string of `id`.
    #[must_use]
    pub fn string(&self, id: StringId) -> &str {
        self.strings.get(id)
    }

    /// The code of `id`; a code without a name for an id that is not there, which a reader never lets through.
    #[must_use]
    pub fn code(&self, id: CodeId) -> Code {
        self.codes.get(id.index()).copied().unwrap_or_default()
    }

    /// The location of `id`; one without a position for an id that is not there.
    #[must_use]
    pub fn location(&self, id: LocationId) -> Location {
        self.locations.get(id.index()).copied().unwrap_or_default()
    }

    /// The code of the location of `id`.
    #[must_use]
    pub fn code_at(&self, id: LocationId) -> Code {
        self.code(self.location(id).code)
    }

    /// The thread of `id`, where it is there.
    #[must_use]
    pub fn thread(&self, id: ThreadId) -> Option<&Thread> {
        self.threads.get(id.index())
    }

    /// The thread of `id`, to change it.
    pub fn thread_mut(&mut self, id: ThreadId) -> Option<&mut Thread> {
        self.threads.get_mut(id.index())
    }

    /// The process of `id`, where it is there.
    #[must_use]
    pub fn process(&self, id: ProcessId) -> Option<&Process> {
        self.processes.get(id.index())
    }

    /// The process of `id`, to change it.
    pub fn process_mut(&mut self, id: ProcessId) -> Option<&mut Process> {
        self.processes.get_mut(id.index())
    }

    /// All code, by id.
    #[must_use]
    pub fn codes(&self) -> &[Code] {
        &self.codes
    }

    /// All locations, by id.
    #[must_use]
    pub fn locations(&self) -> &[Location] {
        &self.locations
    }

    /// All threads, by id.
    #[must_use]
    pub fn threads(&self) -> &[Thread] {
        &self.threads
    }

    /// All processes, by id.
    #[must_use]
    pub fn processes(&self) -> &[Process] {
        &self.processes
    }

    /// All embedded source lines, in the order they were added.
    #[must_use]
    pub fn source_lines(&self) -> &[SourceLine] {
        &self.source_lines
    }

    /// How a person calls the code: its qualified name, with the module in front where it is known.
    #[must_use]
    pub fn display_name(&self, code: Code) -> String {
        let name = self.string(code.qualified_name);
        let name = if name.is_empty() { self.string(code.name) } else { name };
        let module = self.string(code.module);
        if module.is_empty() || module == "__main__" || code.kind == CodeKind::Marker {
            name.to_owned()
        } else {
            format!("{module}.{name}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Dictionary;
    use crate::{Code, Location, Position};

    #[test]
    fn equal_things_are_interned_once() {
        let mut dictionary = Dictionary::default();
        let name = dictionary.strings.intern("redact");
        let module = dictionary.strings.intern("audit");
        let code = Code { name, qualified_name: name, module, first_line: 7, ..Code::default() };
        let id = dictionary.intern_code(code);
        assert_eq!(dictionary.intern_code(code), id);
        assert_ne!(dictionary.intern_code(Code { first_line: 8, ..code }), id);
        let place = Location { code: id, offset: 12, position: Position::line(9) };
        let location = dictionary.intern_location(place);
        assert_eq!(dictionary.intern_location(place), location);
        assert_eq!(dictionary.display_name(dictionary.code_at(location)), "audit.redact");
        let unknown = dictionary.intern_marker(Code::UNKNOWN);
        assert_eq!(dictionary.intern_marker(Code::UNKNOWN), unknown);
        assert_eq!(dictionary.display_name(dictionary.code_at(unknown)), "<unknown>");
    }

    #[test]
    fn the_first_text_of_a_source_line_stays() {
        let mut dictionary = Dictionary::default();
        let file = dictionary.strings.intern("a.py");
        dictionary.add_source_line(file, 3, "x = 1");
        dictionary.add_source_line(file, 3, "changed since");
        assert_eq!(dictionary.source_line(file, 3), Some("x = 1"));
        assert_eq!(dictionary.source_lines().len(), 1);
        assert_eq!(dictionary.source_line(file, 4), None);
    }
}
