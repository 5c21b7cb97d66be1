// SPDX-License-Identifier: Apache-2.0
// Makes packs/residents/data from the source files that data/SOURCES.md names:
//   node tools/pack-residents.mjs SOURCE_DIR packs/residents
// SOURCE_DIR holds names/*: counts of family, middle and given names, and lists of given names by sex.
import { args, csv, ndjson } from './pack-data.mjs';

const io = args('tools/pack-residents.mjs');
const counts = (file) => csv(io.read(`names/${file}`)).map((r) => ({ name: r.name.normalize('NFC'), count: +r.count }));
const list = (file) => io.read(`names/${file}`).split('\n').map((s) => s.normalize('NFC').trim()).filter(Boolean);

// How often a syllable is the first or the last word of the names that a list gives to one sex.
const tally = (names, at) => {
  const t = new Map();
  for (const n of names) {
    const words = n.split(' ');
    const w = words.at(at);
    if (at === 0 && words.length < 2) continue;
    t.set(w, (t.get(w) ?? 0) + 1);
  }
  return t;
};
const men = list('male_given_names.txt');
const women = list('female_given_names.txt');

// The counts do not tell the sex: they are parted as the lists part the syllable. One that no list has
// is taken as given to both; Văn and Thị are what they are.
const parted = (part, rows, at, certain = {}) => {
  const m = tally(men, at);
  const f = tally(women, at);
  return rows.map(({ name, count }) => {
    const [x, y] = certain[name] ?? [m.get(name) ?? 0, f.get(name) ?? 0];
    const share = x + y ? x / (x + y) : 0.5;
    return { code: `${part}:${name}`, part, name, male: Math.round(count * share), female: Math.round(count * (1 - share)) };
  });
};
const one = (s) => /^\p{L}+$/u.test(s.name);
const family = counts('family_names_freq.csv').filter(one).map(({ name, count }) => ({ code: `family:${name}`, part: 'family', name, male: count, female: count }));
const middle = parted('middle', counts('middle_names_freq.csv').filter(one), 0, { Văn: [1, 0], Thị: [0, 1] });
const given = parted('given', counts('given_names_freq.csv').filter(one), -1);
io.write('data/10-name_frequency.ndjson', ndjson([...family, ...middle, ...given].filter((r) => r.male + r.female > 0)));
