//! Protocol buffers, as much of their wire format as is needed to write messages without generated code.
//!
//! The encoding is the one that `protobuf.dev/programming-guides/encoding` describes: a field is a varint of its number
//! and wire type, then a varint, or a length and as many bytes.

const VARINT: u64 = 0;
const LENGTH: u64 = 2;

/// A message being written. Fields with the value zero, and empty strings, are left out, as proto3 does.
#[derive(Clone, Debug, Default)]
pub(super) struct Message {
    bytes: Vec<u8>,
}

impl Message {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// A field of an unsigned, signed (not negative), enum or bool type.
    pub(super) fn integer(&mut self, field: u32, value: u64) {
        if value != 0 {
            self.integer_even_zero(field, value);
        }
    }

    /// The same, written even where the value is zero: for fields of which it matters that they are there.
    pub(super) fn integer_even_zero(&mut self, field: u32, value: u64) {
        self.varint(u64::from(field) << 3 | VARINT);
        self.varint(value);
    }

    /// A string field.
    pub(super) fn text(&mut self, field: u32, value: &str) {
        if !value.is_empty() {
            self.bytes_even_empty(field, value.as_bytes());
        }
    }

    /// A string or bytes field, written even where it is empty: for repeated fields, where each entry counts.
    pub(super) fn bytes_even_empty(&mut self, field: u32, value: &[u8]) {
        self.varint(u64::from(field) << 3 | LENGTH);
        self.varint(value.len() as u64);
        self.bytes.extend_from_slice(value);
    }

    /// A field that is a message.
    pub(super) fn message(&mut self, field: u32, message: &Self) {
        self.bytes_even_empty(field, &message.bytes);
    }

    /// A packed repeated field of integers.
    pub(super) fn packed(&mut self, field: u32, values: impl IntoIterator<Item = u64>) {
        let mut packed = Self::default();
        for value in values {
            packed.varint(value);
        }
        if !packed.bytes.is_empty() {
            self.message(field, &packed);
        }
    }

    /// What was written, for the writer behind.
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Forgets what was written.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
    }

    fn varint(&mut self, mut value: u64) {
        loop {
            let low = u8::try_from(value & 0x7f).unwrap_or(0);
            value >>= 7;
            if value == 0 {
                self.bytes.push(low);
                return;
            }
            self.bytes.push(low | 0x80);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Message;

    // The examples of the encoding's documentation.
    #[test]
    fn fields_are_as_documented() {
        let mut inner = Message::new();
        inner.integer(1, 150);
        assert_eq!(inner.as_bytes(), [0x08, 0x96, 0x01]);
        let mut message = Message::new();
        message.text(2, "testing");
        assert_eq!(message.as_bytes(), b"\x12\x07testing");
        message.clear();
        message.message(3, &inner);
        assert_eq!(message.as_bytes(), [0x1a, 0x03, 0x08, 0x96, 0x01]);
        message.clear();
        message.packed(6, [3, 270, 86942]);
        assert_eq!(message.as_bytes(), [0x32, 0x06, 0x03, 0x8e, 0x02, 0x9e, 0xa7, 0x05]);
    }
}
