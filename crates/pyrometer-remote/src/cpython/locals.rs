//! Local variables of a frame, and short representations of objects.

use super::bytes::{byte, word};
use super::layout::present;
use super::objects::Objects;

/// Longest text of a string shown.
const LONGEST_TEXT: u64 = 80;
/// Most elements of a container shown.
const MOST_ELEMENTS: usize = 5;
/// Deepest nesting shown.
const DEEPEST: u32 = 2;
/// No frame has more variables.
const MOST_VARIABLES: usize = 4096;

/// The variables of the frame at `frame` of the code object at `code`, by name.
pub fn of_frame(objects: &Objects<'_>, frame: u64, code: u64) -> Vec<(String, String)> {
    let slots = frame.wrapping_add(u64::from(objects.layout.frame.localsplus));
    let mut found = Vec::new();
    for (index, (name, cell)) in names(objects, code).into_iter().enumerate() {
        let Some(value) = objects.word(slots.wrapping_add(8 * index as u64), 0) else { break };
        let tagged = !objects.dialect.tag_mask & value;
        if tagged == 3 {
            // A tagged integer (_PyStackRef, pycore_stackref.h 3.14).
            found.push((name, (value.cast_signed() >> 2).to_string()));
            continue;
        }
        let mut value = value & objects.dialect.tag_mask;
        if cell && objects.type_name(value).as_deref() == Some("cell") {
            value = objects.word(value, objects.layout.object.size).unwrap_or(0);
        }
        if value != 0 {
            found.push((name, represent(objects, value, 0)));
        }
    }
    found
}

/// Names of the slots of `localsplus`, and whether each may hold a cell.
fn names(objects: &Objects<'_>, code: u64) -> Vec<(String, bool)> {
    let layout = &objects.layout.code;
    let tuple = |field: u32| items(objects, objects.word(code, field).unwrap_or(0), MOST_VARIABLES).1;
    let mut found = Vec::new();
    let mut add = |field: u32, kinds: &dyn Fn(usize) -> bool| {
        for (index, item) in tuple(field).into_iter().enumerate() {
            found
                .push((objects.string_up_to(item, LONGEST_TEXT).map_or_else(String::new, |text| text.0), kinds(index)));
        }
    };
    if present(layout.localsplusnames) {
        let kinds = objects.word(code, layout.localspluskinds).and_then(|kinds| objects.bytes(kinds, MOST_VARIABLES));
        let kinds = kinds.unwrap_or_default();
        // CO_FAST_CELL is 0x40 and CO_FAST_FREE 0x80 (pycore_code.h 3.11+).
        add(layout.localsplusnames, &|index| kinds.get(index).is_some_and(|kind| kind & 0xc0 != 0));
    } else {
        add(layout.varnames, &|_| false);
        add(layout.cellvars, &|_| true);
        add(layout.freevars, &|_| true);
    }
    found
}

/// How many items a tuple has, and the first of them.
fn items(objects: &Objects<'_>, tuple: u64, most: usize) -> (u64, Vec<u64>) {
    let count = objects.word(tuple, objects.layout.object.count).unwrap_or(0);
    (count, pointers(objects, tuple.wrapping_add(u64::from(objects.layout.tuple.items)), count, most))
}

fn pointers(objects: &Objects<'_>, address: u64, count: u64, most: usize) -> Vec<u64> {
    let count = usize::try_from(count).unwrap_or(0).min(most);
    let mut bytes = vec![0; count * 8];
    if objects.memory.read(address, &mut bytes).is_err() {
        return Vec::new();
    }
    bytes.as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word)).collect()
}

/// A short representation of an object, much like `repr`; never calls anything.
pub fn represent(objects: &Objects<'_>, object: u64, depth: u32) -> String {
    let name = objects.type_name(object).unwrap_or_default();
    let known = match name.as_str() {
        "NoneType" => Some("None".to_string()),
        "bool" => integer(objects, object).map(|value| if value == "0" { "False" } else { "True" }.to_string()),
        "int" => integer(objects, object),
        "float" => objects.word(object, objects.layout.float.value).map(|bits| format!("{:?}", f64::from_bits(bits))),
        "str" => objects.string_up_to(object, LONGEST_TEXT).map(|(text, more)| quoted(&text, more)),
        "bytes" => bytes(objects, object),
        "tuple" => {
            let (count, found) = items(objects, object, MOST_ELEMENTS);
            Some(sequence(objects, ("(", ")"), count, &found, depth))
        }
        "list" => {
            let count = objects.word(object, objects.layout.object.count).unwrap_or(0);
            let first = objects.word(object, objects.layout.list.items).unwrap_or(0);
            let found = pointers(objects, first, count, MOST_ELEMENTS);
            Some(sequence(objects, ("[", "]"), count, &found, depth))
        }
        "dict" => Some(dictionary(objects, object, depth)),
        "set" | "frozenset" => {
            objects.word(object, objects.layout.set.used).map(|count| format!("<{name} of {count}>"))
        }
        _ => None,
    };
    let name = if name.is_empty() { "object" } else { name.as_str() };
    known.unwrap_or_else(|| format!("<{name} at {object:#x}>"))
}

fn quoted(text: &str, more: bool) -> String {
    let escaped = text.replace('\\', "\\\\").replace('\'', "\\'");
    let escaped: String =
        escaped.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect();
    format!("'{escaped}'{}", if more { "…" } else { "" })
}

fn bytes(objects: &Objects<'_>, object: u64) -> Option<String> {
    let limit = usize::try_from(LONGEST_TEXT).unwrap_or(0);
    let bytes = objects.bytes(object, limit + 1)?;
    let more = if bytes.len() > limit { "…" } else { "" };
    Some(format!("b'{}'{more}", bytes[..bytes.len().min(limit)].escape_ascii()))
}

/// An `int` in decimal digits, unless it is very large.
pub fn integer(objects: &Objects<'_>, object: u64) -> Option<String> {
    let tag = objects.word(object, objects.layout.int.tag)?;
    // lv_tag: two bits of sign (0 positive, 1 zero, 2 negative), one reserved, then the number of digits (3.12+);
    // before, ob_size has the number of digits and the sign. A digit has 30 bits.
    let (count, negative) = if objects.dialect.tagged_int {
        (tag >> 3, tag & 3 == 2)
    } else {
        (tag.cast_signed().unsigned_abs(), tag.cast_signed() < 0)
    };
    if objects.dialect.tagged_int && tag & 3 == 1 || count == 0 {
        return Some("0".to_string());
    }
    if count > 4 {
        return Some(format!("<int of {count} digits of 30 bits>"));
    }
    let mut digits = vec![0; usize::try_from(count).ok()? * 4];
    objects.memory.read(object.wrapping_add(u64::from(objects.layout.int.digits)), &mut digits).ok()?;
    let fold = |value: i128, digit: &[u8; 4]| value << 30 | i128::from(u32::from_le_bytes(*digit) & 0x3fff_ffff);
    let value = digits.as_chunks::<4>().0.iter().rev().fold(0, fold);
    Some(if negative { -value } else { value }.to_string())
}

fn sequence(objects: &Objects<'_>, (open, close): (&str, &str), count: u64, found: &[u64], depth: u32) -> String {
    if depth >= DEEPEST {
        return format!("{open}… {count}{close}");
    }
    let mut parts: Vec<String> = found.iter().map(|&item| represent(objects, item, depth + 1)).collect();
    if count > found.len() as u64 {
        parts.push(format!("… {} more", count - found.len() as u64));
    } else if count == 1 && open == "(" {
        parts.push(String::new());
    }
    format!("{open}{}{close}", parts.join(", ").trim_end_matches(' '))
}

fn dictionary(objects: &Objects<'_>, object: u64, depth: u32) -> String {
    let count = objects.word(object, objects.layout.dict.used).unwrap_or(0);
    if depth >= DEEPEST {
        return format!("{{… {count}}}");
    }
    let mut parts = Vec::new();
    for (key, value) in entries(objects, object, MOST_ELEMENTS) {
        parts.push(format!("{}: {}", represent(objects, key, depth + 1), represent(objects, value, depth + 1)));
    }
    if count > parts.len() as u64 {
        parts.push(format!("… {} more", count - parts.len() as u64));
    }
    format!("{{{}}}", parts.join(", "))
}

/// The first `most` keys and values of a dictionary.
pub fn entries(objects: &Objects<'_>, dictionary: u64, most: usize) -> Vec<(u64, u64)> {
    let keys = objects.word(dictionary, objects.layout.dict.keys).unwrap_or(0);
    // Values of a table that instances share are elsewhere (PyDictValues, pycore_dict.h; a bare array before 3.13).
    let values = objects.word(dictionary, objects.layout.dict.values).filter(|&values| values != 0);
    let skip = if matches!(objects.dialect.attributes, super::dialect::Attributes::Inline { .. }) { 8 } else { 0 };
    table(objects, keys, values.map(|values| values.wrapping_add(skip)), most)
}

/// The first `most` keys and values of a keys object (Objects/dictobject.c; pycore_dict.h 3.11+), whose values are in the
/// array at `values` if it is given.
pub fn table(objects: &Objects<'_>, keys: u64, values: Option<u64>, most: usize) -> Vec<(u64, u64)> {
    let layout = &objects.layout.keys;
    let mut head = [0; 48];
    if keys < 4096 || objects.memory.read(keys, &mut head[..layout.indices as usize]).is_err() {
        return Vec::new();
    }
    let (index_bytes, general) = if objects.dialect.compact_keys {
        (1_u64.checked_shl(u32::from(byte(&head, layout.log2_index_bytes))).unwrap_or(0), byte(&head, layout.kind) == 0)
    } else {
        let size = word(&head, layout.size);
        let width = if size <= 0xff {
            1
        } else if size <= 0xffff {
            2
        } else {
            4
        };
        (size.saturating_mul(width), true)
    };
    let count = usize::try_from(word(&head, layout.nentries)).unwrap_or(0).min(1 << 16);
    let width = if general { 24 } else { 16 };
    let mut bytes = vec![0; count * width];
    let first = keys.wrapping_add(u64::from(layout.indices)).wrapping_add(index_bytes);
    if objects.memory.read(first, &mut bytes).is_err() {
        return Vec::new();
    }
    let apart = values.map(|values| pointers(objects, values, count as u64, count));
    let mut found = Vec::new();
    for (index, entry) in bytes.chunks_exact(width).enumerate() {
        let (key, value) = if general { (word(entry, 8), word(entry, 16)) } else { (word(entry, 0), word(entry, 8)) };
        let value = apart.as_ref().map_or(value, |values| values.get(index).copied().unwrap_or(0));
        if key != 0 && value != 0 && found.len() < most {
            found.push((key, value));
        }
    }
    found
}
