//! What the terminal can show.

use std::io::IsTerminal;
use std::os::fd::AsFd;

use pyrometer_view::Style;

use crate::flags::{ColorFlag, Looks};

/// Width of output that goes to a file or a pipe and of terminals that do not tell theirs.
const DEFAULT_WIDTH: usize = 100;

/// The style for output to `stream` (standard output or standard error).
pub fn style(looks: &Looks, stream: &(impl IsTerminal + AsFd)) -> Style {
    let color = match looks.color {
        ColorFlag::Always => true,
        ColorFlag::Never => false,
        // https://no-color.org: set to anything but the empty string.
        ColorFlag::Auto => {
            stream.is_terminal() && !is_set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|t| t != "dumb")
        }
    };
    Style { color, width: looks.width.unwrap_or_else(|| width(stream)), unicode: has_unicode() }
}

fn is_set(name: &str) -> bool {
    std::env::var_os(name).is_some_and(|value| !value.is_empty())
}

fn width(stream: &(impl IsTerminal + AsFd)) -> usize {
    let from_environment = || std::env::var("COLUMNS").ok()?.parse().ok();
    let size = if stream.is_terminal() { rustix::termios::tcgetwinsize(stream).ok() } else { None };
    let columns = size.map(|size| usize::from(size.ws_col)).filter(|&columns| columns > 0);
    columns.or_else(from_environment).unwrap_or(DEFAULT_WIDTH).max(40)
}

/// Whether the locale can show more than ASCII. Without any setting it is taken for granted, as containers set none.
fn has_unicode() -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    locale.is_none_or(|locale| locale != "C" && locale != "POSIX")
}
