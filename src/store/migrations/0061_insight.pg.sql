-- SPDX-License-Identifier: Apache-2.0
-- Figures that follow the event log: what is counted, and how far the counting has come.
CREATE TABLE indicator (
    key text COLLATE "C" PRIMARY KEY,
    pack text COLLATE "C" NOT NULL,
    definition text COLLATE "C" NOT NULL,
    seq BIGINT NOT NULL
);

CREATE TABLE tally (
    indicator text COLLATE "C" NOT NULL,
    cut text COLLATE "C" NOT NULL,
    cell text COLLATE "C" NOT NULL,
    measure text COLLATE "C" NOT NULL,
    n double precision NOT NULL,
    PRIMARY KEY (indicator, cut, cell, measure)
);
