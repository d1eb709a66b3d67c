"""Unpickles events like a handler written for the predecessor, and compares them with their JSON.

Standard input holds an event a line: the pickle in hexadecimal digits, a space, the JSON.
"""

import json
import pickle
import pickletools
import sys

ATTRIBUTE = {"message": "message", "command": "message", "button": "button", "reaction": "reaction"}


def plain(value):
    """Turns NamedTuples into dictionaries at any depth."""
    if isinstance(value, tuple):
        return plain(value._asdict())
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value


def text(value):
    """A text that distinguishes 1, 1.0 and True, unlike ==."""
    return json.dumps(value, sort_keys=True)


for line in sys.stdin:
    pickled, _, written = line.partition(" ")
    pickled = bytes.fromhex(pickled)
    event = pickle.loads(pickled)
    want, got = text(json.loads(written)), text(plain(event.as_dict()))
    assert got == want, f"{got}\nis not\n{want}"
    first = ["user", "peer"] if b"toaster.broker" in pickled else ["peer", "user"]
    attributes = ["event_type", "event_id", *first, ATTRIBUTE[event.event_type]]
    assert list(vars(event)) == attributes, vars(event)
    assert event.user.uuid == event.user[0] == event.user._asdict()["uuid"]
    assert event.peer == (event.peer.bpid, event.peer.cid, event.peer.name)
    pickletools.dis(pickled, out=open("/dev/null", "w"))  # fails if the stack is not empty at the end
