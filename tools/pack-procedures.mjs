// SPDX-License-Identifier: Apache-2.0
// Makes packs/procedures/data from the source files that data/SOURCES.md names:
//   node tools/pack-procedures.mjs SOURCE_DIR packs/procedures
// SOURCE_DIR holds tthc/tthc_local_full.jsonl: the procedures that a province or a commune carries out.
// Facts only are taken (codes, names, levels, channels, deadlines, fees, titles of papers); what is longer
// than a title is a sentence of somebody and stays behind: an operator imports the whole text.
import { args, ndjson } from './pack-data.mjs';

const io = args('tools/pack-procedures.mjs');
const clean = (s) => (s ?? '').normalize('NFC').replace(/\s+/g, ' ').trim();
const TITLE_MAX = 140;
const SENTENCE = /^(Trường hợp|Đối với|Nếu|Khi|Trong |Người |Ngoài ra|Lưu ý)|[:;]| thì | phải |\. [A-ZĐÂÊÔƠƯ]/;

const SUBJECTS = {
  'Công dân Việt Nam': 'citizen', 'Người nước ngoài': 'foreigner', 'Người nước ngoài cư trú tại Việt Nam': 'foreigner',
  'Người Việt Nam định cư ở nước ngoài': 'overseas', 'Doanh nghiệp': 'enterprise', 'Doanh nghiệp Việt Nam': 'enterprise',
  'Doanh nghiệp có vốn đầu tư nước ngoài': 'foreign_enterprise', 'Hợp tác xã': 'cooperative',
  'Tổ chức (không bao gồm doanh nghiệp, HTX)': 'organisation', 'Tổ chức nước ngoài': 'foreign_organisation',
  'Cán bộ': 'official', 'công chức': 'official', 'viên chức': 'official', 'Đảng viên': 'party_member', 'Tổ chức Đảng': 'party',
};
const CHANNELS = { 'Trực tiếp': 'counter', 'Trực tuyến': 'online', 'Dịch vụ bưu chính': 'post' };
const UNITS = { 'Giờ': 'hour', 'Ngày làm việc': 'working_day', 'Ngày': 'day', 'Tháng': 'month' };

/** "70,000 VNĐ(...)", "Miễn phí...": what is paid, if it is said as a number. */
function feeOf(m) {
  const money = (n, currency) => ({ fee: Number(n.replace(/[.,]/g, '')), ...(currency === 'USD' ? { currency: 'USD' } : {}) });
  // In a few rows the amount slipped into the column before.
  if (/^\d[\d,]*,\d{3}$/.test(m.time_value) && /^(VNĐ|USD)/.test(m.rest)) return money(m.time_value, m.rest.slice(0, 3));
  const said = /^([\d.,]+) ?(Việt Nam Đồng|VNĐ|[Đđ]ồng|USD)/.exec(m.rest);
  // "40 đồng" stands for 40 thousand or for a slip: not for the machine to say.
  if (said && (said[2] === 'USD' || money(said[1], said[2]).fee >= 1000)) return money(said[1], said[2]);
  if (said) return {};
  return m.rest.startsWith('Miễn phí') ? { fee: 0 } : {};
}

function channelsOf(methods) {
  const byKind = new Map();
  for (const m of methods) {
    const channel = CHANNELS[m.channel];
    if (!channel || byKind.has(channel)) continue; // several rows of one channel are cases of it: the first
    const value = /^\d{1,4}$/.test(m.time_value) ? Number(m.time_value) : undefined;
    const unit = UNITS[m.time_unit];
    byKind.set(channel, { channel, ...(value ? { value, ...(unit ? { unit } : {}) } : {}), ...feeOf(m) });
  }
  return ['counter', 'online', 'post'].filter((c) => byKind.has(c)).map((c) => byKind.get(c));
}

/** "…Số lượng<title><form file><n> bản chính[,<m> bản sao]<title>…" */
function papersOf(text) {
  const heads = [...text.matchAll(/Tên giấy tờMẫu đơn, tờ khaiSố lượng/g)];
  const papers = [];
  let left = 0;
  for (const [i, head] of heads.entries()) {
    const part = text.slice(head.index + head[0].length, heads[i + 1]?.index);
    let from = 0;
    for (const m of part.matchAll(/(\d{1,2}) bản chính(?:,\s*(\d{1,2}) bản sao)?|(\d{1,2}) bản sao/g)) {
      const raw = part.slice(from, m.index);
      from = m.index + m[0].length;
      const name = clean(raw.replace(/[^.;:)]{0,120}\.(?:docx?|pdf|xlsx?|rtf|odt|jpg|png|rar|zip)$/i, '')).replace(/^[-+*•.\s]+/, '').replace(/[;,.\s]+$/, '').replace(/(?<=[)\]])\.\d{1,2}$/, '');
      if (!name) continue;
      if (name.length > TITLE_MAX || SENTENCE.test(name)) { left++; continue; }
      papers.push({ code: `P${papers.length + 1}`, name: name[0].toUpperCase() + name.slice(1), originals: Number(m[1] ?? 0), copies: Number(m[2] ?? m[3] ?? 0) });
    }
  }
  return { papers: papers.slice(0, 40), left: left + Math.max(0, papers.length - 40) };
}

// Where that letter is lost, the word still tells which it was.
const CUT = { ăn: 'Văn', ơ: 'Cơ', iấy: 'Giấy', rường: 'Trường', ản: 'Bản', hông: 'Thông', hứng: 'Chứng', uyết: 'Quyết', ập: 'Cập', hiếu: 'Phiếu' };
/** In the source the first letter of a name may have slipped onto the code before it: "KQ.G01.000064T",
 *  "hông báo kết quả". */
function resultsOf(list) {
  let slipped = '';
  const out = [];
  for (const r of list) {
    const name = clean(slipped && /^\p{Ll}/u.test(r.name) ? slipped + r.name : r.name).replace(/\.?\s*Mã: [\d.A-Z-]+$/, '').slice(0, 300);
    const [, code, letter = ''] = /^(.*\d)(\p{Lu})$/u.exec(r.code ?? '') ?? [null, r.code];
    slipped = letter;
    const first = name.split(' ')[0];
    if (name) out.push({ name: CUT[first] ? CUT[first] + name.slice(first.length) : name[0].toUpperCase() + name.slice(1), ...(code ? { code } : {}) });
  }
  return out.slice(0, 20);
}

const seen = new Set();
const rows = io.read('tthc/tthc_local_full.jsonl').split('\n').filter(Boolean).map((l) => JSON.parse(l))
  .filter((p) => !seen.has(p.code) && seen.add(p.code))
  .map((p) => {
    const channels = channelsOf(p.methods);
    const { papers, left } = papersOf(p.documents_text ?? '');
    const agency = clean(p.agency);
    return {
      code: p.code,
      name: clean(p.name),
      field: clean(p.field),
      ministry: p.ministry,
      at_province: p.levels.includes('Cấp tỉnh'),
      at_commune: p.levels.includes('Cấp xã'),
      ...(agency && agency !== 'Không có thông tin' && agency.length <= TITLE_MAX ? { agency } : {}),
      subjects: [...new Set(p.subjects.map((s) => SUBJECTS[clean(s)]).filter(Boolean))],
      decision: clean(p.decision) || undefined,
      // NĐ 224/2026, article 14: what is offered online is offered whole, unless a reason is published.
      online: channels.some((c) => c.channel === 'online') ? 'full' : 'none',
      channels,
      ...(papers.length ? { papers } : {}),
      ...(left ? { papers_left: left } : {}),
      ...(p.results.length ? { results: resultsOf(p.results) } : {}),
    };
  })
  .sort((a, b) => (a.code < b.code ? -1 : 1));
io.write('data/10-procedure.ndjson', ndjson(rows));
