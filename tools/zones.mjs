// SPDX-License-Identifier: Apache-2.0
// Writes src/engine/process/feel/zone_data.h from the machine's IANA time zone database (public
// domain): node tools/zones.mjs > src/engine/process/feel/zone_data.h
//
// Every zone becomes its transitions since 1970 up to where its POSIX rule takes over; zones with the
// same data share it. Before 1970 the first offset holds.
import { readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";

const root = process.argv[2] ?? "/usr/share/zoneinfo";
const skip = new Set(["posix", "right", "posixrules", "localtime", "Factory", "leapseconds"]);

function* files(dir, prefix) {
  for (const name of readdirSync(dir).sort()) {
    if (skip.has(name) || name.includes(".")) continue;
    const path = join(dir, name);
    if (statSync(path).isDirectory()) yield* files(path, prefix + name + "/");
    else if (readFileSync(path).subarray(0, 4).toString() === "TZif") yield [prefix + name, path];
  }
}

// The 64-bit part of a TZif file: transitions [time, offset] and the rule in the footer.
function read(path) {
  const b = readFileSync(path);
  const counts = (at) => [0, 1, 2, 3, 4, 5].map((i) => b.readUInt32BE(at + 20 + 4 * i));
  const [isut, isstd, leap, time, type, char] = counts(0);
  const second = 44 + time * 5 + type * 6 + char + leap * 8 + isstd + isut;
  const [, , leap2, n, types, chars] = counts(second);
  let at = second + 44;
  const times = [], kinds = [];
  for (let i = 0; i < n; i++, at += 8) times.push(Number(b.readBigInt64BE(at)));
  for (let i = 0; i < n; i++, at++) kinds.push(b[at]);
  const offsets = [];
  for (let i = 0; i < types; i++, at += 6) offsets.push(b.readInt32BE(at));
  at += chars + leap2 * 12;
  const [isut2, isstd2] = counts(second);
  at += isstd2 + isut2;
  const footer = b.subarray(at).toString().trim();
  return { list: times.map((t, i) => [t, offsets[kinds[i]]]), first: offsets[0], footer };
}

function rule(text) {
  const name = "(?:<[^>]+>|[A-Za-z]+)", off = "([+-]?\\d+(?::\\d+){0,2})";
  const m = new RegExp(`^${name}${off}(?:${name}${off}?(?:,M(\\d+)\\.(\\d)\\.(\\d)(?:/${off})?,` +
    `M(\\d+)\\.(\\d)\\.(\\d)(?:/${off})?)?)?$`).exec(text);
  if (!m) throw new Error("rule " + text);
  const seconds = (s, fallback) => {
    if (s === undefined) return fallback;
    const neg = s.startsWith("-"), p = s.replace(/^[+-]/, "").split(":").map(Number);
    const v = p[0] * 3600 + (p[1] ?? 0) * 60 + (p[2] ?? 0);
    return neg ? -v : v;
  };
  const std = -seconds(m[1]);
  if (m[3] === undefined) return { std, dst: std, from: [0, 0, 0, 0], to: [0, 0, 0, 0] };
  return {
    std,
    dst: m[2] === undefined ? std + 3600 : -seconds(m[2]),
    from: [+m[3], +m[4], +m[5], seconds(m[6], 7200)],
    to: [+m[7], +m[8], +m[9], seconds(m[10], 7200)],
  };
}

const day = (y, [month, week, weekday]) => {
  const first = new Date(Date.UTC(y, month - 1, 1)).getUTCDay();
  let d = 1 + ((weekday - first + 7) % 7) + (week - 1) * 7;
  if (d > new Date(Date.UTC(y, month, 0)).getUTCDate()) d -= 7;
  return Date.UTC(y, month - 1, d) / 1000;
};

function byRule(r, t) {
  if (r.std === r.dst) return r.std;
  const y = new Date((t + r.std) * 1000).getUTCFullYear();
  const on = day(y, r.from) + r.from[3] - r.std, off = day(y, r.to) + r.to[3] - r.dst;
  return (on < off ? t >= on && t < off : t >= on || t < off) ? r.dst : r.std;
}

const data = new Map(), names = [];
for (const [name, path] of files(root, "")) {
  const { list, first, footer } = read(path), r = rule(footer);
  const early = list.filter(([t]) => t < 0).pop();
  let offset = early ? early[1] : first;
  const start = offset, kept = [];
  for (const [t, o] of list.filter(([t]) => t >= 0 && t < 2 ** 32)) {
    if (o !== offset) kept.push([t, o]);
    offset = o;
  }
  // Drop what the rule says as well, but for the first such move: from there on the rule holds.
  let dropped;
  while (kept.length && byRule(r, kept.at(-1)[0]) === kept.at(-1)[1] &&
         byRule(r, kept.at(-1)[0] - 1) === (kept.at(-2)?.[1] ?? start))
    dropped = kept.pop();
  if (dropped) kept.push(dropped);
  const key = JSON.stringify([start, kept, r]);
  if (!data.has(key)) data.set(key, { row: data.size, start, kept, r });
  names.push([name, data.get(key).row]);
}
names.sort((a, b) => (a[0] < b[0] ? -1 : 1));

const version = (() => {
  try {
    return /version (\S+)/.exec(readFileSync(join(root, "tzdata.zi"), "utf8"))[1];
  } catch {
    return "unknown";
  }
})();

let moves = 0;
const out = [
  "/* SPDX-License-Identifier: Apache-2.0 */",
  `/* Written by tools/zones.mjs from the IANA time zone database ${version} (public domain). */`,
  "",
  "static const struct move moves[] = {",
];
for (const z of data.values()) {
  z.at = moves;
  for (let i = 0; i < z.kept.length; i += 4)
    out.push("    " + z.kept.slice(i, i + 4).map(([t, o]) => `{${t}, ${o}},`).join(" "));
  moves += z.kept.length;
}
out.push("};", "", "static const struct zone zones[] = {");
for (const z of data.values())
  out.push(`    {${z.start}, ${z.at}, ${z.kept.length}, ${z.r.std}, ${z.r.dst}, ` +
    `{${z.r.from.join(", ")}}, {${z.r.to.join(", ")}}},`);
out.push("};", "", "static const struct name names[] = {");
for (const [name, row] of names) out.push(`    {KH_STR_INIT("${name}"), ${row}},`);
out.push("};");
console.log(out.join("\n"));
