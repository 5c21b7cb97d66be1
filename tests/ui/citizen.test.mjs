// SPDX-License-Identifier: Apache-2.0
// What a citizen does: report a problem with pin and photo, by keyboard alone, without a network;
// follow it, rate the answer, ask for it again; see the own data and who looked.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { kept, photo, settle, signIn, start, until } from './support.mjs';

let city;
before(async () => {
  city = await start();
});
after(() => city?.close());

const here = { latitude: 21.0288, longitude: 105.8525 };

async function api(page, path) {
  const r = await page.request.get(city.url + path);
  assert.equal(r.status(), 200, `${path}: ${await r.text()}`);
  return r.json();
}

/** Someone of the city acts through the API, as a program would. */
async function act(role, fn) {
  const context = await city.browser.newContext({ baseURL: city.url });
  await signIn(context, city.url, city.accounts[role]);
  const { csrf } = await (await context.request.get('/api/v1/session')).json();
  const send = async (path, data) => {
    const r = await context.request.post(path, { data, headers: { 'X-CSRF-Token': csrf } });
    assert.ok(r.ok(), `${path}: ${r.status()} ${await r.text()}`);
    return r.json();
  };
  try {
    return await fn({ get: async (path) => (await context.request.get(path)).json(), send });
  } finally {
    await context.close();
  }
}

/** The ward's officer takes and does what the report asks for. */
const work = (report, answer) =>
  act('officer', async ({ get, send }) => {
    const task = async (key) => until(async () => (await get(`/api/v1/tasks?case=${report}&state=open,claimed`)).items.find((x) => x.key === key));
    const triage = await task('triage');
    await send(`/api/v1/tasks/${triage.id}/claim`, {});
    await send(`/api/v1/tasks/${triage.id}/complete`, { variables: { decision: 'accept' } });
    const handle = await task('handle');
    await send(`/api/v1/tasks/${handle.id}/claim`, {});
    await send(`/api/v1/tasks/${handle.id}/complete`, { variables: { decision: 'done', answer } });
  });

/** Past "has this been reported already?": it is shown when there is something near, else left out. */
async function passKnown(page) {
  await page.waitForURL(/\/report\/(known|contact)/);
  const mine = page.getByRole('button', { name: 'Không, việc của tôi khác' });
  await until(async () => /contact/.test(page.url()) || mine.isVisible());
  if (!/contact/.test(page.url())) await mine.click();
  await page.waitForURL(/\/report\/contact/);
}

test('a report with pin and photo arrives, its photo small and without its hidden data', async () => {
  const page = await city.visit({ width: 390, height: 844, role: 'citizen', geolocation: here, permissions: ['geolocation'] });
  await page.goto('/');
  await page.getByRole('link', { name: /^Báo sự cố/ }).first().click();
  await page.getByRole('button', { name: 'Tiếp tục' }).click();
  const summary = page.locator('.error-summary');
  await summary.waitFor();
  assert.ok(await summary.evaluate((e) => e === document.activeElement), 'the summary of errors has the focus');
  await summary.getByRole('link', { name: 'Hãy chọn loại sự cố.' }).click();
  assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('name')), 'category', 'its link leads to the field');
  await page.getByText('Ổ gà, mặt đường hư hỏng').click();
  await page.getByRole('button', { name: 'Tiếp tục' }).click();

  await page.getByRole('button', { name: 'Dùng vị trí của tôi' }).click();
  await page.getByText('Phường Hoàn Kiếm', { exact: true }).waitFor();
  await page.locator('canvas.maplibregl-canvas').waitFor();
  await page.locator('.map-pin').waitFor();
  await page.getByRole('button', { name: 'Tiếp tục' }).click();

  const words = `Ổ gà sâu giữa đường, thử lúc ${Date.now()}`;
  await page.getByLabel('Mô tả', { exact: true }).fill(words);
  await page.setInputFiles('input[type=file][accept="image/*"]', await photo(page));
  await page.locator('.upload .photo img').waitFor();
  await page.waitForFunction(() => !document.querySelector('.upload .state'));
  await page.getByRole('button', { name: 'Tiếp tục' }).click();
  await passKnown(page);
  await page.getByLabel('Không hiện tên tôi với mọi người').check();
  await page.getByRole('button', { name: 'Tiếp tục' }).click();
  await page.getByText(words).waitFor();
  await page.getByRole('button', { name: 'Gửi phản ánh' }).click();
  await page.getByRole('heading', { name: 'Đã gửi' }).waitFor();
  const number = (await page.locator('.sent-panel .figures').textContent()).trim();
  assert.match(number, /^PA-\d{4}-\d{6}$/);
  await page.getByRole('link', { name: 'Theo dõi phản ánh' }).click();
  await page.waitForURL(/\/cases\/\w+$/);
  await page.getByText(words).waitFor();
  assert.match(await page.locator('.steps [aria-current=step]').textContent(), /Đang chờ tiếp nhận/);

  const record = await api(page, `/api/v1/records/report/${page.url().split('/').pop()}`);
  assert.equal(record.commune, '00070');
  assert.equal(record.anonymous, true);
  const file = await page.request.get(`${city.url}/api/v1/files/${record.photos[0]}`);
  const bytes = await file.body();
  assert.equal(bytes.includes('KHUE-TEST-GPS'), false, 'what the camera wrote is gone');
  const size = await page.evaluate((u) => new Promise((done) => {
    const i = new Image();
    i.onload = () => done([i.naturalWidth, i.naturalHeight]);
    i.src = u;
  }), `/api/v1/files/${record.photos[0]}`);
  assert.deepEqual(size, [1600, 1200]);
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

test('the whole report can be made with the keyboard alone', async () => {
  const page = await city.visit({ role: 'citizen' });
  await page.goto('/report');
  await settle(page);
  const focusOn = async (locator) => {
    for (let i = 0; i < 80; i++) {
      if (await locator.evaluate((e) => e === document.activeElement)) return;
      await page.keyboard.press('Tab');
    }
    assert.fail(`cannot be reached with Tab: ${locator}`);
  };
  const next = async () => {
    await focusOn(page.getByRole('button', { name: 'Tiếp tục' }));
    await page.keyboard.press('Enter');
  };
  await focusOn(page.locator('input[name=category]').first());
  await page.keyboard.press('ArrowDown');
  await next();
  await page.waitForURL(/place/);
  await focusOn(page.getByRole('searchbox', { name: 'Tìm theo tên' }));
  await page.keyboard.type('hoan kiem');
  const hit = page.locator('.suggestions button').first();
  await hit.waitFor();
  await focusOn(hit);
  await page.keyboard.press('Enter');
  await page.locator('.place-found b').getByText(/Phường|Xã/).waitFor();
  await next();
  await page.waitForURL(/detail/);
  await focusOn(page.getByLabel('Mô tả', { exact: true }));
  await page.keyboard.type('Bàn phím là đủ để báo một sự cố như thế này.');
  await next();
  await page.waitForURL(/known|contact/);
  await until(async () => /contact/.test(page.url()) || (await page.getByRole('button', { name: 'Không, việc của tôi khác' }).count()) > 0);
  if (/known/.test(page.url())) {
    await focusOn(page.getByRole('button', { name: 'Không, việc của tôi khác' }));
    await page.keyboard.press('Enter');
  }
  await page.waitForURL(/contact/);
  await next();
  await page.waitForURL(/review/);
  await focusOn(page.getByRole('button', { name: 'Gửi phản ánh' }));
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Đã gửi' }).waitFor();
  await page.context().close();
});

test('what is typed is still there after the page was closed', async () => {
  const page = await city.visit();
  await page.goto('/report/detail');
  await page.getByLabel('Mô tả', { exact: true }).fill('Nội dung này phải còn sau khi đóng trang.');
  const again = await page.context().newPage();
  await page.close(); // at once: what was typed is kept with the key
  await again.goto('/report/detail');
  await until(async () => (await again.getByLabel('Mô tả', { exact: true }).inputValue()) === 'Nội dung này phải còn sau khi đóng trang.');
  await again.context().close();
});

test('a report made without a network is sent when the network returns, once', async () => {
  const page = await city.visit({ role: 'citizen', geolocation: here, permissions: ['geolocation'] });
  await page.goto('/');
  await page.evaluate(() => navigator.serviceWorker.ready);
  await page.waitForFunction(() => navigator.serviceWorker.controller);
  await page.goto('/report/place');
  await page.getByRole('button', { name: 'Dùng vị trí của tôi' }).click();
  await page.getByText('Phường Hoàn Kiếm', { exact: true }).waitFor();
  await page.goto('/report');
  await page.locator('input[name=category]').first().waitFor({ state: 'attached' });
  await page.context().setOffline(true);
  await page.reload();
  await page.getByText('Không có kết nối mạng. Bạn vẫn có thể soạn phản ánh').waitFor();
  await page.getByText('Rác thải không được thu gom').click();
  await page.getByRole('button', { name: 'Tiếp tục' }).click();
  await page.waitForURL(/place/);
  await page.getByRole('button', { name: 'Tiếp tục' }).click();
  await page.waitForURL(/detail/);
  const words = `Soạn khi mất mạng ${Date.now()}`;
  await page.getByLabel('Mô tả', { exact: true }).fill(words);
  await page.setInputFiles('input[type=file][accept="image/*"]', await photo(page, 800, 600));
  await page.locator('.upload .photo img').waitFor();
  await page.getByRole('button', { name: 'Tiếp tục' }).click();
  await page.waitForURL(/contact/);
  await page.getByRole('button', { name: 'Tiếp tục' }).click();
  await page.getByRole('button', { name: 'Gửi phản ánh' }).click();
  await page.getByRole('heading', { name: 'Phản ánh đang chờ mạng' }).waitFor();
  await page.context().setOffline(false);
  // By the page or by its service worker, whoever hears of the network first; the other has nothing left.
  await page.getByText(/Đã gửi phản ánh PA-/).waitFor();
  assert.deepEqual(await kept(page, 'waiting'), []);
  assert.equal((await kept(page, 'sent')).length, 1);
  await page.evaluate(() => dispatchEvent(new Event('online')));
  await page.goto('/cases');
  await page.getByText(words).first().waitFor();
  const { items } = await api(page, `/api/v1/records/report?q=${encodeURIComponent(words)}&limit=10`);
  const mine = items.filter((r) => r.description === words);
  assert.equal(mine.length, 1, 'sent once');
  assert.equal(mine[0].photos.length, 1, 'with its photo');
  await page.context().close();
});

test('a report that waited is sent by the next visit, if the page was closed without a network', async () => {
  const page = await city.visit({ role: 'citizen', geolocation: here, permissions: ['geolocation'] });
  await page.goto('/');
  await page.evaluate(() => navigator.serviceWorker.ready);
  await page.waitForFunction(() => navigator.serviceWorker.controller);
  const words = `Gửi ở lần mở sau ${Date.now()}`;
  await page.goto('/report');
  await page.locator('.category', { hasText: 'Tiếng ồn' }).click();
  await page.getByRole('button', { name: 'Tiếp tục' }).click();
  await page.getByRole('button', { name: 'Dùng vị trí của tôi' }).click();
  await page.getByText('Phường Hoàn Kiếm', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Tiếp tục' }).click();
  await page.getByLabel('Mô tả', { exact: true }).fill(words);
  await page.goto('/report/review');
  await page.getByText(words).waitFor();
  await page.context().setOffline(true);
  await page.getByRole('button', { name: 'Gửi phản ánh' }).click();
  await page.getByRole('heading', { name: 'Phản ánh đang chờ mạng' }).waitFor();
  assert.equal((await kept(page, 'waiting')).length, 1);
  await page.goto('/cases');
  await page.getByText(words).waitFor(); // it is shown as waiting
  const context = page.context();
  const again = await context.newPage();
  await page.close();
  await context.setOffline(false);
  await again.goto('/');
  const find = async () => (await api(again, `/api/v1/records/report?q=${encodeURIComponent(words)}&limit=10`)).items.filter((r) => r.description === words);
  await until(async () => (await find()).length > 0);
  await until(async () => (await kept(again, 'waiting')).length === 0);
  assert.equal((await find()).length, 1);
  await context.close();
});

test('further questions of a category are asked, checked, reviewed and answered on the page of the case', async () => {
  const page = await city.visit({ role: 'citizen', geolocation: here, permissions: ['geolocation'] });
  await page.goto('/report');
  await page.getByLabel('Tìm loại sự cố').fill('duong xau');
  await until(async () => (await page.locator('input[name=category]').count()) === 1);
  await page.getByText('Ổ gà, mặt đường hư hỏng').click();
  await page.getByRole('button', { name: 'Tiếp tục' }).click();
  await page.getByRole('button', { name: 'Dùng vị trí của tôi' }).click();
  await page.getByText('Phường Hoàn Kiếm', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Tiếp tục' }).click();
  const words = `Ổ gà có kích thước ${Date.now()}`;
  await page.getByLabel('Mô tả', { exact: true }).fill(words);
  await page.getByLabel('Bằng mặt bàn').check();
  await page.getByLabel('Độ sâu ước chừng (cm)').fill('sâu lắm');
  await page.getByRole('button', { name: 'Tiếp tục' }).click();
  await page.locator('.error-summary').getByText('Độ sâu ước chừng (cm): hãy nhập một số.').click();
  assert.equal(await page.evaluate(() => document.activeElement?.id), 'f-q-DEPTH_CM');
  await page.getByLabel('Độ sâu ước chừng (cm)').fill('12,5');
  await page.getByRole('button', { name: 'Tiếp tục' }).click();
  await passKnown(page);
  await page.getByRole('button', { name: 'Tiếp tục' }).click();
  const fact = (name, p = page) => p.locator('.facts > div').filter({ has: p.locator('dt', { hasText: name }) }).locator('dd');
  assert.match(await fact(/^Kích thước$/).textContent(), /^Bằng mặt bàn/);
  await page.getByRole('button', { name: 'Gửi phản ánh' }).click();
  await page.getByRole('link', { name: 'Theo dõi phản ánh' }).click();
  await page.getByText(words).waitFor();
  assert.equal(await fact(/^Kích thước$/).textContent(), 'Bằng mặt bàn');
  assert.equal(await fact(/^Độ sâu/).textContent(), '12,5');
  const id = page.url().split('/').pop();
  assert.deepEqual((await api(page, `/api/v1/records/report/${id}`)).attributes, { SIZE: 'medium', DEPTH_CM: '12.5' });

  const desk = await city.visit({ role: 'officer', lang: 'en' });
  await desk.goto(`/desk/cases/${id}`);
  assert.equal(await fact(/^Size$/, desk).textContent(), 'As large as a table');
  await desk.context().close();
  await page.context().close();
});

test('the story of a case names the unit to the citizen and the officer to the unit', async () => {
  const page = await city.visit({ role: 'citizen' });
  const { csrf } = await api(page, '/api/v1/session');
  const made = await page.request.post(`${city.url}/api/v1/records/report`, {
    data: { category: 'street_light', description: 'Đèn ngõ tắt, cần biết ai xử lý.', location: { lon: 105.8525, lat: 21.0288 } },
    headers: { 'X-CSRF-Token': csrf },
  });
  const { id } = await made.json();
  await work(id, 'Đã thay bóng đèn mới cho cả ngõ.');
  await page.goto(`/cases/${id}`);
  const done = (p) => p.locator('.timeline li', { has: p.getByText('Đã xử lý', { exact: true }) });
  await done(page).waitFor();
  const officer = (await act('officer', ({ get }) => get('/api/v1/session'))).account.name;
  assert.match(await done(page).locator('.who').textContent(), /Ủy ban nhân dân phường Hoàn Kiếm/);
  const story = await page.locator('.timeline').textContent();
  assert.ok(!story.includes(officer), 'a citizen reads the unit, not the person');
  assert.doesNotMatch(story, /account:|timer|system:/);
  // "Sent" is when it was sent, not when it last changed.
  const sent = await page.locator('.timeline li', { hasText: 'Đã gửi phản ánh' }).locator('time').textContent();
  await page.locator('.case-head').getByText(`Gửi lúc ${sent}`).waitFor();

  const desk = await city.visit({ role: 'officer' });
  await desk.goto(`/desk/cases/${id}`);
  await done(desk).waitFor();
  assert.ok((await done(desk).locator('.who').textContent()).includes(officer), 'the unit knows its people');
  await desk.context().close();
  await page.context().close();
});

test('lists answer the keys / j k Enter ?', async () => {
  const page = await city.visit();
  await page.goto('/nearby');
  await page.locator('.case-row').nth(2).waitFor();
  await page.locator('h1').click();
  const at = () => page.locator('.row-link').evaluateAll((all) => all.indexOf(document.activeElement));
  await page.keyboard.press('j');
  assert.equal(await at(), 0);
  await page.keyboard.press('j');
  await page.keyboard.press('j');
  await page.keyboard.press('k');
  assert.equal(await at(), 1);
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Phím tắt' }).waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await page.locator('.row-link').nth(1).focus();
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/cases\//);
  await page.locator('.steps').waitFor();
  await page.keyboard.press('/');
  await page.waitForURL(/\/search/);
  await page.context().close();
});

test('a list can be taken away as it is filtered', async () => {
  const page = await city.visit();
  await page.goto('/nearby?category=noise&state=all');
  await page.locator('.case-row').first().waitFor();
  const download = page.waitForEvent('download');
  await page.getByRole('link', { name: 'CSV' }).click();
  const { readFileSync } = await import('node:fs');
  const text = readFileSync(await (await download).path(), 'utf8');
  assert.match(text, /^\ufeff?id,number,category/);
  const rows = text.trim().split('\n').slice(1);
  assert.ok(rows.length > 0 && rows.every((r) => r.includes(',noise,')));
  await page.context().close();
});

test('a case moves while it is looked at; its reporter rates it and asks for it again', async () => {
  const page = await city.visit({ role: 'citizen' });
  const { csrf } = await api(page, '/api/v1/session');
  const made = await page.request.post(`${city.url}/api/v1/records/report`, {
    data: { category: 'street_light', description: 'Đèn tắt cả ngõ, tối không nhìn thấy đường.', location: { lon: 105.8525, lat: 21.0288 } },
    headers: { 'X-CSRF-Token': csrf },
  });
  assert.equal(made.status(), 201, await made.text());
  const { id } = await made.json();
  await page.goto(`/cases/${id}`);
  await page.locator('.steps [aria-current=step]').getByText('Đang chờ tiếp nhận').waitFor();
  await work(id, 'Đã thay bóng đèn và kiểm tra cả tuyến.');
  await page.locator('.steps [aria-current=step]').getByText('Đã xử lý').waitFor(); // by itself
  await page.getByText('Đã thay bóng đèn và kiểm tra cả tuyến.').first().waitFor();
  await page.getByRole('button', { name: 'Gửi đánh giá' }).click();
  await page.locator('.error-summary').getByText('Hãy chọn số sao.').waitFor();
  await page.getByRole('radio', { name: /2 sao/ }).check({ force: true });
  await page.getByLabel(/Chưa được, đề nghị xử lý lại/).check();
  await page.getByLabel(/Ý kiến của bạn/).fill('Đầu ngõ vẫn còn một bóng chưa sáng.');
  await page.getByRole('button', { name: 'Gửi và yêu cầu xử lý lại' }).click();
  await page.locator('.case-head').getByText('Xử lý lại').waitFor();
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

test('my reports are listed, newest first, and my data says who looked', async () => {
  const page = await city.visit({ role: 'citizen' });
  await page.goto('/cases');
  await page.locator('.case-row').first().waitFor();
  await page.goto('/me');
  await page.getByText(city.accounts.citizen.username).first().waitFor();
  await page.getByRole('link', { name: 'Ai đã xem' }).click();
  await page.getByText('Mỗi lần ai đó xem dữ liệu cá nhân của bạn').waitFor();
  await page.getByRole('link', { name: 'Cách liên hệ' }).click();
  await page.getByLabel('Tin nhắn SMS').setChecked(!(await page.getByLabel('Tin nhắn SMS').isChecked()));
  const on = await page.getByLabel('Tin nhắn SMS').isChecked();
  await page.getByRole('button', { name: 'Lưu' }).click();
  await page.getByText('Đã lưu.').waitFor();
  await page.reload();
  await until(async () => (await page.getByLabel('Tin nhắn SMS').isChecked()) === on);
  await page.context().close();
});

test('search finds a ward typed without accents, and a report by its number', async () => {
  const page = await city.visit();
  await page.goto('/');
  await page.keyboard.press('Tab');
  await page.getByRole('searchbox').fill('hoan kiem');
  await page.keyboard.press('Enter');
  await page.getByRole('link', { name: /Hoàn Kiếm/ }).first().waitFor();
  const { items } = await api(page, '/api/v1/records/report?limit=1');
  await page.goto(`/search?q=${items[0].number}`);
  await page.locator('.hits a').first().click();
  await page.waitForURL(new RegExp(`/cases/${items[0].id}`));
  await page.context().close();
});

test('a citizen signs up, and hears what is wrong beside the field', async () => {
  const page = await city.visit();
  await page.goto('/register');
  await page.getByLabel('Họ và tên').fill('Lê Thị Thử');
  await page.getByLabel('Tên đăng nhập').fill('a b');
  await page.getByLabel('Mật khẩu').fill('ngắn');
  await page.getByRole('button', { name: 'Tạo tài khoản' }).click();
  assert.equal(await page.locator('.field.wrong').count(), 2);
  assert.equal(await page.getByLabel('Họ và tên').inputValue(), 'Lê Thị Thử', 'nothing typed is lost');
  const name = `thu${Date.now()}`;
  await page.getByLabel('Tên đăng nhập').fill(name);
  await page.getByLabel('Mật khẩu').fill('một câu dài dễ nhớ');
  await page.getByRole('button', { name: 'Tạo tài khoản' }).click();
  await page.getByRole('heading', { name: /Chào Lê Thị Thử/ }).waitFor();
  await page.getByRole('button', { name: /Tài khoản Lê Thị Thử/ }).click();
  await page.getByRole('button', { name: 'Đăng xuất' }).click();
  await page.getByRole('link', { name: 'Đăng nhập' }).waitFor();
  await page.goto('/login');
  await page.getByLabel('Tên đăng nhập').fill(name);
  await page.getByLabel('Mật khẩu', { exact: true }).fill('sai mật khẩu rồi');
  await page.locator('main').getByRole('button', { name: 'Đăng nhập' }).click();
  await page.locator('.error-summary').getByText('Tên đăng nhập hoặc mật khẩu chưa đúng.').waitFor();
  await page.context().close();
});

test('a position outside the city is said, and the map shows where a place can be chosen', async () => {
  const page = await city.visit({ width: 360, height: 740, lang: 'en', permissions: ['geolocation'], geolocation: { latitude: 10.7769, longitude: 106.7009 } });
  await page.goto('/report/place');
  await page.locator('.map[data-drawn]').waitFor();
  await page.getByRole('button', { name: 'Use my position' }).click();
  await page.getByText('This place is outside Hanoi.').waitFor();
  // A tap in the middle of what is shown is a place in the city.
  const box = await page.locator('.map').boundingBox();
  await page.locator('.map').click({ position: { x: box.width / 2, y: box.height / 2 } });
  await page.getByText('This place is outside Hanoi.').waitFor({ state: 'detached' });
  await page.locator('main').getByText(/Phường /).first().waitFor();
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

test('a link of the sign-in page cannot lead to another site', async () => {
  const page = await city.visit();
  await page.goto('/login?next=//example.org/');
  await page.getByLabel('Tên đăng nhập').fill(city.accounts.citizen.username);
  await page.getByLabel('Mật khẩu', { exact: true }).fill(city.accounts.citizen.password);
  await page.locator('main').getByRole('button', { name: 'Đăng nhập' }).click();
  await page.waitForURL(`${city.url}/cases`);
  await page.context().close();
});

test('the portal can be installed and its pages open without a network', async () => {
  const page = await city.visit();
  await page.goto('/');
  const manifest = await (await page.request.get(`${city.url}/manifest.webmanifest`)).json();
  assert.equal(manifest.display, 'standalone');
  await page.evaluate(() => navigator.serviceWorker.ready);
  await page.waitForFunction(() => navigator.serviceWorker.controller);
  await page.context().setOffline(true);
  await page.goto('/about');
  await page.getByRole('heading', { name: 'Giới thiệu và nguồn dữ liệu' }).waitFor();
  await page.context().close();
});
