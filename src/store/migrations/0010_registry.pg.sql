-- What the city knows: declared types, and what their records were and will be. The records of now
-- stand in one table per type, rec_<type>, made when the type is loaded.
CREATE TABLE rtype(
  name text PRIMARY KEY,
  version bigint NOT NULL,
  schema text NOT NULL,
  layout text NOT NULL,
  changed_us bigint NOT NULL
);

-- Every schema that a type ever had: old content is read by the one it was checked against.
CREATE TABLE rtype_version(
  name text NOT NULL,
  version bigint NOT NULL,
  schema text NOT NULL,
  changed_us bigint NOT NULL,
  PRIMARY KEY (name, version)
);

-- Pieces of records' lives that do not hold now: see store/registry/version_sql.h.
CREATE TABLE record_version(
  id bigint NOT NULL,
  seg bigint NOT NULL,
  type text NOT NULL,
  rev bigint NOT NULL,
  by_rev bigint NOT NULL,
  dead_rev bigint NOT NULL,
  head bigint NOT NULL,
  pending bigint NOT NULL,
  sv bigint NOT NULL,
  valid_from bigint NOT NULL,
  valid_to bigint NOT NULL,
  was_to bigint NOT NULL,
  cut_us bigint NOT NULL,
  recorded_from bigint NOT NULL,
  recorded_to bigint NOT NULL,
  data text NOT NULL
);
CREATE UNIQUE INDEX record_version_key ON record_version(id, seg);
CREATE INDEX record_version_due ON record_version(type, valid_from) WHERE pending = 1;

-- Gap-free numbers: the last one given out in each series.
CREATE TABLE record_serial(
  type text NOT NULL,
  period text NOT NULL,
  last bigint NOT NULL,
  PRIMARY KEY (type, period)
);
