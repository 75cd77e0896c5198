//! Bytes ↔ model: every file format that pyrometer reads or writes, one module a format.
//!
//! [`pyro`] is pyrometer's own capture file, read and written. [`export`] writes the formats of other viewers.
//!
//! This crate opens no file and reads no clock: it writes to a [`std::io::Write`] and reads from a slice of bytes or
//! another [`pyro::ReadAt`] that the front hands it.
#![forbid(unsafe_code)]

mod error;
pub mod export;
pub mod pyro;

pub use error::{Error, ErrorKind, Result};
