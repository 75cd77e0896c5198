//! What is remembered of one thread between snapshots: where its stack is, so that the next read can be one system call.

use super::batch::Batch;
use super::bytes::word;
use super::chunked::{ASIDE, Lack, StackCopy, Step, Walker};
use super::code::CodeTable;
use super::dialect::{Dialect, Frames};
use super::edges::Edges;
use super::layout::{Layout, present};
use super::linked;
use super::objects::Objects;
use super::snapshot::{Frame, NativeKey, Validity};
use crate::memory::read_u64;

/// Frames outside the chunks that are kept in the plan.
const MOST_ASIDES: usize = 512;
/// No thread has more chunks than this (16 KiB each, doubled for large frames).
const MOST_CHUNKS: usize = 8192;
/// Bytes of a chunk that are read beyond what was last in use.
const SLACK: usize = 1024;

/// One chunk of the data stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Chunk {
    address: u64,
    size: u64,
    /// How much of it is read.
    wanted: usize,
}

/// A thread state, and what its stack looked like.
#[derive(Debug, Default)]
pub struct Thread {
    /// Address of the `PyThreadState`.
    pub state: u64,
    /// Address of its interpreter.
    pub interpreter: u64,
    /// The next thread state of the interpreter.
    pub next: u64,
    /// The `pthread_t`.
    pub ident: u64,
    /// The kernel's id, where it is known.
    pub native_id: u32,
    /// The frames of the last snapshot, root first.
    pub frames: Vec<Frame>,
    /// How much of them was proven.
    pub validity: Validity,
    /// Whether anything was ever read.
    pub known: bool,
    cframe: u64,
    chunks: Vec<Chunk>,
    asides: Vec<u64>,
    /// 3.8–3.10: where the frame objects are.
    pub linked: linked::Foreseen,
    /// Distinct code objects of the last stack.
    codes: Vec<u64>,
    /// The last stack that was whole.
    last: Vec<Step>,
    /// Whether the stack is to be read twice, because it has a call that was never seen before.
    pub twice: bool,
    /// Whether something, or nothing, was already found in this snapshot.
    tried: bool,
    /// What the last read of this snapshot lacked.
    lack: Option<Lack>,
    /// The frame elsewhere that could not be read in this snapshot.
    unreadable: Option<u64>,
    /// Index in the batch of this thread's first span, and of the parts behind it.
    plan: Plan,
    /// What the leaf was calling, if that is known to be a C function.
    pub native: Option<NativeKey>,
    /// How many of [`Self::frames`], from the root, are as they were in the snapshot before.
    pub common: usize,
}

#[derive(Debug, Default, Clone)]
struct Plan {
    state: usize,
    cframe: Option<usize>,
    chunks: Vec<(usize, Chunk)>,
    asides: Vec<(usize, u64)>,
    again: Vec<(usize, u64)>,
    linked: linked::Plan,
    codes: Vec<(usize, u64)>,
    after: usize,
}

/// Tells a copy that was interrupted from one that was not, by how long it took.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Running mean of elapsed by expected time, of the reads that were believed.
    usual: f32,
    /// How many reads in a row were late, and the least late of them.
    streak: (u32, f32),
}

/// So many late reads in a row are no interruptions: the machine has become slower.
const SLOWER: u32 = 8;

impl Default for Pace {
    fn default() -> Self {
        Self { usual: 0.0, streak: (0, f32::MAX) }
    }
}

impl Pace {
    /// Whether a read of so many bytes and spans took so long that the copying CPU must have been away in the middle.
    /// If `follow`, the pace of several such reads in a row becomes the usual one.
    pub fn interrupted(&mut self, elapsed: u64, size: (usize, usize), follow: bool) -> bool {
        let expected = 1200.0 + 250.0 * size.1 as f32 + size.0 as f32 / 10.0;
        let ratio = elapsed as f32 / expected;
        if self.usual == 0.0 {
            self.usual = ratio.min(4.0);
            return false;
        }
        let late = ratio > self.usual * 1.05 + 300.0 / expected;
        // Whatever happens the mean follows, slowly upwards, so that a machine that has become slower is believed again.
        let step = if late { 0.02 * (ratio.min(self.usual * 2.0) - self.usual) } else { 0.05 * (ratio - self.usual) };
        self.usual += step;
        self.streak = if late { (self.streak.0 + 1, self.streak.1.min(ratio)) } else { (0, f32::MAX) };
        if follow && self.streak.0 >= SLOWER {
            self.usual = self.usual.max(self.streak.1);
            self.streak = (0, f32::MAX);
        }
        late
    }
}

/// What reading a thread needs from its interpreter.
pub struct Tools<'a> {
    /// Target, layout, dialect.
    pub objects: Objects<'a>,
    /// Code objects.
    pub codes: &'a mut CodeTable,
    /// Call edges.
    pub edges: &'a mut Edges,
    /// The snapshot's number.
    pub now: u64,
}

impl Thread {
    /// A thread state of which nothing is known yet.
    pub fn new(state: u64) -> Self {
        Self { state, ..Self::default() }
    }

    /// A new snapshot begins.
    pub fn begin(&mut self) {
        self.common = self.frames.len();
        self.twice = false;
        self.tried = false;
        self.lack = None;
        self.unreadable = None;
    }

    /// Adds to `batch` all that is needed to see this thread's stack, as far as it can be foreseen.
    pub fn plan(&mut self, batch: &mut Batch, objects: Objects<'_>, codes: &CodeTable, now: u64) {
        let (layout, dialect) = (objects.layout, objects.dialect);
        let plan = &mut self.plan;
        plan.state = batch.add(self.state, state_length(layout));
        plan.cframe = (self.cframe != 0).then(|| batch.add(self.cframe, 24));
        plan.chunks.clear();
        plan.asides.clear();
        plan.codes.clear();
        if dialect.frames == Frames::Linked {
            plan.linked.add(batch, &self.linked, self.state, layout);
        }
        for chunk in &self.chunks {
            plan.chunks.push((batch.add(chunk.address, chunk.wanted), *chunk));
        }
        for &aside in &self.asides {
            plan.asides.push((batch.add(aside, ASIDE), aside));
        }
        plan.again.clear();
        if self.twice {
            for chunk in &self.chunks {
                plan.again.push((batch.add(chunk.address, chunk.wanted), chunk.address));
            }
            for &aside in &self.asides {
                plan.again.push((batch.add(aside, ASIDE), aside));
            }
        }
        if dialect.through_cframe && self.cframe != 0 {
            plan.after = batch.add(self.cframe, 24);
        } else {
            plan.after = batch.add(self.state + u64::from(layout.thread.frame), 8);
        }
        for &code in &self.codes {
            if let Some(span) = codes.due(&objects, code, now) {
                plan.codes.push((batch.add(span.address, span.length), code));
            }
        }
    }

    /// Looks at what [`Self::plan`] asked for. On success `walker` has the whole stack.
    ///
    /// When the copying was `interrupted`, that never succeeds, and only what stood still is proven.
    pub fn decode(
        &mut self,
        batch: &Batch,
        tools: &mut Tools<'_>,
        walker: &mut Walker,
        interrupted: bool,
    ) -> Result<(), Lack> {
        let layout = tools.objects.layout;
        let state = batch.bytes(self.plan.state);
        if state.is_empty() {
            return Err(Lack::Chunks);
        }
        self.interpreter = word(state, layout.thread.interpreter);
        self.next = word(state, layout.thread.next);
        self.ident = word(state, layout.thread.ident);
        if present(layout.thread.native_id) {
            self.native_id = u32::try_from(word(state, layout.thread.native_id)).unwrap_or(0);
        }
        self.drop_missing(batch);
        let mut same = true;
        for &(index, code) in &self.plan.codes {
            let bytes = batch.bytes(index);
            same &= bytes.is_empty() || tools.codes.confirm(&tools.objects, code, bytes, tools.now);
        }
        let outcome = if tools.objects.dialect.frames == Frames::Linked {
            let copy = linked::Copy { plan: &self.plan.linked, batch, after: self.plan.after, interrupted };
            let outcome = linked::decode(&copy, tools, walker, &mut self.linked, &self.last);
            if outcome.is_ok() {
                self.last.clear();
                self.last.extend_from_slice(&walker.steps[..walker.proven]);
            }
            outcome
        } else {
            self.decode_chunked(batch, tools, walker)
        };
        self.codes.clear();
        for step in &walker.steps[..walker.proven] {
            if self.codes.last() != Some(&step.code) && (self.codes.len() > 64 || !self.codes.contains(&step.code)) {
                self.codes.push(step.code);
            }
        }
        // A code object that has just turned out to be another one: its first reading is of a later time than the frames.
        if same { outcome } else { outcome.and(Err(Lack::Moment)) }
    }

    /// What could not be read is not where it was: forgotten, so that it does not spoil the next read too.
    fn drop_missing(&mut self, batch: &Batch) {
        let Some(missing) = batch.first_missing() else { return };
        let plan = &self.plan;
        if let Some(&(_, aside)) = plan.asides.iter().find(|(index, _)| *index == missing) {
            self.asides.retain(|&other| other != aside);
            self.unreadable = Some(aside);
        }
        if let Some((_, chunk)) = plan.chunks.iter().find(|(index, _)| *index == missing) {
            self.chunks.retain(|other| other.address != chunk.address);
        }
        if let Some((_, code)) = plan.codes.iter().find(|(index, _)| *index == missing) {
            self.codes.retain(|other| other != code);
        }
        self.linked.clear();
        if plan.cframe == Some(missing) {
            self.cframe = 0;
        }
    }

    fn decode_chunked(&mut self, batch: &Batch, tools: &mut Tools<'_>, walker: &mut Walker) -> Result<(), Lack> {
        let layout = tools.objects.layout;
        walker.steps.clear();
        walker.proven = 0;
        let state = batch.bytes(self.plan.state);
        let anchors = self.anchors(batch, layout, tools.objects.dialect, state);
        let newest = word(state, layout.thread.chunk);
        if newest == 0 {
            return if anchors == [Some(0); 2] || tools.objects.dialect.through_cframe {
                Ok(())
            } else {
                Err(Lack::Moment)
            };
        }
        if !self.plan.chunks.iter().any(|(_, chunk)| chunk.address == newest) {
            return Err(Lack::Chunks);
        }
        let mut chunks = Vec::with_capacity(self.plan.chunks.len());
        let mut previous = 0;
        for (index, chunk) in &self.plan.chunks {
            let bytes = batch.bytes(*index);
            if bytes.is_empty() || word(bytes, layout.chunk.previous) != previous {
                break;
            }
            previous = chunk.address;
            chunks.push((chunk.address, chunk.size, bytes));
        }
        if !chunks.iter().any(|chunk| chunk.0 == newest) {
            return Err(Lack::Chunks);
        }
        let asides: Vec<_> = self.plan.asides.iter().map(|&(index, address)| (address, batch.bytes(index))).collect();
        let again: Vec<_> = self.plan.again.iter().map(|&(index, address)| (address, batch.bytes(index))).collect();
        let copy = StackCopy { anchors, chunks: &chunks, asides: &asides, again: &again, unreadable: self.unreadable };
        let outcome = walker.walk(tools, &copy, &self.last);
        // A walk that was not finished says nothing about how much there is.
        if outcome.is_ok() {
            self.expect(walker);
            self.last.clear();
            self.last.extend_from_slice(&walker.steps[..walker.proven]);
        }
        outcome
    }

    /// Expects the next stack to be much like this one.
    fn expect(&mut self, walker: &Walker) {
        let (last, used) = walker.used;
        for (index, chunk) in self.chunks.iter_mut().enumerate() {
            let size = usize::try_from(chunk.size).unwrap_or(usize::MAX);
            let wanted = match index.cmp(&last) {
                std::cmp::Ordering::Less => size,
                std::cmp::Ordering::Equal => (used + SLACK).max(chunk.wanted.saturating_sub(256)),
                std::cmp::Ordering::Greater => 512,
            };
            chunk.wanted = wanted.min(size);
        }
        if self.asides.len() > 16 {
            // Those that are in the stack, and of the others the youngest.
            let steps = &walker.steps;
            let mut spare = 16;
            let mut kept: Vec<u64> = Vec::new();
            for &aside in self.asides.iter().rev() {
                let used = steps.iter().any(|step| step.address == aside);
                if used || spare > 0 {
                    spare -= usize::from(!used);
                    kept.push(aside);
                }
            }
            kept.reverse();
            self.asides = kept;
        }
    }

    fn anchors(&self, batch: &Batch, layout: &Layout, dialect: &Dialect, state: &[u8]) -> [Option<u64>; 2] {
        let pointer = word(state, layout.thread.frame);
        if !dialect.through_cframe {
            let after = batch.bytes(self.plan.after);
            return [Some(pointer), (!after.is_empty()).then(|| word(after, 0))];
        }
        if pointer != self.cframe || self.cframe == 0 {
            return [None; 2];
        }
        let frame = |bytes: &[u8]| (!bytes.is_empty()).then(|| word(bytes, layout.cframe.frame));
        [self.plan.cframe.and_then(|index| frame(batch.bytes(index))), frame(batch.bytes(self.plan.after))]
    }

    /// Changes the plan so that the next read has what this one lacked.
    pub fn learn(&mut self, lack: Lack, batch: &Batch, objects: Objects<'_>) {
        let layout = objects.layout;
        // What is lacking again although it was asked for is not to be had: two equal copies can do without it.
        self.twice |= self.lack.replace(lack) == Some(lack);
        match lack {
            Lack::Aside(address) => {
                if self.asides.len() >= MOST_ASIDES {
                    self.asides.clear();
                }
                // The whole chain of them at once: one read each would take as many tries as a coroutine is deep.
                let mut next = address;
                for _ in 0..MOST_ASIDES - self.asides.len() {
                    let known = self.chunks.iter().any(|chunk| next.wrapping_sub(chunk.address) < chunk.size);
                    if next < 4096 || known || self.asides.contains(&next) {
                        break;
                    }
                    self.asides.push(next);
                    next = read_u64(objects.memory, next.wrapping_add(u64::from(layout.frame.previous))).unwrap_or(0);
                }
            }
            Lack::Chunk(index, length) => {
                if let Some(chunk) = self.chunks.get_mut(index) {
                    let size = usize::try_from(chunk.size).unwrap_or(usize::MAX);
                    chunk.wanted = (length + SLACK).max(chunk.wanted.saturating_mul(2)).min(size);
                }
            }
            Lack::Chunks => self.find_chunks(objects),
            Lack::Second | Lack::Torn | Lack::Moment => self.twice = true,
        }
        if objects.dialect.through_cframe {
            let pointer = word(batch.bytes(self.plan.state), layout.thread.frame);
            self.cframe = if pointer == 0 { self.cframe } else { pointer };
        }
    }

    fn find_chunks(&mut self, objects: Objects<'_>) {
        let layout = objects.layout;
        let Ok(mut next) = read_u64(objects.memory, self.state + u64::from(layout.thread.chunk)) else { return };
        let mut chunks = Vec::new();
        let mut head = [0; 32];
        while next != 0 && chunks.len() < MOST_CHUNKS {
            if objects.memory.read(next, &mut head[..layout.chunk.data as usize]).is_err() {
                return;
            }
            let size = word(&head, layout.chunk.size);
            if !(512..=1 << 28).contains(&size) {
                return;
            }
            let old = self.chunks.iter().find(|chunk| chunk.address == next).map_or(0, |chunk| chunk.wanted);
            let wanted = if chunks.is_empty() { old.max(2048) } else { usize::try_from(size).unwrap_or(0) };
            chunks.push(Chunk { address: next, size, wanted: wanted.min(usize::try_from(size).unwrap_or(0)) });
            next = word(&head, layout.chunk.previous);
        }
        chunks.reverse();
        self.chunks = chunks;
    }

    /// Keeps the proven part of what `walker` found, unless it is less than an earlier try of this snapshot has proven.
    pub fn keep(&mut self, walker: &Walker, validity: Validity) {
        if validity != Validity::Whole && self.tried && self.frames.len() >= walker.proven {
            return;
        }
        self.tried = true;
        let steps = || walker.steps[..walker.proven].iter().filter(|step| step.shown()).map(|step| step.frame);
        let common = steps().zip(&self.frames).take_while(|(new, old)| new == *old).count();
        self.frames.truncate(common);
        self.frames.extend(steps().skip(common));
        self.common = self.common.min(common);
        self.validity = validity;
        self.known = true;
    }

    /// Address of a shown frame of the last whole stack, and of its code object.
    pub fn frame(&self, depth: usize) -> Option<(u64, u64)> {
        let step = self.last.iter().filter(|step| step.shown()).nth(depth)?;
        Some((step.address, step.code))
    }

    /// Nothing is proven of this thread now, except by earlier tries of this snapshot.
    pub fn fail(&mut self) {
        if std::mem::replace(&mut self.tried, true) {
            return;
        }
        self.frames.clear();
        self.common = 0;
        self.validity = Validity::Failed;
        self.known = true;
    }
}

fn state_length(layout: &Layout) -> usize {
    let thread = &layout.thread;
    [thread.next, thread.interpreter, thread.ident, thread.native_id, thread.frame, thread.chunk, thread.chunk_top]
        .into_iter()
        .filter(|&field| present(field))
        .max()
        .unwrap_or(0) as usize
        + 8
}
