// SPDX-License-Identifier: Apache-2.0
// What an officer does: one inbox, soonest due first; take, decide, answer; with the keyboard alone.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { checkAxe, photo, settle, signIn, start, until } from './support.mjs';

let city;
before(async () => {
  city = await start();
});
after(() => city?.close());

/** A new report in the officer's ward, from a citizen. */
async function report(words, category = 'pothole') {
  const page = await city.visit({ role: 'citizen' });
  const { csrf } = await (await page.request.get(`${city.url}/api/v1/session`)).json();
  const r = await page.request.post(`${city.url}/api/v1/records/report`, {
    data: { category, description: words, location: { lon: 105.8525, lat: 21.0288 }, contact_phone: '0912345678' },
    headers: { 'X-CSRF-Token': csrf },
  });
  assert.equal(r.status(), 201, await r.text());
  const made = await r.json();
  await page.context().close();
  return made;
}

async function taskOf(page, record, key) {
  return until(async () => {
    const { items } = await (await page.request.get(`${city.url}/api/v1/tasks?case=${record}&state=open,claimed`)).json();
    return items.find((x) => x.key === key);
  });
}

const record = async (page, id) => (await page.request.get(`${city.url}/api/v1/records/report/${id}`)).json();

test('the inbox is sorted by the time left and says it in words', async () => {
  const page = await city.visit({ role: 'officer' });
  await page.goto('/desk');
  await page.locator('.inbox li').first().waitFor();
  const { items } = await (await page.request.get(`${city.url}/api/v1/tasks?state=open,claimed&limit=100`)).json();
  const left = items.map((x) => x.minutes_left ?? Infinity);
  assert.deepEqual(left, [...left].sort((a, b) => a - b));
  assert.equal(await page.locator('.inbox li').count(), items.length);
  const due = await page.locator('.inbox .due').allTextContents();
  for (const [i, text] of due.entries()) {
    if (items[i].minutes_left === undefined) continue;
    assert.match(text, items[i].minutes_left < 0 ? /^Quá hạn \d+ (phút|giờ|ngày) làm việc$/ : /^Còn \d+ (phút|giờ|ngày) làm việc$/);
  }
  await page.context().close();
});

test('new work appears by itself', async () => {
  const page = await city.visit({ role: 'officer' });
  await page.goto('/desk');
  await settle(page);
  const words = `Việc mới tự hiện ${Date.now()}`;
  const made = await report(words);
  await page.locator('.inbox').getByText(made.number).or(page.locator('.inbox').getByText(words)).first().waitFor();
  await page.context().close();
});

test('with the keyboard alone: move, open, take, accept, answer', async () => {
  const words = `Bàn phím của cán bộ ${Date.now()}`;
  const made = await report(words);
  const page = await city.visit({ role: 'officer' });
  await taskOf(page, made.id, 'triage');
  await page.goto('/desk');
  await page.locator('.inbox li').first().waitFor();
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Phím tắt' }).waitFor();
  await page.keyboard.press('Escape');
  await page.keyboard.press('/');
  assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('type')), 'search');
  await page.keyboard.type(made.number);
  await until(async () => (await page.locator('.inbox li').count()) === 1);
  await page.keyboard.press('Escape');
  await page.keyboard.press('j');
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/desk\/tasks\//);
  await page.locator('.act').waitFor();
  const tabTo = async (locator) => {
    for (let i = 0; i < 120; i++) {
      if (await locator.evaluate((e) => e === document.activeElement)) return;
      await page.keyboard.press('Tab');
    }
    assert.fail('cannot be reached with Tab');
  };
  await tabTo(page.getByRole('button', { name: 'Nhận việc' }));
  await page.keyboard.press('Enter');
  const accept = page.locator('.act input[value=accept]');
  await accept.waitFor();
  await tabTo(page.locator('.act input[type=radio]').first());
  await page.keyboard.press('Space');
  assert.ok(await accept.isChecked());
  await tabTo(page.getByRole('button', { name: 'Hoàn thành bước này' }));
  await page.keyboard.press('Enter');
  await page.getByText(/^Đã xong:/).waitFor();
  assert.equal((await record(page, made.id)).status, 'in_progress');

  const handle = await taskOf(page, made.id, 'handle');
  await page.goto(`/desk/tasks/${handle.id}`);
  await page.getByRole('button', { name: 'Nhận việc' }).click();
  await page.locator('.act input[value=done]').check();
  await page.getByRole('button', { name: 'Hoàn thành bước này' }).click();
  await page.locator('.error-summary').waitFor(); // an answer is asked for
  await page.locator('.act textarea').first().fill('Đã vá mặt đường, lu lèn và dọn vật liệu thừa.');
  await page.setInputFiles('.act input[type=file]', await photo(page, 640, 480));
  await page.locator('.act .upload img').waitFor();
  await page.waitForFunction(() => !document.querySelector('.act .upload .state'));
  await page.getByRole('button', { name: 'Hoàn thành bước này' }).click();
  await page.getByText(/^Đã xong:/).waitFor();
  const after = await record(page, made.id);
  assert.equal(after.status, 'done');
  assert.equal(after.answer, 'Đã vá mặt đường, lu lèn và dọn vật liệu thừa.');
  assert.equal(after.answer_photos.length, 1);
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

test('refusing asks for a reason and for a second thought', async () => {
  const made = await report(`Sẽ bị từ chối ${Date.now()}`);
  const page = await city.visit({ role: 'officer' });
  const task = await taskOf(page, made.id, 'triage');
  await page.goto(`/desk/tasks/${task.id}`);
  await page.getByRole('button', { name: 'Nhận việc' }).click();
  await page.locator('.act input[value=refuse]').check();
  await page.getByRole('button', { name: 'Hoàn thành bước này' }).click();
  await page.locator('.error-summary').waitFor();
  await page.locator('.act textarea').fill('Vị trí thuộc công trường đã có kế hoạch hoàn trả.');
  await page.getByRole('button', { name: 'Hoàn thành bước này' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Thôi' }).click();
  assert.equal((await record(page, made.id)).status, 'new', 'nothing happened yet');
  assert.equal(await page.locator('.act textarea').inputValue(), 'Vị trí thuộc công trường đã có kế hoạch hoàn trả.');
  await page.getByRole('button', { name: 'Hoàn thành bước này' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Từ chối' }).click();
  await page.getByText(/^Đã xong:/).waitFor();
  assert.equal((await record(page, made.id)).status, 'refused');
  await page.context().close();
});

test('forwarding finds the other unit by its name in any spelling', async () => {
  const made = await report(`Sẽ chuyển đi ${Date.now()}`);
  const page = await city.visit({ role: 'officer' });
  const task = await taskOf(page, made.id, 'triage');
  await page.goto(`/desk/tasks/${task.id}`);
  await page.getByRole('button', { name: 'Nhận việc' }).click();
  await page.locator('.act input[value=forward]').check();
  await page.locator('.act textarea').fill('Thuộc địa bàn phường bên cạnh.');
  await page.getByRole('combobox').last().fill('cua nam');
  const option = page.locator('.suggestions [role=option]').first();
  await option.waitFor();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Hoàn thành bước này' }).click();
  await page.getByText(/^Đã xong:/).waitFor();
  const after = await record(page, made.id).catch(() => ({}));
  assert.notEqual(after.unit, made.unit);
  await page.context().close();
});

test('when the session ends, the officer signs in over the page and nothing typed is lost', async () => {
  const made = await report(`Phiên hết giữa chừng ${Date.now()}`);
  const page = await city.visit({ role: 'officer' });
  const task = await taskOf(page, made.id, 'triage');
  await page.goto(`/desk/tasks/${task.id}`);
  await page.getByRole('button', { name: 'Nhận việc' }).click();
  await page.locator('.act input[value=refuse]').check();
  await page.locator('.act textarea').fill('Lý do này không được mất.');
  await page.getByRole('button', { name: 'Hoàn thành bước này' }).click();
  const refuse = page.getByRole('dialog').getByRole('button', { name: 'Từ chối' });
  await refuse.waitFor(); // by now the page has read again what taking the task changed: none of that asks to sign in
  await page.context().clearCookies();
  await refuse.click();
  const again = page.getByRole('dialog', { name: 'Phiên làm việc đã hết' });
  await again.waitFor();
  await again.getByLabel('Tên đăng nhập').fill(city.accounts.officer.username);
  await again.getByLabel('Mật khẩu', { exact: true }).fill(city.accounts.officer.password);
  await again.getByRole('button', { name: 'Đăng nhập' }).click();
  await page.getByText(/^Đã xong:/).waitFor();
  assert.equal((await record(page, made.id)).refusal_reason, 'Lý do này không được mất.');
  await page.context().close();
});

test('filters live in the address and can be shared', async () => {
  const page = await city.visit({ role: 'officer' });
  await page.goto('/desk');
  await page.locator('.inbox li').first().waitFor();
  await page.getByLabel('Hiện').selectOption('over');
  await page.waitForURL(/view=over/);
  const address = page.url();
  const n = await page.locator('.inbox li').count();
  const other = await page.context().newPage();
  await other.goto(address);
  await settle(other);
  assert.equal(await other.locator('.inbox li').count(), n);
  await page.context().close();
});

test('taking a task can be undone', async () => {
  const made = await report(`Nhận rồi hoàn tác ${Date.now()}`);
  const page = await city.visit({ role: 'officer' });
  const task = await taskOf(page, made.id, 'triage');
  await page.goto(`/desk/tasks/${task.id}`);
  await page.getByRole('button', { name: 'Nhận việc' }).click();
  await page.locator('.act input[value=accept]').waitFor();
  await page.getByRole('button', { name: 'Hoàn tác' }).click();
  await page.getByRole('button', { name: 'Nhận việc' }).waitFor();
  assert.equal((await taskOf(page, made.id, 'triage')).state, 'open');
  await page.context().close();
});

test('any report of the unit is found, by number or filter, and the address says which', async () => {
  const made = await report(`Cần tra cứu ${Date.now()}`, 'noise');
  const page = await city.visit({ role: 'officer' });
  await page.goto('/desk/search');
  await page.locator('.case-row').first().waitFor();
  await page.getByLabel('Loại sự cố').selectOption('noise');
  await page.waitForURL(/category=noise/);
  await page.locator('.case-row').getByText('Tiếng ồn').first().waitFor();
  await until(async () => (await page.locator('.case-what').allTextContents()).every((x) => x === 'Tiếng ồn'));
  await page.getByLabel('Số phản ánh hoặc nội dung').fill(made.number.toLowerCase());
  await page.getByRole('button', { name: 'Tìm', exact: true }).click();
  await until(async () => (await page.locator('.case-row').count()) === 1);
  const address = page.url();
  await page.locator('.case-row a').click();
  await page.waitForURL(new RegExp(`/desk/cases/${made.id}`));
  await page.getByText('0912345678').first().waitFor(); // the unit may call
  await page.goBack();
  await page.waitForURL(address);
  await until(async () => (await page.locator('.case-row').count()) === 1);
  const table = await page.request.get(city.url + (await page.getByRole('link', { name: /CSV/ }).getAttribute('href')));
  assert.equal((await table.text()).trim().split('\n').length, 2);
  await page.context().close();
});

test('a colleague acts in my place: from the form to the work, and no longer when it ends', async () => {
  const made = await report(`Người được uỷ quyền xử lý ${Date.now()}`);
  // A colleague of the same unit without a role.
  const admin = await city.visit({ role: 'admin' });
  const { csrf } = await (await admin.request.get(`${city.url}/api/v1/session`)).json();
  const colleague = { username: `dongnghiep${Date.now()}`, password: 'mật khẩu của đồng nghiệp' };
  const added = await admin.request.post(`${city.url}/api/v1/accounts/managed`, {
    data: { ...colleague, name: 'Bùi Thị Thay', kind: 'person', unit: 'H26.00070' },
    headers: { 'X-CSRF-Token': csrf },
  });
  assert.equal(added.status(), 201, await added.text());
  await admin.context().close();

  const page = await city.visit({ role: 'officer' });
  await page.goto('/desk/delegation');
  await page.getByLabel('Người được uỷ quyền').fill('khong-co-ai');
  await page.getByLabel('Lý do').fill('Đi công tác một ngày');
  await page.getByRole('button', { name: 'Uỷ quyền', exact: true }).click();
  await page.locator('.error-summary').getByText('Không có tài khoản nào với tên đăng nhập này.').waitFor();
  await page.getByLabel('Người được uỷ quyền').fill(colleague.username);
  await page.getByRole('button', { name: 'Uỷ quyền', exact: true }).click();
  await page.getByText('Đã uỷ quyền.').waitFor();
  await page.locator('.hits').getByText('Bùi Thị Thay').waitFor();
  await page.locator('.hits').getByText(/phường Hoàn Kiếm/).waitFor();

  const other = await city.visit();
  await signIn(other.context(), city.url, colleague);
  await other.goto('/desk/delegation');
  await other.getByRole('heading', { name: 'Bạn đang làm thay' }).waitFor();
  const task = await taskOf(other, made.id, 'triage');
  await other.goto(`/desk/tasks/${task.id}`);
  await other.getByRole('button', { name: 'Nhận việc' }).click();
  await other.locator('.act input[value=accept]').check();
  await other.getByRole('button', { name: 'Hoàn thành bước này' }).click();
  await other.getByText(/^Đã xong:/).waitFor();
  await page.goto(`/desk/cases/${made.id}`);
  await page.locator('.timeline').getByText('Bùi Thị Thay').first().waitFor(); // the story names who did it, not in whose place

  await page.getByRole('button', { name: 'Xem đã báo những gì' }).click();
  await page.getByText(`Đã nhận phản ánh ${made.number}`).waitFor(); // what the reporter was told, looked up only now
  await checkAxe(page, 'a case with what was told');

  await page.goto('/desk/delegation');
  await page.getByRole('button', { name: 'Kết thúc uỷ quyền' }).first().click();
  await page.getByRole('dialog').getByRole('button', { name: 'Kết thúc uỷ quyền' }).click();
  await page.getByText('Bạn chưa uỷ quyền cho ai').waitFor();
  const left = await (await other.request.get(`${city.url}/api/v1/tasks?state=open,claimed`)).json();
  assert.deepEqual(left.items, [], 'the next step is no longer for the colleague');
  await other.goto('/desk');
  await settle(other);
  assert.equal(await other.locator('.inbox li').count(), 0);
  await other.context().close();
  await page.context().close();
});
