//! The pyrometer executable.
fn main() {}
