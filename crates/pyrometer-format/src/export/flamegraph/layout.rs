//! Where the boxes of a flame graph stand.

use super::super::tree::{Amount, Children, NodeId, Profile, ROOT, Tree};

/// A picture with more rows than this is not looked at; recursion is folded or cut before.
pub(super) const MOST_ROWS: u32 = 400;

/// The narrowest box, as a share of the whole width: about a quarter of a pixel. Zooming in makes it visible.
pub(super) const NARROWEST: f64 = 1.0 / 5000.0;

/// What a box stands for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum What {
    /// A frame under its callers.
    Frame(NodeId),
    /// This many siblings that are too narrow each, with everything that they call.
    Narrow(u32),
}

/// A box. Positions and widths are shares of the whole, from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Placed {
    pub(super) what: What,
    pub(super) start: f64,
    pub(super) width: f64,
    /// 0 for the box of everything.
    pub(super) row: u32,
    pub(super) own: Amount,
    pub(super) total: Amount,
}

/// A flame graph, laid out.
pub(super) struct Layout {
    pub(super) boxes: Vec<Placed>,
    pub(super) rows: u32,
    /// The share of everything that lies in frames too narrow to be shown, their callees included.
    pub(super) narrow: f64,
    /// The share that lies in frames deeper than [`MOST_ROWS`].
    pub(super) deep: f64,
    /// How deep the deepest stack is.
    pub(super) depth: u32,
    /// Whether a function that calls itself is shown as one box.
    pub(super) folded: bool,
}

/// What widths are made of: time, or samples where the capture has no time.
pub(super) struct Measure {
    by_time: bool,
    whole: f64,
}

impl Measure {
    pub(super) fn of(total: Amount) -> Self {
        let by_time = total.time.0 > 0;
        let mut measure = Self { by_time, whole: 1.0 };
        let whole = measure.share(total);
        if whole > 0.0 {
            measure.whole = whole;
        }
        measure
    }

    /// The share of the whole, from 0 to 1.
    #[allow(clippy::cast_precision_loss)]
    pub(super) fn share(&self, amount: Amount) -> f64 {
        let value = if self.by_time { amount.time.0 as f64 } else { amount.samples };
        value / self.whole
    }
}

/// Folds direct recursion where the stacks are too deep to draw; returns the profile as it was otherwise.
pub(super) fn fold(profile: Profile<'_>) -> (Profile<'_>, u32, bool) {
    let depth = profile.tree.ids().map(|id| profile.tree.node(id).depth).max().unwrap_or(0);
    if depth <= MOST_ROWS {
        return (profile, depth, false);
    }
    let Profile { tree, own } = profile;
    let (frames, nodes) = tree.into_parts();
    let mut folded = Tree::over(frames);
    let mut place = vec![ROOT; nodes.len()];
    let mut amounts = vec![Amount::default(); 1];
    for (id, node) in nodes.iter().enumerate() {
        if id > 0 {
            let parent = place[node.parent as usize];
            let recursive = parent != ROOT && folded.node(parent).frame == node.frame;
            place[id] = if recursive { parent } else { folded.child(parent, node.frame) };
        }
        amounts.resize(folded.len(), Amount::default());
        amounts[place[id] as usize].add(own[id]);
    }
    (Profile { tree: folded, own: amounts }, depth, true)
}

/// Lays out the boxes, children ordered by `labels` of their frames. The first box is that of everything.
pub(super) fn lay_out(profile: &Profile<'_>, labels: &[String]) -> Layout {
    let totals = profile.totals();
    let measure = Measure::of(totals[ROOT as usize]);
    let mut layout = Layout { boxes: Vec::new(), rows: 0, narrow: 0.0, deep: 0.0, depth: 0, folded: false };
    if totals[ROOT as usize].is_nothing() {
        return layout;
    }
    let children = profile.tree.children();
    let mut order: Vec<NodeId> = Vec::new();
    let mut pending = vec![(ROOT, 0.0_f64)];
    while let Some((node, start)) = pending.pop() {
        let row = profile.tree.node(node).depth;
        let (own, total) = (profile.own[node as usize], totals[node as usize]);
        layout.rows = layout.rows.max(row + 1);
        layout.boxes.push(Placed { what: What::Frame(node), start, width: measure.share(total), row, own, total });
        if row == MOST_ROWS {
            layout.deep += children.of(node).iter().map(|&child| measure.share(totals[child as usize])).sum::<f64>();
            continue;
        }
        sort(&children, node, profile, labels, &mut order);
        place_children(&order, start, row + 1, &totals, &measure, &mut layout, &mut pending);
    }
    layout
}

fn sort(children: &Children, node: NodeId, profile: &Profile<'_>, labels: &[String], order: &mut Vec<NodeId>) {
    order.clear();
    order.extend_from_slice(children.of(node));
    order.sort_by_key(|&child| (&labels[profile.tree.node(child).frame as usize], child));
}

/// Puts the children that are wide enough side by side and leaves them to be laid out; the narrow ones share one box.
fn place_children(
    order: &[NodeId],
    start: f64,
    row: u32,
    totals: &[Amount],
    measure: &Measure,
    layout: &mut Layout,
    pending: &mut Vec<(NodeId, f64)>,
) {
    let (mut at, mut narrow, mut count) = (start, Amount::default(), 0);
    for &child in order {
        let width = measure.share(totals[child as usize]);
        if width < NARROWEST {
            narrow.add(totals[child as usize]);
            count += u32::from(width > 0.0);
            continue;
        }
        pending.push((child, at));
        at += width;
    }
    let width = measure.share(narrow);
    layout.narrow += width;
    if width >= NARROWEST {
        layout.rows = layout.rows.max(row + 1);
        let own = Amount::default();
        layout.boxes.push(Placed { what: What::Narrow(count), start: at, width, row, own, total: narrow });
    }
}
