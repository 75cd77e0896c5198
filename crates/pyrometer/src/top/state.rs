//! What the keys change.

use pyrometer_model::{ThreadId, View};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::live::{Question, Row};

/// What rows are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// Recent own share.
    Own,
    /// Recent total share.
    Total,
    /// Own time of the whole recording.
    OwnTime,
    /// Total time of the whole recording.
    TotalTime,
    /// Name.
    Name,
}

/// What the screen shows and how.
#[derive(Debug, Clone)]
pub struct State {
    /// What is measured.
    pub view: View,
    /// Whether blocked threads count.
    pub idle: bool,
    /// Lines instead of functions.
    pub lines: bool,
    /// Shares over the whole recording.
    pub overall: bool,
    /// The only thread to show.
    pub thread: Option<ThreadId>,
    /// What rows are sorted by.
    pub sort: Sort,
    /// Whether the order is turned round.
    pub reversed: bool,
    /// Only rows with this in them.
    pub filter: String,
    /// Whether keys go to the filter.
    pub editing: bool,
    /// Whether the screen stands still.
    pub paused: bool,
    /// Whether the keys are explained.
    pub help: bool,
    /// First row shown.
    pub scroll: usize,
}

/// What a key asks of the command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Nothing but a new drawing.
    Redraw,
    /// To leave.
    Quit,
    /// To forget all sums.
    Reset,
}

impl State {
    /// The state at the beginning.
    #[must_use]
    pub fn new(view: View, idle: bool) -> Self {
        Self {
            view,
            idle,
            lines: false,
            overall: false,
            thread: None,
            sort: Sort::Own,
            reversed: false,
            filter: String::new(),
            editing: false,
            paused: false,
            help: false,
            scroll: 0,
        }
    }

    /// What to ask of the sums.
    #[must_use]
    pub fn question(&self) -> Question<'_> {
        Question {
            view: self.view,
            idle: self.idle,
            lines: self.lines,
            thread: self.thread,
            filter: &self.filter,
            overall: self.overall,
        }
    }

    /// Sorts rows as asked; equal ones by name, so that the screen does not flicker.
    pub fn order(&self, rows: &mut [Row]) {
        rows.sort_by(|a, b| {
            let order = match self.sort {
                Sort::Own => b.own.total_cmp(&a.own).then(b.own_seconds.total_cmp(&a.own_seconds)),
                Sort::Total => b.total.total_cmp(&a.total).then(b.total_seconds.total_cmp(&a.total_seconds)),
                Sort::OwnTime => b.own_seconds.total_cmp(&a.own_seconds),
                Sort::TotalTime => b.total_seconds.total_cmp(&a.total_seconds),
                Sort::Name => a.name.cmp(&b.name),
            };
            let order = if self.reversed { order.reverse() } else { order };
            order.then_with(|| a.name.cmp(&b.name)).then_with(|| a.place.cmp(&b.place))
        });
    }

    /// Does what `key` means. `threads` are those that can be selected.
    pub fn press(&mut self, key: KeyEvent, threads: &[ThreadId]) -> Action {
        if key.modifiers.contains(KeyModifiers::CONTROL) && key.code == KeyCode::Char('c') {
            return Action::Quit;
        }
        if self.editing {
            self.edit(key.code);
            return Action::Redraw;
        }
        match key.code {
            KeyCode::Char('q') => return Action::Quit,
            KeyCode::Esc if self.help => self.help = false,
            KeyCode::Esc if !self.filter.is_empty() => self.filter.clear(),
            KeyCode::Esc => self.thread = None,
            KeyCode::Char('r') => return Action::Reset,
            KeyCode::Char('?' | 'h') => self.help = !self.help,
            KeyCode::Char('/') => self.editing = true,
            KeyCode::Char(' ' | 'p') => self.paused = !self.paused,
            KeyCode::Char('w') => self.view = View::Wall,
            KeyCode::Char('c') => self.view = View::Cpu,
            KeyCode::Char('g') => self.view = View::Gil,
            KeyCode::Char('i') => self.idle = !self.idle,
            KeyCode::Char('l') => self.lines = !self.lines,
            KeyCode::Char('a') => self.overall = !self.overall,
            KeyCode::Char('R') => self.reversed = !self.reversed,
            KeyCode::Char('o' | '1') => self.sort = Sort::Own,
            KeyCode::Char('t' | '2') => self.sort = Sort::Total,
            KeyCode::Char('O' | '3') => self.sort = Sort::OwnTime,
            KeyCode::Char('T' | '4') => self.sort = Sort::TotalTime,
            KeyCode::Char('n' | '5') => self.sort = Sort::Name,
            KeyCode::Tab | KeyCode::Right => self.thread = next(self.thread, threads),
            KeyCode::BackTab | KeyCode::Left => {
                let back: Vec<_> = threads.iter().rev().copied().collect();
                self.thread = next(self.thread, &back);
            }
            KeyCode::Down | KeyCode::Char('j') => self.scroll = self.scroll.saturating_add(1),
            KeyCode::Up | KeyCode::Char('k') => self.scroll = self.scroll.saturating_sub(1),
            KeyCode::PageDown => self.scroll = self.scroll.saturating_add(10),
            KeyCode::PageUp => self.scroll = self.scroll.saturating_sub(10),
            KeyCode::Home => self.scroll = 0,
            _ => {}
        }
        Action::Redraw
    }

    fn edit(&mut self, code: KeyCode) {
        match code {
            KeyCode::Enter => self.editing = false,
            KeyCode::Esc => {
                self.editing = false;
                self.filter.clear();
            }
            KeyCode::Backspace => {
                self.filter.pop();
            }
            KeyCode::Char(letter) => self.filter.push(letter),
            _ => {}
        }
        self.scroll = 0;
    }
}

/// The thread behind `current` in the order none, first, …, last, none.
fn next(current: Option<ThreadId>, threads: &[ThreadId]) -> Option<ThreadId> {
    let place = current.and_then(|id| threads.iter().position(|&thread| thread == id));
    threads.get(place.map_or(0, |place| place + 1)).copied()
}

#[cfg(test)]
mod tests {
    use super::{Action, Sort, State};
    use pyrometer_model::{ThreadId, View};
    use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

    fn press(state: &mut State, code: KeyCode) -> Action {
        state.press(KeyEvent::new(code, KeyModifiers::NONE), &[ThreadId(4), ThreadId(7)])
    }

    #[test]
    fn keys_do_what_the_footer_says() {
        let mut state = State::new(View::Wall, false);
        for (key, view) in [('c', View::Cpu), ('g', View::Gil), ('w', View::Wall)] {
            assert_eq!(press(&mut state, KeyCode::Char(key)), Action::Redraw);
            assert_eq!(state.view, view);
        }
        press(&mut state, KeyCode::Char('T'));
        assert_eq!(state.sort, Sort::TotalTime);
        let threads: Vec<_> = (0..3)
            .map(|_| {
                press(&mut state, KeyCode::Tab);
                state.thread
            })
            .collect();
        assert_eq!(threads, [Some(ThreadId(4)), Some(ThreadId(7)), None]);
        press(&mut state, KeyCode::BackTab);
        assert_eq!(state.thread, Some(ThreadId(7)));
        assert_eq!(press(&mut state, KeyCode::Char('q')), Action::Quit);
        assert_eq!(press(&mut state, KeyCode::Char('r')), Action::Reset);
    }

    #[test]
    fn while_the_filter_is_typed_letters_are_letters() {
        let mut state = State::new(View::Wall, false);
        press(&mut state, KeyCode::Char('/'));
        for letter in "quit".chars() {
            assert_eq!(press(&mut state, KeyCode::Char(letter)), Action::Redraw);
        }
        press(&mut state, KeyCode::Backspace);
        press(&mut state, KeyCode::Enter);
        assert_eq!((state.filter.as_str(), state.editing), ("qui", false));
        press(&mut state, KeyCode::Esc);
        assert_eq!(state.filter, "");
    }
}
