//! Samples added up in a tree of frames.

use std::collections::HashMap;

use pyrometer_model::{Dictionary, LocationId, Nanoseconds, SampleRun, SampleSource, Selection, StackId, ThreadId};
use rustc_hash::FxBuildHasher;

use super::frames::{Frame, FrameId, Frames, Granularity};
use crate::{Error, Result};

/// An index into [`Tree`]. A parent is always smaller than its children.
pub(super) type NodeId = u32;

/// The node above all frames.
pub(super) const ROOT: NodeId = 0;

/// A frame under its callers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    /// The caller's node.
    pub(super) parent: NodeId,
    /// The frame; without meaning for [`ROOT`].
    pub(super) frame: FrameId,
    /// How many frames there are on the way from the root, this one included.
    pub(super) depth: u32,
}

/// The stacks of a capture as one tree of frames of the wanted granularity. Several of the model's stacks can be one
/// node, since two locations can be one frame. Nothing here recurses: a stack may be as deep as it likes.
pub(super) struct Tree<'d> {
    pub(super) frames: Frames<'d>,
    nodes: Vec<Node>,
    children: HashMap<(NodeId, FrameId), NodeId, FxBuildHasher>,
    of_stack: HashMap<(NodeId, StackId), NodeId, FxBuildHasher>,
    pending: Vec<(StackId, LocationId)>,
}

impl<'d> Tree<'d> {
    pub(super) fn new(dictionary: &'d Dictionary, granularity: Granularity) -> Self {
        Self::over(Frames::new(dictionary, granularity))
    }

    /// A tree without nodes over frames that are known.
    pub(super) fn over(frames: Frames<'d>) -> Self {
        Self {
            frames,
            nodes: vec![Node { parent: ROOT, frame: FrameId::MAX, depth: 0 }],
            children: HashMap::default(),
            of_stack: HashMap::default(),
            pending: Vec::new(),
        }
    }

    /// The frames and all nodes, the root first.
    pub(super) fn into_parts(self) -> (Frames<'d>, Vec<Node>) {
        (self.frames, self.nodes)
    }

    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    pub(super) fn node(&self, id: NodeId) -> Node {
        self.nodes[id as usize]
    }

    /// All nodes but the root, callers before callees.
    pub(super) fn ids(&self) -> std::ops::Range<NodeId> {
        1..u32::try_from(self.nodes.len()).unwrap_or(u32::MAX)
    }

    /// The node of `frame` called from `parent`.
    pub(super) fn child(&mut self, parent: NodeId, frame: FrameId) -> NodeId {
        let next = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        let id = *self.children.entry((parent, frame)).or_insert(next);
        if id == next {
            let depth = self.nodes[parent as usize].depth + 1;
            self.nodes.push(Node { parent, frame, depth });
        }
        id
    }

    /// The node of the model's `stack` on top of `base`. Every stack is walked once: its callers are remembered too.
    pub(super) fn of_stack(&mut self, base: NodeId, stack: StackId) -> NodeId {
        if let Some(&node) = self.of_stack.get(&(base, stack)) {
            return node;
        }
        let stacks = &self.frames.dictionary.stacks;
        let mut next = stack;
        let mut node = loop {
            let Some(found) = stacks.get(next) else { break base };
            if let Some(&known) = self.of_stack.get(&(base, next)) {
                break known;
            }
            self.pending.push((next, found.location));
            next = found.parent;
        };
        let mut pending = std::mem::take(&mut self.pending);
        for (stack, location) in pending.drain(..).rev() {
            let frame = self.frames.at(location);
            node = self.child(node, frame);
            self.of_stack.insert((base, stack), node);
        }
        self.pending = pending;
        node
    }

    /// The frames of `node`, innermost first.
    pub(super) fn leaf_first(&self, node: NodeId) -> impl Iterator<Item = FrameId> + '_ {
        let mut next = node;
        std::iter::from_fn(move || {
            if next == ROOT {
                return None;
            }
            let node = self.node(next);
            next = node.parent;
            Some(node.frame)
        })
    }

    /// Writes the nodes from the root to `node`, outermost first and the root left out, into `path`.
    pub(super) fn path(&self, node: NodeId, path: &mut Vec<NodeId>) {
        self.path_from(ROOT, node, path);
    }

    /// The same from `base`, which is among the callers of `node` and left out too.
    pub(super) fn path_from(&self, base: NodeId, node: NodeId, path: &mut Vec<NodeId>) {
        path.clear();
        let mut next = node;
        while next != base {
            path.push(next);
            next = self.node(next).parent;
        }
        path.reverse();
    }

    /// The innermost node that is on the way to both. Costs what lies between them, not their depth.
    pub(super) fn common(&self, mut left: NodeId, mut right: NodeId) -> NodeId {
        while left != right {
            // A parent is smaller than its children, so the larger of the two cannot be on the way to the other.
            if left > right {
                left = self.node(left).parent;
            } else {
                right = self.node(right).parent;
            }
        }
        left
    }

    /// The children of every node, in the order in which they were first met.
    pub(super) fn children(&self) -> Children {
        let mut starts = vec![0_u32; self.nodes.len() + 1];
        for node in &self.nodes[1..] {
            starts[node.parent as usize + 1] += 1;
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        let mut places = starts.clone();
        let mut list = vec![0; self.nodes.len() - 1];
        for id in self.ids() {
            let place = &mut places[self.node(id).parent as usize];
            list[*place as usize] = id;
            *place += 1;
        }
        Children { starts, list }
    }
}

/// The children of each node of a [`Tree`].
pub(super) struct Children {
    starts: Vec<u32>,
    list: Vec<NodeId>,
}

impl Children {
    pub(super) fn of(&self, node: NodeId) -> &[NodeId] {
        &self.list[self.starts[node as usize] as usize..self.starts[node as usize + 1] as usize]
    }
}

/// What was added up.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Amount {
    /// Time in the selection's view.
    pub(super) time: Nanoseconds,
    /// Samples, see [`Selection::samples`].
    pub(super) samples: f64,
}

impl Amount {
    pub(super) fn add(&mut self, other: Self) {
        self.time += other.time;
        self.samples += other.samples;
    }

    pub(super) fn is_nothing(self) -> bool {
        self.time == Nanoseconds::ZERO && self.samples <= 0.0
    }

    /// Samples as a whole number, at least 1 where there was anything.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub(super) fn whole_samples(self) -> u64 {
        if self.is_nothing() { 0 } else { (self.samples.round() as u64).max(1) }
    }
}

/// Which frames stand above a thread's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Roots {
    pub(super) processes: bool,
    pub(super) threads: bool,
}

impl Roots {
    /// Processes are shown when the selection has more than one, threads when asked for.
    pub(super) fn choose(dictionary: &Dictionary, selection: &Selection, threads: bool) -> Self {
        let mut processes = dictionary
            .threads()
            .iter()
            .enumerate()
            .filter(|(id, _)| selection.has_thread(dictionary, ThreadId::from_index(*id)))
            .map(|(_, thread)| thread.process);
        let first = processes.next();
        Self { processes: processes.any(|process| Some(process) != first), threads }
    }
}

/// A selection, added up.
pub(super) struct Profile<'d> {
    pub(super) tree: Tree<'d>,
    /// By node: what was spent in the node itself.
    pub(super) own: Vec<Amount>,
}

impl<'d> Profile<'d> {
    /// Adds up what `selection` asks for in one pass. Memory grows with the number of different stacks, not of samples.
    pub(super) fn collect(
        dictionary: &'d Dictionary,
        source: &mut dyn SampleSource,
        selection: &Selection,
        granularity: Granularity,
        roots: Roots,
    ) -> Result<Self> {
        let mut tree = Tree::new(dictionary, granularity);
        let mut own: Vec<Amount> = Vec::new();
        let mut bases: HashMap<ThreadId, NodeId, FxBuildHasher> = HashMap::default();
        selection
            .for_each(dictionary, source, |part, time| {
                let base = *bases.entry(part.thread).or_insert_with(|| base(&mut tree, part.thread, roots));
                let node = tree.of_stack(base, part.stack);
                if own.len() < tree.len() {
                    own.resize(tree.len(), Amount::default());
                }
                own[node as usize].add(Amount { time, samples: selection.samples(part) });
            })
            .map_err(|error| Error::source(error.as_ref()))?;
        own.resize(tree.len(), Amount::default());
        Ok(Self { tree, own })
    }

    /// By node: what was spent in the node and everything that it called.
    pub(super) fn totals(&self) -> Vec<Amount> {
        let mut totals = self.own.clone();
        for id in self.tree.ids().rev() {
            let total = totals[id as usize];
            totals[self.tree.node(id).parent as usize].add(total);
        }
        totals
    }
}

fn base(tree: &mut Tree<'_>, thread: ThreadId, roots: Roots) -> NodeId {
    let mut node = ROOT;
    if roots.processes {
        let process = tree.frames.dictionary.thread(thread).map(|thread| thread.process).unwrap_or_default();
        let frame = tree.frames.intern(Frame::Process(process));
        node = tree.child(node, frame);
    }
    if roots.threads {
        let frame = tree.frames.intern(Frame::Thread(thread));
        node = tree.child(node, frame);
    }
    node
}

/// Calls `visit` with what is asked for until it fails.
pub(super) fn stream(
    dictionary: &Dictionary,
    source: &mut dyn SampleSource,
    selection: &Selection,
    mut visit: impl FnMut(&SampleRun, Nanoseconds) -> Result<()>,
) -> Result<()> {
    let mut outcome = Ok(());
    selection
        .for_each(dictionary, source, |part, weight| {
            if outcome.is_ok() {
                outcome = visit(part, weight);
            }
        })
        .map_err(|error| Error::source(error.as_ref()))?;
    outcome
}

#[cfg(test)]
mod tests {
    use pyrometer_model::{Code, Dictionary, Location, LocationId, Position};

    use super::{ROOT, Tree};
    use crate::export::frames::Granularity;

    fn at(dictionary: &mut Dictionary, name: &str, line: u32) -> LocationId {
        let name = dictionary.strings.intern(name);
        let code = dictionary.intern_code(Code { name, qualified_name: name, ..Code::default() });
        dictionary.intern_location(Location { code, offset: 0, position: Position::line(line) })
    }

    #[test]
    fn lines_of_a_function_are_one_node_where_functions_are_asked_for() {
        let mut dictionary = Dictionary::default();
        let [first, second, leaf] = [("f", 1), ("f", 2), ("g", 9)].map(|(name, line)| at(&mut dictionary, name, line));
        let stacks = [[first, leaf], [second, leaf]].map(|frames| dictionary.stacks.intern_frames(frames));
        let mut functions = Tree::new(&dictionary, Granularity::Function);
        assert_eq!(functions.of_stack(ROOT, stacks[0]), functions.of_stack(ROOT, stacks[1]));
        let mut lines = Tree::new(&dictionary, Granularity::Line);
        assert_ne!(lines.of_stack(ROOT, stacks[0]), lines.of_stack(ROOT, stacks[1]));
        assert_eq!((functions.len(), lines.len()), (3, 5));
    }

    #[test]
    fn the_common_node_of_two_stacks_is_the_last_that_they_share() {
        let mut dictionary = Dictionary::default();
        let [a, b, c, d] = ["a", "b", "c", "d"].map(|name| at(&mut dictionary, name, 1));
        let paths = [vec![a, b, c], vec![a, b, d, c], vec![a], vec![d]];
        let stacks = paths.map(|frames| dictionary.stacks.intern_frames(frames));
        let mut tree = Tree::new(&dictionary, Granularity::Line);
        let nodes = stacks.map(|stack| tree.of_stack(ROOT, stack));
        assert_eq!(tree.node(tree.common(nodes[0], nodes[1])).depth, 2);
        assert_eq!(tree.common(nodes[1], nodes[2]), nodes[2]);
        assert_eq!(tree.common(nodes[0], nodes[3]), ROOT);
        let mut path = Vec::new();
        tree.path_from(nodes[2], nodes[1], &mut path);
        assert_eq!(path.len(), 3);
    }
}
