//! What modules have under a name: the threads' names as `threading` has them, the version as `sys` has it.

use super::bytes::byte;
use super::dialect::Attributes;
use super::locals::{entries, table};
use super::objects::Objects;

/// Most entries of a dictionary that are looked through.
const MOST: usize = 1 << 16;
/// `Py_TPFLAGS_INLINE_VALUES`, Include/object.h 3.13.
const INLINE_VALUES: u64 = 1 << 2;

/// The name in `threading._active` of the thread with this `pthread_t`; `modules` is `sys.modules`.
pub fn of_thread(objects: &Objects<'_>, modules: u64, ident: u64) -> Option<String> {
    let active = of_module(objects, modules, "threading", "_active")?;
    let wanted = ident.to_string();
    let threads = entries(objects, active, MOST);
    let found = threads.iter().find(|entry| super::locals::represent(objects, entry.0, 0) == wanted)?;
    let name = lookup(objects, &attributes(objects, found.1)?, "_name")?;
    objects.string(name)
}

/// `sys.hexversion`; `modules` is `sys.modules`.
pub fn version(objects: &Objects<'_>, modules: u64) -> Option<u32> {
    super::locals::integer(objects, of_module(objects, modules, "sys", "hexversion")?)?.parse().ok()
}

fn of_module(objects: &Objects<'_>, modules: u64, module: &str, name: &str) -> Option<u64> {
    let module = lookup(objects, &entries(objects, modules, MOST), module)?;
    // PyModuleObject begins with md_dict (Objects/moduleobject.c; pycore_moduleobject.h 3.11+).
    let dictionary = objects.word(module, objects.layout.object.size)?;
    lookup(objects, &entries(objects, dictionary, MOST), name)
}

fn lookup(objects: &Objects<'_>, entries: &[(u64, u64)], name: &str) -> Option<u64> {
    let length = name.len() as u64;
    let is = |key: u64| {
        objects.word(key, objects.layout.string.length) == Some(length) && objects.string(key).as_deref() == Some(name)
    };
    entries.iter().find(|entry| is(entry.0)).map(|entry| entry.1)
}

/// The attributes of an instance.
fn attributes(objects: &Objects<'_>, object: u64) -> Option<Vec<(u64, u64)>> {
    let layout = &objects.layout.r#type;
    let class = objects.word(object, objects.layout.object.r#type)?;
    let keys = || objects.word(class, layout.cached_keys);
    let before = |words: u64| objects.word(object.checked_sub(words * 8)?, 0).filter(|&pointer| pointer != 0);
    match objects.dialect.attributes {
        Attributes::Dictionary => {
            let offset = objects.word(class, layout.dictoffset)?;
            Some(entries(objects, objects.word(object.wrapping_add(offset), 0)?, MOST))
        }
        Attributes::ValuesBefore => match before(4) {
            Some(values) => Some(table(objects, keys()?, Some(values), MOST)),
            None => Some(entries(objects, before(3)?, MOST)),
        },
        Attributes::Either => {
            let pointer = before(3)?;
            if pointer & 1 == 1 {
                return Some(table(objects, keys()?, Some(pointer.wrapping_add(1)), MOST));
            }
            Some(entries(objects, pointer, MOST))
        }
        Attributes::Inline { before: words } => {
            let inline = objects.word(class, layout.flags)? & INLINE_VALUES != 0;
            let values = object.wrapping_add(objects.word(class, layout.basicsize)?);
            // PyDictValues: capacity, size, embedded, valid, then the values (pycore_dict.h 3.13).
            let valid = objects.word(values, 0).is_some_and(|head| byte(&head.to_le_bytes(), 3) == 1);
            if inline && valid {
                return Some(table(objects, keys()?, Some(values.wrapping_add(8)), MOST));
            }
            Some(entries(objects, before(words)?, MOST))
        }
    }
}
