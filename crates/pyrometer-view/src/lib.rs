//! Findings as text for a terminal, and terminal screens as pictures.
//!
//! Every function here takes plain findings of `pyrometer-analyze` and a [`Style`] and returns a `String`. Nothing is
//! printed, measured or read here. Their JSON forms are the findings themselves, written with `serde_json`.
#![forbid(unsafe_code)]

mod audit;
mod columns;
mod functions;
mod lines;
mod neighbours;
mod numbers;
mod source;
mod style;
mod terminal_svg;
mod text;
mod threads;
mod tree;
mod triage;

pub use audit::render_audit;
pub use functions::render_functions;
pub use lines::render_lines;
pub use neighbours::render_neighbours;
pub use pyrometer_analyze::printable;
pub use style::Style;
pub use terminal_svg::{ScreenOptions, terminal_svg};
pub use threads::{render_processes, render_threads};
pub use tree::render_tree;
pub use triage::render_triage;
