// SPDX-License-Identifier: Apache-2.0
// A running city for a story: made fresh, served on a free port, gone afterwards.
//
// KHUE_BIN names the binary, KHUE_TEST_STORE the database ("sqlite" or "postgres"); for PostgreSQL each
// city gets a database of its own in the cluster at KHUE_TEST_PG_URL.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
export const bin = process.env.KHUE_BIN ?? [join(root, 'build-asan/khue'), join(root, 'build/khue')].find(existsSync);
export const onPostgres = process.env.KHUE_TEST_STORE === 'postgres';

let databases = 0;

/** A new empty database in the test cluster, or undefined for SQLite. */
export function newDatabase() {
  if (!onPostgres) return undefined;
  const url = process.env.KHUE_TEST_PG_URL;
  if (!url) throw new Error('KHUE_TEST_PG_URL is not set: tests/support/pgcluster.sh starts a cluster');
  const name = `city_${process.pid}_${++databases}`;
  const made = spawnSync('psql', ['-q', '-d', url, '-c', `CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'UTF8'`], { encoding: 'utf8' });
  if (made.status !== 0) throw new Error(`cannot make a database: ${made.stderr}`);
  const u = new URL(url);
  u.pathname = `/${name}`;
  return u.toString();
}

export function run(args, options = {}) {
  return spawnSync(bin, args, { encoding: 'utf8', maxBuffer: 1 << 28, ...options });
}

export class City {
  /** Make a city. demo: with accounts and a month of work. */
  static async make({ demo = true, env = {}, set = [] } = {}) {
    const city = new City();
    city.base = mkdtempSync(join(tmpdir(), 'khue-test-'));
    city.dir = join(city.base, 'city');
    city.env = { ...process.env, ...env };
    city.set = set;
    city.store = newDatabase();
    const args = ['init', city.dir];
    if (demo) args.push('--demo');
    if (city.store) args.push('--store', city.store);
    const made = run(args, { env: city.env });
    if (made.status !== 0) throw new Error(`khue init failed: ${made.stdout}${made.stderr}`);
    if (demo) city.accounts = JSON.parse(readFileSync(join(city.dir, 'demo-accounts.json'), 'utf8'));
    else city.firstPassword = /Password: +(\S+)/.exec(made.stdout)?.[1];
    return city;
  }

  static async start(options) {
    const city = await City.make(options);
    await city.serve();
    return city;
  }

  /** Serve and wait until it listens. */
  async serve(extra = []) {
    const args = ['serve', '--data', this.dir, '--listen', '127.0.0.1:0', ...extra];
    for (const s of this.set) args.push('--set', s);
    const [command, ...all] = [...(this.under ?? []), bin, ...args]; // under: such as a limit of prlimit
    this.child = spawn(command, all, { env: this.env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.log = '';
    this.exited = new Promise((done) => this.child.on('exit', (code, signal) => done({ code, signal })));
    this.child.stderr.on('data', (d) => { this.log = (this.log + d).slice(-200_000); });
    this.url = await new Promise((done, fail) => {
      let out = '';
      this.child.stdout.on('data', (d) => {
        out += d;
        const m = /listening on (\S+)/.exec(out);
        if (m) done(m[1]);
      });
      this.exited.then(({ code, signal }) => fail(new Error(`khue serve ended: ${code ?? signal}\n${this.log}`)));
    });
    return this.url;
  }

  /** End the server as an operator does. @returns its exit code */
  async stop(signal = 'SIGTERM') {
    if (!this.child) return undefined;
    this.child.kill(signal);
    const { code } = await this.exited;
    this.child = undefined;
    return code;
  }

  async drop() {
    const code = await this.stop();
    rmSync(this.base, { recursive: true, force: true });
    if (code !== undefined && code !== 0) throw new Error(`khue serve ended with ${code}\n${this.log}`);
  }

  khue(...args) {
    const store = this.store ? ['--store', this.store] : [];
    return run([...args, ...store], { env: this.env });
  }

  /** A person who may be signed in: request() in that name. */
  async as(role) {
    const person = new Person(this);
    if (role) await person.signIn(this.accounts[role]);
    return person;
  }
}

export class Person {
  constructor(city) {
    this.city = city;
    this.headers = {};
  }

  async signIn({ username, password }) {
    const reply = await this.post('/api/v1/session', { username, password });
    if (reply.status !== 201) throw new Error(`cannot sign in ${username}: ${reply.status} ${reply.text}`);
    this.headers.authorization = `Bearer ${reply.json.token}`;
    this.account = reply.json.account;
    return reply;
  }

  /** @returns {status, headers, text, json} */
  async request(method, path, { body, headers = {}, raw } = {}) {
    const init = { method, headers: { ...this.headers, ...headers }, redirect: 'manual' };
    if (raw !== undefined) init.body = raw;
    else if (body !== undefined) {
      init.body = JSON.stringify(body);
      init.headers['content-type'] ??= 'application/json';
    }
    const reply = await fetch(this.city.url + path, init);
    const text = await reply.text();
    let json;
    try { json = JSON.parse(text); } catch { /* not every reply is JSON */ }
    return { status: reply.status, headers: reply.headers, text, json };
  }

  get(path, headers) { return this.request('GET', path, { headers }); }
  post(path, body, headers) { return this.request('POST', path, { body, headers }); }
  patch(path, body, headers) { return this.request('PATCH', path, { body, headers }); }
  put(path, body, headers) { return this.request('PUT', path, { body, headers }); }
  delete(path, headers) { return this.request('DELETE', path, { headers }); }

  /** The open task of a case with this key. */
  async task(record, key) {
    const reply = await this.get(`/api/v1/tasks?case=${record}`);
    return reply.json?.items?.find((t) => !key || t.key === key);
  }

  complete(task, variables) { return this.post(`/api/v1/tasks/${task.id}/complete`, { variables }); }
}

/** Try until fn gives something true: for what happens a moment later. */
export async function until(fn, ms = 10_000) {
  const end = Date.now() + ms;
  for (;;) {
    const got = await fn();
    if (got) return got;
    if (Date.now() > end) throw new Error(`not true within ${ms} ms: ${fn}`);
    await new Promise((done) => setTimeout(done, 25));
  }
}

/** A report as a citizen files it, in the demo officer's ward. */
export const pothole = (more = {}) => ({
  category: 'pothole',
  description: 'Ổ gà sâu trước cổng trường, trời mưa không nhìn thấy.',
  location: { lon: 105.8525, lat: 21.0288 },
  ...more,
});
