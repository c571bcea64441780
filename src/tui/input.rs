//! A one-line input: the text of the filter and of the palette.

use super::keys::Key;

/// Longest text that can be typed; more than any filter needs.
const MAX_CHARS: usize = 256;

/// Text with a cursor.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Input {
    before: String,
    after: String,
}

impl Input {
    /// An input that holds `text`, the cursor behind it.
    pub fn new(text: &str) -> Self {
        Self {
            before: text.to_owned(),
            after: String::new(),
        }
    }

    /// The whole text.
    pub fn text(&self) -> String {
        format!("{}{}", self.before, self.after)
    }

    /// What is left of the cursor.
    pub fn before(&self) -> &str {
        &self.before
    }

    /// What is right of the cursor.
    pub fn after(&self) -> &str {
        &self.after
    }

    /// Insert text at the cursor; line ends and controls become spaces.
    pub fn insert(&mut self, text: &str) {
        let room = MAX_CHARS.saturating_sub(self.before.chars().count() + self.after.chars().count());
        let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
        self.before.extend(plain.take(room));
    }

    /// Edit by key; false when the key means nothing here.
    pub fn key(&mut self, key: Key) -> bool {
        match key {
            Key::Char(c) => self.insert(c.encode_utf8(&mut [0; 4])),
            Key::Space => self.insert(" "),
            Key::Backspace | Key::Ctrl('h') => {
                self.before.pop();
            }
            Key::Delete => self.after = rest(&self.after).to_owned(),
            Key::Left => {
                if let Some(c) = self.before.pop() {
                    self.after.insert(0, c);
                }
            }
            Key::Right => {
                if let Some(c) = self.after.chars().next() {
                    self.before.push(c);
                    self.after = rest(&self.after).to_owned();
                }
            }
            Key::Home | Key::Ctrl('a') => {
                *self = Self {
                    before: String::new(),
                    after: self.text(),
                }
            }
            Key::End | Key::Ctrl('e') => *self = Self::new(&self.text()),
            Key::Ctrl('u') => self.before.clear(),
            Key::Ctrl('w') => {
                let kept = self.before.trim_end();
                let kept = kept.rfind(' ').map_or(0, |space| space + 1);
                self.before.truncate(kept);
            }
            _ => return false,
        }
        true
    }
}

fn rest(text: &str) -> &str {
    let mut chars = text.chars();
    chars.next();
    chars.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn typed(keys: &[Key]) -> Input {
        let mut input = Input::default();
        for key in keys {
            input.key(*key);
        }
        input
    }

    #[test]
    fn text_is_edited_at_the_cursor() {
        let keys = [
            Key::Char('a'),
            Key::Char('ü'),
            Key::Left,
            Key::Char('漢'),
            Key::Home,
            Key::Delete,
        ];
        assert_eq!(typed(&keys).text(), "漢ü");
        let mut input = Input::new("tp=4 failed");
        input.key(Key::Ctrl('w'));
        assert_eq!(input.text(), "tp=4 ");
        input.key(Key::Ctrl('u'));
        assert_eq!(input.text(), "");
    }

    #[test]
    fn pasted_control_characters_do_not_survive() {
        let mut input = Input::default();
        input.insert("a\x1b[2J\nb");
        assert_eq!(input.text(), "a [2J b");
        input.insert(&"x".repeat(1000));
        assert_eq!(input.text().chars().count(), MAX_CHARS);
    }

    proptest! {
        #[test]
        fn moving_the_cursor_changes_no_text(text in "\\PC{0,20}", moves in prop::collection::vec(0usize..4, 0..30)) {
            let mut input = Input::new(&text);
            for step in moves {
                input.key([Key::Left, Key::Right, Key::Home, Key::End][step]);
            }
            prop_assert_eq!(input.text(), text);
        }
    }
}
