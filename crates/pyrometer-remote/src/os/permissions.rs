//! Why another process may not be read, and what to type so that it may.
//!
//! The rules are the kernel's `__ptrace_may_access` (kernel/ptrace.c) and Yama's hook (security/yama/yama_lsm.c). The
//! kernel only ever says `EPERM`; which rule it was has to be found by looking at what they look at.

use std::fs;
use std::os::unix::fs::MetadataExt;

use super::process::{read_start, status_field};
use crate::{Error, ErrorKind};

/// `CAP_SYS_PTRACE`, include/uapi/linux/capability.h.
const CAP_SYS_PTRACE: u64 = 1 << 19;

/// Which rule refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denial {
    /// There is no such process.
    NoSuchProcess,
    /// It is a thread of the kernel.
    KernelThread,
    /// It belongs to another user, and this process has no `CAP_SYS_PTRACE`.
    OtherUser {
        /// The target's user.
        target: u32,
        /// This process's user.
        own: u32,
    },
    /// Yama's `ptrace_scope`: 1 only allows descendants, 2 only administrators, 3 nobody.
    PtraceScope(u8),
    /// The process forbids it (`PR_SET_DUMPABLE` 0, or its executable is set-user-id or not readable).
    NotDumpable,
    /// The process has capabilities that this one has not.
    MoreCapable,
    /// It lives in a user namespace in which this process has no rights.
    UserNamespace,
    /// A seccomp filter, as container engines install, refuses the system calls.
    Seccomp,
    /// None of the rules that can be seen: a security module (SELinux, AppArmor) or a sandbox.
    Unknown,
}

impl Denial {
    /// What is refused by what, as a part of a sentence.
    #[must_use]
    pub fn explain(self, pid: u32) -> String {
        match self {
            Self::NoSuchProcess => format!("there is no process {pid}"),
            Self::KernelThread => format!("process {pid} is a kernel thread"),
            Self::OtherUser { target, own } => format!(
                "process {pid} belongs to user {target}, pyrometer runs as user {own} without the capability CAP_SYS_PTRACE"
            ),
            Self::PtraceScope(3) => "kernel.yama.ptrace_scope is 3: reading other processes is switched off".to_owned(),
            Self::PtraceScope(2) => "kernel.yama.ptrace_scope is 2: only root may read other processes".to_owned(),
            Self::PtraceScope(scope) => format!(
                "kernel.yama.ptrace_scope is {scope}: only processes that pyrometer has started itself may be read, and \
                 process {pid} is not one"
            ),
            Self::NotDumpable => format!(
                "process {pid} is not dumpable (it has changed its user, or its executable is set-user-id or unreadable)"
            ),
            Self::MoreCapable => format!("process {pid} has capabilities that pyrometer does not have"),
            Self::UserNamespace => {
                format!("process {pid} lives in another user namespace, where pyrometer has no CAP_SYS_PTRACE")
            }
            Self::Seccomp => {
                "a seccomp filter, as container engines install, refuses reading other processes".to_owned()
            }
            Self::Unknown => format!("the kernel refuses to read process {pid} (SELinux, AppArmor or a sandbox?)"),
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(self) -> Option<&'static str> {
        match self {
            Self::NoSuchProcess | Self::KernelThread => None,
            Self::OtherUser { .. } | Self::NotDumpable | Self::MoreCapable | Self::PtraceScope(2) => {
                Some("run it as root: sudo pyrometer …")
            }
            Self::PtraceScope(3) => {
                Some("ptrace_scope 3 can only be lifted by a reboot with kernel.yama.ptrace_scope=1")
            }
            Self::PtraceScope(_) => Some(
                "start the program under pyrometer (pyrometer run …), or: sudo pyrometer …, or once for all: \
                 sudo sysctl kernel.yama.ptrace_scope=0",
            ),
            Self::UserNamespace => Some("run pyrometer as root outside of the container, or inside the same container"),
            Self::Seccomp => Some("start the container with: docker run --cap-add SYS_PTRACE …"),
            Self::Unknown => Some("try: sudo pyrometer …; in a container: docker run --cap-add SYS_PTRACE …"),
        }
    }
}

/// What the kernel's rules look at. Gathered by [`Facts::gather`], judged by [`Facts::diagnose`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Whether the process is there.
    pub exists: bool,
    /// Whether it has an address space of its own (a kernel thread has none).
    pub has_memory: bool,
    /// This process's effective user.
    pub own_user: u32,
    /// This process's effective capabilities.
    pub own_capabilities: u64,
    /// Whether a seccomp filter is on this process.
    pub own_seccomp: bool,
    /// The target's real, effective and saved user.
    pub target_users: [u32; 3],
    /// The target's permitted capabilities.
    pub target_capabilities: u64,
    /// The owner of the files in `/proc/PID`: root, not the user, for a process that is not dumpable. The directory itself
    /// always has the user for its owner (`task_dump_owner`, fs/proc/base.c).
    pub directory_owner: u32,
    /// Yama's setting, where Yama is there.
    pub ptrace_scope: Option<u8>,
    /// Whether the target is a descendant of this process.
    pub descendant: bool,
    /// Whether both are in one user namespace; none where that cannot be seen.
    pub same_user_namespace: Option<bool>,
}

impl Facts {
    /// Looks at process `pid` and at this one.
    #[must_use]
    pub fn gather(pid: u32) -> Self {
        let status = |path: String| {
            let bytes = read_start(&path, 1 << 16).unwrap_or_default();
            String::from_utf8_lossy(&bytes).into_owned()
        };
        let (own, target) = (status("/proc/self/status".into()), status(format!("/proc/{pid}/status")));
        let number = |text: &str, key: &str| {
            status_field(text, key).and_then(|value| u64::from_str_radix(&value, 16).ok()).unwrap_or(0)
        };
        let users = |text: &str| {
            let field = status_field(text, "Uid").unwrap_or_default();
            let mut ids = field.split_ascii_whitespace().map(|id| id.parse::<u32>().unwrap_or(u32::MAX));
            [(); 3].map(|()| ids.next().unwrap_or(u32::MAX))
        };
        let namespaces = (fs::read_link("/proc/self/ns/user"), fs::read_link(format!("/proc/{pid}/ns/user")));
        Self {
            exists: !target.is_empty(),
            has_memory: status_field(&target, "VmSize").is_some(),
            own_user: users(&own)[1],
            own_capabilities: number(&own, "CapEff"),
            own_seccomp: status_field(&own, "Seccomp").as_deref() == Some("2"),
            target_users: users(&target),
            target_capabilities: number(&target, "CapPrm"),
            directory_owner: fs::metadata(format!("/proc/{pid}/stat")).map_or(0, |directory| directory.uid()),
            ptrace_scope: fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope")
                .ok()
                .and_then(|text| text.trim().parse().ok()),
            descendant: is_descendant(pid),
            same_user_namespace: match namespaces {
                (Ok(own), Ok(target)) => Some(own == target),
                _ => None,
            },
        }
    }

    /// Which rule refuses, given that one does.
    #[must_use]
    pub fn diagnose(&self) -> Denial {
        if !self.exists {
            return Denial::NoSuchProcess;
        }
        if !self.has_memory {
            return Denial::KernelThread;
        }
        let capable = self.own_capabilities & CAP_SYS_PTRACE != 0;
        if self.ptrace_scope == Some(3) {
            return Denial::PtraceScope(3);
        }
        if !capable {
            if self.target_users.iter().any(|&user| user != self.own_user) {
                return Denial::OtherUser { target: self.target_users[1], own: self.own_user };
            }
            if self.directory_owner != self.own_user {
                return Denial::NotDumpable;
            }
            if self.target_capabilities & !self.own_capabilities != 0 {
                return Denial::MoreCapable;
            }
            match self.ptrace_scope {
                Some(1) if !self.descendant => return Denial::PtraceScope(1),
                Some(scope @ 2..) => return Denial::PtraceScope(scope),
                _ => {}
            }
        }
        if self.same_user_namespace == Some(false) {
            return Denial::UserNamespace;
        }
        if self.own_seccomp { Denial::Seccomp } else { Denial::Unknown }
    }
}

/// The error for process `pid`, which could not be read: which rule it was and what to type.
#[must_use]
pub fn denied(pid: u32) -> Error {
    let denial = Facts::gather(pid).diagnose();
    let kind = if denial == Denial::NoSuchProcess { ErrorKind::Gone } else { ErrorKind::Denied };
    Error::new(kind, denial.explain(pid)).with_hint(denial.hint())
}

/// Whether this process is among the ancestors of process `pid`.
fn is_descendant(pid: u32) -> bool {
    let own = std::process::id();
    let mut next = pid;
    // The depth is bounded since the tree may change while it is walked.
    for _ in 0..128 {
        let status = fs::read_to_string(format!("/proc/{next}/status")).unwrap_or_default();
        let Some(parent) = status_field(&status, "PPid").and_then(|id| id.parse().ok()) else { return false };
        if parent == own {
            return true;
        }
        if parent == 0 {
            return false;
        }
        next = parent;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::{CAP_SYS_PTRACE, Denial, Facts, denied};
    use crate::ErrorKind;
    use crate::memory::{Fault, LiveMemory, read_u64};

    fn ordinary() -> Facts {
        Facts {
            exists: true,
            has_memory: true,
            own_user: 1000,
            target_users: [1000; 3],
            directory_owner: 1000,
            descendant: false,
            same_user_namespace: Some(true),
            ..Facts::default()
        }
    }

    #[test]
    fn each_rule_is_recognised() {
        let cases = [
            (Facts { exists: false, ..ordinary() }, Denial::NoSuchProcess),
            (Facts { has_memory: false, ..ordinary() }, Denial::KernelThread),
            (Facts { target_users: [0; 3], ..ordinary() }, Denial::OtherUser { target: 0, own: 1000 }),
            (Facts { directory_owner: 0, ..ordinary() }, Denial::NotDumpable),
            (Facts { target_capabilities: 1 << 10, ..ordinary() }, Denial::MoreCapable),
            (Facts { ptrace_scope: Some(1), ..ordinary() }, Denial::PtraceScope(1)),
            (Facts { ptrace_scope: Some(1), descendant: true, own_seccomp: true, ..ordinary() }, Denial::Seccomp),
            (Facts { ptrace_scope: Some(2), descendant: true, ..ordinary() }, Denial::PtraceScope(2)),
            (Facts { ptrace_scope: Some(3), own_capabilities: CAP_SYS_PTRACE, ..ordinary() }, Denial::PtraceScope(3)),
            (
                Facts { own_capabilities: CAP_SYS_PTRACE, same_user_namespace: Some(false), ..ordinary() },
                Denial::UserNamespace,
            ),
            (Facts { own_capabilities: CAP_SYS_PTRACE, own_seccomp: true, ..ordinary() }, Denial::Seccomp),
            (Facts { ptrace_scope: Some(0), ..ordinary() }, Denial::Unknown),
        ];
        for (facts, denial) in cases {
            assert_eq!(facts.diagnose(), denial, "{facts:?}");
            assert!(!denial.explain(7).is_empty());
        }
    }

    #[test]
    fn a_process_that_is_not_there_is_called_so() {
        // Ids end below 2^22.
        let error = denied(1 << 23);
        assert_eq!(error.kind(), ErrorKind::Gone);
        assert!(error.to_string().contains("no process 8388608"), "{error}");
        // Process 2 is the kernel's thread daemon, except in a container.
        if std::fs::read_to_string("/proc/2/comm").is_ok_and(|name| name.trim() == "kthreadd") {
            assert_eq!(Facts::gather(2).diagnose(), Denial::KernelThread);
        }
    }

    /// A child that has given up root cannot read its parent, and can say why. The child is a second run of this very
    /// test: dropping privileges would change the whole test process.
    #[test]
    fn another_users_process_is_told_apart() {
        const TARGET: &str = "PYROMETER_TEST_UNPRIVILEGED_TARGET";
        if let Ok(target) = std::env::var(TARGET) {
            let target: u32 = target.parse().unwrap();
            let error = denied(target);
            assert_eq!(read_u64(&LiveMemory::new(target), &raw const target as u64), Err(Fault::Denied));
            assert!(error.to_string().contains("belongs to user 0, pyrometer runs as user 65534"), "{error}");
            assert!(error.hint().is_some_and(|hint| hint.contains("sudo")), "{error}");
            return;
        }
        if Facts::gather(std::process::id()).own_user != 0 {
            eprintln!("not root: nothing to drop");
            return;
        }
        // The copy lies where nobody may read and run it.
        let copy = std::env::temp_dir().join(format!("pyrometer-unprivileged-{}", std::process::id()));
        // Another process writes it: a test beside this one that forks would have the file open for writing for a moment,
        // and it could not be run.
        let program = std::env::current_exe().unwrap();
        let copied = std::process::Command::new("install").args(["-m", "755"]).arg(program).arg(&copy).status();
        assert!(copied.unwrap().success());
        let status = std::os::unix::process::CommandExt::uid(&mut std::process::Command::new(&copy), 65534)
            .args(["--exact", "os::permissions::tests::another_users_process_is_told_apart", "--nocapture"])
            .env(TARGET, std::process::id().to_string())
            .current_dir("/")
            .status();
        std::fs::remove_file(&copy).unwrap();
        assert!(status.unwrap().success());
    }
}
