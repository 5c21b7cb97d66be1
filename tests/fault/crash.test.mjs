// SPDX-License-Identifier: Apache-2.0
// kill -9 under mixed load: no acknowledged write is lost, no case is left half done, what was sent with
// a key and got no reply can be sent again and is there once, the chain holds.
// KHUE_CRASH_ROUNDS sets how often (20; `make deep` takes 200).
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, it } from 'node:test';
import { City, pothole } from '../support/city.mjs';

const rounds = Number(process.env.KHUE_CRASH_ROUNDS ?? 20);
const clients = 8;
const rank = { new: 0, forwarded: 0, in_progress: 1, done: 2, closed: 3 };

let city;
const acknowledged = new Map(); // id -> the furthest status that a reply has confirmed
const sent = new Map(); // Idempotency-Key -> {report, id: null as long as no reply has come}

before(async () => { city = await City.make(); });
after(() => city?.drop());

/** File, take, finish, rate, over and over, until the server is gone. */
async function work(citizen, officer, stopped) {
  while (!stopped()) {
    try {
      const key = randomUUID(), one = { report: pothole({ description: `Ổ gà sâu, lần ${key}` }), id: null };
      sent.set(key, one);
      const filed = await citizen.post('/api/v1/records/report', one.report, { 'idempotency-key': key });
      if (filed.status !== 201) continue;
      one.id = filed.json.id;
      acknowledged.set(filed.json.id, 'new');
      for (const [key, answers, status] of [
        ['triage', { decision: 'accept' }, 'in_progress'],
        ['handle', { decision: 'done', answer: 'Đã xử lý xong.' }, 'done']]) {
        const task = await officer.task(filed.json.id, key);
        if (!task || Math.random() < 0.3) break;
        const reply = await officer.complete(task, answers);
        if (reply.status !== 200) break;
        acknowledged.set(filed.json.id, status);
      }
    } catch {
      // The server has been killed: what was on its way may or may not have happened.
      if (stopped()) return;
      await new Promise((done) => setTimeout(done, 5));
    }
  }
}

async function sendAgain(citizen) {
  for (const [key, one] of sent) {
    const reply = await citizen.post('/api/v1/records/report', one.report, { 'idempotency-key': key });
    assert.equal(reply.status, 201, reply.text);
    if (one.id) assert.equal(reply.json.id, one.id, 'the first reply again');
    one.id = reply.json.id;
  }
}

/** All reports of this round. */
async function reportsSince(dispatcher, since) {
  const list = [];
  for (let next = ''; ;) {
    const page = (await dispatcher.get(`/api/v1/records/report?limit=200${next && `&after=${next}`}`)).json;
    const fresh = page.items.filter((r) => r.meta.recorded_at >= since);
    list.push(...fresh);
    if (!page.next || fresh.length < page.items.length) return list;
    next = encodeURIComponent(page.next);
  }
}

async function check(dispatcher, since) {
  for (const [id, status] of acknowledged) {
    const reply = await dispatcher.get(`/api/v1/records/report/${id}`);
    assert.equal(reply.status, 200, `the acknowledged report ${id} is there`);
    assert.ok(rank[reply.json.status] >= rank[status], `${id} is at least ${status}, not ${reply.json.status}`);
  }
  // Whole cases only: each report of this round, acknowledged or not, waits for exactly one thing.
  const list = await reportsSince(dispatcher, since);
  for (const r of list) {
    const tasks = (await dispatcher.get(`/api/v1/tasks?case=${r.id}`)).json.items;
    const expected = { new: 'triage', in_progress: 'handle' }[r.status];
    if (expected) assert.deepEqual(tasks.map((t) => t.key), [expected], `the one task of ${r.id} (${r.status})`);
    assert.ok(r.number && r.unit, 'numbered and routed');
  }
  assert.equal(new Set(list.map((r) => r.number)).size, list.length, 'no number twice');
  const made = list.map((r) => r.description);
  for (const [key, one] of sent) assert.equal(made.filter((d) => d === one.report.description).length, 1, `${key} is there once`);
}

it(`survives kill -9 in ${rounds} rounds`, { timeout: rounds * 60_000 }, async () => {
  for (let round = 0; round < rounds; round++) {
    const since = new Date().toISOString();
    await city.serve();
    const citizen = await city.as('citizen'), officer = await city.as('officer');
    let stop = false;
    acknowledged.clear();
    sent.clear();
    const load = Array.from({ length: clients }, () => work(citizen, officer, () => stop));
    await new Promise((done) => setTimeout(done, 150 + Math.random() * 700));
    stop = true;
    await city.stop('SIGKILL');
    await Promise.all(load);
    await city.serve();
    await sendAgain(await city.as('citizen'));
    await check(await city.as('dispatcher'), since);
    await city.stop();
  }
  const verified = city.khue('audit', 'verify', '--data', city.dir);
  assert.equal(verified.status, 0, verified.stdout + verified.stderr);
});
