//! Single Python objects: strings and bytes.

use super::bytes::{int, word};
use super::dialect::Dialect;
use super::layout::Layout;
use crate::memory::{Fault, Memory};

/// No string of more characters is believed.
const LONGEST_STRING: u64 = 16 << 10;
/// No bytes object of more bytes is believed: line tables of the largest generated modules stay well below.
pub const LONGEST_BYTES: usize = 4 << 20;

/// Reads objects of one target.
#[derive(Clone, Copy)]
pub struct Objects<'a> {
    /// The target.
    pub memory: &'a dyn Memory,
    /// Its offsets.
    pub layout: &'a Layout,
    /// Its dialect.
    pub dialect: &'a Dialect,
}

impl Objects<'_> {
    /// The name of an object's type (`tp_name`, at most 63 bytes of it).
    pub fn type_name(&self, object: u64) -> Option<String> {
        let r#type = self.word(object, self.layout.object.r#type)?;
        self.name_of_type(r#type)
    }

    /// A type's `tp_name`.
    pub fn name_of_type(&self, r#type: u64) -> Option<String> {
        let name = self.word(r#type, self.layout.r#type.name)?;
        self.c_string(name)
    }

    /// A pointer field of an object.
    pub fn word(&self, object: u64, field: u32) -> Option<u64> {
        if object < 4096 {
            return None;
        }
        crate::memory::read_u64(self.memory, object.wrapping_add(u64::from(field))).ok()
    }

    /// A C string of at most 127 bytes.
    pub fn c_string(&self, address: u64) -> Option<String> {
        if address < 4096 {
            return None;
        }
        let mut buffer = [0; 128];
        // Not across a page's end: what lies behind may not be mapped.
        let length = buffer.len().min(4096 - (address % 4096) as usize);
        self.memory.read(address, &mut buffer[..length]).ok()?;
        let mut end = buffer[..length].iter().position(|&byte| byte == 0);
        if end.is_none() && length < buffer.len() {
            self.memory.read(address + length as u64, &mut buffer[length..]).ok()?;
            end = buffer.iter().position(|&byte| byte == 0);
        }
        Some(String::from_utf8_lossy(&buffer[..end.unwrap_or(buffer.len())]).into_owned())
    }

    /// A `str`, whole; none where it is not one, or an absurd one.
    pub fn string(&self, object: u64) -> Option<String> {
        self.string_up_to(object, LONGEST_STRING).map(|(text, _)| text)
    }

    /// At most `limit` characters of a `str`, and whether there were more.
    pub fn string_up_to(&self, object: u64, limit: u64) -> Option<(String, bool)> {
        if object < 4096 {
            return None;
        }
        let layout = &self.layout.string;
        let mut head = [0; 96];
        let size = (layout.compact as usize + 8).min(head.len());
        self.read_head(object, &mut head[..size]).ok()?;
        let length = word(&head, layout.length);
        let state = int(&head, layout.state).cast_unsigned();
        // PyASCIIObject.state, Include/cpython/unicodeobject.h: interned, kind (3 bits), compact, ascii.
        let kind = state >> self.dialect.string_kind_shift & 7;
        let compact = state >> (self.dialect.string_kind_shift + 3) & 1 == 1;
        let ascii = state >> (self.dialect.string_kind_shift + 4) & 1 == 1;
        if length > LONGEST_STRING || !matches!(kind, 1 | 2 | 4) {
            return None;
        }
        let count = length.min(limit);
        let data = match (compact, ascii) {
            (true, true) => object + u64::from(layout.ascii),
            (true, false) => object + u64::from(layout.compact),
            (false, _) => word(&head, layout.compact),
        };
        let mut bytes = vec![0; usize::try_from(count * u64::from(kind)).ok()?];
        self.memory.read(data, &mut bytes).ok()?;
        Some((decode(&bytes, kind), count < length))
    }

    /// A `bytes` object's contents, at most `limit` of them.
    pub fn bytes(&self, object: u64, limit: usize) -> Option<Vec<u8>> {
        let length = usize::try_from(self.word(object, self.layout.object.count)?).ok()?;
        if length > LONGEST_BYTES {
            return None;
        }
        let mut bytes = vec![0; length.min(limit)];
        self.memory.read(object + u64::from(self.layout.bytes.data), &mut bytes).ok()?;
        Some(bytes)
    }

    /// As much of `head` as can be read; the rest is 0. An error only when nothing can.
    fn read_head(&self, object: u64, head: &mut [u8]) -> Result<(), Fault> {
        let span = crate::memory::Span { address: object, length: head.len() };
        let done = self.memory.read_many(&[span], head)?;
        if let Some(rest) = head.get_mut(done..) {
            rest.fill(0);
        }
        Ok(())
    }
}

fn decode(bytes: &[u8], kind: u32) -> String {
    match kind {
        1 => bytes.iter().map(|&byte| char::from(byte)).collect(),
        2 => {
            let units = bytes.as_chunks::<2>().0.iter().map(|unit| u16::from_le_bytes(*unit));
            units.map(|unit| char::from_u32(u32::from(unit)).unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
        }
        _ => {
            let units = bytes.as_chunks::<4>().0.iter().map(|unit| u32::from_le_bytes(*unit));
            units.map(|unit| char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
        }
    }
}
