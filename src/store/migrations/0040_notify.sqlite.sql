-- SPDX-License-Identifier: Apache-2.0
-- How the city answers: what was said to whom, and the proof that it arrived.
CREATE TABLE notice_template (
    key TEXT PRIMARY KEY,
    pack TEXT NOT NULL,
    texts TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE notice (
    id INTEGER PRIMARY KEY,
    account INTEGER NOT NULL,
    template TEXT NOT NULL,
    data TEXT NOT NULL,
    link TEXT NOT NULL,
    case_id INTEGER NOT NULL,
    created_us INTEGER NOT NULL,
    read_us INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX notice_account ON notice (account, id);

CREATE TABLE notice_delivery (
    id INTEGER PRIMARY KEY,
    notice INTEGER NOT NULL,
    account INTEGER NOT NULL,
    channel TEXT NOT NULL CHECK (channel IN ('email', 'sms', 'push')),
    state TEXT NOT NULL CHECK (state IN ('queued', 'sent', 'dead')),
    due_us INTEGER NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    sent_us INTEGER NOT NULL DEFAULT 0,
    proof TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX notice_delivery_due ON notice_delivery (due_us) WHERE state = 'queued';
CREATE INDEX notice_delivery_notice ON notice_delivery (notice);

CREATE TABLE notice_preference (
    account INTEGER PRIMARY KEY,
    data TEXT NOT NULL
) STRICT;

CREATE TABLE push_subscription (
    id INTEGER PRIMARY KEY,
    account INTEGER NOT NULL,
    endpoint TEXT NOT NULL UNIQUE,
    p256dh BLOB NOT NULL,
    auth BLOB NOT NULL,
    created_us INTEGER NOT NULL
) STRICT;
CREATE INDEX push_subscription_account ON push_subscription (account);

CREATE TABLE push_key (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    private_pem TEXT NOT NULL
) STRICT;
