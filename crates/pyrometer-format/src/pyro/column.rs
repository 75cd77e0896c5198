//! Columns of numbers: cut into byte planes, each compressed on its own.
//!
//! Real columns (times, ids) have a nearly random lowest byte and nearly constant higher ones. An entropy coder that gets
//! them mixed codes both badly, so each plane is a frame of its own, and one that zstd cannot shrink is stored as it is.

use zstd::bulk::{Compressor, Decompressor};

use super::bytes::{Cursor, put_varint, unzigzag, zigzag};
use super::frame::MAX_PAYLOAD;
use crate::{Error, Result};

const CONSTANT: u8 = 0;
const STORED: u8 = 1;
const ZSTD: u8 = 2;
/// In a column's first byte: the values are the zigzag of the differences between neighbours.
const DIFFERENCES: u8 = 0x80;
/// Below this a zstd frame's own header costs more than it saves.
const WORTH_COMPRESSING: usize = 32;

/// Writes columns. Holds the compressor and its buffers, so that a block allocates nothing once they have grown.
pub(super) struct Packer {
    compressor: Compressor<'static>,
    differences: Vec<u64>,
    plane: Vec<u8>,
    packed: Vec<u8>,
}

impl Packer {
    /// With zstd's compression `level`.
    pub(super) fn new(level: i32) -> Result<Self> {
        let compressor = Compressor::new(level).map_err(|error| Error::io("setting up zstd", &error))?;
        Ok(Self { compressor, differences: Vec::new(), plane: Vec::new(), packed: Vec::new() })
    }

    /// Appends a column of `values`.
    pub(super) fn column(&mut self, out: &mut Vec<u8>, values: &[u64]) -> Result<()> {
        let mut last = 0_u64;
        let mut differences = std::mem::take(&mut self.differences);
        differences.clear();
        differences.extend(values.iter().map(|&value| {
            let difference = zigzag(value.wrapping_sub(last).cast_signed());
            last = value;
            difference
        }));
        let result = if cost(&differences) < cost(values) {
            self.planes(out, &differences, DIFFERENCES)
        } else {
            self.planes(out, values, 0)
        };
        self.differences = differences;
        result
    }

    fn planes(&mut self, out: &mut Vec<u8>, values: &[u64], transform: u8) -> Result<()> {
        let width = width(values);
        out.push(transform | width);
        let mut plane = std::mem::take(&mut self.plane);
        for index in 0..usize::from(width) {
            plane.clear();
            plane.extend(values.iter().map(|value| value.to_le_bytes()[index]));
            self.bytes(out, &plane)?;
        }
        self.plane = plane;
        Ok(())
    }

    /// Appends one plane of bytes. Its length is not in it: the reader knows it from the context.
    pub(super) fn bytes(&mut self, out: &mut Vec<u8>, bytes: &[u8]) -> Result<()> {
        if let Some(&first) = bytes.first()
            && bytes.iter().all(|&byte| byte == first)
        {
            out.extend([CONSTANT, first]);
            return Ok(());
        }
        if bytes.len() >= WORTH_COMPRESSING {
            self.packed.clear();
            self.packed.reserve(zstd::zstd_safe::compress_bound(bytes.len()));
            let length = self
                .compressor
                .compress_to_buffer(bytes, &mut self.packed)
                .map_err(|error| Error::io("compressing a column", &error))?;
            if length + 3 < bytes.len() {
                out.push(ZSTD);
                put_varint(out, length as u64);
                out.extend_from_slice(&self.packed[..length]);
                return Ok(());
            }
        }
        out.push(STORED);
        out.extend_from_slice(bytes);
        Ok(())
    }
}

/// How many bytes the largest of `values` needs: 0 to 8.
fn width(values: &[u64]) -> u8 {
    let all = values.iter().fold(0, |all, value| all | value);
    (8 - all.leading_zeros() / 8).to_le_bytes()[0]
}

/// About how many bits the planes of `values` will need: the entropy of their bytes plus what a table of codes costs.
#[allow(clippy::cast_precision_loss)]
fn cost(values: &[u64]) -> f64 {
    let mut bits = 0.0;
    for index in 0..usize::from(width(values)) {
        let mut seen = [0_u32; 256];
        for value in values {
            seen[usize::from(value.to_le_bytes()[index])] += 1;
        }
        let total = values.len() as f64;
        for count in seen.into_iter().filter(|&count| count > 0).map(f64::from) {
            bits += count * (total / count).log2() + 4.0;
        }
    }
    bits
}

/// Reads columns.
pub(super) struct Unpacker {
    decompressor: Decompressor<'static>,
    plane: Vec<u8>,
}

impl Unpacker {
    pub(super) fn new() -> Result<Self> {
        let decompressor = Decompressor::new().map_err(|error| Error::io("setting up zstd", &error))?;
        Ok(Self { decompressor, plane: Vec::new() })
    }

    /// Reads a column of `length` values, replacing what is in `values`. The caller has checked `length` against a limit.
    pub(super) fn column(&mut self, cursor: &mut Cursor<'_>, length: usize, values: &mut Vec<u64>) -> Result<()> {
        let head = cursor.byte()?;
        let width = u32::from(head & !DIFFERENCES);
        if width > 8 {
            return Err(cursor.damaged(format!("a column of numbers of {width} bytes")));
        }
        values.clear();
        values.resize(length, 0);
        let mut plane = std::mem::take(&mut self.plane);
        for index in 0..width {
            self.bytes(cursor, length, &mut plane)?;
            for (value, &byte) in values.iter_mut().zip(&plane) {
                *value |= u64::from(byte) << (8 * index);
            }
        }
        self.plane = plane;
        if head & DIFFERENCES != 0 {
            let mut last = 0_u64;
            for value in values {
                last = last.wrapping_add(unzigzag(*value).cast_unsigned());
                *value = last;
            }
        }
        Ok(())
    }

    /// Reads one plane of `length` bytes, replacing what is in `bytes`. The caller has checked `length` against a limit.
    pub(super) fn bytes(&mut self, cursor: &mut Cursor<'_>, length: usize, bytes: &mut Vec<u8>) -> Result<()> {
        bytes.clear();
        match cursor.byte()? {
            CONSTANT => {
                let byte = cursor.byte()?;
                bytes.resize(length, byte);
            }
            STORED => bytes.extend_from_slice(cursor.take(length)?),
            ZSTD => {
                let packed = cursor.size("compressed bytes", u64::from(MAX_PAYLOAD))?;
                let packed = cursor.take(packed)?;
                bytes.resize(length, 0);
                // The buffer is as long as the context says: a frame that would grow beyond it is an error of zstd's.
                match self.decompressor.decompress_to_buffer(packed, bytes.as_mut_slice()) {
                    Ok(got) if got == length => {}
                    Ok(got) => return Err(cursor.damaged(format!("{got} bytes decompressed, {length} wanted"))),
                    Err(error) => return Err(cursor.damaged(format!("zstd says {error}"))),
                }
            }
            other => return Err(cursor.damaged(format!("unknown way {other} to pack bytes"))),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Cursor, Packer, Unpacker};
    use proptest::prelude::*;

    fn pack(values: &[u64]) -> Vec<u8> {
        let mut out = Vec::new();
        Packer::new(3).unwrap().column(&mut out, values).unwrap();
        out
    }

    fn unpack(bytes: &[u8], length: usize) -> crate::Result<Vec<u64>> {
        let mut values = Vec::new();
        Unpacker::new()?.column(&mut Cursor::new(bytes, 0), length, &mut values)?;
        Ok(values)
    }

    #[test]
    fn simple_columns_cost_next_to_nothing() {
        assert_eq!(pack(&[]).len(), 1);
        assert_eq!(pack(&[0; 5000]).len(), 1);
        assert_eq!(pack(&[7; 5000]).len(), 3);
        let counting: Vec<_> = (1000..6000).collect();
        assert!(pack(&counting).len() < 64, "{}", pack(&counting).len());
    }

    #[test]
    fn a_bomb_is_refused() {
        let packed = zstd::bulk::compress(&vec![1_u8; 1 << 20], 3).unwrap();
        let mut bytes = vec![1, 2];
        super::put_varint(&mut bytes, packed.len() as u64);
        bytes.extend(packed);
        assert!(unpack(&bytes, 100).is_err());
        assert!(unpack(&[9], 100).is_err());
        assert!(unpack(&[1, 3], 100).is_err());
    }

    proptest! {
        #[test]
        fn columns_come_back(values in prop::collection::vec(prop_oneof![0..4_u64, 0..5000_u64, any::<u64>()], 0..300)) {
            prop_assert_eq!(unpack(&pack(&values), values.len()).unwrap(), values);
        }
    }
}
