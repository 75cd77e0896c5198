//! Interned strings.

use std::hash::BuildHasher;

use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;

use crate::StringId;

/// Interned strings: one buffer of text and the end of each string in it, so a table costs its text plus about 12 bytes a
/// string. Id 0 is the empty string.
#[derive(Clone, Debug)]
pub struct StringTable {
    text: String,
    ends: Vec<usize>,
    index: HashTable<u32>,
}

impl Default for StringTable {
    fn default() -> Self {
        let mut table = Self { text: String::new(), ends: Vec::new(), index: HashTable::new() };
        table.intern("");
        table
    }
}

impl StringTable {
    /// The id of `text`, interning it when it is new.
    pub fn intern(&mut self, text: &str) -> StringId {
        let hash = FxBuildHasher.hash_one(text);
        let (buffer, ends) = (&self.text, &self.ends);
        if let Some(&found) = self.index.find(hash, |&id| slice(buffer, ends, id as usize) == text) {
            return StringId(found);
        }
        let id = StringId::from_index(self.ends.len());
        self.text.push_str(text);
        self.ends.push(self.text.len());
        let (buffer, ends) = (&self.text, &self.ends);
        self.index.insert_unique(hash, id.0, |&id| FxBuildHasher.hash_one(slice(buffer, ends, id as usize)));
        id
    }

    /// The string of `id`; the empty string for an id that is not in the table.
    #[must_use]
    pub fn get(&self, id: StringId) -> &str {
        slice(&self.text, &self.ends, id.index())
    }

    /// How many strings there are, the empty one included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Never true: the empty string is always there.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }
}

fn slice<'a>(text: &'a str, ends: &[usize], id: usize) -> &'a str {
    let Some(&end) = ends.get(id) else { return "" };
    let start = if id == 0 { 0 } else { ends[id - 1] };
    &text[start..end]
}

#[cfg(test)]
mod tests {
    use super::StringTable;
    use crate::StringId;

    #[test]
    fn the_same_text_has_the_same_id_and_ids_are_dense() {
        let mut table = StringTable::default();
        assert_eq!(table.intern(""), StringId(0));
        let ids: Vec<_> = (0..1000).map(|n| table.intern(&format!("name{n}"))).collect();
        assert_eq!(ids.last(), Some(&StringId(1000)));
        assert_eq!(table.intern("name500"), StringId(501));
        assert_eq!(table.get(StringId(501)), "name500");
        assert_eq!(table.get(StringId(9999)), "");
    }
}
