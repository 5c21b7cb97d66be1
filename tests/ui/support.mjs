// SPDX-License-Identifier: Apache-2.0
// A browser before a running city. KHUE_URL and KHUE_ACCOUNTS (a demo-accounts.json) name one that
// runs already; otherwise a fresh demo city is made from KHUE_BIN and gone afterwards.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { chromium } from 'playwright-core';

export const root = resolve(import.meta.dirname, '../..');
export const artifacts = join(root, 'tests/artifacts');
mkdirSync(artifacts, { recursive: true });
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** @param set settings of a city of its own, as City.start() takes them
 *  @param now instant at which the clocks of that city and of its visitors stand still */
export async function start({ set = [], now } = {}) {
  let url = process.env.KHUE_URL;
  let accounts;
  let drop = async () => {};
  if (url) now = undefined; // a city of others keeps its time
  if (url) accounts = JSON.parse(readFileSync(process.env.KHUE_ACCOUNTS, 'utf8'));
  else {
    const { City } = await import('../support/city.mjs');
    const city = await City.start({ demo: true, set, env: now ? { KHUE_CLOCK_US: String(now.getTime() * 1000) } : {} });
    url = city.url;
    accounts = city.accounts;
    drop = () => city.drop();
  }
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync', '--enable-unsafe-swiftshader'],
  });
  return {
    url,
    now,
    accounts,
    browser,
    async close() {
      await browser.close();
      await drop();
    },
    /** A phone or a desk: a context of its own with one page, which fails on any script error. */
    async visit({ width = 1280, height = 900, theme = 'light', lang = 'vi', role, motion = 'reduce', ...more } = {}) {
      const context = await browser.newContext({ viewport: { width, height }, colorScheme: theme, reducedMotion: motion, locale: 'vi-VN', baseURL: url, ...more });
      await context.addInitScript((l) => {
        try {
          localStorage.getItem('khue.lang') ?? localStorage.setItem('khue.lang', l);
        } catch { /* not a page of ours */ }
      }, lang);
      if (now) await context.clock.setFixedTime(now);
      if (role) await signIn(context, url, accounts[role]);
      const page = await context.newPage();
      page.errors = [];
      page.on('pageerror', (e) => page.errors.push(String(e)));
      page.on('console', (m) => {
        const text = m.text();
        if (m.type() === 'error' && !/Failed to load resource/.test(text)) page.errors.push(text);
        if (/Content Security Policy/i.test(text)) page.errors.push(text);
      });
      return page;
    },
  };
}

/** Signs in through the API; the cookie is the context's. */
export async function signIn(context, url, { username, password }) {
  const reply = await context.request.post(`${url}/api/v1/session`, { data: { username, password } });
  assert.equal(reply.status(), 201, await reply.text());
}

/** Nothing on the page may break a rule of WCAG 2.2 A and AA (as far as a program can see). */
export async function checkAxe(page, where) {
  await page.evaluate(axe);
  const found = await page.evaluate(() =>
    globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }));
  const list = found.violations.map((v) => `${v.id} (${v.impact}): ${v.help}\n    ${v.nodes.slice(0, 4).map((n) => `${n.target} ${n.failureSummary?.split('\n')[1] ?? ''}`).join('\n    ')}`);
  assert.equal(list.length, 0, `${where}\n  ${list.join('\n  ')}`);
}

export async function checkNoSideScroll(page, where) {
  const wide = await page.evaluate(() => {
    const over = document.documentElement.scrollWidth - document.documentElement.clientWidth;
    if (over <= 0) return null;
    const at = [...document.querySelectorAll('body *')].filter((e) => e.getBoundingClientRect().right > document.documentElement.clientWidth + 1);
    return `${over} px: ${at.slice(0, 3).map((e) => `${e.tagName}.${e.className}`).join(', ')}`;
  });
  assert.equal(wide, null, where);
}

/** Wait until the page stands: heading there, nothing loading. */
export async function settle(page) {
  await page.waitForSelector('h1, .ioc');
  await page.waitForFunction(() => !document.querySelector('.skeleton'), null, { timeout: 30_000 });
}

/** Try until fn gives something true. The time is for a slow machine; it is never waited out on a good one. */
export async function until(fn, ms = 30_000) {
  const end = Date.now() + ms;
  for (;;) {
    const got = await fn();
    if (got) return got;
    if (Date.now() > end) throw new Error(`not true within ${ms} ms: ${fn}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

/** What this device keeps in one of its stores: the draft, what waits, what was sent. */
export const kept = (page, store) =>
  page.evaluate(
    (name) =>
      new Promise((done, fail) => {
        const open = indexedDB.open('khue');
        open.onerror = () => fail(open.error);
        open.onsuccess = () => {
          const all = open.result.transaction(name).objectStore(name).getAll();
          all.onsuccess = () => (open.result.close(), done(all.result.map(({ files, ...x }) => ({ ...x, files: files?.length }))));
          all.onerror = () => fail(all.error);
        };
      }),
    store,
  );

/** A JPEG of this size with a place written into it, as a phone does. */
export async function photo(page, width = 2400, height = 1800) {
  const base64 = await page.evaluate(async ([w, h]) => {
    const c = new OffscreenCanvas(w, h);
    const g = c.getContext('2d');
    for (let i = 0; i < 200; i++) {
      g.fillStyle = `hsl(${(i * 47) % 360} 60% 50%)`;
      g.fillRect((i * 131) % w, (i * 97) % h, 220, 160);
    }
    const blob = await c.convertToBlob({ type: 'image/jpeg', quality: 0.9 });
    let s = '';
    for (const b of new Uint8Array(await blob.arrayBuffer())) s += String.fromCharCode(b);
    return btoa(s);
  }, [width, height]);
  const plain = Buffer.from(base64, 'base64');
  // After SOI: an Exif segment that says where and with what the photo was taken.
  const exif = Buffer.concat([Buffer.from('Exif\0\0II*\0\x08\0\0\0', 'latin1'), Buffer.from('KHUE-TEST-GPS 21.0288 105.8525')]);
  const head = Buffer.from([0xff, 0xe1, 0, 0]);
  head.writeUInt16BE(exif.length + 2, 2);
  return { name: 'IMG_0001.jpg', mimeType: 'image/jpeg', buffer: Buffer.concat([plain.subarray(0, 2), head, exif, plain.subarray(2)]) };
}
