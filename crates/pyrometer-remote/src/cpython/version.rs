//! CPython's version.

use std::fmt;

/// A version, as `PY_VERSION_HEX` has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Version {
    /// 3.
    pub major: u8,
    /// 8 to 15.
    pub minor: u8,
    /// Patch level. 0 also where only the minor version could be told (3.8–3.10 without a `sys` module).
    pub micro: u8,
    /// Level and serial number of a pre-release: 0xa1 for alpha 1, 0xf0 for a final one.
    pub release: u8,
    /// A build without GIL.
    pub free_threaded: bool,
}

impl Version {
    /// From `PY_VERSION_HEX`, for example 0x030d00f0.
    #[must_use]
    pub const fn from_hex(hex: u32) -> Self {
        let [major, minor, micro, release] = hex.to_be_bytes();
        Self { major, minor, micro, release, free_threaded: false }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.micro)?;
        match self.release >> 4 {
            0xa => write!(f, "a{}", self.release & 15)?,
            0xb => write!(f, "b{}", self.release & 15)?,
            0xc => write!(f, "rc{}", self.release & 15)?,
            _ => {}
        }
        if self.free_threaded { f.write_str("t") } else { Ok(()) }
    }
}
