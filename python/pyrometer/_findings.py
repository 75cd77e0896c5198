"""What a profile found, as values: thin types over the executable's JSON."""

from __future__ import annotations

from typing import Any, NamedTuple


class Share(NamedTuple):
    """A part of the time, estimated from samples."""

    share: float
    """The part, 0 to 1."""
    low: float
    """The lower end of the 95 % confidence interval of `share`."""
    high: float
    """The upper end of it."""
    amount: float
    """The same part in seconds."""

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Share:
        return cls(value["share"], value["low"], value["high"], value["amount"])


class Function(NamedTuple):
    """A function and its time."""

    name: str
    """The qualified name with its module in front, as far as known."""
    module: str
    """The dotted module; empty where it is not known."""
    qualified_name: str
    """The name within the module: `Class.method`."""
    file: str
    """The source file; empty for C functions."""
    first_line: int
    """The line of its `def`, from 1; 0 where there is none."""
    own: Share
    """Time in the function itself."""
    total: Share
    """Time in the function and in what it called."""
    samples: float
    """Samples in which it was on the stack."""

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Function:
        function = value["function"]
        return cls(
            name=function["name"],
            module=function["module"],
            qualified_name=function["qualified_name"],
            file=function["file"],
            first_line=function["first_line"],
            own=Share.from_json(value["own"]),
            total=Share.from_json(value["total"]),
            samples=value["samples"],
        )


class Line(NamedTuple):
    """A line of a function and its time."""

    line: int
    """The line in the file, from 1; 0 where it is not known."""
    source: str | None
    """Its text, where it is known."""
    own: Share
    """Time in the line itself."""
    total: Share
    """Time in the line and in what it called."""

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Line:
        return cls(value["line"], value.get("source"), Share.from_json(value["own"]), Share.from_json(value["total"]))
