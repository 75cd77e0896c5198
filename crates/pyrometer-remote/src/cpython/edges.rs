//! Which code calls which from where, as far as it has been proven.

use rustc_hash::FxHashMap;

use super::snapshot::{CodeKey, Frame};

/// A caller at an instruction.
type Site = Frame;

#[derive(Debug, Default, Clone, Copy)]
struct Edge {
    seen: u32,
    proven: bool,
}

/// Call edges: `(caller, instruction, callee)`.
///
/// The lines of a cache are copied some nanoseconds apart while the target writes to them, so that once in some ten thousand
/// copies a caller's header is of one call and its callee of the next one, in spite of all marks. Such a pair is one that
/// the program never makes. So an edge that is new is not believed at its first sight: it is proven when two copies, some
/// hundred nanoseconds apart, agree about caller and callee (a tear does not repeat itself), or, for calls that are shorter
/// than that, when it was seen several times and makes up a fair part of what was seen at its call site, which torn pairs,
/// hundreds of times rarer than the true ones at the same site, never do. From then on it is believed at sight: what is
/// accepted does not depend on how long a call takes.
#[derive(Debug, Default)]
pub struct Edges {
    edges: FxHashMap<(Site, CodeKey), Edge>,
    sites: FxHashMap<Site, u32>,
    callees: FxHashMap<CodeKey, u32>,
}

/// When there are more edges than this, all are forgotten.
const MOST_EDGES: usize = 1 << 18;
/// How often an edge must have been seen …
const OFTEN: u32 = 12;
/// … and the largest number of times rarer than everything at its site it may be, to be believed without a second copy.
const RARER: u32 = 12;

impl Edges {
    /// Whether the edge is proven.
    #[inline]
    pub fn proven(&self, caller: Frame, callee: CodeKey) -> bool {
        self.edges.get(&(caller, callee)).is_some_and(|edge| edge.proven)
    }

    /// The edge was seen once, unproven by itself; returns whether it is believed now. `call` says that the caller is at an
    /// instruction made for calling: then what counts is the share among all that was called there. At another one (a
    /// property, an operator) nothing else may ever be seen, and what counts is the share among all calls of the callee.
    pub fn seen(&mut self, caller: Frame, callee: CodeKey, call: bool) -> bool {
        if self.edges.len() >= MOST_EDGES {
            self.edges.clear();
            self.sites.clear();
            self.callees.clear();
        }
        let at_site = self.sites.entry(caller).or_default();
        *at_site = at_site.saturating_add(1);
        let of_callee = self.callees.entry(callee).or_default();
        *of_callee = of_callee.saturating_add(1);
        let total = if call { *at_site } else { *of_callee };
        let edge = self.edges.entry((caller, callee)).or_default();
        edge.seen = edge.seen.saturating_add(1);
        if edge.seen >= OFTEN && edge.seen.saturating_mul(RARER) >= total {
            edge.proven = true;
        }
        edge.proven
    }

    /// A proven edge was seen at a site.
    pub fn prove(&mut self, caller: Frame, callee: CodeKey) {
        self.edges.entry((caller, callee)).or_default().proven = true;
    }

    /// Counts a sight of a proven edge, so that rarer ones at its site or of its callee stay unbelieved.
    pub fn passed(&mut self, caller: Frame, callee: CodeKey) {
        for total in [self.sites.entry(caller).or_default(), self.callees.entry(callee).or_default()] {
            *total = total.saturating_add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Edges;
    use crate::cpython::{CodeKey, Frame};

    #[test]
    fn a_rare_pair_is_never_believed_by_number() {
        let mut edges = Edges::default();
        let site = Frame { code: CodeKey(1), offset: 28 };
        let believed = (0..20).take_while(|_| !edges.seen(site, CodeKey(2), true)).count();
        assert_eq!(believed, 11, "the twelfth sight is enough");
        for round in 0..1000 {
            for _ in 0..1000 {
                edges.passed(site, CodeKey(2));
            }
            assert!(!edges.seen(site, CodeKey(3), true), "round {round}");
        }
        edges.prove(site, CodeKey(3));
        assert!(edges.proven(site, CodeKey(3)));
    }
}
