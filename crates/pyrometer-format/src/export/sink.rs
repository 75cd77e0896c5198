//! Where an exporter writes to.

use std::fmt;
use std::io::Write;

use crate::{Error, Result};

/// How much text is gathered before it is handed on.
const BUFFER: usize = 64 * 1024;

/// A buffered writer whose errors are this crate's. `write!` and `writeln!` work on it.
pub(super) struct Sink<'w> {
    out: &'w mut dyn Write,
    buffer: Vec<u8>,
    /// What is being written, for the error's text.
    what: &'static str,
}

impl<'w> Sink<'w> {
    pub(super) fn new(out: &'w mut dyn Write, what: &'static str) -> Self {
        Self { out, buffer: Vec::with_capacity(BUFFER + BUFFER / 4), what }
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) -> Result<()> {
        self.buffer.extend_from_slice(bytes);
        self.hand_on(BUFFER)
    }

    pub(super) fn text(&mut self, text: &str) -> Result<()> {
        self.bytes(text.as_bytes())
    }

    /// What `write!` calls.
    pub(super) fn write_fmt(&mut self, arguments: fmt::Arguments<'_>) -> Result<()> {
        // Writing to a vector cannot fail, and the arguments here have no Display that does.
        let _ = self.buffer.write_fmt(arguments);
        self.hand_on(BUFFER)
    }

    /// Writes what is left.
    pub(super) fn finish(mut self) -> Result<()> {
        self.hand_on(1)?;
        self.out.flush().map_err(|error| Error::io(self.what, &error))
    }

    fn hand_on(&mut self, at_least: usize) -> Result<()> {
        if self.buffer.len() >= at_least {
            self.out.write_all(&self.buffer).map_err(|error| Error::io(self.what, &error))?;
            self.buffer.clear();
        }
        Ok(())
    }
}
