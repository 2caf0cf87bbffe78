"""The limits that stand before sign-in, over what senders do: docs/operations/edge-simulation.md."""

import math
import unittest

from wardgate_infra import edge_simulation as it

SHARED = it.Throttle(rate=500, burst=1000)
LIMITS = it.Edge(it.Limit(200, 60), it.Limit(3000, 60), late=30)


class Simulation(unittest.TestCase):
    def test_sec_ed_06_the_page_is_what_templates_and_stages_say(self) -> None:
        self.assertEqual(it.PAGE.read_text(encoding="utf-8"), it.page(), "make edge-simulation")

    def test_sec_ed_06_one_host_keeps_people_out_for_ever_without_an_edge_and_for_half_a_minute_with_it(self) -> None:
        host = it.Senders(10_000)
        alone = it.simulate(host, SHARED, None)
        self.assertAlmostEqual(alone.refused, 0.95, delta=0.01)
        self.assertIsNone(alone.until)
        self.assertEqual(it.simulate(host, SHARED, LIMITS).until, 30)
        worst = it.Edge(LIMITS.by_address, LIMITS.by_network, late=180)
        self.assertEqual(it.simulate(host, SHARED, worst).until, 180)

    def test_sec_ed_06_a_network_that_changes_its_address_each_time_is_one_source(self) -> None:
        network = it.Senders(10_000, addresses=math.inf, is_ipv6=True)
        self.assertEqual(it.simulate(network, SHARED, LIMITS).until, 30)
        # Of IPv4 nobody has so many.
        self.assertIsNone(it.simulate(it.Senders(10_000, addresses=math.inf), SHARED, LIMITS).until)

    def test_sec_ed_06_below_the_limit_of_a_source_nobody_is_kept_out_but_by_many(self) -> None:
        below = LIMITS.by_address.a_second * 0.99
        self.assertEqual(it.simulate(it.Senders(below), SHARED, LIMITS), it.Outcome(0.0, 0))
        many = it.enough(SHARED, LIMITS.by_address)
        self.assertEqual(many, 150)
        self.assertIsNone(it.simulate(it.Senders(below * many * 1.2, addresses=many * 1.2), SHARED, LIMITS).until)

    def test_what_goes_on_stays_refused_and_what_ends_is_let_through_again(self) -> None:
        through = it.let_through(it.Senders(10_000), LIMITS)
        seconds = [next(through) for _ in range(300)]
        self.assertEqual((sum(seconds[:30]), sum(seconds[30:])), (300_000, 0))
