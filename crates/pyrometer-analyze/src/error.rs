//! What can go wrong when a capture is asked a question.

use std::fmt;

use pyrometer_model::SourceError;

use crate::printable;

/// What went wrong.
#[derive(Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The samples could not be read to the end.
    Source(SourceError),
    /// No function of the capture is meant by what was typed; the names that are near it, the nearest first.
    NoSuchFunction(Vec<String>),
    /// A regular expression that cannot be read, and why.
    Pattern(String),
}

/// What went wrong, and with what.
#[derive(Debug)]
pub struct Error {
    /// What went wrong.
    pub kind: ErrorKind,
    /// With what: the function's name as it was typed, the pattern, or what was being read.
    pub context: String,
}

impl Error {
    /// What to do about it, where there is something.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match &self.kind {
            ErrorKind::Source(_) => Some("what could be read before is still shown by `pyrometer report FILE`".to_owned()),
            ErrorKind::NoSuchFunction(near) if near.is_empty() => {
                Some("type NAME, MODULE:NAME, FILE:LINE or a regular expression; `pyrometer report FILE --sort own` lists functions".to_owned())
            }
            ErrorKind::NoSuchFunction(near) => Some(format!("did you mean {}?", printable(&near.join(", ")))),
            ErrorKind::Pattern(_) => Some("escape special characters with a backslash, for example `\\(`".to_owned()),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ErrorKind::Source(source) => write!(formatter, "cannot read {}: {source}", self.context),
            ErrorKind::NoSuchFunction(_) => write!(formatter, "no sampled function is called `{}`", self.context),
            ErrorKind::Pattern(why) => write!(formatter, "`{}` is not a regular expression: {why}", self.context),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            ErrorKind::Source(source) => Some(source.as_ref()),
            ErrorKind::NoSuchFunction(_) | ErrorKind::Pattern(_) => None,
        }
    }
}
