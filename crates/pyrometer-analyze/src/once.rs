//! Which functions were seen already on one stack.

use pyrometer_model::CodeId;

/// A set of functions that is emptied for every stack, which costs nothing: a function is in it when its stamp is the
/// stack's number.
pub(crate) struct Once {
    stamps: Vec<u32>,
    now: u32,
}

impl Once {
    /// For `codes` functions.
    pub(crate) fn new(codes: usize) -> Self {
        Self { stamps: vec![0; codes], now: 0 }
    }

    /// Empties the set.
    pub(crate) fn next_stack(&mut self) {
        if self.now == u32::MAX {
            self.stamps.fill(0);
            self.now = 0;
        }
        self.now += 1;
    }

    /// Adds `code`; whether it was not in the set. A function that is not in the dictionary never is.
    pub(crate) fn is_first(&mut self, code: CodeId) -> bool {
        self.stamps.get_mut(code.index()).is_some_and(|stamp| std::mem::replace(stamp, self.now) != self.now)
    }
}

#[cfg(test)]
mod tests {
    use super::Once;
    use pyrometer_model::CodeId;

    #[test]
    fn each_stack_begins_anew() {
        let mut once = Once::new(2);
        for _ in 0..3 {
            once.next_stack();
            assert!(once.is_first(CodeId(1)) && !once.is_first(CodeId(1)) && once.is_first(CodeId(0)));
            assert!(!once.is_first(CodeId(2)));
        }
    }
}
