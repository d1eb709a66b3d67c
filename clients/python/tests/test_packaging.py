"""What is installed."""

from importlib.metadata import files


def test_the_licence_comes_with_it() -> None:
    assert "LICENSE" in {it.name for it in files("toaster-events") or ()}
