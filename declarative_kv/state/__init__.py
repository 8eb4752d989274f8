"""What was applied: the snapshot, the journal beside it, and the lock around both.

`local_store` and `BlobStore` are the ways in. `Store.read` folds snapshot and journal without a lock; `Store.locked`
gives the `Journal` through which a run writes, and folds it into the next snapshot when the run ends.
"""

from __future__ import annotations

from declarative_kv.state.blob import BlobStore
from declarative_kv.state.journal import Journal
from declarative_kv.state.layout import decode_state, encode_state
from declarative_kv.state.local import LocalStore
from declarative_kv.state.location import blob_place, local_store
from declarative_kv.state.lock import Holder
from declarative_kv.state.store import Store

__all__ = [
    "BlobStore",
    "Holder",
    "Journal",
    "LocalStore",
    "Store",
    "blob_place",
    "decode_state",
    "encode_state",
    "local_store",
]
