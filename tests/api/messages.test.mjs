// SPDX-License-Identifier: Apache-2.0
// What a citizen gets by e-mail and by SMS while a report is dealt with: a mail server that offers
// nothing without STARTTLS, under an authority of the city's own, and an SMS gateway.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createHttp } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createSecureContext, TLSSocket } from 'node:tls';
import { City, pothole, until } from '../support/city.mjs';

let city, folder, server, gateway;
const mails = [];
const texts = [];

/** Takes a mail from whoever has turned on TLS and signed in. */
function smtp(raw, tls) {
  let at = raw, buffer = '', data = null;
  const who = { secure: false, user: undefined };
  const say = (...lines) => at.write(lines.map((l) => `${l}\r\n`).join(''));
  const line = (l) => {
    if (data) {
      if (l !== '.') return data.push(l);
      mails.push({ ...who, text: data.join('\r\n') });
      data = null;
      return say(`250 2.0.0 Ok: queued as T${mails.length}`);
    }
    if (/^EHLO/i.test(l)) return who.secure ? say('250-test', '250 AUTH PLAIN') : say('250-test', '250 STARTTLS');
    if (/^STARTTLS/i.test(l)) {
      say('220 go');
      at.removeAllListeners('data');
      at = new TLSSocket(raw, { isServer: true, secureContext: tls });
      who.secure = true;
      return listen();
    }
    if (!who.secure) return say('530 5.7.0 STARTTLS first');
    const auth = /^AUTH PLAIN ?(.*)/i.exec(l) ?? (who.asked && [l, l]);
    if (auth) {
      who.asked = auth[1] === '';
      if (who.asked) return say('334 ');
      who.user = Buffer.from(auth[1], 'base64').toString().split('\0').slice(1).join(':');
      return say('235 ok');
    }
    if (/^DATA/i.test(l)) {
      data = [];
      return say('354 go');
    }
    say(/^QUIT/i.test(l) ? '221 bye' : '250 ok');
  };
  const listen = () => {
    at.on('error', () => {});
    at.on('data', (d) => {
      buffer += d;
      for (let end; (end = buffer.indexOf('\r\n')) >= 0;) {
        const l = buffer.slice(0, end);
        buffer = buffer.slice(end + 2);
        line(l);
      }
    });
  };
  listen();
  say('220 test ESMTP');
}

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'khue-mail-'));
  const made = spawnSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2',
    '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost', '-keyout', join(folder, 'key.pem'), '-out', join(folder, 'cert.pem')]);
  assert.equal(made.status, 0, String(made.stderr));
  const tls = createSecureContext({ key: readFileSync(join(folder, 'key.pem')), cert: readFileSync(join(folder, 'cert.pem')) });
  server = createServer((s) => smtp(s, tls));
  await new Promise((done) => server.listen(0, 'localhost', done));
  gateway = createHttp((rq, rs) => {
    let body = '';
    rq.on('data', (d) => { body += d; });
    rq.on('end', () => {
      texts.push({ headers: rq.headers, ...JSON.parse(body) });
      rs.writeHead(200, { 'content-type': 'application/json' }).end('{"id":7}');
    });
  });
  await new Promise((done) => gateway.listen(0, '127.0.0.1', done));
  city = await City.start({ set: [
    `smtp_url=smtp://localhost:${server.address().port}`, 'smtp_user=khue', 'smtp_password=bí mật', `out_ca=${join(folder, 'cert.pem')}`,
    'smtp_from=Thành phố Hà Nội <khong-tra-loi@hanoi.example>', 'public_url=https://khue.hanoi.example',
    `sms_url=http://127.0.0.1:${gateway.address().port}/send`, 'sms_header=Authorization: Bearer abc', `out_allow=127.0.0.1:${gateway.address().port}`,
  ] });
});
after(async () => {
  await city?.drop();
  server?.close();
  gateway?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A mail as its reader sees it. */
function read({ text }) {
  const [head, body] = text.split('\r\n\r\n');
  const words = (s) => s.replace(/\?=\r\n =\?/g, '?==?').replace(/=\?UTF-8\?B\?([^?]*)\?=/g, (_, b) => Buffer.from(b, 'base64').toString());
  const headers = Object.fromEntries(words(head).split('\r\n').map((l) => [l.slice(0, l.indexOf(':')).toLowerCase(), l.slice(l.indexOf(':') + 2)]));
  return { headers, body: Buffer.from(body, 'base64').toString() };
}

test('a refusal reaches a citizen by e-mail over STARTTLS and by SMS', async () => {
  const citizen = await city.as('citizen');
  const officer = await city.as('officer');
  assert.equal((await citizen.patch('/api/v1/me', { email: 'mai.tran@example.vn', phone: '+84 91 234 56 78' })).status, 200);
  assert.equal((await citizen.put('/api/v1/me/preferences', { channels: { email: true, sms: true, push: false }, quiet: null })).status, 204);
  const { json: report } = await citizen.post('/api/v1/records/report', pothole());
  await until(() => mails.length === 1 && texts.length === 1, 30_000);
  const first = read(mails[0]);
  assert.equal(mails[0].user, 'khue:bí mật');
  assert.equal(first.headers.from, 'Thành phố Hà Nội <khong-tra-loi@hanoi.example>');
  assert.equal(first.headers.to, '<mai.tran@example.vn>');
  assert.equal(first.headers.subject, `Đã nhận phản ánh ${report.number}`);
  assert.match(first.headers['message-id'], /^<[0-9a-z]{13}@hanoi\.example>$/);
  assert.match(first.body, new RegExp(`\n\nhttps://khue\\.hanoi\\.example/cases/${report.id}\n\n-- \nThư gửi tự động.*https://khue\\.hanoi\\.example/me/preferences\n$`));

  assert.equal((await citizen.patch('/api/v1/me', { lang: 'en' })).status, 200);
  const task = await until(() => officer.task(report.id, 'triage'));
  assert.equal((await officer.complete(task, { decision: 'refuse', reason: 'Đường này không thuộc Hà Nội' })).status, 200);
  await until(() => mails.length === 2 && texts.length === 2, 30_000);
  const second = read(mails[1]);
  assert.equal(second.headers.subject, `Report ${report.number} was not taken`);
  assert.match(second.body, /^Reason: Đường này không thuộc Hà Nội\n/);
  assert.notEqual(second.headers['message-id'], first.headers['message-id']);
  assert.deepEqual(texts.map((x) => [x.to, x.text]), [
    ['0912345678', `Ha Noi da nhan phan anh ${report.number}. Cam on ban.`],
    ['0912345678', `Report ${report.number} was not taken: Duong nay khong thuoc Ha Noi`],
  ]);
  assert.equal(texts[0].headers.authorization, 'Bearer abc');
  assert.match(texts[0].headers['idempotency-key'], /^[0-9a-z]{13}$/);
});

test('who was told what, and whether it arrived, is known to the person and to those who handle the case', async () => {
  const citizen = await city.as('citizen');
  const officer = await city.as('officer');
  const { json: report } = await citizen.post('/api/v1/records/report', pothole());
  const path = `/api/v1/records/report/${report.id}/notices`;
  const told = await until(async () => {
    const { json } = await officer.get(path);
    return json.items.length === 1 && json.items[0].sent.every((s) => s.state === 'sent') && json.items[0];
  }, 30_000);
  assert.deepEqual(told.sent.map((s) => s.channel), ['email', 'sms']);
  assert.match(told.sent[0].proof, /^250 2\.0\.0 Ok: queued as T\d+$/);
  assert.ok(Date.parse(told.sent[0].at) >= Date.parse(told.at));
  assert.equal(told.read_at, undefined);

  const mine = (await citizen.get('/api/v1/me/notices')).json.items.find((n) => n.case === report.id);
  assert.deepEqual(mine.sent.map(({ channel, state, proof }) => ({ channel, state, proof })), [
    { channel: 'email', state: 'sent', proof: undefined }, { channel: 'sms', state: 'sent', proof: undefined },
  ]);
  await citizen.post('/api/v1/me/notices/read', { ids: [mine.id] });
  assert.ok((await officer.get(path)).json.items[0].read_at, 'the officer sees that it was read');
  assert.equal((await citizen.get(path)).json.items[0].sent[0].proof, undefined, 'what servers say is for staff');

  const seen = await until(async () => (await citizen.get('/api/v1/me/accesses')).json.items.find((a) => a.fields?.includes('notices')));
  assert.equal(seen.record, report.id);
  const nobody = await city.as(null);
  assert.equal((await nobody.get(path)).status, 401);
  assert.equal((await (await city.as('leader')).get(path)).status, 403, 'a leader does not see who it is');
  assert.equal((await officer.get(`/api/v1/records/report/${report.id}/notices?limit=0`)).status, 400);
  assert.equal((await officer.get('/api/v1/records/report/0000000000000/notices')).status, 404);
});

test('a gateway that is away is told to the operator, without the number', async () => {
  const citizen = await city.as('citizen');
  gateway.close();
  gateway.closeAllConnections();
  server.close();
  await citizen.post('/api/v1/records/report', pothole({ description: 'Đèn đường không sáng.' }));
  await until(() => /event=mail\.failed .*why=/.test(city.log) && /event=message\.failed .*why=/.test(city.log), 30_000);
  assert.doesNotMatch(city.log, /912345678|mai\.tran/);
});
