//! Writing a capture while it is recorded.

use std::io::Write;

use pyrometer_model::{Audit, CaptureInfo, Dictionary, Nanoseconds, Process, SampleRun, Thread};

use super::column::Packer;
use super::frame::{BLOCK_HEADER, BlockHeader, FILE_HEADER, Kind, file_header, footer};
use super::index::{self, Entry};
use super::record::{encode_audit, encode_info};
use super::samples::{self, SamplesEncoder, SamplesHead};
use super::tables::{self, Table};
use crate::{Error, ErrorKind, Result};

/// Runs in one block: enough to compress well, few enough that a cut file loses little.
const RUNS: usize = 8192;
/// Entries of a table, and bytes of text, in one block: what bounds the writer's memory.
const ENTRIES: usize = 8192;
const TEXT: usize = 256 << 10;
/// The most bytes that are held while the sink refuses them.
const HELD: usize = 4 << 20;
/// Blocks of runs after which threads are written again of which nothing but the time they were last seen has changed.
const REFRESH: u32 = 64;

/// How a capture is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriterOptions {
    /// zstd's compression level, 1 to 19. Columns gain nothing from levels above the default, 1.
    pub level: i32,
    /// To what the instants of runs are rounded, at least 1 ns. Both ends of a run are rounded, not its length, and what
    /// CPU time loses in one run is added to the thread's next, so neither drifts: runs that touched still do, sums are
    /// off by less than one unit. A run shorter than the unit keeps its samples and may have no width.
    ///
    /// With the default, 1 ns, everything is kept as it is. 1 µs is finer than a sampler knows when it sampled, and saves
    /// more than a byte a run.
    pub resolution: Nanoseconds,
}

impl Default for WriterOptions {
    fn default() -> Self {
        Self { level: 1, resolution: Nanoseconds(1) }
    }
}

/// Writes one capture. Everything that is given to it is in the file after each call, whole to the last block, so that
/// whatever ends the recorder leaves a capture that opens.
///
/// When the sink fails (a full disk), the call returns its error and what was not written is held, up to 4 MiB: the
/// next call, or [`Writer::flush`], goes on exactly where the sink stopped. Nothing that was written is touched.
pub struct Writer<W> {
    sink: W,
    options: WriterOptions,
    packer: Packer,
    encoder: SamplesEncoder,
    /// How many entries of each of [`Table::ALL`] are written.
    written: [usize; 5],
    info: CaptureInfo,
    audit: Audit,
    processes: Vec<Process>,
    threads: Vec<Thread>,
    entries: Vec<Entry>,
    last_audit: Option<Entry>,
    /// Encoded, not yet taken by the sink.
    held: Vec<u8>,
    /// The offset in the file of the first byte that is held.
    drained: u64,
    since_refresh: u32,
    /// For each thread, the CPU nanoseconds that rounding has kept back so far.
    cpu_left: Vec<u64>,
    rounded: Vec<SampleRun>,
    finished: bool,
}

impl<W: Write> Writer<W> {
    /// Begins a capture: writes its header and what is in `dictionary` by now.
    ///
    /// # Errors
    /// The sink's, and those of [`Writer::write_block`].
    pub fn new(sink: W, dictionary: &Dictionary) -> Result<Self> {
        Self::with_options(sink, dictionary, WriterOptions::default())
    }

    /// As [`Writer::new`], with options.
    ///
    /// # Errors
    /// As [`Writer::new`].
    pub fn with_options(sink: W, dictionary: &Dictionary, options: WriterOptions) -> Result<Self> {
        let mut writer = Self {
            sink,
            options,
            packer: Packer::new(options.level)?,
            encoder: SamplesEncoder::default(),
            written: Table::ALL.map(Table::built_in),
            info: CaptureInfo::default(),
            audit: Audit::default(),
            processes: Vec::new(),
            threads: Vec::new(),
            entries: Vec::new(),
            last_audit: None,
            held: file_header().to_vec(),
            drained: 0,
            since_refresh: 0,
            cpu_left: Vec::new(),
            rounded: Vec::new(),
            finished: false,
        };
        writer.write_block(dictionary, &[])?;
        Ok(writer)
    }

    /// Appends what is new in `dictionary` since the last call, then `runs`, then the audit. One call makes one block of
    /// runs, or several for more than 8,192: a few thousand at a time compress best.
    ///
    /// # Errors
    /// The sink's: `runs` are held then and go out with the next call, unless 4 MiB are held already, when they are
    /// refused ([`Writer::held`] tells). [`ErrorKind::Invalid`] for a dictionary or runs that contradict themselves and
    /// [`ErrorKind::TooLarge`] for a string beyond the format's limit: nothing of the call is written then.
    pub fn write_block(&mut self, dictionary: &Dictionary, runs: &[SampleRun]) -> Result<()> {
        if self.finished {
            return Err(Error::new(ErrorKind::Invalid, "the capture was finished before"));
        }
        if self.held.len() > HELD {
            self.flush()?;
        }
        tables::check(dictionary, self.written)?;
        tables::check_threads(dictionary)?;
        samples::check(runs, dictionary.threads().len(), dictionary.stacks.len())?;
        self.since_refresh += 1;
        let refresh = self.since_refresh >= REFRESH;
        self.dictionary(dictionary, refresh)?;
        for runs in runs.chunks(RUNS) {
            self.samples(runs)?;
        }
        if self.audit != dictionary.audit {
            self.audit(&dictionary.audit)?;
        }
        self.flush()
    }

    /// Writes what changed last, the index and the footer. When the sink fails, it can be called again, and what is there
    /// opens without an index.
    ///
    /// # Errors
    /// As [`Writer::write_block`].
    pub fn finish(&mut self, dictionary: &Dictionary) -> Result<()> {
        if !self.finished {
            tables::check(dictionary, self.written)?;
            tables::check_threads(dictionary)?;
            self.dictionary(dictionary, true)?;
            self.audit(&dictionary.audit)?;
            self.entries.extend(self.last_audit.take());
            let (index, start) = self.begin();
            match index::encode(&self.entries, &mut self.packer, &mut self.held) {
                Ok(()) => self.end(Kind::Index, start)?,
                Err(error) => {
                    self.held.truncate(start);
                    return Err(error);
                }
            };
            self.held.extend(footer(index));
            self.finished = true;
        }
        self.flush()
    }

    /// Gives the sink what is held.
    ///
    /// # Errors
    /// The sink's; what it did not take is held on.
    pub fn flush(&mut self) -> Result<()> {
        let mut taken = 0;
        let result = loop {
            if taken == self.held.len() {
                break self.sink.flush();
            }
            match self.sink.write(&self.held[taken..]) {
                Ok(0) => break Err(std::io::ErrorKind::WriteZero.into()),
                Ok(count) => taken += count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
        };
        self.held.drain(..taken);
        self.drained += taken as u64;
        if self.held.capacity() > HELD / 4 && self.held.is_empty() {
            self.held = Vec::new();
        }
        result.map_err(|error| Error::io("writing the capture", &error))
    }

    /// Bytes that the sink has not taken: 0 unless it failed.
    #[must_use]
    pub fn held(&self) -> usize {
        self.held.len()
    }

    /// Bytes that the sink has taken.
    #[must_use]
    pub fn bytes_written(&self) -> u64 {
        self.drained
    }

    /// The sink.
    #[must_use]
    pub fn into_inner(self) -> W {
        self.sink
    }

    /// Writes what is new or changed in the dictionary's tables.
    fn dictionary(&mut self, dictionary: &Dictionary, refresh: bool) -> Result<()> {
        if self.info != dictionary.info {
            let (_, start) = self.begin();
            encode_info(&dictionary.info, &mut self.held);
            let entry = self.end(Kind::Info, start)?;
            self.entries.push(entry);
            self.info = dictionary.info.clone();
        }
        for (number, table) in Table::ALL.into_iter().enumerate() {
            while self.written[number] < table.len(dictionary) {
                let from = self.written[number];
                let to = table.block_end(dictionary, from, ENTRIES, TEXT);
                self.block(table.kind(), |packer, out| table.encode(dictionary, from..to, packer, out))?;
                self.written[number] = to;
            }
        }
        self.processes(dictionary)?;
        self.threads(dictionary, refresh)
    }

    fn processes(&mut self, dictionary: &Dictionary) -> Result<()> {
        let old = std::mem::take(&mut self.processes);
        let changed = |&(id, process): &(usize, &Process)| old.get(id) != Some(process);
        let changed: Vec<_> = dictionary.processes().iter().enumerate().filter(changed).collect();
        for changed in changed.chunks(ENTRIES) {
            self.block(Kind::Processes, |packer, out| tables::encode_processes(changed, packer, out))?;
        }
        self.processes = old;
        self.processes.clear();
        self.processes.extend_from_slice(dictionary.processes());
        Ok(())
    }

    /// Writes the threads that are new or changed; that one was seen since counts as a change only on a `refresh`, since
    /// it is true of every thread all the time.
    fn threads(&mut self, dictionary: &Dictionary, refresh: bool) -> Result<()> {
        let old = std::mem::take(&mut self.threads);
        let changed = |&(id, thread): &(usize, &Thread)| {
            let end = thread.end;
            old.get(id).is_none_or(|old| old != thread && (refresh || Thread { end, ..old.clone() } != *thread))
        };
        let changed: Vec<_> = dictionary.threads().iter().enumerate().filter(changed).collect();
        for changed in changed.chunks(ENTRIES) {
            self.block(Kind::Threads, |packer, out| tables::encode_threads(changed, packer, out))?;
        }
        self.threads = old;
        for (id, thread) in changed {
            match self.threads.get_mut(id) {
                Some(old) => old.clone_from(thread),
                None => self.threads.push(thread.clone()),
            }
        }
        if refresh {
            self.since_refresh = 0;
        }
        Ok(())
    }

    fn samples(&mut self, runs: &[SampleRun]) -> Result<()> {
        let unit = self.options.resolution.0;
        let mut rounded = std::mem::take(&mut self.rounded);
        if unit > 1 {
            rounded.clear();
            rounded.extend(runs.iter().map(|run| round(run, unit, &mut self.cpu_left)));
        }
        let runs = if unit > 1 { &rounded } else { runs };
        let mut encoder = std::mem::take(&mut self.encoder);
        let mut head = SamplesHead::default();
        self.block(Kind::Samples, |packer, out| {
            head = encoder.encode(runs, packer, out)?;
            Ok(())
        })?;
        if let Some(entry) = self.entries.last_mut() {
            entry.head = head;
        }
        self.encoder = encoder;
        self.rounded = rounded;
        Ok(())
    }

    fn audit(&mut self, audit: &Audit) -> Result<()> {
        let (_, start) = self.begin();
        encode_audit(audit, &mut self.held);
        self.last_audit = Some(self.end(Kind::Audit, start)?);
        self.audit = *audit;
        Ok(())
    }

    /// Encodes a block; on an error nothing of it stays.
    fn block(&mut self, kind: Kind, encode: impl FnOnce(&mut Packer, &mut Vec<u8>) -> Result<()>) -> Result<()> {
        let (_, start) = self.begin();
        let result = encode(&mut self.packer, &mut self.held);
        let entry = result.and_then(|()| self.end(kind, start));
        if entry.is_err() {
            self.held.truncate(start);
        }
        self.entries.push(entry?);
        Ok(())
    }

    /// Leaves room for a block's header: gives its offset in the file and in what is held.
    fn begin(&mut self) -> (u64, usize) {
        let start = self.held.len();
        self.held.resize(start + BLOCK_HEADER, 0);
        (self.drained + start as u64, start)
    }

    /// Fills in the header of the block that begins at `start` in what is held.
    fn end(&mut self, kind: Kind, start: usize) -> Result<Entry> {
        let header = BlockHeader::of(kind, &self.held[start + BLOCK_HEADER..])?;
        self.held[start..start + BLOCK_HEADER].copy_from_slice(&header.to_bytes());
        let offset = self.drained + start as u64;
        debug_assert!(offset >= FILE_HEADER);
        Ok(Entry { kind: header.kind, offset, length: header.length, head: SamplesHead::default() })
    }
}

/// The run with its ends on multiples of `unit`, and its CPU time on one with what rounding has left of the thread's
/// earlier runs.
fn round(run: &SampleRun, unit: u64, cpu_left: &mut Vec<u64>) -> SampleRun {
    let nearest = |instant: u64| instant.saturating_add(unit / 2) / unit * unit;
    let thread = run.thread.index();
    if cpu_left.len() <= thread {
        cpu_left.resize(thread + 1, 0);
    }
    let cpu = run.cpu.0.saturating_add(cpu_left[thread]);
    cpu_left[thread] = cpu % unit;
    let start = nearest(run.start.0);
    SampleRun {
        start: Nanoseconds(start),
        wall: Nanoseconds(nearest(run.end().0) - start),
        cpu: Nanoseconds(cpu - cpu % unit),
        ..*run
    }
}
