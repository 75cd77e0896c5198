//! One file a command: `flags` in, an exit code out.

pub mod dump;
pub mod export;
pub mod record;
pub mod report;
pub mod run;
pub mod top;
