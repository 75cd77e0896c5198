//! Reading numbers out of bytes that may be too short or garbage.

/// A pointer-sized word at `offset`; 0 where there are not enough bytes.
#[inline]
pub fn word(bytes: &[u8], offset: u32) -> u64 {
    let offset = offset as usize;
    bytes.get(offset..offset.wrapping_add(8)).and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_le_bytes)
}

/// A C `int` at `offset`; 0 where there are not enough bytes.
#[inline]
pub fn int(bytes: &[u8], offset: u32) -> i32 {
    let offset = offset as usize;
    bytes.get(offset..offset.wrapping_add(4)).and_then(|bytes| bytes.try_into().ok()).map_or(0, i32::from_le_bytes)
}

/// A byte at `offset`; 0 where there is none.
#[inline]
pub fn byte(bytes: &[u8], offset: u32) -> u8 {
    bytes.get(offset as usize).copied().unwrap_or(0)
}
