//! Dense identifiers. Each is an index into one table of a [`crate::Dictionary`]: the n-th thing interned has id n, which
//! is what lets a writer append only what is new since its last block.

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name(pub u32);

        impl $name {
            /// The identifier as an index into its table.
            #[must_use]
            pub fn index(self) -> usize {
                self.0 as usize
            }

            /// The identifier of the entry at `index`, saturating at `u32::MAX`, which no table ever reaches.
            #[must_use]
            pub fn from_index(index: usize) -> Self {
                Self(u32::try_from(index).unwrap_or(u32::MAX))
            }
        }
    };
}

identifier!(
    /// A string. Id 0 is always the empty string.
    StringId
);
identifier!(
    /// A code object (or native function, or marker).
    CodeId
);
identifier!(
    /// A place in a code object: code and bytecode offset, resolved to a source position.
    LocationId
);
identifier!(
    /// A stack: a leaf location and the stack of its caller. Id 0 is always the empty stack.
    StackId
);
identifier!(
    /// A thread of one of the capture's processes.
    ThreadId
);
identifier!(
    /// A process of the capture.
    ProcessId
);
