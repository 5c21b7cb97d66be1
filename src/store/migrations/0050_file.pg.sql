-- SPDX-License-Identifier: Apache-2.0
-- Files that are in blobs/, by the SHA-256 of their bytes, and the records that use them.
CREATE TABLE file (
    id text PRIMARY KEY,
    media_type text NOT NULL,
    bytes bigint NOT NULL,
    width bigint NOT NULL,
    height bigint NOT NULL,
    created_us bigint NOT NULL,
    created_by bigint NOT NULL
);
CREATE INDEX file_created ON file (created_us);

CREATE TABLE file_link (
    file text NOT NULL,
    type text NOT NULL,
    record bigint NOT NULL,
    PRIMARY KEY (file, type, record)
);
