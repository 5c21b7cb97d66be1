-- SPDX-License-Identifier: Apache-2.0
-- The first reply under an Idempotency-Key, for a day. status 0: claimed before long work, no reply yet.
CREATE TABLE idempotency (
    scope BLOB PRIMARY KEY,
    request BLOB NOT NULL,
    at_us INTEGER NOT NULL,
    status INTEGER NOT NULL,
    type TEXT NOT NULL,
    location TEXT NOT NULL,
    etag TEXT NOT NULL,
    body BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_at ON idempotency (at_us);
