-- Deployed process models: one row per process and version; a version never changes.
CREATE TABLE process(
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL,
  version INTEGER NOT NULL,
  name_vi TEXT NOT NULL,
  name_en TEXT NOT NULL,
  checksum TEXT NOT NULL,
  xml TEXT NOT NULL,
  deployed_us INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX process_key ON process(key, version);

-- Where one run stands: data is {"t":[tokens],"v":{variables},"n":counter}.
-- state: 0 running, 1 ended, 2 terminated, 3 cancelled.
CREATE TABLE instance(
  id INTEGER PRIMARY KEY,
  process_id INTEGER NOT NULL,
  case_type TEXT NOT NULL,
  case_id INTEGER NOT NULL,
  parent_id INTEGER NOT NULL,
  parent_token INTEGER NOT NULL,
  state INTEGER NOT NULL,
  started_us INTEGER NOT NULL,
  ended_us INTEGER NOT NULL,
  data TEXT NOT NULL
) STRICT;
CREATE INDEX instance_case ON instance(case_id) WHERE case_id <> 0;
CREATE INDEX instance_running ON instance(process_id) WHERE state = 0;

-- Work of people. state: 0 open, 1 claimed, 2 done, 3 cancelled. due_us 9223372036854775807: none.
-- held_us: the deadline that a stopped clock holds back, else 0.
CREATE TABLE task(
  id INTEGER PRIMARY KEY,
  instance_id INTEGER NOT NULL,
  token INTEGER NOT NULL,
  process_id INTEGER NOT NULL,
  process TEXT NOT NULL,
  key TEXT NOT NULL,
  case_type TEXT NOT NULL,
  case_id INTEGER NOT NULL,
  title TEXT NOT NULL,
  role TEXT NOT NULL,
  unit TEXT NOT NULL,
  claimed_by INTEGER NOT NULL,
  owner INTEGER NOT NULL,
  created_us INTEGER NOT NULL,
  due_us INTEGER NOT NULL,
  done_us INTEGER NOT NULL,
  done_by TEXT NOT NULL,
  state INTEGER NOT NULL,
  overdue INTEGER NOT NULL,
  calendar TEXT NOT NULL,
  held_us INTEGER NOT NULL
) STRICT;
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
  id INTEGER PRIMARY KEY,
  lane INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  state INTEGER NOT NULL,
  due_us INTEGER NOT NULL,
  instance_id INTEGER NOT NULL,
  token INTEGER NOT NULL,
  node TEXT NOT NULL,
  calendar TEXT NOT NULL,
  held_us INTEGER NOT NULL,
  times INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  lease INTEGER NOT NULL,
  payload TEXT NOT NULL,
  error TEXT NOT NULL
) STRICT;
CREATE INDEX job_due ON job(lane, due_us, id) WHERE state = 0;
CREATE INDEX job_instance ON job(instance_id);
CREATE INDEX job_dead ON job(id) WHERE state = 1;

CREATE TABLE message_wait(
  id INTEGER PRIMARY KEY,
  instance_id INTEGER NOT NULL,
  token INTEGER NOT NULL,
  node TEXT NOT NULL,
  name TEXT NOT NULL,
  case_id INTEGER NOT NULL,
  correlation TEXT NOT NULL
) STRICT;
CREATE INDEX message_wait_case ON message_wait(case_id, name) WHERE case_id <> 0;
CREATE INDEX message_wait_correlation ON message_wait(correlation, name) WHERE correlation <> '';
CREATE INDEX message_wait_instance ON message_wait(instance_id);

CREATE TABLE calendar(
  key TEXT NOT NULL PRIMARY KEY,
  data TEXT NOT NULL,
  changed_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Cases whose clock stands still.
CREATE TABLE clock(
  case_id INTEGER PRIMARY KEY,
  since_us INTEGER NOT NULL,
  calendar TEXT NOT NULL
) STRICT;
