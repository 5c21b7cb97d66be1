// SPDX-License-Identifier: Apache-2.0
// Two server processes on one PostgreSQL: each serves, and hears of everything once and in order.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { City, onPostgres, pothole, until } from '../support/city.mjs';

let one, two;

before(async () => {
  if (!onPostgres) return;
  one = await City.start();
  two = Object.assign(new City(), { dir: one.dir, env: one.env, set: [], store: one.store, accounts: one.accounts });
  await two.serve();
});
after(async () => {
  const code = await two?.stop();
  await one?.drop();
  if (onPostgres) assert.equal(code, 0);
});

/** The numbers of the events that a live stream gives. */
async function listen(city, person) {
  const stop = new AbortController();
  const reply = await fetch(`${city.url}/api/v1/events`, { headers: { accept: 'text/event-stream', ...person.headers }, signal: stop.signal });
  const heard = [];
  (async () => {
    let text = '';
    for await (const chunk of reply.body) {
      text += Buffer.from(chunk).toString();
      const lines = text.split('\n');
      text = lines.pop();
      for (const line of lines) if (line.startsWith('id: ')) heard.push(Number(line.slice(4)));
    }
  })().catch(() => {});
  return { heard, stop: () => stop.abort() };
}

describe('two processes on one database', { skip: !onPostgres && 'PostgreSQL only' }, () => {
  it('take reports at the same time, and both hear of each once and in order', async () => {
    const here = await one.as('officer');
    const there = await two.as('officer');
    const ears = [await listen(one, here), await listen(two, there)];
    const doors = Array.from({ length: 16 }, (_, i) => (i % 2 ? two : one)); // more than a batch can lose in turn
    const writers = await Promise.all(doors.map((c) => c.as('citizen')));
    const reports = (await Promise.all(writers.map(async (w) => {
      const made = [];
      for (let i = 0; i < 80; i++) made.push(await w.post('/api/v1/records/report', pothole()));
      return made;
    }))).flat();
    for (const r of reports) assert.equal(r.status, 201, r.text);
    assert.equal(new Set(reports.map((r) => r.json.id)).size, reports.length, 'no id twice');
    const numbers = reports.map((r) => Number(r.json.number.slice(-6))).sort((a, b) => a - b);
    assert.equal(numbers.at(-1) - numbers[0] + 1, reports.length, 'numbers without a gap');

    await until(() => ears.every((e) => e.heard.length));
    const log = [];
    const waiting = new Set(reports.map((r) => r.json.id));
    let from = Math.min(...ears.flatMap((e) => e.heard)) - 1;
    await until(async () => { // an event is sealed a moment after its commit
      const page = (await here.get(`/api/v1/events?limit=1000&after=${from}`)).json;
      for (const e of page.items) if (e.kind === 'task.create') waiting.delete(e.about);
      log.push(...page.items.map((e) => e.seq));
      from = log.at(-1);
      return waiting.size === 0;
    });
    for (const ear of ears) {
      await until(() => ear.heard.includes(from));
      assert.deepEqual(ear.heard.filter((seq) => seq <= from), log);
      ear.stop();
    }
  });

  it('let one of two have a task', async () => {
    const [officer, other] = [await one.as('officer'), await two.as('dispatcher')];
    for (let i = 0; i < 10; i++) {
      const report = (await officer.post('/api/v1/records/report', pothole())).json;
      const task = await officer.task(report.id, 'triage');
      const done = await Promise.all([officer, other].map((p) => p.complete(task, { decision: 'accept' })));
      assert.deepEqual(done.map((d) => d.status).sort(), [200, 409]);
    }
  });
});
