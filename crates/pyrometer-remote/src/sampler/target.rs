//! One process of the session, Python or not (yet).

use std::rc::Rc;

use pyrometer_model::{Nanoseconds, Process, ProcessId};

use super::attached::{Attached, Books};
use crate::os::clock::now;
use crate::os::permissions;
use crate::os::process::{self, FileSystem, ProcessHandle};
use crate::{Error, ErrorKind, Result, elf};

/// Time between two looks whether a process has ended.
const LOOK_INTERVAL: u64 = 2_000_000;
/// The same where the kernel tells of it.
const RARE_LOOK_INTERVAL: u64 = 50_000_000;

/// A process of the session.
#[derive(Debug)]
pub(super) struct Target {
    handle: ProcessHandle,
    id: ProcessId,
    phase: Phase,
    /// When its end was last looked for, and how long after that it is again.
    looked: u64,
    look_interval: u64,
    sampled: bool,
    not_python: bool,
}

#[derive(Debug)]
enum Phase {
    Searching(Search),
    Attached(Box<Attached>),
    /// It will not be sampled any more; why is in the session's notes.
    Ignored,
}

/// The wait for a process to become a Python that has started.
#[derive(Debug)]
struct Search {
    /// When to look next.
    next: u64,
    since: u64,
    /// The modules that were found to hold no CPython.
    known: Vec<elf::Module>,
}

/// What came of looking at a process.
pub(super) enum Found {
    /// Nothing new.
    Nothing,
    /// It is a Python, and can be sampled from now on.
    Python,
    /// It will never be sampled, for this reason.
    Refused(Error),
}

impl Search {
    fn begin(now: u64) -> Self {
        Self { next: now, since: now, known: Vec::new() }
    }

    /// The time until the next look. A Python starts within 10 ms or so, and a short script must be met at its beginning;
    /// a process that is none after a while may still load one later, and is then met within a fiftieth of its life.
    fn delay(&self, now: u64, cost: u64) -> u64 {
        let waited = now.saturating_sub(self.since);
        let delay = if waited < 50_000_000 { 300_000 } else { (waited / 50).clamp(2_000_000, 1_000_000_000) };
        delay.max(2 * cost)
    }
}

impl Target {
    /// Puts process `pid` on record.
    ///
    /// # Errors
    /// When there is no such process.
    pub fn open(pid: u32, parent: Option<ProcessId>, time: u64, books: &mut Books<'_>) -> Result<Self> {
        let handle = ProcessHandle::open(pid)
            .map_err(|error| Error::new(ErrorKind::Gone, format!("there is no process {pid} ({error})")))?;
        let command = books.dictionary.strings.intern(&process::command_line(pid));
        let start = Nanoseconds(time);
        let id = books.dictionary.add_process(Process { pid, parent, command, start, ..Process::default() });
        let phase = Phase::Searching(Search::begin(now()));
        Ok(Self { handle, id, phase, looked: 0, look_interval: LOOK_INTERVAL, sampled: false, not_python: false })
    }

    pub fn pid(&self) -> u32 {
        self.handle.pid()
    }

    pub fn id(&self) -> ProcessId {
        self.id
    }

    pub fn is_attached(&self) -> bool {
        matches!(self.phase, Phase::Attached(_))
    }

    /// Whether it was looked at and found to be something else than Python.
    pub fn is_not_python(&self) -> bool {
        self.not_python && !self.sampled
    }

    /// When it is to be looked at next; none while it is sampled.
    pub fn next_look(&self) -> Option<u64> {
        match &self.phase {
            Phase::Searching(search) => Some(search.next),
            _ => None,
        }
    }

    /// Whether it has ended; asked of the kernel no more often than every few milliseconds.
    pub fn has_ended(&mut self, now: u64) -> bool {
        if now < self.looked + self.look_interval {
            return false;
        }
        self.looked = now;
        self.handle.has_ended()
    }

    /// Whether it still runs, asked of the kernel at once.
    pub fn is_alive(&mut self, now: u64) -> bool {
        self.looked = now;
        !self.handle.has_ended()
    }

    /// Whether it has ended, as was told. The kernel tells a moment before it has, or when only its main thread has.
    pub fn ends(&mut self) -> bool {
        self.look_interval = LOOK_INTERVAL;
        self.handle.has_ended()
    }

    /// Its end will be told: there is no need to look for it often.
    pub fn end_is_told(&mut self) {
        self.look_interval = RARE_LOOK_INTERVAL;
    }

    /// Looks whether it is a Python by now, if it is time for that.
    pub fn search(&mut self, files: &mut dyn FnMut(u32) -> Rc<FileSystem>, books: &mut Books<'_>) -> Found {
        let time = now();
        let Phase::Searching(search) = &mut self.phase else { return Found::Nothing };
        if time < search.next {
            return Found::Nothing;
        }
        let pid = self.handle.pid();
        let result = elf::modules_of(pid).and_then(|modules| {
            // None at all are in a process that is ending.
            if modules.is_empty() || modules == search.known {
                return Ok(None);
            }
            let result = Attached::open(pid, self.id, &modules, files(pid));
            if result.as_ref().is_err_and(|error| error.kind() == ErrorKind::NotPython) {
                search.known = modules;
            }
            result.map(Some)
        });
        let cost = now().saturating_sub(time);
        search.next = now() + search.delay(now(), cost);
        match result {
            Ok(None) => Found::Nothing,
            Ok(Some(attached)) => {
                self.note_python(&attached, books);
                self.phase = Phase::Attached(Box::new(attached));
                Found::Python
            }
            Err(error) => self.judge(error),
        }
    }

    /// What an error while searching means: wait on, or give the process up.
    fn judge(&mut self, error: Error) -> Found {
        let pid = self.handle.pid();
        match error.kind() {
            ErrorKind::NotPython => {
                self.not_python = true;
                Found::Nothing
            }
            // The interpreter is starting or the process is in the middle of exec, or about to end, which is seen elsewhere.
            ErrorKind::NotReady | ErrorKind::Gone | ErrorKind::Unreadable | ErrorKind::File => Found::Nothing,
            // While an interpreter starts, its first thread may stand in a frame that cannot be read for longer than the
            // few looks of one attempt (seen with 3.15 in two of three starts on a busy machine).
            ErrorKind::LayoutMismatch if self.is_starting() => Found::Nothing,
            kind => {
                self.phase = Phase::Ignored;
                let denied = kind == ErrorKind::Denied;
                Found::Refused(if denied { permissions::denied(pid) } else { error.within(&format!("process {pid}")) })
            }
        }
    }

    fn is_starting(&self) -> bool {
        const LONGEST_START: u64 = 2_000_000_000;
        matches!(&self.phase, Phase::Searching(search) if now().saturating_sub(search.since) < LONGEST_START)
    }

    fn note_python(&mut self, attached: &Attached, books: &mut Books<'_>) {
        let command = books.dictionary.strings.intern(&process::command_line(self.handle.pid()));
        if let Some(process) = books.dictionary.process_mut(self.id) {
            process.python = Some(attached.python());
            process.command = command;
        }
    }

    /// Takes a sample. Where that cannot be done any more, the process is looked for anew: it may have called `exec`.
    pub fn sample(&mut self, books: &mut Books<'_>) {
        let Phase::Attached(attached) = &mut self.phase else { return };
        if attached.sample(books).is_ok() {
            self.sampled = true;
        } else {
            self.detach(books);
            self.looked = 0;
        }
    }

    /// The process has called `exec`: what was known of it is over.
    pub fn executed(&mut self, books: &mut Books<'_>) {
        self.detach(books);
        self.not_python = false;
        self.phase = Phase::Searching(Search::begin(now()));
    }

    fn detach(&mut self, books: &mut Books<'_>) {
        let search = Phase::Searching(Search::begin(now()));
        if let Phase::Attached(attached) = std::mem::replace(&mut self.phase, search) {
            attached.close(books.time(), books);
        }
    }

    /// Hands out what is known of its threads.
    pub fn flush(&mut self, books: &mut Books<'_>) {
        if let Phase::Attached(attached) = &mut self.phase {
            attached.flush(books);
        }
    }

    /// Closes the books: the process ended at `end`, or is left alone and runs on.
    pub fn close(mut self, end: Option<u64>, books: &mut Books<'_>) {
        self.detach(books);
        if let Some(process) = books.dictionary.process_mut(self.id) {
            process.end = end.map(Nanoseconds);
        }
        if end.is_some() && self.is_not_python() {
            books.audit.processes_not_python += 1;
        } else if !self.sampled && end.is_some() {
            books.audit.processes_unsampled += 1;
        }
    }
}
