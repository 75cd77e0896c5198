//! Python's marshal format, as much of it as a pstats file needs.
//!
//! The type codes are those of CPython's `Python/marshal.c`, unchanged from version 2 of the format on, so any Python 3
//! reads them. Nothing is written as a reference: version 2 has none.

/// The code of a whole tuple's, dictionary's and so on start, each followed by what the functions below say.
const INT: u8 = b'i';
const LONG: u8 = b'l';
const BINARY_FLOAT: u8 = b'g';
const UNICODE: u8 = b'u';
const TUPLE: u8 = b'(';
/// The code before a dictionary's keys and values, which alternate until [`NULL`].
pub(super) const DICT: u8 = b'{';
/// The end of a dictionary.
pub(super) const NULL: u8 = b'0';

/// Appends an integer: 4 bytes, or digits of 15 bits where it is larger.
pub(super) fn integer(out: &mut Vec<u8>, value: u64) {
    if let Ok(small) = i32::try_from(value) {
        out.push(INT);
        out.extend_from_slice(&small.to_le_bytes());
        return;
    }
    let digits = (64 - value.leading_zeros()).div_ceil(15);
    out.push(LONG);
    out.extend_from_slice(&digits.to_le_bytes());
    for digit in 0..digits {
        let [low, high, ..] = ((value >> (15 * digit)) & 0x7fff).to_le_bytes();
        out.extend_from_slice(&[low, high]);
    }
}

/// Appends a float.
pub(super) fn float(out: &mut Vec<u8>, value: f64) {
    out.push(BINARY_FLOAT);
    out.extend_from_slice(&value.to_le_bytes());
}

/// Appends a string. Longer ones than marshal's 31 bits of length do not occur: names of code are far shorter.
pub(super) fn string(out: &mut Vec<u8>, value: &str) {
    let length = u32::try_from(value.len()).unwrap_or(0);
    out.push(UNICODE);
    out.extend_from_slice(&length.to_le_bytes());
    if length > 0 {
        out.extend_from_slice(value.as_bytes());
    }
}

/// Appends the start of a tuple of `length` items.
pub(super) fn tuple(out: &mut Vec<u8>, length: u32) {
    out.push(TUPLE);
    out.extend_from_slice(&length.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::integer;

    // What `marshal.dumps(value, 2)` of CPython 3.11 gives.
    #[test]
    fn integers_are_as_python_writes_them() {
        let written = |value| {
            let mut out = Vec::new();
            integer(&mut out, value);
            out
        };
        assert_eq!(written(7), b"i\x07\0\0\0");
        assert_eq!(written((1 << 31) - 1), b"i\xff\xff\xff\x7f");
        assert_eq!(written(1 << 31), b"l\x03\0\0\0\0\0\0\0\x02\0");
        assert_eq!(written(u64::MAX), b"l\x05\0\0\0\xff\x7f\xff\x7f\xff\x7f\xff\x7f\x0f\0");
    }
}
