// SPDX-License-Identifier: Apache-2.0
// Pack feedback as its users meet it: who gets a report, by when, who is reminded, told, and when a
// case closes by itself. The server's clock stands still (KHUE_CLOCK_US); a restart at a later
// instant lets time pass. The days are in September and October 2026 and no holidays; Hanoi is UTC+7.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { City, pothole, run, until } from '../support/city.mjs';

const staff = { officer: 'H26.00070', dispatcher: 'H26', leader: 'H26' };
const password = 'mật khẩu đủ dài để thử';
let city, people;

const day = (date, time) => `2026-${date}T${time}:00+07:00`;
const us = (instant) => String(Date.parse(instant) * 1000);

function account(name, role, unit) {
  const store = city.store ? ['--store', city.store] : [];
  const khue = (...args) => {
    const done = run(['user', ...args, ...store], { env: city.env, input: `${password}\n` });
    assert.equal(done.status, 0, done.stdout + done.stderr);
  };
  khue('add', '--data', city.dir, name, ...(unit ? ['--unit', unit] : []));
  if (role) khue('grant', '--data', city.dir, name, role, '--unit', unit, '--reason', 'test');
}

/** Serve as if it were then, and sign everybody in again. */
async function at(instant) {
  if (city.child) assert.equal(await city.stop(), 0, city.log.slice(-4000));
  city.env.KHUE_CLOCK_US = us(instant);
  await city.serve();
  people = {};
  for (const role of ['citizen', ...Object.keys(staff)]) {
    people[role] = await city.as();
    await people[role].signIn({ username: role, password });
  }
}

const same = (a, b, why) => assert.equal(new Date(a).toISOString(), new Date(b).toISOString(), why);
const read = async (id) => (await people.dispatcher.get(`/api/v1/records/report/${id}`)).json;
const notices = async (who, report) =>
  (await people[who].get('/api/v1/me/notices')).json.items.map((n) => n.title).filter((t) => t.includes(report.number));

async function file(more = {}) {
  const reply = await people.citizen.post('/api/v1/records/report', pothole(more));
  assert.equal(reply.status, 201, reply.text);
  return read(reply.json.id);
}

async function complete(who, id, key, answers) {
  const task = await people[who].task(id, key);
  assert.ok(task, `${key} waits for the ${who}`);
  const reply = await people[who].complete(task, answers);
  assert.equal(reply.status, 200, reply.text);
  return task;
}

before(async () => {
  city = await City.make({ demo: false, env: { KHUE_CLOCK_US: us(day('09-14', '08:00')) } });
  let minute = 10; // each command at an instant of its own, as ids grow with time
  for (const [name, unit] of Object.entries({ citizen: undefined, ...staff })) {
    city.env.KHUE_CLOCK_US = us(day('09-14', `08:${minute++}`));
    account(name, unit && name, unit);
  }
  await at(day('09-14', '09:00')); // a Monday
});
after(() => city?.drop());

describe('routing', () => {
  for (const [category, level] of Object.entries({ electric_hazard: 'urgent', manhole: 'urgent', tree: 'urgent',
    flooding: 'complex', sidewalk: 'complex', pothole: 'normal', garbage: 'normal' }))
    it(`takes ${category} as ${level}`, async () => assert.equal((await file({ category })).class, level));

  it('goes to the ward of the place, and just outside every ward to the city', async () => {
    const inside = await file();
    assert.deepEqual([inside.commune, inside.unit], ['00070', 'H26.00070']);
    const outside = await file({ location: { lon: 106.025, lat: 21.03 } }); // one kilometre beyond the border
    assert.ok(!outside.commune);
    assert.equal(outside.unit, 'H26');
    assert.equal(await people.officer.task(outside.id), undefined, 'no ward sees it');
  });

  it('is refused from a place that the city does not serve', async () => {
    for (const location of [{ lon: 106.045, lat: 21.03 }, { lon: 107.5, lat: 20.2 }, { lon: -74, lat: 40.7 }]) {
      const reply = await people.citizen.post('/api/v1/records/report', pothole({ location }));
      assert.equal(reply.status, 422, reply.text);
      assert.equal(reply.json.code, 'RECORD_INVALID');
      assert.deepEqual(reply.json.issues.map((i) => [i.pointer, i.code]), [['/location', 'outside']]);
      assert.match(reply.json.issues[0].message, /ngoài địa bàn/);
    }
  });

  for (const [category, due] of [['electric_hazard', day('09-14', '14:00')], ['pothole', day('09-21', '09:00')],
    ['flooding', day('10-05', '09:00')]])
    it(`gives ${category} its working time from acceptance`, async () => {
      const { id } = await file({ category });
      const triage = await complete('officer', id, 'triage', { decision: 'accept' });
      same(triage.due_at, day('09-15', '09:00'), 'eight working hours to take it');
      same((await read(id)).due_at, due);
      same((await people.officer.task(id, 'handle')).due_at, due);
    });

  it('lets the officer set another class', async () => {
    const { id } = await file();
    await complete('officer', id, 'triage', { decision: 'accept', class: 'urgent' });
    const report = await read(id);
    assert.equal(report.class, 'urgent');
    same(report.due_at, day('09-14', '14:00'));
  });
});

describe('time', () => {
  let waiting, working, done, rated;

  before(async () => {
    waiting = await file();
    working = await file({ category: 'electric_hazard' });
    await complete('officer', working.id, 'triage', { decision: 'accept' });
    done = await file();
    rated = await file();
    for (const r of [done, rated]) {
      await complete('officer', r.id, 'triage', { decision: 'accept' });
      await complete('officer', r.id, 'handle', { decision: 'done', answer: 'Đã vá xong mặt đường.' });
    }
    await complete('citizen', rated.id, 'rate', { stars: 2, comment: 'Vẫn còn lún.', reopen: true });
  });

  it('tells the citizen each step', async () => {
    const titles = await notices('citizen', done);
    for (const step of [/^Đã nhận/, /đang được xử lý/, /đã xử lý/]) assert.ok(titles.some((t) => step.test(t)), `${step}: ${titles}`);
  });

  it('opens a case again for the unit when the citizen is not content', async () => {
    assert.equal((await read(rated.id)).status, 'reopened');
    assert.ok(await people.officer.task(rated.id, 'triage'), 'it waits to be taken again');
    assert.ok((await notices('officer', rated)).some((t) => /mở lại/.test(t)));
  });

  it('reminds the officer two working hours before, not sooner', async () => {
    await at(day('09-14', '10:59'));
    await new Promise((later) => setTimeout(later, 500));
    assert.deepEqual(await notices('officer', working), []);
    await at(day('09-14', '11:01')); // due at 14:00, and noon to one is no working time
    await until(async () => (await notices('officer', working)).length > 0);
    assert.match((await notices('officer', working)).join(), /^Sắp đến hạn[^,]*$/);
    assert.ok(!(await read(working.id)).overdue);
    assert.deepEqual(await notices('officer', waiting), [], 'the other has time until tomorrow');
  });

  it('tells the leader when it is overdue, once', async () => {
    await at(day('09-14', '14:01'));
    await until(async () => (await notices('leader', working)).length > 0);
    assert.equal((await read(working.id)).overdue, true);
    await at(day('09-14', '16:00'));
    assert.match((await notices('leader', working)).join(), /^Quá hạn[^,]*$/);
    assert.deepEqual(await notices('leader', waiting), []);
  });

  it('does the same for a report that nobody takes', async () => {
    await at(day('09-15', '09:01'));
    await until(async () => (await notices('leader', waiting)).length > 0);
    assert.ok((await notices('officer', waiting)).some((t) => /Sắp đến hạn/.test(t)), 'the officer had been reminded');
    const report = await read(waiting.id);
    assert.deepEqual([report.status, report.overdue], ['new', true]);
  });

  it('notes work that is done too late', async () => {
    await complete('officer', working.id, 'handle', { decision: 'done', answer: 'Đã che chắn dây điện.' });
    const report = await read(working.id);
    assert.deepEqual([report.status, report.on_time, report.overdue], ['done', false, false]);
  });

  it('closes what nobody rates after seven days, not sooner', async () => {
    await at(day('09-21', '08:59'));
    await new Promise((later) => setTimeout(later, 500));
    assert.equal((await read(done.id)).status, 'done');
    assert.ok(await people.citizen.task(done.id, 'rate'));
    await at(day('09-21', '09:01'));
    await until(async () => (await read(done.id)).status === 'closed');
    const report = await read(done.id);
    assert.deepEqual([report.stars, report.on_time], [undefined, true]);
    assert.equal(await people.citizen.task(done.id), undefined, 'nothing is left to do');
  });

  it('leaves a chain that verifies', () => {
    const verified = city.khue('audit', 'verify', '--data', city.dir);
    assert.equal(verified.status, 0, verified.stdout + verified.stderr);
  });
});
