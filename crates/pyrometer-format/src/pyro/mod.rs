//! The capture file `*.pyro`: append-only blocks of compressed columns, an index at the end.
//!
//! `docs/capture-format.md` describes every byte. [`Writer`] appends while a program is recorded, [`Capture`] opens what
//! was written, whole or cut short at any byte, and yields the runs block by block.
//!
//! ```
//! use pyrometer_format::pyro::{Capture, Writer};
//! use pyrometer_model::{Dictionary, Nanoseconds, Process, SampleRun, SampleSource, Thread};
//!
//! let mut dictionary = Dictionary::default();
//! dictionary.add_process(Process { pid: 42, ..Process::default() });
//! let thread = dictionary.add_thread(Thread::default());
//! let mut writer = Writer::new(Vec::new(), &dictionary)?;
//! writer.write_block(&dictionary, &[SampleRun { thread, count: 1, wall: Nanoseconds(1000), ..SampleRun::default() }])?;
//! writer.finish(&dictionary)?;
//!
//! let mut capture = Capture::open(writer.into_inner())?;
//! assert_eq!(capture.samples().run_count(), 1);
//! let (dictionary, samples) = capture.parts();
//! samples.for_each_block(&mut |runs| assert_eq!(dictionary.threads().len(), runs.len()))?;
//! # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
//! ```

mod bytes;
mod column;
mod dictionary;
mod frame;
mod index;
mod reader;
mod record;
mod recover;
mod samples;
mod source;
mod tables;
mod writer;

pub use reader::{Capture, Limits, Recovery, Samples};
pub use source::ReadAt;
pub use writer::{Writer, WriterOptions};
