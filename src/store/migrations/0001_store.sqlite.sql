-- The log of everything that changed, and its signed heads.
CREATE TABLE event(
  seq INTEGER PRIMARY KEY,
  at_us INTEGER NOT NULL,
  kind TEXT NOT NULL,
  type TEXT NOT NULL,
  subject INTEGER NOT NULL,
  about INTEGER NOT NULL,
  unit TEXT NOT NULL,
  owner INTEGER NOT NULL,
  level INTEGER NOT NULL,
  actor TEXT NOT NULL,
  reason TEXT NOT NULL,
  basis TEXT NOT NULL,
  before_hash BLOB,
  after_hash BLOB,
  salt BLOB,
  data TEXT,
  payload BLOB NOT NULL,
  chain BLOB NOT NULL
) STRICT;
-- What is of a record is about it, too, and stands in the second index.
CREATE INDEX event_subject ON event(subject) WHERE subject <> 0 AND subject <> about;
CREATE INDEX event_about ON event(about) WHERE about <> 0;

CREATE TRIGGER event_no_delete BEFORE DELETE ON event BEGIN
  SELECT RAISE(ABORT, 'event is insert-only');
END;
-- Lawful erasure empties salt and data; nothing else of an event ever changes.
CREATE TRIGGER event_no_update BEFORE UPDATE ON event
WHEN NEW.salt IS NOT NULL OR NEW.data IS NOT NULL
  OR OLD.seq <> NEW.seq OR OLD.at_us <> NEW.at_us OR OLD.kind <> NEW.kind OR OLD.type <> NEW.type
  OR OLD.subject <> NEW.subject OR OLD.about <> NEW.about OR OLD.unit <> NEW.unit
  OR OLD.owner <> NEW.owner OR OLD.level <> NEW.level OR OLD.actor <> NEW.actor
  OR OLD.reason <> NEW.reason OR OLD.basis <> NEW.basis
  OR OLD.before_hash IS NOT NEW.before_hash OR OLD.after_hash IS NOT NEW.after_hash
  OR OLD.payload <> NEW.payload OR OLD.chain <> NEW.chain
BEGIN
  SELECT RAISE(ABORT, 'event is insert-only');
END;

CREATE TABLE checkpoint(
  seq INTEGER NOT NULL,
  at_us INTEGER NOT NULL,
  what TEXT NOT NULL,
  chain BLOB NOT NULL,
  signer BLOB NOT NULL,
  signature BLOB NOT NULL,
  PRIMARY KEY (seq, at_us, signer)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER checkpoint_no_delete BEFORE DELETE ON checkpoint BEGIN
  SELECT RAISE(ABORT, 'checkpoint is insert-only');
END;
CREATE TRIGGER checkpoint_no_update BEFORE UPDATE ON checkpoint BEGIN
  SELECT RAISE(ABORT, 'checkpoint is insert-only');
END;
