//! Reading a capture without its index: one that was cut short, or damaged.

use pyrometer_model::Dictionary;

use super::bytes::Cursor;
use super::dictionary::DictionaryReader;
use super::frame::{
    BLOCK_HEADER, BLOCK_MAGIC, BlockHeader, FILE_HEADER, FOOTER, Kind, header_at, index_offset, payload_at,
};
use super::index::Entry;
use super::reader::{Limits, Recovery};
use super::samples::SamplesHead;
use super::source::ReadAt;
use crate::{Error, ErrorKind, Result};

/// How much is read at a time while looking for the next block behind a damaged one.
const WINDOW: usize = 64 << 10;

/// What is whole in `source`: the dictionary, the blocks of runs, and what is not (none for a whole file).
pub(super) fn scan(source: &impl ReadAt, limits: Limits) -> Result<(Dictionary, Vec<Entry>, Option<Recovery>)> {
    let mut scan = Scan {
        dictionary: DictionaryReader::new(limits.dictionary_bytes)?,
        entries: Vec::new(),
        payload: Vec::new(),
        recovery: Recovery { bytes_cut: 0, damaged: 0, ended: false },
    };
    let end = scan.blocks(source)?;
    let Scan { dictionary, entries, mut recovery, .. } = scan;
    recovery.bytes_cut += source.size() - end;
    let mut dictionary = dictionary.finish(true)?;
    dictionary.audit.bytes_cut = recovery.bytes_cut;
    let whole = recovery.ended && recovery.bytes_cut == 0;
    Ok((dictionary, entries, (!whole).then_some(recovery)))
}

struct Scan {
    dictionary: DictionaryReader,
    entries: Vec<Entry>,
    payload: Vec<u8>,
    recovery: Recovery,
}

/// What becomes of a block.
enum Fate {
    Kept,
    /// It is damaged, or refers to what is lost; what is behind it need not be.
    LeftOut,
    /// It is a part of the dictionary that cannot be read: what is behind it cannot be understood.
    Last,
}

impl Scan {
    /// Takes in every block that is whole, and gives the offset behind the last of them.
    fn blocks(&mut self, source: &impl ReadAt) -> Result<u64> {
        let mut end = FILE_HEADER;
        let mut offset = FILE_HEADER;
        loop {
            let Some(header) = header_at(source, offset)? else {
                match next_block(source, offset + 1)? {
                    Some(next) => offset = next,
                    None => return Ok(end),
                }
                continue;
            };
            let fate = self.block(source, offset, header)?;
            if matches!(fate, Fate::Last) {
                self.recovery.damaged += 1;
                return Ok(end);
            }
            let lost = if matches!(fate, Fate::Kept) { offset - end } else { offset + header.total() - end };
            self.recovery.bytes_cut += lost;
            self.recovery.damaged += u64::from(lost > 0);
            offset += header.total();
            end = offset;
            if header.kind == Kind::Index as u8 && ends_at(source, offset)? {
                self.recovery.ended = true;
                return Ok(offset + FOOTER as u64);
            }
        }
    }

    fn block(&mut self, source: &impl ReadAt, offset: u64, header: BlockHeader) -> Result<Fate> {
        let kind = Kind::from_number(header.kind);
        let whole = payload_at(source, offset, header, &mut self.payload)?;
        let behind = offset + BLOCK_HEADER as u64;
        match kind {
            None => Ok(if whole { Fate::Kept } else { Fate::LeftOut }),
            Some(Kind::Index | Kind::Audit | Kind::Info) if !whole => Ok(Fate::LeftOut),
            Some(Kind::Samples) => {
                if !whole {
                    return Ok(Fate::LeftOut);
                }
                let Ok(head) = SamplesHead::decode(&mut Cursor::new(&self.payload, behind)) else {
                    return Ok(Fate::LeftOut);
                };
                let known = self.dictionary.dictionary();
                if head.threads > known.threads().len() as u64 || head.stacks > known.stacks.len() as u64 {
                    return Ok(Fate::LeftOut);
                }
                self.entries.push(Entry { kind: header.kind, offset, length: header.length, head });
                Ok(Fate::Kept)
            }
            Some(_) if !whole => Ok(Fate::Last),
            Some(_) => match self.dictionary.block(header.kind, &self.payload, behind) {
                Ok(()) => Ok(Fate::Kept),
                // What the limits forbid is not damage: the person who opens it has to know.
                Err(error) if error.kind == ErrorKind::TooLarge => Err(error),
                Err(_) => Ok(Fate::Last),
            },
        }
    }
}

/// Whether a whole footer is at `offset`.
fn ends_at(source: &impl ReadAt, offset: u64) -> Result<bool> {
    let mut bytes = [0; FOOTER];
    if offset + FOOTER as u64 > source.size() {
        return Ok(false);
    }
    source.read_at(offset, &mut bytes).map_err(|error| Error::io("reading the capture's end", &error))?;
    Ok(index_offset(&bytes).is_some())
}

/// The offset of the next block at or behind `offset` whose header is whole.
fn next_block(source: &impl ReadAt, mut offset: u64) -> Result<Option<u64>> {
    let mut window = vec![0; WINDOW];
    while offset + (BLOCK_HEADER as u64) <= source.size() {
        let length = usize::try_from(source.size() - offset).map_or(WINDOW, |left| left.min(WINDOW));
        let window = &mut window[..length];
        source.read_at(offset, window).map_err(|error| Error::io("looking for the next block", &error))?;
        for (at, bytes) in (offset..).zip(window.windows(BLOCK_MAGIC.len())) {
            if bytes == BLOCK_MAGIC && header_at(source, at)?.is_some() {
                return Ok(Some(at));
            }
        }
        // The windows overlap by what a magic number on the border needs.
        offset += (length - BLOCK_MAGIC.len() + 1) as u64;
    }
    Ok(None)
}
