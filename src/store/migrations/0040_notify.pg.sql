-- SPDX-License-Identifier: Apache-2.0
-- How the city answers: what was said to whom, and the proof that it arrived.
CREATE TABLE notice_template (
    key text COLLATE "C" PRIMARY KEY,
    pack text COLLATE "C" NOT NULL,
    texts text COLLATE "C" NOT NULL
);

CREATE TABLE notice (
    id BIGINT PRIMARY KEY,
    account BIGINT NOT NULL,
    template text COLLATE "C" NOT NULL,
    data text COLLATE "C" NOT NULL,
    link text COLLATE "C" NOT NULL,
    case_id BIGINT NOT NULL,
    created_us BIGINT NOT NULL,
    read_us BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX notice_account ON notice (account, id);

CREATE TABLE notice_delivery (
    id BIGINT PRIMARY KEY,
    notice BIGINT NOT NULL,
    account BIGINT NOT NULL,
    channel text COLLATE "C" NOT NULL CHECK (channel IN ('email', 'sms', 'push')),
    state text COLLATE "C" NOT NULL CHECK (state IN ('queued', 'sent', 'dead')),
    due_us BIGINT NOT NULL,
    tries BIGINT NOT NULL DEFAULT 0,
    sent_us BIGINT NOT NULL DEFAULT 0,
    proof text COLLATE "C" NOT NULL DEFAULT ''
);
CREATE INDEX notice_delivery_due ON notice_delivery (due_us) WHERE state = 'queued';
CREATE INDEX notice_delivery_notice ON notice_delivery (notice);

CREATE TABLE notice_preference (
    account BIGINT PRIMARY KEY,
    data text COLLATE "C" NOT NULL
);

CREATE TABLE push_subscription (
    id BIGINT PRIMARY KEY,
    account BIGINT NOT NULL,
    endpoint text COLLATE "C" NOT NULL UNIQUE,
    p256dh BYTEA NOT NULL,
    auth BYTEA NOT NULL,
    created_us BIGINT NOT NULL
);
CREATE INDEX push_subscription_account ON push_subscription (account);

CREATE TABLE push_key (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    private_pem text COLLATE "C" NOT NULL
);
