-- SPDX-License-Identifier: Apache-2.0
-- Who asks: accounts, what they hold, and how they prove themselves.
CREATE TABLE account (
    id INTEGER PRIMARY KEY,
    username TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    folded TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('person', 'machine')),
    unit TEXT NOT NULL DEFAULT '',
    phone TEXT NOT NULL DEFAULT '',
    email TEXT NOT NULL DEFAULT '',
    lang TEXT NOT NULL DEFAULT 'vi',
    state TEXT NOT NULL CHECK (state IN ('active', 'locked')),
    password TEXT NOT NULL DEFAULT '',
    created_us INTEGER NOT NULL,
    changed_us INTEGER NOT NULL
) STRICT;
CREATE INDEX account_folded ON account (folded, id);

CREATE TABLE account_grant (
    id INTEGER PRIMARY KEY,
    account INTEGER NOT NULL,
    role TEXT NOT NULL,
    unit TEXT NOT NULL,
    start_us INTEGER NOT NULL,
    until_us INTEGER NOT NULL,
    given_by INTEGER NOT NULL,
    delegated INTEGER NOT NULL,
    reason TEXT NOT NULL
) STRICT;
CREATE INDEX account_grant_account ON account_grant (account);
CREATE INDEX account_grant_role ON account_grant (role, unit);
CREATE INDEX account_grant_given ON account_grant (given_by) WHERE delegated = 1;

CREATE TABLE session (
    token BLOB PRIMARY KEY,
    account INTEGER NOT NULL,
    created_us INTEGER NOT NULL,
    used_us INTEGER NOT NULL,
    expires_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX session_expires ON session (expires_us);

CREATE TABLE api_key (
    id INTEGER PRIMARY KEY,
    secret BLOB NOT NULL UNIQUE,
    account INTEGER NOT NULL,
    name TEXT NOT NULL,
    hint TEXT NOT NULL,
    created_us INTEGER NOT NULL,
    expires_us INTEGER NOT NULL
) STRICT;
CREATE INDEX api_key_account ON api_key (account);

CREATE TABLE role (
    role TEXT PRIMARY KEY,
    pack TEXT NOT NULL,
    texts TEXT NOT NULL
) STRICT, WITHOUT ROWID;
