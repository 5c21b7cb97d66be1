// SPDX-License-Identifier: Apache-2.0
// The event log as it happens, over HTTP and HTTPS.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { Agent, get as httpsGet } from 'node:https';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { City, pothole, until } from '../support/city.mjs';

let city, citizen, officer, nobody;

before(async () => {
  city = await City.start();
  [citizen, officer, nobody] = await Promise.all(['citizen', 'officer', undefined].map((role) => city.as(role)));
});
after(() => city?.drop());

/** A live stream: events as they come. */
class Ear {
  static async open(person, path = '/api/v1/events', headers = {}) {
    const ear = new Ear();
    ear.events = [];
    ear.raw = '';
    ear.stop = new AbortController();
    const reply = await fetch(city.url + path, { headers: { accept: 'text/event-stream', ...person.headers, ...headers }, signal: ear.stop.signal });
    ear.status = reply.status;
    ear.headers = reply.headers;
    ear.done = (async () => {
      for await (const chunk of reply.body) {
        ear.raw += Buffer.from(chunk).toString();
        let end;
        while ((end = ear.raw.indexOf('\n\n')) >= 0) {
          const block = ear.raw.slice(0, end);
          ear.raw = ear.raw.slice(end + 2);
          const data = block.split('\n').filter((l) => l.startsWith('data: ')).map((l) => l.slice(6)).join('\n');
          if (data) ear.events.push(JSON.parse(data));
        }
      }
    })().catch(() => {});
    return ear;
  }
  heard(test) { return until(() => this.events.find(test)); }
  async close() { this.stop.abort(); await this.done; }
}

describe('live events', () => {
  it('come to each as far as they may see', async () => {
    const [all, mine, theirs] = await Promise.all([nobody, citizen, officer].map((p) => Ear.open(p)));
    assert.match(all.headers.get('content-type'), /^text\/event-stream/);
    assert.equal(all.headers.get('cache-control'), 'no-store');
    const report = (await citizen.post('/api/v1/records/report', pothole())).json;
    const about = (e) => e.subject === report.id || e.about === report.id;
    const seen = await theirs.heard((e) => about(e) && e.kind === 'task.create');
    assert.ok(seen.by, 'officers see who did it');
    await mine.heard((e) => about(e) && e.kind === 'record.create');
    await all.heard((e) => about(e) && e.kind === 'record.create');
    for (const e of all.events) assert.equal(e.by, undefined, 'the public does not');
    const numbers = theirs.events.map((e) => e.seq);
    assert.deepEqual(numbers, [...numbers].sort((a, b) => a - b), 'in order');
    assert.equal(new Set(numbers).size, numbers.length, 'each once');
    await Promise.all([all, mine, theirs].map((e) => e.close()));
  });

  it('go on where a client has stopped', async () => {
    const first = await Ear.open(officer);
    const one = (await citizen.post('/api/v1/records/report', pothole())).json;
    const last = await first.heard((e) => e.subject === one.id);
    await first.close();
    const two = (await citizen.post('/api/v1/records/report', pothole())).json;
    const again = await Ear.open(officer, '/api/v1/events', { 'last-event-id': String(last.seq) });
    await again.heard((e) => e.subject === two.id);
    assert.ok(again.events.every((e) => e.seq > last.seq), 'nothing twice');
    await again.close();
  });

  it('begin a moment ago for a screen that has just read its data', async () => {
    const report = (await citizen.post('/api/v1/records/report', pothole())).json;
    await until(async () => (await nobody.get(`/api/v1/events?about=${report.id}`)).json.items.length);
    const late = await Ear.open(nobody, '/api/v1/events?recent=10');
    await late.heard((e) => e.subject === report.id && e.kind === 'record.create');
    await late.close();
    assert.equal((await Ear.open(nobody, '/api/v1/events?recent=61')).status, 400);
  });

  it('are also there by page, with the same rights', async () => {
    const report = (await citizen.post('/api/v1/records/report', pothole())).json;
    const page = await until(async () => {
      const reply = await officer.get(`/api/v1/events?about=${report.id}`);
      return reply.json.items.length ? reply : undefined;
    });
    assert.ok(page.json.items.every((e) => e.subject === report.id || e.about === report.id));
    let after = '0', n = 0, seen = 0;
    for (;;) {
      const { json } = await officer.get(`/api/v1/events?after=${after}&limit=200`);
      for (const e of json.items) { assert.ok(e.seq > seen); seen = e.seq; n++; }
      if (!json.next) break;
      after = json.next;
    }
    assert.ok(n > 50, `${n} events of a month of work`);
    assert.equal((await nobody.get(`/api/v1/events?about=${report.id}`)).json.items.every((e) => e.by === undefined), true);
    assert.equal((await officer.get('/api/v1/events?after=yesterday')).status, 400);
  });

  it('reach three hundred readers, and the server stops with all of them open', async () => {
    const ears = await Promise.all(Array.from({ length: 300 }, () => Ear.open(nobody)));
    const report = (await citizen.post('/api/v1/records/report', pothole())).json;
    await Promise.all(ears.map((e) => e.heard((x) => x.subject === report.id)));
    const start = Date.now();
    assert.equal(await city.stop(), 0);
    assert.ok(Date.now() - start < 8000, `stopped in ${Date.now() - start} ms`);
    await Promise.all(ears.map((e) => e.done));
    await city.serve();
  });
});

describe('HTTPS', () => {
  it('is spoken with a certificate, and only then', async () => {
    const key = join(city.base, 'key.pem'), cert = join(city.base, 'cert.pem');
    const made = spawnSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', key, '-out', cert, '-days', '2', '-subj', '/CN=localhost'], { encoding: 'utf8' });
    assert.equal(made.status, 0, made.stderr);
    await city.stop();
    const url = await city.serve(['--tls-cert', cert, '--tls-key', key]);
    assert.match(url, /^https:/);
    const reply = await new Promise((done, fail) => {
      httpsGet(`${url}/healthz`, { agent: new Agent({ rejectUnauthorized: false }) }, (r) => {
        let text = '';
        r.on('data', (d) => { text += d; });
        r.on('end', () => done({ status: r.statusCode, headers: r.headers, text, protocol: r.socket?.getProtocol?.() }));
      }).on('error', fail);
    });
    assert.equal(reply.text, 'ok\n');
    assert.match(reply.headers['strict-transport-security'], /max-age=\d+/);
    await assert.rejects(fetch(`${url.replace('https', 'http')}/healthz`));
    await city.stop();
    const wrong = city.khue('serve', '--data', city.dir, '--listen', '127.0.0.1:0', '--tls-cert', cert);
    assert.notEqual(wrong.status, 0);
    assert.match(wrong.stderr, /tls_cert and tls_key go together/);
  });

  it('says which of certificate and key is wrong, and how', async () => {
    const at = (name) => join(city.base, name);
    const openssl = (...args) => assert.equal(spawnSync('openssl', args).status, 0);
    for (const name of ['one', 'two'])
      openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', at(`${name}.key`), '-out', at(`${name}.crt`), '-days', '2', '-subj', '/CN=localhost');
    openssl('ec', '-in', at('one.key'), '-aes256', '-passout', 'pass:secret', '-out', at('locked.key'));
    writeFileSync(at('none.pem'), 'not a PEM file\n');
    for (const [cert, key, says] of [
      ['one.crt', 'two.key', /two\.key is not the key of the first certificate in \S+one\.crt/],
      ['none.pem', 'one.key', /none\.pem has no certificate in PEM/],
      ['one.crt', 'none.pem', /none\.pem has no private key in PEM/],
      ['one.crt', 'locked.key', /locked\.key has no private key in PEM, or one under a password/],
      ['gone.crt', 'one.key', /gone\.crt: No such file or directory/],
    ]) {
      const tried = city.khue('serve', '--data', city.dir, '--listen', '127.0.0.1:0', '--tls-cert', at(cert), '--tls-key', at(key));
      assert.equal(tried.status, 1, `${cert} ${key}`);
      assert.match(tried.stderr, says);
    }
  });
});
