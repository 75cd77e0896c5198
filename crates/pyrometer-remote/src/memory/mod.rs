//! Where a target's bytes come from.

mod live;
mod recording;

pub use live::LiveMemory;
pub use recording::{Recording, RecordingMemory};

/// Why bytes could not be had. Small and without allocation: it happens on the hot path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The process is gone.
    Gone,
    /// The system refuses.
    Denied,
    /// Nothing is mapped at `address` (or it lies outside what was recorded).
    Unmapped {
        /// Where reading stopped.
        address: u64,
    },
}

/// `length` bytes from `address` on, in the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// First byte.
    pub address: u64,
    /// How many bytes.
    pub length: usize,
}

/// A target's memory. Reading never blocks, stops or changes the target.
pub trait Memory {
    /// Fills `buffer` with the bytes from `address` on.
    ///
    /// # Errors
    /// When not all of it can be read; `buffer`'s contents are then unspecified.
    fn read(&self, address: u64, buffer: &mut [u8]) -> Result<(), Fault> {
        let span = Span { address, length: buffer.len() };
        let done = self.read_many(&[span], buffer)?;
        if done == buffer.len() { Ok(()) } else { Err(Fault::Unmapped { address: address.wrapping_add(done as u64) }) }
    }

    /// Fills `buffer` with the bytes of all `spans`, one behind the other, in as few system calls as possible, in the
    /// order given, each span in ascending order of addresses. Returns how many bytes were had before the first that
    /// could not be.
    ///
    /// # Errors
    /// When not even the first byte can be read.
    fn read_many(&self, spans: &[Span], buffer: &mut [u8]) -> Result<usize, Fault>;
}

/// One pointer-sized word.
///
/// # Errors
/// See [`Memory::read`].
pub fn read_u64(memory: &dyn Memory, address: u64) -> Result<u64, Fault> {
    let mut bytes = [0; 8];
    memory.read(address, &mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}
