-- SPDX-License-Identifier: Apache-2.0
-- Who asks: accounts, what they hold, and how they prove themselves.
CREATE TABLE account (
    id BIGINT PRIMARY KEY,
    username text COLLATE "C" NOT NULL UNIQUE,
    name text COLLATE "C" NOT NULL,
    folded text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL CHECK (kind IN ('person', 'machine')),
    unit text COLLATE "C" NOT NULL DEFAULT '',
    phone text COLLATE "C" NOT NULL DEFAULT '',
    email text COLLATE "C" NOT NULL DEFAULT '',
    lang text COLLATE "C" NOT NULL DEFAULT 'vi',
    state text COLLATE "C" NOT NULL CHECK (state IN ('active', 'locked')),
    password text COLLATE "C" NOT NULL DEFAULT '',
    created_us BIGINT NOT NULL,
    changed_us BIGINT NOT NULL
);
CREATE INDEX account_folded ON account (folded, id);

CREATE TABLE account_grant (
    id BIGINT PRIMARY KEY,
    account BIGINT NOT NULL,
    role text COLLATE "C" NOT NULL,
    unit text COLLATE "C" NOT NULL,
    start_us BIGINT NOT NULL,
    until_us BIGINT NOT NULL,
    given_by BIGINT NOT NULL,
    delegated BIGINT NOT NULL,
    reason text COLLATE "C" NOT NULL
);
CREATE INDEX account_grant_account ON account_grant (account);
CREATE INDEX account_grant_role ON account_grant (role, unit);
CREATE INDEX account_grant_given ON account_grant (given_by) WHERE delegated = 1;

CREATE TABLE session (
    token BYTEA PRIMARY KEY,
    account BIGINT NOT NULL,
    created_us BIGINT NOT NULL,
    used_us BIGINT NOT NULL,
    expires_us BIGINT NOT NULL
);
CREATE INDEX session_expires ON session (expires_us);

CREATE TABLE api_key (
    id BIGINT PRIMARY KEY,
    secret BYTEA NOT NULL UNIQUE,
    account BIGINT NOT NULL,
    name text COLLATE "C" NOT NULL,
    hint text COLLATE "C" NOT NULL,
    created_us BIGINT NOT NULL,
    expires_us BIGINT NOT NULL
);
CREATE INDEX api_key_account ON api_key (account);

CREATE TABLE role (
    role text COLLATE "C" PRIMARY KEY,
    pack text COLLATE "C" NOT NULL,
    texts text COLLATE "C" NOT NULL
);
