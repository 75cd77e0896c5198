//! How a capture was made, and how its samples are read.

use std::error::Error;

use crate::{Dictionary, Nanoseconds, SampleRun};

/// Which recorder wrote a capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum RecordingMode {
    /// Stacks read at intervals, from outside, while the target ran.
    #[default]
    Sampled,
    /// Stacks read at intervals with the target's threads stopped for each.
    SampledPaused,
}

/// How a capture was made.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct CaptureInfo {
    /// The version of pyrometer that wrote it.
    pub pyrometer: String,
    /// The recorder.
    pub mode: RecordingMode,
    /// The command line of pyrometer.
    pub command: Vec<String>,
    /// When it began, in nanoseconds since 1970-01-01 UTC.
    pub started: u64,
    /// `uname`-like description of the machine: kernel, architecture, number of processors.
    pub machine: String,
    /// The target's working directory, against which relative file names are resolved.
    pub directory: String,
}

/// Why samples could not be read on.
pub type SourceError = Box<dyn Error + Send + Sync>;

/// Sample runs in blocks, in the order they were recorded (by start time within a thread, roughly by time over all).
pub trait SampleSource {
    /// Calls `visit` with each block of runs from the beginning. May be called again to read again.
    ///
    /// # Errors
    /// What the underlying file says. Blocks visited before stay valid.
    fn for_each_block(&mut self, visit: &mut dyn FnMut(&[SampleRun])) -> Result<(), SourceError>;

    /// The same for the blocks that may overlap `[since, until)`; runs outside it may be among them.
    ///
    /// # Errors
    /// As [`SampleSource::for_each_block`].
    fn for_each_block_between(
        &mut self,
        _since: Nanoseconds,
        _until: Nanoseconds,
        visit: &mut dyn FnMut(&[SampleRun]),
    ) -> Result<(), SourceError> {
        self.for_each_block(visit)
    }
}

/// A capture that is wholly in memory.
#[derive(Clone, Debug, Default)]
pub struct MemorySource {
    /// The tables that the runs refer to.
    pub dictionary: Dictionary,
    /// The runs.
    pub runs: Vec<SampleRun>,
}

impl SampleSource for MemorySource {
    fn for_each_block(&mut self, visit: &mut dyn FnMut(&[SampleRun])) -> Result<(), SourceError> {
        if !self.runs.is_empty() {
            visit(&self.runs);
        }
        Ok(())
    }
}
