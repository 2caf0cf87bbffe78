"""The rotation of the edge's secret, over a way on which everything happens in steps: locations of CloudFront learn of
a secret one by one, functions are moved one by one and as canaries, requests are under way, and whoever rotates or
deploys may be stopped between any two of these."""

import contextlib
import io
import json
import random
import unittest
from collections.abc import Iterator

from wardgate_infra.operate import edge, rotate_edge
from wardgate_infra.operate.aliases import Function, Version
from wardgate_infra.operate.edge import Versions

STACKS = {"migrate": 1, "accounts": 2, "sign-in": 2, "api": 1}
LOCATIONS = 3


class Stopped(Exception):
    """Somebody has pressed Ctrl-C, or a stack has failed."""


class Refused(Exception):
    """A request that came through the edge found a function that does not take its secret."""


def seeded(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - it opens nothing


def knowing(digests: list[str]) -> Version:
    """A version of a function that takes these."""
    return Version("", "", {edge.DIGESTS: json.dumps(digests)})


class World:
    """A way as the operator's commands see it, and what is under way on it. A version's digest is its own name."""

    def __init__(self, chance: random.Random, stop_after: int | None = None) -> None:
        self.chance = chance
        self.stop_after = stop_after
        self.ticks = 0
        self.made = 1
        self.labels = {edge.CURRENT: "v0"}
        self.parameter = "v0"
        self.sends = ["v0"] * LOCATIONS
        self.under_way = {"v0"}
        self.may_refuse = False
        names = [f"{stack}-{number}" for stack, many in STACKS.items() for number in range(many)]
        self.functions = {it: Function(it, it, "1", {}, {"1": knowing(["v0"])}, "") for it in names}

    def tick(self) -> None:
        """Between any two things that happen: requests arrive, and somebody may stop."""
        for secret in {*self.sends, *self.under_way}:
            if not edge.is_taken(list(self.functions.values()), secret) and not self.may_refuse:
                raise Refused(secret)
        self.under_way = set(self.sends)
        self.ticks += 1
        if self.stop_after is not None and self.ticks > self.stop_after:
            raise Stopped

    # What a rotation asks.

    def versions(self) -> Versions:
        pending = self.labels.get(edge.NEXT)
        current = self.labels[edge.CURRENT]
        return Versions(current, pending if pending != current else None)

    def make(self, label: str) -> None:
        self.labels[label] = f"v{self.made}"
        self.made += 1
        self.tick()

    def make_next(self) -> None:
        if self.versions().next is None:
            self.make(edge.NEXT)

    def make_current(self) -> None:
        follows = self.versions().next
        if follows is None:
            self.make(edge.CURRENT)
            return
        self.labels[edge.CURRENT] = follows
        self.tick()
        del self.labels[edge.NEXT]
        self.tick()

    def is_taken(self, version: str) -> bool:
        return edge.is_taken(list(self.functions.values()), version)

    def is_taken_alone(self, version: str) -> bool:
        return all(edge.known([it]) == {version} for it in edge.answering(list(self.functions.values())))

    def send(self, version: str) -> None:
        self.parameter = version
        for location in self.chance.sample(range(LOCATIONS), LOCATIONS):
            self.sends[location] = version
            self.tick()

    def deploy(self) -> None:
        """As `make deploy` does it: the edge, the stacks one after another, and the edge again where that has changed
        what it may send. Stacks fail, and everything that was moved is put back."""
        found = self.versions()
        self.send(found.current if self.is_taken(found.current) else self.parameter)
        taken = [it for it in (found.current, found.next) if it]
        before = dict(self.functions)
        for stack in self.chance.sample(sorted(STACKS), len(STACKS)):
            for name in (it for it in sorted(self.functions) if it.startswith(stack)):
                self.move(name, knowing(taken))
                if self.chance.random() < 0.02:
                    self.put_back(before)
                    raise Stopped
        self.follow()

    def follow(self) -> None:
        current = self.versions().current
        if self.is_taken(current) and self.parameter != current:
            self.send(current)

    def move(self, name: str, version: Version) -> None:
        """A canary, and then all of it."""
        was = self.functions[name]
        number = str(len(was.versions) + 1)
        there = was.versions | {number: version}
        self.functions[name] = Function(name, name, was.live, {number: 0.1}, there, "")
        self.tick()
        self.functions[name] = Function(name, name, number, {}, there, "")
        self.tick()

    def put_back(self, before: dict[str, Function]) -> None:
        for name in self.chance.sample(sorted(before), len(before)):
            self.functions[name] = before[name]
            self.tick()

    def roll_back(self) -> None:
        """To the first version of each function, where `make rollback` goes there at all."""
        target = {it.name: Function(it.name, it.name, "1", {}, it.versions, "") for it in self.functions.values()}
        there = edge.answering(list(target.values()))
        if not edge.lacks(there, edge.answering(list(self.functions.values()))):
            self.put_back(target)

    @property
    def is_settled(self) -> bool:
        current = self.versions().current
        return self.is_taken_alone(current) and self.sends == [current] * LOCATIONS and self.versions().next is None


@contextlib.contextmanager
def stopped_anywhere() -> Iterator[None]:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(Stopped):
        yield


class Rotation(unittest.TestCase):
    def rotated(self, world: World) -> None:
        """Typed again until it is through."""
        world.stop_after = None
        for _ in range(100):
            with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(Stopped):
                rotate_edge.rotate(world)
                break
        self.assertTrue(world.is_settled)

    def test_sec_ed_03_a_rotation_that_is_stopped_anywhere_refuses_nobody_and_goes_on(self) -> None:
        calm = seeded(1)
        calm.random = lambda: 1.0  # type: ignore[method-assign]
        ticks = 0
        while True:
            world = World(calm, stop_after=ticks)
            with stopped_anywhere():
                rotate_edge.rotate(world)
                break
            ticks += 1
            if not world.is_settled:
                self.rotated(world)
            self.assertEqual(world.made, 2, "it went on, and made no third")
        self.assertGreater(ticks, 25)
        self.assertTrue(world.is_settled)

    def test_sec_ed_03_nobody_is_refused_whatever_is_done_in_between(self) -> None:
        for seed in range(400):
            with self.subTest(seed=seed):
                chance = seeded(seed)
                world = World(chance)
                for _ in range(chance.randrange(1, 12)):
                    world.stop_after = world.ticks + chance.randrange(60)
                    action = chance.choice([rotate_edge.rotate, World.deploy, World.roll_back])
                    with stopped_anywhere():
                        action(world)
                self.rotated(world)

    def test_the_world_sees_what_would_be_refused(self) -> None:
        world = World(seeded(1))
        world.make_next()
        with self.assertRaises(Refused):
            world.send("v1")
        world = World(seeded(1))
        world.make(edge.CURRENT)
        with self.assertRaises(Refused), stopped_anywhere():
            world.deploy()

    def test_sec_ed_03_what_is_retired_is_taken_by_nothing_and_a_deploy_ends_what_was_stopped(self) -> None:
        for stop_after in (*range(40), None):
            world = World(seeded(7), stop_after=stop_after)
            world.may_refuse = True
            with stopped_anywhere():
                rotate_edge.retire(world)
            world.stop_after = None
            for _ in range(100):
                with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(Stopped):
                    world.deploy()
                    break
            self.assertFalse(world.is_taken("v0") and world.made > 1, stop_after)
            self.assertTrue(world.is_settled, stop_after)
