"""The shape of our databases, as numbered steps. A step that has been released is never changed."""

from __future__ import annotations

# An amount is an integer of rao: STRICT refuses anything else. tao_rao is alpha at the epoch's own price, kept so
# that sums stay exact in SQL (alpha times price does not fit 64 bits).
LEDGER: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE payment (
            netuid INTEGER NOT NULL,
            mechanism INTEGER NOT NULL,
            block INTEGER NOT NULL,
            hotkey_ss58 TEXT NOT NULL,
            uid INTEGER NOT NULL,
            time_ms INTEGER NOT NULL,
            alpha_rao INTEGER NOT NULL CHECK (alpha_rao >= 0),
            price_rao INTEGER,
            tao_rao INTEGER,
            block_hash TEXT NOT NULL,
            PRIMARY KEY (netuid, mechanism, block, hotkey_ss58)
        ) STRICT, WITHOUT ROWID""",
        "CREATE INDEX payment_by_time ON payment (time_ms)",
        "CREATE INDEX payment_by_hotkey ON payment (hotkey_ss58, time_ms)",
        "CREATE TABLE state (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID",
    ),
)

SAMPLES: tuple[tuple[str, ...], ...] = (
    ("CREATE TABLE sample (at_ms INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT",),
)
