//! Reading numbers out of bytes that are not trusted, and writing them.

use crate::{Error, ErrorKind, Result};

/// A place in a payload. Every error it makes names the offset in the file.
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
    base: u64,
}

impl<'a> Cursor<'a> {
    /// At the beginning of `bytes`, which begin at `base` in the file.
    pub(super) fn new(bytes: &'a [u8], base: u64) -> Self {
        Self { bytes, at: 0, base }
    }

    /// The error that here the bytes contradict the format.
    pub(super) fn damaged(&self, what: impl AsRef<str>) -> Error {
        damaged(self.base + self.at as u64, what)
    }

    /// The next `length` bytes.
    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let end = self.at.checked_add(length).filter(|&end| end <= self.bytes.len());
        let Some(end) = end else {
            return Err(self.damaged(format!("{length} bytes wanted, {} left", self.bytes.len() - self.at)));
        };
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    /// The next byte.
    pub(super) fn byte(&mut self) -> Result<u8> {
        Ok(self.take(1)?[0])
    }

    /// A number of 7 bits a byte, the low ones first; the high bit says that another byte follows.
    pub(super) fn varint(&mut self) -> Result<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(self.damaged("a number of more than 64 bits"))
    }

    /// A varint that is at most `most`: a size, checked before anything is allocated by it.
    pub(super) fn size(&mut self, what: &str, most: u64) -> Result<usize> {
        let value = self.varint()?;
        if value > most {
            return Err(Error::new(
                ErrorKind::TooLarge,
                format!("at byte {}: {value} {what}, at most {most} allowed", self.base + self.at as u64),
            ));
        }
        usize::try_from(value).map_err(|_| self.damaged(what))
    }
}

/// The error that at `offset` in the file the bytes contradict the format.
pub(super) fn damaged(offset: u64, what: impl AsRef<str>) -> Error {
    Error::new(ErrorKind::Damaged, format!("at byte {offset}: {}", what.as_ref()))
}

/// Appends `value` as [`Cursor::varint`] reads it.
pub(super) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

/// A signed number as an unsigned one that is small when the signed one is near zero: 0, -1, 1, -2 … are 0, 1, 2, 3 …
pub(super) fn zigzag(value: i64) -> u64 {
    (value.cast_unsigned() << 1) ^ (value >> 63).cast_unsigned()
}

/// Undoes [`zigzag`].
pub(super) fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -((value & 1).cast_signed())
}

#[cfg(test)]
mod tests {
    use super::{Cursor, put_varint, unzigzag, zigzag};

    #[test]
    fn numbers_come_back_and_overlong_ones_do_not() {
        for value in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX - 1, u64::MAX] {
            let mut bytes = Vec::new();
            put_varint(&mut bytes, value);
            assert_eq!(Cursor::new(&bytes, 0).varint().unwrap(), value);
            assert_eq!(zigzag(unzigzag(value)), value);
        }
        assert_eq!([0, -1, 1, -2].map(zigzag), [0, 1, 2, 3]);
        assert!(Cursor::new(&[0xff; 20], 7).varint().unwrap_err().to_string().contains("at byte 17"));
        assert!(Cursor::new(&[0x80], 0).varint().is_err());
        assert!(Cursor::new(&[200, 1], 0).size("runs", 100).unwrap_err().to_string().contains("200 runs"));
    }
}
