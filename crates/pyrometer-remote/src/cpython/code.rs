//! Code objects, interned.

use rustc_hash::FxHashMap;

use super::bytes::{int, word};
use super::dialect::Instruction;
use super::layout::present;
use super::objects::Objects;
use super::snapshot::CodeKey;
use crate::memory::Span;

/// What is kept of a code object.
#[derive(Clone, Debug, PartialEq, Eq, Default, Hash)]
pub struct CodeInfo {
    /// `co_name`.
    pub name: String,
    /// `co_qualname` on 3.11+; before that the same as `name`.
    pub qualified_name: String,
    /// `co_filename`.
    pub file: String,
    /// `co_firstlineno`.
    pub first_line: u32,
    /// Length of the bytecode, in bytes.
    pub length: u32,
    /// The line table's bytes, in the version's own encoding (see [`super::Interpreter::resolve`]).
    pub line_table: Box<[u8]>,
}

/// A code object at an address.
#[derive(Clone, Debug)]
pub struct PlacedCode {
    /// Its key.
    pub key: CodeKey,
    /// Address of its first instruction. Where `co_code` is an object of its own: 0.
    pub start: u64,
    /// Length of its bytecode in bytes.
    pub length: u32,
    /// Size of its frames in bytes; 0 where frames are heap objects.
    pub frame_size: u32,
    /// How many of the frame's slots are variables; the value stack lies behind them.
    pub variables: u32,
    /// Byte offset of the first instruction a traceback may show; frames before it are still being set up.
    pub first_traceable: u32,
    /// Whether frames of it are CPython's own, put between a class and its inlined `__init__` (`_Py_InitCleanup`, 3.12+,
    /// whose file name is `__init__`).
    pub trampoline: bool,
    /// The kind of each instruction unit (3.11+).
    pub instructions: Box<[Instruction]>,
    /// Argument of each plain call instruction, by unit; 255 for other instructions (3.11+).
    calls: Box<[u8]>,
    /// The fields that tell it from another code object at the same address.
    identity: Identity,
    /// How many snapshots may pass until the identity is looked at again.
    patience: u32,
    /// Number of the snapshot in which that is due.
    due: u64,
    /// The table's epoch in which the identity was last looked at.
    epoch: u64,
}

impl PlacedCode {
    /// How many arguments the plain `CALL` at this unit has, if it is one.
    pub fn call_arguments(&self, unit: usize) -> Option<u8> {
        self.calls.get(unit).copied().filter(|&count| count != u8::MAX)
    }
}

type Identity = [u64; 5];

/// The longest interval, in snapshots, at which a code object's identity is looked at again.
const LARGEST_PATIENCE: u32 = 64;
/// When more addresses than this are known, all are forgotten (not the keys): programs that compile without end.
const MOST_PLACES: usize = 1 << 17;

/// Code objects by address and by content.
///
/// Addresses get reused: a code object that dies can be followed by another one at the same place. From 3.14 on the
/// interpreter counts deaths of code objects (`code_object_generation`), and a place is believed while that number stands.
/// Before, the pointers to name, qualified name, file, line table and the first line are compared again in the same read as
/// the frames: in each snapshot at first, then after 2, 4, … 64 snapshots while nothing changes. A program that compiles
/// all the time is therefore read right, and in one that has long been quiet at most 64 samples go to the predecessor.
#[derive(Debug, Default)]
pub struct CodeTable {
    places: FxHashMap<u64, PlacedCode>,
    infos: Vec<CodeInfo>,
    contents: FxHashMap<CodeInfo, CodeKey>,
    code_type: u64,
    epoch: u64,
    /// Whether deaths of code objects are counted by the target, so that only a new epoch is a reason to look again.
    pub counted: bool,
    no_code: FxHashMap<u64, u64>,
}

impl CodeTable {
    /// What is known under a key.
    pub fn info(&self, key: CodeKey) -> Option<&CodeInfo> {
        self.infos.get(key.0 as usize)
    }

    /// The code object at an address, if it is already known.
    #[inline]
    pub fn get(&self, address: u64) -> Option<&PlacedCode> {
        self.places.get(&address)
    }

    /// Code objects have died: every place is to be looked at again before it is believed.
    pub fn doubt(&mut self) {
        self.epoch += 1;
    }

    fn is_due(&self, placed: &PlacedCode, now: u64) -> bool {
        placed.epoch != self.epoch || !self.counted && placed.due <= now
    }

    /// Where to look to see whether the code object at `address` is still the one that is known, when that is due in
    /// snapshot `now`.
    pub fn due(&self, objects: &Objects<'_>, address: u64, now: u64) -> Option<Span> {
        let placed = self.places.get(&address)?;
        self.is_due(placed, now).then(|| identity_span(objects, address))
    }

    /// Compares what was read at [`Self::due`]'s span; forgets the place when it is another code object now.
    /// Returns whether it is still the same.
    pub fn confirm(&mut self, objects: &Objects<'_>, address: u64, bytes: &[u8], now: u64) -> bool {
        let Some(placed) = self.places.get_mut(&address) else { return false };
        let base = identity_span(objects, address).address.wrapping_sub(address);
        if identity(objects, bytes, u32::try_from(base).unwrap_or(0)) == placed.identity {
            placed.epoch = self.epoch;
            placed.due = now + u64::from(placed.patience);
            placed.patience = (placed.patience * 2).min(LARGEST_PATIENCE);
            return true;
        }
        self.places.remove(&address);
        false
    }

    /// Reads the code object at `address`; none where there is none. `now` is the snapshot's number.
    pub fn intern(&mut self, objects: &Objects<'_>, address: u64, now: u64) -> Option<&PlacedCode> {
        if self.trusted(objects, address, now) {
            return self.places.get(&address);
        }
        if self.no_code.get(&address).is_some_and(|&when| when == now) {
            return None;
        }
        let Some((mut placed, info)) = read(objects, address, &mut self.code_type, now) else {
            if self.no_code.len() > 1024 {
                self.no_code.clear();
            }
            self.no_code.insert(address, now);
            return None;
        };
        let key = match self.contents.get(&info) {
            Some(&key) => key,
            None => {
                let key = CodeKey(u32::try_from(self.infos.len()).ok()?);
                self.infos.push(info.clone());
                self.contents.insert(info, key);
                key
            }
        };
        if self.places.len() >= MOST_PLACES {
            self.places.clear();
        }
        placed.epoch = self.epoch;
        Some(self.places.entry(address).or_insert(PlacedCode {
            key,
            trampoline: self.infos[key.0 as usize].file == "__init__",
            ..placed
        }))
    }
}

impl CodeTable {
    /// Whether the place is known and need not be looked at, or has just been looked at and is as it was.
    fn trusted(&mut self, objects: &Objects<'_>, address: u64, now: u64) -> bool {
        let Some(placed) = self.places.get(&address) else { return false };
        if !self.is_due(placed, now) {
            return true;
        }
        let span = identity_span(objects, address);
        let mut bytes = [0; 256];
        let bytes = &mut bytes[..span.length.min(256)];
        objects.memory.read(span.address, bytes).is_ok() && self.confirm(objects, address, bytes, now)
    }
}

fn identity_fields(objects: &Objects<'_>) -> [u32; 5] {
    let code = &objects.layout.code;
    let qualname = if present(code.qualname) { code.qualname } else { code.name };
    [code.name, qualname, code.filename, code.linetable, code.firstlineno]
}

fn identity_span(objects: &Objects<'_>, address: u64) -> Span {
    let fields = identity_fields(objects);
    let first = fields.iter().copied().min().unwrap_or(0);
    let last = fields.iter().copied().max().unwrap_or(0);
    Span { address: address.wrapping_add(u64::from(first)), length: (last - first) as usize + 8 }
}

/// `bytes` begin `base` bytes into the code object.
fn identity(objects: &Objects<'_>, bytes: &[u8], base: u32) -> Identity {
    let [name, qualname, file, table, line] = identity_fields(objects).map(|field| field.wrapping_sub(base));
    let line = u64::from(int(bytes, line).cast_unsigned());
    [word(bytes, name), word(bytes, qualname), word(bytes, file), word(bytes, table), line]
}

fn read(objects: &Objects<'_>, address: u64, code_type: &mut u64, now: u64) -> Option<(PlacedCode, CodeInfo)> {
    if address < 4096 || !address.is_multiple_of(8) {
        return None;
    }
    let layout = &objects.layout.code;
    let mut head = [0; 320];
    let head = head.get_mut(..layout.size as usize)?;
    objects.memory.read(address, head).ok()?;
    let r#type = word(head, objects.layout.object.r#type);
    if *code_type == 0 && objects.name_of_type(r#type)? == "code" {
        *code_type = r#type;
    }
    if r#type != *code_type {
        return None;
    }
    let name = objects.string(word(head, layout.name))?;
    let qualified_name =
        if present(layout.qualname) { objects.string(word(head, layout.qualname))? } else { name.clone() };
    let first_line = u32::try_from(int(head, layout.firstlineno)).unwrap_or(0);
    let bytecode = bytecode(objects, address, head)?;
    let info = CodeInfo {
        qualified_name,
        file: objects.string(word(head, layout.filename))?,
        first_line,
        length: u32::try_from(bytecode.len()).ok()?,
        line_table: objects.bytes(word(head, layout.linetable), super::objects::LONGEST_BYTES)?.into(),
        name,
    };
    Some((place(objects, address, head, &bytecode, now)?, info))
}

fn bytecode(objects: &Objects<'_>, address: u64, head: &[u8]) -> Option<Vec<u8>> {
    let layout = &objects.layout.code;
    if objects.dialect.separate_bytecode {
        return objects.bytes(word(head, layout.bytecode), super::objects::LONGEST_BYTES);
    }
    // ob_size counts the two-byte units (_PyCode_NBYTES, pycore_code.h).
    let units = usize::try_from(word(head, objects.layout.object.count)).ok()?;
    let length = units.checked_mul(2).filter(|&length| length <= super::objects::LONGEST_BYTES)?;
    let mut bytes = vec![0; length];
    objects.memory.read(address.wrapping_add(u64::from(layout.bytecode)), &mut bytes).ok()?;
    Some(bytes)
}

fn place(objects: &Objects<'_>, address: u64, head: &[u8], bytecode: &[u8], now: u64) -> Option<PlacedCode> {
    let layout = &objects.layout.code;
    let separate = objects.dialect.separate_bytecode;
    let number = |field| u32::try_from(int(head, field)).ok().filter(|&number| number < 1 << 20);
    let variables = if present(layout.nlocalsplus) { number(layout.nlocalsplus)? } else { number(layout.nlocals)? };
    let specials = objects.layout.frame.localsplus / 8;
    let words = match (separate, present(layout.framesize)) {
        (true, _) => 0,
        // co_framesize, 3.12+.
        (false, true) => number(layout.framesize)?,
        // _PyThreadState_PushFrame's callers, Python/ceval.c 3.11: co_nlocalsplus + co_stacksize + FRAME_SPECIALS_SIZE.
        (false, false) => variables + number(layout.stacksize)? + specials,
    };
    if !separate && words < specials {
        return None;
    }
    Some(PlacedCode {
        key: CodeKey::default(),
        start: if separate { 0 } else { address.wrapping_add(u64::from(layout.bytecode)) },
        length: u32::try_from(bytecode.len()).ok()?,
        frame_size: words * 8,
        variables,
        trampoline: false,
        first_traceable: if separate { 0 } else { number(layout.firsttraceable)? * 2 },
        instructions: if separate { Box::default() } else { objects.dialect.instructions(bytecode) },
        calls: if separate { Box::default() } else { objects.dialect.calls(bytecode) },
        identity: identity(objects, head, 0),
        patience: 1,
        due: now + 1,
        epoch: 0,
    })
}
