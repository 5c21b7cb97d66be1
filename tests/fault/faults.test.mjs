// SPDX-License-Identifier: Apache-2.0
// The n-th step of something fails (base/fault.h): whoever asked is told so in plain terms, the
// server goes on, and what is stored stays whole. Both are seen: a server that cannot start, and
// one reply of many that fails. Without memory, and when the disk does not sync, the process ends, and a
// restart finds whole cases.
// KHUE_FAULT_DEEP=1 tries many more n instead of some (an hour).
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { after, before, it } from 'node:test';
import { City, onPostgres, pothole, root } from '../support/city.mjs';

const deep = !!process.env.KHUE_FAULT_DEEP;
/** n of each point while the server starts, and from then on. */
const starts = { 'store.step': [1, 5, 20, 40], 'store.commit': [1, 4, 8], alloc: [1, 90, 2000, 10_000] };
const points = {
  'store.step': deep ? range(1, 1500, 7) : spread(700, 12),
  'store.commit': deep ? range(1, 40) : [1, 2, 3, 4, 5, 6],
  'store.sync': deep ? range(1, 20) : [1, 2, 3, 4],
  ...(onPostgres ? {} : { 'store.write': deep ? range(1, 200, 3) : spread(60, 8) }),
  'blob.write': [1, 2],
  alloc: deep ? range(1, 20_000, 131) : spread(9000, 12),
  malloc: deep ? range(1, 20_000, 211) : spread(9000, 8),
};

function range(from, to, step = 1) {
  return Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, i) => from + i * step);
}

/** Numbers from 1 to `to`, dense at first. */
function spread(to, count) {
  return [...new Set(Array.from({ length: count }, (_, i) => Math.round(to ** (i / (count - 1)))))];
}

/** A picture that differs in one pixel, so that its bytes are new to the city. */
const photo = (n) => spawnSync('node', ['-e', PNG, String(n)]).stdout;
const PNG = `
const { deflateSync, crc32 } = require('zlib');
const table = Array.from({ length: 256 }, (_, i) => { for (let k = 0; k < 8; k++) i = i & 1 ? (i >>> 1) ^ 0xedb88320 : i >>> 1; return i >>> 0; });
const crc = (b) => { let c = 0xffffffff; for (const x of b) c = (c >>> 8) ^ table[(c ^ x) & 255]; return ~c >>> 0; };
const chunk = (type, data) => { const n = Buffer.alloc(4), body = Buffer.concat([Buffer.from(type), data]), end = Buffer.alloc(4);
  n.writeUInt32BE(data.length); end.writeUInt32BE(crc(body)); return Buffer.concat([n, body, end]); };
const head = Buffer.alloc(13); head.writeUInt32BE(8, 0); head.writeUInt32BE(8, 4); head.set([8, 2, 0, 0, 0], 8);
const rows = Buffer.alloc(8 * 25, 90); for (let y = 0; y < 8; y++) rows[y * 25] = 0; rows.writeUInt32BE(Number(process.argv[1]) >>> 0, 1);
process.stdout.write(Buffer.concat([Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]), chunk('IHDR', head), chunk('IDAT', deflateSync(rows)), chunk('IEND', Buffer.alloc(0))]));`;

let city, citizen, officer, dispatcher;
const acknowledged = new Map(); // id -> the furthest status that a reply has confirmed
const rank = { new: 0, in_progress: 1, done: 2, closed: 3 };

before(async () => {
  city = await City.start();
  [citizen, officer, dispatcher] = await Promise.all(['citizen', 'officer', 'dispatcher'].map((role) => city.as(role)));
  assert.equal(await city.stop(), 0);
});
after(() => city?.drop());

/** A reply is a success or a problem that says what it is. @returns true for a success */
function clean(reply, what) {
  if (reply.status < 400) return true;
  const text = `${what}: ${reply.status} ${reply.text}`;
  assert.match(reply.headers.get('content-type') ?? '', /^application\/problem\+json/, text);
  assert.equal(reply.json?.status, reply.status, text);
  assert.match(reply.json.code ?? '', /^[A-Z][A-Z0-9_]+$/, text);
  assert.ok(reply.json.title, text);
  assert.doesNotMatch(reply.text, /SELECT|INSERT|sqlite|postgres|\.c:\d/i, 'no insides are shown');
  return false;
}

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/** An end without memory, or after a sync that failed (SQLite: docs/adr/0012), is one on purpose, not a crash. */
function endedOnPurpose(signal, what) {
  assert.equal(signal, 'SIGABRT', `${what}\n${city.log.slice(-6000)}`);
  assert.match(city.log, /khue: (out of memory|the disk did not take a sync; .*)\n/, what);
  assert.doesNotMatch(city.log, /Sanitizer|runtime error/, what);
  city.child = undefined;
}

/** No reply: the connection was closed, or the process ended and is started again. */
async function silence(what) {
  const end = await Promise.race([city.exited, sleep(3000)]);
  if (!end) return 'closed';
  endedOnPurpose(end.signal, what);
  delete city.env.KHUE_FAULT_SERVING;
  await city.serve();
  return 'ended';
}

/** Ask again after a failure, as a client does: a fault happens once, so the second try works. */
async function ask(what, call, failures) {
  for (let tries = 0; tries < 3; tries++) {
    let reply;
    try {
      reply = await call();
    } catch {
      failures.push(`${what}: ${await silence(what)}`);
      continue;
    }
    if (clean(reply, what)) return reply;
    // The first try may have happened although its reply said that nobody knows.
    if (reply.status === 409 && tries > 0) return reply;
    failures.push(`${what}: ${reply.status} ${reply.json.code}`);
  }
  assert.fail(`${what} does not recover: ${failures.join('; ')}`);
}

async function story(n) {
  const failures = [];
  const upload = () => {
    const form = new FormData();
    form.append('file', new Blob([photo(n)]), 'a.png');
    return citizen.request('POST', '/api/v1/files', { raw: form });
  };
  const file = await ask('upload', upload, failures);
  const filed = await ask('file', () => citizen.post('/api/v1/records/report', pothole({ photos: [file.json.id] })), failures);
  const { id } = filed.json;
  acknowledged.set(id, 'new');
  for (const [key, answers, status] of [['triage', { decision: 'accept' }, 'in_progress'],
    ['handle', { decision: 'done', answer: 'Đã xử lý xong.' }, 'done']]) {
    const open = await ask(`find ${key}`, () => officer.get(`/api/v1/tasks?case=${id}`), failures);
    const task = open.json.items.find((t) => t.key === key);
    assert.ok(task, `${key} of ${id} waits`);
    await ask(key, () => officer.complete(task, answers), failures);
    acknowledged.set(id, status);
  }
  const seen = await ask('read', () => citizen.get(`/api/v1/records/report/${id}`), failures);
  assert.equal(seen.json.status, 'done');
  return failures;
}

/** Nothing acknowledged is lost, and each case waits for exactly what its status says. */
async function whole(since) {
  for (const [id, status] of acknowledged) {
    const reply = await dispatcher.get(`/api/v1/records/report/${id}`);
    assert.equal(reply.status, 200, `the acknowledged report ${id} is there`);
    assert.ok(rank[reply.json.status] >= rank[status], `${id} is at least ${status}, not ${reply.json.status}`);
  }
  const list = (await dispatcher.get('/api/v1/records/report?limit=500&sort=-id')).json.items.filter((r) => r.meta.recorded_at >= since);
  assert.ok(list.length >= acknowledged.size, 'the list has them all');
  for (const r of list) {
    const tasks = (await dispatcher.get(`/api/v1/tasks?case=${r.id}`)).json.items;
    const expected = { new: 'triage', in_progress: 'handle', done: 'rate' }[r.status];
    assert.deepEqual(tasks.map((t) => t.key), [expected], `the one task of ${r.id} (${r.status})`);
    assert.ok(r.number && r.unit, 'numbered and routed');
  }
  assert.equal(new Set(list.map((r) => r.number)).size, list.length, 'no number twice');
}

function chainHolds() {
  const verified = city.khue('audit', 'verify', '--data', city.dir);
  assert.equal(verified.status, 0, verified.stdout + verified.stderr);
}

for (const [point, ns] of Object.entries(starts))
  it(`a start with a failing ${point} works or says why not`, { timeout: 120_000 }, async () => {
    let refused = 0;
    for (const n of ns) {
      city.env.KHUE_FAULT = `${point}:${n}`;
      try {
        await city.serve();
        assert.equal(await city.stop(), 0, `${point}:${n}: a clean end\n${city.log}`);
      } catch (e) {
        assert.match(e.message, /khue serve ended: 1\n/, `${point}:${n}`);
        assert.match(e.message, /khue: serve: .+ \([A-Z_]+\)/, `${point}:${n}`);
        assert.doesNotMatch(e.message, /Sanitizer|runtime error/, `${point}:${n}`);
        city.child = undefined;
        refused++;
      } finally {
        delete city.env.KHUE_FAULT;
      }
    }
    assert.ok(refused > 0, `${point} has struck`);
  });

/** Start with a fault to come; one that strikes at once is said, and the start tried without. */
async function serveWith(fault) {
  city.env.KHUE_FAULT_SERVING = fault;
  try {
    await city.serve();
  } catch (e) {
    if (/ended: SIGABRT/.test(e.message)) endedOnPurpose('SIGABRT', fault);
    else assert.match(e.message, /khue serve ended: 1\n[^]*khue: serve: .+ \([A-Z_]+\)/, fault);
    delete city.env.KHUE_FAULT_SERVING;
    await city.serve();
  }
}

/** An end as an operator orders it; the fault may strike even there. */
async function stopAfter(fault) {
  const code = await city.stop();
  const { signal } = await city.exited;
  if (signal && /^(malloc|store\.sync):/.test(fault)) {
    assert.match(city.log, fault.startsWith('malloc:') ? /khue: out of memory\n/ : /khue: the disk did not take a sync; /, fault);
    endedOnPurpose(signal, fault);
  }
  else assert.equal(code, 0, `${fault}: a clean end\n${city.log.slice(-6000)}`);
}

for (const [point, ns] of Object.entries(points))
  it(`a failing ${point} is told, survived, and leaves whole cases`, { timeout: deep ? 3_600_000 : 240_000 }, async (t) => {
    const since = new Date().toISOString();
    const told = [];
    acknowledged.clear();
    // What happens beside the story takes some of the strikes: go on until one is told.
    for (let i = 0; i < ns.length || (told.length === 0 && i < ns.length + 40); i++) {
      const n = ns[i] ?? (ns.at(-1) < 60 ? ns.at(-1) + i - ns.length + 1 : 40 * (i - ns.length + 1));
      await serveWith(`${point}:${n}`);
      try {
        told.push(...(await story(Date.now() + n)).map((f) => `${n} ${f}`));
      } catch (e) {
        e.message = `${point}:${n}: ${e.message}\n${city.log.slice(-6000)}`;
        throw e;
      }
      await stopAfter(`${point}:${n}`);
    }
    delete city.env.KHUE_FAULT_SERVING;
    await city.serve();
    await whole(since);
    assert.equal(await city.stop(), 0);
    t.diagnostic(`${point}: replies that failed: ${told.join(', ')}`);
    assert.ok(told.length > 0, `${point} has struck within a story`);
  });

// Files of the server may not grow beyond a limit: the log of the database soon meets it, and so
// does the copying back into the database.
it('a full disk refuses writes in plain terms, and loses nothing', { skip: onPostgres, timeout: 120_000 }, async () => {
  const since = new Date().toISOString();
  acknowledged.clear();
  city.under = ['prlimit', `--fsize=${1 << 20}`];
  await city.serve();
  let refused = 0;
  for (let i = 0; i < 400 && refused < 5; i++) {
    const reply = await citizen.post('/api/v1/records/report', pothole());
    if (clean(reply, 'file')) {
      acknowledged.set(reply.json.id, 'new');
    } else {
      assert.ok([503, 507].includes(reply.status), reply.text);
      refused++;
    }
  }
  assert.ok(refused >= 5, 'the limit was met');
  const read = await citizen.get('/api/v1/records/report?limit=1');
  assert.equal(read.status, 200, 'reading goes on');
  assert.equal(await city.stop(), 0, city.log.slice(-4000));
  city.under = undefined;
  await city.serve();
  await whole(since);
  assert.equal((await citizen.post('/api/v1/records/report', pothole())).status, 201, 'there is room again');
  assert.equal(await city.stop(), 0);
});

it('the audit chain holds after all that', () => chainHolds());

it('an outage of PostgreSQL is 503, and over when it is over', { skip: !onPostgres || !process.env.KHUE_TEST_PG_DIR, timeout: 120_000 }, async () => {
  const cluster = (what) => {
    const done = spawnSync(join(root, 'tests/support/pgcluster.sh'), [what, process.env.KHUE_TEST_PG_DIR], { encoding: 'utf8', stdio: ['ignore', 'ignore', 'inherit'] });
    assert.equal(done.status, 0, `pgcluster.sh ${what}`);
  };
  const since = new Date().toISOString();
  acknowledged.clear();
  await city.serve();
  let over = false, down = false, after = 0, refused = 0;
  const load = Array.from({ length: 4 }, async () => {
    while (!over) {
      const reply = await citizen.post('/api/v1/records/report', pothole());
      if (clean(reply, 'file')) {
        acknowledged.set(reply.json.id, 'new');
        if (refused && !down) after++;
      } else {
        assert.equal(reply.status, 503, reply.text);
        refused++;
      }
    }
  });
  try {
    await sleep(700);
    cluster('kill');
    down = true;
    const reply = await citizen.get('/api/v1/records/report?limit=1');
    assert.equal(reply.status, 503, reply.text);
    assert.equal(reply.json.code, 'STORE');
    await sleep(700);
  } finally {
    cluster('begin');
    down = false;
  }
  for (const end = Date.now() + 20_000; after < 4 && Date.now() < end;) await sleep(50);
  over = true;
  await Promise.all(load);
  assert.ok(refused > 0 && after >= 4, `${refused} refused, ${after} taken after the outage`);
  await whole(since);
  assert.equal(await city.stop(), 0, city.log.slice(-4000));
  chainHolds();
});
