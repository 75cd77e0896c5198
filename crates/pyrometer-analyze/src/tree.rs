//! The call tree, with library code folded.

use pyrometer_model::{CodeId, LocationId, StackId};
use rustc_hash::{FxHashMap, FxHashSet};
use serde::Serialize;

use crate::{FunctionRef, Origin, Profile, Share, Unit};

/// How the tree is made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TreeOptions {
    /// Whether frames of library code that library code calls are folded into the first of them.
    pub fold_libraries: bool,
    /// Subtrees with a smaller part of the base are left out, and told as hidden.
    pub threshold: f64,
}

impl Default for TreeOptions {
    fn default() -> Self {
        Self { fold_libraries: true, threshold: 0.01 }
    }
}

/// One node: a function as called by its parent.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TreeNode {
    /// Its index in [`CallTree::nodes`].
    pub id: usize,
    /// The parent's index; `None` for an outermost function. Always less than `id`.
    pub parent: Option<usize>,
    /// How deep it is: 0 for an outermost function.
    pub depth: usize,
    /// The function.
    pub function: FunctionRef,
    /// The line of the function that was running most of the time; 0 where it is not known.
    pub line: u32,
    /// Time in it and in all that it calls.
    pub total: Share,
    /// Time in it, in what is folded into it, and in no child; as a part of the base.
    pub own: f64,
    /// How many different functions of libraries are folded into it.
    pub folded: usize,
    /// How many activations deep a recursion is that was folded into it, at most; 1 without recursion.
    pub recursion: u32,
    /// How many children are not shown since they are below the threshold.
    pub hidden: usize,
    /// Their time, as a part of the base.
    pub hidden_share: f64,
}

/// The call tree. `nodes` is in the order in which it is shown: each node before its children, siblings by time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CallTree {
    /// The name and version of its JSON form: `pyrometer.tree/1`.
    pub schema: &'static str,
    /// What amounts are.
    pub unit: Unit,
    /// What shares are parts of, in words.
    pub quantity: &'static str,
    /// The base of all shares.
    pub base: f64,
    /// Subtrees with a smaller part of the base are not among `nodes`, but told as hidden.
    pub threshold: f64,
    /// The nodes.
    pub nodes: Vec<TreeNode>,
    /// Outermost functions that are below the threshold.
    pub hidden: usize,
    /// Their time, as a part of the base.
    pub hidden_share: f64,
}

/// A node in the making.
struct Growing {
    parent: usize,
    code: CodeId,
    weight: u64,
    own: u64,
    lines: FxHashMap<u32, u64>,
    folded: FxHashSet<CodeId>,
    recursion: u32,
}

/// The tree in the making. Node 0 is the root, above the outermost functions.
struct Grower<'p, 'd> {
    profile: &'p Profile<'d>,
    fold: bool,
    nodes: Vec<Growing>,
    index: FxHashMap<(usize, CodeId), usize>,
    /// What `path` found: the nodes of a stack, outermost first, with the line that each is at.
    path: Vec<(usize, u32)>,
}

impl CallTree {
    /// The call tree of `profile`.
    #[must_use]
    pub fn of(profile: &Profile<'_>, options: TreeOptions) -> Self {
        let mut grower = Grower {
            profile,
            fold: options.fold_libraries,
            nodes: vec![Growing::new(0, CodeId::default())],
            index: FxHashMap::default(),
            path: Vec::new(),
        };
        let mut frames = Vec::new();
        for (stack, facts) in profile.stacks.iter().filter(|(_, facts)| facts.weight > 0) {
            profile.frames(*stack, &mut frames);
            grower.walk(&frames);
            grower.add(facts.weight);
        }
        grower.finish(options.threshold)
    }
}

impl Growing {
    fn new(parent: usize, code: CodeId) -> Self {
        let (lines, folded) = (FxHashMap::default(), FxHashSet::default());
        Self { parent, code, weight: 0, own: 0, lines, folded, recursion: 1 }
    }
}

impl Grower<'_, '_> {
    /// Finds or makes the nodes of a stack, and leaves them in `path`.
    fn walk(&mut self, frames: &[LocationId]) {
        self.path.clear();
        let is_library = |frame: &LocationId| self.profile.origin(self.profile.code_of(*frame)).is_library();
        // What stands before the first frame of the user's own code (`runpy`, a thread's bootstrap) says nothing.
        let outer = frames.iter().rposition(|frame| !is_library(frame)).filter(|_| self.fold);
        // A stack without any of the user's code is a library's program: folding it would leave nothing. Not so a thread that
        // the standard library alone runs in (a server's, a pool's): what it was started for is its first function.
        let outer = outer.or_else(|| self.thread_function(frames).filter(|_| self.fold));
        let folds_here = outer.is_some();
        let frames: Vec<(CodeId, u32, bool)> = frames[..outer.map_or(frames.len(), |at| at + 1)]
            .iter()
            .rev()
            .map(|frame| (self.profile.code_of(*frame), self.profile.line_of(*frame), is_library(frame)))
            .collect();
        let (mut at, mut in_library, mut activations) = (0, false, 1);
        for (code, line, is_library) in frames {
            let folds = folds_here && in_library && is_library && !self.profile.is_unknown(code);
            in_library = is_library;
            if at != 0 && self.nodes[at].code == code {
                // Direct recursion stays one node: a tree ten thousand deep tells nothing more.
                activations += 1;
                self.nodes[at].recursion = self.nodes[at].recursion.max(activations);
            } else if at != 0 && folds {
                self.nodes[at].folded.insert(code);
            } else {
                at = self.child(at, code);
                activations = 1;
                self.path.push((at, line));
            }
        }
    }

    /// Where on a stack of standard-library functions alone, innermost first, the function is that a `threading.Thread` was
    /// started for: the first one that is not of `threading` itself (`Lib/threading.py`, `Thread._bootstrap`).
    fn thread_function(&self, frames: &[LocationId]) -> Option<usize> {
        let is_threading = |frame: &LocationId| {
            let code = self.profile.dictionary.code_at(*frame);
            self.profile.dictionary.string(code.module) == "threading"
        };
        let inner = frames.iter().rposition(|frame| !is_threading(frame))?;
        let origins = || frames.iter().map(|frame| self.profile.origin(self.profile.code_of(*frame)));
        let alone = origins().all(|origin| matches!(origin, Origin::StandardLibrary | Origin::Native | Origin::Marker));
        (alone && inner + 1 < frames.len()).then_some(inner)
    }

    fn child(&mut self, parent: usize, code: CodeId) -> usize {
        let next = self.nodes.len();
        let id = *self.index.entry((parent, code)).or_insert(next);
        if id == next {
            self.nodes.push(Growing::new(parent, code));
        }
        id
    }

    fn add(&mut self, weight: u64) {
        for &(node, line) in &self.path {
            let node = &mut self.nodes[node];
            node.weight += weight;
            *node.lines.entry(line).or_default() += weight;
        }
        if let Some(&(leaf, _)) = self.path.last() {
            self.nodes[leaf].own += weight;
        }
    }

    /// Folds, of standard-library functions that do little but call one another, all but the first and the last into the
    /// first, with what little else they do. That is for stacks without the user's code, as of a server's thread, where
    /// nothing was folded before. Only calls that weigh `least` are shown, and count here.
    fn fold_chains(&mut self, children: &mut [Vec<usize>], least: u64) {
        for at in 1..self.nodes.len() {
            while let Some(next) = self.passes_on(at, &children[at], least)
                && self.passes_on(next, &children[next], least).is_some()
            {
                let own = self.nodes[next].own;
                let mut folded = std::mem::take(&mut self.nodes[next].folded);
                folded.insert(self.nodes[next].code);
                self.nodes[at].own += own;
                self.nodes[at].folded.extend(folded);
                children[at].retain(|&child| child != next);
                let below = std::mem::take(&mut children[next]);
                children[at].extend(below);
            }
        }
    }

    /// The library function that node `at`, one of the standard library, does next to nothing but call.
    fn passes_on(&self, at: usize, children: &[usize], least: u64) -> Option<usize> {
        let origin = |at: usize| self.profile.origin(self.nodes[at].code);
        let mut heavy = children.iter().copied().filter(|&child| self.nodes[child].weight >= least);
        let only = heavy.next().filter(|_| heavy.next().is_none())?;
        let does_little_else = self.nodes[only].weight.saturating_mul(10) >= self.nodes[at].weight.saturating_mul(9);
        (does_little_else && origin(at) == Origin::StandardLibrary && origin(only).is_library()).then_some(only)
    }

    fn finish(mut self, threshold: f64) -> CallTree {
        let mut children: Vec<Vec<usize>> = vec![Vec::new(); self.nodes.len()];
        for at in 1..self.nodes.len() {
            children[self.nodes[at].parent].push(at);
        }
        let least = (threshold * self.profile.total.weight as f64).ceil() as u64;
        if self.fold {
            self.fold_chains(&mut children, least);
        }
        for list in &mut children {
            list.sort_by_key(|&at| (std::cmp::Reverse(self.nodes[at].weight), at));
        }
        // Depth first without recursion of our own: (node, its parent among the ones shown, its depth).
        let mut shown: Vec<(usize, Option<usize>, usize)> = Vec::new();
        let mut waiting: Vec<(usize, Option<usize>, usize)> = Vec::new();
        let is_shown = |grower: &Self, at: usize| grower.nodes[at].weight >= least.max(1);
        let push = |grower: &Self, waiting: &mut Vec<_>, list: &[usize], parent, depth| {
            waiting.extend(list.iter().rev().filter(|&&at| is_shown(grower, at)).map(|&at| (at, parent, depth)));
        };
        push(&self, &mut waiting, &children[0], None, 0);
        while let Some((at, parent, depth)) = waiting.pop() {
            shown.push((at, parent, depth));
            push(&self, &mut waiting, &children[at], Some(shown.len() - 1), depth + 1);
        }
        let shares = self.shares(&shown);
        let hidden = |grower: &Self, list: &[usize]| -> (usize, f64) {
            let below = || list.iter().filter(|&&at| !is_shown(grower, at));
            (below().count(), grower.profile.part(below().map(|&at| grower.nodes[at].weight).sum()))
        };
        let node = |(id, &(at, parent, depth)): (usize, &(usize, Option<usize>, usize))| {
            let growing = &self.nodes[at];
            let (hidden, hidden_share) = hidden(&self, &children[at]);
            let line = growing.lines.iter().max_by_key(|(line, weight)| (**weight, std::cmp::Reverse(**line)));
            TreeNode {
                id,
                parent,
                depth,
                function: self.profile.function(growing.code),
                line: line.map_or(0, |(line, _)| *line),
                total: shares.get(&at).copied().unwrap_or_default(),
                own: self.profile.part(growing.own),
                folded: growing.folded.len(),
                recursion: growing.recursion,
                hidden,
                hidden_share,
            }
        };
        let nodes = shown.iter().enumerate().map(node).collect();
        let (hidden, hidden_share) = hidden(&self, &children[0]);
        let profile = self.profile;
        CallTree {
            schema: "pyrometer.tree/1",
            unit: profile.unit,
            quantity: profile.phrase(),
            base: profile.total_amount(),
            threshold,
            nodes,
            hidden,
            hidden_share,
        }
    }

    /// The shares of the nodes shown. The stacks are walked again, which finds every node and makes none.
    fn shares(&mut self, shown: &[(usize, Option<usize>, usize)]) -> FxHashMap<usize, Share> {
        let profile = self.profile;
        let mut frames = Vec::new();
        profile.shares(shown.iter().map(|&(at, _, _)| at), |stack: StackId, keys: &mut Vec<usize>| {
            profile.frames(stack, &mut frames);
            self.walk(&frames);
            keys.extend(self.path.iter().map(|(at, _)| *at));
        })
    }
}
