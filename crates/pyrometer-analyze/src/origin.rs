//! Whose code a function is: what the reader wrote and can change, or a library that they call.

use pyrometer_model::{Code, CodeKind, Dictionary};
use serde::Serialize;

/// Whose code a function is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The program that was run, as opposed to what was installed for it.
    User,
    /// Python's own library, frozen modules included.
    StandardLibrary,
    /// Installed packages, and the little scripts in `bin/` that start them.
    SitePackages,
    /// A function written in C.
    Native,
    /// Not a function but a remark of the recorder, for example `<unknown>`.
    Marker,
}

impl Origin {
    /// Whose code `code` is, judged by its kind and its file's path.
    #[must_use]
    pub fn of(dictionary: &Dictionary, code: Code) -> Self {
        match code.kind {
            CodeKind::Native => Self::Native,
            CodeKind::Marker => Self::Marker,
            CodeKind::Python => Self::of_file(dictionary.string(code.file)),
        }
    }

    /// Whose code a Python file holds.
    #[must_use]
    pub fn of_file(file: &str) -> Self {
        if file.starts_with('<') {
            return Self::of_pseudo_file(file);
        }
        let file = file.replace('\\', "/");
        if file.contains("/site-packages/") || file.contains("/dist-packages/") {
            return Self::SitePackages;
        }
        if is_in_standard_library(&file) {
            return Self::StandardLibrary;
        }
        // `bin/uvicorn` and the like: a stub that only calls into an installed package. Were it the user's code, all of the
        // package's time would be put down to its one line.
        let parent = file.rsplit('/').nth(1);
        let has_suffix = file.rsplit('/').next().is_some_and(|name| name.contains('.'));
        if matches!(parent, Some("bin" | "Scripts")) && !has_suffix { Self::SitePackages } else { Self::User }
    }

    /// Code without a file: typed in, given with `-c`, or made by a library with `exec`.
    fn of_pseudo_file(file: &str) -> Self {
        const TYPED: [&str; 6] = ["<stdin>", "<string>", "<console>", "<ipython-input", "<python-input", "<cell"];
        if TYPED.iter().any(|typed| file.starts_with(typed)) { Self::User } else { Self::StandardLibrary }
    }

    /// Whether it is a library's, or C code: something that the reader called but did not write.
    #[must_use]
    pub fn is_library(self) -> bool {
        self != Self::User
    }
}

/// `…/lib/python3.12/…`, `…/lib64/python3/…`, `…/lib/python313.zip/…`.
fn is_in_standard_library(file: &str) -> bool {
    ["/lib/python", "/lib64/python", "/lib32/python"].iter().any(|folder| {
        file.match_indices(folder).any(|(at, _)| {
            let version = &file[at + folder.len()..];
            let Some((version, _)) = version.split_once('/') else { return false };
            let version = version.trim_end_matches(".zip").trim_end_matches('t');
            version.starts_with('3') && version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
        })
    })
}

#[cfg(test)]
mod tests {
    use super::Origin;

    #[test]
    fn paths_tell_whose_code_it_is() {
        use Origin::{SitePackages, StandardLibrary, User};
        for (file, origin) in [
            ("/home/ann/tickets/audit_log.py", User),
            ("audit_log.py", User),
            ("<string>", User),
            ("<python-input-0>", User),
            ("/tmp/ipykernel_77/123.py", User),
            ("/srv/lib/pythonic/main.py", User),
            ("/srv/lib/python/main.py", User),
            ("/srv/tool/bin/main.py", User),
            ("/usr/lib/python3.12/re/_parser.py", StandardLibrary),
            ("/usr/lib/python3.13t/re/_parser.py", StandardLibrary),
            ("/usr/lib/python312.zip/re/_parser.py", StandardLibrary),
            ("<frozen importlib._bootstrap>", StandardLibrary),
            ("<__array_function__ internals>", StandardLibrary),
            ("/usr/lib/python3/dist-packages/yaml/reader.py", SitePackages),
            ("/opt/v/lib/python3.12/site-packages/pandas/io.py", SitePackages),
            ("/opt/v/bin/uvicorn", SitePackages),
        ] {
            assert_eq!(Origin::of_file(file), origin, "{file}");
        }
    }
}
