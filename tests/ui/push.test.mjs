// SPDX-License-Identifier: Apache-2.0
// Messages on a device, from the question of the browser to the picture on the screen. Chromium's own
// push service is out of reach in a test, so the browser is given a subscription at a stand-in here;
// what the server sends there is opened with the subscription's keys and handed to the service worker.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createDecipheriv, createECDH, createPublicKey, hkdfSync, randomBytes, verify } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { checkAxe, start, until } from './support.mjs';

let city, service, folder, origin;
const taken = [];
const device = createECDH('prime256v1');
device.generateKeys();
const secret = randomBytes(16);
const base64url = (b) => Buffer.from(b).toString('base64url');

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'khue-push-'));
  const made = spawnSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2',
    '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost', '-keyout', join(folder, 'key.pem'), '-out', join(folder, 'cert.pem')]);
  assert.equal(made.status, 0, String(made.stderr));
  service = createServer({ key: readFileSync(join(folder, 'key.pem')), cert: readFileSync(join(folder, 'cert.pem')) }, (rq, rs) => {
    const parts = [];
    rq.on('data', (d) => parts.push(d));
    rq.on('end', () => {
      taken.push({ path: rq.url, headers: rq.headers, body: Buffer.concat(parts) });
      rs.writeHead(201).end();
    });
  });
  await new Promise((done) => service.listen(0, 'localhost', done));
  origin = `https://localhost:${service.address().port}`;
  city = await start({ set: [`push_allow=localhost:${service.address().port}`, `out_ca=${join(folder, 'cert.pem')}`, 'push_subject=mailto:test@khue.vn'] });
});
after(async () => {
  await city?.close();
  service?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** RFC 8291: what only this device can read. */
function opened(body) {
  const salt = body.subarray(0, 16);
  const theirs = body.subarray(21, 21 + body[20]);
  const info = Buffer.concat([Buffer.from('WebPush: info\0'), device.getPublicKey(), theirs]);
  const ikm = Buffer.from(hkdfSync('sha256', device.computeSecret(theirs), secret, info, 32));
  const part = (name, n) => Buffer.from(hkdfSync('sha256', ikm, salt, Buffer.from(`Content-Encoding: ${name}\0`), n));
  const sealed = body.subarray(21 + body[20]);
  const cipher = createDecipheriv('aes-128-gcm', part('aes128gcm', 16), part('nonce', 12));
  cipher.setAuthTag(sealed.subarray(-16));
  const text = Buffer.concat([cipher.update(sealed.subarray(0, -16)), cipher.final()]);
  assert.equal(text.at(-1), 2, 'the last record');
  return text.subarray(0, -1).toString();
}

/** RFC 8292: the service can tell that it is this city that sends. */
function checkSender(header, key) {
  const [, jwt, k] = /^vapid t=([^,]+), ?k=(.+)$/.exec(header) ?? [];
  assert.equal(k, key, 'the key that the browser subscribed with');
  const point = Buffer.from(k, 'base64url');
  const jwk = { kty: 'EC', crv: 'P-256', x: base64url(point.subarray(1, 33)), y: base64url(point.subarray(33)) };
  const [head, claims, signature] = jwt.split('.');
  assert.ok(verify('sha256', Buffer.from(`${head}.${claims}`), { key: createPublicKey({ key: jwk, format: 'jwk' }), dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url')));
  assert.equal(JSON.parse(Buffer.from(claims, 'base64url')).aud, origin);
}

/** A browser whose push service is the stand-in. */
async function visit() {
  const page = await city.visit({ role: 'citizen', permissions: ['notifications'] });
  await page.context().addInitScript(({ endpoint, p256dh, auth }) => {
    const has = () => localStorage.getItem('test.push') === '1';
    const sub = () => ({
      endpoint,
      toJSON: () => ({ endpoint, expirationTime: null, keys: { p256dh, auth } }),
      unsubscribe: async () => (localStorage.removeItem('test.push'), true),
    });
    PushManager.prototype.getSubscription = async () => (has() ? sub() : null);
    PushManager.prototype.subscribe = async (options) => {
      window.subscribedWith = btoa(String.fromCharCode(...new Uint8Array(options.applicationServerKey))).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
      localStorage.setItem('test.push', '1');
      return sub();
    };
  }, { endpoint: `${origin}/device/1`, p256dh: base64url(device.getPublicKey()), auth: base64url(secret) });
  return page;
}

async function report(page, words) {
  const { csrf } = await (await page.request.get(`${city.url}/api/v1/session`)).json();
  const r = await page.request.post(`${city.url}/api/v1/records/report`, {
    data: { category: 'pothole', description: words, location: { lon: 105.8525, lat: 21.0288 } },
    headers: { 'X-CSRF-Token': csrf },
  });
  assert.equal(r.status(), 201, await r.text());
  return r.json();
}

test('messages are switched on for a device, arrive there sealed, are shown, and end with one press', async () => {
  const page = await visit();
  await page.goto('/me/preferences');
  // It may be night: the quiet hours of this person are at another time.
  const hour = (n) => `${String((new Date(Date.now() + (7 + n) * 3_600_000)).getUTCHours()).padStart(2, '0')}:00`;
  await page.getByLabel('Từ', { exact: true }).fill(hour(4));
  await page.getByLabel('Đến', { exact: true }).fill(hour(6));
  await page.getByRole('button', { name: 'Lưu' }).click();
  await page.getByText('Đã lưu.').waitFor();
  await page.evaluate(() => navigator.serviceWorker.ready);
  await page.reload();
  await page.getByText('Máy này chưa hiện thông báo.').waitFor();
  await page.getByRole('button', { name: 'Bật trên máy này' }).click();
  await page.getByText('Thông báo đang hiện trên máy này').waitFor();
  const key = await page.evaluate(() => window.subscribedWith);
  assert.equal(key, (await (await page.request.get(`${city.url}/api/v1/push/key`)).json()).key);
  await page.reload();
  await page.getByText('Thông báo đang hiện trên máy này').waitFor();

  const made = await report(page, 'Ổ gà mới ở đầu ngõ, xe máy tránh không kịp.');
  const sent = await until(() => taken[0]);
  assert.equal(sent.path, '/device/1');
  assert.equal(sent.headers['content-encoding'], 'aes128gcm');
  assert.ok(Number(sent.headers.ttl) > 0);
  checkSender(sent.headers.authorization, key);
  const message = JSON.parse(opened(sent.body));
  assert.match(message.title, new RegExp(made.number));
  assert.equal(message.link, `/cases/${made.id}`);

  const cdp = await page.context().newCDPSession(page);
  const registration = new Promise((done) => cdp.on('ServiceWorker.workerRegistrationUpdated', ({ registrations }) => registrations[0] && done(registrations[0].registrationId)));
  await cdp.send('ServiceWorker.enable');
  await cdp.send('ServiceWorker.deliverPushMessage', { origin: city.url, registrationId: await registration, data: JSON.stringify(message) });
  const shown = await until(() => page.evaluate(async () => {
    const [n] = await (await navigator.serviceWorker.ready).getNotifications();
    return n && { title: n.title, body: n.body, data: n.data };
  }));
  assert.deepEqual(shown, { title: message.title, body: message.body, data: message.link });

  await page.getByRole('button', { name: 'Tắt trên máy này' }).click();
  await page.getByText('Máy này chưa hiện thông báo.').waitFor();
  const before = taken.length;
  const other = await report(page, 'Ổ gà thứ hai, máy này không còn nhận tin.');
  // The message in the page comes as always; by then one to the device would have been queued with it.
  await until(async () => (await (await page.request.get(`${city.url}/api/v1/me/notices?limit=10`)).json()).items.some((n) => n.case === other.id));
  assert.equal(taken.length, before, 'nothing more is sent to the device');
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

test('a device is seen and taken off from another one', async () => {
  const page = await visit();
  const { csrf } = await (await page.request.get(`${city.url}/api/v1/session`)).json();
  const lost = await page.request.post(`${city.url}/api/v1/me/push`, {
    data: { endpoint: 'https://fcm.googleapis.com/fcm/send/lost', keys: { p256dh: base64url(device.getPublicKey()), auth: base64url(secret) } },
    headers: { 'X-CSRF-Token': csrf },
  });
  assert.equal(lost.status(), 204);
  await page.goto('/me/preferences');
  await page.evaluate(() => navigator.serviceWorker.ready);
  await page.reload();
  await page.getByRole('button', { name: 'Bật trên máy này' }).click();
  const list = page.getByRole('list', { name: 'Các máy đang nhận thông báo' }).getByRole('listitem');
  await until(async () => (await list.count()) === 2);
  const here = list.filter({ hasText: 'Máy này' }), other = list.filter({ hasText: 'Chrome' });
  assert.match(await here.textContent(), /localhost/);
  assert.match(await other.textContent(), /Nhận thông báo từ/);
  await checkAxe(page, 'devices');
  await other.getByRole('button', { name: /Gỡ máy/ }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Gỡ máy' }).click();
  await page.getByText('Đã gỡ máy.').waitFor();
  await until(async () => (await list.count()) === 1);
  const left = async () => (await (await page.request.get(`${city.url}/api/v1/me/push`)).json()).items.map((d) => d.service);
  assert.deepEqual(await left(), ['localhost']);
  await here.getByRole('button', { name: /Gỡ máy/ }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Gỡ máy' }).click();
  await page.getByText('Máy này chưa hiện thông báo.').waitFor();
  assert.deepEqual(await left(), []);
  assert.equal(await page.evaluate(() => localStorage.getItem('test.push')), null, 'the browser has let go of it too');
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

test('whoever signs out leaves no messages on the device', async () => {
  const page = await visit();
  await page.goto('/me/preferences');
  await page.evaluate(() => navigator.serviceWorker.ready);
  await page.reload();
  await page.getByRole('button', { name: 'Bật trên máy này' }).click();
  await page.getByText('Thông báo đang hiện trên máy này').waitFor();
  const gone = page.waitForResponse((r) => r.request().method() === 'DELETE' && /\/api\/v1\/me\/push/.test(r.url()));
  await page.getByRole('button', { name: /Tài khoản/ }).click();
  await page.getByRole('button', { name: 'Đăng xuất' }).click();
  assert.equal((await gone).status(), 204);
  await page.getByRole('link', { name: 'Đăng nhập' }).waitFor();
  assert.equal(await page.evaluate(() => localStorage.getItem('test.push')), null);
  await page.context().close();
});

test('a browser that refuses says how to change that', async () => {
  const page = await visit();
  await page.context().clearPermissions();
  await page.addInitScript(() => { Notification.requestPermission = async () => 'denied'; });
  await page.goto('/me/preferences');
  await page.evaluate(() => navigator.serviceWorker.ready);
  await page.reload();
  await page.getByRole('button', { name: 'Bật trên máy này' }).click();
  await page.getByText('Trình duyệt đang chặn thông báo.').waitFor();
  await page.context().close();
});
