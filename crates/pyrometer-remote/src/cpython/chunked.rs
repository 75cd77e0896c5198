//! The stack of one thread on 3.11+, out of one copy of its data stack.
//!
//! Frames lie one behind the other in chunks, callers first, and a copy runs the same way, so that neighbours are of nearly
//! one instant. Which frame is the leaf is decided by marks inside the copy ([`Mark`]) and not by the thread's frame pointer,
//! which is read hundreds of nanoseconds before and after: enough for several calls. Three things make a pair of frames
//! believable: the callee's `previous` leads to the caller; an inlined callee's function is the one that lies above the
//! caller's saved stack pointer (the caller's `CALL` left it there), so that a dead callee of an earlier caller does not
//! pass; and the caller is not at an instruction that has no callee.

use std::cell::Cell;

use super::bytes::{byte, int, word};
use super::code::CodeTable;
use super::dialect::{Instruction, Mark};
use super::edges::Edges;
use super::layout::present;
use super::objects::Objects;
use super::snapshot::Frame;
use super::thread::Tools;

/// How many bytes of a frame outside the data stack (generators, shims on the C stack) are read.
pub const ASIDE: usize = 256;
/// `FRAME_OWNED_BY_THREAD`: a frame on the data stack (pycore_frame.h 3.11–3.13, pycore_interpframe_structs.h 3.14).
const OWNED_BY_THREAD: u8 = 0;
/// `FRAME_OWNED_BY_GENERATOR`: a frame inside a generator or coroutine.
const OWNED_BY_GENERATOR: u8 = 1;
/// No stack is deeper.
const DEEPEST: usize = 100_000;

/// The bytes of one thread's stack, all of one batched read.
pub struct StackCopy<'a> {
    /// `current_frame` before and after the rest was read; none where it could not be followed.
    pub anchors: [Option<u64>; 2],
    /// Address, whole size and copied beginning of each chunk, the root chunk first.
    pub chunks: &'a [(u64, u64, &'a [u8])],
    /// Frames elsewhere: address and bytes.
    pub asides: &'a [(u64, &'a [u8])],
    /// The same frames again, read some hundred nanoseconds later: address and bytes of stretches of memory.
    pub again: &'a [(u64, &'a [u8])],
    /// An address that a frame led to and at which nothing can be read.
    pub unreadable: Option<u64>,
}

/// What a stack copy lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lack {
    /// A frame outside the chunks.
    Aside(u64),
    /// More of chunk number .0: at least .1 bytes of it.
    Chunk(usize, usize),
    /// The chunks have changed.
    Chunks,
    /// Nothing: another instant is needed. The frames contradict one another.
    Torn,
    /// Nothing: another instant is needed. A call or return was under way.
    Moment,
    /// A second copy: who called whom has never been seen before.
    Second,
}

/// How a frame came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Link {
    /// By an instruction of its caller, in the same evaluation loop.
    Inlined,
    /// By C code (or it is outermost).
    Entry,
    /// It is a generator's or coroutine's.
    Aside,
}

/// One frame of the walk.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Its address.
    pub address: u64,
    /// Its code object's address.
    pub code: u64,
    /// What is shown of it.
    pub frame: Frame,
    /// Whether it is before its first traceable instruction, which hides it.
    hidden: bool,
    /// 3.11–3.13: whether its own instructions were executing.
    executing: bool,
    link: Link,
    kind: Instruction,
}

/// Walks stack copies. Keeps its allocations.
#[derive(Debug, Default)]
pub struct Walker {
    /// The frames found, root first.
    pub steps: Vec<Step>,
    /// How many of them are proven.
    pub proven: usize,
    /// The object that the leaf was calling from a call instruction, where the value stack shows it: not yet looked at.
    pub callee: Option<u64>,
    /// Bytes in use of the last chunk that frames were found in, and that chunk's number.
    pub used: (usize, usize),
    detour: Vec<u64>,
}

struct Context<'a, 'b> {
    objects: Objects<'a>,
    codes: &'a mut CodeTable,
    copy: &'a StackCopy<'b>,
    now: u64,
    /// The number of the chunk that was last climbed into.
    at_hand: Cell<usize>,
}

impl<'b> Context<'_, 'b> {
    fn aside(&self, address: u64) -> Option<&'b [u8]> {
        self.copy.asides.iter().find(|aside| aside.0 == address).map(|aside| aside.1)
    }

    fn in_chunks(&self, address: u64) -> Option<(usize, u64)> {
        // Nearly always it is the chunk at hand; there are hundreds of others only when a recursion is very deep.
        let at_hand = self.at_hand.get();
        if let Some(&(start, size, _)) = self.copy.chunks.get(at_hand)
            && address.wrapping_sub(start) < size
        {
            return Some((at_hand, address - start));
        }
        let found = self.copy.chunks.iter().position(|&(start, size, _)| address.wrapping_sub(start) < size)?;
        Some((found, address - self.copy.chunks[found].0))
    }

    /// Whether a `previous` leads to what is no frame: then who has it is what is left of a dead one, overwritten in part.
    fn cannot_be_aside(&self, address: u64) -> bool {
        let layout = &self.objects.layout.frame;
        let owner = |bytes: &[u8]| byte(bytes, layout.owner);
        let foreign = |owner: u8| owner != OWNED_BY_GENERATOR && owner < self.objects.dialect.first_shim_owner;
        let misplaced = address < 4096 || !address.is_multiple_of(8);
        misplaced || self.copy.unreadable == Some(address) || self.aside(address).is_some_and(|it| foreign(owner(it)))
    }

    /// The bytes from a frame's start on, wherever it lies.
    fn frame_bytes(&self, address: u64) -> &'b [u8] {
        match self.in_chunks(address) {
            Some((chunk, offset)) => {
                self.copy.chunks[chunk].2.get(usize::try_from(offset).unwrap_or(usize::MAX)..).unwrap_or_default()
            }
            None => self.aside(address).unwrap_or_default(),
        }
    }
}

impl Context<'_, '_> {
    /// Whether a second copy shows the same frame in the same place, and at the same instruction if that matters.
    fn unchanged(&self, step: &Step, standing: bool) -> bool {
        let layout = &self.objects.layout.frame;
        let length = layout.localsplus as usize;
        let second = self.copy.again.iter().find_map(|&(start, bytes)| {
            let offset = usize::try_from(step.address.checked_sub(start)?).ok()?;
            bytes.get(offset..offset.checked_add(length)?)
        });
        let (Some(second), first) = (second, self.frame_bytes(step.address)) else { return false };
        let same = |field: u32| word(first, field) == word(second, field);
        [layout.code, layout.previous, layout.function].into_iter().all(same) && (!standing || same(layout.instruction))
    }
}

/// What became of a frame that might be the next one.
enum Next {
    Step(Step),
    /// There is no live frame here.
    None,
    Lack(Lack),
}

impl Walker {
    /// Finds the thread's frames in `copy`. On success [`Self::steps`] up to [`Self::proven`] are the whole stack; else
    /// they are a proven outer part of it.
    pub fn walk(&mut self, tools: &mut Tools<'_>, copy: &StackCopy<'_>, last: &[Step]) -> Result<(), Lack> {
        let Tools { objects, codes, edges, now } = tools;
        let (objects, now) = (*objects, *now);
        self.steps.clear();
        self.proven = 0;
        self.callee = None;
        self.used = (0, 0);
        if copy.anchors == [Some(0); 2] {
            return Ok(());
        }
        let mut context = Context { objects, codes, copy, now, at_hand: Cell::new(0) };
        self.explain_anchors(&context)?;
        let end = self.climb(&mut context);
        let mark = objects.dialect.mark;
        let settled =
            if mark == Mark::StackTop { self.settle_by_stack_top(&context, end) } else { self.settle_by_code(end) };
        while self.proven > 0 && self.steps[self.proven - 1].hidden {
            self.proven -= 1;
        }
        let outcome = settled.and_then(|()| self.verify(&context, edges, last));
        self.find_callee(&context);
        outcome.or_else(|lack| self.descend(&mut context).unwrap_or(Err(lack)))
    }

    /// 3.14+: the stack pointer is saved before C code is called, above callable, self and arguments (`CALL` and its
    /// specialisations, Python/bytecodes.c), while an inlined callee's caller has it saved below them.
    fn find_callee(&mut self, context: &Context<'_, '_>) {
        let Some(leaf) = self.steps.last().filter(|_| self.proven == self.steps.len()) else { return };
        if context.objects.dialect.mark != Mark::ClearedCode || leaf.kind != Instruction::Call {
            return;
        }
        let Some(placed) = context.codes.get(leaf.code) else { return };
        let unit = usize::try_from(leaf.frame.offset / 2).unwrap_or(usize::MAX);
        let Some(arguments) = placed.call_arguments(unit) else { return };
        let bytes = context.frame_bytes(leaf.address);
        let layout = &context.objects.layout.frame;
        let index = stack_index(context, leaf, bytes);
        let Some(slot) = index.checked_sub(u32::from(arguments) + 2) else { return };
        if slot >= placed.variables && index < placed.frame_size / 8 {
            let value = word(bytes, layout.localsplus + slot * 8) & context.objects.dialect.tag_mask;
            self.callee = Some(value).filter(|&value| value != 0);
        }
    }

    /// The last resort, for a target that stands still in a state that no mark explains (it was preempted in the middle of a
    /// call, or what is left of dead frames looks like live ones): where the thread's frame pointer and all frames below it
    /// are the same in two copies, they are the stack. None where they are not.
    fn descend(&mut self, context: &mut Context<'_, '_>) -> Option<Result<(), Lack>> {
        let layout = context.objects.layout.frame;
        let [Some(before), Some(after)] = context.copy.anchors else { return None };
        if before != after || context.copy.again.is_empty() {
            return None;
        }
        let mut chain = Vec::new();
        let mut next = before;
        while next != 0 && chain.len() < DEEPEST {
            let bytes = context.frame_bytes(next);
            if bytes.is_empty() {
                return (!context.cannot_be_aside(next)).then_some(Err(Lack::Aside(next)));
            }
            if byte(bytes, layout.owner) < context.objects.dialect.first_shim_owner {
                let aside = context.in_chunks(next).is_none();
                let link = if aside { Link::Aside } else { Link::Inlined };
                let step = self.step(context, next, bytes, link).filter(|step| context.unchanged(step, true))?;
                chain.push(step);
            }
            next = word(bytes, layout.previous);
        }
        if next != 0 {
            return None;
        }
        chain.reverse();
        // This stack is believed, its edges are not believed for others: a stack that stands still proves itself each time.
        self.steps = chain;
        self.proven = self.steps.len();
        while self.proven > 0 && self.steps[self.proven - 1].hidden {
            self.proven -= 1;
        }
        Some(Ok(()))
    }

    /// Believes call edges that are proven, and proves new ones where a second copy allows it. The edges of the frames
    /// that are as they were in `last` have been believed before.
    fn verify(&mut self, context: &Context<'_, '_>, edges: &mut Edges, last: &[Step]) -> Result<(), Lack> {
        let steps = &self.steps[..self.proven];
        let same = |(new, old): &(&Step, &Step)| new.frame == old.frame && new.address == old.address;
        let common = steps.iter().zip(last).take_while(same).count();
        let mut doubt = None;
        for index in common.max(1)..steps.len() {
            let (caller, callee) = (&steps[index - 1], &steps[index]);
            if edges.proven(caller.frame, callee.frame.code) {
                edges.passed(caller.frame, callee.frame.code);
            } else if context.unchanged(caller, true) && context.unchanged(callee, false) {
                edges.prove(caller.frame, callee.frame.code);
            } else if !edges.seen(caller.frame, callee.frame.code, caller.kind == Instruction::Call) {
                doubt = doubt.or(Some(index));
            }
        }
        let Some(doubt) = doubt else { return Ok(()) };
        self.proven = doubt;
        Err(Lack::Second)
    }

    /// A frame pointer to a place that was not read means that there are frames which the walk cannot know of.
    fn explain_anchors(&self, context: &Context<'_, '_>) -> Result<(), Lack> {
        for anchor in context.copy.anchors.into_iter().flatten().filter(|&anchor| anchor != 0) {
            match context.in_chunks(anchor) {
                Some((chunk, offset)) => {
                    let needed =
                        usize::try_from(offset).unwrap_or(0) + context.objects.layout.frame.localsplus as usize;
                    if context.copy.chunks[chunk].2.len() < needed {
                        return Err(Lack::Chunk(chunk, needed + 512));
                    }
                }
                None if context.aside(anchor).is_none() => return Err(Lack::Aside(anchor)),
                None => {}
            }
        }
        Ok(())
    }

    /// Collects frames from the root towards the leaf as long as they fit together.
    fn climb(&mut self, context: &mut Context<'_, '_>) -> Result<(), Lack> {
        let data = u64::from(context.objects.layout.chunk.data);
        let Some(&(root, ..)) = context.copy.chunks.first() else { return Err(Lack::Chunks) };
        // The root chunk's first word is left out (push_chunk, Python/pystate.c), which keeps it from ever being freed.
        let (mut chunk, mut address) = (0, root + data + 8);
        while self.steps.len() < DEEPEST {
            context.at_hand.set(chunk);
            self.used = (chunk, usize::try_from(address - context.copy.chunks[chunk].0).unwrap_or(0));
            match self.candidate(context, chunk, address) {
                Next::Step(step) => {
                    let size = context.codes.get(step.code).map_or(8, |placed| u64::from(placed.frame_size));
                    self.steps.push(step);
                    address += size.max(8);
                    self.used.1 += usize::try_from(size).unwrap_or(0);
                }
                Next::Lack(lack) => return Err(lack),
                Next::None => {
                    // A frame that does not fit into the rest of a chunk lies at the beginning of the next one.
                    let Some(&(next, ..)) = context.copy.chunks.get(chunk + 1) else { break };
                    (chunk, address) = (chunk + 1, next + data);
                }
            }
        }
        self.climb_asides(context)
    }

    /// The frame at `address`, if there is one whose caller is the last frame so far.
    fn candidate(&mut self, context: &mut Context<'_, '_>, chunk: usize, address: u64) -> Next {
        let layout = &context.objects.layout.frame;
        let (start, size, bytes) = context.copy.chunks[chunk];
        let offset = usize::try_from(address - start).unwrap_or(usize::MAX);
        let needed = offset.saturating_add(layout.localsplus as usize + 8);
        if needed as u64 > size {
            return Next::None;
        }
        if bytes.len() < needed {
            return Next::Lack(Lack::Chunk(chunk, needed + 512));
        }
        let bytes = &bytes[offset..];
        let code = word(bytes, layout.code) & context.objects.dialect.tag_mask;
        if code == 0 || byte(bytes, layout.owner) != OWNED_BY_THREAD {
            return Next::None;
        }
        let expected = self.steps.last().map_or(0, |step| step.address);
        self.detour.clear();
        let mut link =
            if present(layout.is_entry) && byte(bytes, layout.is_entry) != 0 { Link::Entry } else { Link::Inlined };
        let mut previous = word(bytes, layout.previous);
        while previous != expected {
            if previous == 0 || context.in_chunks(previous).is_some() || self.detour.len() > DEEPEST {
                // While a frame is cleared it is still on the data stack but no longer linked, and destructors of its
                // variables run above it (GH-99729; clear_thread_frame, Python/ceval.c): they are its caller's callees.
                let dying = self.steps.len() >= 2 && link == Link::Entry && self.detour.is_empty();
                if dying && self.steps[self.steps.len() - 2].address == previous {
                    self.steps.pop();
                    break;
                }
                return Next::None;
            }
            if context.cannot_be_aside(previous) {
                return Next::None;
            }
            let Some(aside) = context.aside(previous) else {
                // Only a code object makes it worth following the link: this may be what is left of a dead frame.
                let alive = context.codes.intern(&context.objects, code, context.now).is_some();
                return if alive { Next::Lack(Lack::Aside(previous)) } else { Next::None };
            };
            if byte(aside, layout.owner) >= context.objects.dialect.first_shim_owner {
                link = Link::Entry;
            } else {
                self.detour.push(previous);
            }
            previous = word(aside, layout.previous);
        }
        let before = self.steps.len();
        while let Some(aside) = self.detour.pop() {
            let bytes = context.aside(aside).unwrap_or_default();
            match self.step(context, aside, bytes, Link::Aside) {
                Some(step) => self.steps.push(step),
                None => break,
            }
        }
        match self.step(context, address, bytes, link) {
            Some(step) => self.join(context, step, bytes, before),
            None => {
                self.steps.truncate(before);
                Next::None
            }
        }
    }

    /// Whether `step` can be the callee of the last frame.
    fn join(&mut self, context: &Context<'_, '_>, step: Step, bytes: &[u8], before: usize) -> Next {
        let Some(caller) = self.steps.last().copied().filter(|_| step.link == Link::Inlined) else {
            return Next::Step(step);
        };
        let stack_top = context.objects.dialect.mark == Mark::StackTop;
        let trampoline = context.codes.get(caller.code).is_some_and(|placed| placed.trampoline);
        let starting = caller.hidden && !trampoline || caller.kind == Instruction::Starting;
        if starting || stack_top && (caller.executing || caller.kind == Instruction::Leaving) {
            // The caller is not in a call: what lies above it is dead.
            self.steps.truncate(before);
            return Next::None;
        }
        if caller.kind != Instruction::Leaving && self.paired(context, &caller, &step, bytes) {
            return Next::Step(step);
        }
        // A callee that is still being made may lie above a caller that has not yet saved its stack pointer; one that is
        // being cleared has lost its function before its code (_PyFrame_ClearExceptCode, Python/frame.c 3.14).
        let layout = &context.objects.layout.frame;
        let clearing = word(bytes, layout.function) & context.objects.dialect.tag_mask == 0;
        let fresh = step.hidden || step.kind == Instruction::Starting;
        if stack_top || fresh || clearing { Next::None } else { Next::Lack(Lack::Torn) }
    }

    /// Whether the caller's value stack shows that it called this frame.
    fn paired(&self, context: &Context<'_, '_>, caller: &Step, callee: &Step, bytes: &[u8]) -> bool {
        let layout = &context.objects.layout.frame;
        let mask = context.objects.dialect.tag_mask;
        let placed = |step: &Step| context.codes.get(step.code);
        let (Some(caller_code), Some(callee_code)) = (placed(caller), placed(callee)) else { return false };
        if callee_code.trampoline {
            return caller.kind == Instruction::Call;
        }
        let from = context.frame_bytes(caller.address);
        let first_local = word(bytes, layout.localsplus) & mask;
        if caller_code.trampoline {
            return first_local == word(from, layout.localsplus) & mask;
        }
        let top = stack_index(context, caller, from);
        let slot = |index: u32| word(from, layout.localsplus.saturating_add(index.saturating_mul(8))) & mask;
        let function = word(bytes, layout.function) & mask;
        let above = [slot(top), slot(top.saturating_add(1))];
        // Besides calls, instructions that run a property's or `__getitem__`'s code leave its first argument there.
        function != 0 && above.contains(&function) || first_local != 0 && above.contains(&first_local)
    }

    /// The frame in `bytes`; none where that is not one.
    fn step(&self, context: &mut Context<'_, '_>, address: u64, bytes: &[u8], link: Link) -> Option<Step> {
        let layout = &context.objects.layout.frame;
        let code = word(bytes, layout.code) & context.objects.dialect.tag_mask;
        let placed = context.codes.intern(&context.objects, code, context.now)?;
        let instruction = word(bytes, layout.instruction);
        let mut offset = instruction.wrapping_sub(placed.start).cast_signed();
        if !(-2..i64::from(placed.length)).contains(&offset) {
            let base = present(layout.tlbc_index).then(|| thread_local_bytecode(context, code, bytes)).flatten()?;
            offset = instruction.wrapping_sub(base).cast_signed();
        }
        let placed = context.codes.get(code)?;
        let offset =
            i32::try_from(offset).ok().filter(|&offset| offset >= -2 && offset < placed.length.cast_signed())?;
        let kind = usize::try_from(offset / 2).ok().and_then(|unit| placed.instructions.get(unit).copied());
        let generator = link == Link::Aside;
        Some(Step {
            address,
            code,
            frame: Frame { code: placed.key, offset: offset.max(-1) },
            hidden: !generator && offset < placed.first_traceable.cast_signed(),
            executing: int(bytes, layout.stack) == -1,
            link,
            kind: kind.unwrap_or(Instruction::Other),
        })
    }

    /// Generators that run above the last frame of the chunks, found from the frames that were read aside.
    fn climb_asides(&mut self, context: &mut Context<'_, '_>) -> Result<(), Lack> {
        let layout = &context.objects.layout.frame;
        'next: while self.steps.len() < DEEPEST {
            let last = self.steps.last().map_or(0, |step| step.address);
            for &(address, bytes) in context.copy.asides {
                let shim = byte(bytes, layout.owner) >= context.objects.dialect.first_shim_owner;
                if shim || bytes.is_empty() || self.steps.iter().rev().take(64).any(|step| step.address == address) {
                    continue;
                }
                let mut previous = word(bytes, layout.previous);
                let shim = |aside: &&[u8]| byte(aside, layout.owner) >= context.objects.dialect.first_shim_owner;
                if let Some(aside) = context.aside(previous).filter(|_| previous != last).filter(shim) {
                    previous = word(aside, layout.previous);
                }
                if previous != last || last == 0 && context.copy.anchors != [Some(address); 2] {
                    continue;
                }
                if let Some(step) = self.step(context, address, bytes, Link::Aside) {
                    self.steps.push(step);
                    continue 'next;
                }
            }
            break;
        }
        Ok(())
    }

    /// 3.14+: every frame of the walk was alive at the instant of its copy, because a dead one has no code.
    fn settle_by_code(&mut self, end: Result<(), Lack>) -> Result<(), Lack> {
        self.proven = self.steps.len();
        end
    }

    /// 3.11–3.13: the last frame that was executing is the leaf; frames above it are dead, unless they were entered from C
    /// just now, which only the thread's frame pointer can tell.
    fn settle_by_stack_top(&mut self, context: &Context<'_, '_>, end: Result<(), Lack>) -> Result<(), Lack> {
        let count = self.steps.len();
        let last_executing = self.steps.iter().rposition(|step| step.executing).map_or(0, |index| index + 1);
        self.proven = last_executing;
        if last_executing == count && count > 0 {
            return end;
        }
        // Frames that are all in calls: alive if the thread's frame pointer was among them or above, before and after.
        let first = self.steps.get(last_executing).map_or(0, |step| step.address);
        let above = |anchor: u64| match (context.in_chunks(anchor), context.in_chunks(first)) {
            (Some(anchor), Some(first)) => anchor >= first,
            _ => self.steps[last_executing..].iter().any(|step| step.address == anchor),
        };
        match context.copy.anchors {
            [Some(a), Some(b)] if above(a) && above(b) => {}
            [Some(a), Some(b)] if !above(a) && !above(b) && last_executing > 0 => return end,
            _ => return end.and(Err(Lack::Moment)),
        }
        end?;
        let leaf = self.steps[count - 1];
        let fresh = leaf.hidden || leaf.frame.offset < 0 || leaf.kind == Instruction::Starting;
        self.proven = count;
        if leaf.kind == Instruction::Leaving || fresh {
            return Ok(());
        }
        // The leaf is in a call, but of what? Its callee was being made or had just gone, or it lies where nothing was read.
        // A target that was preempted at such a moment stays in it for long, and then its frame pointer can be believed.
        match context.copy.anchors {
            [Some(before), Some(after)] if before == after && before == leaf.address => Ok(()),
            _ => Err(Lack::Moment),
        }
    }
}

/// How many slots of `localsplus` are below the frame's saved stack pointer.
fn stack_index(context: &Context<'_, '_>, step: &Step, bytes: &[u8]) -> u32 {
    let layout = &context.objects.layout.frame;
    if context.objects.dialect.mark == Mark::StackTop {
        return u32::try_from(int(bytes, layout.stack)).unwrap_or(u32::MAX);
    }
    let pointer = word(bytes, layout.stack);
    let index = pointer.wrapping_sub(step.address).wrapping_sub(u64::from(layout.localsplus)) / 8;
    u32::try_from(index).unwrap_or(u32::MAX)
}

/// Free-threaded builds give each thread its own copy of the bytecode (`_PyCodeArray`, Include/cpython/code.h 3.14).
fn thread_local_bytecode(context: &Context<'_, '_>, code: u64, bytes: &[u8]) -> Option<u64> {
    let layout = context.objects.layout;
    let index = u64::try_from(int(bytes, layout.frame.tlbc_index)).ok()?;
    let array = context.objects.word(code, layout.code.tlbc)?;
    let size = context.objects.word(array, 0)?;
    if index >= size.min(1 << 20) {
        return None;
    }
    context.objects.word(array, u32::try_from(8 + index * 8).ok()?)
}

impl Step {
    /// A frame of a linked stack.
    pub fn linked(address: u64, code: u64, frame: Frame) -> Self {
        let (link, kind) = (Link::Inlined, Instruction::Other);
        Self { address, code, frame, hidden: false, executing: true, link, kind }
    }

    /// Whether it is shown in a stack.
    pub fn shown(&self) -> bool {
        !self.hidden
    }
}
