#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// docs/ERRORS.md and docs/CONFIG.md from src/tables/*.def.
//   tools/docs-tables.mjs           writes them
//   tools/docs-tables.mjs --check   names those that are not current
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const top = join(dirname(fileURLToPath(import.meta.url)), '..');
const text = (name) => readFileSync(join(top, name), 'utf8');
const cell = (s) => s.replaceAll('\\"', '"').replaceAll('|', '\\|').replaceAll('<', '&lt;');
const note = (from) => `<!-- Made from ${from} by tools/docs-tables.mjs; do not edit. -->\n`;

/** Rows and the headings between them: [heading] or the fields of a row. */
function rows(source, row, heading) {
  const all = new RegExp(`${heading.source}|${row.source}`, 'gm');
  return [...source.matchAll(all)].map((m) => m.slice(1));
}

function errors() {
  let out = `# Errors\n${note('src/tables/errors.def')}\nEvery failed call answers with RFC 9457 problem+json; \`code\` is one of these. A number is never used again.\n`;
  for (const [heading, name, number, status, en, vi] of rows(text('src/tables/errors.def'),
    /^E\((\w+),\s*(\d+),\s*(\d+),\s*"((?:[^"\\]|\\.)*)",\s*"((?:[^"\\]|\\.)*)"\)/, /^\/\* (\d{4} .*) \*\/$/))
    out += heading ? `\n## ${heading}\n| code | number | status | English | Tiếng Việt |\n|---|---|---|---|---|\n`
      : `| \`${name}\` | ${number} | ${status} | ${cell(en)} | ${cell(vi)} |\n`;
  return out;
}

function config() {
  let out = `# Settings\n${note('src/tables/config.def')}\nThey stand in \`khue.conf\` of the data folder. *live*: taken over on SIGHUP; the others at the next start.\n`;
  for (const [heading, kind, name, min, max, value, unit, flags, about] of rows(text('src/tables/config.def'),
    /^C\((\w+),\s*(\w+),\s*(\d+),\s*(\d+),\s*"((?:[^"\\]|\\.)*)",\s*"([^"]*)",\s*([A-Z| ]+),\s*"((?:[^"\\]|\\.)*)"\)/, /^\/\* ---- (.*) ---- \*\/$/)) {
    if (heading) {
      out += `\n## ${heading[0].toUpperCase()}${heading.slice(1)}\n| setting | default | range | meaning |\n|---|---|---|---|\n`;
      continue;
    }
    const range = kind === 'INT' ? `${min}–${max}${unit ? ` ${unit}` : ''}` : kind === 'BOOL' ? 'yes, no' : unit || 'text';
    const marks = (flags.includes('LIVE') ? ' *live*' : '') + (flags.includes('SECRET') ? ' *secret*' : '');
    out += `| \`${name}\`${marks} | ${value ? `\`${cell(value)}\`` : 'empty'} | ${range} | ${cell(about)} |\n`;
  }
  return out;
}

let stale = 0;
for (const [file, def, made] of [['docs/ERRORS.md', /^E\(/gm, errors()], ['docs/CONFIG.md', /^C\(/gm, config()]]) {
  const source = text(file === 'docs/ERRORS.md' ? 'src/tables/errors.def' : 'src/tables/config.def');
  const rowsMade = made.match(/^\| `/gm)?.length ?? 0;
  if (rowsMade !== source.match(def).length) throw new Error(`${file}: ${rowsMade} rows of ${source.match(def).length} were understood`);
  if (process.argv[2] === '--check') {
    let have = '';
    try { have = text(file); } catch { /* not there: not current */ }
    if (have !== made) { console.log(`${file} is not current: run tools/docs-tables.mjs`); stale = 1; }
  } else writeFileSync(join(top, file), made);
}
process.exitCode = stale;
