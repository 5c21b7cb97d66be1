-- SPDX-License-Identifier: Apache-2.0
-- Each channel has a courier of its own: what is due on one is found past what waits on another.
DROP INDEX notice_delivery_due;
CREATE INDEX notice_delivery_due ON notice_delivery (channel, due_us) WHERE state = 'queued';
