// SPDX-License-Identifier: Apache-2.0
// Pictures of a running demo city for the documents: node tools/screenshots.mjs DATA URL
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const top = join(dirname(fileURLToPath(import.meta.url)), '..');
const { chromium } = createRequire(join(top, 'tests/package.json'))('playwright-core');
const [data, url] = process.argv.slice(2);
const accounts = JSON.parse(readFileSync(join(data, 'demo-accounts.json'), 'utf8'));
const flags = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--use-gl=swiftshader', '--enable-unsafe-swiftshader'];
const pages = [
  ['home', undefined, '/', { width: 360, height: 740 }],
  ['report', undefined, '/report', { width: 360, height: 740 }],
  ['figures', undefined, '/figures', { width: 1280, height: 900 }],
  ['desk', 'officer', '/desk', { width: 1280, height: 900 }],
  ['task', 'officer', undefined, { width: 1280, height: 900 }],
  ['ioc', 'leader', '/ioc', { width: 1920, height: 1080 }],
  ['processes', 'admin', '/admin/processes/report', { width: 1280, height: 900 }],
];

const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: flags });
for (const [name, role, path, viewport] of pages) {
  const context = await browser.newContext({ viewport, baseURL: url, locale: 'vi-VN' });
  if (role) {
    const reply = await context.request.post('/api/v1/session', { data: accounts[role] });
    if (!reply.ok()) throw new Error(`cannot sign in as ${role}: ${reply.status()}`);
  }
  const page = await context.newPage();
  await page.goto(path ?? `/desk/tasks/${(await (await context.request.get('/api/v1/tasks?state=open,claimed&limit=1')).json()).items[0].id}`);
  await page.waitForSelector('h1');
  await page.waitForFunction(() => !document.querySelector('.skeleton') && [...document.querySelectorAll('.map[data-state=shown]')].every((m) => 'drawn' in m.dataset));
  if (name === 'ioc') await page.locator('.map[data-drawn]').waitFor();
  await page.screenshot({ path: join(top, 'docs/screenshots', `${name}.png`) });
  await context.close();
}
await browser.close();
