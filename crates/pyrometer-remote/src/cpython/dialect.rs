//! What differs between versions and is not an offset. The only place that looks at a minor version.

use super::Version;
use super::layout::{self, Layout, present};

/// How a thread's frames are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frames {
    /// Heap objects linked by `f_back` (3.8–3.10).
    Linked,
    /// One behind the other in the chunks of a data stack (3.11+).
    Chunked,
}

/// What tells, within one copy of a data stack, whether a frame was alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// 3.8–3.10: `f_executing` is 1 (3.8, 3.9), or `f_state` is `FRAME_EXECUTING` = 0 (3.10).
    Flag {
        /// The value of a live frame.
        executing: u8,
    },
    /// 3.11–3.13: `stacktop` is -1 exactly while the frame's own instructions execute (`_PyFrame_GetStackPointer` and
    /// `SET_LOCALS_FROM_FRAME`, Python/ceval.c 3.11–3.13); a caller of an inlined call, a dying and a dead frame have it ≥ 0.
    StackTop,
    /// 3.14+: `clear_thread_frame` (Python/ceval.c) sets `f_executable` to null when a frame dies. Release builds never
    /// clear `stackpointer` (pycore_interpframe.h, `_PyFrame_GetStackPointer`), so it says nothing.
    ClearedCode,
}

/// How `(code, offset)` maps to source positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lines {
    /// `co_lnotab` (3.8, 3.9; Objects/lnotab_notes.txt).
    Lnotab,
    /// `co_linetable` of PEP 626 (3.10).
    Pep626,
    /// The location table of PEP 657 (3.11+).
    Locations,
}

/// Where the attributes of an instance of an ordinary Python class are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attributes {
    /// In a dictionary, `tp_dictoffset` bytes into the instance (3.8–3.10).
    Dictionary,
    /// In values four words before it, or a dictionary three words before it (3.11, `_PyObject_ValuesPointer`).
    ValuesBefore,
    /// Three words before it: a dictionary, or one less than the address of values (3.12, `PyDictOrValues`).
    Either,
    /// In values behind it (`Py_TPFLAGS_INLINE_VALUES`), or a dictionary before it (3.13+; three words, in free-threaded
    /// builds one: `MANAGED_DICT_OFFSET`).
    Inline {
        /// How many words before the instance the dictionary is.
        before: u64,
    },
}

/// What kind of instruction a frame stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instruction {
    /// Ends or leaves the frame: it has no callee.
    Leaving,
    /// `RESUME`, the first that counts: it has no callee either.
    Starting,
    /// `CALL` and its like.
    Call,
    /// Any other.
    Other,
}

/// What differs between versions and is not an offset.
#[derive(Clone, Debug)]
pub struct Dialect {
    /// How frames are kept.
    pub frames: Frames,
    /// What marks a live frame.
    pub mark: Mark,
    /// How lines are kept.
    pub lines: Lines,
    /// Bits of a frame's references that are not part of the address (`_PyStackRef`, 3.14+).
    pub tag_mask: u64,
    /// Whether `thread.frame` points to a `_PyCFrame` that points to the frame (3.11, 3.12).
    pub through_cframe: bool,
    /// Frames whose `owner` is at least this are not Python's: shims on the C stack, sentinels (3.12+).
    pub first_shim_owner: u8,
    /// Whether `co_code` is a bytes object of its own (before 3.11).
    pub separate_bytecode: bool,
    /// Whether integers keep sign and size in `lv_tag` (3.12+) rather than in `ob_size`.
    pub tagged_int: bool,
    /// Whether the table of a dictionary with only string keys has no hashes (3.11+).
    pub compact_keys: bool,
    /// Where instances have their attributes.
    pub attributes: Attributes,
    /// Bits of an instruction offset's unit: `f_lasti` counts instructions of two bytes in 3.10, bytes before.
    pub offset_unit: i32,
    /// Bits of a unicode object's `state` below `kind`: `interned` has 2, in free-threaded builds 8 (3.14+).
    pub string_kind_shift: u32,
    plain_call: Option<u8>,
    starting: Vec<u8>,
    leaving: Vec<u8>,
    calls: Vec<u8>,
    minor: u8,
}

impl Dialect {
    /// The dialect of a version, which must be one that [`Layout::of`] knows.
    #[must_use]
    pub fn of(version: Version, layout: &Layout) -> Self {
        let minor = version.minor;
        let opcodes = |names: &[&str]| names.iter().filter_map(|name| layout::opcode(version, name)).collect();
        Self {
            frames: if minor >= 11 { Frames::Chunked } else { Frames::Linked },
            mark: match minor {
                8 | 9 => Mark::Flag { executing: 1 },
                10 => Mark::Flag { executing: 0 },
                11..=13 => Mark::StackTop,
                _ => Mark::ClearedCode,
            },
            lines: match minor {
                8 | 9 => Lines::Lnotab,
                10 => Lines::Pep626,
                _ => Lines::Locations,
            },
            tag_mask: if minor >= 14 { !3 } else { !0 },
            through_cframe: matches!(minor, 11 | 12),
            // FRAME_OWNED_BY_CSTACK is 3 in 3.12 and 3.13 (pycore_frame.h), FRAME_OWNED_BY_INTERPRETER in 3.14+.
            first_shim_owner: 3,
            separate_bytecode: !present(layout.code.nlocalsplus),
            tagged_int: minor >= 12,
            compact_keys: minor >= 11,
            attributes: match minor {
                ..=10 => Attributes::Dictionary,
                11 => Attributes::ValuesBefore,
                12 => Attributes::Either,
                _ => Attributes::Inline { before: if version.free_threaded { 1 } else { 3 } },
            },
            offset_unit: if minor == 10 { 2 } else { 1 },
            string_kind_shift: if minor >= 14 && version.free_threaded { 8 } else { 2 },
            plain_call: layout::opcode(version, "CALL"),
            starting: opcodes(&["RESUME", "INSTRUMENTED_RESUME"]),
            leaving: opcodes(&[
                "RETURN_VALUE",
                "RETURN_CONST",
                "RETURN_GENERATOR",
                "YIELD_VALUE",
                "INSTRUMENTED_RETURN_VALUE",
                "INSTRUMENTED_RETURN_CONST",
                "INSTRUMENTED_YIELD_VALUE",
            ]),
            calls: opcodes(&[
                "CALL",
                "CALL_KW",
                "CALL_FUNCTION_EX",
                "CALL_FUNCTION",
                "CALL_METHOD",
                "CALL_FUNCTION_KW",
            ]),
            minor,
        }
    }

    /// The argument of each `CALL` by unit, 255 where there is another instruction or more than one byte of argument.
    #[must_use]
    pub fn calls(&self, bytecode: &[u8]) -> Box<[u8]> {
        let units = bytecode.as_chunks::<2>().0;
        let mut found = vec![u8::MAX; units.len()];
        let mut index = 0;
        while let Some(unit) = units.get(index) {
            let (base, caches) = layout::instruction(self.minor, unit[0]).unwrap_or((unit[0], 0));
            if Some(base) == self.plain_call {
                found[index] = unit[1];
            }
            index += 1 + caches;
        }
        found.into()
    }

    /// The kind of each two-byte unit of `bytecode`; the cache units behind an instruction have that of the instruction.
    #[must_use]
    pub fn instructions(&self, bytecode: &[u8]) -> Box<[Instruction]> {
        let mut kinds = Vec::with_capacity(bytecode.len() / 2);
        let mut caches = 0;
        let mut kind = Instruction::Other;
        for unit in bytecode.as_chunks::<2>().0 {
            if caches > 0 {
                caches -= 1;
            } else {
                let (base, following) = layout::instruction(self.minor, unit[0]).unwrap_or((unit[0], 0));
                caches = following;
                kind = if self.leaving.contains(&base) {
                    Instruction::Leaving
                } else if self.starting.contains(&base) {
                    Instruction::Starting
                } else if self.calls.contains(&base) {
                    Instruction::Call
                } else {
                    Instruction::Other
                };
            }
            kinds.push(kind);
        }
        kinds.into()
    }
}
