//! The frame of the file: its header, the blocks' headers and the footer. docs/capture-format.md has the tables.

use super::bytes::damaged;
use super::source::ReadAt;
use crate::{Error, ErrorKind, Result};

/// The first bytes of a capture. The first is not ASCII and the line ends are of both kinds, so that a transfer as text is
/// noticed at once (the habit of PNG).
pub(super) const MAGIC: [u8; 8] = *b"\x89PYRO\r\n\x1a";
/// The version that this code writes. A reader refuses a higher major; a higher minor only adds what may be ignored.
pub(super) const MAJOR: u16 = 1;
pub(super) const MINOR: u16 = 0;
/// Bytes of the file's header.
pub(super) const FILE_HEADER: u64 = 16;
/// The first bytes of a block.
pub(super) const BLOCK_MAGIC: [u8; 4] = *b"\xb6blk";
/// Bytes of a block's header.
pub(super) const BLOCK_HEADER: usize = 20;
/// The last bytes of a whole capture.
pub(super) const END_MAGIC: [u8; 8] = *b"PYROEND\n";
/// Bytes of the footer.
pub(super) const FOOTER: usize = 20;
/// The longest payload of a block that a reader accepts.
pub(super) const MAX_PAYLOAD: u32 = 32 << 20;
/// The most entries or runs in one block.
pub(super) const MAX_ENTRIES: u64 = 1 << 16;
/// The most blocks that an index lists: with blocks of 4,000 runs, those of 16 thousand million runs.
pub(super) const MAX_BLOCKS: u64 = 1 << 22;
/// The longest text, in bytes, in one block of strings.
pub(super) const MAX_TEXT: u64 = 16 << 20;

/// What a block holds. Readers skip the kinds that they do not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Info = 1,
    Strings = 2,
    Codes = 3,
    Locations = 4,
    Stacks = 5,
    Processes = 6,
    Threads = 7,
    SourceLines = 8,
    Samples = 9,
    Audit = 10,
    Index = 11,
}

impl Kind {
    const ALL: [Self; 11] = [
        Self::Info,
        Self::Strings,
        Self::Codes,
        Self::Locations,
        Self::Stacks,
        Self::Processes,
        Self::Threads,
        Self::SourceLines,
        Self::Samples,
        Self::Audit,
        Self::Index,
    ];

    /// The kind with this number, where it is a known one.
    pub(super) fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|&kind| kind as u8 == number)
    }
}

/// A block's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BlockHeader {
    pub(super) kind: u8,
    pub(super) length: u32,
    pub(super) checksum: u32,
}

impl BlockHeader {
    /// The header of a block with this payload, or the error that the payload is too long.
    pub(super) fn of(kind: Kind, payload: &[u8]) -> Result<Self> {
        let length = u32::try_from(payload.len()).ok().filter(|&length| length <= MAX_PAYLOAD);
        let Some(length) = length else {
            let what = format!("a {kind:?} block of {} bytes, at most {MAX_PAYLOAD} allowed", payload.len());
            return Err(Error::new(ErrorKind::TooLarge, what));
        };
        Ok(Self { kind: kind as u8, length, checksum: crc32fast::hash(payload) })
    }

    pub(super) fn to_bytes(self) -> [u8; BLOCK_HEADER] {
        let mut bytes = [0; BLOCK_HEADER];
        bytes[..4].copy_from_slice(&BLOCK_MAGIC);
        bytes[4] = self.kind;
        bytes[8..12].copy_from_slice(&self.length.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.checksum.to_le_bytes());
        let own = crc32fast::hash(&bytes[..16]);
        bytes[16..].copy_from_slice(&own.to_le_bytes());
        bytes
    }

    /// The header in `bytes`; none where they are not a whole and undamaged one.
    pub(super) fn from_bytes(bytes: &[u8; BLOCK_HEADER]) -> Option<Self> {
        let own = u32_at(bytes, 16);
        if bytes[..4] != BLOCK_MAGIC || crc32fast::hash(&bytes[..16]) != own {
            return None;
        }
        let header = Self { kind: bytes[4], length: u32_at(bytes, 8), checksum: u32_at(bytes, 12) };
        (header.length <= MAX_PAYLOAD).then_some(header)
    }

    /// Bytes of the block, its header included.
    pub(super) fn total(self) -> u64 {
        BLOCK_HEADER as u64 + u64::from(self.length)
    }
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes[at..].first_chunk().map_or(0, |chunk| u32::from_le_bytes(*chunk))
}

/// The header of a capture that this code writes.
pub(super) fn file_header() -> [u8; FILE_HEADER as usize] {
    let mut bytes = [0; FILE_HEADER as usize];
    bytes[..8].copy_from_slice(&MAGIC);
    bytes[8..10].copy_from_slice(&MAJOR.to_le_bytes());
    bytes[10..12].copy_from_slice(&MINOR.to_le_bytes());
    let own = crc32fast::hash(&bytes[..12]);
    bytes[12..].copy_from_slice(&own.to_le_bytes());
    bytes
}

/// Checks that `source` begins as a capture of a version that can be read.
pub(super) fn check_file_header(source: &impl ReadAt) -> Result<()> {
    if source.size() < FILE_HEADER {
        let what = format!("{} bytes, a capture has at least {FILE_HEADER}", source.size());
        return Err(Error::new(ErrorKind::NotACapture, what));
    }
    let mut bytes = [0; FILE_HEADER as usize];
    source.read_at(0, &mut bytes).map_err(|error| Error::io("reading the capture's header", &error))?;
    if bytes[..8] != MAGIC {
        return Err(Error::new(ErrorKind::NotACapture, "it does not begin as one"));
    }
    if crc32fast::hash(&bytes[..12]) != u32_at(&bytes, 12) {
        return Err(damaged(0, "the file's header does not match its checksum"));
    }
    let major = u16::from_le_bytes([bytes[8], bytes[9]]);
    if major > MAJOR {
        let what = format!("version {major}.{}, this reads up to {MAJOR}", u16::from_le_bytes([bytes[10], bytes[11]]));
        return Err(Error::new(ErrorKind::NewerFormat, what));
    }
    Ok(())
}

/// The footer that points to the index block at `index`.
pub(super) fn footer(index: u64) -> [u8; FOOTER] {
    let mut bytes = [0; FOOTER];
    bytes[..8].copy_from_slice(&index.to_le_bytes());
    let own = crc32fast::hash(&bytes[..8]);
    bytes[8..12].copy_from_slice(&own.to_le_bytes());
    bytes[12..].copy_from_slice(&END_MAGIC);
    bytes
}

/// Where the index is, by the footer in `bytes`; none where they are not a whole and undamaged one.
pub(super) fn index_offset(bytes: &[u8; FOOTER]) -> Option<u64> {
    let whole = bytes[12..] == END_MAGIC && crc32fast::hash(&bytes[..8]) == u32_at(bytes, 8);
    bytes.first_chunk().filter(|_| whole).map(|&offset| u64::from_le_bytes(offset))
}

/// The header of the block at `offset`; none where there is no whole block (the payload is not checked here).
pub(super) fn header_at(source: &impl ReadAt, offset: u64) -> Result<Option<BlockHeader>> {
    let mut bytes = [0; BLOCK_HEADER];
    if offset.checked_add(BLOCK_HEADER as u64).is_none_or(|end| end > source.size()) {
        return Ok(None);
    }
    source.read_at(offset, &mut bytes).map_err(|error| Error::io("reading a block's header", &error))?;
    let fits = |header: &BlockHeader| offset.checked_add(header.total()).is_some_and(|end| end <= source.size());
    Ok(BlockHeader::from_bytes(&bytes).filter(fits))
}

/// Reads the payload of the block at `offset` into `payload`; false where it does not match its checksum.
pub(super) fn payload_at(
    source: &impl ReadAt,
    offset: u64,
    header: BlockHeader,
    payload: &mut Vec<u8>,
) -> Result<bool> {
    payload.resize(header.length as usize, 0);
    source
        .read_at(offset + BLOCK_HEADER as u64, payload)
        .map_err(|error| Error::io(&format!("reading the block at byte {offset}"), &error))?;
    Ok(crc32fast::hash(payload) == header.checksum)
}
