-- Deployed process models: one row per process and version; a version never changes.
CREATE TABLE process(
  id bigint PRIMARY KEY,
  key text NOT NULL,
  version bigint NOT NULL,
  name_vi text NOT NULL,
  name_en text NOT NULL,
  checksum text NOT NULL,
  xml text NOT NULL,
  deployed_us bigint NOT NULL
);
CREATE UNIQUE INDEX process_key ON process(key, version);

-- Where one run stands: data is {"t":[tokens],"v":{variables},"n":counter}.
-- state: 0 running, 1 ended, 2 terminated, 3 cancelled.
CREATE TABLE instance(
  id bigint PRIMARY KEY,
  process_id bigint NOT NULL,
  case_type text NOT NULL,
  case_id bigint NOT NULL,
  parent_id bigint NOT NULL,
  parent_token bigint NOT NULL,
  state bigint NOT NULL,
  started_us bigint NOT NULL,
  ended_us bigint NOT NULL,
  data text NOT NULL
);
CREATE INDEX instance_case ON instance(case_id) WHERE case_id <> 0;
CREATE INDEX instance_running ON instance(process_id) WHERE state = 0;

-- Work of people. state: 0 open, 1 claimed, 2 done, 3 cancelled. due_us 9223372036854775807: none.
-- held_us: the deadline that a stopped clock holds back, else 0.
CREATE TABLE task(
  id bigint PRIMARY KEY,
  instance_id bigint NOT NULL,
  token bigint NOT NULL,
  process_id bigint NOT NULL,
  process text NOT NULL,
  key text NOT NULL,
  case_type text NOT NULL,
  case_id bigint NOT NULL,
  title text NOT NULL,
  role text COLLATE "C" NOT NULL,
  unit text COLLATE "C" NOT NULL,
  claimed_by bigint NOT NULL,
  owner bigint NOT NULL,
  created_us bigint NOT NULL,
  due_us bigint NOT NULL,
  done_us bigint NOT NULL,
  done_by text NOT NULL,
  state bigint NOT NULL,
  overdue bigint NOT NULL,
  calendar text NOT NULL,
  held_us bigint NOT NULL
);
CREATE INDEX task_case ON task(case_id) WHERE case_id <> 0;
-- The inbox of a unit (narrow) and of a whole city (wide).
CREATE INDEX task_unit ON task(role, unit, due_us, id) WHERE state < 2;
CREATE INDEX task_role ON task(role, due_us, id) WHERE state < 2;
CREATE INDEX task_closed ON task(role, unit, due_us, id) WHERE state >= 2 AND role <> '';
CREATE INDEX task_claimed ON task(claimed_by, state, due_us, id) WHERE claimed_by <> 0;
CREATE INDEX task_owner ON task(owner, state, due_us, id) WHERE owner <> 0;
-- What will become overdue next.
CREATE INDEX task_overdue ON task(due_us)
  WHERE state < 2 AND overdue = 0 AND due_us < 9223372036854775807;

-- Timers and outbound calls. lane: 0 timers, 1 outbound HTTP. kind: 0 catch timer, 1 boundary timer,
-- 2 HTTP. state: 0 waiting, 1 dead. A lease is a due_us in the future and the number of its holder.
CREATE TABLE job(
  id bigint PRIMARY KEY,
  lane bigint NOT NULL,
  kind bigint NOT NULL,
  state bigint NOT NULL,
  due_us bigint NOT NULL,
  instance_id bigint NOT NULL,
  token bigint NOT NULL,
  node text NOT NULL,
  calendar text NOT NULL,
  held_us bigint NOT NULL,
  times bigint NOT NULL,
  attempts bigint NOT NULL,
  lease bigint NOT NULL,
  payload text NOT NULL,
  error text NOT NULL
);
CREATE INDEX job_due ON job(lane, due_us, id) WHERE state = 0;
CREATE INDEX job_instance ON job(instance_id);
CREATE INDEX job_dead ON job(id) WHERE state = 1;

CREATE TABLE message_wait(
  id bigint PRIMARY KEY,
  instance_id bigint NOT NULL,
  token bigint NOT NULL,
  node text NOT NULL,
  name text NOT NULL,
  case_id bigint NOT NULL,
  correlation text NOT NULL
);
CREATE INDEX message_wait_case ON message_wait(case_id, name) WHERE case_id <> 0;
CREATE INDEX message_wait_correlation ON message_wait(correlation, name) WHERE correlation <> '';
CREATE INDEX message_wait_instance ON message_wait(instance_id);

CREATE TABLE calendar(
  key text NOT NULL PRIMARY KEY,
  data text NOT NULL,
  changed_us bigint NOT NULL
);

-- Cases whose clock stands still.
CREATE TABLE clock(
  case_id bigint PRIMARY KEY,
  since_us bigint NOT NULL,
  calendar text NOT NULL
);
