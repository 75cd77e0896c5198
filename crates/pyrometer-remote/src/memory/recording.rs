//! The bytes of a real walk, kept: the fixture of offline tests and of fuzzing.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::{Fault, Memory, Span};
use crate::{Error, ErrorKind, Result};

/// Bytes are kept in lines of this many, each whole and at a multiple of its size.
const LINE: u64 = 64;
const MAGIC: &[u8; 8] = b"pyrorec1";
/// No recording is larger when unpacked.
const MAX_BYTES: usize = 64 << 20;

/// Memory of a process that once was: address to bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recording {
    lines: BTreeMap<u64, [u8; LINE as usize]>,
    /// What the file's name, versions and expectations are: free text, one `key=value` a line.
    pub notes: String,
}

impl Recording {
    /// Packs the recording.
    ///
    /// # Errors
    /// When compression fails.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut plain = Vec::new();
        plain.extend_from_slice(&(self.notes.len() as u64).to_le_bytes());
        plain.extend_from_slice(self.notes.as_bytes());
        // Addresses first, as differences, then the bytes: both compress better apart.
        let mut last = 0;
        for &address in self.lines.keys() {
            plain.extend_from_slice(&(address.wrapping_sub(last) / LINE).to_le_bytes());
            last = address;
        }
        for line in self.lines.values() {
            plain.extend_from_slice(line);
        }
        let packed =
            zstd::bulk::compress(&plain, 19).map_err(|e| Error::new(ErrorKind::BadRecording, e.to_string()))?;
        Ok([MAGIC, &(self.lines.len() as u64).to_le_bytes()[..], &packed].concat())
    }

    /// Unpacks a recording.
    ///
    /// # Errors
    /// When it is damaged.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let bad = |what: &str| Error::new(ErrorKind::BadRecording, what);
        let rest = bytes.strip_prefix(MAGIC).ok_or_else(|| bad("not a recording"))?;
        let (count, packed) = rest.split_first_chunk::<8>().ok_or_else(|| bad("too short"))?;
        let count = usize::try_from(u64::from_le_bytes(*count)).map_err(|_| bad("count"))?;
        let plain = zstd::bulk::decompress(packed, MAX_BYTES).map_err(|e| bad(&e.to_string()))?;
        let (length, plain) = plain.split_first_chunk::<8>().ok_or_else(|| bad("too short"))?;
        let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| bad("notes"))?;
        let (notes, plain) = plain.split_at_checked(length).ok_or_else(|| bad("notes"))?;
        let (addresses, data) = plain.split_at_checked(count.saturating_mul(8)).ok_or_else(|| bad("addresses"))?;
        let mut lines = BTreeMap::new();
        let mut last = 0_u64;
        for (address, line) in addresses.as_chunks::<8>().0.iter().zip(data.as_chunks::<{ LINE as usize }>().0) {
            last = last.wrapping_add(u64::from_le_bytes(*address).wrapping_mul(LINE));
            lines.insert(last, *line);
        }
        let notes = String::from_utf8(notes.to_vec()).map_err(|_| bad("notes are not UTF-8"))?;
        Ok(Self { lines, notes })
    }

    /// How many bytes of the process are in it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lines.len() * LINE as usize
    }

    /// Whether nothing was recorded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Exclusive-ors the byte at `position` (counted over all recorded bytes, modulo their number) with `value`: damage
    /// for tests of robustness.
    pub fn damage(&mut self, position: usize, value: u8) {
        let count = self.lines.len();
        if count == 0 {
            return;
        }
        let line = position / LINE as usize % count;
        if let Some(bytes) = self.lines.values_mut().nth(line) {
            bytes[position % LINE as usize] ^= value;
        }
    }

    fn line(&self, address: u64) -> Option<&[u8; LINE as usize]> {
        self.lines.get(&(address & !(LINE - 1)))
    }
}

impl Memory for Recording {
    fn read_many(&self, spans: &[Span], buffer: &mut [u8]) -> Result<usize, Fault> {
        let mut done = 0;
        for span in spans {
            let mut address = span.address;
            let mut left = span.length.min(buffer.len() - done);
            while left > 0 {
                let Some(line) = self.line(address) else {
                    return if done == 0 { Err(Fault::Unmapped { address }) } else { Ok(done) };
                };
                let start = (address % LINE) as usize;
                let count = left.min(LINE as usize - start);
                buffer[done..done + count].copy_from_slice(&line[start..start + count]);
                done += count;
                left -= count;
                address = address.wrapping_add(count as u64);
            }
        }
        Ok(done)
    }
}

/// Passes everything on to another memory and keeps what was read. The target must not run meanwhile (stop it, or let it
/// wait), or the lines are of different instants.
#[derive(Debug)]
pub struct RecordingMemory<M> {
    inner: M,
    recording: RefCell<Recording>,
}

impl<M: Memory> RecordingMemory<M> {
    /// Records what is read through it.
    pub fn new(inner: M) -> Self {
        Self { inner, recording: RefCell::default() }
    }

    /// What was read.
    pub fn finish(self) -> Recording {
        self.recording.into_inner()
    }
}

impl<M: Memory> Memory for RecordingMemory<M> {
    fn read_many(&self, spans: &[Span], buffer: &mut [u8]) -> Result<usize, Fault> {
        let done = self.inner.read_many(spans, buffer)?;
        let mut recording = self.recording.borrow_mut();
        let mut left = done;
        for span in spans {
            let length = span.length.min(left);
            left -= length;
            if length == 0 {
                break;
            }
            let mut address = span.address & !(LINE - 1);
            while address < span.address.wrapping_add(length as u64) {
                if let std::collections::btree_map::Entry::Vacant(slot) = recording.lines.entry(address) {
                    let mut line = [0; LINE as usize];
                    self.inner.read(address, &mut line)?;
                    slot.insert(line);
                }
                address += LINE;
            }
        }
        Ok(done)
    }
}
