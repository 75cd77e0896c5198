//! CPython, from its bytes in memory.

mod attach;
mod batch;
mod bytes;
mod chunked;
mod code;
mod dialect;
mod edges;
mod layout;
mod lines;
mod linked;
mod locals;
mod names;
mod native;
mod objects;
mod runtime;
mod snapshot;
mod take;
mod thread;
mod version;

use std::ops::Range;

use pyrometer_model::Position;

pub use code::CodeInfo;
pub use snapshot::{CodeKey, Counters, Frame, NativeKey, Snapshot, ThreadSnapshot, Validity};
pub use version::Version;

use crate::memory::Memory;
use crate::{Error, ErrorKind, Result};
use batch::Batch;
use chunked::Walker;
use code::CodeTable;
use dialect::Dialect;
use edges::Edges;
use layout::Layout;
use native::Natives;
use objects::Objects;
use runtime::InterpreterState;
use thread::{Pace, Thread};

/// A CPython runtime in some process: its version, where its structures are, and what was learnt of its code objects.
#[derive(Debug)]
pub struct Interpreter {
    version: Version,
    layout: Layout,
    dialect: Dialect,
    runtime: u64,
    interpreters: Vec<InterpreterState>,
    threads: Vec<Thread>,
    codes: CodeTable,
    edges: Edges,
    natives: Natives,
    batch: Batch,
    walker: Walker,
    pace: Pace,
    gil_waits: Vec<Range<u64>>,
    /// Number of the current snapshot.
    now: u64,
}

impl Interpreter {
    /// CPython's version.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// Address of `_PyRuntime` in the target.
    #[must_use]
    pub fn runtime_address(&self) -> u64 {
        self.runtime
    }

    /// What is known of a code object; none only for a key that this interpreter did not give out.
    #[must_use]
    pub fn code(&self, key: CodeKey) -> Option<&CodeInfo> {
        self.codes.info(key)
    }

    /// The name of a native callee, for example `time.sleep` or `str.replace`.
    #[must_use]
    pub fn native(&self, key: NativeKey) -> Option<&str> {
        self.natives.name(key)
    }

    /// Where in the source an instruction is: line on all versions, columns and end on 3.11+.
    #[must_use]
    pub fn resolve(&self, frame: Frame) -> Position {
        self.code(frame.code).map_or(Position::UNKNOWN, |code| lines::resolve(code, self.dialect.lines, frame.offset))
    }

    /// The address ranges of the GILs' condition variables and mutexes. A thread that sleeps in `futex` on an address in
    /// one of them (`/proc/PID/task/TID/syscall`) is waiting for a GIL.
    #[must_use]
    pub fn gil_wait_addresses(&self) -> &[Range<u64>] {
        &self.gil_waits
    }

    /// The local variables of one frame, by name, with bounded representations; `depth` is the index in
    /// [`Snapshot::frames_of`] (root first) of the last snapshot. What cannot be read is left out; a frame whose variables
    /// are a dictionary (a module's) has none here. Slow (many reads): for `dump`, and best while the target is stopped.
    ///
    /// # Errors
    /// When the thread's frames cannot be read any more.
    pub fn locals(&self, memory: &dyn Memory, thread: &ThreadSnapshot, depth: usize) -> Result<Vec<(String, String)>> {
        let known = self.threads.iter().find(|known| known.state == thread.state);
        let step = known.and_then(|known| known.frame(depth));
        let (frame, code) = step.ok_or_else(|| Error::new(ErrorKind::Unreadable, format!("frame {depth} is gone")))?;
        Ok(locals::of_frame(&self.objects(memory), frame, code))
    }

    /// The thread's name as `threading` has it; none where `threading` was not imported or does not know the thread. Slow
    /// (some hundred reads): to be asked once a thread.
    #[must_use]
    pub fn thread_name(&self, memory: &dyn Memory, thread: &ThreadSnapshot) -> Option<String> {
        let interpreter = self.interpreters.iter().find(|one| one.id == thread.interpreter)?;
        let objects = self.objects(memory);
        let modules = objects.word(interpreter.address, self.layout.interpreter.modules)?;
        names::of_thread(&objects, modules, thread.ident)
    }

    fn objects<'a>(&'a self, memory: &'a dyn Memory) -> Objects<'a> {
        Objects { memory, layout: &self.layout, dialect: &self.dialect }
    }
}
