// SPDX-License-Identifier: Apache-2.0
/**
 * Words. Vietnamese comes with the first load, English when it is asked for. A key ending in
 * `_one` is used for n = 1 in English.
 */
import vi from './i18n/vi.json';
import { createStore, kept } from './store';

export type Lang = 'vi' | 'en';
export type Key = keyof typeof vi;
export interface Words {
  vi?: string;
  en?: string;
}

const tables: { vi: Record<string, string>; en?: Record<string, string> } = { vi };
export const lang = createStore<Lang>('vi');

export async function setLang(next: Lang): Promise<void> {
  if (next === 'en' && !tables.en) tables.en = (await import('./i18n/en.json')).default;
  kept.set('khue.lang', next);
  document.documentElement.lang = next;
  lang.set(next);
}

/** The language kept from the last visit. */
export async function startLang(): Promise<void> {
  if (kept.get('khue.lang') === 'en') await setLang('en').catch(() => undefined);
}

export function t(key: Key, params?: Record<string, string | number>): string {
  const now = lang.get();
  const table = tables[now] ?? tables.vi;
  let text = (now === 'en' && params?.n === 1 && table[`${key}_one`]) || table[key] || tables.vi[key] || key;
  if (params)
    for (const [name, value] of Object.entries(params)) text = text.replaceAll(`{${name}}`, String(value));
  return text;
}

/** A key built at run time; undefined if there is no such text. */
export function tMaybe(key: string, params?: Record<string, string | number>): string | undefined {
  return key in tables.vi ? t(key as Key, params) : undefined;
}

/** Text that comes from a pack: `{vi, en}`, or a plain string. */
export function words(value: Words | string | null | undefined): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'string') return value;
  return (lang.get() === 'en' ? value.en || value.vi : value.vi || value.en) ?? '';
}
