//! The runtime, its interpreters and their GILs, as they are at the beginning of a snapshot.

use super::batch::Batch;
use super::bytes::{int, word};
use super::layout::{Layout, present};
use crate::memory::{Fault, Memory, read_u64};

/// No process has more interpreters.
const MOST_INTERPRETERS: usize = 256;

/// One interpreter.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct InterpreterState {
    /// Address of the `PyInterpreterState`.
    pub address: u64,
    /// `id`; 0 is the main one.
    pub id: i64,
    /// Address of the `struct _gil_runtime_state` that it uses.
    pub gil: u64,
    /// What the last snapshot saw of it.
    pub seen: Seen,
    first: u32,
    span: usize,
    gil_span: usize,
}

/// What changes from snapshot to snapshot.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// The first thread state of the list.
    pub head: u64,
    /// The next interpreter.
    pub next: u64,
    /// The thread state that holds the GIL, or held it last.
    pub holder: u64,
    /// Whether the GIL is held.
    pub locked: bool,
    /// How often the GIL went from one thread to another.
    pub switches: u64,
    /// Whether the garbage collector is running.
    pub collecting: bool,
    /// Whether a thread waits for the GIL and has asked for it (where that stands in the interpreter).
    pub requested: bool,
    /// How many code objects have died (3.14+).
    pub code_generation: u64,
}

impl InterpreterState {
    /// The interpreter at `address`.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(memory: &dyn Memory, layout: &Layout, runtime: u64, address: u64) -> Result<Self, Fault> {
        let field = |offset: u32| read_u64(memory, address.wrapping_add(u64::from(offset)));
        let gil = if present(layout.interpreter.gil) {
            field(layout.interpreter.gil)?
        } else {
            runtime.wrapping_add(u64::from(layout.runtime.gil))
        };
        let id = field(layout.interpreter.id)?.cast_signed();
        Ok(Self { address, id, gil, ..Self::default() })
    }

    /// Adds to `batch` what [`Self::look`] needs.
    pub fn plan(&mut self, batch: &mut Batch, layout: &Layout) {
        let fields = Self::fields(layout);
        self.first = fields.iter().copied().min().unwrap_or(0);
        let last = fields.iter().copied().max().unwrap_or(0);
        self.span = batch.add(self.address.wrapping_add(u64::from(self.first)), (last - self.first) as usize + 8);
        self.gil_span = batch.add(self.gil, layout.gil.switch_number as usize + 8);
    }

    fn fields(layout: &Layout) -> Vec<u32> {
        let interpreter = &layout.interpreter;
        let collecting = if present(interpreter.gc) { interpreter.gc + layout.gc.collecting } else { interpreter.next };
        [
            interpreter.next,
            interpreter.threads_head,
            collecting,
            interpreter.gil_drop_request,
            interpreter.code_generation,
        ]
        .into_iter()
        .filter(|&field| present(field))
        .collect()
    }

    /// What the batch says now; none when it could not be read.
    pub fn look(&self, batch: &Batch, layout: &Layout) -> Option<Seen> {
        let (bytes, gil) = (batch.bytes(self.span), batch.bytes(self.gil_span));
        if bytes.is_empty() || gil.is_empty() {
            return None;
        }
        let interpreter = &layout.interpreter;
        let at = |field: u32| if present(field) { field.wrapping_sub(self.first) } else { u32::MAX };
        let collecting = if present(interpreter.gc) { interpreter.gc + layout.gc.collecting } else { u32::MAX };
        Some(Seen {
            head: word(bytes, at(interpreter.threads_head)),
            next: word(bytes, at(interpreter.next)),
            holder: word(gil, layout.gil.last_holder),
            locked: int(gil, layout.gil.locked) == 1,
            switches: word(gil, layout.gil.switch_number),
            collecting: int(bytes, at(collecting)) == 1,
            requested: int(bytes, at(interpreter.gil_drop_request)) != 0,
            code_generation: word(bytes, at(interpreter.code_generation)),
        })
    }
}

/// All interpreters, the newest first as the runtime lists them.
///
/// # Errors
/// When the list cannot be read.
pub fn interpreters(memory: &dyn Memory, layout: &Layout, runtime: u64) -> Result<Vec<InterpreterState>, Fault> {
    let mut found: Vec<InterpreterState> = Vec::new();
    let mut next = read_u64(memory, runtime.wrapping_add(u64::from(layout.runtime.interpreters_head)))?;
    while next != 0 && found.len() < MOST_INTERPRETERS && !found.iter().any(|known| known.address == next) {
        found.push(InterpreterState::read(memory, layout, runtime, next)?);
        next = read_u64(memory, next.wrapping_add(u64::from(layout.interpreter.next)))?;
    }
    Ok(found)
}
