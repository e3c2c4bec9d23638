"""Asserts in what tests share say as much as those in tests."""

import pytest

SHARED = ("backstage", "browsing", "kinds_board", "signing_in", "stages", "wire", "wire_frames", "wire_rules")
pytest.register_assert_rewrite(*(f"tests.e2e.{name}" for name in SHARED), "tests.broadcaster.world")
