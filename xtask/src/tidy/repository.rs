//! The files that the checks look at, as a value: read once from the disk, or written out in a test.

use super::source;
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Every text file that is, or could be, committed.
pub struct Repository {
    files: Vec<File>,
    /// The path of every file, text or not.
    paths: Vec<String>,
}

/// A text file of the repository.
pub struct File {
    /// Relative to the repository's root, with forward slashes.
    pub path: String,
    pub text: String,
    /// For Rust: the text with comments, string contents and test code blanked, line for line; else empty.
    pub code: String,
    /// A file that holds nothing but tests: `tests.rs`, a module declared under `#[cfg(test)]`, or in a folder of tests, benches or examples.
    pub is_test: bool,
}

impl Repository {
    /// Reads the repository that the current folder lies in.
    pub fn read() -> Result<Repository> {
        let root = PathBuf::from(git(Path::new("."), &["rev-parse", "--show-toplevel"])?.trim_end());
        let listing = git(&root, &["ls-files", "-z", "--cached", "--others", "--exclude-standard"])?;
        let mut named = Vec::new();
        let paths = listing.split('\0').filter(|path| root.join(path).is_file()).map(str::to_owned).collect();
        for path in listing.split('\0').filter(|path| !path.is_empty()) {
            // A file that is deleted but not yet committed so is listed still, and what is not UTF-8 is not text.
            if let Ok(text) = std::fs::read_to_string(root.join(path)) {
                named.push((path.to_owned(), text));
            }
        }
        Ok(Repository::new(named, paths))
    }

    fn new(named: Vec<(String, String)>, paths: Vec<String>) -> Repository {
        let mut files: Vec<File> = named
            .into_iter()
            .map(|(path, text)| {
                let code = if path.ends_with(".rs") { source::code_of(&text) } else { String::new() };
                let is_test = path.split('/').any(|part| ["tests", "tests.rs", "benches", "examples"].contains(&part));
                File { path, text, code, is_test }
            })
            .collect();
        mark_test_modules(&mut files);
        Repository { files, paths }
    }

    /// A repository of the given (path, text) pairs.
    #[cfg(test)]
    pub fn of(files: &[(&str, &str)]) -> Repository {
        let named = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
        Repository::new(named, files.iter().map(|(path, _)| (*path).to_owned()).collect())
    }

    pub fn files(&self) -> &[File] {
        &self.files
    }

    /// The file at a path.
    pub fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    /// Whether there is a file at the path, or a folder with files.
    pub fn has(&self, path: &str) -> bool {
        self.paths
            .iter()
            .any(|known| known.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
    }

    /// The Rust files that are not tests.
    pub fn rust(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| file.path.ends_with(".rs") && !file.is_test)
    }

    /// The manifest of each crate, with the name that its folder gives the crate.
    pub fn manifests(&self) -> impl Iterator<Item = (&str, &File)> {
        self.files.iter().filter_map(|file| {
            let (name, inside) = super::crates::crate_of(&file.path)?;
            (inside == "Cargo.toml").then_some((name, file))
        })
    }
}

/// Marks the files of modules declared as `#[cfg(test)] mod name;`, and of the modules below them.
fn mark_test_modules(files: &mut [File]) {
    let mut test_paths = Vec::new();
    for file in files.iter().filter(|file| file.path.ends_with(".rs")) {
        for module in source::test_modules(&file.text) {
            test_paths.push(module_path(&file.path, &module));
        }
    }
    for file in files {
        let stem = file.path.trim_end_matches(".rs");
        file.is_test |= test_paths.iter().any(|path| stem == path || stem.starts_with(&format!("{path}/")));
    }
}

/// Where the module `name` declared in `file` lies, without `.rs`.
fn module_path(file: &str, name: &str) -> String {
    let stem = file.trim_end_matches(".rs");
    let (folder, last) = stem.rsplit_once('/').unwrap_or(("", stem));
    match last {
        "lib" | "main" | "mod" => format!("{folder}/{name}"),
        _ => format!("{stem}/{name}"),
    }
}

fn git(folder: &Path, arguments: &[&str]) -> Result<String> {
    let output = Command::new("git").current_dir(folder).args(arguments).output().context("git cannot be run")?;
    if !output.status.success() {
        bail!("git {} failed: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim());
    }
    String::from_utf8(output.stdout).context("git listed a path that is not UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_declared_for_tests_are_test_files() {
        let repository = Repository::of(&[
            ("crates/a/src/walk.rs", "#[cfg(test)]\nmod cases;\nmod real;"),
            ("crates/a/src/walk/cases.rs", ""),
            ("crates/a/src/walk/cases/deep.rs", ""),
            ("crates/a/src/walk/real.rs", ""),
            ("crates/a/src/lib.rs", "#[cfg(test)]\nmod tests;"),
            ("crates/a/src/tests.rs", ""),
            ("crates/a/tests/cli.rs", ""),
        ]);
        let paths: Vec<&str> = repository.rust().map(|file| file.path.as_str()).collect();
        assert_eq!(paths, ["crates/a/src/walk.rs", "crates/a/src/walk/real.rs", "crates/a/src/lib.rs"]);
    }
}
