// SPDX-License-Identifier: Apache-2.0
// The words: no key is missing in either language, none is left over, and both say the same things.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';

const src = resolve(import.meta.dirname, '../../web/src');
const read = (lang) => JSON.parse(readFileSync(join(src, `i18n/${lang}.json`), 'utf8'));
const vi = read('vi');
const en = read('en');
const packs = resolve(import.meta.dirname, '../../packs');
const code = readdirSync(src, { recursive: true })
  .filter((f) => /\.tsx?$/.test(f))
  .map((f) => readFileSync(join(src, f), 'utf8'))
  .join('\n');

test('every Vietnamese text has its English one', () => {
  assert.deepEqual(Object.keys(vi).filter((k) => !en[k]), []);
});

test('every English text has its Vietnamese one, singulars aside', () => {
  assert.deepEqual(Object.keys(en).filter((k) => !vi[k] && !(k.endsWith('_one') && vi[k.slice(0, -4)])), []);
});

test('both languages use the same places for values', () => {
  const places = (text) => [...text.matchAll(/\{(\w+)\}/g)].map((m) => m[1]).sort().join();
  assert.deepEqual(Object.keys(vi).filter((k) => places(vi[k]) !== places(en[k])), []);
});

test('every key in the code exists', () => {
  const used = [...code.matchAll(/\bt\(\s*'([^']+)'/g)].map((m) => m[1]);
  assert.ok(used.length > 300);
  assert.deepEqual([...new Set(used)].filter((k) => !vi[k]), []);
});

test('no text is left over', () => {
  // Keys that are built at run time from a name: status.new, field.answer ...
  const built = [...code.matchAll(/`([a-z_.]+)\.\$\{/g)].map((m) => m[1]);
  const left = Object.keys(vi).filter((k) => !code.includes(`'${k}'`) && !code.includes(`"${k}"`) && !built.some((b) => k.startsWith(`${b}.`)));
  assert.deepEqual(left, []);
});

test('Vietnamese is written in composed characters', () => {
  assert.deepEqual(Object.entries(vi).filter(([, v]) => v !== v.normalize('NFC')).map(([k]) => k), []);
});

test('nobody reads a code: no text names a field or a status as the program does', () => {
  for (const [k, v] of Object.entries({ ...vi, ...en })) assert.doesNotMatch(v.replace(/\{\w+\}/g, ''), /\b(null|undefined|in_progress|to_unit|NaN)\b/, k);
});

test('every step and flow of the processes that come with Khuê has its name in English', () => {
  const models = readdirSync(packs, { recursive: true }).filter((f) => f.endsWith('.bpmn'));
  const named = models.flatMap((f) => readFileSync(join(packs, f), 'utf8').match(/<bpmn:[^>]* name="[^"]+"[^>]*>/g));
  assert.ok(named.length > 30);
  assert.deepEqual(named.filter((tag) => !tag.includes('kh:nameEn="')), []);
});
