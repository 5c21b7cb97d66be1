-- SPDX-License-Identifier: Apache-2.0
-- Papers that are drawn from records: packs bring them.
CREATE TABLE print (
    key TEXT PRIMARY KEY,
    pack TEXT NOT NULL,
    type TEXT NOT NULL,
    definition TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX print_type ON print (type, key);
