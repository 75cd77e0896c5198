"""What is measured with what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, TypeVar

from tools import Tool

Number = TypeVar("Number", int, float)


@dataclass
class Suite:
    """The profilers, and how long everything may take."""

    tools: List[Tool]
    variants: List[Tool]
    """Other ways to start one of the profilers that matter for the truth of what it shows."""
    quick: bool
    memory_seconds: int

    def outside(self) -> List[Tool]:
        """The profilers that read another process, with their variants."""
        return [tool for tool in [*self.tools, *self.variants] if not tool.in_process]

    def scaled(self, full: Number, quick: Number) -> Number:
        """The size of a measurement."""
        return quick if self.quick else full
