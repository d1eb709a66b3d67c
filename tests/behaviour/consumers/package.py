"""Reads events with the package toaster-events, and writes them as it understands them.

The first line of output has the attributes of the package's classes; then comes the `as_dict` of
each event in standard input, a line for a line.
"""

import json
import sys
import types
from pathlib import Path

# Without running the package's __init__, which needs redis-py; its events need nothing.
package = types.ModuleType("toaster_events")
package.__path__ = [str(Path(__file__).parents[3] / "clients/python/src/toaster_events")]
sys.modules["toaster_events"] = package

from toaster_events import events  # noqa: E402

classes = [events.User, events.Peer, events.Message, events.Reply, events.Button, events.Reaction]
attributes = {
    it.__name__: [list(it._fields), [name for name in it._fields if name not in it._field_defaults]]
    for it in classes
}
print(json.dumps(attributes))
for line in sys.stdin:
    print(json.dumps(events.parse_event(line).as_dict()))
