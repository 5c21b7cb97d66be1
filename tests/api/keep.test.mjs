// SPDX-License-Identifier: Apache-2.0
// What an operator relies on: copies of a running city, and the proof that nothing was altered.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { bin, City, onPostgres, pothole, run } from '../support/city.mjs';

let city, citizen, report;

before(async () => {
  city = await City.start();
  citizen = await city.as('citizen');
  report = (await citizen.post('/api/v1/records/report', pothole())).json;
});
after(() => city?.drop());

/** Change rows as somebody with access to the database would. */
function behindTheBack(sql) {
  const done = onPostgres
    ? spawnSync('psql', ['-q', '-v', 'ON_ERROR_STOP=1', '-d', city.store, '-c', sql], { encoding: 'utf8' })
    : spawnSync('sqlite3', [join(city.dir, 'city.db'), sql], { encoding: 'utf8' });
  assert.equal(done.status, 0, done.stderr);
}

const idNumber = (text) => [...text].reduce((v, c) => v * 32n + BigInt('0123456789abcdefghjkmnpqrstvwxyz'.indexOf(c)), 0n);

describe('a copy', () => {
  it('is made while the server works, and verifies when restored', async () => {
    const copy = join(city.base, 'copy'), again = join(city.base, 'again');
    const made = city.khue('backup', '--data', city.dir, copy);
    assert.equal(made.status, 0, made.stderr);
    assert.ok(existsSync(join(copy, 'khue.conf')));
    if (onPostgres) return; // the store's own tests restore into an empty schema
    const restored = run(['restore', '--from', copy, '--data', again]);
    assert.equal(restored.status, 0, restored.stdout + restored.stderr);
    assert.match(restored.stdout, /nothing was altered/);
    const other = Object.assign(new City(), { base: again, dir: again, env: process.env, set: [], accounts: city.accounts });
    await other.serve();
    const there = await (await other.as('dispatcher')).get(`/api/v1/records/report/${report.id}`);
    assert.equal(there.json.number, report.number);
    await other.stop();
  });

  it('is not made over another', () => {
    const again = city.khue('backup', '--data', city.dir, join(city.base, 'copy'));
    assert.equal(again.status, 1);
    assert.match(again.stderr, /cannot make/);
  });
});

describe('a layer in one line', () => {
  const feature = (id, properties, coordinates = [105.85, 21.03]) => ({ type: 'Feature', ...(id === undefined ? {} : { id }), properties: { source: 'city', ...properties }, geometry: { type: 'Point', coordinates } });
  const layer = JSON.stringify({ type: 'FeatureCollection', features: [
    feature('city:S1', { name: 'Trạm tốt', lines: ['01'] }), feature(undefined, { code: 'city:S2' }), feature('city:S3', { name: 7 })] });

  it('is told by the place of the feature and its id, not by the line alone', async () => {
    const path = join(city.base, 'stops.geojson'), errors = join(city.base, 'errors.ndjson');
    writeFileSync(path, layer);
    const done = city.khue('import', '--data', city.dir, '--type', 'bus_stop', path, '--dry-run', '--errors', errors);
    assert.equal(done.status, 1, done.stdout + done.stderr);
    assert.match(done.stderr, /^line 1, features\[1\]: \/name: /m);
    assert.match(done.stderr, /^line 1, features\[2\], id city:S3: \/name: /m);
    const told = readFileSync(errors, 'utf8').trim().split('\n').map((l) => JSON.parse(l));
    assert.deepEqual(told.map((e) => [e.line, e.feature, e.id]), [[1, 1, undefined], [1, 2, 'city:S3']]);

    const admin = await city.as('admin');
    const reply = await admin.request('POST', '/api/v1/records/bus_stop/import?dry_run=true', { raw: layer, headers: { 'content-type': 'application/geo+json' } });
    assert.equal(reply.status, 200, reply.text);
    assert.deepEqual(reply.json.errors.map((e) => [e.line, e.feature, e.id]), [[1, 1, undefined], [1, 2, 'city:S3']]);
  });
});

describe('khue audit verify', () => {
  it('finds nothing in an honest city', () => {
    const clean = city.khue('audit', 'verify', '--data', city.dir);
    assert.equal(clean.status, 0, clean.stdout + clean.stderr);
    assert.match(clean.stdout, /nothing was altered/);
  });

  it('finds nothing while reports come in and tasks are claimed, given back and done', async () => {
    const officer = await city.as('officer');
    const answers = [{ decision: 'accept' }, { decision: 'refuse', reason: 'Trùng.' },
      { decision: 'forward', to_unit: 'H26', reason: 'Ngoài địa bàn.' }];
    let working = true, done = 0;
    // Nobody is refused because another process looks.
    const ask = async (fn, status) => {
      const reply = await fn();
      assert.equal(reply.status, status, reply.text);
      return reply.json;
    };
    const work = async () => {
      while (working) {
        const { id } = await ask(() => citizen.post('/api/v1/records/report', pothole()), 201);
        const task = await officer.task(id, 'triage');
        for (const act of ['claim', 'release', 'claim']) await ask(() => officer.post(`/api/v1/tasks/${task.id}/${act}`), 200);
        await ask(() => officer.complete(task, answers[done++ % answers.length]), 200);
      }
    };
    const lanes = Promise.allSettled([work(), work(), work()]);
    try {
      for (let round = 0; round < 5; round++) {
        const args = ['audit', 'verify', '--data', city.dir, ...(city.store ? ['--store', city.store] : [])];
        const child = spawn(bin, args, { env: city.env });
        let out = '';
        child.stdout.on('data', (d) => { out += d; });
        child.stderr.on('data', (d) => { out += d; });
        const status = await new Promise((over) => child.on('close', over));
        assert.equal(status, 0, out);
      }
    } finally {
      working = false;
    }
    for (const lane of await lanes) assert.ifError(lane.reason);
    assert.ok(done > 3, `${done} tasks were done meanwhile`);
  });

  it('names a record that was changed behind the server\'s back', async () => {
    await city.stop();
    const saved = join(city.base, 'saved');
    if (!onPostgres) cpSync(city.dir, saved, { recursive: true });
    const id = idNumber(report.id);
    behindTheBack(`UPDATE rec_report SET data = replace(data, 'Ổ gà', 'Hố ga') WHERE id = ${id}`);
    const found = city.khue('audit', 'verify', '--data', city.dir);
    assert.equal(found.status, 1, found.stdout);
    assert.match(found.stdout, /changed/);
    assert.ok(found.stdout.includes(report.id), found.stdout);
    behindTheBack(`UPDATE rec_report SET data = replace(data, 'Hố ga', 'Ổ gà') WHERE id = ${id}`);
    assert.equal(city.khue('audit', 'verify', '--data', city.dir).status, 0);
  });

  const sealed = [
    ['a role that was given', 'inserted', 'account_grant', `INSERT INTO account_grant SELECT id + 1, account, 'admin', '', start_us, until_us, given_by, delegated, reason FROM account_grant ORDER BY id LIMIT 1`],
    ['a role that was widened', 'changed', 'account_grant', `UPDATE account_grant SET unit = '' WHERE unit = 'H26.00070'`],
    ['a role that was taken', 'removed', 'account_grant', `DELETE FROM account_grant WHERE role = 'leader'`],
    ['a password that was set', 'changed', 'account', `UPDATE account SET password = (SELECT password FROM account WHERE username = 'congdan') WHERE username = 'quantri'`],
    ['a reading that was wiped out', 'removed', 'access_log', onPostgres
      ? 'ALTER TABLE access_log DISABLE TRIGGER ALL; DELETE FROM access_log; ALTER TABLE access_log ENABLE TRIGGER ALL'
      : `DROP TRIGGER access_log_no_delete; DELETE FROM access_log; CREATE TRIGGER access_log_no_delete BEFORE DELETE ON access_log BEGIN SELECT RAISE(ABORT, 'access_log is insert-only'); END`],
    ['a process that was rewritten', 'changed', 'process', `UPDATE process SET xml = replace(xml, 'PT8H', 'PT80H') WHERE key = 'report'`],
    ['a decision that was rewritten', 'changed', 'decision', `UPDATE decision SET xml = replace(xml, 'normal', 'complex')`],
    ['office hours that were changed', 'changed', 'calendar', `UPDATE calendar SET data = replace(data, '08:00', '09:00')`],
    ['a task that was removed', 'removed', 'task', `DELETE FROM task WHERE id = (SELECT min(id) FROM task WHERE state = 2)`],
    ['a task that was called done', 'changed', 'task', `UPDATE task SET state = 2 WHERE id = (SELECT min(id) FROM task WHERE state < 2)`, 'state'],
    ['a task that was moved to another unit', 'changed', 'task', `UPDATE task SET unit = 'H26.00004' WHERE id = (SELECT max(id) FROM task)`, 'unit'],
    ['a deadline that was put off', 'changed', 'task', `UPDATE task SET due_us = due_us + 60000000 WHERE id = (SELECT max(id) FROM task WHERE state < 2 AND held_us = 0 AND key = 'handle')`, 'due_us'],
    ['a task that was inserted', 'inserted', 'task', `INSERT INTO task SELECT id + 1, instance_id, token, process_id, process, key, case_type, case_id, title, role, unit, claimed_by, owner, created_us, due_us, done_us, done_by, state, overdue, calendar, held_us FROM task ORDER BY id LIMIT 1`],
    ['an instance that was ended', 'changed', 'instance', `UPDATE instance SET state = 1 WHERE id = (SELECT min(id) FROM instance WHERE state = 0)`, 'state'],
    ['an instance that was removed', 'removed', 'instance', `DELETE FROM instance WHERE id = (SELECT max(id) FROM instance)`],
  ];
  it('names what was done to rows that are not records', async () => {
    await city.serve();
    await (await city.as('officer')).get(`/api/v1/records/report/${report.id}`);
    await city.stop();
    const honest = city.khue('audit', 'verify', '--data', city.dir);
    assert.equal(honest.status, 0, honest.stdout);
    // All at once: to look at a whole city takes seconds.
    for (const [, , , sql] of sealed) behindTheBack(sql);
    const found = city.khue('audit', 'verify', '--data', city.dir);
    assert.equal(found.status, 1, found.stdout);
    for (const [name, what, table, , column] of sealed)
      assert.match(found.stdout, new RegExp(`${what}: table ${table}: \\w+${column ? `: ${column}` : ''}`), name);
  });

  it('names a record that was removed', () => {
    const id = idNumber(report.id);
    behindTheBack(`DELETE FROM rec_report WHERE id = ${id}`);
    const found = city.khue('audit', 'verify', '--data', city.dir);
    assert.equal(found.status, 1, found.stdout);
    assert.ok(/removed/.test(found.stdout) && found.stdout.includes(report.id), found.stdout);
  });
});
