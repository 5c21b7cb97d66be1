// SPDX-License-Identifier: Apache-2.0
// Invented reports as NDJSON, for measuring at a size: node bench/reports.mjs COUNT > reports.ndjson
const count = Number(process.argv[2] ?? 1000);
const start = Number(process.argv[3] ?? 1);
let seed = 20260901 + start;
const chance = () => { seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff; return seed / 0x7fffffff; };
const pick = (list) => list[Math.floor(chance() * list.length)];
const categories = ['pothole', 'garbage', 'street_light', 'noise', 'flooding', 'sidewalk', 'tree', 'manhole'];
const words = ['mặt đường', 'vỉa hè', 'cống', 'đèn', 'rác', 'cây xanh', 'hỏng', 'ngập', 'ồn', 'bụi', 'trước cổng', 'đầu ngõ', 'ban đêm', 'nhiều ngày', 'đề nghị', 'kiểm tra'];
const units = ['H26.00070', 'H26.00004', 'H26.00008', 'H26.00082', 'H26.00190', 'H26.00226'];
let out = '';
for (let i = start; i < start + count; i++) {
  const report = {
    category: pick(categories),
    description: `Hồ sơ ${i}: ${Array.from({ length: 9 }, () => pick(words)).join(' ')}.`,
    location: { lon: +(105.75 + chance() * 0.15).toFixed(6), lat: +(20.95 + chance() * 0.15).toFixed(6) },
    address: `Số ${Math.floor(chance() * 400)} phố thử nghiệm`,
    channel: 'phone',
    unit: pick(units),
    commune: '00070',
    class: 'normal',
    status: 'closed',
    public: true,
    answer: 'Đã xử lý xong.',
  };
  out += JSON.stringify(report) + '\n';
  if (out.length > 1 << 20) { process.stdout.write(out); out = ''; }
}
process.stdout.write(out);
