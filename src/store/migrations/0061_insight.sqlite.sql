-- SPDX-License-Identifier: Apache-2.0
-- Figures that follow the event log: what is counted, and how far the counting has come.
CREATE TABLE indicator (
    key TEXT PRIMARY KEY,
    pack TEXT NOT NULL,
    definition TEXT NOT NULL,
    seq INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE tally (
    indicator TEXT NOT NULL,
    cut TEXT NOT NULL,
    cell TEXT NOT NULL,
    measure TEXT NOT NULL,
    n REAL NOT NULL,
    PRIMARY KEY (indicator, cut, cell, measure)
) STRICT, WITHOUT ROWID;
