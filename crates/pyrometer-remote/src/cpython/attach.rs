//! Finding CPython in a process, and checking that its structures are where they should be.

use super::batch::Batch;
use super::chunked::Walker;
use super::code::CodeTable;
use super::dialect::Dialect;
use super::edges::Edges;
use super::layout::{Layout, present};
use super::names;
use super::native::Natives;
use super::runtime;
use super::snapshot::{Snapshot, Validity};
use super::thread::Pace;
use super::version::Version;
use super::{Interpreter, Objects};
use crate::elf::{self, Module, Symbols};
use crate::memory::{Fault, Memory, read_u64};
use crate::{Error, ErrorKind, Result};

impl Interpreter {
    /// Finds CPython among `modules` (see [`crate::elf::modules_of`]) and checks every offset that will be used.
    /// Takes 1–3 ms, most of it for finding symbols in the files.
    ///
    /// # Errors
    /// `NotPython` (no module has it: maybe not loaded yet), `NotReady` (still starting), `UnsupportedVersion`,
    /// `LayoutMismatch`, and the faults of `memory`.
    pub fn attach(memory: &dyn Memory, modules: &[Module]) -> Result<Self> {
        let mut failure = None;
        for module in modules {
            match elf::symbols(module) {
                Ok(Some(symbols)) => {
                    let version = version(memory, module, &symbols)?;
                    let mut found = Self::attach_at(memory, symbols.runtime, version)?;
                    if symbols.version.is_none() {
                        found.complete_version(memory);
                    }
                    return Ok(found);
                }
                Ok(None) => {}
                Err(error) => failure = Some(error),
            }
        }
        Err(failure.unwrap_or_else(|| Error::new(ErrorKind::NotPython, "no loaded file has _PyRuntime")))
    }

    /// The same when it is known where `_PyRuntime` is. `version` is believed only where the runtime itself does not say
    /// (before 3.13).
    ///
    /// # Errors
    /// See [`Self::attach`].
    pub fn attach_at(memory: &dyn Memory, runtime: u64, version: Option<Version>) -> Result<Self> {
        let exported = Layout::exported(memory, runtime)?;
        let (version, layout) = match (exported, version) {
            (Some(exported), _) => exported,
            (None, Some(version)) if !Layout::is_exported_by(version) => (version, Layout::of(version)?),
            (None, Some(version)) => {
                return Err(Error::new(ErrorKind::NotReady, format!("{version} has not exported its offsets")));
            }
            (None, None) => return Err(Error::new(ErrorKind::UnsupportedVersion, "its version cannot be told")),
        };
        let dialect = Dialect::of(version, &layout);
        let mut codes = CodeTable::default();
        codes.counted = present(layout.interpreter.code_generation);
        let mut found = Self {
            version,
            layout,
            dialect,
            runtime,
            interpreters: Vec::new(),
            threads: Vec::new(),
            codes,
            edges: Edges::default(),
            natives: Natives::default(),
            batch: Batch::default(),
            walker: Walker::default(),
            pace: Pace::default(),
            gil_waits: Vec::new(),
            now: 0,
        };
        found.check(memory)?;
        Ok(found)
    }

    /// Looks at each structure once, comparing what can be compared. What leads nowhere is of an interpreter that is being
    /// made, is ending, or has just given way to another program (`exec`); what is there but wrong is a mismatch.
    fn check(&mut self, memory: &dyn Memory) -> Result<()> {
        let layout = &self.layout;
        let version = self.version;
        let mismatch = |what: &str| Error::new(ErrorKind::LayoutMismatch, format!("{version}: {what}"));
        let not_ready = |what: &str| Error::new(ErrorKind::NotReady, what);
        let head = read_u64(memory, self.runtime + u64::from(layout.runtime.interpreters_head))?;
        if head == 0 {
            return Err(not_ready("it has no interpreter yet"));
        }
        let interpreters = runtime::interpreters(memory, layout, self.runtime).map_err(|fault| match fault {
            Fault::Unmapped { .. } => not_ready("its list of interpreters leads nowhere"),
            fault => fault.into(),
        })?;
        if interpreters.iter().any(|one| !(0..1 << 32).contains(&one.id)) {
            return Err(mismatch("an interpreter's id is absurd"));
        }
        let Some(main) = interpreters.iter().find(|one| one.id == 0) else {
            return Err(mismatch("there is no main interpreter"));
        };
        if main.gil == 0 {
            return Err(not_ready("it has no GIL yet"));
        }
        let thread = read_u64(memory, main.address + u64::from(layout.interpreter.threads_head))?;
        if thread == 0 {
            return Err(not_ready("it has no thread yet"));
        }
        let back = read_u64(memory, thread.wrapping_add(u64::from(layout.thread.interpreter)));
        match back {
            Ok(back) if back == main.address => {}
            Ok(0) | Err(Fault::Unmapped { .. }) => return Err(not_ready("its thread state leads nowhere")),
            Ok(_) => return Err(mismatch("a thread state does not point to its interpreter")),
            Err(fault) => return Err(fault.into()),
        }
        let objects = Objects { memory, layout, dialect: &self.dialect };
        let modules = read_u64(memory, main.address + u64::from(layout.interpreter.modules))?;
        match (modules, objects.type_name(modules).as_deref()) {
            (0, _) | (_, None) => return Err(not_ready("it has no modules yet")),
            (_, Some("dict")) => {}
            _ => return Err(mismatch("sys.modules is not a dictionary")),
        }
        self.check_stacks(memory)
    }

    /// Before 3.11 no symbol has the whole version, but the `sys` module does.
    fn complete_version(&mut self, memory: &dyn Memory) {
        let Some(main) = self.interpreters.iter().find(|one| one.id == 0) else { return };
        let objects = self.objects(memory);
        let modules = objects.word(main.address, self.layout.interpreter.modules);
        let hex = modules.and_then(|modules| names::version(&objects, modules));
        if let Some(said) = hex.map(Version::from_hex)
            && (said.major, said.minor) == (self.version.major, self.version.minor)
        {
            self.version.micro = said.micro;
            self.version.release = said.release;
        }
    }

    /// Frames and code objects are right when a stack can be read with them.
    fn check_stacks(&mut self, memory: &dyn Memory) -> Result<()> {
        let mut snapshot = Snapshot::default();
        for _ in 0..16 {
            self.snapshot(memory, &mut snapshot)?;
            // A thread without frames proves nothing, but a process in which no thread has any is starting or ending.
            if snapshot.threads.iter().any(|thread| thread.validity != Validity::Failed) {
                return Ok(());
            }
        }
        Err(Error::new(ErrorKind::LayoutMismatch, format!("{}: no thread's stack can be read", self.version)))
    }
}

fn version(memory: &dyn Memory, module: &Module, symbols: &Symbols) -> Result<Option<Version>> {
    if let Some(address) = symbols.version {
        let mut hex = [0; 4];
        memory.read(address, &mut hex)?;
        return Ok(Some(Version::from_hex(u32::from_le_bytes(hex))));
    }
    let named = module.path.file_name().and_then(|name| minor_in(&name.to_string_lossy()));
    let strings = &symbols.strings;
    let fits = |minor: u8| strings.iter().find(|found| found.0 == minor).copied();
    let found = match (named, strings.as_slice()) {
        (Some(minor), _) => fits(minor).or(Some((minor, 0))),
        // All that the file says is of one minor version.
        (None, [first, rest @ ..]) if rest.iter().all(|other| other.0 == first.0) => Some(*first),
        (None, _) => None,
    };
    Ok(found.map(|(minor, micro)| Version { major: 3, minor, micro, release: 0xf0, free_threaded: false }))
}

/// 8 in `python3.8` or `libpython3.8.so.1.0`.
fn minor_in(name: &str) -> Option<u8> {
    let behind = name.split("python3.").nth(1)?;
    let digits = behind.split(|character: char| !character.is_ascii_digit()).next()?;
    digits.parse().ok()
}
