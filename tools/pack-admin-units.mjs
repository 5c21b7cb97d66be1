// SPDX-License-Identifier: Apache-2.0
// Makes packs/admin-units/data and its calendar from the source files that data/SOURCES.md names:
//   node tools/pack-admin-units.mjs SOURCE_DIR packs/admin-units
// SOURCE_DIR holds admin/*.csv, admin/*.geojson and calendar/*.csv.
import { args, centreOf, csv, inside, ndjson, polygons, withoutKinks } from './pack-data.mjs';

const io = args('tools/pack-admin-units.mjs');

// Half-open periods: valid_to is the first day on which the unit is no more.
// NQ 895/NQ-UBTVQH14 of 2020-02-11 made the 579; NQ 1286/NQ-UBTVQH15 the 526; NQ 1656/NQ-UBTVQH15 the 126.
const SINCE_579 = '2020-03-01', SINCE_526 = '2025-01-01', SINCE_126 = '2025-07-01', SINCE_CITY = '2008-08-01';
const DECISION = { [SINCE_579]: 'NQ 895/NQ-UBTVQH14', [SINCE_526]: 'NQ 1286/NQ-UBTVQH15', [SINCE_126]: 'NQ 1656/NQ-UBTVQH15' };
const KIND = { Phường: 'ward', Xã: 'commune', 'Thị trấn': 'township', Quận: 'urban_district', Huyện: 'rural_district', 'Thị xã': 'town' };

const districts = csv(io.read('admin/hanoi_districts_until_20250630.csv'));
const u579 = csv(io.read('admin/hanoi_communes_579_until_20241231.csv'));
const u526 = csv(io.read('admin/hanoi_communes_526_20250101_20250630.csv'));
const u126 = csv(io.read('admin/hanoi_units_126_from_20250701.csv'));
const to526 = csv(io.read('admin/hanoi_map_579_to_526.csv'));
const to126 = csv(io.read('admin/hanoi_map_526_to_126.csv'));
const shapes = JSON.parse(io.read('admin/hanoi_units_126_boundaries_simplified.geojson')).features;
const city = JSON.parse(io.read('admin/hanoi_city_boundary_simplified.geojson')).features[0];
const sound = (g) => ({ type: g.type, coordinates: g.type === 'Polygon' ? g.coordinates.map(withoutKinks) : g.coordinates.map((p) => p.map(withoutKinks)) });
city.geometry = sound(city.geometry);
const shapeOf = new Map(shapes.map((f) => [f.properties.code, sound(f.geometry)]));
console.assert(u579.length === 579 && u526.length === 526 && u126.length === 126 && shapes.length === 126);

const old = (u, level, from, to) => ({
  code: u.code, name: u.name, kind: KIND[u.type], level, full_name: u.full_name, full_name_en: u.name_en,
  parent: level === 'district' ? u.province_code : u.district_code, valid_from: from, valid_to: to,
  decision: level === 'commune' ? DECISION[from] : undefined,
});

// A unit of the 579 lives on in the 526 if its code, name and kind stay and nothing was joined to it.
const now526 = new Map(u526.map((u) => [u.code, u]));
const joined = new Map();
for (const m of to526) joined.set(m.new_code, (joined.get(m.new_code) ?? 0) + 1);
const unchanged = (u) => {
  const n = now526.get(u.code);
  return n && n.full_name === u.full_name && n.district_code === u.district_code && joined.get(u.code) === 1 &&
    to526.some((m) => m.old_code === u.code && m.new_code === u.code && m.whole_or_part === 'whole');
};
const kept = new Set(u579.filter(unchanged).map((u) => u.code));

const centres = new Map();
for (const u of u126) {
  // The seat as published has three decimals; where that falls outside, the middle of the area stands for it.
  const seat = [+u.lon, +u.lat], g = shapeOf.get(u.code);
  centres.set(u.code, inside(g, seat) ? seat : centreOf(g));
}

const units = [
  { code: '01', name: 'Hà Nội', kind: 'city', level: 'city', full_name: 'Thành phố Hà Nội', full_name_en: 'Hanoi City', valid_from: SINCE_CITY,
    area_km2: city.properties.areaKm2, population: u126.reduce((n, u) => n + +u.population, 0), centre: { lon: 105.85235, lat: 21.02852 } },
  ...districts.map((d) => old(d, 'district', SINCE_579, SINCE_126)),
  ...u579.map((u) => old(u, 'commune', SINCE_579, kept.has(u.code) ? SINCE_126 : SINCE_526)),
  ...u526.filter((u) => !kept.has(u.code)).map((u) => old(u, 'commune', SINCE_526, SINCE_126)),
  ...u126.map((u) => ({
    code: u.code, name: u.name, kind: KIND[u.type], level: 'commune', full_name: u.full_name, full_name_en: u.name_en, parent: '01',
    valid_from: SINCE_126, decision: DECISION[SINCE_126], area_km2: +u.area_km2, population: +u.population, seat: u.admin_centre,
    centre: { lon: centres.get(u.code)[0], lat: centres.get(u.code)[1] }, formed_from: u.formed_from_text,
  })),
];
io.write('data/10-admin_unit.ndjson', ndjson(units));

const boundaries = [
  { code: '01', level: 'city', valid_from: SINCE_CITY, label: centreOf(city.geometry), geometry: city.geometry },
  ...u126.map((u) => ({ code: u.code, level: 'commune', valid_from: SINCE_126, label: centreOf(shapeOf.get(u.code)), geometry: shapeOf.get(u.code) })),
].map((b) => ({ ...b, label: { lon: b.label[0], lat: b.label[1] }, geometry: polygons(b.geometry).length === 1 ? { type: 'Polygon', coordinates: polygons(b.geometry)[0] } : b.geometry }));
io.write('data/20-admin_boundary.ndjson', ndjson(boundaries));

// How an old unit became new ones. One that went whole, as all sources say, needs nobody; else a clerk decides.
const from526 = (code) => (kept.has(code) ? SINCE_579 : SINCE_526);
const successors = [
  ...to526.filter((m) => !kept.has(m.old_code)).map((m) => {
    const confidence = m.confidence.startsWith('same GSO code') ? 'code' : m.confidence.startsWith('press') ? 'press' : 'inferred';
    return { old_code: m.old_code, old_from: SINCE_579, old_name: m.old_full_name, new_code: m.new_code, new_from: SINCE_526, new_name: now526.get(m.new_code).full_name,
      on: SINCE_526, part: m.whole_or_part, confidence, needs_decision: m.whole_or_part === 'part' || confidence === 'inferred' };
  }),
  ...to126.map((m) => ({
    old_code: m.old_code, old_from: from526(m.old_code), old_name: m.old_full_name, new_code: m.new_code, new_from: SINCE_126, new_name: m.new_full_name,
    on: SINCE_126, part: m.whole_or_part, confidence: { yes: 'two_sources', only_A: 'source_a', only_B: 'source_b' }[m.second_source_agrees],
    needs_decision: m.whole_or_part === 'part' || m.second_source_agrees !== 'yes',
  })),
];
io.write('data/30-admin_successor.ndjson', ndjson(successors));

// Agencies. The list of QĐ 2918/QĐ-UBND is not at hand: numbers are provisional and replaced by import.
const DEPARTMENTS = [
  ['Văn phòng Ủy ban nhân dân Thành phố', "Office of the City People's Committee", 'office'],
  ['Sở Nội vụ', 'Department of Home Affairs'],
  ['Sở Tư pháp', 'Department of Justice'],
  ['Sở Tài chính', 'Department of Finance'],
  ['Sở Công Thương', 'Department of Industry and Trade'],
  ['Sở Nông nghiệp và Môi trường', 'Department of Agriculture and Environment'],
  ['Sở Xây dựng', 'Department of Construction'],
  ['Sở Khoa học và Công nghệ', 'Department of Science and Technology'],
  ['Sở Văn hóa và Thể thao', 'Department of Culture and Sports'],
  ['Sở Du lịch', 'Department of Tourism'],
  ['Sở Giáo dục và Đào tạo', 'Department of Education and Training'],
  ['Sở Y tế', 'Department of Health'],
  ['Sở Quy hoạch - Kiến trúc', 'Department of Planning and Architecture'],
  ['Sở Dân tộc và Tôn giáo', 'Department of Ethnic and Religious Affairs'],
  ['Thanh tra Thành phố', 'City Inspectorate'],
  ['Trung tâm Phục vụ hành chính công', 'Public Administration Service Centre', 'office'],
];
const two = (n) => String(n).padStart(2, '0');
const agencies = [
  { code: 'H26', code_old: '000.00.00.H26', name: 'Ủy ban nhân dân Thành phố Hà Nội', short_name: 'UBND Thành phố Hà Nội', name_en: "Hanoi City People's Committee",
    kind: 'city', level: 1, commune: '01', provisional: false, valid_from: SINCE_CITY },
  ...DEPARTMENTS.map(([name, en, kind], i) => ({ code: `H26.${two(i + 1)}`, code_old: `000.00.${two(i + 1)}.H26`, name, short_name: name.replace('Ủy ban nhân dân', 'UBND'),
    name_en: en, kind: kind ?? 'department', level: 2, parent: 'H26', provisional: true, valid_from: SINCE_126 })),
  ...u126.map((u) => {
    const place = u.full_name[0].toLowerCase() + u.full_name.slice(1);
    return { code: `H26.${u.code}`, name: `Ủy ban nhân dân ${place}`, short_name: `UBND ${place}`, name_en: `People's Committee of ${u.name_en}`, kind: 'commune', level: 2,
      parent: 'H26', commune: u.code, address: u.admin_centre, provisional: true, valid_from: SINCE_126,
      location: { lon: centres.get(u.code)[0], lat: centres.get(u.code)[1] } };
  }),
];
io.write('data/40-agency.ndjson', ndjson(agencies));

// ---- working time ----
const DAY = 86400000;
const iso = (ms) => new Date(ms).toISOString().slice(0, 10);
const utc = (s) => Date.parse(s + 'T00:00:00Z');
const lunar = csv(io.read('calendar/vn_lunar_holidays_2000_2060.csv'));
const holidays = [];
for (let year = 2024; year <= 2027; year++) {
  const tet = utc(lunar.find((l) => +l.year === year && l.holiday === 'Tet_mong_1').date);
  const kings = utc(lunar.find((l) => +l.year === year && l.holiday === 'Gio_To_Hung_Vuong').date);
  const named = [
    [[utc(`${year}-01-01`)], 'Tết Dương lịch', "New Year's Day", true],
    [[-1, 0, 1, 2, 3].map((d) => tet + d * DAY), 'Tết Nguyên đán', 'Lunar New Year', false],
    [[kings], 'Giỗ Tổ Hùng Vương', "Hùng Kings' Commemoration", true],
    [[utc(`${year}-04-30`)], 'Ngày Chiến thắng', 'Reunification Day', true],
    [[utc(`${year}-05-01`)], 'Ngày Quốc tế lao động', 'Labour Day', true],
    [[utc(`${year}-09-02`)], 'Quốc khánh', 'National Day', true],
    // The second day is the day before or after, fixed yearly by the Prime Minister.
    [[utc(`${year}-09-01`)], 'Quốc khánh, ngày thứ hai', 'National Day, second day', false],
  ];
  const off = new Map();
  for (const [days, vi, en, sure] of named) {
    if (year === 2026 && vi === 'Tết Nguyên đán') {
      for (let d = utc('2026-02-14'); d <= utc('2026-02-22'); d += DAY) off.set(d, { vi, en });
      continue;
    }
    for (const d of days) off.set(d, sure ? { vi, en } : { vi: `${vi} (dự kiến)`, en: `${en} (provisional)` });
  }
  // Bộ luật Lao động, article 111: a holiday on a day of rest is made up for on the next working day.
  const rest = (d) => [0, 6].includes(new Date(d).getUTCDay());
  for (const [d, name] of [...off].sort((a, b) => a[0] - b[0])) {
    if (!rest(d) || (year === 2026 && name.vi === 'Tết Nguyên đán')) continue;
    let next = d;
    while (rest(next) || off.has(next)) next += DAY;
    off.set(next, { vi: `Nghỉ bù ${name.vi.replace(' (dự kiến)', '')} (dự kiến)`, en: `In lieu of ${name.en.replace(' (provisional)', '')} (provisional)` });
  }
  for (const [d, name] of [...off].sort((a, b) => a[0] - b[0])) holidays.push({ date: iso(d), name });
}
const hours = [['08:00', '12:00'], ['13:00', '17:00']];
const calendar = {
  title: { vi: 'Giờ hành chính Hà Nội', en: 'Office hours of Hanoi' },
  weekly: Object.fromEntries(['mon', 'tue', 'wed', 'thu', 'fri'].map((d) => [d, hours])),
  holidays, working_day_override: [], from: '2024-01-01', to: '2027-12-31',
};
const lines = JSON.stringify(calendar, null, 1).replace(/\[\s+"(\d\d:\d\d)",\s+"(\d\d:\d\d)"\s+\]/g, '["$1", "$2"]')
  .replace(/\[\s+(\["\d\d:\d\d", "\d\d:\d\d"\]),\s+(\["\d\d:\d\d", "\d\d:\d\d"\])\s+\]/g, '[$1, $2]')
  .replace(/\{\s+"date": ("[^"]+"),\s+"name": \{\s+"vi": ("[^"]+"),\s+"en": ("[^"]+")\s+\}\s+\}/g, '{ "date": $1, "name": { "vi": $2, "en": $3 } }');
io.write('calendars/default.json', lines + '\n');
