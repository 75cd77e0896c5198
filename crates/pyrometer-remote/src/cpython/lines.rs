//! From an instruction to its place in the source.

use pyrometer_model::Position;

use super::code::CodeInfo;
use super::dialect::Lines;

/// The position of the instruction at byte `offset` of `code`; the first line for an offset before the first.
pub fn resolve(code: &CodeInfo, lines: Lines, offset: i32) -> Position {
    let Ok(offset) = u32::try_from(offset) else { return Position::line(code.first_line) };
    let found = match lines {
        Lines::Lnotab => Some(lnotab(code, offset)),
        Lines::Pep626 => pep626(code, offset),
        Lines::Locations => locations(code, offset),
    };
    found.unwrap_or(Position::UNKNOWN)
}

/// Objects/lnotab_notes.txt, 3.8 and 3.9: pairs of an unsigned byte increment and a signed line increment.
fn lnotab(code: &CodeInfo, offset: u32) -> Position {
    let mut line = code.first_line;
    let mut address = 0_u32;
    for pair in code.line_table.as_chunks::<2>().0 {
        address = address.saturating_add(u32::from(pair[0]));
        if address > offset {
            break;
        }
        line = line.saturating_add_signed(i32::from(pair[1].cast_signed()));
    }
    Position::line(line)
}

/// Objects/lnotab_notes.txt, 3.10 (PEP 626): pairs of a range's length and its signed line increment; -128 is no line.
fn pep626(code: &CodeInfo, offset: u32) -> Option<Position> {
    let mut line = code.first_line;
    let mut end = 0_u32;
    for pair in code.line_table.as_chunks::<2>().0 {
        end = end.saturating_add(u32::from(pair[0]));
        let increment = pair[1].cast_signed();
        if increment != i8::MIN {
            line = line.saturating_add_signed(i32::from(increment));
        }
        if offset < end {
            return (increment != i8::MIN).then(|| Position::line(line));
        }
    }
    None
}

/// Objects/locations.md (3.11; InternalDocs/code_objects.md in 3.13+), PEP 657.
fn locations(code: &CodeInfo, offset: u32) -> Option<Position> {
    let mut bytes = code.line_table.iter().copied();
    let mut line = code.first_line;
    let mut end = 0_u32;
    while let Some(first) = bytes.next() {
        let kind = first >> 3 & 15;
        end = end.saturating_add((u32::from(first & 7) + 1) * 2);
        let position = entry(&mut bytes, kind, &mut line)?;
        if offset < end {
            return Some(position);
        }
    }
    None
}

fn entry(bytes: &mut impl Iterator<Item = u8>, kind: u8, line: &mut u32) -> Option<Position> {
    let none = Position::NO_COLUMN;
    Some(match kind {
        0..=9 => {
            let second = u32::from(bytes.next()?);
            let column = u32::from(kind) * 8 + (second >> 4 & 7);
            Position { line: *line, end_line: *line, column, end_column: column + (second & 15) }
        }
        10..=12 => {
            *line = line.saturating_add(u32::from(kind) - 10);
            let (column, end_column) = (u32::from(bytes.next()?), u32::from(bytes.next()?));
            Position { line: *line, end_line: *line, column, end_column }
        }
        13 => {
            *line = line.saturating_add_signed(signed(bytes)?);
            Position::line(*line)
        }
        14 => {
            *line = line.saturating_add_signed(signed(bytes)?);
            let end_line = line.saturating_add(unsigned(bytes)?);
            let column = unsigned(bytes)?.checked_sub(1).unwrap_or(none);
            let end_column = unsigned(bytes)?.checked_sub(1).unwrap_or(none);
            Position { line: *line, end_line, column, end_column }
        }
        _ => Position::UNKNOWN,
    })
}

/// Six bits a byte, the lowest first; bit 6 says that more follow.
fn unsigned(bytes: &mut impl Iterator<Item = u8>) -> Option<u32> {
    let mut value = 0_u32;
    for shift in (0..).step_by(6) {
        let byte = bytes.next()?;
        value |= u32::from(byte & 63).checked_shl(shift).unwrap_or(0);
        if byte & 64 == 0 || shift > 30 {
            break;
        }
    }
    Some(value)
}

fn signed(bytes: &mut impl Iterator<Item = u8>) -> Option<i32> {
    let value = unsigned(bytes)?;
    let magnitude = (value >> 1).cast_signed();
    Some(if value & 1 == 1 { -magnitude } else { magnitude })
}

#[cfg(test)]
mod tests {
    use pyrometer_model::Position;

    use super::resolve;
    use crate::cpython::code::CodeInfo;
    use crate::cpython::dialect::Lines;

    fn code(first_line: u32, table: &[u8]) -> CodeInfo {
        CodeInfo { first_line, line_table: table.into(), ..CodeInfo::default() }
    }

    #[test]
    fn lnotab_of_3_8() {
        // def f(x):\n    y = x\n    return y, compiled by 3.8: co_lnotab is 00 01 04 01.
        let code = code(1, &[0, 1, 4, 1]);
        assert_eq!([0, 2, 4, 6].map(|offset| resolve(&code, Lines::Lnotab, offset).line), [2, 2, 3, 3]);
        assert_eq!(resolve(&code, Lines::Lnotab, -1).line, 1);
    }

    #[test]
    fn pep626_ranges_may_have_no_line() {
        let code = code(10, &[2, 1, 4, 128, 2, 255]);
        assert_eq!([0, 2, 6].map(|offset| resolve(&code, Lines::Pep626, offset).line), [11, 0, 10]);
    }

    #[test]
    fn locations_of_3_11() {
        // Short form, one-line form, long form, no columns, none.
        let table =
            [0x80 | 1 << 3, 0x23, 0x80 | 11 << 3 | 1, 4, 9, 0x80 | 14 << 3, 2, 1, 5, 7, 0x80 | 13 << 3, 3, 0xf8];
        let code = code(5, &table);
        let at = |offset| resolve(&code, Lines::Locations, offset);
        assert_eq!(at(0), Position { line: 5, end_line: 5, column: 10, end_column: 13 });
        assert_eq!(at(4), Position { line: 6, end_line: 6, column: 4, end_column: 9 });
        assert_eq!(at(6), Position { line: 7, end_line: 8, column: 4, end_column: 6 });
        assert_eq!(at(8), Position::line(6));
        assert_eq!(at(10), Position::UNKNOWN);
        assert_eq!(at(100), Position::UNKNOWN);
    }

    #[test]
    fn garbage_tables_end() {
        for byte in 0..=255 {
            for lines in [Lines::Lnotab, Lines::Pep626, Lines::Locations] {
                resolve(&code(1, &[byte; 64]), lines, i32::MAX);
            }
        }
    }
}
