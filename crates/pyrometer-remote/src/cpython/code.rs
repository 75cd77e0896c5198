//! Code objects, interned.

/// What is kept of a code object.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
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
