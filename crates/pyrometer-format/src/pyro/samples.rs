//! Blocks of sample runs.
//!
//! What compresses best, after what runs look like: threads that are sampled at one instant share it, so instants are a
//! table of the block and a run says only by how many entries of it it is long (nearly always as many as it has samples);
//! the few stacks of a block get small numbers, the frequent ones the smallest; flags are told as a difference to the last
//! run with the same stack; CPU time as what is missing to the wall time.

use pyrometer_model::{Flags, Nanoseconds, SampleRun, StackId, ThreadId};
use rustc_hash::FxHashMap;

use super::bytes::{Cursor, put_varint, unzigzag, zigzag};
use super::column::{Packer, Unpacker};
use super::frame::MAX_ENTRIES;
use crate::{Error, ErrorKind, Result};

/// What is known of a block of runs without unpacking it: the beginning of its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) struct SamplesHead {
    /// Runs in it, at least one.
    pub(super) runs: u64,
    /// The sum of their counts.
    pub(super) samples: u64,
    /// The earliest start.
    pub(super) start: u64,
    /// The latest end.
    pub(super) end: u64,
    /// One more than the highest thread id.
    pub(super) threads: u64,
    /// One more than the highest stack id.
    pub(super) stacks: u64,
}

impl SamplesHead {
    fn of(runs: &[SampleRun]) -> Self {
        let mut head = Self { start: u64::MAX, ..Self::default() };
        for run in runs {
            head.runs += 1;
            head.samples += u64::from(run.count);
            head.start = head.start.min(run.start.0);
            head.end = head.end.max(run.end().0);
            head.threads = head.threads.max(u64::from(run.thread.0) + 1);
            head.stacks = head.stacks.max(u64::from(run.stack.0) + 1);
        }
        head
    }

    fn encode(self, out: &mut Vec<u8>) {
        for value in [self.runs, self.samples, self.start, self.end - self.start, self.threads, self.stacks] {
            put_varint(out, value);
        }
    }

    /// Reads the beginning of a block of runs.
    pub(super) fn decode(cursor: &mut Cursor<'_>) -> Result<Self> {
        let runs = cursor.size("runs", MAX_ENTRIES)? as u64;
        let [samples, start, length, threads, stacks] = [(); 5].map(|()| cursor.varint());
        let (samples, start, threads, stacks) = (samples?, start?, threads?, stacks?);
        let end = start.checked_add(length?).ok_or_else(|| cursor.damaged("a block that ends after all time"))?;
        if runs == 0 {
            return Err(cursor.damaged("a block without runs"));
        }
        Ok(Self { runs, samples, start, end, threads, stacks })
    }
}

/// Checks what a reader will check.
///
/// # Errors
/// [`ErrorKind::Invalid`], naming the run.
pub(super) fn check(runs: &[SampleRun], threads: usize, stacks: usize) -> Result<()> {
    for run in runs {
        let what = if run.thread.index() >= threads {
            "a thread that is not in the dictionary"
        } else if run.stack.index() >= stacks {
            "a stack that is not in the dictionary"
        } else if run.count == 0 {
            "no samples"
        } else if run.start.0.checked_add(run.wall.0).is_none() {
            "an end after all time"
        } else {
            continue;
        };
        return Err(Error::new(ErrorKind::Invalid, format!("the run at {} ns has {what}", run.start.0)));
    }
    Ok(())
}

/// Writes blocks of runs; holds the buffers.
#[derive(Default)]
pub(super) struct SamplesEncoder {
    instants: Vec<u64>,
    slots: FxHashMap<u32, u32>,
    columns: [Vec<u64>; 7],
}

impl SamplesEncoder {
    /// Appends the payload of a block with `runs`, which [`check`] has found to be right and which are at least one.
    pub(super) fn encode(&mut self, runs: &[SampleRun], packer: &mut Packer, out: &mut Vec<u8>) -> Result<SamplesHead> {
        let head = SamplesHead::of(runs);
        head.encode(out);
        self.instants.clear();
        self.instants.extend(runs.iter().flat_map(|run| [run.start.0, run.end().0]));
        self.instants.sort_unstable();
        self.instants.dedup();
        let gaps = || self.instants.windows(2).map(|pair| pair[1] - pair[0]);
        let unit = common_unit(gaps());
        put_varint(out, unit);
        put_varint(out, self.instants.len() as u64);
        let gaps: Vec<u64> = gaps().map(|gap| gap / unit).collect();
        packer.column(out, &gaps)?;
        let threads = table(&mut self.slots, runs.iter().map(|run| run.thread.0));
        put_table(packer, out, &threads)?;
        let [thread_column, stack_column, ..] = &mut self.columns;
        replace(thread_column, runs.iter().map(|run| self.slots[&run.thread.0].into()));
        let stacks = table(&mut self.slots, runs.iter().map(|run| run.stack.0));
        put_table(packer, out, &stacks)?;
        replace(stack_column, runs.iter().map(|run| self.slots[&run.stack.0].into()));
        self.fill(runs, threads.len(), stacks.len());
        self.columns[..6].iter().try_for_each(|column| packer.column(out, column))?;
        encode_cpu(runs, &mut self.columns[6], packer, out)?;
        Ok(head)
    }

    /// Fills the columns of flags, starts, widths and counts.
    fn fill(&mut self, runs: &[SampleRun], threads: usize, stacks: usize) {
        let [thread_column, stack_column, flags, starts, widths, counts, _] = &mut self.columns;
        for column in [&mut *flags, starts, widths, counts] {
            column.clear();
        }
        let mut last_flags = vec![0_u8; stacks];
        let mut last_end = vec![0_usize; threads];
        for (run, (&thread, &stack)) in runs.iter().zip(thread_column.iter().zip(stack_column.iter())) {
            let last_flags = &mut last_flags[index(stack)];
            flags.push((run.flags.0 ^ *last_flags).into());
            *last_flags = run.flags.0;
            let last_end = &mut last_end[index(thread)];
            let find = |instant: u64| self.instants.binary_search(&instant).unwrap_or_else(|near| near);
            // A run nearly always begins where the thread's last one ended.
            let start = if self.instants[*last_end] == run.start.0 { *last_end } else { find(run.start.0) };
            let end = find(run.end().0);
            starts.push(zigzag(start as i64 - *last_end as i64));
            let width = (end - start) as u64;
            widths.push(width);
            counts.push(zigzag(i64::from(run.count) - width.max(1).cast_signed()));
            *last_end = end;
        }
    }
}

fn index(slot: u64) -> usize {
    usize::try_from(slot).unwrap_or(usize::MAX)
}

fn replace(column: &mut Vec<u64>, values: impl Iterator<Item = u64>) {
    column.clear();
    column.extend(values);
}

/// The greatest power of ten up to a million that divides all `values`: recorders keep time in microseconds or coarser.
fn common_unit(values: impl Iterator<Item = u64>) -> u64 {
    values.fold(1_000_000, |mut unit, value| {
        while value % unit != 0 {
            unit /= 10;
        }
        unit
    })
}

/// The distinct ids, the frequent ones first, and in `slots` where each of them is. Ids of about the same frequency are
/// in their order, so that the table itself is small.
fn table(slots: &mut FxHashMap<u32, u32>, ids: impl Iterator<Item = u32>) -> Vec<u64> {
    slots.clear();
    for id in ids {
        *slots.entry(id).or_insert(0) += 1;
    }
    let mut order: Vec<(u32, u32)> = slots.iter().map(|(&id, &count)| (count.leading_zeros(), id)).collect();
    order.sort_unstable();
    for ((_, id), slot) in order.iter().zip(0..) {
        slots.insert(*id, slot);
    }
    order.into_iter().map(|(_, id)| id.into()).collect()
}

fn put_table(packer: &mut Packer, out: &mut Vec<u8>, ids: &[u64]) -> Result<()> {
    put_varint(out, ids.len() as u64);
    packer.column(out, ids)
}

/// CPU times as they are.
const CPU_PLAIN: u64 = 0;
/// CPU times as what is missing to the wall time, for runs on a CPU.
const CPU_MISSING: u64 = 1;

fn encode_cpu(runs: &[SampleRun], column: &mut Vec<u64>, packer: &mut Packer, out: &mut Vec<u8>) -> Result<()> {
    let signed = |value: Nanoseconds| i64::try_from(value.0).ok();
    let missing = |run: &SampleRun| {
        if run.flags.contains(Flags::ON_CPU) { Some(signed(run.wall)? - signed(run.cpu)?) } else { signed(run.cpu) }
    };
    // How far the numbers are from zero decides; times beyond 292 years are left as they are.
    let distance = runs.iter().try_fold(0_u64, |sum, run| {
        let bits = |value: u64| u64::from(64 - value.leading_zeros());
        Some(sum + bits(missing(run)?.unsigned_abs()))
    });
    let plain = runs.iter().map(|run| u64::from(64 - run.cpu.0.leading_zeros())).sum();
    let (mode, unit);
    if distance.is_some_and(|distance| distance < plain) {
        let values = || runs.iter().map(|run| missing(run).unwrap_or_default());
        mode = CPU_MISSING;
        unit = common_unit(values().map(i64::unsigned_abs));
        replace(column, values().map(|value| zigzag(value / unit.cast_signed())));
    } else {
        mode = CPU_PLAIN;
        unit = common_unit(runs.iter().map(|run| run.cpu.0));
        replace(column, runs.iter().map(|run| run.cpu.0 / unit));
    }
    put_varint(out, mode);
    put_varint(out, unit);
    packer.column(out, column)
}

/// Reads blocks of runs; holds the buffers.
pub(super) struct SamplesDecoder {
    unpacker: Unpacker,
    instants: Vec<u64>,
    threads: Vec<u64>,
    stacks: Vec<u64>,
    columns: [Vec<u64>; 7],
}

impl SamplesDecoder {
    pub(super) fn new() -> Result<Self> {
        Ok(Self {
            unpacker: Unpacker::new()?,
            instants: Vec::new(),
            threads: Vec::new(),
            stacks: Vec::new(),
            columns: Default::default(),
        })
    }

    /// Reads the block whose payload begins at `offset` into `runs`, replacing what is in it. The dictionary has `known`
    /// threads and stacks.
    pub(super) fn decode(
        &mut self,
        payload: &[u8],
        offset: u64,
        known: (usize, usize),
        runs: &mut Vec<SampleRun>,
    ) -> Result<SamplesHead> {
        let cursor = &mut Cursor::new(payload, offset);
        let head = SamplesHead::decode(cursor)?;
        if head.threads > known.0 as u64 || head.stacks > known.1 as u64 {
            return Err(cursor.damaged("runs of threads or stacks that are not in the dictionary"));
        }
        self.instants(cursor, head)?;
        let count = index(head.runs);
        read_table(cursor, &mut self.unpacker, &mut self.threads, head.threads, count)?;
        read_table(cursor, &mut self.unpacker, &mut self.stacks, head.stacks, count)?;
        for column in &mut self.columns[..6] {
            self.unpacker.column(cursor, count, column)?;
        }
        let mode = cursor.varint()?;
        let unit = cursor.varint()?;
        if mode > CPU_MISSING {
            return Err(cursor.damaged(format!("unknown way {mode} to tell CPU times")));
        }
        self.unpacker.column(cursor, count, &mut self.columns[6])?;
        runs.clear();
        runs.reserve(count);
        let whole = self.runs(mode, unit, runs);
        let found = whole.map(|()| SamplesHead { threads: head.threads, stacks: head.stacks, ..SamplesHead::of(runs) });
        if found != Some(head) {
            return Err(cursor.damaged("runs that contradict their block's head"));
        }
        Ok(head)
    }

    fn instants(&mut self, cursor: &mut Cursor<'_>, head: SamplesHead) -> Result<()> {
        let unit = cursor.varint()?;
        let length = cursor.size("instants", 2 * head.runs)?;
        if length == 0 {
            return Err(cursor.damaged("a block without instants"));
        }
        self.unpacker.column(cursor, length - 1, &mut self.instants)?;
        let mut last = Some(head.start);
        self.instants.insert(0, 0);
        for instant in &mut self.instants {
            last = instant.checked_mul(unit).and_then(|gap| last?.checked_add(gap));
            *instant = last.ok_or_else(|| cursor.damaged("an instant after all time"))?;
        }
        Ok(())
    }

    /// Puts the columns together; none where they contradict one another.
    fn runs(&self, mode: u64, unit: u64, runs: &mut Vec<SampleRun>) -> Option<()> {
        let [threads, stacks, flags, starts, widths, counts, cpus] = &self.columns;
        let mut last_flags = vec![0_u8; self.stacks.len()];
        let mut last_end = vec![0_usize; self.threads.len()];
        for n in 0..threads.len() {
            let (thread, stack) = (index(threads[n]), index(stacks[n]));
            let flags_now = last_flags.get_mut(stack)?;
            *flags_now ^= u8::try_from(flags[n]).ok()?;
            let end = last_end.get_mut(thread)?;
            let start = usize::try_from((*end as i64).checked_add(unzigzag(starts[n]))?).ok()?;
            *end = start.checked_add(usize::try_from(widths[n]).ok()?)?;
            let count = widths[n].max(1).checked_add_signed(unzigzag(counts[n])).filter(|&count| count > 0)?;
            let start = *self.instants.get(start)?;
            let wall = *self.instants.get(*end)? - start;
            let on_cpu = Flags(*flags_now).contains(Flags::ON_CPU);
            let cpu = match mode {
                CPU_PLAIN => cpus[n].checked_mul(unit)?,
                _ => {
                    let value = unzigzag(cpus[n]).checked_mul(i64::try_from(unit).ok()?)?;
                    let cpu = if on_cpu { i64::try_from(wall).ok()?.checked_sub(value)? } else { value };
                    u64::try_from(cpu).ok()?
                }
            };
            runs.push(SampleRun {
                thread: ThreadId(u32::try_from(self.threads[thread]).ok()?),
                stack: StackId(u32::try_from(self.stacks[stack]).ok()?),
                flags: Flags(*flags_now),
                start: Nanoseconds(start),
                count: u32::try_from(count).ok()?,
                wall: Nanoseconds(wall),
                cpu: Nanoseconds(cpu),
            });
        }
        Some(())
    }
}

/// Reads a table of ids that are below `limit`, at most one a run.
fn read_table(
    cursor: &mut Cursor<'_>,
    unpacker: &mut Unpacker,
    ids: &mut Vec<u64>,
    limit: u64,
    runs: usize,
) -> Result<()> {
    let length = cursor.size("entries", runs as u64)?;
    unpacker.column(cursor, length, ids)?;
    match ids.iter().find(|&&id| id >= limit) {
        Some(id) => Err(cursor.damaged(format!("id {id} in a block that says all are below {limit}"))),
        None => Ok(()),
    }
}
