-- SPDX-License-Identifier: Apache-2.0
-- Instances that wait for a signal. In token of job, message_wait and signal_wait, -1 stands for the
-- instance itself. Further kinds of job: 3 signal for one that waits, 4 rest of a signal, 5 start of a
-- process (instance_id is then the process version).
CREATE TABLE signal_wait(
  id bigint PRIMARY KEY,
  instance_id bigint NOT NULL,
  token bigint NOT NULL,
  node text NOT NULL,
  name text NOT NULL
);
CREATE INDEX signal_wait_name ON signal_wait(name, id);
CREATE INDEX signal_wait_instance ON signal_wait(instance_id);

-- Running instances of a version, page by page: in the order of ids.
DROP INDEX instance_running;
CREATE INDEX instance_running ON instance(process_id, id) WHERE state = 0;
