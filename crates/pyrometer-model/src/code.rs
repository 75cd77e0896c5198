//! Code objects and places in them.

use crate::{CodeId, StringId};

/// What stands behind a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum CodeKind {
    /// A Python code object.
    #[default]
    Python,
    /// A function written in C that a Python frame was calling, for example `time.sleep`.
    Native,
    /// Not a function: something that the recorder says about the stack, for example [`Code::UNKNOWN`].
    Marker,
}

/// A code object. Two frames are of one function when they have one `CodeId`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Code {
    /// What stands behind a frame of this code.
    pub kind: CodeKind,
    /// The bare name: `co_name`, or a native function's name.
    pub name: StringId,
    /// The qualified name: `co_qualname` on 3.11+, elsewhere as much of it as the recorder knows (at least the name).
    pub qualified_name: StringId,
    /// The dotted module, as far as known: `__name__` of the frame's globals, or derived from the file's path.
    pub module: StringId,
    /// `co_filename`, as it is in the target.
    pub file: StringId,
    /// `co_firstlineno`, 1-based; 0 where there is none.
    pub first_line: u32,
}

impl Code {
    /// The name of the marker that stands for the part of a stack that could not be proven.
    pub const UNKNOWN: &'static str = "<unknown>";
    /// The name of the marker under which the garbage collector's time is shown.
    pub const GC: &'static str = "<gc>";
}

/// A range in a source file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Position {
    /// First line, 1-based; 0 where it is unknown.
    pub line: u32,
    /// Last line, 1-based, not before `line`; 0 where it is unknown.
    pub end_line: u32,
    /// Byte offset in the first line (UTF-8), 0-based; [`Position::NO_COLUMN`] where it is unknown (before 3.11).
    pub column: u32,
    /// Byte offset just behind the range in the last line; [`Position::NO_COLUMN`] where it is unknown.
    pub end_column: u32,
}

impl Position {
    /// The column of a position whose column is not known.
    pub const NO_COLUMN: u32 = u32::MAX;
    /// A position of which nothing is known.
    pub const UNKNOWN: Self = Self { line: 0, end_line: 0, column: Self::NO_COLUMN, end_column: Self::NO_COLUMN };

    /// A position of which only the line is known.
    #[must_use]
    pub const fn line(line: u32) -> Self {
        Self { line, end_line: line, column: Self::NO_COLUMN, end_column: Self::NO_COLUMN }
    }
}

impl Default for Position {
    fn default() -> Self {
        Self::UNKNOWN
    }
}

/// A place in a code object, with the source position that the code's line table gives for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Location {
    /// The code object.
    pub code: CodeId,
    /// Byte offset of the instruction in the bytecode (`f_lasti`); -1 before the first instruction or where there is none.
    pub offset: i32,
    /// Where that is in the source.
    pub position: Position,
}
