//! Rust text with everything blanked that is not code: enough lexing to never take a comment or a string for code.

/// What the contents of string literals become: not blank, so that their lines count, and no part of any word.
const FILLER: char = '~';

/// The text with comments and test items blanked and the contents of strings filled, line for line.
pub fn code_of(text: &str) -> String {
    blank_tests(&mask(text))
}

/// The names of modules declared as `#[cfg(test)] mod name;`.
pub fn test_modules(text: &str) -> Vec<String> {
    let code = mask(text);
    let mut names = Vec::new();
    for (at, attribute) in code.match_indices("#[cfg(test)]") {
        let rest = code[at + attribute.len()..].trim_start();
        let rest = rest.strip_prefix("pub(crate)").or(rest.strip_prefix("pub")).unwrap_or(rest).trim_start();
        if let Some(declared) = rest.strip_prefix("mod ")
            && let Some((name, _)) = declared.split_once(';')
            && !name.contains('{')
        {
            names.push(name.trim().to_owned());
        }
    }
    names
}

/// The words (identifiers, keywords, numbers) of a piece of masked code, with the byte offset of each.
pub fn words(code: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + code[at..].find(is_word)?;
        let length = code[start..].find(|character| !is_word(character)).unwrap_or(code.len() - start);
        at = start + length;
        Some((start, &code[start..at]))
    })
}

/// The line, from 1, that a byte offset lies on.
pub fn line_at(text: &str, offset: usize) -> usize {
    text[..offset].matches('\n').count() + 1
}

/// Every path that the `use` declarations of masked code import, written out in full, with its byte offset:
/// `use std::{fs, io::Read as R};` gives `std::fs` and `std::io::Read`.
pub fn imports(code: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (at, word) in words(code) {
        if word == "use"
            && let Some(end) = code[at..].find(';')
        {
            let tree: String = code[at + word.len()..at + end].split_whitespace().collect::<Vec<_>>().join(" ");
            let mut paths = Vec::new();
            expand(&tree, "", &mut paths);
            found.extend(paths.into_iter().map(|path| (at, path)));
        }
    }
    found
}

/// Adds the paths of one `use` tree below `prefix`.
fn expand(tree: &str, prefix: &str, paths: &mut Vec<String>) {
    let tree = tree.trim();
    let Some(open) = tree.find('{') else {
        let path = tree.split(" as ").next().unwrap_or(tree).trim();
        paths.push(format!("{prefix}{path}"));
        return;
    };
    let prefix = format!("{prefix}{}", tree[..open].replace(' ', ""));
    let inside = tree[open + 1..].strip_suffix('}').unwrap_or(&tree[open + 1..]);
    let mut depth = 0;
    let mut start = 0;
    for (at, character) in inside.char_indices().chain([(inside.len(), ',')]) {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                if !inside[start..at].trim().is_empty() {
                    expand(&inside[start..at], &prefix, paths);
                }
                start = at + 1;
            }
            _ => {}
        }
    }
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// Blanks comments and fills strings. Every character but a line end becomes one character, so lines stay where they are.
fn mask(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let mut masked = String::with_capacity(text.len());
    let mut at = 0;
    while at < characters.len() {
        let rest = &characters[at..];
        let previous_is_word = at > 0 && is_word(characters[at - 1]);
        let (length, filler) = if rest.starts_with(&['/', '/']) {
            (rest.iter().position(|character| *character == '\n').unwrap_or(rest.len()), ' ')
        } else if rest.starts_with(&['/', '*']) {
            (block_comment(rest), ' ')
        } else if let Some(length) = (!previous_is_word).then(|| raw_string(rest)).flatten() {
            (length, FILLER)
        } else if rest[0] == '"' {
            (quoted(rest, '"'), FILLER)
        } else if rest[0] == '\'' && (rest.get(1) == Some(&'\\') || rest.get(2) == Some(&'\'')) {
            (quoted(rest, '\''), FILLER)
        } else {
            masked.push(rest[0]);
            at += 1;
            continue;
        };
        masked.extend(rest[..length].iter().map(|character| if *character == '\n' { '\n' } else { filler }));
        at += length;
    }
    masked
}

/// The length of the block comment that `rest` starts with; they nest.
fn block_comment(rest: &[char]) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        if rest[at..].starts_with(&['/', '*']) {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with(&['*', '/']) {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

/// The length of the raw string (`r"…"`, `br#"…"#`, `cr"…"`) that `rest` starts with, if it does.
fn raw_string(rest: &[char]) -> Option<usize> {
    let start = rest.iter().position(|character| *character == 'r').filter(|start| *start <= 1)? + 1;
    if start == 2 && !matches!(rest[0], 'b' | 'c') {
        return None;
    }
    let hashes = rest[start..].iter().take_while(|character| **character == '#').count();
    if rest.get(start + hashes) != Some(&'"') {
        return None;
    }
    let mut closing = vec!['"'];
    closing.resize(1 + hashes, '#');
    let body = start + hashes + 1;
    let end = rest[body..].windows(closing.len()).position(|window| window == closing);
    Some(end.map_or(rest.len(), |end| body + end + closing.len()))
}

/// The length of the literal in `quote`s that `rest` starts with, escapes skipped.
fn quoted(rest: &[char], quote: char) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            '\\' => at += 2,
            character if character == quote => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// Blanks every item under `#[cfg(test)]` or `#[test]` in masked code.
fn blank_tests(code: &str) -> String {
    let mut kept = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(start) = ["#[cfg(test)]", "#[test]"].iter().filter_map(|attribute| rest.find(attribute)).min() {
        let item = &rest[start..];
        let end = item_end(item);
        kept.push_str(&rest[..start]);
        kept.extend(item[..end].chars().map(|character| if character == '\n' { '\n' } else { ' ' }));
        rest = &item[end..];
    }
    kept.push_str(rest);
    kept
}

/// Where the item that `item` starts with ends: after its braces, or at the semicolon (or comma) before any.
fn item_end(item: &str) -> usize {
    let mut depth = 0_usize;
    for (at, character) in item.char_indices() {
        match character {
            '{' | '(' | '[' => depth += 1,
            '}' | ')' | ']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 && character == '}' {
                    return at + 1;
                }
            }
            ';' if depth == 0 => return at + 1,
            _ => {}
        }
    }
    item.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_strings_are_not_code() {
        let code = code_of(
            "let a = \"unsafe \\\" x\"; // unsafe\n/* unsafe /* deep */ unsafe */ let b = r#\"unsafe\"unsafe\"#;",
        );
        assert!(!code.contains("unsafe"), "{code}");
        assert!(code.contains("let a =") && code.contains("let b ="), "{code}");
    }

    #[test]
    fn lifetimes_are_not_character_literals() {
        let code = code_of("fn f<'a>(x: &'a str) { let q = '\"'; let n = '\\''; done(x) }");
        assert!(code.contains("<'a>(x: &'a str)") && code.contains("done(x)"), "{code}");
    }

    #[test]
    fn lines_stay_where_they_are() {
        let text = "a\n/* b\nc */ d\n\"e\nf\"\ng";
        let code = code_of(text);
        assert_eq!(code.lines().count(), text.lines().count());
        assert_eq!(code.lines().nth(5), Some("g"));
        assert_eq!(line_at(&code, code.find('d').unwrap()), 3);
    }

    #[test]
    fn test_items_are_not_code() {
        let code = code_of("fn a() {}\n#[cfg(test)]\nmod tests {\n fn b() { {} }\n}\n#[cfg(test)]\nuse x;\nfn c() {}");
        assert!(code.contains("fn a") && code.contains("fn c"), "{code}");
        assert!(!code.contains("fn b") && !code.contains("use x"), "{code}");
    }

    #[test]
    fn imports_are_written_out() {
        let found = imports("use std::{fs::{self, File}, io::Read as R};\nuse a::b;");
        let paths: Vec<&str> = found.iter().map(|(_, path)| path.as_str()).collect();
        assert_eq!(paths, ["std::fs::self", "std::fs::File", "std::io::Read", "a::b"]);
    }
}
