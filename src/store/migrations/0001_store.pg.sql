-- The log of everything that changed, and its signed heads.
CREATE TABLE event(
  seq bigint PRIMARY KEY,
  at_us bigint NOT NULL,
  kind text NOT NULL,
  type text NOT NULL,
  subject bigint NOT NULL,
  about bigint NOT NULL,
  unit text NOT NULL,
  owner bigint NOT NULL,
  level bigint NOT NULL,
  actor text NOT NULL,
  reason text NOT NULL,
  basis text NOT NULL,
  before_hash bytea,
  after_hash bytea,
  salt bytea,
  data text,
  payload bytea NOT NULL,
  chain bytea NOT NULL
);
-- What is of a record is about it, too, and stands in the second index.
CREATE INDEX event_subject ON event(subject, seq) WHERE subject <> 0 AND subject <> about;
CREATE INDEX event_about ON event(about, seq) WHERE about <> 0;

CREATE FUNCTION event_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- Lawful erasure empties salt and data; nothing else of an event ever changes.
  IF TG_OP = 'UPDATE' AND TG_TABLE_NAME = 'event' THEN
    IF NEW.salt IS NULL AND NEW.data IS NULL
      AND (OLD.seq, OLD.at_us, OLD.kind, OLD.type, OLD.subject, OLD.about, OLD.unit, OLD.owner,
           OLD.level, OLD.actor, OLD.reason, OLD.basis, OLD.before_hash, OLD.after_hash,
           OLD.payload, OLD.chain)
        IS NOT DISTINCT FROM
          (NEW.seq, NEW.at_us, NEW.kind, NEW.type, NEW.subject, NEW.about, NEW.unit, NEW.owner,
           NEW.level, NEW.actor, NEW.reason, NEW.basis, NEW.before_hash, NEW.after_hash,
           NEW.payload, NEW.chain) THEN
      RETURN NEW;
    END IF;
  END IF;
  RAISE EXCEPTION '% is insert-only', TG_TABLE_NAME;
END
$$;
CREATE TRIGGER event_guard BEFORE UPDATE OR DELETE ON event
  FOR EACH ROW EXECUTE FUNCTION event_guard();
CREATE TRIGGER event_guard_all BEFORE TRUNCATE ON event
  FOR EACH STATEMENT EXECUTE FUNCTION event_guard();

-- What was appended and is not sealed yet. The sealer takes out what it sees, so whatever was
-- committed before something else began is sealed before it: numbers are never looked for twice.
CREATE TABLE event_inbox(
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at_us bigint NOT NULL,
  kind text NOT NULL,
  type text NOT NULL,
  subject bigint NOT NULL,
  about bigint NOT NULL,
  unit text NOT NULL,
  owner bigint NOT NULL,
  level bigint NOT NULL,
  actor text NOT NULL,
  reason text NOT NULL,
  basis text NOT NULL,
  before_hash bytea,
  after_hash bytea,
  salt bytea NOT NULL,
  data text NOT NULL,
  payload bytea NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000);

CREATE TABLE checkpoint(
  seq bigint NOT NULL,
  at_us bigint NOT NULL,
  what text NOT NULL,
  chain bytea NOT NULL,
  signer bytea NOT NULL,
  signature bytea NOT NULL,
  PRIMARY KEY (seq, at_us, signer)
);
CREATE TRIGGER checkpoint_guard BEFORE UPDATE OR DELETE ON checkpoint
  FOR EACH ROW EXECUTE FUNCTION event_guard();
CREATE TRIGGER checkpoint_guard_all BEFORE TRUNCATE ON checkpoint
  FOR EACH STATEMENT EXECUTE FUNCTION event_guard();
