//! From the frames of one process to locations and stacks of the capture.

use pyrometer_model::{Code, CodeId, CodeKind, Dictionary, Location, LocationId, Position, StackId, StackTable};
use rustc_hash::FxHashMap;

use super::module::{is_library, module_of};
use crate::cpython::{Frame, Interpreter, NativeKey};
use crate::os::process::FileSystem;

/// Knows which location of the dictionary each frame of one process is. A frame that was seen before costs one look-up in
/// a hash table, and the frames that a thread kept since its last sample cost nothing.
#[derive(Debug, Default)]
pub(super) struct Interner {
    codes: Vec<Option<CodeId>>,
    natives: Vec<Option<LocationId>>,
    locations: FxHashMap<Frame, LocationId>,
    /// The file that runs as `__main__`, once a stack has shown it.
    main: Option<String>,
}

/// The stacks of one thread's last sample: entry n is the stack of its n + 1 outermost frames.
#[derive(Debug, Default)]
pub(super) struct StackCache {
    prefixes: Vec<StackId>,
}

impl Interner {
    /// The stack of `frames` (root first), of which the first `common` are those of the call before with the same cache.
    pub(super) fn stack(
        &mut self,
        dictionary: &mut Dictionary,
        interpreter: &Interpreter,
        files: &FileSystem,
        (frames, common): (&[Frame], usize),
        cache: &mut StackCache,
    ) -> StackId {
        cache.prefixes.truncate(common.min(frames.len()));
        let mut stack = cache.prefixes.last().copied().unwrap_or(StackTable::EMPTY);
        for &frame in frames.get(cache.prefixes.len()..).unwrap_or_default() {
            let location = match self.locations.get(&frame) {
                Some(&location) => location,
                None => self.add_location(dictionary, interpreter, files, frame),
            };
            stack = dictionary.intern_stack(stack, location);
            cache.prefixes.push(stack);
        }
        stack
    }

    /// The location of a native callee.
    pub(super) fn native(
        &mut self,
        dictionary: &mut Dictionary,
        interpreter: &Interpreter,
        key: NativeKey,
    ) -> Option<LocationId> {
        let index = usize::try_from(key.0).ok()?;
        if let Some(&Some(location)) = self.natives.get(index) {
            return Some(location);
        }
        let qualified = interpreter.native(key)?;
        let name = dictionary.strings.intern(qualified.rsplit('.').next().unwrap_or(qualified));
        let qualified_name = dictionary.strings.intern(qualified);
        let code = dictionary.intern_code(Code { kind: CodeKind::Native, name, qualified_name, ..Code::default() });
        let location = dictionary.intern_location(Location { code, offset: -1, position: Position::UNKNOWN });
        remember(&mut self.natives, index, location);
        Some(location)
    }

    /// Whether it is known which file runs as `__main__`.
    pub(super) fn knows_main(&self) -> bool {
        self.main.is_some()
    }

    /// Looks whether the main thread's stack shows which file runs as `__main__`: the outermost module that is not of the
    /// library, which leaves out `site` at the start and `runpy` below `-m`.
    pub(super) fn find_main(&mut self, interpreter: &Interpreter, frames: &[Frame]) {
        let codes = frames.iter().take(8).filter_map(|frame| interpreter.code(frame.code));
        let mut modules = codes.filter(|code| code.name == "<module>" && !is_library(&code.file));
        self.main = modules.next().map(|code| code.file.clone());
    }

    #[cold]
    fn add_location(
        &mut self,
        dictionary: &mut Dictionary,
        interpreter: &Interpreter,
        files: &FileSystem,
        frame: Frame,
    ) -> LocationId {
        let index = usize::try_from(frame.code.0).unwrap_or(usize::MAX);
        let code = match self.codes.get(index) {
            Some(&Some(code)) => code,
            _ => self.add_code(dictionary, interpreter, files, frame),
        };
        let position = interpreter.resolve(frame);
        let location = dictionary.intern_location(Location { code, offset: frame.offset, position });
        self.locations.insert(frame, location);
        location
    }

    fn add_code(
        &mut self,
        dictionary: &mut Dictionary,
        interpreter: &Interpreter,
        files: &FileSystem,
        frame: Frame,
    ) -> CodeId {
        let Some(info) = interpreter.code(frame.code) else {
            let unknown = dictionary.intern_marker(Code::UNKNOWN);
            return dictionary.location(unknown).code;
        };
        let module = if self.main.as_ref() == Some(&info.file) {
            "__main__".to_owned()
        } else {
            module_of(&info.file, &|directory| files.readable_path(&format!("{directory}/__init__.py")).exists())
        };
        let code = Code {
            kind: CodeKind::Python,
            name: dictionary.strings.intern(&info.name),
            qualified_name: dictionary.strings.intern(&info.qualified_name),
            module: dictionary.strings.intern(&module),
            file: dictionary.strings.intern(&info.file),
            first_line: info.first_line,
        };
        let id = dictionary.intern_code(code);
        remember(&mut self.codes, usize::try_from(frame.code.0).unwrap_or(usize::MAX), id);
        id
    }
}

fn remember<T: Copy>(table: &mut Vec<Option<T>>, index: usize, value: T) {
    // Keys are dense from 0; one far out of line is not remembered rather than given memory.
    if index < table.len() + 65_536 {
        if table.len() <= index {
            table.resize(index + 1, None);
        }
        table[index] = Some(value);
    }
}
