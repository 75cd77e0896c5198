#!/usr/bin/env python3
"""Write the JSON Schemas of pyrometer's reports and docs/report-schema.md.

Both are made from the structs of crates/pyrometer-analyze and the comments on their fields, so that they cannot say
something else than the code. `generate.py --check` writes nothing and fails when they differ from what is there.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any, Dict, List, Set, Tuple

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "crates/pyrometer-analyze/src"
DOCUMENTS = [
    ("report", "Triage"),
    ("functions", "FunctionTable"),
    ("neighbours", "Neighbours"),
    ("lines", "LineTable"),
    ("tree", "CallTree"),
    ("threads", "ThreadTable"),
]
PRIMITIVES: Dict[str, Dict[str, Any]] = {
    "f64": {"type": "number"},
    "u64": {"type": "integer", "minimum": 0},
    "u32": {"type": "integer", "minimum": 0},
    "usize": {"type": "integer", "minimum": 0},
    "bool": {"type": "boolean"},
    "String": {"type": "string"},
    "&'static str": {"type": "string"},
}
HEAD = """# The JSON forms of reports

`pyrometer run --json` and `pyrometer report FILE --json` write what the text shows, and more, as one JSON document.
`report` alone writes `pyrometer.report/1`; `--sort`, `--limit` and `--function` write `pyrometer.functions/1`, `--callers`
and `--callees` `pyrometer.neighbours/1`, `--lines` `pyrometer.lines/1`, `--tree` `pyrometer.tree/1`. The field `schema` says
which one it is. [`schemas/`](schemas) has a JSON Schema (draft 2020-12) of each.

- **Parts** (`share`, `low`, `high`, and fields called `of_…`) are numbers from 0 to 1 and never per cent.
- **Times** are seconds, and sizes are bytes. `amount` is in the document's `unit`: seconds, or samples where a capture
  knows no time.
- **`share`, `low`, `high`** are a sampled figure and its 95 % confidence interval; how it is made is told in
  [reading a report](reading-a-report.md#how-sure-a-figure-is).
- A field is always there; what is not known is `null`, an empty string or an empty list, as the tables say.
- A version number grows when a field is taken away or gets another meaning. Fields may be added at any time.

This page and the schemas are made by `docs/schemas/generate.py` from the comments in `crates/pyrometer-analyze`.

"""

Fields = List[Tuple[str, str, str]]


def prose(comment: str) -> str:
    """A Rust comment as a sentence for readers of JSON."""
    text = " ".join(line.strip()[3:].strip() for line in comment.splitlines())
    text = re.sub(r"\[`(?:crate::)?(?:Self::)?([^`]*)`\]", r"`\1`", text)
    return text.replace("`None`", "null").replace("`Unit::Samples`", "`samples`")


class Types:
    """The structs and enums that are serialised."""

    def __init__(self) -> None:
        self.structs: Dict[str, Tuple[str, Fields]] = {}
        self.enums: Dict[str, Tuple[str, List[Tuple[str, str]]]] = {}
        for path in sorted(SOURCES.rglob("*.rs")):
            self._read(path.read_text(encoding="utf-8").split("#[cfg(test)]")[0])

    def _read(self, source: str) -> None:
        item = r"((?:^///[^\n]*\n)*)((?:^#\[[^\n]*\n)*)^pub (struct|enum) (\w+) \{\n(.*?)^\}"
        for comment, attributes, kind, name, body in re.findall(item, source, re.M | re.S):
            if "Serialize" not in attributes:
                continue
            if kind == "struct":
                found = re.findall(r"((?:    ///[^\n]*\n)+)    pub (\w+): ([^\n]+?),\n", body)
                fields = [(field, kind_of, prose(text)) for text, field, kind_of in found]
                self.structs[name] = (prose(comment), fields)
            else:
                found = re.findall(r"((?:    ///[^\n]*\n)+)(?:    #\[[^\n]*\n)*    (\w+),\n", body)
                snake = [(re.sub(r"(?<!^)([A-Z])", r"_\1", value).lower(), prose(text)) for text, value in found]
                self.enums[name] = (prose(comment), snake)

    def schema(self, kind: str, used: Set[str]) -> Dict[str, Any]:
        """The schema of one Rust type; names of other types that it needs are added to `used`."""
        if kind.startswith("Option<"):
            inner = self.schema(kind[7:-1], used)
            if isinstance(inner.get("type"), str):
                return {**inner, "type": [inner["type"], "null"]}
            return {"anyOf": [inner, {"type": "null"}]}
        if kind.startswith("Vec<"):
            return {"type": "array", "items": self.schema(kind[4:-1], used)}
        if kind in PRIMITIVES:
            return dict(PRIMITIVES[kind])
        used.add(kind)
        return {"$ref": f"#/$defs/{kind}"}

    def definition(self, name: str, used: Set[str], constant: str = "") -> Dict[str, Any]:
        if name in self.enums:
            comment, values = self.enums[name]
            told = " ".join(f"`{value}`: {text}" for value, text in values)
            return {"description": f"{comment} {told}", "enum": [value for value, _ in values]}
        comment, fields = self.structs[name]
        properties = {field: {**self.schema(kind, used), "description": text} for field, kind, text in fields}
        if constant:
            properties["schema"] = {"const": constant, "description": "The name and version of this form."}
        return {
            "type": "object",
            "description": comment,
            "properties": properties,
            "required": [field for field, _, _ in fields],
        }

    def document(self, key: str, name: str) -> str:
        used: Set[str] = set()
        constant = f"pyrometer.{key}/1"
        head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": constant}
        body = self.definition(name, used, constant)
        definitions: Dict[str, Any] = {}
        while used - definitions.keys():
            kind = min(used - definitions.keys())
            definitions[kind] = self.definition(kind, used)
        schema = {**head, **body, "$defs": dict(sorted(definitions.items()))}
        return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


def shown(kind: str) -> str:
    """A Rust type in words, with a link."""
    if kind.startswith("Option<"):
        return shown(kind[7:-1]) + " or null"
    if kind.startswith("Vec<"):
        return "list of " + shown(kind[4:-1])
    return str(PRIMITIVES[kind]["type"]) if kind in PRIMITIVES else f"[`{kind}`](#{kind.lower()})"


def page(types: Types) -> str:
    out = [HEAD.rstrip("\n"), ""]
    done: Set[str] = set()

    def tell(name: str, title: str) -> None:
        done.add(name)
        if name in types.enums:
            comment, values = types.enums[name]
            out.extend([title, "", comment, "", *(f"- `{value}`: {text}" for value, text in values), ""])
            return
        comment, fields = types.structs[name]
        out.extend([title, "", comment, "", "| field | type | meaning |", "|---|---|---|"])
        out.extend(f"| `{field}` | {shown(kind)} | {text} |" for field, kind, text in fields)
        out.append("")
        for _, kind, _ in fields:
            inner = re.sub(r"Option<|Vec<|>", "", kind)
            if inner not in PRIMITIVES and inner not in done:
                tell(inner, f"### {inner}")

    for key, name in DOCUMENTS:
        tell(name, f"## pyrometer.{key}/1")
    return "\n".join(out).rstrip("\n") + "\n"


def main() -> int:
    types = Types()
    written = {ROOT / f"docs/schemas/{key}-1.schema.json": types.document(key, name) for key, name in DOCUMENTS}
    written[ROOT / "docs/report-schema.md"] = page(types)
    if "--check" not in sys.argv[1:]:
        for path, text in written.items():
            path.write_text(text, encoding="utf-8")
        return 0
    stale = [path for path, text in written.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    for path in stale:
        print(f"{path.relative_to(ROOT)} is not what docs/schemas/generate.py writes", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
