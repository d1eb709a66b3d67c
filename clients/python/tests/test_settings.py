"""Which options a consumer accepts."""

from datetime import timedelta
from typing import Any

import pytest

from toaster_events._settings import Settings


@pytest.mark.parametrize(
    ("option", "error", "says"),
    [
        ({"claim_after": 30}, TypeError, "claim_after is a timedelta"),
        ({"block": 0.5}, TypeError, "block is a timedelta"),
        ({"claim_after": timedelta(0)}, ValueError, "claim_after has to be longer"),
        ({"max_deliveries": 0}, ValueError, "max_deliveries is at least 1"),
    ],
)
def test_a_mistake_is_named_at_once(
    option: dict[str, Any], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        Settings("message", "group", **option)
