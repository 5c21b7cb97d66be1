// SPDX-License-Identifier: Apache-2.0
/** What a schema calls its fields and values, in the reader's language. */
import { date, dateTime, number } from '../format';
import { t, tMaybe, words, type Words } from '../i18n';
import type { Schema } from '../types';

export const kh = (s: Schema | undefined): Record<string, unknown> => s?.['x-kh'] ?? {};

/** `$ref` within the same document. */
export function resolve(root: Schema, s: Schema): Schema {
  if (!s.$ref?.startsWith('#/')) return s;
  let at: unknown = root;
  for (const part of s.$ref.slice(2).split('/')) at = (at as Record<string, unknown> | undefined)?.[part.replace(/~1/g, '/').replace(/~0/g, '~')];
  return { ...(at as Schema | undefined), ...s };
}

export function labelOf(name: string, s: Schema): string {
  const k = kh(s);
  return words((k.label ?? k.title) as Words | string | undefined) || tMaybe(`field.${name}`) || s.title || name;
}

export function hintOf(s: Schema): string {
  const k = kh(s);
  return words((k.hint ?? k.help) as Words | string | undefined) || (s.description ?? '');
}

/** The words of a value of an enumeration: from the schema, else from the portal's own words. */
export function choiceLabel(name: string, value: string, s: Schema): string {
  const k = kh(s);
  const hit = (k.codes as ({ code: string } & Words)[] | undefined)?.find((c) => c.code === value);
  if (hit) return words(hit);
  return tMaybe(`${name}.${value}`) ?? value;
}

export function typeOf(s: Schema): string {
  const list = Array.isArray(s.type) ? s.type.filter((x) => x !== 'null') : [s.type ?? ''];
  return list[0] ?? '';
}

/** A value as people read it. */
export function showValue(name: string, v: unknown, s: Schema | undefined): string {
  if (v === undefined || v === null) return '';
  if (s?.enum) return choiceLabel(name, String(v), s);
  if (typeof v === 'boolean') return v ? t('yes') : t('no');
  if (typeof v === 'number') return number(v, Number.isInteger(v) ? 0 : 4);
  if (typeof v === 'string') return s?.format === 'date-time' ? dateTime(v) : s?.format === 'date' ? date(v) : v;
  if (typeof v === 'object' && 'lon' in v && 'lat' in v) {
    const p = v as { lon: number; lat: number };
    return `${p.lat.toFixed(6)}, ${p.lon.toFixed(6)}`;
  }
  return JSON.stringify(v);
}
