-- SPDX-License-Identifier: Apache-2.0
-- The first reply under an Idempotency-Key, for a day. status 0: claimed before long work, no reply yet.
CREATE TABLE idempotency (
    scope bytea PRIMARY KEY,
    request bytea NOT NULL,
    at_us BIGINT NOT NULL,
    status BIGINT NOT NULL,
    type text NOT NULL,
    location text NOT NULL,
    etag text NOT NULL,
    body bytea NOT NULL
);
CREATE INDEX idempotency_at ON idempotency (at_us);
