-- Deployed decision models: one row per model and version; a version never changes.
CREATE TABLE decision(
  id bigint PRIMARY KEY,
  pack text NOT NULL,
  key text NOT NULL,
  version bigint NOT NULL,
  name text NOT NULL,
  namespace text NOT NULL,
  checksum text NOT NULL,
  xml text NOT NULL,
  deployed_us bigint NOT NULL
);
CREATE UNIQUE INDEX decision_key ON decision(pack, key, version);
CREATE INDEX decision_namespace ON decision(namespace, id);
