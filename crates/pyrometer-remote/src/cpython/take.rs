//! Taking a snapshot.

use super::Interpreter;
use super::bytes::int;
use super::chunked::Lack;
use super::dialect::Frames;
use super::layout::present;
use super::objects::Objects;
use super::runtime::{self, Seen};
use super::snapshot::{Counters, Snapshot, ThreadSnapshot, Validity};
use super::thread::{Thread, Tools};
use crate::memory::{Fault, Memory, read_u64};
use crate::{Error, ErrorKind, Result};

/// How often a thread's stack is read again, each time at a new instant, before only its proven part is kept.
const MOST_TRIES: u32 = 24;
/// No process has more threads.
const MOST_THREADS: usize = 65_536;
/// The list of threads is walked afresh at least every so many snapshots.
const LIST_EVERY: u64 = 32;
/// Where glibc's `struct pthread` has the kernel's thread id on x86-64 (nptl/descr.h, unchanged since 2.4).
const GLIBC_TID: u64 = 0x2d0;

impl Interpreter {
    /// Looks at all threads now. A stack that could not be proven is in the snapshot, marked so; that is not an error.
    ///
    /// # Errors
    /// When the process is gone, or nothing makes sense any more (it is ending, or has called `exec`).
    pub fn snapshot(&mut self, memory: &dyn Memory, snapshot: &mut Snapshot) -> Result<()> {
        self.now += 1;
        snapshot.counters.snapshots += 1;
        if self.interpreters.is_empty() || self.now.is_multiple_of(LIST_EVERY) && self.threads.len() > 1 {
            self.list(memory)?;
        }
        let mut foreseen = Vec::new();
        let seen = self.read_first(memory, &mut foreseen, &mut snapshot.counters)?;
        let generations = |all: &mut dyn Iterator<Item = Seen>| all.map(|seen| seen.code_generation).sum::<u64>();
        if generations(&mut seen.iter().copied()) != generations(&mut self.interpreters.iter().map(|one| one.seen)) {
            self.codes.doubt();
        }
        let changed: Vec<usize> =
            (0..self.threads.len()).filter(|&index| self.may_have_changed(index, &seen)).collect();
        self.threads.iter_mut().for_each(Thread::begin);
        let mut pending = changed.clone();
        if foreseen.iter().any(|index| changed.contains(index)) {
            let in_batch: Vec<usize> = foreseen.iter().copied().filter(|index| changed.contains(index)).collect();
            pending.retain(|index| !foreseen.contains(index));
            self.decode(memory, &in_batch, &mut pending, &mut snapshot.counters);
        }
        self.read_rest(memory, pending, &mut snapshot.counters);
        snapshot.counters.unchanged += (self.threads.len() - changed.len()) as u64;
        self.count(&changed, &mut snapshot.counters);
        for (interpreter, seen) in self.interpreters.iter_mut().zip(&seen) {
            interpreter.seen = *seen;
        }
        self.fill(snapshot);
        Ok(())
    }

    fn count(&self, changed: &[usize], counters: &mut Counters) {
        for &index in changed {
            match self.threads.get(index).map(|thread| thread.validity) {
                Some(Validity::Whole) => counters.whole += 1,
                Some(Validity::Partial) => counters.partial += 1,
                _ => counters.failed += 1,
            }
        }
    }

    /// Finds all interpreters and thread states, keeping what is known of those that are still there.
    fn list(&mut self, memory: &dyn Memory) -> Result<()> {
        let interpreters = runtime::interpreters(memory, &self.layout, self.runtime)?;
        if interpreters.is_empty() {
            return Err(Error::new(ErrorKind::NotReady, "it has no interpreter"));
        }
        let mut known = std::mem::take(&mut self.threads);
        let mut interpreters_found = Vec::with_capacity(interpreters.len());
        for mut interpreter in interpreters {
            if let Some(old) = self.interpreters.iter().find(|old| old.address == interpreter.address) {
                interpreter.seen = old.seen;
            }
            let head = u64::from(self.layout.interpreter.threads_head);
            let mut next = read_u64(memory, interpreter.address.wrapping_add(head)).unwrap_or(0);
            let first = self.threads.len();
            while next != 0 && self.threads.len() < MOST_THREADS {
                if self.threads[first..].iter().any(|thread| thread.state == next) {
                    break;
                }
                let mut thread = match known.iter().position(|thread| thread.state == next) {
                    Some(index) => known.swap_remove(index),
                    None => Thread::new(next),
                };
                self.refresh_ids(memory, &mut thread);
                let link = next.wrapping_add(u64::from(self.layout.thread.next));
                let Ok(following) = read_u64(memory, link) else { break };
                thread.interpreter = interpreter.address;
                thread.next = following;
                self.threads.push(thread);
                next = following;
            }
            interpreters_found.push(interpreter);
        }
        self.interpreters = interpreters_found;
        let layout = &self.layout.gil;
        let range = |gil: u64| gil.wrapping_add(u64::from(layout.cond))..gil.wrapping_add(u64::from(layout.size));
        self.gil_waits = self.interpreters.iter().map(|one| range(one.gil)).collect();
        self.gil_waits.dedup();
        Ok(())
    }

    /// Before 3.11 the kernel's id is not in the thread state but in the C library's descriptor, at the address that is the
    /// thread's `pthread_t`. It is looked up at every listing: a new thread's state has its parent's `pthread_t` until the
    /// thread runs (`t_bootstrap` in Modules/_threadmodule.c), and states and descriptors are reused by later threads.
    fn refresh_ids(&self, memory: &dyn Memory, thread: &mut Thread) {
        if present(self.layout.thread.native_id) {
            return;
        }
        let ident = read_u64(memory, thread.state.wrapping_add(u64::from(self.layout.thread.ident))).unwrap_or(0);
        let mut tid = [0; 4];
        if ident > GLIBC_TID && memory.read(ident.wrapping_add(GLIBC_TID), &mut tid).is_ok() {
            thread.ident = ident;
            thread.native_id = u32::try_from(int(&tid, 0)).unwrap_or(0);
        }
    }

    /// Whether the thread is worth reading together with the interpreters: it will probably have changed.
    fn likely_changed(&self, thread: &Thread) -> bool {
        let holder = || self.interpreters.iter().any(|one| one.seen.holder == thread.state);
        !thread.known || thread.validity != Validity::Whole || self.version.free_threaded || holder()
    }

    /// Reads the interpreters, and in the same call the threads that have probably changed, which become `foreseen`.
    fn read_first(
        &mut self,
        memory: &dyn Memory,
        foreseen: &mut Vec<usize>,
        counters: &mut Counters,
    ) -> Result<Vec<Seen>> {
        for _ in 0..4 {
            foreseen.clear();
            foreseen.extend((0..self.threads.len()).filter(|&index| self.likely_changed(&self.threads[index])));
            self.batch.clear();
            for interpreter in &mut self.interpreters {
                interpreter.plan(&mut self.batch, &self.layout);
            }
            self.plan(memory, foreseen);
            counters.reads += 1;
            match self.batch.read(memory) {
                Ok(()) => {}
                Err(fault @ (Fault::Gone | Fault::Denied)) => return Err(fault.into()),
                Err(Fault::Unmapped { .. }) => {
                    self.list(memory)?;
                    continue;
                }
            }
            let seen: Option<Vec<Seen>> =
                self.interpreters.iter().map(|one| one.look(&self.batch, &self.layout)).collect();
            match seen {
                Some(seen) if !self.lists_changed(&seen) => return Ok(seen),
                _ => self.list(memory)?,
            }
        }
        Err(Error::new(ErrorKind::NotReady, "its lists of interpreters and threads do not hold still"))
    }

    /// Whether the lists' heads are others than those of the threads and interpreters that are known.
    fn lists_changed(&self, seen: &[Seen]) -> bool {
        self.interpreters.iter().zip(seen).enumerate().any(|(index, (interpreter, seen))| {
            let first = self.threads.iter().find(|thread| thread.interpreter == interpreter.address);
            let next = self.interpreters.get(index + 1).map_or(0, |next| next.address);
            first.map_or(0, |thread| thread.state) != seen.head || seen.next != next
        })
    }

    /// Whether the thread can have run Python since its stack was read: only who had the GIL meanwhile can have. CPython
    /// counts in `switch_number` how often the GIL went to another thread (`take_gil`, Python/ceval_gil.h 3.8–3.11,
    /// ceval_gil.c 3.12+), so that without a switch it was the holder alone, and with one the old and the new holder.
    fn may_have_changed(&self, index: usize, seen: &[Seen]) -> bool {
        let thread = &self.threads[index];
        if !thread.known || thread.validity != Validity::Whole || self.version.free_threaded {
            return true;
        }
        let Some(position) = self.interpreters.iter().position(|one| one.address == thread.interpreter) else {
            return true;
        };
        let (before, now) = (&self.interpreters[position].seen, &seen[position]);
        match now.switches.wrapping_sub(before.switches) {
            0 | 1 => thread.state == before.holder || thread.state == now.holder,
            _ => true,
        }
    }

    fn plan(&mut self, memory: &dyn Memory, indices: &[usize]) {
        let objects = Objects { memory, layout: &self.layout, dialect: &self.dialect };
        for &index in indices {
            self.threads[index].plan(&mut self.batch, objects, &self.codes, self.now);
        }
    }

    /// Reads threads until each is proven or has been tried often enough.
    fn read_rest(&mut self, memory: &dyn Memory, mut pending: Vec<usize>, counters: &mut Counters) {
        for attempt in 1..=MOST_TRIES {
            if pending.is_empty() {
                return;
            }
            self.batch.clear();
            self.plan(memory, &pending);
            counters.reads += 1;
            if self.batch.read(memory).is_err() {
                // The first thread state is gone; the next snapshot lists anew.
                self.threads[pending[0]].fail();
                pending.remove(0);
                self.interpreters.iter_mut().for_each(|one| one.seen.head = 0);
                continue;
            }
            let indices = std::mem::take(&mut pending);
            self.decode(memory, &indices, &mut pending, counters);
            if attempt < MOST_TRIES {
                counters.retries += pending.len() as u64;
            }
        }
    }

    /// Decodes the threads whose plans the batch has carried out; those that must be read again are added to `again`. What
    /// is proven of them is kept for the case that nothing better comes.
    fn decode(&mut self, memory: &dyn Memory, indices: &[usize], again: &mut Vec<usize>, counters: &mut Counters) {
        let objects = Objects { memory, layout: &self.layout, dialect: &self.dialect };
        let linked = self.dialect.frames == Frames::Linked;
        let interrupted = self.pace.interrupted(self.batch.elapsed, self.batch.size(), linked);
        if interrupted {
            counters.interrupted += indices.len() as u64;
        }
        if interrupted && !linked {
            // The frames are of different times, and so would be what is learnt from them.
            for &index in indices {
                self.threads[index].fail();
                again.push(index);
            }
            return;
        }
        for &index in indices {
            let thread = &mut self.threads[index];
            let mut tools = Tools { objects, codes: &mut self.codes, edges: &mut self.edges, now: self.now };
            match thread.decode(&self.batch, &mut tools, &mut self.walker, interrupted) {
                Ok(()) => {
                    thread.keep(&self.walker, Validity::Whole);
                    thread.native = self.walker.callee.and_then(|callee| self.natives.intern(&objects, callee));
                }
                Err(lack) => {
                    counters.torn += u64::from(lack == Lack::Torn);
                    let validity = if self.walker.proven == 0 { Validity::Failed } else { Validity::Partial };
                    thread.keep(&self.walker, validity);
                    thread.learn(lack, &self.batch, objects);
                    again.push(index);
                }
            }
        }
    }

    fn fill(&self, snapshot: &mut Snapshot) {
        snapshot.frames.clear();
        snapshot.threads.clear();
        snapshot.gil_requested = self.interpreters.iter().any(|one| one.id == 0 && one.seen.requested);
        for thread in &self.threads {
            let Some(interpreter) = self.interpreters.iter().find(|one| one.address == thread.interpreter) else {
                continue;
            };
            let start = snapshot.frames.len();
            snapshot.frames.extend_from_slice(&thread.frames);
            let holds_gil = interpreter.seen.locked && interpreter.seen.holder == thread.state;
            snapshot.threads.push(ThreadSnapshot {
                state: thread.state,
                interpreter: interpreter.id,
                native_id: thread.native_id,
                ident: thread.ident,
                frames: start..snapshot.frames.len(),
                common: thread.common.min(thread.frames.len()),
                validity: thread.validity,
                holds_gil,
                in_gc: holds_gil && interpreter.seen.collecting,
                native: thread.native.filter(|_| thread.validity == Validity::Whole),
            });
        }
    }
}
