//! To whom a sample's time is put down.
//!
//! Strictly, a function's own time is that in which it was the innermost frame. In programs that use libraries that says
//! little: `re.compile` spreads its time over dozens of functions of `re._parser` and `re._compiler`, none of which the
//! reader wrote or can change. So the triage puts every sample down to its *owner*: the innermost frame of the user's own
//! code, whose line made the call. Where a stack has none (a package started by its own script, a library's thread), the
//! innermost frame of an installed package is the owner, else the innermost Python frame at all. A comprehension is no
//! owner: the function that it stands in is. And an event loop owns what it does itself, since the line that started it
//! (`asyncio.run(main())`) made none of the calls.

use pyrometer_model::{CodeId, LocationId, StackId};

use crate::{Origin, Profile};

/// Whose time a stack is, and how it got there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Owned {
    /// The owner: a function and the line in it.
    pub owner: LocationId,
    /// What the owner's line was calling, where that is a frame of its own.
    pub callee: Option<CodeId>,
    /// The innermost frame; the owner itself where it calls nothing that is known.
    pub leaf: CodeId,
    /// The line that called the owner: the nearest frame of another function that is the user's, else the nearest one.
    pub caller: Option<LocationId>,
    /// What stands between: the owner's direct caller, where that is not `caller` itself.
    pub via: Option<CodeId>,
}

/// To whom a sample's time is put down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// To a function.
    Frame(Owned),
    /// To nobody: the innermost part of the stack is not proven, so who was running is not known.
    Unknown,
    /// To nobody: the thread had no Python frame.
    NoPython,
}

impl Profile<'_> {
    /// The frames of `stack`, innermost first, into `frames`.
    pub(crate) fn frames(&self, stack: StackId, frames: &mut Vec<LocationId>) {
        frames.clear();
        frames.extend(self.dictionary.stacks.leaf_first(stack));
    }

    /// Whether the frames at `one` and `other` are of one file; not where there is no frame at `other`.
    fn is_in_file_of(&self, frames: &[LocationId], one: usize, other: usize) -> bool {
        let file = |at: usize| frames.get(at).map(|&frame| self.dictionary.code_at(frame).file);
        file(other).is_some() && file(one) == file(other)
    }

    /// To whom the time of a stack with these `frames`, innermost first, is put down.
    pub(crate) fn owner(&self, frames: &[LocationId]) -> Owner {
        let Some(&leaf) = frames.first() else { return Owner::NoPython };
        let leaf = self.code_of(leaf);
        if self.is_unknown(leaf) {
            return Owner::Unknown;
        }
        let origin_at = |at: usize| self.origin(self.code_of(frames[at]));
        let nearest = |wanted: &dyn Fn(Origin) -> bool| (0..frames.len()).find(|&at| wanted(origin_at(at)));
        let owner = nearest(&|origin| origin == Origin::User)
            .or_else(|| nearest(&|origin| origin == Origin::SitePackages))
            .or_else(|| nearest(&|origin| origin == Origin::StandardLibrary));
        let Some(mut owner) = owner else { return Owner::NoPython };
        while self.is_comprehension(self.code_of(frames[owner])) && self.is_in_file_of(frames, owner, owner + 1) {
            owner += 1;
        }
        if let Some(event_loop) = (0..owner).find(|&at| self.is_event_loop(self.code_of(frames[at]))) {
            owner = event_loop;
        }
        let code = self.code_of(frames[owner]);
        // Recursion is skipped: what called a recursive function is what called it first, not itself.
        let others = (owner + 1..frames.len()).filter(|&at| self.code_of(frames[at]) != code);
        let direct = others.clone().next();
        let caller = others.clone().find(|&at| origin_at(at) == Origin::User).or(direct);
        Owner::Frame(Owned {
            owner: frames[owner],
            callee: owner.checked_sub(1).map(|at| self.code_of(frames[at])),
            leaf,
            caller: caller.map(|at| frames[at]),
            via: direct.filter(|at| Some(*at) != caller).map(|at| self.code_of(frames[at])),
        })
    }
}
