-- Deployed decision models: one row per model and version; a version never changes.
CREATE TABLE decision(
  id INTEGER PRIMARY KEY,
  pack TEXT NOT NULL,
  key TEXT NOT NULL,
  version INTEGER NOT NULL,
  name TEXT NOT NULL,
  namespace TEXT NOT NULL,
  checksum TEXT NOT NULL,
  xml TEXT NOT NULL,
  deployed_us INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX decision_key ON decision(pack, key, version);
CREATE INDEX decision_namespace ON decision(namespace, id);
