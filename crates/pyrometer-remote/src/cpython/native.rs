//! Names of C functions that Python frames are calling.

use rustc_hash::FxHashMap;

use super::bytes::word;
use super::objects::Objects;
use super::snapshot::NativeKey;

/// Names by number, and what was already named.
///
/// A callable's address says nothing for long (a bound method like `list.append` is made for each call), so it is read each
/// time; what its name follows from, the static method table or descriptor, is what the names are remembered by.
#[derive(Debug, Default)]
pub struct Natives {
    names: Vec<String>,
    keys: FxHashMap<String, NativeKey>,
    known: FxHashMap<[u64; 3], Option<NativeKey>>,
    kinds: FxHashMap<u64, Kind>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Function,
    Descriptor,
    Type,
    Other,
}

/// When more is known than this, it is forgotten.
const MOST: usize = 1 << 16;

impl Natives {
    /// A name.
    pub fn name(&self, key: NativeKey) -> Option<&str> {
        self.names.get(key.0 as usize).map(String::as_str)
    }

    /// The name of the C function behind the callable at `address`; none where it is not one.
    pub fn intern(&mut self, objects: &Objects<'_>, address: u64) -> Option<NativeKey> {
        let layout = objects.layout;
        let mut head = [0; 64];
        if address < 4096 || objects.memory.read(address, &mut head).is_err() {
            return None;
        }
        let r#type = word(&head, layout.object.r#type);
        if self.known.len() > MOST || self.kinds.len() > MOST {
            self.known.clear();
            self.kinds.clear();
        }
        let kind = match self.kinds.get(&r#type) {
            Some(&kind) => kind,
            None => {
                let kind = match objects.name_of_type(r#type)?.as_str() {
                    "builtin_function_or_method" => Kind::Function,
                    "method_descriptor" | "wrapper_descriptor" | "classmethod_descriptor" => Kind::Descriptor,
                    "type" => Kind::Type,
                    _ => Kind::Other,
                };
                self.kinds.insert(r#type, kind);
                kind
            }
        };
        let source = match kind {
            Kind::Function => {
                let receiver = word(&head, layout.cfunction.receiver);
                let class = if receiver == 0 { 0 } else { objects.word(receiver, layout.object.r#type)? };
                [word(&head, layout.cfunction.method), word(&head, layout.cfunction.module), class]
            }
            Kind::Descriptor => [word(&head, layout.descriptor.r#type), word(&head, layout.descriptor.name), 1],
            Kind::Type => [word(&head, layout.r#type.name), address, 2],
            Kind::Other => return None,
        };
        if let Some(&known) = self.known.get(&source) {
            return known;
        }
        let key = describe(objects, kind, source).and_then(|name| self.key(name));
        self.known.insert(source, key);
        key
    }

    fn key(&mut self, name: String) -> Option<NativeKey> {
        if let Some(&key) = self.keys.get(&name) {
            return Some(key);
        }
        let key = NativeKey(u32::try_from(self.names.len()).ok()?);
        self.names.push(name.clone());
        self.keys.insert(name, key);
        Some(key)
    }
}

fn describe(objects: &Objects<'_>, kind: Kind, [first, second, third]: [u64; 3]) -> Option<String> {
    match kind {
        Kind::Function => {
            let name = objects.c_string(objects.word(first, objects.layout.method.name)?)?;
            // m_module is the module's name for a module's function; a bound method has the type of its m_self.
            let module = objects.string(second);
            let class = || objects.name_of_type(third).filter(|class| class != "module");
            Some(match module.or_else(class) {
                Some(owner) if owner != "builtins" => format!("{owner}.{name}"),
                _ => name,
            })
        }
        Kind::Descriptor => Some(format!("{}.{}", objects.name_of_type(first)?, objects.string(second)?)),
        Kind::Type => objects.c_string(first),
        Kind::Other => None,
    }
    .filter(|name| !name.is_empty() && !name.ends_with('.'))
}
