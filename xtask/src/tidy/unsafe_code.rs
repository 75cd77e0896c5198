//! Unsafe code stands only in the files listed here, each of which does one thing that needs it. (That every block has
//! its SAFETY sentence is clippy's `undocumented_unsafe_blocks`.)

use super::Violation;
use super::repository::Repository;
use super::source::{line_at, words};

/// The files that may hold unsafe code, and why they must.
const ALLOWED: &[(&str, &str)] = &[
    ("crates/pyrometer/src/commands/record.rs", "taking a descriptor that was inherited by its number"),
    ("crates/pyrometer-remote/src/elf.rs", "mapping an executable that somebody else may change"),
    ("crates/pyrometer-remote/src/memory/live.rs", "process_vm_readv, which std does not have"),
    ("crates/pyrometer-remote/src/os/clock.rs", "CPU clocks, absolute sleep, timer slack and own resource usage"),
    ("crates/pyrometer-remote/src/os/pause.rs", "ptrace and waitpid"),
    ("crates/pyrometer-remote/src/os/perf.rs", "perf_event_open and the ring buffers it maps"),
    ("crates/pyrometer-remote/src/os/process.rs", "pidfd_open and poll on it"),
];

pub fn check(repository: &Repository) -> Vec<Violation> {
    check_against(repository, ALLOWED)
}

fn check_against(repository: &Repository, allowed: &[(&str, &str)]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in repository.rust() {
        if allowed.iter().any(|(path, _)| *path == file.path) {
            continue;
        }
        for (at, _) in words(&file.code).filter(|(_, word)| *word == "unsafe") {
            let message = "unsafe outside the files listed in xtask/src/tidy/unsafe_code.rs";
            violations.push(Violation::new(&file.path, line_at(&file.code, at), message));
        }
    }
    for (path, _) in allowed {
        let used = repository.file(path).is_some_and(|file| words(&file.code).any(|(_, word)| word == "unsafe"));
        if !used {
            violations.push(Violation::new(path, 0, "is listed as holding unsafe code, and holds none"));
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unsafe_code_stands_where_it_is_listed() {
        let path = "crates/pyrometer-remote/src/live.rs";
        let repository = |text| Repository::of(&[(path, text)]);
        assert_eq!(check_against(&repository("fn f() { unsafe { g() } }"), &[]).len(), 1);
        assert_eq!(check_against(&repository("fn f() { unsafe { g() } }"), &[(path, "reads")]), []);
        assert_eq!(check_against(&repository("#![forbid(unsafe_code)] // unsafe"), &[]), []);
        assert_eq!(check_against(&repository("fn f() {}"), &[(path, "reads")]).len(), 1);
    }
}
