//! Processes, as `/proc` shows them: names, threads, namespaces, and where their files can be opened from here.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use super::clock::{now, sleep_until};

/// The ids of a process's threads, in this process's pid namespace.
///
/// # Errors
/// When the process is gone.
pub fn thread_ids(pid: u32) -> io::Result<Vec<u32>> {
    let entries = fs::read_dir(format!("/proc/{pid}/task"))?;
    Ok(entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect())
}

/// The processes that `pid` has started and that have not ended. Needs `CONFIG_PROC_CHILDREN`, as all distributions have.
#[must_use]
pub fn children(pid: u32) -> Vec<u32> {
    let mut children = Vec::new();
    for thread in thread_ids(pid).unwrap_or_default() {
        // A process belongs to the thread that forked it.
        let text = fs::read_to_string(format!("/proc/{pid}/task/{thread}/children")).unwrap_or_default();
        children.extend(text.split_ascii_whitespace().filter_map(|child| child.parse::<u32>().ok()));
    }
    children
}

/// The command line, arguments joined by spaces; for a process that hides it (a kernel thread, a zombie) its short name.
#[must_use]
pub fn command_line(pid: u32) -> String {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let line = text.trim_end_matches('\0').replace('\0', " ");
    if line.is_empty() { short_name(pid, pid) } else { line }
}

/// The kernel's name of a thread: at most 15 bytes.
#[must_use]
pub fn short_name(pid: u32, thread: u32) -> String {
    let bytes = fs::read(format!("/proc/{pid}/task/{thread}/comm")).unwrap_or_default();
    String::from_utf8_lossy(&bytes).trim_end().to_owned()
}

/// One line of `/proc/PID/status` (or of a thread's), without its key.
pub(super) fn status_field(status: &str, key: &str) -> Option<String> {
    status.lines().find_map(|line| Some(line.strip_prefix(key)?.strip_prefix(':')?.trim().to_owned()))
}

/// A thread's ids from the outermost pid namespace that this process can see to the thread's own.
fn namespace_ids(status: &str) -> Vec<u32> {
    let field = status_field(status, "NSpid").unwrap_or_default();
    field.split_ascii_whitespace().filter_map(|id| id.parse().ok()).collect()
}

/// Whether process `pid` lives in another pid namespace than this one, so that its own ids of its threads differ.
#[must_use]
pub fn has_own_pid_namespace(pid: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    namespace_ids(&status).len() > 1
}

/// The id, here, of the thread that calls itself `inner` in its own pid namespace.
#[must_use]
pub fn outer_thread_id(pid: u32, inner: u32) -> Option<u32> {
    thread_ids(pid).ok()?.into_iter().find(|thread| {
        let status = fs::read_to_string(format!("/proc/{pid}/task/{thread}/status")).unwrap_or_default();
        namespace_ids(&status).last() == Some(&inner)
    })
}

/// What a process runs: the identity of its executable file. It changes with exec and with nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Program {
    device: u64,
    inode: u64,
}

/// Which program process `pid` runs now.
///
/// # Errors
/// When the process is gone or does not let its executable be looked at.
pub fn program(pid: u32) -> io::Result<Program> {
    let file = fs::metadata(format!("/proc/{pid}/exe"))?;
    Ok(Program { device: file.dev(), inode: file.ino() })
}

/// A process, held so that its id cannot be mistaken for a later process's, and watched for its end.
#[derive(Debug)]
pub struct ProcessHandle {
    pid: u32,
    descriptor: Option<OwnedFd>,
}

impl ProcessHandle {
    /// Holds process `pid`.
    ///
    /// # Errors
    /// When there is no such process.
    pub fn open(pid: u32) -> io::Result<Self> {
        let id = libc::pid_t::try_from(pid).map_err(|_| io::ErrorKind::NotFound)?;
        // SAFETY: pidfd_open takes two plain integers.
        let result = unsafe { libc::syscall(libc::SYS_pidfd_open, id, 0) };
        if let Ok(descriptor @ 0..) = i32::try_from(result) {
            // SAFETY: the kernel has just returned this descriptor and nobody else owns it.
            return Ok(Self { pid, descriptor: Some(unsafe { OwnedFd::from_raw_fd(descriptor) }) });
        }
        // Before Linux 5.3, and where a container filters the call, the directory in /proc has to do.
        fs::metadata(format!("/proc/{pid}"))?;
        Ok(Self { pid, descriptor: None })
    }

    /// Its id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Whether the process has ended (it may still wait for its parent to take notice).
    #[must_use]
    pub fn has_ended(&self) -> bool {
        let Some(descriptor) = &self.descriptor else {
            let state = fs::read_to_string(format!("/proc/{}/stat", self.pid));
            return state
                .map_or(true, |text| matches!(super::threads::state_of(text.as_bytes()), None | Some(b'Z' | b'X')));
        };
        poll_until(descriptor, 0)
    }

    /// Sleeps until the monotonic clock shows `deadline`, a signal arrives, or the process ends; whether it has ended.
    #[must_use]
    pub fn wait_until(&self, deadline: u64) -> bool {
        let Some(descriptor) = &self.descriptor else {
            sleep_until(deadline);
            return false;
        };
        poll_until(descriptor, deadline.saturating_sub(now()))
    }
}

/// Waits at most `timeout` nanoseconds for a pidfd to say that its process has ended.
fn poll_until(descriptor: &OwnedFd, timeout: u64) -> bool {
    let mut poll = libc::pollfd { fd: descriptor.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    let timeout = libc::timespec {
        tv_sec: libc::time_t::try_from(timeout / 1_000_000_000).unwrap_or(libc::time_t::MAX),
        tv_nsec: libc::c_long::try_from(timeout % 1_000_000_000).unwrap_or(0),
    };
    // SAFETY: `poll` is one valid pollfd, `timeout` a valid timespec, and no signal mask is given.
    unsafe { libc::ppoll(&raw mut poll, 1, &raw const timeout, std::ptr::null()) > 0 }
}

/// Where a process's files can be opened from here, also when it lives in a container or has ended.
#[derive(Debug)]
pub struct FileSystem {
    /// Its root, when that is not the root of this process.
    root: Option<File>,
    /// Its working directory when it was looked at, as it calls it.
    directory: PathBuf,
}

impl FileSystem {
    /// The file system that process `pid` sees.
    #[must_use]
    pub fn of(pid: u32) -> Self {
        let same_namespace =
            fs::read_link(format!("/proc/{pid}/ns/mnt")).ok() == fs::read_link("/proc/self/ns/mnt").ok();
        let root = fs::read_link(format!("/proc/{pid}/root")).unwrap_or_else(|_| PathBuf::from("/"));
        let directory = fs::read_link(format!("/proc/{pid}/cwd")).unwrap_or_else(|_| PathBuf::from("/"));
        // The link of a chroot is given as seen from our own root, that of the working directory too.
        let directory =
            directory.strip_prefix(&root).map_or_else(|_| directory.clone(), |inner| Path::new("/").join(inner));
        let elsewhere = !(same_namespace && root == Path::new("/"));
        // An open directory outlives the process, the link /proc/PID/root does not.
        let root = elsewhere.then(|| File::open(format!("/proc/{pid}/root")).ok()).flatten();
        Self { root, directory }
    }

    /// Whether the two are one: the same root and the same working directory.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let identity = |root: &Option<File>| {
            root.as_ref().and_then(|file| Some((file.metadata().ok()?.dev(), file.metadata().ok()?.ino())))
        };
        self.directory == other.directory && identity(&self.root) == identity(&other.root)
    }

    /// The process's working directory, as it calls it itself.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The path under which this process can read what the target calls `file`.
    #[must_use]
    pub fn readable_path(&self, file: &str) -> PathBuf {
        let inner = self.directory.join(file);
        match &self.root {
            None => inner,
            Some(root) => {
                let relative = inner.strip_prefix("/").unwrap_or(&inner).to_owned();
                PathBuf::from(format!("/proc/self/fd/{}", root.as_raw_fd())).join(relative)
            }
        }
    }
}

/// Reads a small file of `/proc` that is kept open, from its beginning. Returns what there is, at most `buffer` long.
pub(super) fn reread<'a>(file: &File, buffer: &'a mut [u8]) -> io::Result<&'a [u8]> {
    let length = file.read_at(buffer, 0)?;
    Ok(&buffer[..length])
}

/// The first `limit` bytes of a file, for files whose size is not told.
pub(super) fn read_start(path: &str, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::{FileSystem, ProcessHandle, namespace_ids, program, status_field};
    use crate::os::spawned::Spawned;
    use std::path::PathBuf;
    use std::process::Command;

    #[test]
    fn status_is_read() {
        let status = "Name:\tpython\nUid:\t1000\t1000\t1000\t1000\nNSpid:\t4711\t17\n";
        assert_eq!(status_field(status, "Name").as_deref(), Some("python"));
        assert_eq!(namespace_ids(status), [4711, 17]);
        assert_eq!(status_field(status, "Na"), None);
    }

    #[test]
    fn the_end_of_a_process_is_seen_before_it_is_reaped() {
        let mut child = Spawned::start(Command::new("/bin/sleep").arg("60"));
        let handle = ProcessHandle::open(child.id()).unwrap();
        let without = ProcessHandle { pid: child.id(), descriptor: None };
        assert!(!handle.has_ended() && !without.has_ended());
        assert_eq!(super::children(std::process::id()).iter().filter(|&&id| id == child.id()).count(), 1);
        child.kill().unwrap();
        while !handle.has_ended() {
            std::thread::yield_now();
        }
        assert!(without.has_ended());
        child.wait().unwrap();
        assert!(handle.has_ended() && without.has_ended());
        assert!(ProcessHandle::open(child.id()).is_err());
    }

    #[test]
    fn the_own_files_need_no_translation() {
        let files = FileSystem::of(std::process::id());
        assert_eq!(files.readable_path("/etc/passwd"), PathBuf::from("/etc/passwd"));
        assert_eq!(files.readable_path("a.py"), std::env::current_dir().unwrap().join("a.py"));
        assert!(program(std::process::id()).is_ok());
        assert!(super::command_line(std::process::id()).contains("pyrometer"));
    }
}
