//! How errors are told: what is wrong, with what, and a `hint:` that mends it.

use std::fmt;

use pyrometer_analyze::printable;

/// An error with what can be done about it. Library errors keep the two apart; people read them together.
#[derive(Debug)]
pub struct WithHint {
    message: String,
    hint: Option<String>,
}

impl WithHint {
    /// An error that says `message`, and `hint` where there is one.
    pub fn new(message: impl Into<String>, hint: Option<impl Into<String>>) -> Self {
        Self { message: message.into(), hint: hint.map(Into::into) }
    }
}

impl fmt::Display for WithHint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(formatter, "\nhint: {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for WithHint {}

impl WithHint {
    /// An analysis error with its hint.
    #[must_use]
    pub fn analyze(error: &pyrometer_analyze::Error) -> Self {
        Self::new(error.to_string(), error.hint())
    }

    /// A format error with its hint.
    #[must_use]
    pub fn format(error: &pyrometer_format::Error) -> Self {
        Self::new(error.to_string(), error.hint())
    }

    /// A reader's error with its hint.
    #[must_use]
    pub fn remote(error: &pyrometer_remote::Error) -> Self {
        Self::new(error.to_string(), error.hint())
    }
}

/// An error as it is printed: the message, what it came from, and the hints last.
#[must_use]
pub fn text(error: &anyhow::Error) -> String {
    let mut hints = Vec::new();
    let mut messages = Vec::new();
    for cause in error.chain() {
        let whole = cause.to_string();
        let mut parts = whole.split("\nhint: ");
        messages.extend(parts.next().map(str::to_owned));
        hints.extend(parts.map(|hint| format!("hint: {hint}")));
    }
    // Messages quote names of the target, which may hold anything; a message of our own may have several lines.
    let message = messages.join(": ");
    let lines = message.lines().map(printable).collect::<Vec<_>>().join("\n");
    let mut text = format!("pyrometer: error: {lines}");
    for hint in hints {
        text.push('\n');
        text.push_str(&printable(&hint));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{WithHint, text};
    use anyhow::Context;

    #[test]
    fn hints_come_last_whatever_they_were_wrapped_in() {
        let error =
            Err::<(), _>(WithHint::new("not permitted", Some("use sudo"))).context("cannot attach to 7").unwrap_err();
        assert_eq!(text(&error), "pyrometer: error: cannot attach to 7: not permitted\nhint: use sudo");
    }
}
