-- SPDX-License-Identifier: Apache-2.0
-- Papers that are drawn from records: packs bring them.
CREATE TABLE print (
    key text PRIMARY KEY,
    pack text NOT NULL,
    type text NOT NULL,
    definition text NOT NULL
);
CREATE INDEX print_type ON print (type, key);
