//! Finding CPython's symbols in the files that a process has mapped.

use std::fs::File;
use std::path::{Path, PathBuf};

use memmap2::Mmap;
use object::elf::{PT_LOAD, ProgramHeader64};
use object::read::elf::{ElfFile64, ProgramHeader as _};
use object::{Object as _, ObjectSection as _};

use crate::{Error, ErrorKind, Result};

/// One file that is mapped into the target with its ELF header.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Module {
    /// The path as the target sees it.
    pub path: PathBuf,
    /// Where this process can open the very file: `/proc/PID/map_files/…` or `/proc/PID/root/…`.
    pub open: PathBuf,
    /// Where the file's beginning is mapped.
    pub base: u64,
}

/// The modules of process `pid` that may hold CPython: its executable and everything named like `libpython`, in
/// `/proc/PID/maps`.
///
/// # Errors
/// When the maps cannot be read (process gone, not permitted).
pub fn modules_of(pid: u32) -> Result<Vec<Module>> {
    let maps = format!("/proc/{pid}/maps");
    let text = std::fs::read_to_string(&maps).map_err(|error| {
        let kind = match error.kind() {
            std::io::ErrorKind::NotFound => ErrorKind::Gone,
            std::io::ErrorKind::PermissionDenied => ErrorKind::Denied,
            _ => ErrorKind::File,
        };
        Error::new(kind, format!("{maps}: {error}"))
    })?;
    Ok(modules_in(&text, pid))
}

fn modules_in(maps: &str, pid: u32) -> Vec<Module> {
    let mut modules = Vec::new();
    for line in maps.lines() {
        // start-end perms offset dev inode path
        let mut fields = line.splitn(6, ' ');
        let (Some(range), Some(_), Some(offset)) = (fields.next(), fields.next(), fields.next()) else { continue };
        let Some(path) = fields.nth(2).map(str::trim_start).filter(|path| path.starts_with('/')) else { continue };
        let Some(base) = range.split('-').next().and_then(|start| u64::from_str_radix(start, 16).ok()) else {
            continue;
        };
        if offset.bytes().any(|digit| digit != b'0') {
            continue;
        }
        let path = path.strip_suffix(" (deleted)").unwrap_or(path);
        let name = path.rsplit('/').next().unwrap_or(path);
        if modules.is_empty() || name.contains("python") {
            modules.push(Module {
                path: PathBuf::from(path),
                open: PathBuf::from(format!("/proc/{pid}/map_files/{range}")),
                base,
            });
        }
    }
    modules
}

/// Where a module has what pyrometer looks for.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Symbols {
    /// Address of `_PyRuntime` in the target.
    pub runtime: u64,
    /// Address of `Py_Version` (3.11+) in the target.
    pub version: Option<u64>,
    /// Version numbers 3.8.x to 3.10.x that stand as whole strings in the file's constants.
    pub strings: Vec<(u8, u8)>,
}

/// Looks for CPython's symbols in one module; none where it has no `_PyRuntime`.
///
/// # Errors
/// When the file cannot be read.
pub fn symbols(module: &Module) -> Result<Option<Symbols>> {
    let file = File::open(&module.open).or_else(|_| File::open(&module.path));
    let file = file.map_err(|error| file_error(&module.path, &error))?;
    let map = map(&file).map_err(|error| file_error(&module.path, &error))?;
    let Ok(elf) = ElfFile64::<object::Endianness>::parse(&*map) else { return Ok(None) };
    let bias = module.base.wrapping_sub(lowest_address(&elf));
    let mut found = find(elf.dynamic_symbols());
    if found.0.is_none() {
        found = find(elf.symbols());
    }
    let section = || elf.section_by_name(".PyRuntime").map(|section| section.address());
    let Some(runtime) = found.0.or_else(section) else { return Ok(None) };
    let strings = if found.1.is_some() { Vec::new() } else { versions(&elf) };
    let version = found.1.map(|address| address.wrapping_add(bias));
    Ok(Some(Symbols { runtime: runtime.wrapping_add(bias), version, strings }))
}

fn file_error(path: &Path, error: &std::io::Error) -> Error {
    Error::new(ErrorKind::File, format!("{}: {error}", path.display()))
}

fn map(file: &File) -> std::io::Result<Mmap> {
    // SAFETY: the bytes are only ever read as plain bytes, with every access checked, so that a file that is changed while
    // it is mapped gives wrong numbers (which the checks at attach refuse) and not undefined behaviour of safe code; a file
    // that is cut short meanwhile raises SIGBUS, which replacing the very binary of a running process in place would do to
    // that process too.
    unsafe { Mmap::map(file) }
}

/// The address that the file asks its beginning to be mapped at.
fn lowest_address(elf: &ElfFile64<'_, object::Endianness>) -> u64 {
    let endian = elf.endian();
    let loads =
        elf.elf_program_headers().iter().filter(|header: &&ProgramHeader64<_>| header.p_type(endian) == PT_LOAD);
    loads.map(|header| header.p_vaddr(endian).wrapping_sub(header.p_offset(endian)) & !4095).min().unwrap_or(0)
}

fn find<'data>(symbols: impl Iterator<Item = impl object::ObjectSymbol<'data>>) -> (Option<u64>, Option<u64>) {
    let mut found = (None, None);
    for symbol in symbols {
        match symbol.name_bytes() {
            Ok(b"_PyRuntime") if symbol.address() != 0 => found.0 = Some(symbol.address()),
            Ok(b"Py_Version") if symbol.address() != 0 => found.1 = Some(symbol.address()),
            _ => continue,
        }
        if found.0.is_some() && found.1.is_some() {
            break;
        }
    }
    found
}

/// `PY_VERSION` (Include/patchlevel.h) is a string constant of `Py_GetVersion`, unless the compiler has made it something
/// else; the name of the library's folder, `python3.8`, stands in a string in any case (`VERSION`, Modules/getpath.c).
fn versions(elf: &ElfFile64<'_, object::Endianness>) -> Vec<(u8, u8)> {
    let Some(data) = elf.section_by_name(".rodata").and_then(|section| section.data().ok()) else { return Vec::new() };
    let mut found = Vec::new();
    for text in data.split(|&byte| byte == 0).filter(|text| (4..100).contains(&text.len())) {
        let folder = text.windows(8).rposition(|window| window == b"python3.").map(|start| &text[start + 8..]);
        let number = |digits: &[u8]| std::str::from_utf8(digits).ok()?.parse::<u8>().ok();
        let version = match (text.strip_prefix(b"3."), folder) {
            (Some(rest), _) => split_at_dot(rest).and_then(|(minor, micro)| Some((number(minor)?, number(micro)?))),
            (None, Some(rest)) => {
                let digits = rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
                number(&rest[..digits]).map(|minor| (minor, 0))
            }
            (None, None) => None,
        };
        if let Some(version @ (8..=10, _)) = version
            && !found.contains(&version)
        {
            found.push(version);
        }
    }
    // The one that says more comes first.
    found.sort_unstable_by(|a, b| b.cmp(a));
    found
}

fn split_at_dot(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let dot = text.iter().position(|&byte| byte == b'.')?;
    Some((&text[..dot], &text[dot + 1..]))
}
