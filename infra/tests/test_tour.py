"""The tour, where the emulator looks for it: that the lines work is seen by `make test-deploy`."""

import unittest

from wardgate_infra.emulator.tour import tour


class Tour(unittest.TestCase):
    def test_the_page_has_the_lines_and_they_are_for_the_address(self) -> None:
        lines = tour("https://api.example.com")
        self.assertIn("curl -s https://api.example.com/v1/register", lines)
        self.assertIn("https://api.example.com/v1/logout", lines)
        self.assertNotIn("localhost", lines)
