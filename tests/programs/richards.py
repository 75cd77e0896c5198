"""A little operating system: tasks with priorities pass packets through queues; many small methods, in the spirit of
the benchmark called Richards, written anew. `richards.py [--rounds N]`; prints {"wall", "cpu", "result"}.
"""

import argparse
import json
import time

PACKET_CELLS = 4


class Packet:
    """A message that travels between tasks on a linked list."""

    def __init__(self, kind, owner):
        self.kind = kind
        self.owner = owner
        self.cells = [0] * PACKET_CELLS
        self.position = 0
        self.behind = None


class PacketQueue:
    """First in, first out."""

    def __init__(self):
        self.first = None
        self.last = None

    def put(self, packet):
        packet.behind = None
        if self.last is None:
            self.first = packet
        else:
            self.last.behind = packet
        self.last = packet

    def take(self):
        packet = self.first
        self.first = packet.behind
        if self.first is None:
            self.last = None
        return packet

    def empty(self):
        return self.first is None


class Task:
    """What the scheduler runs: `step` does a little and says whether there is more to do now."""

    def __init__(self, name, priority):
        self.name = name
        self.priority = priority
        self.queue = PacketQueue()
        self.held = False
        self.steps = 0

    def runnable(self):
        return not self.held and not self.queue.empty()

    def step(self, system):
        raise NotImplementedError


class Clock(Task):
    """The lowest priority: always runnable while ticks are left, and releases devices by turns."""

    def __init__(self, name, priority, ticks):
        super().__init__(name, priority)
        self.ticks = ticks
        self.register = 0xA5A5

    def runnable(self):
        return self.ticks > 0

    def step(self, system):
        self.ticks -= 1
        if self.register & 1:
            self.register = (self.register >> 1) ^ 0xD008
            system.release("disc")
        else:
            self.register >>= 1
            system.release("network")


class Worker(Task):
    """Fills packets and sends them to the two handlers by turns."""

    def __init__(self, name, priority):
        super().__init__(name, priority)
        self.turn = 0

    def step(self, system):
        packet = self.queue.take()
        self.turn ^= 1
        for index in range(PACKET_CELLS):
            packet.cells[index] = self.letter(index)
        packet.position = 0
        system.send("disc handler" if self.turn else "network handler", packet)

    def letter(self, index):
        return (self.steps + index * 7) % 26 + 65


class Handler(Task):
    """Passes a packet's cells to its device one by one, then gives the packet back."""

    def __init__(self, name, priority, device):
        super().__init__(name, priority)
        self.device = device

    def step(self, system):
        packet = self.queue.take()
        if packet.position >= PACKET_CELLS:
            system.send(packet.owner, packet)
            return
        system.send(self.device, packet)


class Device(Task):
    """Takes one cell of a packet, then waits until the clock releases it."""

    def __init__(self, name, priority, handler):
        super().__init__(name, priority)
        self.handler = handler
        self.sum = 0

    def step(self, system):
        packet = self.queue.take()
        self.sum = (self.sum * 31 + packet.cells[packet.position]) & 0xFFFFFF
        packet.position += 1
        self.held = True
        system.send(self.handler, packet)


class System:
    """The scheduler: always runs the runnable task with the highest priority."""

    def __init__(self, ticks):
        self.tasks = {}
        self.order = []
        for task in (
            Device("disc", 50, "disc handler"),
            Device("network", 45, "network handler"),
            Handler("disc handler", 30, "disc"),
            Handler("network handler", 25, "network"),
            Worker("worker", 10),
            Clock("clock", 0, ticks),
        ):
            self.tasks[task.name] = task
            self.order.append(task)
        for _ in range(4):
            self.send("worker", Packet("work", "worker"))

    def send(self, name, packet):
        self.tasks[name].queue.put(packet)

    def release(self, name):
        self.tasks[name].held = False

    def pick(self):
        for task in self.order:
            if task.runnable():
                return task
        return None

    def run(self):
        steps = 0
        while True:
            task = self.pick()
            if task is None:
                return steps
            task.step(self)
            task.steps += 1
            steps += 1

    def checksum(self):
        return self.tasks["disc"].sum ^ self.tasks["network"].sum


def main(rounds):
    wall, cpu = time.perf_counter(), time.process_time()
    result = 0
    for _ in range(rounds):
        system = System(10_000)
        result = (result * 17 + system.run() + system.checksum()) & 0xFFFFFFFF
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(json.dumps({"wall": wall, "cpu": cpu, "result": result}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=60)
    main(parser.parse_args().rounds)
