//! Opening a capture and reading its runs.

use std::fmt;

use pyrometer_model::{Dictionary, Nanoseconds, SampleRun, SampleSource, SourceError};

use super::bytes::{Cursor, damaged};
use super::dictionary::DictionaryReader;
use super::frame::{BLOCK_HEADER, BlockHeader, FOOTER, Kind, check_file_header, header_at, index_offset, payload_at};
use super::index::{self, Entry};
use super::recover;
use super::samples::{SamplesDecoder, SamplesHead};
use super::source::ReadAt;
use crate::{Error, Result};

/// What a reader grants a file that it does not trust.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// About how many bytes of memory the dictionary may take. The runs never take more than a block's, 3 MiB.
    pub dictionary_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { dictionary_bytes: 2 << 30 }
    }
}

/// What was found of a file that is not whole. Displayed, it is a sentence for the person who opened it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// Bytes of the file that could not be read.
    pub bytes_cut: u64,
    /// Blocks in the middle of the file, or stretches of it, that were damaged and left out.
    pub damaged: u64,
    /// Whether the recording had ended: its end was found, and what cannot be read lies elsewhere.
    pub ended: bool,
}

impl fmt::Display for Recovery {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places = if self.damaged == 1 { "one place" } else { &format!("{} places", self.damaged) };
        let lost = match self.bytes_cut {
            1 => "one byte is lost",
            bytes => &format!("{bytes} bytes are lost"),
        };
        match (self.ended, self.damaged) {
            (false, 0) => {
                formatter.write_str(
                    "the recording was cut off: what is there is whole, and up to a second before its end",
                )?;
                formatter.write_str(if self.bytes_cut == 0 { " may be missing" } else { " is missing" })
            }
            (false, _) => write!(formatter, "the recording is damaged in {places} and was cut off: {lost}"),
            (true, 0) if self.bytes_cut == 1 => {
                formatter.write_str("one byte behind its end does not belong to the capture")
            }
            (true, 0) => write!(formatter, "{} bytes behind its end do not belong to the capture", self.bytes_cut),
            (true, _) => write!(formatter, "the recording is damaged in {places}: {lost}"),
        }
    }
}

/// An open capture: its dictionary, in memory, and its runs, in the file.
pub struct Capture<S> {
    dictionary: Dictionary,
    samples: Samples<S>,
    recovery: Option<Recovery>,
}

impl<S: ReadAt> Capture<S> {
    /// Opens a capture. Of a whole one only the index and the dictionary are read. One without an end, as a recorder that
    /// was killed leaves it, is read through once and opens with every block that is whole; [`Capture::recovered`] says
    /// so, and the audit's `bytes_cut`.
    ///
    /// # Errors
    /// [`NotACapture`](crate::ErrorKind::NotACapture), [`NewerFormat`](crate::ErrorKind::NewerFormat);
    /// [`Damaged`](crate::ErrorKind::Damaged) where a whole capture contradicts itself: [`Capture::salvage`] may still read
    /// it; [`TooLarge`](crate::ErrorKind::TooLarge); what the source says.
    pub fn open(source: S) -> Result<Self> {
        Self::open_with(source, Limits::default())
    }

    /// As [`Capture::open`], with limits.
    ///
    /// # Errors
    /// As [`Capture::open`].
    pub fn open_with(source: S, limits: Limits) -> Result<Self> {
        check_file_header(&source)?;
        match read_index(&source)? {
            Some(entries) => {
                let dictionary = read_dictionary(&source, &entries, limits)?;
                let entries = entries.into_iter().filter(|entry| entry.kind == Kind::Samples as u8).collect();
                let samples = Samples::new(source, entries, &dictionary)?;
                Ok(Self { dictionary, samples, recovery: None })
            }
            None => Self::salvage(source, limits),
        }
    }

    /// Opens a capture without trust in its index, leaving out what is damaged: blocks of runs on their own, and from the
    /// first damaged block of the dictionary on everything, since what follows refers to it.
    ///
    /// # Errors
    /// As [`Capture::open`], but damage behind the file's header is not one.
    pub fn salvage(source: S, limits: Limits) -> Result<Self> {
        check_file_header(&source)?;
        let (dictionary, entries, recovery) = recover::scan(&source, limits)?;
        let samples = Samples::new(source, entries, &dictionary)?;
        Ok(Self { dictionary, samples, recovery })
    }

    /// The dictionary.
    pub fn dictionary(&self) -> &Dictionary {
        &self.dictionary
    }

    /// The dictionary, to add to it (source lines, for example); what is in it stays.
    pub fn dictionary_mut(&mut self) -> &mut Dictionary {
        &mut self.dictionary
    }

    /// The dictionary and the runs, as exporters and analyses take them.
    pub fn parts(&mut self) -> (&Dictionary, &mut Samples<S>) {
        (&self.dictionary, &mut self.samples)
    }

    /// The dictionary and the runs, to keep them apart.
    pub fn into_parts(self) -> (Dictionary, Samples<S>) {
        (self.dictionary, self.samples)
    }

    /// The runs.
    pub fn samples(&self) -> &Samples<S> {
        &self.samples
    }

    /// What was found of a file that is not whole; none for a whole one.
    pub fn recovered(&self) -> Option<Recovery> {
        self.recovery
    }
}

impl<S: ReadAt> SampleSource for Capture<S> {
    fn for_each_block(&mut self, visit: &mut dyn FnMut(&[SampleRun])) -> std::result::Result<(), SourceError> {
        self.samples.for_each_block(visit)
    }

    fn for_each_block_between(
        &mut self,
        since: Nanoseconds,
        until: Nanoseconds,
        visit: &mut dyn FnMut(&[SampleRun]),
    ) -> std::result::Result<(), SourceError> {
        self.samples.for_each_block_between(since, until, visit)
    }
}

/// The runs of a capture, read block by block: no more than one block is in memory.
pub struct Samples<S> {
    source: S,
    blocks: Vec<Entry>,
    /// How many threads and stacks the file's dictionary has.
    known: (usize, usize),
    decoder: SamplesDecoder,
    payload: Vec<u8>,
    runs: Vec<SampleRun>,
}

impl<S: ReadAt> Samples<S> {
    fn new(source: S, blocks: Vec<Entry>, dictionary: &Dictionary) -> Result<Self> {
        let known = (dictionary.threads().len(), dictionary.stacks.len());
        let decoder = SamplesDecoder::new()?;
        Ok(Self { source, blocks, known, decoder, payload: Vec::new(), runs: Vec::new() })
    }

    /// How many runs there are.
    pub fn run_count(&self) -> u64 {
        self.blocks.iter().map(|block| block.head.runs).fold(0, u64::saturating_add)
    }

    /// How many samples the runs stand for.
    pub fn sample_count(&self) -> u64 {
        self.blocks.iter().map(|block| block.head.samples).fold(0, u64::saturating_add)
    }

    /// The earliest start and the latest end of a run; none where there are no runs.
    pub fn time_range(&self) -> Option<(Nanoseconds, Nanoseconds)> {
        let start = self.blocks.iter().map(|block| block.head.start).min()?;
        let end = self.blocks.iter().map(|block| block.head.end).max()?;
        Some((Nanoseconds(start), Nanoseconds(end)))
    }

    fn read(&mut self, block: usize) -> Result<()> {
        let entry = self.blocks[block];
        read_payload(&self.source, &entry, &mut self.payload)?;
        let offset = entry.offset + BLOCK_HEADER as u64;
        let head = self.decoder.decode(&self.payload, offset, self.known, &mut self.runs)?;
        let what = |head: &SamplesHead| (head.runs, head.samples, head.start, head.end);
        if what(&head) != what(&entry.head) {
            return Err(damaged(entry.offset, "the block's runs are not what the index says"));
        }
        Ok(())
    }
}

impl<S: ReadAt> SampleSource for Samples<S> {
    fn for_each_block(&mut self, visit: &mut dyn FnMut(&[SampleRun])) -> std::result::Result<(), SourceError> {
        self.for_each_block_between(Nanoseconds::ZERO, Nanoseconds(u64::MAX), visit)
    }

    fn for_each_block_between(
        &mut self,
        since: Nanoseconds,
        until: Nanoseconds,
        visit: &mut dyn FnMut(&[SampleRun]),
    ) -> std::result::Result<(), SourceError> {
        for block in 0..self.blocks.len() {
            let head = self.blocks[block].head;
            // Runs may have no width, so a block that ends where the range begins may still have one in it.
            if head.end >= since.0 && (head.start < until.0 || until.0 == u64::MAX) {
                self.read(block)?;
                visit(&self.runs);
            }
        }
        Ok(())
    }
}

/// The entries of the file's index; none where the file has no whole end.
fn read_index(source: &impl ReadAt) -> Result<Option<Vec<Entry>>> {
    let mut bytes = [0; FOOTER];
    let Some(at) = source.size().checked_sub(FOOTER as u64) else { return Ok(None) };
    source.read_at(at, &mut bytes).map_err(|error| Error::io("reading the capture's end", &error))?;
    let Some(offset) = index_offset(&bytes) else { return Ok(None) };
    let Some(header) = header_at(source, offset)? else { return Ok(None) };
    // The footer follows its index; what looks like one and does not is the end of something appended.
    if header.kind != Kind::Index as u8 || offset + header.total() != at {
        return Ok(None);
    }
    let mut payload = Vec::new();
    if !payload_at(source, offset, header, &mut payload)? {
        return Ok(None);
    }
    index::decode(&mut Cursor::new(&payload, offset + BLOCK_HEADER as u64), offset).map(Some)
}

fn read_dictionary(source: &impl ReadAt, entries: &[Entry], limits: Limits) -> Result<Dictionary> {
    let mut reader = DictionaryReader::new(limits.dictionary_bytes)?;
    let mut payload = Vec::new();
    for entry in entries.iter().filter(|entry| entry.kind != Kind::Samples as u8) {
        read_payload(source, entry, &mut payload)?;
        reader.block(entry.kind, &payload, entry.offset + BLOCK_HEADER as u64)?;
    }
    reader.finish(false)
}

/// Reads the payload of a block of the index, or says how it differs.
fn read_payload(source: &impl ReadAt, entry: &Entry, payload: &mut Vec<u8>) -> Result<()> {
    let header = header_at(source, entry.offset)?;
    let same = |header: &BlockHeader| header.kind == entry.kind && header.length == entry.length;
    let Some(header) = header.filter(same) else {
        return Err(damaged(entry.offset, "there is not the block that the index says"));
    };
    if !payload_at(source, entry.offset, header, payload)? {
        return Err(damaged(entry.offset, "the block does not match its checksum"));
    }
    Ok(())
}
