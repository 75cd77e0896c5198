//! The operating system's view of a target: processes, threads, clocks, permissions, what the kernel tells of its tree.

pub mod clock;
pub mod pause;
pub mod perf;
pub mod permissions;
pub mod process;
#[cfg(test)]
pub(crate) mod spawned;
pub mod threads;
pub mod tree;
