//! The stack of one thread on 3.8–3.10: frame objects on the heap, each pointing to its caller.
//!
//! The objects' addresses are foreseen from the last snapshot, callers first, and neighbouring ones are read together. A
//! live frame is marked as executing; a dead one is not, and has no caller (`f_back` is cleared by `frame_dealloc`,
//! Objects/frameobject.c). The frames nearest the leaf are read again behind all others: a pair of caller and callee that
//! was never seen before is believed when the caller was the same before and after the callee was seen alive under it.

use super::batch::Batch;
use super::bytes::{byte, int, word};
use super::chunked::{Lack, Step, Walker};
use super::dialect::Mark;
use super::layout::Layout;
use super::snapshot::Frame;
use super::thread::Tools;

/// Objects whose addresses are at most this far apart are read in one span.
const GAP: u64 = 768;
/// No stack is deeper.
const DEEPEST: usize = 100_000;
/// How many frames nearest the leaf are read a second time.
const AGAIN: usize = 8;

/// Which spans of a batch have which frame objects.
#[derive(Debug, Default, Clone)]
pub struct Plan {
    /// Sorted by address: address of the span's first byte, its length, its index in the batch.
    spans: Vec<(u64, usize, usize)>,
    again: Vec<(u64, usize)>,
    length: usize,
    sorted: Vec<u64>,
}

/// The bytes read by a plan.
pub struct Copy<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// The batch that carried it out.
    pub batch: &'a Batch,
    /// Index of the thread state's span.
    pub state: usize,
}

impl Plan {
    /// Adds spans for the frame objects at `addresses` (leaf first).
    pub fn add(&mut self, batch: &mut Batch, addresses: &[u64], layout: &Layout) {
        self.spans.clear();
        self.again.clear();
        self.length = header_length(layout);
        self.sorted.clear();
        self.sorted.extend_from_slice(addresses);
        self.sorted.sort_unstable();
        let mut run: Option<(u64, u64)> = None;
        for index in 0..self.sorted.len() {
            let address = self.sorted[index];
            let end = address + self.length as u64;
            run = match run {
                Some((start, last)) if address <= last + GAP => Some((start, end)),
                Some(run) => {
                    self.push(batch, run);
                    Some((address, end))
                }
                None => Some((address, end)),
            };
        }
        if let Some(run) = run {
            self.push(batch, run);
        }
        for &address in addresses.iter().take(AGAIN) {
            self.again.push((address, batch.add(address, self.length)));
        }
    }

    fn push(&mut self, batch: &mut Batch, (start, end): (u64, u64)) {
        let length = usize::try_from(end - start).unwrap_or(0);
        self.spans.push((start, length, batch.add(start, length)));
    }

    fn bytes<'a>(&self, batch: &'a Batch, address: u64) -> &'a [u8] {
        let behind = self.spans.partition_point(|span| span.0 <= address);
        let Some(&(start, _, index)) = behind.checked_sub(1).and_then(|index| self.spans.get(index)) else {
            return &[];
        };
        let offset = usize::try_from(address - start).unwrap_or(usize::MAX);
        batch.bytes(index).get(offset..offset.saturating_add(self.length)).unwrap_or_default()
    }
}

fn header_length(layout: &Layout) -> usize {
    layout.frame.executing.max(layout.frame.instruction) as usize + 8
}

/// Follows the frames from the leaf to the root. `addresses` becomes the prediction for the next read: whatever was found.
pub fn decode(
    copy: &Copy<'_>,
    tools: &mut Tools<'_>,
    walker: &mut Walker,
    addresses: &mut Vec<u64>,
    last: &[Step],
) -> Result<(), Lack> {
    walker.steps.clear();
    walker.proven = 0;
    let layout = tools.objects.layout;
    let mut next = word(copy.batch.bytes(copy.state), layout.thread.frame);
    if next == 0 {
        addresses.clear();
        return Ok(());
    }
    let mut extra = vec![0; header_length(layout)];
    let mut found = Vec::with_capacity(addresses.len());
    let mut late = false;
    let mut outcome = Ok(());
    while next != 0 {
        if found.len() >= DEEPEST {
            break;
        }
        let mut bytes = copy.plan.bytes(copy.batch, next);
        if bytes.is_empty() {
            // Not foreseen: read now, to know for the next try. What is read late proves nothing about the rest.
            late = true;
            if tools.objects.memory.read(next, &mut extra).is_err() {
                outcome = Err(Lack::Torn);
                break;
            }
            bytes = &extra;
        }
        let Some(step) = step(tools, next, bytes) else {
            // Between becoming the thread's frame and executing, and between having executed and giving way to its caller
            // (_PyEval_EvalFrameDefault, Python/ceval.c), the frame is not marked: the caller is the leaf then.
            let back = word(bytes, layout.frame.previous);
            if found.is_empty() && back != 0 && back != next {
                found.push(next);
                next = back;
                continue;
            }
            outcome = Err(Lack::Torn);
            break;
        };
        found.push(next);
        walker.steps.push(step);
        next = word(bytes, layout.frame.previous);
    }
    walker.steps.reverse();
    std::mem::swap(addresses, &mut found);
    outcome?;
    if late {
        return Err(Lack::Chunks);
    }
    verify(copy, tools, walker, last)
}

/// Believes the call edges of a stack: see [`super::edges::Edges`]. The second readings prove those that are new.
fn verify(copy: &Copy<'_>, tools: &mut Tools<'_>, walker: &mut Walker, last: &[Step]) -> Result<(), Lack> {
    let layout = tools.objects.layout;
    let unchanged = |step: &Step, standing: bool| {
        let Some(&(_, index)) = copy.plan.again.iter().find(|again| again.0 == step.address) else { return false };
        let (first, second) = (copy.plan.bytes(copy.batch, step.address), copy.batch.bytes(index));
        let same = |field: u32| word(first, field) == word(second, field);
        let stands = || int(first, layout.frame.instruction) == int(second, layout.frame.instruction);
        !second.is_empty() && same(layout.frame.previous) && same(layout.frame.code) && (!standing || stands())
    };
    let same = |(new, old): &(&Step, &Step)| new.frame == old.frame && new.address == old.address;
    let common = walker.steps.iter().zip(last).take_while(same).count();
    let mut doubt = None;
    for index in common.max(1)..walker.steps.len() {
        let (caller, callee) = (&walker.steps[index - 1], &walker.steps[index]);
        if tools.edges.proven(caller.frame, callee.frame.code) {
            tools.edges.passed(caller.frame, callee.frame.code);
        } else if unchanged(caller, true) && unchanged(callee, false) {
            tools.edges.prove(caller.frame, callee.frame.code);
        } else if !tools.edges.seen(caller.frame, callee.frame.code, true) {
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
