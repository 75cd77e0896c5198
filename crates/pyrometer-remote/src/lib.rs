//! A CPython process (3.8–3.15) seen from outside, without stopping it.
//!
//! [`memory::Memory`] is where bytes come from; [`cpython::Interpreter`] finds the runtime in them once, and then fills a
//! reusable [`cpython::Snapshot`] as often as it is asked to. Nothing here writes to the target or stops it.

pub mod cpython;
pub mod elf;
mod error;
pub mod memory;
pub mod os;
pub mod sampler;

pub use error::{Error, ErrorKind, Result};
