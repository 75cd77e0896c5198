//! The index: where every block is, and what the blocks of runs hold.

use super::bytes::{Cursor, put_varint};
use super::column::{Packer, Unpacker};
use super::frame::{BLOCK_HEADER, FILE_HEADER, Kind, MAX_BLOCKS};
use super::samples::SamplesHead;
use crate::{Error, ErrorKind, Result};

/// One block of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) kind: u8,
    /// Of the block's header in the file.
    pub(super) offset: u64,
    /// Of the payload.
    pub(super) length: u32,
    /// Of a block of runs what they are, zeros for the others; `threads` and `stacks` are not kept.
    pub(super) head: SamplesHead,
}

impl Entry {
    fn end(&self) -> u64 {
        self.offset + BLOCK_HEADER as u64 + u64::from(self.length)
    }
}

/// Appends the entries, which are in the file's order.
pub(super) fn encode(entries: &[Entry], packer: &mut Packer, out: &mut Vec<u8>) -> Result<()> {
    if entries.len() as u64 > MAX_BLOCKS {
        let what = format!("{} blocks, at most {MAX_BLOCKS} can be listed", entries.len());
        return Err(Error::new(ErrorKind::TooLarge, what));
    }
    put_varint(out, entries.len() as u64);
    let samples = || entries.iter().filter(|entry| entry.kind == Kind::Samples as u8).map(|entry| entry.head);
    let mut end = FILE_HEADER;
    let gaps = entries.iter().map(|entry| {
        let gap = entry.offset - end;
        end = entry.end();
        gap
    });
    let columns: [Vec<u64>; 7] = [
        entries.iter().map(|entry| entry.kind.into()).collect(),
        gaps.collect(),
        entries.iter().map(|entry| entry.length.into()).collect(),
        samples().map(|head| head.runs).collect(),
        samples().map(|head| head.samples).collect(),
        samples().map(|head| head.start).collect(),
        samples().map(|head| head.end - head.start).collect(),
    ];
    columns.iter().try_for_each(|column| packer.column(out, column))
}

/// Reads the entries of an index block whose header is at `index` in the file; they all lie before it.
pub(super) fn decode(cursor: &mut Cursor<'_>, index: u64) -> Result<Vec<Entry>> {
    // A block is never shorter than its header, so a file has room for only so many: nothing larger is allocated.
    let count = cursor.size("blocks", MAX_BLOCKS.min(index / BLOCK_HEADER as u64))?;
    let mut unpacker = Unpacker::new()?;
    let [mut kinds, mut gaps, mut lengths] = [const { Vec::new() }; 3];
    for column in [&mut kinds, &mut gaps, &mut lengths] {
        unpacker.column(cursor, count, column)?;
    }
    let samples = kinds.iter().filter(|&&kind| kind == Kind::Samples as u64).count();
    let mut heads = [const { Vec::new() }; 4];
    for column in &mut heads {
        unpacker.column(cursor, samples, column)?;
    }
    let mut entries = Vec::with_capacity(count);
    let mut sample = 0;
    let mut end = FILE_HEADER;
    for n in 0..count {
        let wrong = || cursor.damaged(format!("entry {n} of the index is not a block before it"));
        let kind = u8::try_from(kinds[n]).map_err(|_| wrong())?;
        let length = u32::try_from(lengths[n]).map_err(|_| wrong())?;
        let offset = end.checked_add(gaps[n]).filter(|&offset| offset <= index).ok_or_else(wrong)?;
        let mut entry = Entry { kind, offset, length, head: SamplesHead::default() };
        if kind == Kind::Samples as u8 {
            let [runs, samples, start, length] = [0, 1, 2, 3].map(|column: usize| heads[column][sample]);
            let end = start.checked_add(length).ok_or_else(wrong)?;
            entry.head = SamplesHead { runs, samples, start, end, ..SamplesHead::default() };
            sample += 1;
        }
        end = entry.end();
        if end > index {
            return Err(wrong());
        }
        entries.push(entry);
    }
    Ok(entries)
}
