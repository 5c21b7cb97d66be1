// SPDX-License-Identifier: Apache-2.0
// The main job: a report goes in at one end and comes out at the other as finished work.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { City, pothole, until } from '../support/city.mjs';

let city, citizen, officer, dispatcher, leader, nobody;

before(async () => {
  city = await City.start();
  [citizen, officer, dispatcher, leader, nobody] = await Promise.all(
    ['citizen', 'officer', 'dispatcher', 'leader', undefined].map((role) => city.as(role)));
});
after(() => city?.drop());

async function file(person = citizen, more = {}) {
  const reply = await person.post('/api/v1/records/report', pothole(more));
  assert.equal(reply.status, 201, reply.text);
  return reply.json;
}

describe('a report', () => {
  it('goes from the phone to done, with every step in sight', async () => {
    const report = await file();
    assert.match(report.number, /^PA-\d{4}-\d{6}$/);
    assert.equal(report.meta.type, 'report');

    const seen = (await officer.get(`/api/v1/records/report/${report.id}`)).json;
    assert.equal(seen.status, 'new');
    assert.equal(seen.commune, '00070', 'the ward is found by geometry');
    assert.equal(seen.unit, 'H26.00070');
    assert.equal(seen.class, 'normal');

    const triage = await officer.task(report.id, 'triage');
    assert.ok(triage?.due_at, 'there are eight working hours to take it');
    assert.equal((await officer.complete(triage, { decision: 'accept' })).status, 200);
    assert.equal((await citizen.get(`/api/v1/records/report/${report.id}`)).json.status, 'in_progress');

    const handle = await officer.task(report.id, 'handle');
    const done = await officer.complete(handle, { decision: 'done', answer: 'Đã vá mặt đường.' });
    assert.equal(done.status, 200, done.text);

    const rate = await citizen.task(report.id, 'rate');
    assert.ok(rate, 'the citizen is asked');
    assert.equal((await citizen.complete(rate, { stars: 5, comment: 'Nhanh quá!' })).status, 200);

    const closed = (await citizen.get(`/api/v1/records/report/${report.id}`)).json;
    assert.equal(closed.status, 'closed');
    assert.equal(closed.stars, 5);
    assert.equal(closed.on_time, true);
    assert.equal(closed.answer, 'Đã vá mặt đường.');
    assert.equal(await citizen.task(report.id), undefined, 'nothing is left to do');

    await until(async () => { // the log is numbered a moment after the reply
      const told = (await citizen.get(`/api/v1/records/report/${report.id}/timeline`)).json.items.map((e) => e.kind);
      return ['record.create', 'task.create', 'task.complete', 'record.update'].every((kind) => told.includes(kind));
    });
  });

  it('tells everybody the unit that worked on it, and the officer by name to the unit alone', async () => {
    const report = await file();
    await officer.complete(await officer.task(report.id, 'triage'), { decision: 'accept' });
    const taken = async (person) => (await until(async () => (await person.get(`/api/v1/records/report/${report.id}/timeline`)).json.items.find((e) => e.data?.changed?.status === 'in_progress'))).who;
    const unit = { kind: 'staff', unit: 'H26.00070', unit_name: 'Ủy ban nhân dân phường Hoàn Kiếm' };
    assert.deepEqual(await taken(citizen), unit);
    assert.deepEqual(await taken(nobody), unit);
    assert.deepEqual(await taken(officer), { ...unit, name: officer.account.name });
    const first = async (person) => (await person.get(`/api/v1/records/report/${report.id}/timeline`)).json.items[0].who;
    assert.deepEqual(await first(nobody), { kind: 'reporter' }, 'a citizen is named to nobody outside');
    assert.deepEqual(await first(citizen), { kind: 'reporter', name: citizen.account.name });
  });

  it('is refused only with a reason, which the citizen reads', async () => {
    const report = await file();
    const triage = await officer.task(report.id, 'triage');
    const bare = await officer.complete(triage, { decision: 'refuse' });
    assert.equal(bare.status, 422);
    assert.equal(bare.json.code, 'TASK_INVALID');
    assert.ok(bare.json.issues.some((i) => i.pointer.includes('reason')), bare.text);
    assert.equal((await officer.complete(triage, { decision: 'refuse', reason: 'Đã có phản ánh khác về việc này.' })).status, 200);
    const after = (await citizen.get(`/api/v1/records/report/${report.id}`)).json;
    assert.equal(after.status, 'refused');
    assert.match(after.refusal_reason, /phản ánh khác/);
    const notices = (await citizen.get('/api/v1/me/notices')).json.items;
    assert.ok(notices.some((n) => n.title.includes(report.number) && n.body.includes('phản ánh khác')));
  });

  it('is forwarded to another unit, and leaves the sight of the first', async () => {
    const report = await file();
    const triage = await officer.task(report.id, 'triage');
    assert.equal((await officer.complete(triage, { decision: 'forward', to_unit: 'H26.00004', reason: 'Thuộc phường khác.' })).status, 200);
    assert.equal(await officer.task(report.id), undefined);
    assert.equal((await dispatcher.task(report.id, 'triage')).unit, 'H26.00004');
  });

  it('is not forwarded to a unit that does not exist: it would be nobody\'s', async () => {
    const report = await file();
    for (const [key, before] of [['triage', { decision: 'accept' }], ['handle', undefined]]) {
      const task = await officer.task(report.id, key);
      const lost = await officer.complete(task, { decision: 'forward', to_unit: 'H26.99999', reason: 'Thuộc phường khác.' });
      assert.equal(lost.status, 422, lost.text);
      assert.deepEqual(lost.json.issues.map((i) => [i.pointer, i.code]), [['/to_unit', 'ref']]);
      if (before) assert.equal((await officer.complete(task, before)).status, 200);
    }
    assert.equal((await officer.get(`/api/v1/records/report/${report.id}`)).json.unit, 'H26.00070');
  });

  it('asks for a decision, and only for what the decision needs', async () => {
    const task = await officer.task((await file()).id, 'triage');
    const wrong = await officer.complete(task, {});
    assert.deepEqual(wrong.json.issues.map((i) => [i.pointer, i.code]), [['/decision', 'required']]);
  });

  it('is rated by its reporter, not by an official in their name', async () => {
    const report = await file();
    await officer.complete(await officer.task(report.id, 'triage'), { decision: 'accept' });
    await officer.complete(await officer.task(report.id, 'handle'), { decision: 'done', answer: 'Đã xử lý xong.' });
    const rate = await dispatcher.task(report.id, 'rate');
    assert.equal(rate.may, false, 'the dispatcher watches');
    assert.equal((await dispatcher.complete(rate, { stars: 5 })).status, 403);
    assert.equal((await citizen.complete(rate, { stars: 2 })).status, 200);

    const unknown = await file(nobody);
    await officer.complete(await officer.task(unknown.id, 'triage'), { decision: 'accept' });
    await officer.complete(await officer.task(unknown.id, 'handle'), { decision: 'done', answer: 'Đã xử lý xong.' });
    const asked = await dispatcher.task(unknown.id, 'rate');
    assert.equal((await dispatcher.complete(asked, { stars: 4, comment: 'Hỏi qua điện thoại.' })).status, 200, 'nobody else could');
  });

  it('may be short', async () => {
    const made = await citizen.post('/api/v1/records/report', pothole({ description: 'Ổ gà' }));
    assert.equal(made.status, 201, made.text);
  });

  it('can be opened again by who is not satisfied', async () => {
    const report = await file();
    await officer.complete(await officer.task(report.id, 'triage'), { decision: 'accept' });
    await officer.complete(await officer.task(report.id, 'handle'), { decision: 'done', answer: 'Đã xử lý xong.' });
    const reply = await citizen.complete(await citizen.task(report.id, 'rate'), { stars: 1, comment: 'Vẫn còn ổ gà.', reopen: true });
    assert.equal(reply.status, 200, reply.text);
    assert.equal((await citizen.get(`/api/v1/records/report/${report.id}`)).json.status, 'reopened');
    assert.ok(await officer.task(report.id, 'triage'));
  });

  it('may be sent by anybody, who is then known to nobody', async () => {
    const report = await file(nobody);
    const seen = (await nobody.get(`/api/v1/records/report/${report.id}`)).json;
    assert.equal(seen.number, report.number);
    assert.equal(seen.reporter, undefined);
  });

  it('hides from the public who reported it, and shows it to the officer in charge with a trace', async () => {
    const report = await file(citizen, { contact_phone: '0912345678', contact_name: 'Trần Thị Mai' });
    const open = (await nobody.get(`/api/v1/records/report/${report.id}`)).json;
    assert.equal(open.contact_phone, undefined);
    assert.ok(open.meta.masked.includes('contact_phone'));
    const full = (await officer.get(`/api/v1/records/report/${report.id}`, { 'x-purpose': 'xac minh' })).json;
    assert.equal(full.contact_phone, '0912345678');
    const trace = await until(async () => (await citizen.get('/api/v1/me/accesses')).json.items?.find((a) => a.record === report.id));
    assert.equal(trace.by, officer.account.name);
  });
});

describe('the further questions of a category', () => {
  const wrong = async (attributes) => {
    const reply = await nobody.post('/api/v1/records/report', pothole({ attributes }), { 'accept-language': 'en' });
    assert.equal(reply.status, 422, `${JSON.stringify(attributes)}: ${reply.text}`);
    assert.equal(reply.json.code, 'RECORD_INVALID');
    return reply.json.issues;
  };

  it('take the answers that they offer, and no others', async () => {
    const made = await file(citizen, { attributes: { SIZE: 'large', DEPTH_CM: '12.5' } });
    assert.deepEqual(made.attributes, { SIZE: 'large', DEPTH_CM: '12.5' });
    for (const [attributes, pointer, code] of [
      [{ COLOUR: 'grey' }, '/attributes/COLOUR', 'additionalProperties'],
      [{ SIZE: 'huge' }, '/attributes/SIZE', 'enum'],
      [{ SIZE: ['large'] }, '/attributes/SIZE', 'type'],
      [{ DEPTH_CM: 'deep' }, '/attributes/DEPTH_CM', 'format'],
    ]) assert.deepEqual((await wrong(attributes)).map((i) => [i.pointer, i.code]), [[pointer, code]]);
    const all = await wrong({ SIZE: 'huge', DEPTH_CM: 'deep', COLOUR: 'grey' });
    assert.equal(all.length, 3, 'all at once');
    assert.match(all[0].message, /no such choice/);
    const vi = await nobody.post('/api/v1/records/report', pothole({ attributes: { SIZE: 'huge' } }), { 'accept-language': 'vi' });
    assert.match(vi.json.issues[0].message, /không có trong danh sách/);
  });

  it('stay answered when an officer says that it is something else', async () => {
    const report = await file(citizen, { attributes: { SIZE: 'large' } });
    const changed = await officer.patch(`/api/v1/records/report/${report.id}`, { category: 'garbage' });
    assert.equal(changed.status, 200, changed.text);
    assert.deepEqual(changed.json.attributes, { SIZE: 'large' });
  });

  it('that must be answered are', async () => {
    const admin = await city.as('admin');
    const found = (await admin.get('/api/v1/records/feedback_category?code=road_sign')).json.items[0];
    const asks = (attributes) => admin.patch(`/api/v1/records/feedback_category/${found.id}`, { attributes });
    assert.equal((await asks([{ code: 'ROAD', datatype: 'string', required: true, description: 'Tên đường' }])).status, 200);
    const bare = await nobody.post('/api/v1/records/report', pothole({ category: 'road_sign' }));
    assert.equal(bare.status, 422, bare.text);
    assert.deepEqual(bare.json.issues.map((i) => [i.pointer, i.code]), [['/attributes/ROAD', 'required']]);
    await file(nobody, { category: 'road_sign', attributes: { ROAD: 'Tràng Tiền' } });
    assert.equal((await asks([])).status, 200);
    await file(nobody, { category: 'road_sign' });
  });
});

describe('another unit', () => {
  it('neither sees the task nor completes it', async () => {
    const report = await file(citizen, { location: { lon: 105.816, lat: 21.0381 } });
    assert.equal(await officer.task(report.id), undefined);
    const theirs = await dispatcher.task(report.id, 'triage');
    assert.notEqual(theirs.unit, 'H26.00070');
    const tried = await officer.complete(theirs, { decision: 'accept' });
    assert.ok([403, 404].includes(tried.status), tried.text);
    assert.equal((await dispatcher.task(report.id, 'triage')).state, 'open');
  });

  it('gets one winner when two officers complete the same task at once', async () => {
    const report = await file();
    const triage = await officer.task(report.id, 'triage');
    const replies = await Promise.all(Array.from({ length: 8 }, (_, i) => (i % 2 ? officer : dispatcher).complete(triage, { decision: 'accept' })));
    assert.equal(replies.filter((r) => r.status === 200).length, 1);
    assert.ok(replies.every((r) => r.status === 200 || r.status === 409), replies.map((r) => r.status).join());
  });
});

describe('the figures', () => {
  it('follow what happens', async () => {
    const totals = async () => (await leader.get('/api/v1/figures/feedback')).json.totals;
    let before = await totals(); // what earlier stories did is counted a moment later
    await until(async () => {
      await new Promise((done) => setTimeout(done, 600));
      const now = await totals(), still = JSON.stringify(now) === JSON.stringify(before);
      before = now;
      return still;
    });
    const report = await file();
    const then = await until(async () => {
      const t = (await leader.get('/api/v1/figures/feedback')).json.totals;
      return t.created > before.created && t;
    });
    assert.equal(then.open, before.open + 1);
    await officer.complete(await officer.task(report.id, 'triage'), { decision: 'refuse', reason: 'Không thuộc phạm vi.' });
    await until(async () => (await leader.get('/api/v1/figures/feedback')).json.totals.open === before.open);
  });

  it('of a unit are its own in every list', async () => {
    const all = (await leader.get('/api/v1/figures/feedback')).json;
    const sum = (list, of) => list.reduce((n, row) => n + (row[of] ?? 0), 0);
    assert.ok(all.by_unit.length > 1, 'several units have work');
    assert.equal(sum(all.by_category, 'open'), all.totals.open);
    for (const { unit } of all.by_unit.filter((u) => u.unit)) {
      const its = (await leader.get(`/api/v1/figures/feedback?unit=${unit}`)).json;
      assert.deepEqual(its.by_unit.map((u) => u.unit), [unit]);
      for (const of of ['open', 'overdue', 'handled', 'created']) assert.equal(sum(its.by_category, of), its.totals[of] ?? 0, `${unit} ${of}`);
    }
    assert.deepEqual((await leader.get('/api/v1/figures/feedback?unit=H26.99999')).json.by_category, []);
  });
});
