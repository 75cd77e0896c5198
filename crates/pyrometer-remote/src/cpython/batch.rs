//! One batched read: what is wanted, and what came.

use std::time::Instant;

use crate::memory::{Fault, Memory, Span};

/// Spans to read in one go, and their bytes. Reused from snapshot to snapshot.
#[derive(Debug, Default)]
pub struct Batch {
    spans: Vec<Span>,
    offsets: Vec<usize>,
    buffer: Vec<u8>,
    length: usize,
    done: usize,
    /// How long the last read took, in nanoseconds.
    pub elapsed: u64,
}

/// No batch is larger: a plan made from garbage must not take all memory.
const LARGEST: usize = 32 << 20;

impl Batch {
    /// Forgets everything.
    pub fn clear(&mut self) {
        self.spans.clear();
        self.offsets.clear();
        self.length = 0;
        self.done = 0;
    }

    /// Wants `length` bytes at `address`; the index to ask [`Self::bytes`] for. Too much in all is cut.
    pub fn add(&mut self, address: u64, length: usize) -> usize {
        let length = length.min(LARGEST - self.length);
        self.spans.push(Span { address, length });
        self.offsets.push(self.length);
        self.length += length;
        self.spans.len() - 1
    }

    /// Reads all. What could not be read is empty in [`Self::bytes`].
    ///
    /// # Errors
    /// When not even the first span can be read.
    pub fn read(&mut self, memory: &dyn Memory) -> Result<(), Fault> {
        if self.buffer.len() < self.length {
            self.buffer.resize(self.length, 0);
        }
        let start = Instant::now();
        let result = memory.read_many(&self.spans, &mut self.buffer[..self.length]);
        self.elapsed = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.done = result.unwrap_or(0);
        result.map(|_| ())
    }

    /// The bytes of a span; empty where they could not be read whole.
    #[inline]
    pub fn bytes(&self, index: usize) -> &[u8] {
        let (Some(span), Some(&offset)) = (self.spans.get(index), self.offsets.get(index)) else { return &[] };
        let end = offset + span.length;
        if end > self.done { &[] } else { &self.buffer[offset..end] }
    }

    /// How many bytes and spans are wanted.
    pub fn size(&self) -> (usize, usize) {
        (self.length, self.spans.len())
    }

    /// Whether everything was read.
    pub fn complete(&self) -> bool {
        self.done == self.length
    }

    /// The first span that could not be read.
    pub fn first_missing(&self) -> Option<usize> {
        if self.complete() {
            return None;
        }
        (0..self.spans.len()).find(|&index| self.offsets[index] + self.spans[index].length > self.done)
    }
}
