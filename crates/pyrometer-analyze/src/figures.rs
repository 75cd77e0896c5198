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
    /// What it is called in reports: qualified name with its module in front, as far as known.
    pub name: String,
    /// The dotted module; empty where it is not known.
    pub module: String,
    /// The qualified name.
    pub qualified_name: String,
    /// The file as the target named it; empty for C functions.
    pub file: String,
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
        Self {
            name: dictionary.display_name(code),
            module: dictionary.string(code.module).to_owned(),
            qualified_name: dictionary.string(code.qualified_name).to_owned(),
            file: dictionary.string(code.file).to_owned(),
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

    /// The file's path without the place where Python or its packages are installed: `re/_parser.py`.
    #[must_use]
    pub fn short_path(&self) -> &str {
        let installed = match self.origin {
            Origin::SitePackages => ["/site-packages/", "/dist-packages/"].as_slice(),
            Origin::StandardLibrary => ["/lib/python", "/lib64/python"].as_slice(),
            Origin::User | Origin::Native | Origin::Marker => return &self.file,
        };
        let Some(rest) = installed.iter().find_map(|folder| self.file.rsplit_once(folder)).map(|(_, rest)| rest) else {
            return &self.file;
        };
        // Behind `/lib/python` stands a version, which is no part of the path either.
        if self.origin == Origin::StandardLibrary { rest.split_once('/').map_or(rest, |(_, rest)| rest) } else { rest }
    }

    /// What to type to mean this function on the command line.
    #[must_use]
    pub fn query(&self) -> String {
        if self.module.is_empty() {
            self.qualified_name.clone()
        } else {
            format!("{}:{}", self.module, self.qualified_name)
        }
    }
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
