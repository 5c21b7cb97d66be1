// SPDX-License-Identifier: Apache-2.0
// Refuses a build whose first view of a citizen page weighs more than 150 kB compressed:
// index.html, what it loads at once (scripts, their static imports, styles) and the fonts that
// Vietnamese text at the two weights of the first view needs.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

const dist = join(import.meta.dirname, '../dist');
const limit = 150_000;
const html = readFileSync(join(dist, 'index.html'), 'utf8');
const seen = new Map();

function weigh(path) {
  if (seen.has(path)) return;
  const bytes = readFileSync(join(dist, path));
  const kept = /\.(woff2|png)$/.test(path) ? bytes.length : gzipSync(bytes, { level: 6 }).length;
  seen.set(path, kept);
  if (!path.endsWith('.js')) return;
  const text = bytes.toString();
  for (const m of text.matchAll(/(?:^|[;}\s])(?:import|export)\s*(?:[^"'()]*?from\s*)?"(\.\/[^"]+\.js)"/g))
    weigh(join('assets', m[1]));
}

seen.set('index.html', gzipSync(html).length);
for (const m of html.matchAll(/(?:src|href)="\/([^"]+\.(?:js|css))"/g)) weigh(m[1]);
const home = readdirSync(join(dist, 'assets'));
for (const f of home)
  if (/be-vietnam-pro-(latin|vietnamese)-(400|600)-normal.*\.woff2$/.test(f)) weigh(join('assets', f));

let total = 0;
for (const [path, bytes] of [...seen].sort((a, b) => b[1] - a[1])) {
  total += bytes;
  console.log(String(bytes).padStart(8), path);
}
console.log(`${total} bytes compressed for the first view of a citizen page (limit ${limit})`);
if (total > limit) {
  console.error('The first view has become too heavy.');
  process.exit(1);
}
