"""Asserts in what tests share say as much as those in tests; no test of many inputs is one of the machine's speed."""

import pytest
from hypothesis import settings

SHARED = ("backstage", "browsing", "kinds_board", "signing_in", "stages", "wire", "wire_frames", "wire_rules")
pytest.register_assert_rewrite(*(f"tests.e2e.{name}" for name in SHARED), "tests.broadcaster.world")

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
