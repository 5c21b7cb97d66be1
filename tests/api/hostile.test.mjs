// SPDX-License-Identifier: Apache-2.0
// What a city's door meets on an ordinary day: broken, slow, greedy and lying clients. Every one gets a
// clear answer or is closed, nothing is lost, and the next citizen notices nothing.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, afterEach, before, describe, it } from 'node:test';
import { City, pothole } from '../support/city.mjs';

let city, citizen, officer, nobody, port;

before(async () => {
  city = await City.start({ set: ['http_idle_s=5', 'http_header_s=1', 'http_body_s=1', 'http_body_rate=10000000'] });
  [citizen, officer, nobody] = await Promise.all(['citizen', 'officer', undefined].map((role) => city.as(role)));
  port = Number(new URL(city.url).port);
});
after(() => city?.drop());
afterEach(async () => {
  const reply = await nobody.get('/healthz');
  assert.equal(reply.text, 'ok\n', 'the server goes on');
});

/** Send bytes as they are; @returns everything that came back until the end, or until `until` matches. */
function raw(bytes, { until, ms = 8000 } = {}) {
  return new Promise((done, fail) => {
    const s = connect(port, '127.0.0.1');
    let got = '';
    const timer = setTimeout(() => { s.destroy(); fail(new Error(`no end after ${ms} ms: ${got.slice(0, 200)}`)); }, ms);
    const end = () => { clearTimeout(timer); s.destroy(); done(got); };
    s.on('data', (d) => { got += d.toString('latin1'); if (until?.test(got)) end(); });
    s.on('close', end);
    s.on('error', end);
    s.on('connect', () => s.write(bytes));
  });
}
const status = (text) => Number(/^HTTP\/1\.[01] (\d{3})/.exec(text)?.[1]);
const line = (method, path, ...headers) => `${method} ${path} HTTP/1.1\r\nHost: city\r\n${headers.map((h) => `${h}\r\n`).join('')}\r\n`;

describe('framing', () => {
  for (const [what, bytes] of [
    ['length and chunks at once', `${line('POST', '/api/v1/session', 'Content-Length: 4', 'Transfer-Encoding: chunked')}0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n`],
    ['two lengths', `${line('POST', '/api/v1/session', 'Content-Length: 2', 'Content-Length: 3')}{} `],
    ['a negative length', line('POST', '/api/v1/session', 'Content-Length: -1')],
    ['an unknown coding', line('POST', '/api/v1/session', 'Transfer-Encoding: gzip')],
    ['two hosts', line('GET', '/healthz', 'Host: other')],
    ['no host', 'GET /healthz HTTP/1.1\r\n\r\n'],
  ])
    it(`refuses ${what} and closes`, async () => {
      const text = await raw(bytes);
      assert.equal(status(text), 400, text);
      assert.doesNotMatch(text, /HTTP\/1\.1 200/, 'what follows is not taken for a request');
    });

  // These the HTTP library refuses by itself, in HTML: docs/API.md says which, so they must stay these.
  for (const [what, bytes, want] of [
    ['an address beyond 8 kB', line('GET', `/${'a'.repeat(20_000)}`), 414],
    ['a header beyond 8 kB', line('GET', '/healthz', `X: ${'y'.repeat(20_000)}`), 431],
    ['more fields than fit', line('GET', '/healthz', ...Array.from({ length: 300 }, () => 'A: b')), 431],
    ['a length that is no number', line('POST', '/api/v1/session', 'Content-Length: five'), 400],
    ['a length beyond 64 bits', line('POST', '/api/v1/session', 'Content-Length: 99999999999999999999'), 413],
    ['a field without a colon', line('GET', '/healthz', 'no colon'), 400],
    ['a broken chunk', `${line('POST', '/api/v1/session', 'Content-Type: application/json', 'Transfer-Encoding: chunked')}zz\r\n`, 400],
    ['a version that there is not', 'GET /healthz HTTP/9.9\r\nHost: city\r\n\r\n', 505],
  ])
    it(`says ${want} to ${what} and closes`, async () => {
      let text = '';
      for (let i = 0; !text && i < 5; i++) text = await raw(bytes + line('GET', '/healthz')); // a reset for what was not read may overtake the answer
      assert.equal(status(text), want, text.slice(0, 200));
      assert.doesNotMatch(text, /HTTP\/1\.1 200/, 'what follows is not taken for a request');
    });
  it('refuses in its own words what is just short enough to be read', async () => {
    const reply = await nobody.get(`/api/v1/units?x=${'a'.repeat(7000)}`);
    assert.equal(reply.status, 400);
    assert.match(reply.headers.get('content-type'), /problem\+json/);
  });

  it('answers pipelined requests in order', async () => {
    const text = await raw(line('GET', '/healthz') + line('GET', '/api/v1/nothing') + line('GET', '/readyz', 'Connection: close'));
    assert.deepEqual([...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map((m) => m[1]), ['200', '404', '200']);
  });

  it('survives noise', async () => {
    const noise = ['\0\0\0\0', '\x16\x03\x01\x02\x00\x01\x00', 'GET', 'GET / HTTP/9.9\r\n\r\n', '\r\n\r\n\r\n', `GET /${'a'.repeat(20000)} HTTP/1.1\r\n\r\n`,
      line('GET', '/', `X: ${'y'.repeat(20000)}`), line('GET', '/', ...Array.from({ length: 2000 }, (_, i) => `H${i}: v`)), line('GET', '/', 'X : y'), line('GET', '/', 'no colon')];
    for (const text of await Promise.all(noise.map((n) => raw(Buffer.from(n, 'latin1'), { ms: 15000 }))))
      assert.ok(text === '' || status(text) >= 400, text.slice(0, 100));
  });
});

describe('slow clients', () => {
  const held = async (first, byte) => {
    const start = Date.now();
    await new Promise((done) => {
      const s = connect(port, '127.0.0.1', () => s.write(first));
      const tick = setInterval(() => s.write(byte), 100);
      s.on('error', () => {});
      s.on('close', () => { clearInterval(tick); done(); });
      s.resume();
    });
    return Date.now() - start;
  };
  it('are closed when the header trickles', async () => {
    const ms = await held('GET /healthz HTTP/1.1\r\nX: ', 'a');
    assert.ok(ms >= 900 && ms < 6000, `${ms} ms`);
  });
  it('are closed when the body trickles', async () => {
    const ms = await held(line('POST', '/api/v1/session', 'Content-Type: application/json', 'Content-Length: 5000'), ' ');
    assert.ok(ms >= 900 && ms < 6000, `${ms} ms`);
  });
  it('may go away in the middle', async () => {
    for (const bytes of ['GET /heal', line('POST', '/api/v1/session', 'Content-Length: 50') + '{"us', line('GET', '/api/v1/records/report?limit=1000')])
      await new Promise((done) => {
        const s = connect(port, '127.0.0.1', () => { s.write(bytes); setImmediate(() => s.resetAndDestroy?.() ?? s.destroy()); });
        s.on('error', () => {});
        s.on('close', done);
      });
  });
  it('do not keep others out', async () => {
    const idle = await Promise.all(Array.from({ length: 500 }, () => new Promise((done, fail) => {
      const s = connect(port, '127.0.0.1', () => done(s));
      s.on('error', fail);
    })));
    assert.equal((await nobody.get('/readyz')).status, 200);
    for (const s of idle) s.destroy();
  });
});

describe('greedy clients', () => {
  it('get 413 for 10 MB where 1 MB is allowed, in words', async () => {
    const reply = await citizen.request('POST', '/api/v1/records/report', { raw: `{"description":"${'x'.repeat(10 << 20)}"}`, headers: { 'content-type': 'application/json' } });
    assert.equal(reply.status, 413);
    assert.equal(reply.json.code, 'BODY_TOO_LARGE');
  });
  it('get 413 for chunks without end', async () => {
    const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`;
    const text = await raw(`${line('POST', '/api/v1/records/report', 'Content-Type: application/json', 'Transfer-Encoding: chunked')}${chunk.repeat(40)}0\r\n\r\n`, { until: /BODY_TOO_LARGE/ });
    assert.equal(status(text), 413);
  });
  it('are told before they send if they ask', async () => {
    const text = await raw(line('POST', '/api/v1/records/report', 'Content-Length: 99999999', 'Expect: 100-continue'));
    assert.equal(status(text), 413);
  });
  it('get a 400 for too many parameters and a page of at most 1,000', async () => {
    assert.equal((await nobody.get(`/api/v1/records/report?${'q=a&'.repeat(300)}`)).status, 400);
    assert.equal((await nobody.get('/api/v1/records/report?limit=1001')).status, 400);
    assert.equal((await nobody.get('/api/v1/records/report?limit=-1')).status, 400);
  });
});

describe('paths', () => {
  for (const [path, code] of [
    ['/api/v1/records/report%00', 400], ['/api/v1/records/%00', 400], ['/healthz?x=%00', 400], ['/api/v1/records/report/%zz', 400],
    ['/api/v1/records/report%2F0000000000000', 404], ['/api/v1/records/..%2F..%2Fetc', 404], ['/..%2F..%2Fetc%2Fpasswd', 404],
    ['/../../../../etc/passwd', 404], ['/assets/../../../etc/passwd', 404], ['//api/v1/records/report', 404], ['/api/v1/records/report/', 404],
    ['/api//v1/records/report', 404], ['/api/v1/records/%ff', 400], ['/api/v1/files/..%2f..%2fcity.db', 404], ['/api/v1/records/report/%2e%2e', 404],
  ])
    it(`answers ${code} to ${path}`, async () => {
      const text = await raw(line('GET', path, 'Connection: close'));
      assert.equal(status(text), code, text.slice(0, 300));
      assert.doesNotMatch(text, /root:|SQLite/);
    });

  it('refuses unknown methods and says which are known', async () => {
    assert.equal(status(await raw(line('TRACE', '/healthz', 'Connection: close'))), 405);
    const text = await raw(line('DELETE', '/api/v1/types', 'Connection: close'));
    assert.equal(status(text), 405);
    assert.match(text, /Allow: GET, HEAD, OPTIONS/);
  });
  it('refuses parameters that do not exist', async () => {
    for (const path of ['/healthz?a=1', '/api/v1/events?what=1', '/api/v1/units/at?lon=1&lat=1&x=1']) {
      const reply = await nobody.get(path);
      assert.equal(reply.status, 400, path);
      assert.equal(reply.json.code, 'PARAMETER_UNKNOWN');
    }
    assert.equal((await nobody.get('/api/v1/records/report?colour=red')).json.code, 'FILTER_INVALID');
  });
});

describe('bodies', () => {
  const send = (text, type = 'application/json') => citizen.request('POST', '/api/v1/records/report', { raw: text, headers: { 'content-type': type } });
  for (const [what, text, code] of [
    ['nothing', '', 'JSON_SYNTAX'], ['half an object', '{"a":', 'JSON_SYNTAX'], ['two values', '{} {}', 'JSON_SYNTAX'], ['a key twice', '{"a":1,"a":2}', 'JSON_SYNTAX'],
    ['a comment', '{/* */}', 'JSON_SYNTAX'], ['NaN', '{"a":NaN}', 'JSON_SYNTAX'], ['a lone surrogate', '{"a":"\\ud800"}', 'JSON_SYNTAX'], ['U+0000', '{"a":"\\u0000"}', 'JSON_SYNTAX'],
    ['bad UTF-8', Buffer.from('7b2261223a22c328227d', 'hex'), 'JSON_SYNTAX'], ['a byte order mark', '\ufeff{}', 'JSON_SYNTAX'],
    ['a hundred thousand brackets', '['.repeat(100000), 'JSON_DEPTH'], ['deep objects', `${'{"a":'.repeat(100)}1${'}'.repeat(100)}`, 'JSON_DEPTH'],
  ])
    it(`says what is wrong with ${what}`, async () => {
      const reply = await send(text);
      assert.equal(reply.status, 400, reply.text);
      assert.equal(reply.json.code, code, reply.text);
      assert.match(reply.headers.get('content-type'), /problem\+json/);
    });
  it('takes no other type for JSON', async () => {
    assert.equal((await send('{}', 'text/plain')).status, 415);
    assert.equal((await send('a=1', 'application/x-www-form-urlencoded')).status, 415);
  });
  it('wants an object', async () => {
    for (const text of ['[]', '1', 'null', '"x"']) assert.equal((await send(text)).status, 422, text);
  });

  it('finds every field of a wrong type at once, and stores nothing', async () => {
    const before = (await citizen.get('/api/v1/records/report?limit=1')).json.items[0]?.id;
    const wrong = { category: 7, description: ['x'], location: 'here', address: {}, photos: 'none', anonymous: 'yes', contact_phone: 12345678, contact_email: 'x', nonsense: 1 };
    const reply = await citizen.post('/api/v1/records/report', wrong);
    assert.equal(reply.status, 422, reply.text);
    const pointers = reply.json.issues.map((i) => i.pointer);
    for (const field of Object.keys(wrong)) assert.ok(pointers.some((p) => p.startsWith(`/${field}`)), `${field}: ${pointers}`);
    for (const i of reply.json.issues) assert.ok(i.code && i.message, JSON.stringify(i));
    assert.equal((await citizen.get('/api/v1/records/report?limit=1')).json.items[0]?.id, before);
  });
  it('refuses numbers that are none and points off the globe', async () => {
    for (const location of ['{"lon":1e400,"lat":21}', '{"lon":181,"lat":21}', '{"lon":105,"lat":-91}', '{"lon":null,"lat":21}', '{"lon":105}', '{"lon":105,"lat":21,"z":1}']) {
      const reply = await send(`{"category":"pothole","description":"A hole in the road","location":${location}}`);
      assert.equal(reply.status, 422, `${location}: ${reply.text}`);
    }
  });
  it('cannot set what is not the citizen\'s to set', async () => {
    for (const more of [{ status: 'closed' }, { unit: 'H26' }, { number: 'PA-2026-999999' }, { public: false }, { reporter: officer.account.id }]) {
      const reply = await citizen.post('/api/v1/records/report', pothole(more));
      assert.ok([403, 422].includes(reply.status), `${JSON.stringify(more)}: ${reply.status} ${reply.text}`);
    }
  });
  it('keeps text that looks like code as text', async () => {
    const description = `<script>alert(1)</script>'; DROP TABLE event; -- \${7*7} {{7*7}} \u202e`;
    const reply = await citizen.post('/api/v1/records/report', pothole({ description }));
    assert.equal(reply.status, 201, reply.text);
    assert.equal((await citizen.get(`/api/v1/records/report/${reply.json.id}`)).json.description, description);
  });
  it('searches for anything without breaking', async () => {
    for (const q of ['"', '*', 'AND OR NOT', "' OR 1=1 --", '\u0301\u0301', '(((', 'a'.repeat(2000), '%', '\\', 'NEAR(a b)', ':', '^a', 'col:x']) {
      const reply = await nobody.get(`/api/v1/records/report?q=${encodeURIComponent(q)}`);
      assert.ok([200, 400].includes(reply.status), `${q}: ${reply.status} ${reply.text}`);
    }
  });
});

describe('files', () => {
  const upload = (bytes, name = 'x.jpg') => {
    const form = new FormData();
    form.append('file', new Blob([bytes]), name);
    return citizen.request('POST', '/api/v1/files', { raw: form });
  };
  it('are taken by what they are, not by their names', async () => {
    for (const [bytes, name] of [['<html><script>', 'a.jpg'], ['', 'a.png'], ['GIF89a', 'a.gif'], ['MZ\x90', '../../../a.exe'], ['\xff\xd8\xff', 'a.jpg'], ['\x89PNG\r\n\x1a\n', 'a.png'], ['%PDF-1.7', 'a.pdf'],
      ['RIFF\xff\xff\xff\xffWEBP', 'a.webp'], ['\0\0\0\x18ftypmp42', '\0.mp4']]) {
      const reply = await upload(Buffer.from(bytes, 'latin1'), name);
      assert.ok([400, 415, 422].includes(reply.status), `${name}: ${reply.status} ${reply.text}`);
    }
  });
  it('may have broken forms around them', async () => {
    for (const raw of ['', '--b', '--b\r\n', '--b\r\nContent-Disposition: form-data; name="file"\r\n\r\n', '--b\r\n\r\n\r\n--b--', '--b--'])
      for (const type of ['multipart/form-data; boundary=b', 'multipart/form-data', 'multipart/form-data; boundary=', `multipart/form-data; boundary=${'b'.repeat(200)}`]) {
        const reply = await citizen.request('POST', '/api/v1/files', { raw, headers: { 'content-type': type } });
        assert.ok([400, 415, 422].includes(reply.status), `${type} ${raw}: ${reply.status} ${reply.text}`);
      }
  });
});

describe('liars', () => {
  it('with forged, cut and foreign tokens are nobody', async () => {
    const good = citizen.headers.authorization;
    for (const authorization of ['Bearer x', 'Bearer ', 'Bearer', `${good}x`, good.slice(0, -1), 'Basic YTpi', `Bearer ${'a'.repeat(5000)}`, 'Bearer khk_0000', good.toUpperCase()]) {
      const reply = await nobody.request('GET', '/api/v1/tasks', { headers: { authorization } });
      assert.equal(reply.status, 401, `${authorization.slice(0, 30)}: ${reply.status}`);
    }
  });
  it('are told so by the session, but who sends nothing is just nobody', async () => {
    const session = (headers) => nobody.request('GET', '/api/v1/session', { headers });
    for (const headers of [{}, { cookie: 'khue_session=stale' }]) {
      const reply = await session(headers);
      assert.equal(reply.status, 200, reply.text);
      assert.deepEqual(reply.json, { account: null });
      assert.match(reply.headers.get('cache-control'), /no-store/);
    }
    for (const headers of [{ authorization: 'Bearer stale' }, { 'x-api-key': 'khk_0000' }]) {
      const reply = await session(headers);
      assert.equal(reply.status, 401, reply.text);
    }
    const reply = await citizen.get('/api/v1/session');
    assert.equal(reply.json.account.username, citizen.account.username);
  });
  it('from another page cannot act for somebody', async () => {
    const signIn = await nobody.post('/api/v1/session', city.accounts.citizen);
    const cookie = /khue_session=[^;]+/.exec(signIn.headers.get('set-cookie'))[0];
    const post = (headers) => nobody.request('POST', '/api/v1/records/report', { body: pothole(), headers: { cookie, ...headers } });
    assert.equal((await post({})).json.code, 'CSRF');
    assert.equal((await post({ 'x-csrf-token': 'guess' })).json.code, 'CSRF');
    assert.equal((await post({ 'x-csrf-token': signIn.json.csrf, 'sec-fetch-site': 'cross-site' })).json.code, 'CSRF');
    assert.equal((await post({ 'x-csrf-token': signIn.json.csrf })).status, 201);
  });
  it('with a stale or foreign ETag change nothing', async () => {
    const report = (await citizen.post('/api/v1/records/report', pothole())).json;
    const etag = (await officer.get(`/api/v1/records/report/${report.id}`)).headers.get('etag');
    const patch = (tag) => officer.patch(`/api/v1/records/report/${report.id}`, { address: 'Số 1' }, { 'if-match': tag });
    assert.equal((await patch('"nonsense"')).status, 412);
    assert.equal((await patch(etag)).status, 200);
    assert.equal((await patch(etag)).status, 412);
  });
  it('cannot use one Idempotency-Key for two things', async () => {
    const key = { 'idempotency-key': `k-${Date.now()}` };
    const first = await citizen.post('/api/v1/records/report', pothole(), key);
    const again = await citizen.post('/api/v1/records/report', pothole(), key);
    assert.equal(first.status, 201, first.text);
    assert.equal(again.status, 201);
    assert.equal(again.json.id, first.json.id, 'one report');
    assert.equal(again.headers.get('location'), first.headers.get('location'));
    assert.equal(again.headers.get('idempotency-replayed'), 'true');
    const other = await citizen.post('/api/v1/records/report', pothole({ description: 'Something else altogether' }), key);
    assert.equal(other.status, 422);
    assert.equal(other.json.code, 'IDEMPOTENCY_REUSED');
    const racing = await Promise.all(Array.from({ length: 8 }, () => citizen.post('/api/v1/records/report', pothole(), { 'idempotency-key': `${key['idempotency-key']}-r` })));
    for (const r of racing) assert.equal(r.status, 201, r.text);
    assert.equal(new Set(racing.map((r) => r.json.id)).size, 1, 'all hear of the same one');
  });
  it('get no secret a second time with the key of the first', async () => {
    const { username, password } = city.accounts.citizen;
    const admin = await city.as('admin');
    const account = (await admin.get('/api/v1/accounts?q=congdan')).json.items[0].id;
    for (const [who, path, body] of [[await city.as(), '/api/v1/session', { username, password }], [admin, '/api/v1/keys', { account, name: 'x' }]]) {
      const replies = [];
      for (let i = 0; i < 2; i++) replies.push(await who.post(path, body, { 'idempotency-key': `k-${path}` }));
      for (const r of replies) assert.equal(r.status, 201, r.text);
      assert.equal(replies[1].headers.get('idempotency-replayed'), null, `${path} is not kept`);
      assert.notEqual(replies[0].text, replies[1].text);
    }
  });
});

describe('the log', () => {
  it('has no fault of ours, and nobody\'s words in it', () => {
    assert.doesNotMatch(city.log, /level=error|Sanitizer|runtime error/, city.log.slice(-3000));
    assert.doesNotMatch(city.log, /DROP TABLE|alert\(1\)/);
  });
});
