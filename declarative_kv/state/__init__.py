"""What was applied, on disk: the snapshot, the journal beside it, and the lock around both.

`open_store` is the way in. `Store.read` folds snapshot and journal without a lock; `Store.locked` gives the `Journal`
through which a run writes, and folds it into the next snapshot when the run ends.
"""

from __future__ import annotations

from declarative_kv.state.journal import Journal
from declarative_kv.state.layout import decode_state, encode_state
from declarative_kv.state.local import LocalStore
from declarative_kv.state.location import open_store
from declarative_kv.state.lock import Holder
from declarative_kv.state.store import Store

__all__ = ["Holder", "Journal", "LocalStore", "Store", "decode_state", "encode_state", "open_store"]
