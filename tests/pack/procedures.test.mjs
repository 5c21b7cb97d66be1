// SPDX-License-Identifier: Apache-2.0
// Pack procedures as its users meet it: a dossier at the one-stop shop by the rules of NĐ 61/2018 and
// TT 01/2018 (numbers, ten statuses, one supplement, one new date, 15:00), from the catalogue alone.
// The server's clock stands still (KHUE_CLOCK_US); a restart at a later instant lets time pass. The
// days are in September and October 2026 and no holidays; Hanoi is UTC+7.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import { City, run, until } from '../support/city.mjs';

const ward = 'H26.00070';
const staff = { counter: ward, officer: ward, approver: ward, leader: 'H26', stranger: 'H26.00004', bank: 'H26', keeper: 'H26' };
const roles = { stranger: 'counter', bank: 'integrator', keeper: 'admin' };
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
  people = { nobody: await city.as() };
  for (const who of ['citizen', ...Object.keys(staff)]) {
    people[who] = await city.as();
    await people[who].signIn({ username: who, password });
  }
}

const same = (a, b, why) => assert.equal(new Date(a).toISOString(), new Date(b).toISOString(), why);
const read = async (id, who = 'counter') => (await people[who].get(`/api/v1/records/dossier/${id}`)).json;
const notices = async (who, d) =>
  (await people[who].get('/api/v1/me/notices')).json.items.map((n) => n.title).filter((t) => t.includes(d.number));

async function file(more = {}, who = 'citizen') {
  const reply = await people[who].post('/api/v1/records/dossier', {
    procedure: '1.004837', unit: ward, channel: 'online', name: 'Trần Thị Mai', person_number: '001185012345', phone: '0912345678', ...more });
  assert.equal(reply.status, 201, reply.text);
  return read(reply.json.id);
}

async function complete(who, id, key, answers) {
  const task = await until(() => people[who].task(id, key));
  const reply = await people[who].complete(task, answers);
  assert.equal(reply.status, 200, reply.text);
  return task;
}

before(async () => {
  city = await City.make({ demo: false, env: { KHUE_CLOCK_US: us(day('09-14', '08:00')) } });
  let minute = 10; // each command at an instant of its own, as ids grow with time
  for (const [name, unit] of Object.entries({ citizen: undefined, ...staff })) {
    city.env.KHUE_CLOCK_US = us(day('09-14', `08:${minute++}`));
    account(name, unit && (roles[name] ?? name), unit);
  }
  await at(day('09-14', '09:00')); // a Monday
});
after(() => city?.drop());

describe('the catalogue', () => {
  it('is searched in any spelling, by everybody', async () => {
    for (const q of ['đăng ký khai sinh', 'dang ky khai sinh', 'KHAI SINH dang ky', '1.001193']) {
      const found = (await people.nobody.get(`/api/v1/records/procedure?q=${encodeURIComponent(q)}&limit=5`)).json.items;
      assert.ok(found.some((p) => p.code === '1.001193'), `${q}: ${found.map((p) => p.name)}`);
    }
  });

  it('says of a procedure what it costs, how long it takes, and which papers it needs', async () => {
    const [p] = (await people.nobody.get('/api/v1/records/procedure?code=1.004194')).json.items;
    assert.equal(p.name, 'Đăng ký tạm trú');
    assert.equal(p.at_commune, true);
    assert.ok(p.papers.length > 0 && p.channels.every((c) => c.value > 0 && c.unit));
    assert.equal((await people.nobody.post('/api/v1/records/procedure', { ...p, code: '9.999999', id: undefined, meta: undefined })).status, 401);
  });

  it('names the agency that takes it', async () => {
    const ask = async (inputs) => (await people.citizen.post('/api/v1/decisions/evaluate', { decision_ref: 'procedures/procedures', decision: 'competence', inputs })).json.result;
    assert.equal(await ask({ 'at commune': true, ministry: 'bo-tu-phap', commune: ward }), ward);
    assert.equal(await ask({ 'at commune': false, ministry: 'bo-tu-phap', commune: null }), 'H26.03');
    assert.equal(await ask({ 'at commune': false, ministry: 'toa-an-nhan-dan', commune: null }), 'H26.16');
  });
});

describe('a dossier', () => {
  it('goes through the statuses of the national portal from filing to the result', async () => {
    const d = await file();
    assert.equal(d.number, `${ward}-260914-0001`);
    assert.equal(d.status, 'registered');
    assert.equal(d.procedure_name, 'Thủ tục đăng ký giám hộ');
    const statuses = [d.status];
    const step = async (...args) => { await complete(...args); statuses.push((await read(d.id)).status); };
    await step('counter', d.id, 'receive', { decision: 'accept' });
    const received = await read(d.id);
    const days = (await people.nobody.get('/api/v1/records/procedure?code=1.004837')).json.items[0].channels.find((c) => c.channel === 'online').value;
    assert.equal(days, 3);
    if (received.status === 'payment') await step('counter', d.id, 'payment', { paid_by: 'transfer', receipt: 'BL-1' });
    same((await read(d.id)).due_at, day('09-17', '09:00'), 'three working days, the first does not count');
    await step('officer', d.id, 'handle', { decision: 'grant', proposal: 'Trích lục đăng ký giám hộ' });
    await step('approver', d.id, 'sign', { signed: 'yes' });
    const done = await read(d.id, 'citizen');
    assert.equal(done.outcome, 'granted');
    assert.equal(done.on_time, true);
    assert.equal(done.result, 'Trích lục đăng ký giám hộ');
    await step('citizen', d.id, 'rate', { stars: 5 });
    assert.equal(statuses.at(-1), 'returned');
    for (const s of ['registered', 'processing', 'returned']) assert.ok(statuses.includes(s), `${s} in ${statuses}`);
    const told = await notices('citizen', d);
    for (const word of ['Đã nhận hồ sơ', 'đã được tiếp nhận', 'đã có kết quả']) assert.ok(told.some((t) => t.includes(word)), `${word} in ${told}`);
  });

  it('is numbered without a gap for each agency and day', async () => {
    const a = await file(), b = await file();
    assert.equal(Number(b.number.slice(-4)), Number(a.number.slice(-4)) + 1);
    assert.match(b.number, /^H26\.00070-260914-\d{4}$/);
    const reply = await people.citizen.post('/api/v1/records/dossier', { procedure: '3.000333', unit: 'H26.03', channel: 'online', name: 'Trần Thị Mai' });
    const other = (await people.citizen.get(`/api/v1/records/dossier/${reply.json.id}`)).json;
    assert.match(other.number, /^000\.00\.03\.H26-260914-0001$/, 'a department has a code in the old system');
  });

  it('is found by its number without signing in, with what is public and nothing else', async () => {
    const d = await file();
    const found = (await people.nobody.get(`/api/v1/records/dossier?number=${encodeURIComponent(d.number)}`)).json.items;
    assert.equal(found.length, 1);
    assert.equal(found[0].status, 'registered');
    for (const secret of ['name', 'person_number', 'phone', 'applicant', 'papers', 'note']) assert.equal(found[0][secret], undefined, secret);
    assert.equal((await people.nobody.get('/api/v1/records/dossier')).status, 401, 'nobody leafs through all of them');
    assert.equal((await people.nobody.get(`/api/v1/records/dossier/${d.id}`)).status, 404);
  });

  it('is the business of its own agency and applicant only', async () => {
    const d = await file();
    assert.equal((await people.stranger.get(`/api/v1/records/dossier/${d.id}`)).status, 404);
    assert.equal(await people.stranger.task(d.id), undefined);
    assert.equal((await people.citizen.patch(`/api/v1/records/dossier/${d.id}`, { name: 'Người khác' })).status, 403);
    assert.equal((await people.officer.post('/api/v1/records/dossier', { procedure: '1.004837', unit: ward, channel: 'counter', name: 'X' })).status, 201, 'an officer is a citizen too');
    const forged = await people.stranger.post('/api/v1/records/dossier', { procedure: '1.004837', unit: ward, channel: 'counter', name: 'X', status: 'finished' });
    assert.equal(forged.status, 403, 'nobody writes the status but the process');
  });

  it('of an unknown procedure or agency is refused', async () => {
    for (const wrong of [{ procedure: '9.000000' }, { unit: 'H26.99999' }]) {
      const reply = await people.citizen.post('/api/v1/records/dossier', { procedure: '1.004837', unit: ward, channel: 'online', name: 'Mai', ...wrong });
      assert.equal(reply.status, 422, reply.text);
      assert.equal(reply.json.code, 'RECORD_REFERENCE');
    }
  });

  it('is refused with a reason, and that is its end', async () => {
    const d = await file();
    const task = await people.counter.task(d.id, 'receive');
    assert.equal((await people.counter.complete(task, { decision: 'refuse' })).status, 422, 'a reason is needed');
    await complete('counter', d.id, 'receive', { decision: 'refuse', reason: 'Không thuộc thẩm quyền của phường.' });
    const over = await read(d.id, 'citizen');
    assert.equal(over.status, 'not_received');
    assert.equal(over.refusal_reason, 'Không thuộc thẩm quyền của phường.');
    assert.equal(await people.counter.task(d.id), undefined);
  });

  it('taken at the counter is received at once', async () => {
    const reply = await people.counter.post('/api/v1/records/dossier', { procedure: '1.004837', unit: ward, channel: 'counter', name: 'Lê Văn Tám', papers: [{ code: 'P1', kind: 'original' }] });
    assert.equal(reply.status, 201, reply.text);
    const d = await read(reply.json.id);
    assert.ok(['processing', 'payment'].includes(d.status), d.status);
    assert.ok(d.due_at);
  });

  it('whose procedure has no unit of time gets one from the counter', async () => {
    const d = await file({ procedure: '1.001193' });
    await complete('counter', d.id, 'receive', { decision: 'accept', count: 1, unit: 'working_day', amount: 0 });
    same((await read(d.id)).due_at, day('09-15', '09:00'));
  });
});

describe('what is missing', () => {
  it('is asked for once before it is received', async () => {
    const d = await file();
    await complete('counter', d.id, 'receive', { decision: 'supplement', reason: 'Thiếu bản sao căn cước của chủ hộ.' });
    assert.equal((await read(d.id, 'citizen')).status, 'supplement');
    const patched = await people.citizen.patch(`/api/v1/records/dossier/${d.id}`, { papers: [{ code: 'P1', kind: 'electronic' }] });
    assert.equal(patched.status, 200, patched.text);
    await complete('citizen', d.id, 'supplement_first', { supplied: 'Đã thêm căn cước.' });
    const again = await people.counter.task(d.id, 'receive_again');
    assert.equal((await people.counter.complete(again, { decision: 'supplement', reason: 'Thêm nữa' })).status, 422, 'not a second time');
    await complete('counter', d.id, 'receive_again', { decision: 'accept', amount: 0 });
    assert.equal((await read(d.id)).status, 'processing');
  });

  it('stops the clock while it is missing, and the time begins anew', async () => {
    await at(day('09-15', '09:00'));
    const d = await file();
    await complete('counter', d.id, 'receive', { decision: 'accept', amount: 0 });
    same((await read(d.id)).due_at, day('09-18', '09:00'));
    await complete('officer', d.id, 'handle', { decision: 'supplement', reason: 'Hợp đồng thuê nhà không rõ địa chỉ.' });
    await at(day('09-22', '10:00'));
    const waiting = await read(d.id);
    assert.equal(waiting.status, 'supplement');
    assert.ok(!waiting.overdue, 'nobody is late while the applicant is asked');
    await complete('citizen', d.id, 'supplement_more', {});
    same((await read(d.id)).due_at, day('09-25', '10:00'), 'three working days from the completion');
    await complete('officer', d.id, 'handle', { decision: 'supplement', reason: 'Lại thiếu giấy tờ khác.' });
    const after = await read(d.id);
    assert.equal(after.status, 'processing', 'asked once only: the officer goes on with what is there');
    assert.ok(await people.officer.task(d.id, 'handle'));
  });

  it('that never comes stops the dossier after thirty days', async () => {
    const d = await file();
    await complete('counter', d.id, 'receive', { decision: 'supplement', reason: 'Thiếu tờ khai.' });
    await at(day('10-23', '10:00'));
    const over = await until(async () => { const now = await read(d.id, 'citizen'); return now.status === 'stopped' && now; });
    assert.match(over.refusal_reason, /Quá hạn bổ sung/);
    assert.equal(await people.citizen.task(d.id), undefined);
  });
});

describe('time', () => {
  it('after 15:00 the work begins the next working day', async () => {
    await at(day('10-23', '15:30')); // a Friday
    const d = await file();
    await complete('counter', d.id, 'receive', { decision: 'accept', amount: 0 });
    assert.equal((await read(d.id)).status, 'received');
    assert.equal(await people.officer.task(d.id, 'handle'), undefined, 'the officer has it on Monday');
    await at(day('10-26', '08:00'));
    assert.equal((await until(async () => { const now = await read(d.id); return now.status === 'processing' && now; })).status, 'processing');
    assert.ok(await people.officer.task(d.id, 'handle'));
  });

  it('a new date is given once, with an apology, before the first has passed', async () => {
    await at(day('10-27', '09:00'));
    const d = await file();
    await complete('counter', d.id, 'receive', { decision: 'accept', amount: 0 });
    same((await read(d.id)).due_at, day('10-30', '09:00'));
    await complete('officer', d.id, 'handle', { decision: 'late', reason: 'Chờ ý kiến của phòng chuyên môn.', more_days: 2 });
    const promised = await read(d.id, 'citizen');
    same(promised.due_at, day('11-03', '09:00'));
    same(promised.promised_before, day('10-30', '09:00'));
    assert.ok((await notices('citizen', d)).some((t) => t.startsWith('Xin lỗi')));
    await complete('officer', d.id, 'handle', { decision: 'late', reason: 'Vẫn chưa có ý kiến.', more_days: 2 });
    same((await read(d.id)).due_at, day('11-03', '09:00'), 'once only');
    assert.ok(await people.officer.task(d.id, 'handle'));
  });

  it('the officer is reminded one day before, and the leader told when it is late', async () => {
    await at(day('11-09', '09:00'));
    const d = await file();
    await complete('counter', d.id, 'receive', { decision: 'accept', amount: 0 });
    await at(day('11-11', '09:01'));
    await until(async () => (await notices('officer', d)).some((t) => t.startsWith('Sắp đến hẹn trả')));
    await at(day('11-12', '09:01'));
    await until(async () => (await read(d.id)).overdue);
    await until(async () => (await notices('leader', d)).some((t) => t.startsWith('Quá hẹn trả')));
    await complete('officer', d.id, 'handle', { decision: 'reject', reason: 'Tên hộ kinh doanh trùng với hộ đã đăng ký.' });
    await complete('approver', d.id, 'sign', { signed: 'back', opinion: 'Kiểm tra lại tên.' });
    await complete('officer', d.id, 'handle', { decision: 'reject', reason: 'Tên hộ kinh doanh trùng với hộ đã đăng ký.' });
    await complete('approver', d.id, 'sign', { signed: 'yes' });
    const done = await read(d.id, 'citizen');
    assert.equal(done.outcome, 'rejected');
    assert.equal(done.on_time, false);
  });
});

describe('papers', () => {
  const words = (bytes) => {
    const out = spawnSync('pdftotext', ['-raw', '-', '-'], { input: bytes });
    assert.equal(out.status, 0, String(out.stderr));
    return String(out.stdout).normalize('NFC').replace(/\s+/g, ' ');
  };
  const papers = async (who, d) => (await people[who].get(`/api/v1/records/dossier/${d.id}/prints`)).json.items ?? [];
  const draw = async (who, d, name) => {
    const reply = await fetch(`${city.url}/api/v1/records/dossier/${d.id}/prints/procedures/${name}`, { headers: people[who].headers });
    return { status: reply.status, type: reply.headers.get('content-type'), bytes: Buffer.from(await reply.arrayBuffer()) };
  };

  it('exist when they are due, and say what the law wants', async () => {
    await at(day('11-23', '09:00'));
    const d = await file({ procedure: '1.004194', address: 'Số 12 ngách 120/5 phố Hàng Bông', papers: [{ code: 'P1', kind: 'electronic', name: 'Tờ khai (Mẫu CT01)' }] });
    assert.deepEqual(await papers('counter', d), [], 'nothing has been received');
    await complete('counter', d.id, 'receive', { decision: 'accept' });
    assert.deepEqual((await papers('counter', d)).map((p) => p.key), ['procedures/control', 'procedures/receipt', 'procedures/register']);
    const receipt = await draw('citizen', d, 'receipt');
    assert.equal(receipt.type, 'application/pdf');
    const text = words(receipt.bytes);
    for (const said of ['CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM', 'Độc lập - Tự do - Hạnh phúc', 'ỦY BAN NHÂN DÂN PHƯỜNG HOÀN KIẾM',
      `Mã hồ sơ: ${d.number}`, 'Hà Nội, ngày 23 tháng 11 năm 2026', 'Trần Thị Mai', 'Tờ khai (Mẫu CT01)', 'Bản điện tử',
      '09 giờ 00 phút, ngày 23/11/2026', '7.000 đồng (Bằng chữ: Bảy nghìn đồng)']) assert.ok(text.includes(said), `${said} in ${text}`);
    for (const name of ['control', 'register']) assert.ok(words((await draw('counter', d, name)).bytes).includes(d.number), name);
    assert.equal((await draw('counter', d, 'apology')).status, 404, 'nobody has apologised');
  });

  it('tell what is missing, why it was refused, and that one is sorry', async () => {
    const missing = await file();
    await complete('counter', missing.id, 'receive', { decision: 'supplement', reason: 'Thiếu bản sao căn cước của người giám hộ.' });
    assert.match(words((await draw('citizen', missing, 'supplement')).bytes), /PHIẾU YÊU CẦU BỔ SUNG.*Thiếu bản sao căn cước của người giám hộ\./);
    const refused = await file();
    await complete('counter', refused.id, 'receive', { decision: 'refuse', reason: 'Không thuộc thẩm quyền của phường.' });
    assert.match(words((await draw('citizen', refused, 'refusal')).bytes), /PHIẾU TỪ CHỐI.*Không thuộc thẩm quyền của phường\./);
    const late = await file();
    await complete('counter', late.id, 'receive', { decision: 'accept', amount: 0 });
    await complete('officer', late.id, 'handle', { decision: 'late', reason: 'Chờ ý kiến của phòng chuyên môn.', more_days: 2 });
    assert.match(words((await draw('citizen', late, 'apology')).bytes), /PHIẾU XIN LỖI.*26\/11\/2026.*Chờ ý kiến.*30\/11\/2026/);
  });

  it('are for those who may see what is on them, and the applicant sees who looked', async () => {
    const d = await file();
    await complete('counter', d.id, 'receive', { decision: 'accept', amount: 0 });
    assert.equal((await draw('stranger', d, 'receipt')).status, 404);
    assert.equal((await people.nobody.get(`/api/v1/records/dossier/${d.id}/prints`)).status, 404);
    assert.deepEqual(await papers('leader', d), [], 'a leader sees progress, not persons');
    assert.equal((await draw('leader', d, 'receipt')).status, 404);
    assert.equal((await draw('officer', d, 'receipt')).status, 200);
    await until(async () => (await people.citizen.get('/api/v1/me/accesses?limit=50')).json.items.some((l) => l.record === d.id && l.by !== undefined));
  });
});

describe('money', () => {
  const payment = async (d, who = 'counter') => (await people[who].get(`/api/v1/records/payment/${d.payment}`)).json;
  const callback = (number, amount) => people.bank.post('/api/v1/messages/payment.received', { correlation: number, variables: { paid_amount: amount, bank_ref: 'FT26320001' } });

  it('holds the clock until it is paid at the counter', async () => {
    await at(day('11-16', '09:00'));
    const d = await file({ procedure: '1.004194' });
    await complete('counter', d.id, 'receive', { decision: 'accept' });
    const asked = await read(d.id);
    assert.equal(asked.fee, 7000);
    assert.equal(asked.status, 'payment');
    assert.ok((await notices('citizen', d)).some((t) => /7\.?000/.test(t)));
    await at(day('11-18', '09:00'));
    await complete('counter', d.id, 'payment', { paid_by: 'cash', receipt: 'BL-7' });
    const paid = await read(d.id);
    assert.equal(paid.status, 'processing');
    same(paid.due_at, day('11-23', '09:00'), 'two working days were held');
    assert.ok(paid.paid_at);
    const p = await payment(asked);
    assert.deepEqual([p.status, p.amount, p.paid_amount, p.paid_by, p.bank_ref], ['paid', 7000, 7000, 'cash', 'BL-7']);
  });

  it('is asked of somebody at the counter who has no account', async () => {
    const reply = await people.counter.post('/api/v1/records/dossier', { procedure: '1.004194', unit: ward, channel: 'counter', name: 'Lê Văn Tám' });
    assert.equal(reply.status, 201, reply.text);
    assert.equal(reply.json.status, 'payment');
    const p = await payment(reply.json);
    assert.deepEqual([p.amount, p.payer, p.payer_name], [10000, undefined, 'Lê Văn Tám']);
    await complete('counter', reply.json.id, 'payment', { paid_by: 'card' });
    assert.equal((await payment(reply.json)).status, 'paid');
    assert.equal((await read(reply.json.id)).status, 'processing');
  });

  it('comes by a code that every bank reads, and the bank says so once', async () => {
    const payee = await people.keeper.post('/api/v1/records/payee', { unit: ward, bin: '970436', account: '0000000000070', name: 'UBND PHUONG HOAN KIEM' });
    assert.equal(payee.status, 201, payee.text);
    const d = await file({ procedure: '1.004194' });
    await complete('counter', d.id, 'receive', { decision: 'accept' });
    const asked = await read(d.id, 'citizen');
    const p = await payment(asked, 'citizen');
    assert.match(p.number, /^TT261118\d{6}$/);
    assert.equal(p.vietqr, asked.vietqr);
    assert.match(p.vietqr, new RegExp(`^000201010212.*0006970436.*54047000.*08${p.number.length}${p.number}6304[0-9A-F]{4}$`));
    assert.equal((await people.stranger.get(`/api/v1/records/payment/${asked.payment}`)).status, 404);
    assert.equal((await people.citizen.post('/api/v1/messages/payment.received', { correlation: p.number, variables: { paid_amount: 7000 } })).status, 403, 'only a bank says so');
    assert.equal((await callback(p.number, 5000)).json.delivered, 1);
    assert.equal((await read(d.id)).status, 'payment', 'too little');
    assert.equal((await payment(asked)).paid_amount, 5000);
    assert.equal((await callback(p.number, 7000)).json.delivered, 1);
    assert.equal((await read(d.id)).status, 'processing');
    assert.deepEqual([(await payment(asked)).status, (await payment(asked)).paid_by, (await payment(asked)).bank_ref], ['paid', 'transfer', 'FT26320001']);
    assert.equal((await callback(p.number, 7000)).json.delivered, 0, 'a second time nobody waits for it');
    assert.equal((await callback('TT000000000000', 1)).json.delivered, 0);
  });

  it('is asked for and receipted on paper, in words', async () => {
    const d = await file({ procedure: '1.004194' });
    await complete('counter', d.id, 'receive', { decision: 'accept' });
    const asked = await read(d.id);
    const list = (await people.citizen.get(`/api/v1/records/payment/${asked.payment}/prints`)).json.items.map((p) => p.key);
    assert.deepEqual(list, ['procedures/payment_slip']);
    await callback((await payment(asked)).number, 7000);
    assert.deepEqual((await people.citizen.get(`/api/v1/records/payment/${asked.payment}/prints`)).json.items.map((p) => p.key), ['procedures/payment_receipt']);
  });
});
