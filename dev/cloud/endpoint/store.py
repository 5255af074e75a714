"""The endpoint's state on disk: every record that a call changed is written before the call is answered.

SQLite with its journal and without waiting for the disk: what was answered
survives a killed process, not a power cut, and a write costs microseconds.
S3's objects are files that ministack itself writes.
"""

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ministack.core import persistence
from ministack.core.responses import AccountScopedDict
from ministack.services import iam, s3, sqs, sts

from endpoint import eks_records

# Each table by its name on disk: where it is kept while the endpoint runs.
_TABLES = {
    name: (iam, f"_{name}")
    for name in ("users", "roles", "policies", "access_keys", "oidc_providers", "user_inline_policies", "aws_managed_attachment_counts")
} | {f"eks_{name}": (eks_records, name) for name in ("clusters", "associations", "association_ids")}
_SESSIONS, _S3, _SQS = "sessions", "s3", "sqs"
_EVICTION_INTERVAL = 30.0


class _Recorded(AccountScopedDict):
    """A table that notes each key that a call asks for, so that in-place changes are seen too."""

    __slots__ = ("name", "touched")

    def __init__(self, name: str, touched: set) -> None:
        super().__init__()
        self.name, self.touched = name, touched

    def _scoped(self, key):
        scoped = super()._scoped(key)
        self.touched.add((self.name, *scoped))
        return scoped


class _Sessions(dict):
    """STS sessions, each written when it is made and removed when it has run out."""

    def __init__(self, store: "Store") -> None:
        super().__init__()
        self.store = store

    def __setitem__(self, key, session) -> None:
        super().__setitem__(key, session)
        self.store.write(_SESSIONS, "", key, session)

    def pop(self, key, *default):
        self.store.write(_SESSIONS, "", key, None)
        return super().pop(key, *default)


class Store:
    """Reads the state once at start and writes changes as they happen."""

    def __init__(self, folder: Path) -> None:
        self._database = sqlite3.connect(folder / "state.sqlite", isolation_level=None, check_same_thread=False)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=OFF")
        self._database.execute(
            "CREATE TABLE IF NOT EXISTS record (kind TEXT, account TEXT, name TEXT, value TEXT, PRIMARY KEY (kind, account, name)) WITHOUT ROWID")
        self._touched: set = set()
        self._next_eviction = 0.0
        self._tables = {name: _Recorded(name, self._touched) for name in _TABLES}
        self._sessions = _Sessions(self)

    def install(self) -> None:
        """Gives ministack the saved state, in tables that record their changes."""
        for kind, account, name, value in self._database.execute("SELECT kind, account, name, value FROM record"):
            if kind == _S3:
                s3._restore_state(json.loads(value, object_hook=persistence._json_object_hook))
            elif kind == _SQS:
                sqs._restore_state(json.loads(value, object_hook=persistence._json_object_hook))
            elif kind == _SESSIONS:
                dict.__setitem__(self._sessions, name, json.loads(value))
            else:
                self._tables[kind]._data[(account, name)] = json.loads(value)
        for name, (owner, attribute) in _TABLES.items():
            setattr(owner, attribute, self._tables[name])
        sts._sessions = self._sessions
        sts._evict_expired_sessions = self._evict_expired_sessions

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Writes, at its end, every record that was touched within; in one step, or not at all."""
        self._touched.clear()
        yield
        self._database.execute("BEGIN")
        for kind, account, name in self._touched:
            self.write(kind, account, name, self._tables[kind]._data.get((account, name)))
        self._database.execute("COMMIT")

    def write(self, kind: str, account: str, name: str, value: object) -> None:
        """One record; None removes it."""
        if value is None:
            self._database.execute("DELETE FROM record WHERE kind = ? AND account = ? AND name = ?", (kind, account, name))
        else:
            self._database.execute("INSERT OR REPLACE INTO record VALUES (?, ?, ?, ?)", (kind, account, name, json.dumps(value)))

    def write_s3(self) -> None:
        """All that S3 knows beside the objects themselves; small in a test bed."""
        text = json.dumps(s3.get_state(), default=persistence._json_default)
        self._database.execute("INSERT OR REPLACE INTO record VALUES (?, '', '', ?)", (_S3, text))

    def write_queues(self) -> None:
        """The queues without their messages."""
        state = sqs.get_state()
        for queue in state["queues"]._data.values():
            queue["messages"] = []
        text = json.dumps(state, default=persistence._json_default)
        self._database.execute("INSERT OR REPLACE INTO record VALUES (?, '', '', ?)", (_SQS, text))

    def close(self) -> None:
        self._database.close()

    def _evict_expired_sessions(self) -> None:
        """ministack looks at every session each time it makes one; every half minute is enough."""
        now = time.time()
        if now < self._next_eviction:
            return
        self._next_eviction = now + _EVICTION_INTERVAL
        for key in [key for key, session in self._sessions.items() if now > session.get("Expiration", now)]:
            self._sessions.pop(key, None)
