// SPDX-License-Identifier: Apache-2.0
// The operations centre: one live picture, the way down to the person, any day again, a wall that
// gets over a lost network.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { artifacts, settle, start, until } from './support.mjs';

let city;
before(async () => {
  city = await start();
});
after(() => city?.close());

async function report(page) {
  const { csrf } = await (await page.request.get(`${city.url}/api/v1/session`)).json();
  const r = await page.request.post(`${city.url}/api/v1/records/report`, {
    data: { category: 'manhole', description: 'Nắp cống vỡ giữa ngã tư, rất nguy hiểm.', location: { lon: 105.8525, lat: 21.0288 } },
    headers: { 'X-CSRF-Token': csrf },
  });
  assert.equal(r.status(), 201, await r.text());
  return r.json();
}

const dial = (page, name) => page.locator('.dial', { hasText: name }).locator('.value');
const numberOf = async (locator) => Number((await locator.textContent()).replace(/\D/g, ''));

test('a task of a process that is about no record leads to the task', async () => {
  const page = await city.visit({ width: 1920, height: 1080, role: 'leader' });
  await page.route('**/api/v1/tasks?*', async (route) => {
    const reply = await route.fetch();
    const body = await reply.json();
    const { case: about, ...task } = body.items[0];
    assert.ok(about);
    await route.fulfill({ response: reply, json: { ...body, items: [{ ...task, id: '0task0without', title: 'Việc không hồ sơ', minutes_left: -9999 }, ...body.items] } });
  });
  await page.route('**/api/v1/tasks/0task0without', async (route) => {
    const { items } = await (await page.request.get(`${city.url}/api/v1/tasks?state=open&limit=1`)).json();
    const { case: about, ...task } = items[0];
    assert.ok(about);
    await route.fulfill({ json: { ...task, id: '0task0without', title: 'Việc không hồ sơ' } });
  });
  await page.goto('/ioc');
  await page.getByText('Việc không hồ sơ').click();
  await page.waitForURL('**/desk/tasks/0task0without');
  await page.getByRole('heading', { name: 'Việc không hồ sơ' }).waitFor();
  await page.locator('.act-col').waitFor();
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

test('five figures with what is usual, the ranking and the map are there', async () => {
  const page = await city.visit({ width: 1920, height: 1080, theme: 'dark', role: 'leader' });
  await page.goto('/ioc');
  await page.locator('.dial').nth(4).waitFor();
  assert.equal(await page.locator('.dial').count(), 5);
  for (const text of await page.locator('.dial .range').allTextContents()) assert.match(text, /\d|Chưa đủ/);
  await page.locator('.rank a').first().waitFor();
  const late = (await page.locator('.rank td:nth-child(2)').allTextContents()).map(Number);
  assert.ok(late.length > 3);
  assert.deepEqual(late, [...late].sort((a, b) => b - a), 'most overdue first');
  await page.locator('canvas.maplibregl-canvas').waitFor();
  await page.locator('.legend .scale').waitFor();
  await page.getByText('Trực tiếp').waitFor();
  await page.locator('.map[data-drawn]').waitFor();
  await page.screenshot({ path: `${artifacts}/ioc-1920-dark.png` });
  // Something was drawn: the middle of the map is not of one colour.
  const picture = (await page.locator('.ioc-map').screenshot()).toString('base64');
  const colours = await page.evaluate(async (png) => {
    const image = await createImageBitmap(new Blob([Uint8Array.from(atob(png), (c) => c.charCodeAt(0))]));
    const g = new OffscreenCanvas(image.width, image.height).getContext('2d');
    g.drawImage(image, 0, 0);
    const { width, height } = image;
    return new Set(new Uint32Array(g.getImageData(width / 4, height / 4, width / 2, height / 2).data.buffer)).size;
  }, picture);
  assert.ok(colours > 8, `${colours} colours`);
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

test('a new case pulses on the map once and is counted', async () => {
  const page = await city.visit({ width: 1600, role: 'leader', motion: 'no-preference' });
  const listed = page.waitForResponse((r) => r.url().includes('/api/v1/records/report?') && r.url().includes('status.in'));
  await page.goto('/ioc');
  await page.locator('canvas.maplibregl-canvas').waitFor();
  await (await listed).finished(); // what is there already does not pulse
  const citizen = await city.visit({ role: 'citizen' });
  await report(citizen);
  await page.locator('.pulse').waitFor({ state: 'attached', timeout: 15_000 });
  await page.locator('.pulse').waitFor({ state: 'detached', timeout: 15_000 });
  await citizen.context().close();
  await page.context().close();
});

test('a click leads from the city to the unit, the case, the step and who has it', async () => {
  const page = await city.visit({ width: 1920, height: 1080, role: 'leader' });
  await page.goto('/ioc');
  const unit = page.locator('.rank a').first();
  const name = await unit.textContent();
  await unit.click();
  await page.waitForURL(/unit=/);
  await page.locator('.ioc-side.right h2').getByText(name).waitFor();
  const row = page.locator('.ioc-side.right .case-row a').first();
  await row.click();
  await page.waitForURL(/case=/);
  await page.locator('.person').first().waitFor();
  assert.match(await page.locator('.person').first().textContent(), /Tiếp nhận|Xử lý|Chưa ai nhận|nhận/);
  await page.locator('.crumbs').getByText('Toàn thành phố').click();
  await page.locator('.dial').first().waitFor();
  await page.goBack();
  await page.locator('.person').first().waitFor();
  await page.context().close();
});

test('a day can be seen again: nothing at its start that came later, all of it at its end', async () => {
  const page = await city.visit({ width: 1600, role: 'leader' });
  const citizen = await city.visit({ role: 'citizen' });
  await report(citizen);
  await citizen.context().close();
  await page.goto('/ioc');
  await page.getByRole('button', { name: 'Xem lại' }).click();
  const slider = page.getByRole('slider', { name: 'Thời điểm trong ngày' });
  await slider.waitFor({ timeout: 20_000 });
  await page.getByText(/Đang xem lại:.*00:00/).waitFor(); // reduced motion: it does not run by itself
  const end = Number(await slider.getAttribute('max'));
  const begin = Number(await slider.getAttribute('min'));
  assert.ok(end > begin && end - begin <= 86_400_000);
  await slider.fill(String(end - ((end - begin) % 300_000)));
  await until(async () => /Lúc/.test(await page.locator('.legend').textContent()));
  await page.getByRole('button', { name: 'Về hiện tại' }).click();
  await page.getByText(/^Bây giờ/).waitFor();
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

test('the wall changes its scenes, and gets over a lost network by itself', async () => {
  const page = await city.visit({ width: 1920, height: 1080, role: 'leader', theme: 'dark' });
  await page.goto('/ioc?wall=1');
  await page.locator('.dial').nth(4).waitFor();
  assert.equal(await page.locator('.ioc-top .button').count(), 0, 'no chrome');
  const now = () => page.locator('.scene-dots span').evaluateAll((all) => all.findIndex((e) => e.classList.contains('on')));
  const first = await now();
  await page.getByText('Trực tiếp').waitFor();
  await page.context().setOffline(true);
  await page.getByText('Mất kết nối, đang nối lại').waitFor({ timeout: 90_000 });
  await until(async () => (await now()) !== first, 30_000);
  await page.context().setOffline(false);
  await page.getByText('Trực tiếp').waitFor({ timeout: 60_000 });
  await page.locator('.dial').nth(4).waitFor();
  await page.context().close();
});

test('ten thousand points are put on the map and it still answers', async () => {
  const page = await city.visit({ width: 1280, role: 'leader' });
  await page.route('**/api/v1/records/report?status.in=*', (r) => {
    const items = Array.from({ length: 10_000 }, (_, i) => ({
      id: `x${i}`, number: `PA-${i}`, category: 'pothole', description: 'x', status: i % 3 ? 'new' : 'in_progress', commune: '00070',
      location: { lon: 105.6 + ((i * 7919) % 10_000) / 20_000, lat: 20.9 + ((i * 104_729) % 10_000) / 30_000 }, meta: { type: 'report', revision: 1, recorded_at: '2026-01-01T00:00:00Z' },
    }));
    return r.fulfill({ json: { items } });
  });
  await page.goto('/ioc');
  await page.locator('canvas.maplibregl-canvas').waitFor();
  await settle(page);
  await page.locator('.map[data-drawn]').waitFor();
  // Software draws here, beside whatever else the machine does: half of the frames say how it is, the
  // slowest only that something else ran.
  const frames = await page.evaluate(() => new Promise((done) => {
    const all = [];
    let last = performance.now();
    const step = () => {
      const t = performance.now();
      all.push(t - last);
      last = t;
      if (all.length < 60) requestAnimationFrame(step);
      else done(all.sort((a, b) => a - b));
    };
    requestAnimationFrame(step);
  }));
  assert.ok(frames[30] < 1000, `a frame takes ${Math.round(frames[30])} ms`);
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

test('what is not for citizens is not shown to them', async () => {
  const page = await city.visit({ role: 'citizen' });
  await page.goto('/admin/accounts');
  await page.locator('.note.bad').waitFor();
  assert.equal(await page.locator('table').count(), 0);
  await page.goto('/');
  await page.getByRole('button', { name: /Tài khoản/ }).click();
  assert.equal(await page.getByRole('link', { name: 'Quản trị' }).count(), 0);
  assert.equal(await page.getByRole('link', { name: 'Bàn làm việc' }).count(), 0);
  await page.context().close();
});
