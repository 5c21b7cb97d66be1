-- SPDX-License-Identifier: Apache-2.0
-- Files that are in blobs/, by the SHA-256 of their bytes, and the records that use them.
CREATE TABLE file (
    id TEXT PRIMARY KEY,
    media_type TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    created_us INTEGER NOT NULL,
    created_by INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX file_created ON file (created_us);

CREATE TABLE file_link (
    file TEXT NOT NULL,
    type TEXT NOT NULL,
    record INTEGER NOT NULL,
    PRIMARY KEY (file, type, record)
) STRICT, WITHOUT ROWID;
