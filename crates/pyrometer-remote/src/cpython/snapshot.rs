//! What a look at the process gives.

use std::ops::Range;

/// A code object, as interned by one [`super::Interpreter`]. Dense from 0; never reused for another code object, even if
/// the target reuses the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct CodeKey(pub u32);

/// A native callee's name, as interned by one [`super::Interpreter`]. Dense from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct NativeKey(pub u32);

/// One Python frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Frame {
    /// Which code.
    pub code: CodeKey,
    /// `f_lasti` in bytes: offset in the bytecode of the instruction being executed; -1 before the first.
    pub offset: i32,
}

/// How much of a thread's stack is proven to have existed at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Validity {
    /// All of it.
    Whole,
    /// The frames given are; there were others nearer the leaf, of which nothing can be said.
    Partial,
    /// Nothing: no frames are given.
    #[default]
    Failed,
}

/// One thread state of the target.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ThreadSnapshot {
    /// Address of the `PyThreadState`.
    pub state: u64,
    /// `PyInterpreterState.id`; 0 is the main interpreter.
    pub interpreter: i64,
    /// The kernel's id of the thread **in the target's pid namespace**: `native_thread_id` on 3.11+, before that read from
    /// the C library's thread descriptor. 0 where it could not be had.
    pub native_id: u32,
    /// `PyThreadState.thread_id`: the `pthread_t` (what `threading.get_ident()` gives).
    pub ident: u64,
    /// Its frames, an index range of [`Snapshot::frames`]; root (outermost) first. Empty for a thread without Python frames.
    pub frames: Range<usize>,
    /// How many frames, from the root, are the same (code and offset) as in the snapshot taken before into the same
    /// [`Snapshot`]; `frames.len()` when all are.
    pub common: usize,
    /// How much of it is proven.
    pub validity: Validity,
    /// Whether the thread held the GIL. On free-threaded builds: whether it was attached.
    pub holds_gil: bool,
    /// Whether the garbage collector was running in this thread (which then holds its interpreter's GIL).
    pub in_gc: bool,
    /// The C function that the leaf was calling from a plain call, where the value stack tells it: on 3.14 and later. Before,
    /// the height of an executing frame's value stack is only in a register, and nothing is said.
    pub native: Option<NativeKey>,
}

/// What taking snapshots cost and gave, summed since the [`Snapshot`] was made. One count a thread and snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Counters {
    /// Snapshots taken.
    pub snapshots: u64,
    /// System calls (batched reads).
    pub reads: u64,
    /// Stacks read afresh, whole.
    pub whole: u64,
    /// Stacks known to be unchanged without reading them, because the thread cannot have held the GIL since.
    pub unchanged: u64,
    /// Stacks of which only the outer part was proven.
    pub partial: u64,
    /// Stacks of which nothing was proven.
    pub failed: u64,
    /// Reads that were discarded and done again, at a new instant, because they did not prove the stack.
    pub retries: u64,
    /// Of those: because the copy had been interrupted.
    pub interrupted: u64,
    /// Of those: because frames contradicted one another.
    pub torn: u64,
}

/// All threads of a process at one time. Reuse one `Snapshot`: it keeps its allocations, and comparing with what it held
/// is what makes [`ThreadSnapshot::common`] and the short cuts for unchanged threads possible.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// The threads, the newest first, as CPython lists them.
    pub threads: Vec<ThreadSnapshot>,
    /// The frames of all threads.
    pub frames: Vec<Frame>,
    /// Whether some thread has asked for the main interpreter's GIL and waited its switch interval out.
    pub gil_requested: bool,
    /// Sums since the `Snapshot` was made.
    pub counters: Counters,
}

impl Snapshot {
    /// A thread's frames, root first.
    #[must_use]
    pub fn frames_of(&self, thread: &ThreadSnapshot) -> &[Frame] {
        self.frames.get(thread.frames.clone()).unwrap_or_default()
    }
}
