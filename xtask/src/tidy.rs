//! `cargo xtask tidy`: the invariants of ARCHITECTURE.md that neither the compiler nor clippy checks.
//!
//! Each check is a function from the [`Repository`], a plain value, to the [`Violation`]s it finds. A check that cannot
//! fail is worth nothing, so each one has a test in which it does.

mod architecture;
mod crates;
mod edges;
mod fronts;
mod hosts;
mod links;
mod lints;
mod names;
mod purity;
mod repository;
mod size;
mod source;
mod unsafe_code;
mod versions;

use anyhow::Result;
use repository::Repository;
use std::fmt;
use std::process::ExitCode;

/// Something in the repository that breaks an invariant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    /// The file, relative to the repository's root.
    path: String,
    /// The line, from 1; 0 when the whole file is meant.
    line: usize,
    /// What is wrong and what to do instead.
    message: String,
}

impl Violation {
    fn new(path: &str, line: usize, message: impl Into<String>) -> Violation {
        Violation { path: path.to_owned(), line, message: message.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(formatter, "{}: {}", self.path, self.message),
            line => write!(formatter, "{}:{line}: {}", self.path, self.message),
        }
    }
}

type Check = fn(&Repository) -> Vec<Violation>;

const CHECKS: &[(&str, Check)] = &[
    ("crates depend only downwards", edges::check),
    ("pure crates do no I/O and read no clock", purity::check),
    ("only fronts print, exit or use anyhow", fronts::check),
    ("Python versions are told apart in one place", versions::check),
    ("unsafe stands only in the listed files", unsafe_code::check),
    ("every crate keeps the workspace's lints", lints::check),
    ("no file is too long", size::check),
    ("no module is a drawer for everything", names::check),
    ("no package registry is named", hosts::check),
    ("links between pages lead somewhere", links::check),
    ("ARCHITECTURE.md lists every crate", architecture::check),
];

/// Runs every check over the repository that the current folder lies in and prints what they find.
pub fn run() -> Result<ExitCode> {
    let repository = Repository::read()?;
    let mut total = 0;
    for (invariant, check) in CHECKS {
        let mut violations = check(&repository);
        violations.sort();
        if !violations.is_empty() {
            println!("not so: {invariant}");
        }
        for violation in &violations {
            println!("  {violation}");
        }
        total += violations.len();
    }
    println!("tidy: {} checks over {} files, {total} violations", CHECKS.len(), repository.files().len());
    Ok(if total == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
