-- SPDX-License-Identifier: Apache-2.0
-- Packs as they were loaded last, and the checksums of their files.
CREATE TABLE pack (
    id TEXT PRIMARY KEY,
    version TEXT NOT NULL,
    manifest TEXT NOT NULL,
    loaded_us INTEGER NOT NULL,
    loaded_by TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE pack_file (
    pack TEXT NOT NULL,
    path TEXT NOT NULL,
    sum BLOB NOT NULL,
    loaded_us INTEGER NOT NULL,
    PRIMARY KEY (pack, path)
) STRICT, WITHOUT ROWID;
