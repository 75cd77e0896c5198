//! Writers of the formats of other viewers.
//!
//! [`export`] writes a capture in one [`Format`]; `docs/formats.md` says what each format holds, in which units, and what
//! is lost in it. Formats that add samples up read the source once and need memory for the different stacks only; formats
//! in time order are written as the samples are read. Stacks may be of any depth: nothing here recurses.

mod chrome;
mod collapsed;
mod figures;
mod firefox;
mod flamegraph;
mod frames;
mod json;
mod jsonl;
mod marshal;
mod options;
mod perfetto;
mod pprof;
mod protobuf;
mod pstats;
mod sink;
mod speedscope;
mod timeline;
mod tree;

use std::io::Write;

use pyrometer_model::{Dictionary, SampleSource};

use crate::Result;
pub use options::{Format, Options, Orientation, Threads, Weights};
use sink::Sink;

/// Writes the capture to `out` in `format`.
///
/// The source is read once or several times, see [`SampleSource::for_each_block`]. `out` is written in pieces of about
/// 64 KiB and flushed at the end; the same capture and options always give the same bytes.
///
/// # Errors
/// What the source says ([`crate::ErrorKind::Source`]) or `out` does; what was written before that is no whole document.
pub fn export(
    format: Format,
    dictionary: &Dictionary,
    source: &mut dyn SampleSource,
    options: &Options,
    out: &mut dyn Write,
) -> Result<()> {
    if format == Format::Pprof {
        return pprof::write(dictionary, source, options, out);
    }
    let mut sink = Sink::new(out, format.action());
    match format {
        Format::Collapsed => collapsed::write(dictionary, source, options, &mut sink)?,
        Format::Speedscope => speedscope::write(dictionary, source, options, &mut sink)?,
        Format::Pprof => {}
        Format::Firefox => firefox::write(dictionary, source, options, &mut sink)?,
        Format::ChromeTrace => chrome::write(dictionary, source, options, &mut sink)?,
        Format::Perfetto => perfetto::write(dictionary, source, options, &mut sink)?,
        Format::Pstats => pstats::write(dictionary, source, options, &mut sink)?,
        Format::Flamegraph => flamegraph::write(dictionary, source, options, &mut sink)?,
        Format::Jsonl => jsonl::write(dictionary, source, options, &mut sink)?,
    }
    sink.finish()
}
