//! The figures and names that findings are made of.

use pyrometer_model::{CodeId, Dictionary};
use serde::Serialize;

use crate::Origin;

/// A part of the time, estimated from samples, with its 95 % confidence interval.
#[derive(Clone, Copy, Debug, PartialEq, Default, Serialize)]
pub struct Share {
    /// The part of the base, 0 to 1.
    pub share: f64,
    /// Lower end of the 95 % interval of `share`.
    pub low: f64,
    /// Upper end of the 95 % interval of `share`.
    pub high: f64,
    /// The same part in seconds; in samples where the capture knows no time ([`crate::Unit::Samples`]).
    pub amount: f64,
}

impl Share {
    /// The larger of the distances to the interval's ends: what is shown behind `±`.
    #[must_use]
    pub fn margin(&self) -> f64 {
        (self.high - self.share).max(self.share - self.low)
    }
}

/// Which function is meant, in all the ways in which a person or a program may ask for it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct FunctionRef {
    /// Its full name: qualified name with its module in front, as far as known.
    pub name: String,
    /// What it is called in reports: without the module where it is the user's own, since the file is told beside it, and
    /// without `<locals>`.
    pub label: String,
    /// The dotted module; empty where it is not known.
    pub module: String,
    /// The qualified name.
    pub qualified_name: String,
    /// The file as the target named it; empty for C functions.
    pub file: String,
    /// The file as reports show it: relative to the target's working directory, or to where Python or its packages are
    /// installed (`re/_parser.py`), where it is below one of them.
    pub path: String,
    /// The line of its `def`, 1-based; 0 where there is none.
    pub first_line: u32,
    /// Whose code it is.
    pub origin: Origin,
}

impl FunctionRef {
    /// The function of `code`.
    #[must_use]
    pub fn of(dictionary: &Dictionary, code: CodeId, origin: Origin) -> Self {
        let code = dictionary.code(code);
        let (name, qualified_name) = (dictionary.display_name(code), dictionary.string(code.qualified_name));
        let file = dictionary.string(code.file);
        let label = if origin == Origin::User && !qualified_name.is_empty() { qualified_name } else { &name };
        Self {
            label: label.replace(".<locals>", ""),
            path: shown_path(file, origin, &dictionary.info.directory).to_owned(),
            name,
            module: dictionary.string(code.module).to_owned(),
            qualified_name: qualified_name.to_owned(),
            file: file.to_owned(),
            first_line: code.first_line,
            origin,
        }
    }

    /// The file's last part.
    #[must_use]
    pub fn file_name(&self) -> &str {
        self.file.rsplit(['/', '\\']).next().unwrap_or(&self.file)
    }

    /// The file as it is told beside the name: its last part, and the folder too where that alone says nothing
    /// (`re/__init__.py`).
    #[must_use]
    pub fn short_file(&self) -> &str {
        let name = self.file_name();
        if !matches!(name, "__init__.py" | "__main__.py") {
            return name;
        }
        let folder = self.file[..self.file.len() - name.len()].trim_end_matches(['/', '\\']);
        let start = folder.rfind(['/', '\\']).map_or(0, |at| at + 1);
        &self.file[start..]
    }

    /// What to type to mean this function on the command line.
    #[must_use]
    pub fn query(&self) -> String {
        // Every file has a `<module>`, and many functions a `<lambda>`.
        if self.qualified_name.starts_with('<') && self.first_line > 0 && !self.file.starts_with('<') {
            return format!("{}:{}", self.path, self.first_line);
        }
        if self.module.is_empty() || self.module == "__main__" {
            self.qualified_name.clone()
        } else {
            format!("{}:{}", self.module, self.qualified_name)
        }
    }
}

/// The end of `file` that tells the most.
fn shown_path<'f>(file: &'f str, origin: Origin, directory: &str) -> &'f str {
    let below = |folder: &str| file.rsplit_once(folder).map(|(_, rest)| rest);
    let shown = match origin {
        Origin::User if directory.is_empty() => None,
        Origin::User => file.strip_prefix(directory).and_then(|rest| rest.strip_prefix('/')),
        Origin::SitePackages => below("/site-packages/").or_else(|| below("/dist-packages/")),
        // Behind `/lib/python` stands a version, which is no part of the path either.
        Origin::StandardLibrary => below("/lib/python")
            .or_else(|| below("/lib64/python"))
            .and_then(|rest| rest.split_once('/'))
            .map(|(_, rest)| rest),
        Origin::Native | Origin::Marker => None,
    };
    shown.unwrap_or(file)
}

/// A line of a function.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Place {
    /// The function.
    pub function: FunctionRef,
    /// The line, 1-based; 0 where it is not known.
    pub line: u32,
}

impl Place {
    /// `file.py:41`, without folders, or just the file where the line is not known.
    #[must_use]
    pub fn short(&self) -> String {
        match (self.function.short_file(), self.line) {
            ("", _) => String::new(),
            (file, 0) => file.to_owned(),
            (file, line) => format!("{file}:{line}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::shown_path;
    use crate::Origin;

    #[test]
    fn paths_are_shown_from_where_they_begin_to_tell_something() {
        for (file, origin, shown) in [
            ("/app/tickets/audit.py", Origin::User, "tickets/audit.py"),
            ("/application/audit.py", Origin::User, "/application/audit.py"),
            ("audit.py", Origin::User, "audit.py"),
            ("/usr/lib/python3.12/re/_parser.py", Origin::StandardLibrary, "re/_parser.py"),
            ("<frozen importlib._bootstrap>", Origin::StandardLibrary, "<frozen importlib._bootstrap>"),
            ("/v/lib/python3.12/site-packages/pandas/io.py", Origin::SitePackages, "pandas/io.py"),
        ] {
            assert_eq!(shown_path(file, origin, "/app"), shown);
        }
    }
}
