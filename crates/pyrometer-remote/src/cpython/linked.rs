//! The stack of one thread on 3.8–3.10: frame objects on the heap, each pointing to its caller.
//!
//! The objects' addresses are foreseen from the last snapshots (objects are reused, in changing order, so that what was seen
//! lately stays foreseen), and neighbouring ones are read together. A live frame is marked as executing; a dead one is not,
//! and has no caller (`f_back` is cleared by `frame_dealloc`, Objects/frameobject.c) or another dead one.
//!
//! The frames nearest the leaf are read twice in the same call, with the thread's frame pointer before, between and behind:
//! a call takes some fifty nanoseconds, and by the time a single copy gets to it, the frame that was the leaf has often
//! returned. Either copy can give the stack, from either of the pointers next to it. A pair of caller and callee that was
//! never seen before is believed when both copies agree about it, and the frames that both copies agree about, down to the
//! root, are proven even where the leaf is not.

use super::batch::Batch;
use super::bytes::{byte, int, word};
use super::chunked::{Lack, Step, Walker};
use super::dialect::Mark;
use super::layout::Layout;
use super::snapshot::{CodeKey, Frame};
use super::thread::Tools;

/// Objects whose addresses are at most this far apart are read in one span.
const GAP: u64 = 768;
/// No stack is deeper.
const DEEPEST: usize = 100_000;
/// How many addresses seen before, that are not in the last stack, are read as well.
const SPARE: usize = 24;
/// How many frames nearest the leaf are read twice, besides the spare ones.
const HOT: usize = 24;

/// A contiguous read: address of its first byte, its length, its index in the batch.
type Stretch = (u64, usize, usize);

/// Which spans of a batch have which frame objects.
#[derive(Debug, Default, Clone)]
pub struct Plan {
    /// The frames read once, and the two copies of those nearest the leaf; each sorted by address.
    stretches: [Vec<Stretch>; 3],
    /// The frame pointer before and after the first copy.
    anchors: [usize; 2],
    length: usize,
    sorted: Vec<u64>,
}

/// The addresses of frame objects that are foreseen.
#[derive(Debug, Default)]
pub struct Foreseen {
    /// The last stack's, leaf first, and behind them others that were seen lately.
    addresses: Vec<u64>,
    /// How many are of the last stack.
    depth: usize,
}

impl Foreseen {
    /// Nothing is foreseen any more.
    pub fn clear(&mut self) {
        self.addresses.clear();
        self.depth = 0;
    }

    /// Those of the last stack that are read once, and those that are read twice.
    fn split(&self) -> (&[u64], impl Iterator<Item = u64> + '_) {
        let hot = self.depth.min(HOT);
        (&self.addresses[hot..self.depth], self.hot())
    }

    fn hot(&self) -> impl Iterator<Item = u64> + '_ {
        let hot = self.depth.min(HOT);
        self.addresses[..hot].iter().chain(&self.addresses[self.depth..]).copied()
    }

    /// The stack was seen to have frames at `found`, leaf first; what else was foreseen nearest the leaf stays so.
    fn update(&mut self, found: &[u64]) {
        if self.addresses.get(..self.depth) == Some(found) {
            return;
        }
        let near = found.len().min(2 * (HOT + SPARE));
        let mut spare: Vec<u64> = self.hot().filter(|address| !found[..near].contains(address)).collect();
        spare.truncate(SPARE);
        self.addresses.clear();
        self.addresses.extend_from_slice(found);
        self.addresses.extend_from_slice(&spare);
        self.depth = found.len();
    }
}

/// The bytes read by a plan.
pub struct Copy<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// The batch that carried it out.
    pub batch: &'a Batch,
    /// Index of the span that has the thread's frame pointer as it was after all else.
    pub after: usize,
    /// Whether the copying was interrupted, so that only what did not change meanwhile is of one time.
    pub interrupted: bool,
}

impl Plan {
    /// Adds spans for the frame objects that are foreseen, of the thread state at `state`.
    pub fn add(&mut self, batch: &mut Batch, foreseen: &Foreseen, state: u64, layout: &Layout) {
        self.length = header_length(layout);
        let pointer = state + u64::from(layout.thread.frame);
        let (once, twice) = foreseen.split();
        let mut sorted = std::mem::take(&mut self.sorted);
        sorted.clear();
        sorted.extend_from_slice(once);
        self.read(batch, 0, &mut sorted);
        sorted.clear();
        sorted.extend(twice);
        self.anchors[0] = batch.add(pointer, 8);
        self.read(batch, 1, &mut sorted);
        self.anchors[1] = batch.add(pointer, 8);
        self.read(batch, 2, &mut sorted);
        self.sorted = sorted;
    }

    /// Adds spans for all of `addresses`, which become sorted.
    fn read(&mut self, batch: &mut Batch, copy: usize, addresses: &mut [u64]) {
        addresses.sort_unstable();
        let stretches = &mut self.stretches[copy];
        stretches.clear();
        let mut run: Option<(u64, u64)> = None;
        let mut push = |(start, end): (u64, u64)| {
            let length = usize::try_from(end - start).unwrap_or(0);
            stretches.push((start, length, batch.add(start, length)));
        };
        for &address in &*addresses {
            let end = address + self.length as u64;
            run = match run {
                Some((start, last)) if address <= last + GAP => Some((start, end)),
                Some(run) => {
                    push(run);
                    Some((address, end))
                }
                None => Some((address, end)),
            };
        }
        if let Some(run) = run {
            push(run);
        }
    }
}

impl<'a> Copy<'a> {
    /// A frame's header in the first (1) or second (2) copy; empty where it was not read.
    fn bytes(&self, copy: usize, address: u64) -> &'a [u8] {
        let hot = self.within(copy, address);
        if hot.is_empty() { self.within(0, address) } else { hot }
    }

    fn within(&self, copy: usize, address: u64) -> &'a [u8] {
        let stretches = &self.plan.stretches[copy];
        let behind = stretches.partition_point(|stretch| stretch.0 <= address);
        let Some(&(start, _, index)) = behind.checked_sub(1).and_then(|index| stretches.get(index)) else {
            return &[];
        };
        let offset = usize::try_from(address - start).unwrap_or(usize::MAX);
        self.batch.bytes(index).get(offset..offset.saturating_add(self.plan.length)).unwrap_or_default()
    }

    /// The frame pointers, each with the copy that it was read next to.
    fn leaves(&self) -> impl Iterator<Item = (usize, u64)> {
        let [before, between] = self.plan.anchors;
        let all = [(1, before), (1, between), (2, between), (2, self.after)];
        let all = all.map(|(copy, index)| {
            Some(self.batch.bytes(index)).filter(|it| !it.is_empty()).map(|it| (copy, word(it, 0)))
        });
        let mut seen = None;
        all.into_iter().flatten().filter(move |leaf| seen.replace(*leaf) != Some(*leaf))
    }

    /// Whether both copies have the frame alive in the same place, and at the same instruction if it is to be `standing`.
    fn unchanged(&self, layout: &Layout, address: u64, standing: bool) -> bool {
        let layout = &layout.frame;
        let (first, second) = (self.within(1, address), self.within(2, address));
        let same = |field: u32| word(first, field) == word(second, field);
        let stands = || int(first, layout.instruction) == int(second, layout.instruction);
        let lives = || byte(first, layout.executing) == byte(second, layout.executing);
        !first.is_empty()
            && !second.is_empty()
            && same(layout.previous)
            && same(layout.code)
            && lives()
            && (!standing || stands())
    }
}

fn header_length(layout: &Layout) -> usize {
    layout.frame.executing.max(layout.frame.instruction) as usize + 8
}

/// Finds the thread's frames in `copy`. On success [`Walker::steps`] are the whole stack; else those up to
/// [`Walker::proven`] are a proven outer part of it. `foreseen` becomes what is foreseen for the next read.
pub fn decode(
    copy: &Copy<'_>,
    tools: &mut Tools<'_>,
    walker: &mut Walker,
    foreseen: &mut Foreseen,
    last: &[Step],
) -> Result<(), Lack> {
    walker.steps.clear();
    walker.proven = 0;
    let mut chain = Chain::default();
    let mut lack = Lack::Moment;
    let tries = if copy.interrupted { 0 } else { 4 };
    for (number, leaf) in copy.leaves().take(tries) {
        if leaf == 0 {
            walker.steps.clear();
            foreseen.clear();
            return Ok(());
        }
        match chain.follow(copy, tools, number, leaf, true) {
            Ok(()) => {
                chain.descend(copy, tools, number, foreseen);
                foreseen.update(&chain.found);
                chain.give(walker);
                return verify(copy, tools, walker, last);
            }
            Err(found) => lack = found,
        }
        if lack == Lack::Chunks {
            break;
        }
    }
    let seen = std::mem::take(&mut chain.found);
    let standing = foreseen.hot().find(|&address| chain.stands(copy, tools, address));
    if standing.is_some() {
        chain.give(walker);
        walker.proven = if copy.interrupted { known(tools, walker, last) } else { 0 };
        if !copy.interrupted {
            // The lack is that of the leaf, whatever becomes of the rest.
            let _ = verify(copy, tools, walker, last);
        }
    }
    if lack == Lack::Chunks {
        foreseen.update(&seen);
    }
    Err(lack)
}

/// Frames that lead from one to the next.
#[derive(Default)]
struct Chain {
    /// Leaf first.
    steps: Vec<Step>,
    /// Addresses of the objects, leaf first.
    found: Vec<u64>,
}

impl Chain {
    /// Follows the frames from `next` to the root, in one of the copies. What was not foreseen is read now if it may be
    /// `late`, to know for the next try: the result is [`Lack::Chunks`] then, because it proves nothing about the rest.
    fn follow(
        &mut self,
        copy: &Copy<'_>,
        tools: &mut Tools<'_>,
        number: usize,
        leaf: u64,
        late: bool,
    ) -> Result<(), Lack> {
        self.steps.clear();
        self.found.clear();
        let layout = tools.objects.layout;
        let mut extra = Vec::new();
        let mut outcome = Ok(());
        let mut next = leaf;
        // Objects that were read at different times can lead round in a circle. An address that comes up again is looked for
        // at growing distances (Brent), which costs one comparison a frame.
        let (mut mark, mut marked) = (leaf, 0);
        while next != 0 {
            let count = self.found.len();
            if count >= DEEPEST || (count > marked && next == mark) {
                return Err(Lack::Torn);
            }
            if count == 2 * marked + 1 {
                (mark, marked) = (next, count);
            }
            let mut bytes = copy.bytes(number, next);
            if bytes.is_empty() {
                outcome = Err(Lack::Chunks);
                extra.resize(header_length(layout), 0);
                if !late || tools.objects.memory.read(next, &mut extra).is_err() {
                    return Err(if late { Lack::Torn } else { Lack::Chunks });
                }
                bytes = &extra;
            }
            let back = word(bytes, layout.frame.previous);
            match step(tools, next, bytes) {
                Some(step) => self.steps.push(step),
                // Between becoming the thread's frame and executing, and between having executed and giving way to its
                // caller (_PyEval_EvalFrameDefault, Python/ceval.c), the frame is not marked: the caller is the leaf then.
                None if self.found.is_empty() && back != 0 && back != next => {}
                None => return outcome.and(Err(Lack::Torn)),
            }
            self.found.push(next);
            next = back;
        }
        outcome
    }

    /// The frame pointer is older or younger than the copy: what the copy shows to be executing under the leaf is, if it is
    /// known that the leaf calls it there.
    fn descend(&mut self, copy: &Copy<'_>, tools: &mut Tools<'_>, number: usize, foreseen: &Foreseen) {
        let layout = &tools.objects.layout.frame;
        while let Some(leaf) = self.steps.first().copied().filter(|_| self.steps.len() < DEEPEST) {
            let callee = foreseen.hot().find_map(|address| {
                let bytes = copy.within(number, address);
                let under = word(bytes, layout.previous) == leaf.address && !self.found.contains(&address);
                let step = under.then(|| step(tools, address, bytes))??;
                tools.edges.proven(leaf.frame, step.frame.code).then_some(step)
            });
            let Some(callee) = callee else { return };
            self.steps.insert(0, callee);
            self.found.insert(0, callee.address);
        }
    }

    /// Whether the frame at `address` and all below it are executing the same in both copies; the chain is of them then.
    fn stands(&mut self, copy: &Copy<'_>, tools: &mut Tools<'_>, address: u64) -> bool {
        let layout = tools.objects.layout;
        let stands = |address| copy.within(1, address).is_empty() || copy.unchanged(layout, address, true);
        copy.unchanged(layout, address, true)
            && self.follow(copy, tools, 1, address, false).is_ok()
            && self.steps.first().is_some_and(|step| step.address == address)
            && self.steps.iter().all(|step| stands(step.address))
    }

    fn give(&self, walker: &mut Walker) {
        walker.steps.clear();
        walker.steps.extend(self.steps.iter().rev());
    }
}

/// How many steps, from the root, are the same as in the last stack.
fn common(walker: &Walker, last: &[Step]) -> usize {
    let same = |(new, old): &(&Step, &Step)| new.frame == old.frame && new.address == old.address;
    walker.steps.iter().zip(last).take_while(same).count()
}

/// What stands for the caller of an outermost frame. A frame object that is being made or has died has no caller either, so
/// that a chain which ends in one would look like a whole stack: being outermost is an edge that has to be believed, too.
const NOBODY: Frame = Frame { code: CodeKey(u32::MAX), offset: -1 };

/// The caller of a step.
fn caller(steps: &[Step], index: usize) -> Frame {
    index.checked_sub(1).map_or(NOBODY, |before| steps[before].frame)
}

/// How many steps, from the root, have call edges that are believed already. Nothing is learnt from them.
fn known(tools: &Tools<'_>, walker: &Walker, last: &[Step]) -> usize {
    let steps = &walker.steps;
    let believed = |index: &usize| tools.edges.proven(caller(steps, *index), steps[*index].frame.code);
    let start = common(walker, last);
    start + (start..steps.len()).take_while(believed).count()
}

/// Believes the call edges of a stack: see [`super::edges::Edges`]. The second copy proves those that are new.
fn verify(copy: &Copy<'_>, tools: &mut Tools<'_>, walker: &mut Walker, last: &[Step]) -> Result<(), Lack> {
    let layout = tools.objects.layout;
    let unchanged = |step: &Step, standing: bool| copy.unchanged(layout, step.address, standing);
    let mut doubt = None;
    for index in common(walker, last)..walker.steps.len() {
        let (from, callee) = (caller(&walker.steps, index), &walker.steps[index]);
        let stands = || index.checked_sub(1).is_none_or(|before| unchanged(&walker.steps[before], true));
        if tools.edges.proven(from, callee.frame.code) {
            tools.edges.passed(from, callee.frame.code);
        } else if stands() && unchanged(callee, index == 0) {
            tools.edges.prove(from, callee.frame.code);
        } else if !tools.edges.seen(from, callee.frame.code, true) {
            doubt = doubt.or(Some(index));
        }
    }
    walker.proven = doubt.unwrap_or(walker.steps.len());
    if doubt.is_some() { Err(Lack::Second) } else { Ok(()) }
}

fn step(tools: &mut Tools<'_>, address: u64, bytes: &[u8]) -> Option<Step> {
    let layout = &tools.objects.layout.frame;
    let Mark::Flag { executing } = tools.objects.dialect.mark else { return None };
    if byte(bytes, layout.executing) != executing {
        return None;
    }
    let code = word(bytes, layout.code);
    let placed = tools.codes.intern(&tools.objects, code, tools.now)?;
    let offset = int(bytes, layout.instruction).checked_mul(tools.objects.dialect.offset_unit)?;
    if offset >= placed.length.cast_signed() || offset < -2 {
        return None;
    }
    Some(Step::linked(address, code, Frame { code: placed.key, offset: offset.max(-1) }))
}
