// SPDX-License-Identifier: Apache-2.0
// What a programmer of another system relies on: the description of the API is valid, complete for
// the reader, and true of what the server answers.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { City, pothole, root, run } from '../support/city.mjs';

let city, everybody, citizen, admin;

before(async () => {
  city = await City.start();
  everybody = await city.as();
  citizen = await city.as('citizen');
  admin = await city.as('admin');
});
after(() => city?.drop());

const description = async (person) => {
  const reply = await person.get('/api/v1/openapi.json');
  assert.equal(reply.status, 200, reply.text);
  return reply;
};

/** Does value fit a schema of the description? Asked of the same validator that guards the records. */
function misfits(doc, name, value) {
  const schema = { components: doc.components, $ref: `#/components/schemas/${name}` };
  const tested = run(['schema', 'test'], { input: `${JSON.stringify({ schema, instance: value })}\n` });
  assert.equal(tested.status, 0, tested.stderr);
  return JSON.parse(tested.stdout).errors;
}

describe('the description of the API', () => {
  for (const who of ['everybody', 'admin']) {
    it(`passes the linter, as ${who} reads it`, async () => {
      const file = join(city.base, `${who}.json`);
      writeFileSync(file, (await description(who === 'admin' ? admin : everybody)).text);
      const lint = spawnSync(
        join(root, 'tests/node_modules/.bin/redocly'),
        ['lint', file, '--format=stylish', '--max-problems=50'],
        { encoding: 'utf8', env: { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' } },
      );
      assert.equal(lint.status, 0, lint.stdout + lint.stderr);
      assert.doesNotMatch(lint.stderr + lint.stdout, /\d+ warnings?/);
    });
  }

  it('has operations for every type that the reader sees', async () => {
    const doc = (await description(admin)).json;
    const types = (await admin.get('/api/v1/types')).json.items;
    assert.ok(types.length > 3);
    for (const { type } of types) {
      assert.ok(doc.paths[`/api/v1/records/${type}`]?.get, type);
      assert.ok(doc.components.schemas[`${type}.record`], type);
    }
  });

  it('is true of a record that comes back', async () => {
    const doc = (await description(citizen)).json;
    const made = await citizen.post('/api/v1/records/report', pothole());
    assert.equal(made.status, 201, made.text);
    assert.deepEqual(misfits(doc, 'report.record', made.json), []);
    const list = await citizen.get('/api/v1/records/report?limit=5');
    assert.deepEqual(misfits(doc, 'report.list', list.json), []);
  });

  it('is true of every reply that needs no parameters', async () => {
    const doc = (await description(admin)).json;
    let asked = 0;
    for (const [path, { get }] of Object.entries(doc.paths)) {
      const shape = get?.responses['200']?.content?.['application/json']?.schema?.$ref;
      if (!shape || path.includes('{')) continue;
      const reply = await admin.get(path);
      if (reply.status === 400) continue; // it does need one
      assert.equal(reply.status, 200, `${path}: ${reply.text}`);
      assert.deepEqual(misfits(doc, shape.split('/').pop(), reply.json), [], path);
      asked += 1;
    }
    assert.ok(asked > 15, `${asked} replies`);
  });

  it('is true of an error', async () => {
    const doc = (await description(citizen)).json;
    const refused = await citizen.post('/api/v1/records/report', pothole({ location: { lon: 500, lat: 'x' } }));
    assert.equal(refused.status, 422, refused.text);
    assert.deepEqual(misfits(doc, 'Problem', refused.json), []);
    assert.ok(refused.json.issues.some((i) => i.pointer === '/location/lat' && i.code === 'type'), refused.text);
  });

  it('is not sent again while it stands', async () => {
    const first = await description(citizen);
    const again = await citizen.get('/api/v1/openapi.json', { 'if-none-match': first.headers.get('etag') });
    assert.equal(again.status, 304);
  });
});
