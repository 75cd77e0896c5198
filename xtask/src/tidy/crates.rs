//! The crates, their rows in the architecture, and the arrows that are allowed between them.

/// Where a crate stands: arrows point from fronts to rims to pure crates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Row {
    /// No I/O, no clock, no unsafe.
    Pure,
    /// Touches the world; never depends on another rim.
    Rim,
    /// Composes the others; alone prints and exits.
    Front,
    /// Development only: held to the general rules, not to those of a library.
    Tool,
}

/// One crate of the architecture.
#[derive(Debug)]
pub struct Place {
    pub name: &'static str,
    pub row: Row,
    /// The crates of ours that it may depend on.
    pub may_use: &'static [&'static str],
}

const fn place(name: &'static str, row: Row, may_use: &'static [&'static str]) -> Place {
    Place { name, row, may_use }
}

/// Every crate that may exist. A new one is entered here and in ARCHITECTURE.md, with its arrows, when it is needed.
pub const PLACES: &[Place] = &[
    place("pyrometer-model", Row::Pure, &[]),
    place("pyrometer-format", Row::Pure, &["pyrometer-model"]),
    place("pyrometer-analyze", Row::Pure, &["pyrometer-model"]),
    place("pyrometer-view", Row::Pure, &["pyrometer-analyze", "pyrometer-model"]),
    place("pyrometer-remote", Row::Rim, &["pyrometer-model"]),
    place("pyrometer-agent", Row::Rim, &["pyrometer-model"]),
    place("pyrometer-bench", Row::Rim, &["pyrometer-analyze", "pyrometer-model"]),
    place(
        "pyrometer-server",
        Row::Rim,
        &["pyrometer-view", "pyrometer-analyze", "pyrometer-format", "pyrometer-model"],
    ),
    // The front loads the agent as a file at run time and never links it.
    place(
        "pyrometer",
        Row::Front,
        &[
            "pyrometer-model",
            "pyrometer-format",
            "pyrometer-analyze",
            "pyrometer-view",
            "pyrometer-remote",
            "pyrometer-bench",
            "pyrometer-server",
        ],
    ),
    place("xtask", Row::Tool, &["pyrometer-remote", "pyrometer-view", "pyrometer-model", "pyrometer-format"]),
];

/// The place of a crate, if the architecture knows it.
pub fn place_of(name: &str) -> Option<&'static Place> {
    PLACES.iter().find(|place| place.name == name)
}

/// The crate whose folder a path lies in, with the path inside it: `crates/NAME/...` or `xtask/...`.
pub fn crate_of(path: &str) -> Option<(&str, &str)> {
    if let Some(inside) = path.strip_prefix("xtask/") {
        return Some(("xtask", inside));
    }
    path.strip_prefix("crates/")?.split_once('/')
}

/// The row of the crate whose library or program a path belongs to; none for its tests, benches and examples.
pub fn row_of_source(path: &str) -> Option<Row> {
    let (name, inside) = crate_of(path)?;
    (inside.starts_with("src/") || inside == "build.rs").then(|| place_of(name).map(|place| place.row))?
}
