//! From a file's path to the module that it holds, for code whose module is not told.

/// The dotted module that `co_filename` suggests: `json.decoder` for `/usr/lib/python3.12/json/decoder.py`, `requests.api`
/// for `…/site-packages/requests/api.py`, the frozen module's name for `<frozen name>`. For any other file its stem, with
/// the packages it lies in as far as `is_package` (asked with directories, innermost first) says so. Empty where the name
/// is no file's (`<string>`).
#[must_use]
pub fn module_of(file: &str, is_package: &dyn Fn(&str) -> bool) -> String {
    if let Some(inner) = file.strip_prefix('<') {
        return inner.strip_prefix("frozen ").and_then(|name| name.strip_suffix('>')).unwrap_or_default().to_owned();
    }
    let path = file.strip_suffix(".py").or_else(|| file.strip_suffix(".pyc")).unwrap_or(file);
    let relative = match library_path(path) {
        Some(relative) => relative,
        None => &path[packages_start(path, is_package)..],
    };
    let relative = relative.strip_suffix("/__init__").unwrap_or(relative);
    relative.trim_matches('/').replace('/', ".")
}

/// Whether `file` belongs to Python's standard library or to an installed package.
#[must_use]
pub fn is_library(file: &str) -> bool {
    file.starts_with("<frozen ") || library_path(file).is_some()
}

/// The part of a path behind the directory of `sys.path` that it lies in, for the directories with well-known names.
fn library_path(path: &str) -> Option<&str> {
    for directory in ["/site-packages/", "/dist-packages/"] {
        if let Some(at) = path.rfind(directory) {
            return Some(&path[at + directory.len()..]);
        }
    }
    // lib/python3.12/… , also inside a zip file: lib/python312.zip/…
    let at = path.rfind("/python3")?;
    let rest = &path[at + 1..];
    let (directory, inside) = rest.split_once('/')?;
    let version = directory.strip_prefix("python3")?.trim_start_matches('.').trim_end_matches(".zip");
    let library = path[..at].ends_with("/lib") || path[..at].ends_with("/lib64") || directory.ends_with(".zip");
    let is_version = version.trim_end_matches('t').bytes().all(|byte| byte.is_ascii_digit());
    (library && is_version).then(|| inside.strip_prefix("lib-dynload/").unwrap_or(inside))
}

/// Where in `path` the outermost of the packages begins that the file lies in.
fn packages_start(path: &str, is_package: &dyn Fn(&str) -> bool) -> usize {
    let mut start = path.rfind('/').map_or(0, |at| at + 1);
    while start > 1 && is_package(&path[..start - 1]) {
        start = path[..start - 1].rfind('/').map_or(0, |at| at + 1);
    }
    start
}

#[cfg(test)]
mod tests {
    use super::{is_library, module_of};

    #[test]
    fn modules_are_told_from_paths() {
        let packages = |directory: &str| directory == "/srv/app/shop" || directory == "/srv/app/shop/cart";
        let cases = [
            ("/usr/lib/python3.12/json/decoder.py", "json.decoder"),
            ("/usr/lib/python3.12/json/__init__.py", "json"),
            ("/opt/python/lib/python3.13t/threading.py", "threading"),
            ("/usr/lib/python312.zip/os.py", "os"),
            ("/venv/lib/python3.9/site-packages/requests/api.py", "requests.api"),
            ("/usr/lib/python3/dist-packages/yaml/loader.py", "yaml.loader"),
            ("<frozen importlib._bootstrap>", "importlib._bootstrap"),
            ("<string>", ""),
            ("/srv/app/shop/cart/price.py", "shop.cart.price"),
            ("/srv/app/shop/__init__.py", "shop"),
            ("/srv/app/main.py", "main"),
            ("main.py", "main"),
            ("/home/me/python3/tool.py", "tool"),
            ("", ""),
        ];
        for (file, module) in cases {
            assert_eq!(module_of(file, &packages), module, "{file}");
        }
        assert!(is_library("/usr/lib/python3.12/runpy.py") && !is_library("/srv/app/main.py"));
    }
}
