// SPDX-License-Identifier: Apache-2.0
// What an administrator does: types and records, processes with their tokens, roles, keys, the log.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { artifacts, settle, start, until } from './support.mjs';

let city;
let page;
before(async () => {
  city = await start();
  page = await city.visit({ width: 1600, height: 1000, role: 'admin' });
});
after(() => city?.close());

test('every type shows its fields and how they are protected', async () => {
  await page.goto('/admin/types');
  await page.getByRole('link', { name: 'Phản ánh', exact: true }).first().waitFor();
  await page.goto('/admin/types/report');
  const row = page.locator('tr', { hasText: 'contact_phone' });
  await row.waitFor();
  assert.match(await row.textContent(), /Cá nhân/);
});

test('a record is changed through the form of its type, and the change is in its history', async () => {
  await page.goto('/admin/records/feedback_category');
  await page.getByLabel('Nhóm').selectOption({ label: 'Giao thông' });
  await page.waitForURL(/group=traffic/);
  await page.locator('tbody a').first().click();
  await page.waitForURL(/feedback_category\/\w{13}/);
  await page.getByRole('button', { name: 'Sửa' }).click();
  const words = `Giải thích thử ${Date.now()}`;
  await page.locator('#f-about_vi').fill(words);
  await page.getByLabel(/Lý do sửa/).fill('Nói rõ hơn');
  await page.getByRole('button', { name: 'Lưu' }).click();
  await page.getByText('Đã lưu.').waitFor();
  await page.locator('.facts').getByText(words).waitFor();
  await page.locator('.timeline ins').getByText(words).waitFor();
  await page.locator('.timeline').getByText('Nói rõ hơn').waitFor();
});

test('what the schema refuses is said beside the field, and nothing typed is lost', async () => {
  await page.goto('/admin/records/feedback_category/new');
  await page.getByLabel('Mã', { exact: true }).fill('Sai Mã!');
  await page.getByLabel('Tên tiếng Việt').fill('Thử');
  await page.getByRole('button', { name: 'Lưu' }).click();
  await page.locator('.error-summary').waitFor();
  assert.ok(await page.locator('.field.wrong').count() >= 2);
  await page.locator('#f-code').waitFor();
  assert.equal(await page.locator('#f-code').getAttribute('aria-invalid'), 'true');
  assert.equal(await page.getByLabel('Tên tiếng Việt').inputValue(), 'Thử');
});

test('a process is drawn whole, with the cases that stand at each step', async () => {
  for (const key of ['dossier', 'report']) {
    await page.goto('/admin/processes');
    await page.locator(`tbody a[href$="/${key}"]`).first().click();
    await page.locator('.diagram svg').waitFor();
    const xml = await (await page.request.get(`${city.url}/api/v1/processes/${key}/bpmn`)).text();
    const steps = xml.match(/<(?:\w+:)?(?:userTask|serviceTask|businessRuleTask|scriptTask|callActivity|subProcess|\w+Event|\w+Gateway) /g).length;
    assert.equal(await page.locator('.diagram .shape').count(), steps);
    const flows = xml.match(/<(?:\w+:)?sequenceFlow /g).length;
    assert.equal(await page.locator('.diagram .edge').count(), flows);
    // No two steps lie on each other, boundary events aside.
    const over = await page.locator('.diagram .shape:not(.guest)').evaluateAll((all) => {
      const boxes = all.map((e) => (e.querySelector('rect') ?? e.querySelector('.box') ?? e.querySelector('circle')).getBoundingClientRect()).filter((b) => b.width > 30);
      return boxes.some((a, i) => boxes.some((b, j) => i < j && a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1));
    });
    assert.equal(over, false, key);
  }
  await page.locator('.token').first().waitFor();
  const tasks = (await (await page.request.get(`${city.url}/api/v1/tasks?state=open,claimed&key=triage&limit=1000`)).json()).items;
  const shown = page.locator('tr', { hasText: 'Tiếp nhận phản ánh' }).locator('td.n');
  await until(async () => Number((await shown.first().textContent()).replace(/\D/g, '')) === tasks.length);
  await page.screenshot({ path: `${artifacts}/admin-process.png`, fullPage: true });
});

test('a decision can be tried', async () => {
  await page.goto('/admin/decisions');
  await page.getByLabel('Đầu vào (JSON)').fill('{"category": "manhole", "agency": "H26.00070"}');
  await page.getByRole('button', { name: 'Chạy thử' }).click();
  const result = page.locator('aside pre').first();
  await result.waitFor();
  assert.deepEqual(JSON.parse(await result.textContent()), { class: 'urgent', unit: 'H26.00070' });
  await page.getByLabel('Đầu vào (JSON)').fill('{');
  await page.getByRole('button', { name: 'Chạy thử' }).click();
  await page.locator('.error-summary').getByText('Đầu vào chưa đúng JSON').waitFor();
});

test('an account is made, given a role and relieved of it', async () => {
  await page.goto('/admin/accounts');
  await page.getByRole('button', { name: 'Thêm tài khoản' }).click();
  const dialog = page.getByRole('dialog');
  const name = `canbo${Date.now()}`;
  await dialog.getByLabel('Họ và tên').fill('Đỗ Văn Thử');
  await dialog.getByLabel('Tên đăng nhập').fill(name);
  await dialog.getByRole('combobox', { name: /^Đơn vị/ }).fill('hoan kiem');
  await dialog.getByRole('option', { name: /phường Hoàn Kiếm/ }).click();
  await dialog.getByLabel('Mật khẩu ban đầu').fill('mật khẩu dài của cán bộ');
  await dialog.getByRole('button', { name: 'Lưu' }).click();
  await page.waitForURL(/accounts\/\w{13}/);
  await page.getByRole('heading', { name: 'Đỗ Văn Thử' }).waitFor();
  await page.getByLabel('Vai trò').selectOption('officer');
  await page.getByRole('combobox', { name: /^Đơn vị/ }).fill('H26.00070'); // whoever knows the code may write it
  await page.getByRole('button', { name: 'Giao', exact: true }).click();
  await page.locator('.hits').getByText('Cán bộ xử lý').waitFor();
  await page.locator('.hits').getByText('UBND phường Hoàn Kiếm').waitFor();
  await page.getByRole('button', { name: 'Thôi vai trò' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Thôi vai trò' }).click();
  await page.getByText('Chưa có vai trò nào.').waitFor();
});

test('a key is shown once and can be revoked', async () => {
  await page.goto('/admin/keys');
  await settle(page);
  const account = page.getByLabel('Tài khoản', { exact: true });
  await until(async () => (await account.locator('option').count()) > 1);
  await account.selectOption({ index: 1 });
  const name = `thử ${Date.now()}`;
  await page.getByLabel('Tên khoá').fill(name);
  await page.getByRole('button', { name: 'Tạo khoá' }).click();
  const secret = (await page.locator('.secret .figures').textContent()).trim();
  assert.equal((await page.request.get(`${city.url}/api/v1/session`, { headers: { 'X-API-Key': secret, cookie: '' } })).status() < 500, true);
  const row = page.locator('tr', { hasText: name });
  await row.getByRole('button', { name: 'Thu hồi' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Thu hồi' }).click();
  await row.waitFor({ state: 'detached' });
});

test('the log is read and proved', async () => {
  await page.goto('/admin/audit');
  const opened = page.locator('tbody tr', { hasText: 'session.open' }).first();
  await opened.getByRole('link', { name: 'Quản trị viên' }).waitFor(); // people by name
  await opened.getByRole('link', { name: 'Quản trị viên' }).click();
  await page.waitForURL(/\/admin\/accounts\/\w{13}/);
  await page.goBack();
  await page.getByRole('button', { name: 'Kiểm tra toàn vẹn' }).click();
  await page.getByText('Nhật ký còn nguyên vẹn').waitFor({ timeout: 90_000 });
});

test('the node says how it does', async () => {
  await page.goto('/admin');
  await page.locator('.figure').nth(4).waitFor();
  assert.match(await page.locator('.figures-row').textContent(), /MB/);
  assert.deepEqual(page.errors, []);
});
