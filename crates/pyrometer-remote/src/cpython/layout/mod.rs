//! Where CPython's structures have what is read: data, one number a field.
//!
//! For 3.13 and later the target itself exports most of the numbers (`_Py_DebugOffsets`, Include/internal/pycore_runtime.h
//! in 3.13, pycore_debug_offsets.h in 3.14 and 3.15); for the others, and for what is not exported, they come from the
//! headers of that version ([`numbers`]).

mod numbers;

use numbers::{CACHES, DEOPT, NONE, NUMBERS};

use super::Version;
use crate::memory::Memory;
use crate::{Error, ErrorKind, Result};

macro_rules! layout {
    ($($(#[$doc:meta])* $group:ident: $type:ident { $($field:ident),+ $(,)? })+) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug, PartialEq, Eq)]
            pub struct $type { $(#[doc = concat!("`", stringify!($field), "`")] pub $field: u32,)+ }
        )+

        /// Offsets in bytes of all fields that are read, by owner.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct Layout { $($(#[$doc])* pub $group: $type,)+ }

        impl Layout {
            fn from_numbers(column: usize) -> Self {
                Self { $($group: $type { $($field: number(concat!(stringify!($group), ".", stringify!($field)), column),)+ },)+ }
            }

            /// Every field by name, mutably, for overlaying what a target exports.
            fn field(&mut self, name: &str) -> Option<&mut u32> {
                match name {
                    $($(concat!(stringify!($group), ".", stringify!($field)) => Some(&mut self.$group.$field),)+)+
                    _ => None,
                }
            }
        }
    };
}

layout! {
    /// `_PyRuntimeState`.
    runtime: RuntimeLayout { interpreters_head, gil, gc, gil_drop_request }
    /// `PyInterpreterState`.
    interpreter: InterpreterLayout { id, next, threads_head, gc, gil, gil_drop_request, modules, code_generation }
    /// `struct _gc_runtime_state`.
    gc: GcLayout { collecting }
    /// `struct _gil_runtime_state`.
    gil: GilLayout { last_holder, locked, switch_number, cond, size }
    /// `PyThreadState`.
    thread: ThreadLayout { next, interpreter, ident, native_id, frame, chunk, chunk_top, status, size }
    /// `_PyCFrame` (3.11, 3.12).
    cframe: CframeLayout { frame }
    /// `_PyStackChunk` (3.11+).
    chunk: ChunkLayout { previous, size, top, data }
    /// `_PyInterpreterFrame` (3.11+), `PyFrameObject` before.
    frame: FrameLayout {
        previous, code, function, instruction, stack, owner, is_entry, localsplus, value_stack, executing, tlbc_index,
    }
    /// `PyCodeObject`.
    code: CodeLayout {
        filename, name, qualname, firstlineno, linetable, bytecode, flags, stacksize, nlocals, nlocalsplus, framesize,
        firsttraceable, localsplusnames, localspluskinds, varnames, cellvars, freevars, tlbc, size,
    }
    /// `PyObject` and `PyVarObject`.
    object: ObjectLayout { r#type, count, size }
    /// `PyTypeObject`.
    r#type: TypeLayout { name, flags, basicsize, dictoffset, cached_keys }
    /// `PyASCIIObject` and `PyCompactUnicodeObject`.
    string: StringLayout { length, state, ascii, compact }
    /// `PyBytesObject`.
    bytes: BytesLayout { data }
    /// `PyFloatObject`.
    float: FloatLayout { value }
    /// `PyLongObject`.
    int: IntLayout { tag, digits }
    /// `PyTupleObject`.
    tuple: TupleLayout { items }
    /// `PyListObject`.
    list: ListLayout { items }
    /// `PyDictObject`.
    dict: DictLayout { used, keys, values }
    /// `PyDictKeysObject`.
    keys: KeysLayout { size, log2_size, log2_index_bytes, kind, nentries, indices }
    /// `PySetObject`.
    set: SetLayout { used }
    /// `PyCFunctionObject`.
    cfunction: CfunctionLayout { method, receiver, module }
    /// `PyDescrObject`.
    descriptor: DescriptorLayout { r#type, name }
    /// `PyMethodDef`.
    method: MethodLayout { name }
    /// `PyMethodObject`.
    bound: BoundLayout { function }
}

/// The largest offset that is believed from a target.
const LARGEST: u64 = 1 << 20;
/// What `_Py_DebugOffsets` begins with.
const COOKIE: &[u8; 8] = b"xdebugpy";

fn number(name: &str, column: usize) -> u32 {
    let mut plain = String::new();
    let name = if name.contains("r#") {
        plain.push_str(&name.replace("r#", ""));
        plain.as_str()
    } else {
        name
    };
    NUMBERS.binary_search_by(|row| row.0.cmp(name)).ok().map_or(NONE, |row| NUMBERS[row].1[column])
}

/// Which column of the table a version's numbers are in; none for a version without.
fn column(version: Version) -> Option<usize> {
    if version.major == 3 && (8..=15).contains(&version.minor) { Some(usize::from(version.minor) - 8) } else { None }
}

/// An opcode's number in a version, where it has it.
pub(super) fn opcode(version: Version, name: &str) -> Option<u8> {
    u8::try_from(number(&format!("opcode.{name}"), column(version)?)).ok()
}

/// What an opcode is a specialisation of, and how many cache units follow it (3.11+).
pub(super) fn instruction(minor: u8, opcode: u8) -> Option<(u8, usize)> {
    let version = usize::from(minor).checked_sub(11)?;
    let base = DEOPT.get(version)?[usize::from(opcode)];
    Some((base, usize::from(CACHES.get(version)?[usize::from(base)])))
}

/// Whether a field exists in the version at hand.
pub(super) fn present(offset: u32) -> bool {
    offset != NONE
}

impl Layout {
    /// The layout of a version's ordinary build.
    ///
    /// # Errors
    /// `UnsupportedVersion`.
    pub fn of(version: Version) -> Result<Self> {
        let column = column(version).ok_or_else(|| Error::new(ErrorKind::UnsupportedVersion, version.to_string()))?;
        Ok(Self::from_numbers(column))
    }

    /// Whether runtimes of this version export their own layout.
    #[must_use]
    pub fn is_exported_by(version: Version) -> bool {
        column(version).is_some_and(|column| number("exported.size", column) != NONE)
    }

    /// The version and layout that the runtime at `runtime` exports; none where it exports nothing (before 3.13).
    ///
    /// # Errors
    /// `UnsupportedVersion`; `LayoutMismatch` where what it exports cannot be; faults of `memory`.
    pub fn exported(memory: &dyn Memory, runtime: u64) -> Result<Option<(Version, Self)>> {
        let mut head = [0; 24];
        memory.read(runtime, &mut head)?;
        if !head.starts_with(COOKIE) {
            return Ok(None);
        }
        let hex = u32::try_from(word(&head, 8)).unwrap_or_default();
        let mut version = Version::from_hex(hex);
        version.free_threaded = word(&head, 16) == 1;
        let known = column(version).filter(|&column| number("exported.size", column) != NONE);
        let Some(column) = known else { return Err(Error::new(ErrorKind::UnsupportedVersion, version.to_string())) };
        let mut bytes = vec![0; number("exported.size", column) as usize];
        memory.read(runtime, &mut bytes)?;
        Ok(Some((version, Self::overlay(version, column, &bytes)?)))
    }

    fn overlay(version: Version, column: usize, bytes: &[u8]) -> Result<Self> {
        let table = Self::from_numbers(column);
        let mut layout = table;
        for (name, columns) in NUMBERS {
            let Some(name) = name.strip_prefix("exported.") else { continue };
            if columns[column] == NONE {
                continue;
            }
            let value = word(bytes, columns[column] as usize);
            let Some(field) = layout.field(&raw(name)) else { continue };
            if value >= LARGEST {
                return Err(Error::new(ErrorKind::LayoutMismatch, format!("{version} exports {name} = {value:#x}")));
            }
            *field = u32::try_from(value).unwrap_or(NONE);
        }
        if !version.free_threaded {
            layout.frame.tlbc_index = NONE;
            layout.code.tlbc = NONE;
        }
        layout.derive(&table, |name| word(bytes, number(name, column) as usize));
        Ok(layout)
    }

    /// Moves the fields that are not exported along with exported neighbours, which lie elsewhere in a free-threaded build.
    fn derive(&mut self, table: &Self, exported: impl Fn(&str) -> u64) {
        let base = exported("exported.gil_base");
        self.gil.locked = u32::try_from(exported("exported.gil_locked").wrapping_sub(base)).unwrap_or(NONE);
        self.gil.last_holder = u32::try_from(exported("exported.gil_holder").wrapping_sub(base)).unwrap_or(NONE);
        self.gil.switch_number = self.gil.locked.wrapping_add(8);
        self.gil.cond = self.gil.locked.wrapping_add(16);
        self.thread.chunk_top = self.thread.chunk.wrapping_add(8);
        self.frame.function = self.frame.code.wrapping_add(16);
        let head = self.object.size.wrapping_sub(table.object.size);
        let moved = |field: &mut u32| *field = field.wrapping_add(head);
        moved(&mut self.dict.used);
        moved(&mut self.set.used);
        for field in [&mut self.cfunction.method, &mut self.cfunction.receiver, &mut self.cfunction.module] {
            moved(field);
        }
        for field in [&mut self.descriptor.r#type, &mut self.descriptor.name, &mut self.bound.function] {
            moved(field);
        }
        for field in [&mut self.r#type.basicsize, &mut self.r#type.dictoffset, &mut self.r#type.cached_keys] {
            *field = field.wrapping_add(self.r#type.name.wrapping_sub(table.r#type.name));
        }
        let line = self.code.firstlineno.wrapping_sub(table.code.firstlineno);
        let code = &mut self.code;
        for field in
            [&mut code.flags, &mut code.stacksize, &mut code.nlocals, &mut code.nlocalsplus, &mut code.framesize]
        {
            *field = field.wrapping_add(line);
        }
        let tail = if code.tlbc == NONE { 16 } else { 24 };
        code.firsttraceable = code.bytecode.wrapping_sub(tail);
    }
}

/// The name as the macro has it: keywords as raw identifiers.
fn raw(name: &str) -> String {
    name.split('.').map(|part| if part == "type" { "r#type" } else { part }).collect::<Vec<_>>().join(".")
}

fn word(bytes: &[u8], offset: usize) -> u64 {
    bytes.get(offset..offset + 8).and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::{Layout, NUMBERS};
    use crate::cpython::Version;

    #[test]
    fn the_table_is_sorted_and_every_version_has_a_layout() {
        assert!(NUMBERS.is_sorted_by_key(|row| row.0));
        for minor in 8..=15 {
            let layout = Layout::of(Version { major: 3, minor, ..Version::default() }).unwrap();
            assert_eq!(layout.r#type.name, 24);
            assert_eq!(layout.object.r#type, 8);
        }
        assert!(Layout::of(Version { major: 3, minor: 16, ..Version::default() }).is_err());
    }
}
