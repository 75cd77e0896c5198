//! Interned stacks: a trie whose nodes are a location and the node of the caller.

use std::hash::BuildHasher;

use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;

use crate::{LocationId, StackId};

/// One frame of a stack and the stack below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StackNode {
    /// The caller's stack; [`StackTable::EMPTY`] for an outermost frame.
    pub parent: StackId,
    /// Where this frame is.
    pub location: LocationId,
}

/// Interned stacks. A parent always has a smaller id than its children, so the table can be walked in order with every
/// parent seen before its children, and a file of nodes can be checked for cycles by comparing two numbers.
#[derive(Clone, Debug)]
pub struct StackTable {
    nodes: Vec<StackNode>,
    index: HashTable<u32>,
}

impl Default for StackTable {
    fn default() -> Self {
        // Node 0 is the empty stack. It is never compared with, so what it holds does not matter.
        Self { nodes: vec![StackNode { parent: StackId(0), location: LocationId(u32::MAX) }], index: HashTable::new() }
    }
}

impl StackTable {
    /// The stack without frames.
    pub const EMPTY: StackId = StackId(0);

    /// The id of the stack that has `location` on top of `parent`, interning it when it is new.
    /// A parent that is not in the table is taken for the empty stack, which keeps the order of ids true.
    pub fn intern(&mut self, parent: StackId, location: LocationId) -> StackId {
        let parent = if parent.index() < self.nodes.len() { parent } else { Self::EMPTY };
        let node = StackNode { parent, location };
        let hash = FxBuildHasher.hash_one(node);
        let nodes = &self.nodes;
        if let Some(&found) = self.index.find(hash, |&id| nodes[id as usize] == node) {
            return StackId(found);
        }
        let id = StackId::from_index(self.nodes.len());
        self.nodes.push(node);
        let nodes = &self.nodes;
        self.index.insert_unique(hash, id.0, |&id| FxBuildHasher.hash_one(nodes[id as usize]));
        id
    }

    /// The id of a whole stack, outermost frame first.
    pub fn intern_frames(&mut self, root_first: impl IntoIterator<Item = LocationId>) -> StackId {
        root_first.into_iter().fold(Self::EMPTY, |parent, location| self.intern(parent, location))
    }

    /// The node of `id`; none for the empty stack and for an id that is not in the table.
    #[must_use]
    pub fn get(&self, id: StackId) -> Option<StackNode> {
        if id == Self::EMPTY { None } else { self.nodes.get(id.index()).copied() }
    }

    /// The frames of `id`, innermost first.
    pub fn leaf_first(&self, id: StackId) -> impl Iterator<Item = LocationId> + '_ {
        let mut next = self.get(id);
        std::iter::from_fn(move || {
            let node = next?;
            next = self.get(node.parent);
            Some(node.location)
        })
    }

    /// The frames of `id`, outermost first.
    #[must_use]
    pub fn root_first(&self, id: StackId) -> Vec<LocationId> {
        let mut frames: Vec<_> = self.leaf_first(id).collect();
        frames.reverse();
        frames
    }

    /// How many stacks there are, the empty one included: ids run from 0 to `len() - 1`.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Never true: the empty stack is always there.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::StackTable;
    use crate::{LocationId, StackId};

    #[test]
    fn shared_callers_are_stored_once() {
        let mut table = StackTable::default();
        let a = table.intern_frames([1, 2, 3].map(LocationId));
        let b = table.intern_frames([1, 2, 4].map(LocationId));
        assert_eq!(table.len(), 5);
        assert_eq!(table.root_first(a), [1, 2, 3].map(LocationId));
        assert_eq!(table.leaf_first(b).collect::<Vec<_>>(), [4, 2, 1].map(LocationId));
        assert_eq!(table.intern_frames([1, 2, 3].map(LocationId)), a);
        assert_eq!(table.root_first(StackTable::EMPTY), []);
    }

    #[test]
    fn an_unknown_parent_cannot_make_a_cycle() {
        let mut table = StackTable::default();
        let id = table.intern(StackId(77), LocationId(1));
        assert_eq!(table.root_first(id), [LocationId(1)]);
    }
}
