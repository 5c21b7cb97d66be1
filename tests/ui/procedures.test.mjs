// SPDX-License-Identifier: Apache-2.0
// Public services as citizens, the counter and leaders use them: finding a procedure, filing a dossier,
// following it, adding what is missing; receiving at the counter by keyboard; figures.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { checkAxe, checkNoSideScroll, photo, settle, start, until } from './support.mjs';

/** Nine in the morning of a Tuesday to come: offices are open, and cookies have not run out. */
function workday() {
  const d = new Date(Date.now() + 86_400_000);
  d.setUTCHours(2, 0, 0, 0);
  while (d.getUTCDay() !== 2) d.setUTCDate(d.getUTCDate() + 1);
  return d;
}

let city;
const ward = 'H26.00070';
before(async () => {
  city = await start({ now: workday() });
});
after(() => city?.close());

const get = async (page, path) => (await page.request.get(city.url + path)).json();

/** POST in the name of a role, past the pages. */
async function post(role, path, data) {
  const page = await city.visit({ role });
  const { csrf } = await get(page, '/api/v1/session');
  const reply = await page.request.post(city.url + path, { data, headers: { 'X-CSRF-Token': csrf } });
  assert.ok(reply.ok(), await reply.text());
  const made = await reply.json();
  await page.context().close();
  return made;
}
const file = (more = {}, role = 'citizen') => post(role, '/api/v1/records/dossier', { procedure: '1.004837', unit: ward, channel: 'online', name: 'Trần Thị Mai', person_number: '001185012345', phone: '0912345678', ...more });
async function complete(role, id, key, variables) {
  const page = await city.visit({ role });
  const task = await until(async () => (await get(page, `/api/v1/tasks?case=${id}&state=open,claimed`)).items.find((x) => x.key === key));
  await page.context().close();
  return post(role, `/api/v1/tasks/${task.id}/complete`, { variables });
}
async function whole(page, where) {
  await settle(page);
  await checkNoSideScroll(page, where);
  await checkAxe(page, where);
  assert.deepEqual(page.errors.splice(0), [], where);
}

test('a procedure is found in any spelling and says what it asks for', async () => {
  const page = await city.visit({ width: 360, height: 740 });
  await page.goto('/');
  await page.getByRole('link', { name: /^Làm thủ tục/ }).click();
  await page.waitForURL(/\/procedures$/);
  await page.getByRole('searchbox', { name: 'Tìm thủ tục' }).fill('dang ky tam tru');
  await page.waitForURL(/q=dang/);
  const first = page.locator('.procedures a').first();
  await until(async () => /tạm trú/i.test((await first.textContent()) ?? ''));
  await page.getByLabel('Cấp thực hiện').selectOption('commune');
  await page.waitForURL(/level=commune/);
  await whole(page, 'search for a procedure');
  await page.getByRole('link', { name: 'Đăng ký tạm trú', exact: true }).click();
  await page.getByRole('heading', { name: 'Đăng ký tạm trú' }).waitFor();
  const online = page.locator('tr', { hasText: 'Trực tuyến' });
  assert.match(await online.textContent(), /3 ngày làm việc/);
  assert.match(await online.textContent(), /7\.000 đồng/);
  await page.getByText('9354/QĐ-BCA-C06').waitFor();
  await page.getByRole('link', { name: 'Nộp hồ sơ trực tuyến' }).waitFor();
  await whole(page, 'a procedure');
  await page.context().close();
});

test('what is not online cannot be filed here, and an unknown code is said to be one', async () => {
  const page = await city.visit({ lang: 'en' });
  const { items } = await get(page, '/api/v1/records/procedure?online=none&limit=1');
  await page.goto(`/procedures/${items[0].code}`);
  await page.getByText('cannot be applied for online yet').waitFor();
  assert.equal(await page.getByRole('link', { name: 'Apply online' }).count(), 0);
  await page.goto('/procedures/9.999999');
  await page.getByRole('heading', { name: 'There is no such procedure' }).waitFor();
  await page.goto('/procedures?q=qqqqqqq');
  await page.getByText('No procedure matches').waitFor();
  await page.context().close();
});

test('a dossier is filed: agency, applicant, papers, delivery, check, number', async () => {
  const page = await city.visit({ width: 360, height: 740, role: 'citizen' });
  await page.goto('/procedures/1.004837/file');
  const next = () => page.getByRole('button', { name: 'Tiếp tục' }).click();
  await page.getByRole('heading', { name: 'Nộp ở đâu?' }).waitFor();
  await next();
  await page.locator('.error-summary').getByText('Hãy chọn phường, xã').waitFor();
  await page.getByRole('searchbox', { name: 'Phường, xã giải quyết' }).fill('hoan kiem');
  await page.locator('.suggestions button', { hasText: 'Phường Hoàn Kiếm' }).click();
  await page.locator('.place-found').getByText('Phường Hoàn Kiếm').waitFor();
  await whole(page, 'filing: agency');
  await next();

  await page.getByRole('heading', { name: 'Người nộp hồ sơ' }).waitFor();
  assert.equal(await page.getByLabel('Họ và tên').inputValue(), 'Trần Thị Mai', 'the account fills it in');
  await page.getByLabel('Số định danh cá nhân').fill('12345');
  await next();
  await page.locator('.error-summary').getByText('Số định danh có 12 chữ số').waitFor();
  await page.getByLabel('Số định danh cá nhân').fill('001185 012345');
  await page.getByLabel('Số điện thoại').fill('0912345678');
  await whole(page, 'filing: applicant');
  await next();

  await page.getByRole('heading', { name: 'Giấy tờ kèm theo' }).waitFor();
  await page.setInputFiles('#paper-P1 input[type=file]', await photo(page, 3000, 2000));
  await page.locator('#paper-P1 .upload img').waitFor();
  await page.waitForFunction(() => !document.querySelector('.upload .state'));
  await whole(page, 'filing: papers');
  // What is typed and chosen is still there on another page of this device.
  const again = await page.context().newPage();
  await again.goto('/procedures/1.004837/file/papers');
  await again.locator('#paper-P1 .upload img').waitFor();
  await again.goto('/dossiers');
  await again.getByRole('heading', { name: 'Bản nháp trên máy này' }).waitFor();
  await again.close();
  await next();

  await page.getByRole('heading', { name: 'Nhận kết quả thế nào?' }).waitFor();
  await page.getByLabel('Qua bưu chính công ích').check();
  await next();
  await page.locator('.error-summary').getByText('Địa chỉ nhận kết quả').waitFor();
  await page.getByLabel('Bản điện tử').check();
  await whole(page, 'filing: delivery');
  await next();

  await page.getByRole('heading', { name: 'Kiểm tra trước khi nộp' }).waitFor();
  await page.getByText('UBND phường Hoàn Kiếm').waitFor();
  await page.getByText(/: 1 ảnh$/).waitFor();
  await whole(page, 'filing: review');
  const keys = [];
  page.on('request', (r) => r.method() === 'POST' && /records\/dossier$/.test(r.url()) && keys.push(r.headers()['idempotency-key']));
  // The answer is lost on the way: the same words are sent again, and are one dossier.
  await page.route('**/api/v1/records/dossier', async (r) => { await r.fetch(); await r.abort(); }, { times: 1 });
  const send = page.getByRole('button', { name: 'Nộp hồ sơ' });
  await send.click();
  await page.locator('.error-summary').getByText('Không có kết nối mạng').waitFor();
  await send.click();
  await page.getByRole('heading', { name: 'Đã nộp hồ sơ' }).waitFor();
  assert.equal(keys.length, 2);
  assert.equal(new Set(keys).size, 1);
  const number = (await page.locator('.sent-panel .figures').textContent()).trim();
  assert.match(number, /^H26\.00070-\d{6}-\d{4}$/);
  await whole(page, 'filing: sent');
  await page.getByRole('link', { name: 'Theo dõi hồ sơ' }).click();
  await page.waitForURL(/\/dossiers\/\w+$/);
  const d = await get(page, `/api/v1/records/dossier/${page.url().split('/').pop()}`);
  assert.equal(d.number, number);
  assert.equal(d.person_number, '001185012345');
  assert.equal(d.papers.length, 1);
  assert.equal(d.papers[0].files.length, 1);
  const mine = (await get(page, `/api/v1/records/dossier?applicant=${d.applicant}`)).items.filter((x) => x.procedure === '1.004837');
  assert.equal(mine.length, 1, 'one dossier, not two');
  // Who works at the counter sees the paper; another citizen does not.
  const counter = await city.visit({ role: 'counter' });
  assert.equal((await counter.request.get(`${city.url}/api/v1/files/${d.papers[0].files[0]}`)).status(), 200);
  const nobody = await city.visit();
  assert.equal((await nobody.request.get(`${city.url}/api/v1/files/${d.papers[0].files[0]}`)).status(), 404);
  for (const p of [page, counter, nobody]) await p.context().close();
});

test('a procedure of the city goes to the agency that its rules name', async () => {
  const page = await city.visit({ role: 'citizen' });
  await page.goto('/procedures/1.000390/file');
  await page.getByText('hệ thống chọn cơ quan tiếp nhận theo lĩnh vực').waitFor();
  await page.getByRole('button', { name: 'Tiếp tục' }).click();
  await page.waitForURL(/applicant/);
  await page.goto('/procedures/1.000390/file/review');
  await page.getByText('Sở Tư pháp').waitFor();
  await page.context().close();
});

test('a procedure with a form of its own asks its questions', async () => {
  const admin = await city.visit({ role: 'admin' });
  const { csrf } = await get(admin, '/api/v1/session');
  const [p] = (await get(admin, '/api/v1/records/procedure?code=1.000390')).items;
  const form = [
    { code: 'card', datatype: 'string', required: true, description: 'Số thẻ tư vấn viên', description_en: 'Number of the card' },
    { code: 'why', datatype: 'singlevaluelist', required: true, description: 'Lý do cấp lại', values: [{ key: 'lost', name: 'Bị mất' }, { key: 'torn', name: 'Bị hỏng' }] },
  ];
  const patched = await admin.request.patch(`${city.url}/api/v1/records/procedure/${p.id}`, { data: { form }, headers: { 'X-CSRF-Token': csrf, 'X-Reason': 'test' } });
  assert.equal(patched.status(), 200, await patched.text());
  const page = await city.visit({ role: 'citizen', width: 360, height: 740 });
  await page.goto('/procedures/1.000390/file/form');
  await page.getByRole('heading', { name: 'Tờ khai' }).waitFor();
  await page.getByText('Bước 3 trên 6').waitFor();
  await page.getByRole('button', { name: 'Tiếp tục' }).click();
  await page.locator('.error-summary').getByText('Lý do cấp lại').waitFor();
  await page.getByLabel('Số thẻ tư vấn viên').fill('TV-0123');
  await page.getByLabel('Bị mất').check();
  await whole(page, 'filing: form');
  await page.goto('/procedures/1.000390/file/agency');
  await page.getByRole('button', { name: 'Tiếp tục' }).click();
  await page.waitForURL(/applicant/);
  await page.goto('/procedures/1.000390/file/review');
  await page.getByText('TV-0123').waitFor();
  await page.getByRole('button', { name: 'Nộp hồ sơ' }).click();
  await page.getByRole('link', { name: 'Theo dõi hồ sơ' }).click();
  await page.waitForURL(/\/dossiers\/\w+$/);
  await page.locator('.facts', { hasText: 'Lý do cấp lại' }).getByText('Bị mất').waitFor();
  for (const x of [page, admin]) await x.context().close();
});

test('to file, one signs in and comes back', async () => {
  const page = await city.visit();
  await page.goto('/procedures/1.004837/file');
  await page.getByRole('main').getByRole('link', { name: 'Đăng nhập' }).click();
  await page.waitForURL(/login\?next=/);
  await page.getByLabel('Tên đăng nhập').fill(city.accounts.citizen.username);
  await page.getByLabel('Mật khẩu', { exact: true }).fill(city.accounts.citizen.password);
  await page.getByRole('main').getByRole('button', { name: 'Đăng nhập' }).click();
  await page.waitForURL(/\/procedures\/1\.004837\/file$/);
  await page.getByRole('heading', { name: 'Nộp ở đâu?' }).waitFor();
  await page.context().close();
  // Who has no account makes one on the way.
  const other = await city.visit();
  await other.goto('/procedures/1.004837/file');
  await other.getByRole('main').getByRole('link', { name: 'Tạo tài khoản' }).click();
  await other.getByLabel('Họ và tên').fill('Ngô Văn Khởi');
  await other.getByLabel('Tên đăng nhập').fill(`khoi${Date.now()}`);
  await other.getByLabel('Mật khẩu', { exact: true }).fill('một câu dài dễ nhớ');
  await other.getByRole('main').getByRole('button', { name: 'Tạo tài khoản' }).click();
  await other.waitForURL(/\/procedures\/1\.004837\/file$/);
  await other.context().close();
});

test('an applicant follows the dossier, adds what is missing, sees the fee, the result, and rates it', async () => {
  const d = await file({ procedure: '1.004194' });
  await complete('counter', d.id, 'receive', { decision: 'supplement', reason: 'Thiếu bản sao giấy tờ chứng minh chỗ ở.' });
  const page = await city.visit({ width: 360, height: 740, role: 'citizen' });
  await page.goto('/dossiers');
  await page.locator('.case-row').first().getByText('Yêu cầu bổ sung giấy tờ').waitFor();
  await whole(page, 'my dossiers');
  await page.locator('.case-row a', { hasText: d.number }).click();
  await page.getByRole('heading', { name: 'Cần bổ sung hồ sơ' }).waitFor();
  await page.locator('#supplement').getByText('Thiếu bản sao giấy tờ chứng minh chỗ ở.').waitFor();
  await page.setInputFiles('#paper-OTHER input[type=file]', await photo(page, 800, 600));
  await page.locator('#paper-OTHER .upload img').waitFor();
  await page.waitForFunction(() => !document.querySelector('.upload .state'));
  await page.getByLabel('Đã bổ sung những gì').fill('Hợp đồng thuê nhà.');
  await whole(page, 'what is missing');
  await page.getByRole('button', { name: 'Gửi bổ sung' }).click();
  await page.locator('#supplement').waitFor({ state: 'detached' });
  const now = await get(page, `/api/v1/records/dossier/${d.id}`);
  assert.equal(now.status, 'registered');
  assert.equal(now.papers.at(-1).files.length, 1);

  await complete('counter', d.id, 'receive_again', { decision: 'accept' });
  await page.getByText('Cần nộp 7.000 đồng').waitFor();
  await whole(page, 'a fee is due');
  await complete('counter', d.id, 'payment', { paid_by: 'cash', receipt: 'BL-7' });
  await page.getByText('Cần nộp 7.000 đồng').waitFor({ state: 'detached' });
  // In a city with a clock of its own it may be Sunday: then there is nothing more to see today.
  if (city.now || (await get(page, `/api/v1/records/dossier/${d.id}`)).status === 'processing') {
    await complete('officer', d.id, 'handle', { decision: 'grant', proposal: 'Đã đăng ký tạm trú.' });
    await complete('approver', d.id, 'sign', { signed: 'yes' });
    await page.getByRole('heading', { name: 'Kết quả: giải quyết theo đề nghị' }).waitFor();
    await page.getByText('5 sao: rất hài lòng').first().waitFor({ state: 'attached' });
    await page.locator('#rate .star-input label').last().click();
    await page.getByRole('button', { name: 'Gửi đánh giá' }).click();
    await page.locator('#rate').waitFor({ state: 'detached' });
    assert.equal((await get(page, `/api/v1/records/dossier/${d.id}`)).stars, 5);
  }
  assert.match(await page.locator('.steps [aria-current=step]').textContent(), /Đã trả kết quả|Được tiếp nhận/);
  await page.context().close();
});

test('anybody with the number sees where a dossier stands, and nothing about the person', async () => {
  const d = await file();
  const page = await city.visit({ width: 360, height: 740 });
  await page.goto('/');
  await page.getByLabel('Tra cứu hồ sơ theo mã').fill(d.number.toLowerCase());
  await page.getByRole('button', { name: 'Tra cứu' }).click();
  await page.getByRole('heading', { name: 'Thủ tục đăng ký giám hộ' }).waitFor();
  await page.getByText('UBND phường Hoàn Kiếm').waitFor();
  assert.match(await page.locator('.steps [aria-current=step]').textContent(), /Mới đăng ký/);
  const text = await page.locator('main').textContent();
  for (const secret of ['Trần Thị Mai', '001185012345', '0912345678']) assert.ok(!text.includes(secret), secret);
  await whole(page, 'a dossier by its number');
  await page.getByLabel('Tra cứu hồ sơ theo mã').fill('H26.00070-200101-0001');
  await page.keyboard.press('Enter');
  await page.getByText('Không có hồ sơ H26.00070-200101-0001').waitFor();
  await whole(page, 'no such number');
  await page.getByLabel('Tra cứu hồ sơ theo mã').fill('abc');
  await page.keyboard.press('Enter');
  await page.getByText('Mã hồ sơ chưa đúng dạng').waitFor();
  // The one box for everything knows such numbers too.
  await page.goto('/');
  await page.locator('#search').fill(d.number);
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/lookup\?number=/);
  await page.context().close();
});

test('a message about a dossier leads to it, and so does the search', async () => {
  const d = await file();
  await complete('counter', d.id, 'receive', { decision: 'refuse', reason: 'Không thuộc thẩm quyền của phường.' });
  const page = await city.visit({ role: 'citizen' });
  const { items } = await get(page, '/api/v1/me/notices?limit=20');
  assert.ok(items.some((n) => n.link === `/dossiers/${d.id}`));
  await page.goto(`/dossiers/${d.id}`);
  await page.getByRole('heading', { name: 'Lý do không tiếp nhận' }).waitFor();
  await page.locator('.answer').getByText('Không thuộc thẩm quyền của phường.').waitFor();
  assert.match(await page.locator('.steps [aria-current=step]').textContent(), /Không được tiếp nhận/);
  await page.goto('/search?q=khai sinh');
  await page.getByRole('link', { name: 'Thủ tục đăng ký khai sinh', exact: true }).waitFor();
  const stranger = await city.visit();
  await stranger.goto(`/dossiers/${d.id}`);
  await stranger.getByLabel('Tên đăng nhập').waitFor();
  for (const p of [page, stranger]) await p.context().close();
});

test('at the counter a dossier is received with the keyboard alone, in less than half a minute', async () => {
  const page = await city.visit({ role: 'counter' });
  await page.goto('/desk/counter');
  await page.getByRole('heading', { name: 'Một cửa' }).waitFor();
  await settle(page);
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Phím tắt' }).getByText('Hồ sơ mới').waitFor();
  await page.keyboard.press('Escape');
  const began = performance.now();
  let keys = 0;
  const press = async (k) => { keys++; await page.keyboard.press(k); };
  const type = async (words) => { keys += words.length; await page.keyboard.type(words, { delay: 20 }); };
  const focused = (id) => page.waitForFunction((want) => document.activeElement?.id === want, id);
  await press('n');
  await focused('n-procedure');
  await type('giam ho');
  await press('Enter'); // sooner than the answer: the first hit is taken when it comes
  await focused('n-person_number');
  assert.match(await page.locator('#n-procedure').inputValue(), /giám hộ/);
  await page.locator('#n-procedure').focus();
  await type('1.004837');
  await press('Enter');
  await focused('n-person_number');
  await type('001185067890');
  await press('Enter');
  await focused('n-name');
  await type('Lê Văn Tám');
  await press('Enter');
  await type('0987654321');
  await press('Enter'); // delivery: at the counter
  await press('Enter'); // to the papers
  await press('Space');
  await press('Enter');
  await page.getByRole('heading', { name: 'Đã tiếp nhận' }).waitFor();
  const took = (performance.now() - began) / 1000;
  // A clerk strikes some four keys a second; the rest is what the machine takes.
  assert.ok(took - keys * 0.02 + keys * 0.25 < 30, `${keys} keys, ${took.toFixed(1)} s here`);
  const number = (await page.locator('.made .number .figures').textContent()).trim();
  assert.match(number, /^H26\.00070-\d{6}-\d{4}$/);
  assert.match(await page.locator('.made .due').textContent(), /^Hẹn trả \d\d\/\d\d\/\d{4} \d\d:\d\d$/);
  const [d] = (await get(page, `/api/v1/records/dossier?number=${number}`)).items;
  assert.equal(d.channel, 'counter');
  assert.ok(['received', 'processing'].includes(d.status), d.status);
  assert.equal(d.papers[0].kind, 'original');
  assert.equal(d.applicant, undefined, 'the clerk is not the applicant');
  await whole(page, 'received at the counter');
  // The next one, of the same person: nobody spells a name twice.
  await page.waitForFunction(() => document.activeElement?.classList.contains('next'));
  await page.keyboard.press('Enter');
  await focused('n-procedure');
  await page.keyboard.type('1.001193');
  await page.locator('#n-procedure-list [role=option]').first().waitFor();
  await page.keyboard.press('Enter');
  await focused('n-person_number');
  await page.keyboard.type('001185067890');
  await page.keyboard.press('Enter');
  await until(async () => (await page.locator('#n-name').inputValue()) === 'Lê Văn Tám');
  // The catalogue has no unit of time here: the counter says it.
  assert.equal(await page.locator('#n-count').inputValue(), '1');
  await page.keyboard.press('Control+Enter');
  await page.getByRole('heading', { name: 'Đã tiếp nhận' }).waitFor();
  await page.locator('.case-list').getByText(number).waitFor();
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

test('the counter takes the fee, opens by scanner, and is told what is wrong', async () => {
  const page = await city.visit({ role: 'counter', width: 360, height: 740 });
  await page.goto('/desk/counter');
  await settle(page);
  await page.getByRole('button', { name: 'Tiếp nhận và hẹn trả' }).click();
  await page.locator('.error-summary').getByText('Hãy chọn thủ tục.').waitFor();
  await whole(page, 'errors at the counter');
  await page.getByLabel('Thủ tục', { exact: true }).fill('1.004194');
  await page.locator('#n-procedure-list [role=option]').first().click();
  await page.getByText('3 ngày làm việc · 10.000 đồng').waitFor();
  await page.getByLabel('Họ và tên').fill('Phạm Thị Dung');
  await page.getByLabel('Đủ cả 2 loại giấy tờ').check();
  await page.getByRole('button', { name: 'Tiếp nhận và hẹn trả' }).click();
  await page.getByText('10.000 đồng').waitFor();
  await page.getByLabel('Số biên lai').fill('BL-12');
  await whole(page, 'a fee at the counter');
  await page.getByRole('button', { name: 'Đã thu tiền mặt' }).click();
  await page.getByRole('button', { name: 'Đã thu tiền mặt' }).waitFor({ state: 'detached' });
  const number = (await page.locator('.made .number .figures').textContent()).trim();
  assert.ok((await get(page, `/api/v1/records/dossier?number=${number}`)).items[0].paid_at);
  // A scanner types wherever the focus is.
  await page.evaluate(() => document.activeElement?.blur());
  await page.keyboard.type(number);
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/desk\/(tasks|dossiers)\//);
  await page.getByRole('heading', { name: 'Đăng ký tạm trú' }).waitFor();
  await page.getByText('Phạm Thị Dung').waitFor();
  await whole(page, 'a dossier at the desk');
  await page.goto('/desk/counter');
  await page.getByLabel('Quét mã hoặc gõ số hồ sơ').fill('H26.00070-200101-0001');
  await page.keyboard.press('Enter');
  await page.getByText('Không có hồ sơ H26.00070-200101-0001').waitFor();
  await page.context().close();
});

test('the staff sees applicant, papers and deadline, decides, signs, and hands the result out', async () => {
  const d = await file({ delivery: 'counter', papers: [{ code: 'P1', kind: 'original', name: 'Văn bản cử người giám hộ' }] });
  const counter = await city.visit({ role: 'counter' });
  await counter.goto('/desk/counter?list=receive');
  await counter.locator('.case-row a', { hasText: d.number }).click();
  await counter.getByRole('heading', { name: 'Thủ tục đăng ký giám hộ' }).waitFor();
  for (const shown of ['Trần Thị Mai', '001185012345', 'Văn bản cử người giám hộ', 'Bản chính']) await counter.getByText(shown).first().waitFor();
  await counter.getByRole('button', { name: 'Nhận việc' }).click();
  await counter.locator('.act input[value=accept]').check();
  await whole(counter, 'receiving at the desk');
  await counter.getByRole('button', { name: 'Hoàn thành bước này' }).click();
  await counter.getByText(/^Đã xong:/).waitFor();
  if (city.now) {
    await complete('officer', d.id, 'handle', { decision: 'grant', proposal: 'Trích lục đăng ký giám hộ.' });
    const approver = await city.visit({ role: 'approver', width: 360, height: 740 });
    await approver.goto('/desk');
    await approver.locator('.inbox a', { hasText: d.number }).click();
    await approver.getByRole('button', { name: 'Nhận việc' }).click();
    await approver.locator('.act input[value=yes]').check();
    await approver.getByRole('button', { name: 'Hoàn thành bước này' }).click();
    await approver.getByRole('dialog', { name: 'Ký kết quả?' }).getByRole('button', { name: 'Ký', exact: true }).click();
    await approver.getByText(/^Đã xong:/).waitFor();
    await counter.goto('/desk/counter?list=hand_out');
    await counter.locator('.case-row', { hasText: d.number }).getByRole('button', { name: 'Trả kết quả' }).click();
    await counter.getByRole('dialog').getByRole('button', { name: 'Trả kết quả' }).click();
    await until(async () => (await get(counter, `/api/v1/records/dossier/${d.id}`)).status === 'returned');
    await approver.context().close();
  }
  await counter.context().close();
});

test('the leader sees agencies and fields, and whose turn it is; the public sees no more than figures', async () => {
  const d = await file({ procedure: '1.004194' });
  await complete('counter', d.id, 'receive', { decision: 'accept' });
  await file();
  const page = await city.visit({ role: 'leader', width: 1920, height: 1080 });
  await until(async () => (await get(page, '/api/v1/figures/dossiers')).by_field?.some((f) => f.waiting > 0)); // figures follow a moment later
  await page.goto('/figures');
  await page.getByRole('link', { name: 'Thủ tục hành chính' }).click();
  await page.waitForURL(/of=dossiers/);
  await page.getByRole('heading', { name: 'Thành phố Hà Nội giải quyết thủ tục ra sao' }).waitFor();
  const held = page.getByRole('region', { name: 'Hồ sơ đang ở đâu' });
  await held.locator('tr', { hasText: 'Thu phí' }).getByText('Cán bộ một cửa').waitFor();
  await held.locator('tr', { hasText: 'Tiếp nhận hồ sơ' }).first().waitFor();
  const field = page.getByRole('region', { name: 'Theo lĩnh vực' });
  await field.getByRole('link', { name: 'Hộ tịch' }).waitFor();
  for (const head of ['Chờ người dân', 'Quá hạn', 'Đúng hạn']) await field.getByRole('columnheader', { name: head }).waitFor();
  await whole(page, 'figures of procedures');
  await page.getByRole('region', { name: 'Theo đơn vị' }).getByRole('link', { name: 'UBND phường Hoàn Kiếm' }).click();
  await page.getByRole('heading', { name: 'UBND phường Hoàn Kiếm giải quyết thủ tục ra sao' }).waitFor();
  await page.getByRole('region', { name: 'Theo lĩnh vực' }).getByRole('link', { name: 'Hộ tịch' }).waitFor();
  await page.getByRole('region', { name: 'Hồ sơ đang ở đâu' }).waitFor();
  const nobody = await city.visit({ width: 360, height: 740, lang: 'en' });
  await nobody.goto('/figures?of=dossiers');
  await nobody.getByRole('region', { name: 'By field' }).waitFor();
  assert.equal(await nobody.getByText('Where the applications are').count(), 0);
  await whole(nobody, 'figures of procedures for everybody');
  const officer = await city.visit({ role: 'officer' });
  await officer.goto('/desk/unit?of=dossiers');
  await officer.getByRole('region', { name: 'Theo lĩnh vực' }).waitFor();
  for (const p of [page, nobody, officer]) await p.context().close();
});
