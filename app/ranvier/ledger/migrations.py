"""The shape of our databases, as numbered steps. A step that has been released is never changed."""

from __future__ import annotations

# An amount is an integer of rao: STRICT refuses anything else. tao_rao is alpha at the epoch's own price, kept so
# that sums stay exact in SQL (alpha times price does not fit 64 bits).
_PAYMENTS = (
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
)

# What became of each payment and where the proof is; sums by day, kept by the same transaction as the rows they sum;
# whose epochs are wanted from which block on, which of them are noted whole, and why others could not be.
_FATES = (
    "ALTER TABLE payment ADD COLUMN gross_rao INTEGER CHECK (gross_rao >= alpha_rao)",
    "ALTER TABLE payment ADD COLUMN captured_rao INTEGER CHECK (captured_rao BETWEEN 0 AND alpha_rao)",
    "ALTER TABLE payment ADD COLUMN fate TEXT CHECK (fate IN ('paid', 'burned', 'recycled'))",
    "ALTER TABLE payment ADD COLUMN coldkey_ss58 TEXT",
    "ALTER TABLE payment ADD COLUMN destination_ss58 TEXT",
    "ALTER TABLE payment ADD COLUMN event_index INTEGER",
    """CREATE TABLE pay_day (
        day INTEGER NOT NULL,
        netuid INTEGER NOT NULL,
        hotkey_ss58 TEXT NOT NULL,
        alpha_rao INTEGER NOT NULL,
        tao_rao INTEGER NOT NULL,
        rows INTEGER NOT NULL,
        priced INTEGER NOT NULL,
        epochs INTEGER NOT NULL,
        PRIMARY KEY (day, netuid, hotkey_ss58)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE epoch_day (
        day INTEGER NOT NULL, netuid INTEGER NOT NULL, epochs INTEGER NOT NULL, PRIMARY KEY (day, netuid)
    ) STRICT, WITHOUT ROWID""",
    """INSERT INTO pay_day SELECT time_ms / 86400000, netuid, hotkey_ss58, sum(alpha_rao), coalesce(sum(tao_rao), 0),
        count(*), count(tao_rao), count(DISTINCT block) FROM payment GROUP BY 1, 2, 3""",
    "INSERT INTO epoch_day SELECT time_ms / 86400000, netuid, count(DISTINCT block) FROM payment GROUP BY 1, 2",
    """CREATE TABLE follow (
        netuid INTEGER NOT NULL, hotkey_ss58 TEXT NOT NULL, from_block INTEGER NOT NULL, to_block INTEGER NOT NULL,
        PRIMARY KEY (netuid, hotkey_ss58)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE coverage (
        netuid INTEGER NOT NULL, hotkey_ss58 TEXT NOT NULL, from_block INTEGER NOT NULL, to_block INTEGER NOT NULL,
        PRIMARY KEY (netuid, hotkey_ss58, from_block), CHECK (from_block <= to_block)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE gap (
        netuid INTEGER NOT NULL, hotkey_ss58 TEXT NOT NULL, from_block INTEGER NOT NULL, to_block INTEGER NOT NULL,
        reason TEXT NOT NULL, tried_ms INTEGER NOT NULL, PRIMARY KEY (netuid, hotkey_ss58, from_block)
    ) STRICT, WITHOUT ROWID""",
)

# Receipts are for ever. Fiat amounts are integers of millionths; body is the receipt's own JSON.
_BOOKS = (
    """CREATE TABLE receipt (
        id TEXT PRIMARY KEY,
        at_ms INTEGER NOT NULL,
        signer_ss58 TEXT NOT NULL,
        title TEXT NOT NULL,
        stage TEXT NOT NULL,
        block INTEGER,
        block_hash TEXT,
        fee_rao INTEGER,
        kept TEXT NOT NULL CHECK (kept IN ('yes', 'no', 'unknown')),
        body TEXT NOT NULL
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX receipt_by_time ON receipt (at_ms)",
    """CREATE TABLE fiat_price (
        currency TEXT NOT NULL,
        at_ms INTEGER NOT NULL,
        micro_per_tao INTEGER NOT NULL CHECK (micro_per_tao > 0),
        source TEXT NOT NULL,
        noted_ms INTEGER NOT NULL,
        PRIMARY KEY (currency, at_ms)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE cost (
        id TEXT PRIMARY KEY,
        kind TEXT NOT NULL CHECK (kind IN ('hardware', 'rent', 'registration', 'other')),
        name TEXT NOT NULL,
        from_ms INTEGER NOT NULL,
        to_ms INTEGER,
        miner_id TEXT,
        currency TEXT NOT NULL,
        amount INTEGER NOT NULL CHECK (amount >= 0),
        rest INTEGER NOT NULL DEFAULT 0 CHECK (rest BETWEEN 0 AND amount),
        proof TEXT NOT NULL DEFAULT '',
        CHECK (to_ms IS NULL OR to_ms > from_ms)
    ) STRICT, WITHOUT ROWID""",
)

# What the chain says of positions besides pay, each under its event, and how far each position was followed. What was
# paid for alpha of unknown cost is the owner's own word.
_CHANGES = (
    """CREATE TABLE change (
        coldkey_ss58 TEXT NOT NULL,
        hotkey_ss58 TEXT NOT NULL,
        netuid INTEGER NOT NULL,
        block INTEGER NOT NULL,
        event_index INTEGER NOT NULL,
        time_ms INTEGER NOT NULL,
        kind TEXT NOT NULL,
        alpha_rao INTEGER NOT NULL,
        tao_rao INTEGER NOT NULL,
        price_rao INTEGER,
        epoch INTEGER NOT NULL CHECK (epoch IN (0, 1)),
        PRIMARY KEY (netuid, block, event_index, coldkey_ss58, hotkey_ss58)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE walked (
        coldkey_ss58 TEXT NOT NULL,
        hotkey_ss58 TEXT NOT NULL,
        netuid INTEGER NOT NULL,
        from_block INTEGER NOT NULL,
        from_ms INTEGER NOT NULL,
        opening_rao INTEGER NOT NULL CHECK (opening_rao >= 0),
        to_block INTEGER NOT NULL CHECK (to_block >= from_block),
        held_rao INTEGER NOT NULL CHECK (held_rao >= 0),
        trouble TEXT NOT NULL,
        PRIMARY KEY (netuid, coldkey_ss58, hotkey_ss58)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE basis (
        netuid INTEGER NOT NULL, lot TEXT NOT NULL, cost_rao INTEGER NOT NULL CHECK (cost_rao >= 0),
        noted_ms INTEGER NOT NULL, PRIMARY KEY (netuid, lot)
    ) STRICT, WITHOUT ROWID""",
)

LEDGER: tuple[tuple[str, ...], ...] = (_PAYMENTS, _FATES, _BOOKS, _CHANGES)

SAMPLES: tuple[tuple[str, ...], ...] = (
    ("CREATE TABLE sample (at_ms INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT",),
    (
        """CREATE TABLE energy (
            hour_ms INTEGER PRIMARY KEY, microjoules INTEGER NOT NULL, measured_ms INTEGER NOT NULL
        ) STRICT""",
    ),
    (
        """CREATE TABLE miner_sample (
            miner_id TEXT NOT NULL, at_ms INTEGER NOT NULL, cpu_percent REAL, rss INTEGER, processes INTEGER,
            gpu_percent REAL, gpu_memory INTEGER, temperature_c REAL, machine_c REAL, read_bps REAL, write_bps REAL,
            received_bps REAL, sent_bps REAL, incentive REAL, PRIMARY KEY (miner_id, at_ms)
        ) STRICT, WITHOUT ROWID""",
        "CREATE INDEX miner_sample_by_time ON miner_sample (at_ms)",
        """CREATE TABLE miner_end (
            miner_id TEXT NOT NULL, at_ms INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (miner_id, at_ms)
        ) STRICT, WITHOUT ROWID""",
    ),
    # Up to where each tier has been thinned, so that the next process does not do a year of it again.
    ("CREATE TABLE thinned (every_s INTEGER PRIMARY KEY, until_ms INTEGER NOT NULL) STRICT",),
)
