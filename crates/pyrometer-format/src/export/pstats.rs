//! What `pstats.Stats` loads: a marshalled dictionary `{(file, line, name): (cc, nc, tt, ct, callers)}`.
//!
//! The shape is that of CPython's `Lib/cProfile.py`, `Profile.snapshot_stats`, and is the same from 3.8 to 3.15: `tt` and
//! `ct` are own and total seconds, `callers` maps a caller's key to `(nc, cc, tt, ct)` of the calls from there. A function
//! without a file is `('~', 0, '<built-in method …>')`. How often a function was called is not known from samples, so
//! both counts say in how many samples it was on the stack.

use std::collections::HashMap;

use pyrometer_model::{Code, CodeKind, Dictionary, SampleSource};
use rustc_hash::FxBuildHasher;

use super::Options;
use super::frames::{FrameId, Granularity, code_name};
use super::marshal;
use super::sink::Sink;
use super::tree::{Amount, NodeId, Profile, ROOT, Roots};
use crate::Result;

type FxMap<K, V> = HashMap<K, V, FxBuildHasher>;

/// An index into [`Statistics::functions`].
type FunctionId = u32;

pub(super) fn write(
    dictionary: &Dictionary,
    source: &mut dyn SampleSource,
    options: &Options,
    sink: &mut Sink<'_>,
) -> Result<()> {
    let roots = Roots { processes: false, threads: false };
    let profile = Profile::collect(dictionary, source, &options.selection, Granularity::Function, roots)?;
    Statistics::of(&profile).write(sink)
}

/// A function as pstats tells functions apart. Different code can be one function here, for example two lambdas of a line.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    file: String,
    line: u32,
    name: String,
}

impl Key {
    fn of(dictionary: &Dictionary, code: Code) -> Self {
        let outside = |name| Self { file: "~".to_owned(), line: 0, name };
        match code.kind {
            CodeKind::Python => Self {
                file: dictionary.string(code.file).to_owned(),
                line: code.first_line,
                name: dictionary.string(if code.name.0 == 0 { code.qualified_name } else { code.name }).to_owned(),
            },
            CodeKind::Native => outside(format!("<built-in method {}>", code_name(dictionary, code))),
            CodeKind::Marker => outside(code_name(dictionary, code)),
        }
    }

    fn marshal(&self, out: &mut Vec<u8>) {
        marshal::tuple(out, 3);
        marshal::string(out, &self.file);
        marshal::integer(out, self.line.into());
        marshal::string(out, &self.name);
    }
}

/// Own and total amounts.
#[derive(Clone, Copy, Debug, Default)]
struct Figures {
    own: Amount,
    total: Amount,
    /// How many of it are on the path being walked: only the outermost adds to the total.
    active: u32,
}

impl Figures {
    fn enter(&mut self, own: Amount, total: Amount) {
        self.own.add(own);
        if self.active == 0 {
            self.total.add(total);
        }
        self.active += 1;
    }

    fn is_nothing(&self) -> bool {
        self.total.is_nothing() && self.own.is_nothing()
    }

    fn marshal(&self, out: &mut Vec<u8>) {
        marshal::integer(out, self.total.whole_samples());
        marshal::integer(out, self.total.whole_samples());
        marshal::float(out, self.own.time.as_seconds());
        marshal::float(out, self.total.time.as_seconds());
    }
}

#[derive(Default)]
struct Statistics {
    functions: Vec<(Key, Figures)>,
    calls: FxMap<(FunctionId, FunctionId), Figures>,
}

impl Statistics {
    fn of(profile: &Profile<'_>) -> Self {
        let mut statistics = Self::default();
        let of_frame = statistics.functions_of(profile);
        statistics.walk(profile, &of_frame);
        let nowhere = profile.own[ROOT as usize];
        if !nowhere.is_nothing() {
            let key = Key { file: "~".to_owned(), line: 0, name: "<no Python frames>".to_owned() };
            statistics.functions.push((key, Figures { own: nowhere, total: nowhere, active: 0 }));
        }
        statistics
    }

    /// Fills in the functions; returns which one each frame is.
    fn functions_of(&mut self, profile: &Profile<'_>) -> Vec<FunctionId> {
        let frames = &profile.tree.frames;
        let mut ids: HashMap<Key, FunctionId> = HashMap::new();
        let mut of_frame = Vec::with_capacity(frames.list().len());
        for frame in 0..frames.list().len() {
            let code = frames.code(FrameId::try_from(frame).unwrap_or(0)).unwrap_or_default();
            let key = Key::of(frames.dictionary, code);
            let next = FunctionId::try_from(self.functions.len()).unwrap_or(FunctionId::MAX);
            let id = *ids.entry(key.clone()).or_insert(next);
            if id == next {
                self.functions.push((key, Figures::default()));
            }
            of_frame.push(id);
        }
        of_frame
    }

    /// Walks the tree depth first, without recursion, so that for each function and each pair of caller and callee it is
    /// known whether it is already on the path: time under recursion counts once.
    fn walk(&mut self, profile: &Profile<'_>, of_frame: &[FunctionId]) {
        let totals = profile.totals();
        let children = profile.tree.children();
        let function = |node: NodeId| of_frame[profile.tree.node(node).frame as usize];
        let mut stack: Vec<(NodeId, bool)> = children.of(ROOT).iter().rev().map(|&node| (node, true)).collect();
        while let Some((node, entering)) = stack.pop() {
            let callee = function(node);
            let parent = profile.tree.node(node).parent;
            let pair = (parent != ROOT).then(|| (function(parent), callee));
            if entering {
                let (own, total) = (profile.own[node as usize], totals[node as usize]);
                self.functions[callee as usize].1.enter(own, total);
                if let Some(pair) = pair {
                    self.calls.entry(pair).or_default().enter(own, total);
                }
                stack.push((node, false));
                stack.extend(children.of(node).iter().rev().map(|&child| (child, true)));
            } else {
                self.functions[callee as usize].1.active -= 1;
                if let Some(figures) = pair.and_then(|pair| self.calls.get_mut(&pair)) {
                    figures.active -= 1;
                }
            }
        }
    }

    fn write(&self, sink: &mut Sink<'_>) -> Result<()> {
        let mut callers: Vec<Vec<(FunctionId, &Figures)>> = vec![Vec::new(); self.functions.len()];
        for (&(caller, callee), figures) in &self.calls {
            callers[callee as usize].push((caller, figures));
        }
        let mut out = vec![marshal::DICT];
        for ((key, figures), mut callers) in self.functions.iter().zip(callers) {
            if figures.is_nothing() {
                continue;
            }
            key.marshal(&mut out);
            marshal::tuple(&mut out, 5);
            figures.marshal(&mut out);
            out.push(marshal::DICT);
            callers.sort_unstable_by_key(|(caller, _)| *caller);
            for (caller, figures) in callers.into_iter().filter(|(_, figures)| !figures.is_nothing()) {
                self.functions[caller as usize].0.marshal(&mut out);
                marshal::tuple(&mut out, 4);
                figures.marshal(&mut out);
            }
            out.push(marshal::NULL);
            sink.bytes(&out)?;
            out.clear();
        }
        if self.functions.iter().all(|(_, figures)| figures.is_nothing()) {
            write_nothing(&mut out);
        }
        out.push(marshal::NULL);
        sink.bytes(&out)
    }
}

/// `pstats.Stats` refuses a file without functions.
fn write_nothing(out: &mut Vec<u8>) {
    Key { file: "~".to_owned(), line: 0, name: "<no samples>".to_owned() }.marshal(out);
    marshal::tuple(out, 5);
    Figures::default().marshal(out);
    out.extend_from_slice(&[marshal::DICT, marshal::NULL]);
}
