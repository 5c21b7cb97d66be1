-- Who looked at whose personal data, and what for. Rows are only ever added.
CREATE TABLE access_log(
  id bigint PRIMARY KEY,
  at_us bigint NOT NULL,
  owner bigint NOT NULL,
  reader bigint NOT NULL,
  actor text NOT NULL,
  name text NOT NULL,
  role text NOT NULL,
  unit text NOT NULL,
  type text NOT NULL,
  record bigint NOT NULL,
  fields text NOT NULL,
  purpose text NOT NULL
);
CREATE INDEX access_log_owner ON access_log(owner, id) WHERE owner > 0;
CREATE FUNCTION access_log_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is insert-only', TG_TABLE_NAME;
END
$$;
CREATE TRIGGER access_log_guard BEFORE UPDATE OR DELETE ON access_log
  FOR EACH ROW EXECUTE FUNCTION access_log_guard();
CREATE TRIGGER access_log_guard_all BEFORE TRUNCATE ON access_log
  FOR EACH STATEMENT EXECUTE FUNCTION access_log_guard();
