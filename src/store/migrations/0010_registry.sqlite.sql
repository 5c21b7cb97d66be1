-- What the city knows: declared types, and what their records were and will be. The records of now
-- stand in one table per type, rec_<type>, made when the type is loaded.
CREATE TABLE rtype(
  name TEXT PRIMARY KEY,
  version INTEGER NOT NULL,
  schema TEXT NOT NULL,
  layout TEXT NOT NULL,
  changed_us INTEGER NOT NULL
) STRICT;

-- Every schema that a type ever had: old content is read by the one it was checked against.
CREATE TABLE rtype_version(
  name TEXT NOT NULL,
  version INTEGER NOT NULL,
  schema TEXT NOT NULL,
  changed_us INTEGER NOT NULL,
  PRIMARY KEY (name, version)
) STRICT;

-- Pieces of records' lives that do not hold now: see store/registry/version_sql.h.
CREATE TABLE record_version(
  id INTEGER NOT NULL,
  seg INTEGER NOT NULL,
  type TEXT NOT NULL,
  rev INTEGER NOT NULL,
  by_rev INTEGER NOT NULL,
  dead_rev INTEGER NOT NULL,
  head INTEGER NOT NULL,
  pending INTEGER NOT NULL,
  sv INTEGER NOT NULL,
  valid_from INTEGER NOT NULL,
  valid_to INTEGER NOT NULL,
  was_to INTEGER NOT NULL,
  cut_us INTEGER NOT NULL,
  recorded_from INTEGER NOT NULL,
  recorded_to INTEGER NOT NULL,
  data TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX record_version_key ON record_version(id, seg);
CREATE INDEX record_version_due ON record_version(type, valid_from) WHERE pending = 1;

-- Gap-free numbers: the last one given out in each series.
CREATE TABLE record_serial(
  type TEXT NOT NULL,
  period TEXT NOT NULL,
  last INTEGER NOT NULL,
  PRIMARY KEY (type, period)
) STRICT;
