//! Another process's memory, by `process_vm_readv`. The only file of this part of the crate with `unsafe`.

use super::{Fault, Memory, Span};

/// The kernel takes no more ranges than this in one call (`UIO_MAXIOV`).
const MAX_SPANS: usize = 1024;

/// A live process. Its threads run on while it is read.
#[derive(Debug)]
pub struct LiveMemory {
    pid: libc::pid_t,
}

impl LiveMemory {
    /// The memory of process `pid`. Does not check anything: the first read tells.
    #[must_use]
    pub fn new(pid: u32) -> Self {
        Self { pid: libc::pid_t::try_from(pid).unwrap_or(-1) }
    }

    fn read_some(&self, spans: &[Span], buffer: &mut [u8]) -> Result<usize, Fault> {
        let wanted = spans.iter().map(|span| span.length).sum::<usize>().min(buffer.len());
        let local = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: wanted };
        let mut few = [libc::iovec { iov_base: std::ptr::null_mut(), iov_len: 0 }; 16];
        let mut many = Vec::new();
        let to_iovec = |span: &Span| libc::iovec { iov_base: span.address as *mut libc::c_void, iov_len: span.length };
        let remote = if spans.len() <= few.len() {
            for (slot, span) in few.iter_mut().zip(spans) {
                *slot = to_iovec(span);
            }
            &few[..spans.len()]
        } else {
            many.extend(spans.iter().map(to_iovec));
            &many[..]
        };
        // SAFETY: `local` describes `wanted` bytes of `buffer`, which is borrowed mutably for the call and at least that
        // long; the remote addresses are only looked at in the other process, where the kernel checks them.
        let got = unsafe {
            libc::process_vm_readv(self.pid, &raw const local, 1, remote.as_ptr(), remote.len() as libc::c_ulong, 0)
        };
        usize::try_from(got).map_err(|_| match std::io::Error::last_os_error().raw_os_error() {
            Some(libc::ESRCH) => Fault::Gone,
            Some(libc::EPERM | libc::ENOSYS) => Fault::Denied,
            _ => Fault::Unmapped { address: spans.first().map_or(0, |span| span.address) },
        })
    }
}

impl Memory for LiveMemory {
    fn read_many(&self, spans: &[Span], buffer: &mut [u8]) -> Result<usize, Fault> {
        let mut total = 0;
        for group in spans.chunks(MAX_SPANS) {
            let wanted = group.iter().map(|span| span.length).sum::<usize>().min(buffer.len() - total);
            match self.read_some(group, &mut buffer[total..]) {
                Ok(got) => {
                    total += got;
                    if got < wanted {
                        return Ok(total);
                    }
                }
                Err(fault) if total == 0 => return Err(fault),
                Err(_) => return Ok(total),
            }
        }
        Ok(total)
    }
}
