-- SPDX-License-Identifier: Apache-2.0
-- Packs as they were loaded last, and the checksums of their files.
CREATE TABLE pack (
    id text PRIMARY KEY,
    version text NOT NULL,
    manifest text NOT NULL,
    loaded_us bigint NOT NULL,
    loaded_by text NOT NULL
);

CREATE TABLE pack_file (
    pack text NOT NULL,
    path text NOT NULL,
    sum bytea NOT NULL,
    loaded_us bigint NOT NULL,
    PRIMARY KEY (pack, path)
);
