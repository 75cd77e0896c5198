"""A one-way dataflow solver: variables, constraints with strengths, incremental re-planning; class-heavy code in the
spirit of the benchmark called DeltaBlue, written anew. `deltablue.py [--rounds N]`; prints {"wall", "cpu", "result"}.
"""

import argparse
import json
import time

REQUIRED, STRONG, NORMAL, WEAK = 0, 1, 2, 3


class Variable:
    """A cell with a value, the constraints that mention it and the one that decides it."""

    __slots__ = ("name", "value", "constraints", "decided_by", "level")

    def __init__(self, name, value=0):
        self.name = name
        self.value = value
        self.constraints = []
        self.decided_by = None
        self.level = WEAK


class Constraint:
    """Decides `output` from `inputs`; the stronger one wins a variable."""

    def __init__(self, strength, inputs, output):
        self.strength = strength
        self.inputs = inputs
        self.output = output
        for variable in self.variables():
            variable.constraints.append(self)

    def variables(self):
        yield from self.inputs
        yield self.output

    def walkabout(self):
        weakest = self.strength
        for variable in self.inputs:
            weakest = max(weakest, variable.level)
        return weakest

    def execute(self):
        self.output.value = self.compute()

    def compute(self):
        raise NotImplementedError


class Equal(Constraint):
    def compute(self):
        return self.inputs[0].value


class Scale(Constraint):
    """output = first * second + third"""

    def compute(self):
        first, second, third = self.inputs
        return (first.value * second.value + third.value) % 1_000_003


class Edit(Constraint):
    def __init__(self, strength, output, value):
        self.new_value = value
        super().__init__(strength, (), output)

    def compute(self):
        return self.new_value


class Planner:
    """Adds and removes constraints and keeps every variable decided by the strongest."""

    def add(self, constraint):
        output = constraint.output
        if output.decided_by is None or constraint.strength <= output.decided_by.strength:
            output.decided_by = constraint
            self.propagate(output)

    def remove(self, constraint):
        for variable in constraint.variables():
            variable.constraints.remove(constraint)
        output = constraint.output
        if output.decided_by is constraint:
            output.decided_by = self.strongest(output)
            self.propagate(output)

    def strongest(self, variable):
        candidates = [other for other in variable.constraints if other.output is variable]
        return min(candidates, key=lambda other: other.strength, default=None)

    def plan(self, start):
        """The constraints to execute after a change of `start`, in order."""
        order, waiting, seen = [], [start], {start}
        while waiting:
            variable = waiting.pop(0)
            for constraint in variable.constraints:
                output = constraint.output
                if output.decided_by is constraint and output not in seen and variable in constraint.inputs:
                    seen.add(output)
                    order.append(constraint)
                    waiting.append(output)
        return order

    def propagate(self, start):
        if start.decided_by is not None:
            start.level = start.decided_by.walkabout()
            start.decided_by.execute()
        for constraint in self.plan(start):
            constraint.output.level = constraint.walkabout()
            constraint.execute()


def chain(length):
    """Equality passed along a chain of variables; returns the last one's value after several edits."""
    planner = Planner()
    variables = [Variable(f"v{index}") for index in range(length)]
    for before, after in zip(variables, variables[1:]):
        planner.add(Equal(REQUIRED, (before,), after))
    total = 0
    for value in range(8):
        edit = Edit(STRONG, variables[0], value * 13)
        planner.add(edit)
        total += variables[-1].value
        planner.remove(edit)
    return total


def projection(width):
    """Many variables scaled by two shared ones, which are then edited."""
    planner = Planner()
    scale, offset = Variable("scale", 10), Variable("offset", 1000)
    outputs = []
    for index in range(width):
        source, target = Variable(f"s{index}", index), Variable(f"t{index}")
        planner.add(Scale(REQUIRED, (source, scale, offset), target))
        outputs.append(target)
    for value in (5, 7):
        edit = Edit(NORMAL, scale, value)
        planner.add(edit)
        planner.remove(edit)
    return sum(target.value for target in outputs) % 1_000_003


def main(rounds):
    wall, cpu = time.perf_counter(), time.process_time()
    result = 0
    for _ in range(rounds):
        result = (result * 31 + chain(400) + projection(400)) % 1_000_000_007
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(json.dumps({"wall": wall, "cpu": cpu, "result": result}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=250)
    main(parser.parse_args().rounds)
