//! The two blocks that are records of named fields and not columns: how the capture was made, and its audit.
//!
//! Fields carry a number, so that a later minor version can add some and this one skips them.

use pyrometer_model::{Audit, CaptureInfo, RecordingMode};

use super::bytes::{Cursor, put_varint};
use crate::{Error, ErrorKind, Result};

/// The most fields of a record, which is also the most arguments of a command line.
const MAX_FIELDS: u64 = 1 << 16;

/// Appends `info`.
pub(super) fn encode_info(info: &CaptureInfo, out: &mut Vec<u8>) {
    let texts = [(1, &info.pyrometer), (5, &info.machine), (6, &info.directory)];
    put_varint(out, (texts.len() + 2 + info.command.len()) as u64);
    for (field, text) in texts.into_iter().chain(info.command.iter().map(|argument| (3, argument))) {
        put_varint(out, field);
        put_varint(out, text.len() as u64);
        out.extend_from_slice(text.as_bytes());
    }
    let mode = match info.mode {
        RecordingMode::Sampled => 0,
        RecordingMode::SampledPaused => 1,
    };
    for (field, value) in [(2, mode), (4, info.started)] {
        let mut bytes = Vec::new();
        put_varint(&mut bytes, value);
        put_varint(out, field);
        put_varint(out, bytes.len() as u64);
        out.extend(bytes);
    }
}

/// Reads what [`encode_info`] wrote.
pub(super) fn decode_info(cursor: &mut Cursor<'_>, base: u64) -> Result<CaptureInfo> {
    let mut info = CaptureInfo::default();
    for _ in 0..cursor.size("fields", MAX_FIELDS)? {
        let field = cursor.varint()?;
        let length = cursor.size("bytes in a field", u64::from(u32::MAX))?;
        let bytes = cursor.take(length)?;
        let number = || Cursor::new(bytes, base).varint();
        let text = || {
            let text = std::str::from_utf8(bytes);
            text.map(str::to_owned).map_err(|_| cursor.damaged(format!("field {field} is not UTF-8")))
        };
        match field {
            1 => info.pyrometer = text()?,
            2 => {
                info.mode = match number()? {
                    0 => RecordingMode::Sampled,
                    1 => RecordingMode::SampledPaused,
                    other => {
                        return Err(Error::new(ErrorKind::NewerFormat, format!("way of recording {other}")));
                    }
                }
            }
            3 => info.command.push(text()?),
            4 => info.started = number()?,
            5 => info.machine = text()?,
            6 => info.directory = text()?,
            _ => {}
        }
    }
    Ok(info)
}

/// The fields of the audit in the order of their numbers, which begin at 1. `bytes_cut` is not among them: it is about
/// the file that is read.
fn audit_fields(audit: &mut Audit) -> [&mut u64; 18] {
    [
        &mut audit.tried,
        &mut audit.whole,
        &mut audit.partial,
        &mut audit.lost,
        &mut audit.retries,
        &mut audit.ticks,
        &mut audit.late,
        &mut audit.missed,
        &mut audit.interval_wanted.0,
        &mut audit.interval_mean.0,
        &mut audit.interval_longest.0,
        &mut audit.duration.0,
        &mut audit.sampler_cpu.0,
        &mut audit.sampler_peak_memory,
        &mut audit.target_paused.0,
        &mut audit.processes_seen,
        &mut audit.processes_unsampled,
        &mut audit.processes_not_python,
    ]
}

/// Appends `audit`.
pub(super) fn encode_audit(audit: &Audit, out: &mut Vec<u8>) {
    let mut audit = *audit;
    let fields = audit_fields(&mut audit);
    put_varint(out, fields.iter().filter(|value| ***value != 0).count() as u64);
    for (field, value) in (1..).zip(fields).filter(|(_, value)| **value != 0) {
        put_varint(out, field);
        put_varint(out, *value);
    }
}

/// Reads what [`encode_audit`] wrote.
pub(super) fn decode_audit(cursor: &mut Cursor<'_>) -> Result<Audit> {
    let mut audit = Audit::default();
    let mut fields = audit_fields(&mut audit);
    for _ in 0..cursor.size("fields", MAX_FIELDS)? {
        let field = cursor.varint()?;
        let value = cursor.varint()?;
        let field = usize::try_from(field).ok().and_then(|field| fields.get_mut(field.wrapping_sub(1)));
        if let Some(field) = field {
            **field = value;
        }
    }
    Ok(audit)
}
