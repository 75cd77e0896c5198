//! Finding CPython's symbols in the files that a process has mapped.

use std::path::PathBuf;

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
