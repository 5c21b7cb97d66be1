// SPDX-License-Identifier: Apache-2.0
// A city comes into being as a whole or not at all: khue init and khue restore that fail, that are
// killed, or that meet somebody else at work.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, it } from 'node:test';
import { bin, City, newDatabase, onPostgres, run } from '../support/city.mjs';

const base = mkdtempSync(join(tmpdir(), 'khue-test-'));
after(() => rmSync(base, { recursive: true, force: true }));

let cities = 0;
const place = () => join(base, `city-${++cities}`);
const at = (store) => (store ? ['--store', store] : []);
const init = (dir, store, ...more) => run(['init', dir, ...at(store), ...more]);

/** Begin an init and go on when it has said this, or when it has begun to be a folder. */
async function begun(dir, store, said) {
  const child = spawn(bin, ['init', dir, ...at(store)], { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = new Promise((done) => child.on('exit', (code, signal) => done(code ?? signal)));
  let log = '';
  await new Promise((done) => {
    child.stderr.on('data', (d) => { log += d; if (said?.test(log)) done(); });
    const look = said ? undefined : setInterval(() => { if (existsSync(join(dir, 'khue.conf.unfinished'))) done(); }, 1);
    ended.then(done).finally(() => clearInterval(look));
  });
  return { child, ended };
}

/** No command takes the folder for a city. */
function isNoCity(dir, store) {
  for (const args of [['serve', '--listen', '127.0.0.1:0'], ['audit', 'verify'], ['pack', 'list'], ['backup', place()]]) {
    const reply = run([...args, '--data', dir, ...at(store)], { timeout: 20_000 });
    assert.equal(reply.status, 1, `${args[0]}: ${reply.stdout}${reply.stderr}`);
    assert.match(reply.stderr, /is not finished: khue init was cut off there/, args[0]);
  }
}

async function serves(dir, store) {
  const city = Object.assign(new City(), { dir, store, set: [], env: process.env, base: dir });
  await city.serve();
  const ward = await (await city.as()).get('/api/v1/units/at?lon=105.8525&lat=21.0288');
  assert.equal(await city.stop(), 0);
  assert.equal(ward.status, 200, ward.text);
  const verified = city.khue('audit', 'verify', '--data', dir);
  assert.equal(verified.status, 0, verified.stdout + verified.stderr);
}

for (const [when, said] of [['as it begins', undefined], ['while it loads packs', /admin-units/], ['near its end', /feedback/]])
  it(`a khue init that is killed ${when} leaves no city, and the next one begins anew`, { timeout: 120_000 }, async () => {
    const dir = place(), store = newDatabase();
    const { child, ended } = await begun(dir, store, said);
    child.kill('SIGKILL');
    assert.equal(await ended, 'SIGKILL', 'it was at work');
    isNoCity(dir, store);
    const again = init(dir, store);
    if (again.status !== 0) {
      // What it left in PostgreSQL is not ours to clear: that is said, and nothing else is left.
      assert.ok(onPostgres, again.stderr);
      assert.match(again.stderr, /the database holds a city, or what is left of one/);
      assert.ok(!existsSync(dir), 'the folder is gone');
    }
    const fresh = again.status === 0 ? store : newDatabase();
    if (again.status !== 0) assert.equal(init(dir, fresh).status, 0);
    await serves(dir, fresh);
  });

it('a khue init that fails leaves nothing', () => {
  const packs = join(base, 'packs'), dir = place();
  mkdirSync(join(packs, 'broken'), { recursive: true });
  writeFileSync(join(packs, 'broken', 'pack.json'), '{"id": "broken"}');
  const made = init(dir, newDatabase(), '--packs', packs);
  assert.equal(made.status, 1);
  assert.match(made.stderr, /pack\.json:1:/);
  assert.ok(!existsSync(dir));
});

it('two at once on one folder: one city, and a plain word to the other', { timeout: 60_000 }, async () => {
  const dir = place(), store = newDatabase();
  const { ended } = await begun(dir, store);
  const other = init(dir, newDatabase());
  assert.equal(other.status, 1);
  assert.match(other.stderr, /another command is making a city in/);
  assert.equal(await ended, 0);
  await serves(dir, store);
});

it('a folder with a city or anything else in it is not touched; an empty one is taken', { timeout: 60_000 }, async () => {
  const dir = place(), store = newDatabase(), other = place();
  mkdirSync(dir);
  assert.equal(init(dir, store).status, 0);
  const before = readdirSync(dir);
  assert.match(init(dir, newDatabase()).stderr, /holds a city already/);
  assert.deepEqual(readdirSync(dir), before);
  mkdirSync(other);
  writeFileSync(join(other, 'letter.txt'), 'mine');
  assert.match(init(other, newDatabase()).stderr, /is there already and not empty/);
  assert.deepEqual(readdirSync(other), ['letter.txt']);
  if (onPostgres) assert.match(init(place(), store).stderr, /the database holds a city/);
  await serves(dir, store);
});

it('a restore that fails leaves nothing', { timeout: 60_000 }, async () => {
  const dir = place(), store = newDatabase(), copy = place(), to = place();
  assert.equal(init(dir, store).status, 0);
  const kept = run(['backup', '--data', dir, copy, ...at(store)]);
  assert.equal(kept.status, 0, kept.stderr);
  const whole = run(['restore', '--from', copy, '--data', to, ...at(newDatabase())]);
  assert.equal(whole.status, 0, whole.stderr);
  const size = (name) => statSync(join(copy, name)).size;
  truncateSync(join(copy, readdirSync(copy).sort((a, b) => size(b) - size(a))[0]), 5000); // most of the data
  const torn = place(), bad = run(['restore', '--from', copy, '--data', torn, ...at(newDatabase())]);
  assert.equal(bad.status, 1, bad.stdout);
  assert.ok(!existsSync(torn));
});
