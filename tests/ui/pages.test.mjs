// SPDX-License-Identifier: Apache-2.0
// Every page, in both themes and both languages: no barrier that axe can find, nothing wider than
// the screen on a small phone and on a wide desk, no script error, nothing against the content policy.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { artifacts, checkAxe, checkNoSideScroll, settle, start, until } from './support.mjs';

let city;
const ids = {};
before(async () => {
  city = await start();
  const page = await city.visit();
  const get = async (path) => (await page.request.get(city.url + path)).json();
  ids.report = (await get('/api/v1/records/report?limit=1')).items[0].id;
  const officer = await city.visit({ role: 'officer' });
  const tasks = await (await officer.request.get(`${city.url}/api/v1/tasks?state=open,claimed&limit=1`)).json();
  ids.task = tasks.items[0].id;
  const admin = await city.visit({ role: 'admin' });
  ids.account = (await (await admin.request.get(`${city.url}/api/v1/accounts?limit=1`)).json()).items[0].id;
  const citizen = await city.visit({ role: 'citizen' });
  const { csrf } = await (await citizen.request.get(`${city.url}/api/v1/session`)).json();
  const filed = await citizen.request.post(`${city.url}/api/v1/records/dossier`, { headers: { 'X-CSRF-Token': csrf }, data: { procedure: '1.004837', unit: 'H26.00070', channel: 'online', name: 'Trần Thị Mai' } });
  ids.dossier = (await filed.json()).id;
  ids.number = (await filed.json()).number;
  const counter = await city.visit({ role: 'counter' });
  ids.receive = (await (await counter.request.get(`${city.url}/api/v1/tasks?case=${ids.dossier}`)).json()).items[0].id;
  for (const p of [page, officer, admin, citizen, counter]) await p.context().close();
});
after(() => city?.close());

const pages = {
  '': ['/', '/report', '/report/place', '/report/detail', '/report/contact', '/report/review', '/cases', '/nearby', '/search?q=Hoan Kiem', '/search?q=khai sinh', '/units/00070', '/procedures', '/procedures?q=ho tich&level=commune', '/procedures/1.004194', '/procedures/1.004194/file', '/dossiers', '/lookup', () => `/lookup?number=${ids.number}`, '/lookup?number=H26.00070-200101-0001', '/figures', '/figures?of=dossiers', '/figures?of=dossiers&unit=H26.00070', '/login', '/register', '/about', '/no-such-page', () => `/cases/${ids.report}`],
  citizen: ['/cases', '/dossiers', () => `/dossiers/${ids.dossier}`, ...['', '/applicant', '/papers', '/delivery', '/review'].map((s) => `/procedures/1.004194/file${s}`), '/me', '/me/accesses', '/me/notices', '/me/preferences', '/me/password'],
  officer: ['/desk', () => `/desk/tasks/${ids.task}`, '/desk/search', () => `/desk/cases/${ids.report}`, '/desk/unit', '/desk/unit?of=dossiers', '/desk/delegation'],
  counter: ['/desk', '/desk/counter', '/desk/counter?list=receive', '/desk/counter?list=hand_out', () => `/desk/dossiers/${ids.dossier}`, () => `/desk/tasks/${ids.receive}`],
  leader: ['/figures?of=dossiers', '/ioc', '/ioc?wall=1', () => `/ioc?case=${ids.report}`],
  admin: ['/admin', '/admin/types', '/admin/types/report', '/admin/records/report', '/admin/records/feedback_category', '/admin/records/feedback_category/new', () => `/admin/records/report/${ids.report}`, '/admin/packs', '/admin/processes', '/admin/processes/report', '/admin/decisions', '/admin/accounts', () => `/admin/accounts/${ids.account}`, '/admin/keys', '/admin/audit'],
};
const looks = [
  { theme: 'light', lang: 'vi', width: 360, height: 740 },
  { theme: 'dark', lang: 'en', width: 360, height: 740 },
  { theme: 'dark', lang: 'vi', width: 1920, height: 1080 },
  { theme: 'light', lang: 'en', width: 1920, height: 1080 },
];

test('a visit of nobody asks for nothing that is refused', async () => {
  const page = await city.visit();
  const refused = [];
  page.on('response', (r) => r.status() >= 400 && refused.push(`${r.status()} ${r.request().method()} ${r.url()}`));
  for (const path of ['/', '/report', '/login']) {
    await page.goto(path);
    await settle(page);
  }
  assert.deepEqual(refused, []);
  await page.context().close();
});

for (const [role, list] of Object.entries(pages))
  for (const look of looks)
    test(`pages of ${role || 'the public'}, ${look.theme}, ${look.lang}, ${look.width} px`, async (t) => {
      const page = await city.visit({ ...look, ...(role ? { role } : {}) });
      try {
        for (const entry of list) {
          const path = typeof entry === 'function' ? entry() : entry;
          const where = `${path} ${look.theme} ${look.lang} ${look.width}`;
          await t.test(where, async () => {
            await page.goto(path);
            await settle(page);
            const lang = await page.evaluate(() => document.documentElement.lang);
            assert.equal(lang, look.lang);
            assert.deepEqual(await page.locator('.note.bad').allTextContents(), [], where);
            await checkNoSideScroll(page, where);
            await checkAxe(page, where);
            assert.deepEqual(page.errors.splice(0), [], where);
            if ((look.theme === 'light') === (look.width === 360)) await page.screenshot({ path: `${artifacts}/${(role || 'public')}${path.replace(/[^a-z0-9]+/gi, '-')}-${look.width}-${look.theme}.png` });
          });
        }
      } finally {
        await page.context().close();
      }
    });

test('a page says when the server fails, and gets over it', async () => {
  const page = await city.visit();
  let broken = true;
  await page.route('**/api/v1/records/report?*', (r) => (broken ? r.fulfill({ status: 503, contentType: 'application/problem+json', body: JSON.stringify({ type: 'about:blank', title: 'Kho dữ liệu đang bận', status: 503, code: 'STORE', request: 'r1' }) }) : r.continue()));
  await page.goto('/nearby');
  await page.getByText('Kho dữ liệu đang bận').waitFor();
  broken = false;
  await page.getByRole('button', { name: 'Thử lại' }).click();
  await page.locator('.case-row').first().waitFor();
  await page.context().close();
});

test('the language and the theme change at one switch and are kept', async () => {
  const page = await city.visit();
  await page.goto('/');
  await page.getByRole('button', { name: /English/ }).click();
  await page.getByRole('link', { name: 'My reports' }).first().waitFor();
  await page.getByRole('button', { name: 'Use the dark theme' }).click();
  await page.reload();
  await page.getByRole('link', { name: 'My reports' }).first().waitFor();
  assert.equal(await page.evaluate(() => getComputedStyle(document.body).color), 'rgb(233, 240, 236)');
  assert.equal(await page.evaluate(() => document.documentElement.lang), 'en');
  await page.context().close();
});

test('back leads back, to the same place and filter', async () => {
  const page = await city.visit({ height: 500 });
  await page.goto('/nearby');
  await page.locator('.case-row').nth(5).waitFor();
  await page.getByLabel('Tình trạng').selectOption('all');
  await page.waitForURL(/state=all/);
  await page.locator('.case-row').nth(5).waitFor();
  await page.locator('.case-row a').nth(5).click();
  await page.waitForURL(/\/cases\//);
  await page.locator('.steps').waitFor();
  await page.waitForFunction(() => document.activeElement?.tagName === 'H1'); // the heading of the new page gets the focus
  await page.goBack();
  await page.waitForURL(/\/nearby\?state=all/);
  assert.equal(await page.getByLabel('Tình trạng').inputValue(), 'all');
  await page.context().close();
});

test('one browser holds one live stream, however many tabs', async () => {
  const context = (await city.visit()).context();
  let streams = 0;
  context.on('request', (r) => {
    if (new URL(r.url()).pathname === '/api/v1/events') streams++;
  });
  const tabs = [];
  for (let i = 0; i < 4; i++) {
    const p = await context.newPage();
    await p.goto('/');
    await p.locator('.case-row').first().waitFor();
    tabs.push(p);
  }
  await until(() => streams > 0);
  // Every tab has asked for the lock by now, and one has it.
  const locks = () => tabs.at(-1).evaluate(() => navigator.locks.query());
  await until(async () => (await locks()).pending.filter((l) => l.name === 'khue-live').length === 3);
  assert.equal(streams, 1);
  await tabs[0].close(); // the one that holds it
  await until(() => streams === 2); // another tab takes over
  await context.close();
});
