// SPDX-License-Identifier: Apache-2.0
// The portal's files: served from a directory, and packed for the binary.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { bin, City } from '../support/city.mjs';

let city, web;

before(async () => {
  city = await City.make({ demo: false });
  web = join(city.base, 'web');
  mkdirSync(join(web, 'assets'), { recursive: true });
  writeFileSync(join(web, 'index.html'), '<!doctype html><title>Khuê</title>');
  writeFileSync(join(web, 'assets', 'index-4f9b3c2a.js'), 'console.log("xin chào");\n'.repeat(200));
  writeFileSync(join(web, '.secret'), 'secret');
  writeFileSync(join(city.base, 'outside.txt'), 'outside');
  symlinkSync(join(city.base, 'outside.txt'), join(web, 'link.txt'));
  await city.serve(['--web', web]);
});
after(() => city?.drop());

const page = (path, headers = { accept: 'text/html,*/*;q=0.8' }) => fetch(city.url + path, { headers });

describe('the portal', () => {
  it('is one page at all of its addresses, without inline script', async () => {
    for (const path of ['/', '/desk', '/cases/0s9y4kfc80000', '/ioc?wall=1', '/báo-cáo']) {
      const reply = await page(path);
      assert.equal(reply.status, 200, path);
      assert.match(await reply.text(), /<title>Khuê/);
      const csp = reply.headers.get('content-security-policy');
      assert.match(csp, /script-src 'self';/);
      assert.match(csp, /worker-src 'self' blob:/);
      assert.match(csp, /frame-ancestors 'none'/);
      assert.equal(reply.headers.get('x-content-type-options'), 'nosniff');
      assert.match(reply.headers.get('permissions-policy'), /geolocation=\(self\), camera=\(self\)/);
    }
  });
  it('does not hide what is not there from programs and browsers', async () => {
    assert.equal((await page('/desk', { accept: 'application/json' })).status, 404);
    for (const path of ['/api/v1/nothing', '/open311/v2/nothing.json', '/assets/gone.js', '/.well-known/nothing']) assert.equal((await page(path)).status, 404, path);
    assert.equal((await fetch(`${city.url}/desk`, { method: 'POST' })).status, 404);
  });
  it('lets nobody out of its directory', async () => {
    for (const path of ['/.secret', '/link.txt', '/assets/../.secret', '/assets/..%2f.secret', '/%2e%2e/outside.txt']) {
      const text = await (await page(path, { accept: '*/*' })).text();
      assert.doesNotMatch(text, /^(secret|outside)$/, path);
    }
  });
  it('serves scripts as scripts', async () => {
    const reply = await page('/assets/index-4f9b3c2a.js');
    assert.equal(reply.headers.get('content-type'), 'text/javascript; charset=utf-8');
  });
});

describe('the packer', () => {
  it('keeps every byte, plain and compressed', () => {
    const [c, blob, dep] = ['a.c', 'a.blob', 'a.d'].map((n) => join(city.base, n));
    const made = spawnSync(join(dirname(bin), 'src/net/embed'), [web, c, blob, dep], { encoding: 'utf8' });
    assert.equal(made.status, 0, made.stderr);
    const bytes = readFileSync(blob), script = readFileSync(join(web, 'assets/index-4f9b3c2a.js'));
    const row = /\{"\/assets\/index-4f9b3c2a\.js", "([^"]+)", "\\"[0-9a-f]{24}\\"", (true|false), (\d+), (\d+), (\d+), (\d+), (\d+), (\d+)\}/.exec(readFileSync(c, 'utf8'));
    assert.ok(row, readFileSync(c, 'utf8'));
    const [at, n, gzipAt, gzipN, zstdAt, zstdN] = row.slice(3).map(Number);
    assert.equal(row[2], 'true', 'a hashed name is kept for ever');
    assert.deepEqual(bytes.subarray(at, at + n), script);
    assert.deepEqual(gunzipSync(bytes.subarray(gzipAt, gzipAt + gzipN)), script);
    assert.equal(bytes.subarray(zstdAt, zstdAt + 4).toString('hex'), '28b52ffd');
    assert.ok(zstdN > 0 && zstdN < n && gzipN < n / 4);
    assert.doesNotMatch(readFileSync(c, 'utf8'), /secret|link\.txt/, 'hidden files and links stay out');
    assert.match(readFileSync(dep, 'utf8'), /index-4f9b3c2a\.js/);
  });
});
