// SPDX-License-Identifier: Apache-2.0
// Pack residents as its users meet it: made-up people in the register, found in any spelling by whoever
// keeps it, each look on record for whom it concerns, and nothing for anybody else.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { City, until } from '../support/city.mjs';

const COUNT = 3000;
const ward = 'H26.00070';
const other = 'H26.00004';
const password = 'mật khẩu đủ dài để thử';
let city, people;

const list = (who, query) => people[who].get(`/api/v1/records/resident?${new URLSearchParams(query)}`);
const items = async (who, query) => {
  const reply = await list(who, query);
  assert.equal(reply.status, 200, reply.text);
  return reply.json.items;
};
const fullName = (r) => [r.family_name, r.middle_name, r.given_name].filter(Boolean).join(' ');
const plain = (s) => s.normalize('NFD').replace(/[\u0300-\u036f]/g, '').replace(/đ/g, 'd').replace(/Đ/g, 'D').toLowerCase();

function khue(...args) {
  const done = city.khue(...args);
  return { ...done, all: done.stdout + done.stderr };
}

async function account(name, role, unit) {
  const { run } = await import('../support/city.mjs');
  const store = city.store ? ['--store', city.store] : [];
  for (const args of [['add', '--data', city.dir, name, ...(unit ? ['--unit', unit] : [])],
    ...(role ? [['grant', '--data', city.dir, name, role, '--unit', unit, '--reason', 'test']] : [])]) {
    const done = run(['user', ...args, ...store], { env: city.env, input: `${password}\n` });
    assert.equal(done.status, 0, done.stdout + done.stderr);
  }
}

before(async () => {
  city = await City.make({ demo: false });
  const made = khue('demo', 'people', '--data', city.dir, '--count', String(COUNT), '--seed', '5');
  assert.equal(made.status, 0, made.all);
  assert.match(made.stdout, /^3000 people in \d+ households: 3000 new/);
  await account('citizen');
  await account('registrar', 'registrar', ward);
  await account('neighbour', 'registrar', other);
  await account('officer', 'officer', ward);
  await account('chief', 'registrar', 'H26');
  await city.serve();
  people = {};
  for (const name of ['citizen', 'registrar', 'neighbour', 'officer', 'chief']) {
    people[name] = await city.as();
    await people[name].signIn({ username: name, password });
  }
  people.public = await city.as();
});
after(() => city?.drop());

describe('khue demo people', () => {
  it('teaches how it is used', () => {
    const help = khue('demo', '--help');
    assert.equal(help.status, 0);
    assert.match(help.stdout, /khue demo people --data DIR --count N/);
    assert.match(help.stdout, /registrar/);
    for (const wrong of [['people'], ['people', '--count', '0'], ['people', '--count', 'x'], ['cats', '--count', '5']])
      assert.equal(khue('demo', ...wrong, '--data', city.dir).status, 2, wrong.join(' '));
  });

  it('puts everybody into the register once, in units that there are', async () => {
    const seen = new Map();
    let path = '/api/v1/records/resident?limit=1000';
    const units = new Set((await people.public.get('/api/v1/records/agency?kind=commune&limit=1000')).json.items.map((a) => a.code));
    assert.equal(units.size, 126);
    while (path) {
      const reply = await people.chief.get(path);
      for (const r of reply.json.items) {
        assert.ok(!seen.has(r.personal_number));
        assert.ok(units.has(r.unit));
        assert.equal(r.unit, `H26.${r.permanent_address.commune_code}`);
        seen.set(r.personal_number, r);
      }
      path = reply.json.next && `/api/v1/records/resident?limit=1000&after=${reply.json.next}`;
    }
    assert.equal(seen.size, COUNT);
  });

  it('goes on where it stopped, and leaves a register with other people alone', async () => {
    const small = await City.make({ demo: false });
    try {
      const demo = (count, seed) => small.khue('demo', 'people', '--data', small.dir, '--count', count, '--seed', seed);
      assert.equal(demo('200', '9').status, 0);
      const again = demo('200', '9');
      assert.equal(again.status, 0);
      assert.match(again.stdout, /going on/);
      assert.match(again.stdout, /: 0 new/);
      const mixed = demo('200', '10');
      assert.equal(mixed.status, 1);
      assert.match(mixed.stderr, /holds other people/);
      assert.equal(small.khue('audit', 'verify', '--data', small.dir).status, 0);
    } finally {
      await small.drop();
    }
  });
});

describe('a registrar', () => {
  it('finds a person by number and by name in any spelling', async () => {
    const [one] = await items('registrar', { limit: 1 });
    assert.equal(one.unit, ward);
    assert.deepEqual((await items('registrar', { personal_number: one.personal_number })).map((r) => r.id), [one.id]);
    const name = fullName(one);
    const spellings = [name, plain(name), name.toUpperCase(), name.normalize('NFD'),
      `${one.given_name} ${one.family_name}`, plain(one.given_name)];
    for (const q of spellings) {
      const found = await items('registrar', { q, birth_date: one.birth_date });
      assert.ok(found.some((r) => r.id === one.id), q);
    }
    const home = await items('registrar', { household: one.household });
    assert.ok(home.length >= 1 && home.every((r) => r.household === one.household));
    assert.equal(home.filter((r) => r.relation === 'head').length, 1);
  });

  it('sees a unit and nobody else', async () => {
    assert.ok((await items('registrar', { limit: 1000 })).every((r) => r.unit === ward));
    assert.ok((await items('registrar', { q: 'nguyen', limit: 1000 })).every((r) => r.unit === ward));
    const [abroad] = await items('neighbour', { limit: 1 });
    assert.equal((await people.registrar.get(`/api/v1/records/resident/${abroad.id}`)).status, 404);
    assert.deepEqual(await items('registrar', { personal_number: abroad.personal_number }), []);
    assert.equal((await people.registrar.patch(`/api/v1/records/resident/${abroad.id}`, { phone: '+84541234567' })).status, 404);
  });

  it('is told what a number says, and may give the reason why it does not', async () => {
    const good = { personal_number: '001085999999', family_name: 'Phạm', middle_name: 'Văn', given_name: 'Thử', birth_date: '1985-02-03', sex: 'male', birth_province: '001', unit: ward };
    const create = (more) => people.registrar.post('/api/v1/records/resident', { ...good, ...more });
    const issues = async (more) => {
      const reply = await create(more);
      assert.equal(reply.status, 422, reply.text);
      return reply.json.issues.map((i) => i.pointer);
    };
    assert.deepEqual(await issues({ sex: 'female' }), ['/personal_number']);
    assert.deepEqual(await issues({ birth_date: '1986-02-03' }), ['/personal_number']);
    assert.deepEqual(await issues({ birth_date: '2085-02-03' }), ['/personal_number']);
    assert.deepEqual(await issues({ birth_province: '034' }), ['/birth_province']);
    assert.deepEqual(await issues({ personal_number: '00108599999' }), ['/personal_number']);
    assert.deepEqual(await issues({ status: 'dead' }), ['/status_date']);
    const nowhere = await people.chief.post('/api/v1/records/resident', { ...good, unit: 'H26.99999' });
    assert.deepEqual(nowhere.json.issues.map((i) => i.pointer), ['/unit'], nowhere.text);
    assert.equal((await create({ sex: 'female', number_note: 'Đã cải chính giới tính' })).status, 201);
    assert.equal((await create({})).status, 409, 'the number is taken');
    assert.equal((await create({ personal_number: '001085999998', unit: other })).status, 403, 'not in another unit');
    assert.equal((await create({ personal_number: '001085999998', family_name: undefined, middle_name: undefined })).status, 201, 'a name may be one word');
  });
});

describe('a person', () => {
  it('sees the own record, and who looked at it', async () => {
    const [mine] = await items('registrar', { q: 'thu', birth_date: '1985-02-03', limit: 1 });
    const linked = await people.registrar.patch(`/api/v1/records/resident/${mine.id}`,
      { account: people.citizen.account.id, id_history: [{ kind: 'cmnd9', number: '012345678' }] });
    assert.equal(linked.status, 200, linked.text);
    assert.deepEqual((await items('citizen', { limit: 1000 })).map((r) => r.id), [mine.id]);
    assert.deepEqual((await items('citizen', { q: 'pham' })).map((r) => r.id).filter((id) => id !== mine.id), []);

    const before = (await people.citizen.get('/api/v1/me/accesses')).json.items.length;
    const look = await people.registrar.get(`/api/v1/records/resident/${mine.id}`, { 'x-purpose': 'xac-nhan-cu-tru' });
    assert.deepEqual(look.json.id_history, [{ kind: 'cmnd9', number: '012345678' }]);
    const told = (await people.citizen.get('/api/v1/me/accesses')).json.items;
    assert.ok(told.length > before, 'sensitive fields: written down before the reply');
    const last = told.find((a) => a.purpose === 'xac-nhan-cu-tru');
    assert.equal(last.role, 'registrar');
    assert.equal(last.record, mine.id);
    assert.ok(last.fields.includes('id_history') && last.fields.includes('birth_date'));

    const listed = await items('registrar', { personal_number: mine.personal_number });
    assert.equal(listed[0].id_history, undefined, 'lists do not show what is sensitive');
    assert.ok(listed[0].meta.masked.includes('id_history'));
    await until(async () => (await people.citizen.get('/api/v1/me/accesses')).json.items.length > told.length);

    const own = await people.citizen.get(`/api/v1/records/resident/${mine.id}`);
    assert.equal(own.status, 200);
    assert.ok(own.json.id_history, 'one sees all of the own record');
    assert.equal((await people.citizen.patch(`/api/v1/records/resident/${mine.id}`, { given_name: 'Khác' })).status, 403);
  });
});

describe('everybody else', () => {
  it('sees nothing', async () => {
    const one = (await items('registrar', { limit: 20 })).find((r) => r.household);
    for (const path of ['', `/${one.id}`, `/${one.id}/history`, '?q=nguyen', `?personal_number=${one.personal_number}`])
      for (const type of ['resident', 'household']) {
        const reply = await people.public.get(`/api/v1/records/${type}${path}`);
        assert.ok([400, 401, 404].includes(reply.status), `${type}${path}: ${reply.status}`);
        assert.doesNotMatch(reply.text, /Nguyễn|001085/);
      }
    assert.deepEqual(await items('officer', { limit: 10 }), [], 'an officer of other work has no business here');
    assert.deepEqual(await items('officer', { q: 'nguyen' }), []);
    assert.equal((await people.officer.get(`/api/v1/records/resident/${one.id}`)).status, 404);
    assert.equal((await people.citizen.get(`/api/v1/records/resident/${one.id}`)).status, 404);
    const events = await people.public.get('/api/v1/events?after=0');
    assert.doesNotMatch(events.text, /"type":"resident"/);
  });
});
