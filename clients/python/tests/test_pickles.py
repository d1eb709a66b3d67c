"""Pickles, as the fetcher's own tests keep them, with the two readers that handlers use."""

from __future__ import annotations

import importlib
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dill
import pytest

FETCHERS_TESTS = Path(__file__).parents[3] / "tests" / "behaviour" / "consumers"


@pytest.mark.skipif(
    Path(__file__).parents[1].joinpath("PKG-INFO").exists(),
    reason="needs the fetcher's tests, which a source distribution is without",
)
@pytest.mark.parametrize("loads", [pickle.loads, dill.loads])
def test_pickles_are_read_alike(
    monkeypatch: pytest.MonkeyPatch, loads: Callable[[bytes], Any]
) -> None:
    monkeypatch.syspath_prepend(FETCHERS_TESTS / "stand_ins")
    classes = [
        importlib.import_module("toaster.broker.events.events").Event,
        importlib.import_module("funcka_bots.events.events").VkEvent,
        importlib.import_module("handler.events").Event,
    ]
    lines = (FETCHERS_TESTS / "pickled.txt").read_text().splitlines()
    assert len(lines) == 4 * len(classes)
    for line in lines:
        pickled, _, written = line.partition(" ")
        event = loads(bytes.fromhex(pickled))
        assert type(event) in classes
        data = json.loads(written)
        assert event.event_id == data["event_id"]
        assert event.user._asdict() == data["user"]
