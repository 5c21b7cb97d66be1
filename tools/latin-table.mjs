// SPDX-License-Identifier: Apache-2.0
// Writes src/base/text_latin.h: what every Latin letter of U+00C0..U+024F and U+1E00..U+1EFF is made
// of. Run by hand after a change here: node tools/latin-table.mjs > src/base/text_latin.h
// The decompositions are those of Unicode (node's own String.prototype.normalize).

const TONES = { '\u0300': 1, '\u0309': 2, '\u0303': 3, '\u0301': 4, '\u0323': 5 };
const QUALITIES = { '\u0306': 1, '\u0302': 2, '\u031b': 3 };
// Letters whose stroke or hook has no decomposition. Ð, ð and Ɖ stand for Đ, đ in old files.
const STROKED = { Đ: 'D', đ: 'd', Ð: 'D', ð: 'd', Ɖ: 'D' };
const PLAIN = {
  Ø: 'O', ø: 'o', Ħ: 'H', ħ: 'h', Ł: 'L', ł: 'l', Ŧ: 'T', ŧ: 't', ı: 'i', ƀ: 'b', Ɓ: 'B', Ƈ: 'C', ƈ: 'c',
  Ɗ: 'D', Ƒ: 'F', ƒ: 'f', Ɠ: 'G', Ƙ: 'K', ƙ: 'k', ƚ: 'l', Ɲ: 'N', ƞ: 'n', Ƥ: 'P', ƥ: 'p', ƫ: 't', Ƭ: 'T',
  ƭ: 't', Ʈ: 'T', Ʋ: 'V', Ƴ: 'Y', ƴ: 'y', Ƶ: 'Z', ƶ: 'z', Ǥ: 'G', ǥ: 'g', Ⱥ: 'A', Ȼ: 'C', ȼ: 'c', Ƚ: 'L',
  Ƀ: 'B', Ɇ: 'E', ɇ: 'e', Ɉ: 'J', ɉ: 'j', Ɍ: 'R', ɍ: 'r', Ɏ: 'Y', ɏ: 'y', ſ: 's',
};

function parts(cp) {
  const c = String.fromCodePoint(cp);
  const d = [...c.normalize('NFD')];
  let base = d[0], quality = 0, tone = 0;
  if (STROKED[base]) [base, quality] = [STROKED[base], 4];
  else if (PLAIN[base]) [base, quality] = [PLAIN[base], 5];
  if (!/^[A-Za-z]$/.test(base)) return 0;
  for (const m of d.slice(1)) {
    if (TONES[m] && !tone) tone = TONES[m];
    else if (QUALITIES[m] && !quality) quality = QUALITIES[m];
    else quality = 5;
  }
  const lower = base.toLowerCase();
  return (lower.charCodeAt(0) - 96) | (quality << 5) | (tone << 8) | (base !== lower ? 0x800 : 0);
}

function table(name, from, to) {
  let out = `static const uint16_t ${name}[0x${(to - from + 1).toString(16)}] = {`;
  for (let cp = from; cp <= to; cp++) {
    const v = '0x' + parts(cp).toString(16).padStart(3, '0') + ',';
    out += (cp - from) % 14 === 0 ? '\n    ' + v : ' ' + v;
  }
  return out + '\n};\n';
}

console.log(`/* SPDX-License-Identifier: Apache-2.0 */
/* Written by tools/latin-table.mjs; do not edit. One entry per letter: bits 0-4 the base letter (1 = a),
 * 5-7 the quality (1 breve, 2 circumflex, 3 horn, 4 stroke of đ, 5 something else), 8-10 the tone
 * (1 huyền, 2 hỏi, 3 ngã, 4 sắc, 5 nặng), 11 upper case; 0: not one Latin letter with marks. */
#ifndef KH_BASE_TEXT_LATIN_H
#define KH_BASE_TEXT_LATIN_H

#include <stdint.h>

/* clang-format off */
${table('latin_c0', 0xc0, 0x24f)}
${table('latin_1e', 0x1e00, 0x1eff)}/* clang-format on */

#endif`);
