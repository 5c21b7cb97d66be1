-- Who looked at whose personal data, and what for. Rows are only ever added.
CREATE TABLE access_log(
  id INTEGER PRIMARY KEY,
  at_us INTEGER NOT NULL,
  owner INTEGER NOT NULL,
  reader INTEGER NOT NULL,
  actor TEXT NOT NULL,
  name TEXT NOT NULL,
  role TEXT NOT NULL,
  unit TEXT NOT NULL,
  type TEXT NOT NULL,
  record INTEGER NOT NULL,
  fields TEXT NOT NULL,
  purpose TEXT NOT NULL
) STRICT;
CREATE INDEX access_log_owner ON access_log(owner, id) WHERE owner > 0;
CREATE TRIGGER access_log_no_delete BEFORE DELETE ON access_log BEGIN
  SELECT RAISE(ABORT, 'access_log is insert-only');
END;
CREATE TRIGGER access_log_no_update BEFORE UPDATE ON access_log BEGIN
  SELECT RAISE(ABORT, 'access_log is insert-only');
END;
