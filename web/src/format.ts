// SPDX-License-Identifier: Apache-2.0
/** Dates, numbers and durations as people read them. Hà Nội is UTC+7 the whole year. */
import { lang, t } from './i18n';

const zone = 'Asia/Ho_Chi_Minh';
const parts = new Intl.DateTimeFormat('en-GB', {
  timeZone: zone,
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
  hourCycle: 'h23',
});

function split(at: string | number | Date): Record<string, string> {
  const out: Record<string, string> = {};
  for (const p of parts.formatToParts(new Date(at))) out[p.type] = p.value;
  return out;
}

export function dateTime(at: string | number | Date | null | undefined): string {
  if (at === null || at === undefined || at === '') return '';
  const p = split(at);
  return `${p.day}/${p.month}/${p.year} ${p.hour}:${p.minute}`;
}

export function date(at: string | number | Date | null | undefined): string {
  if (at === null || at === undefined || at === '') return '';
  if (typeof at === 'string' && /^\d{4}-\d\d-\d\d$/.test(at)) return at.split('-').reverse().join('/');
  const p = split(at);
  return `${p.day}/${p.month}/${p.year}`;
}

export function time(at: string | number | Date): string {
  const p = split(at);
  return `${p.hour}:${p.minute}`;
}

/** Today in Hà Nội as 2026-09-15. */
export function isoDay(at: number | Date = Date.now()): string {
  const p = split(at);
  return `${p.year}-${p.month}-${p.day}`;
}

export function number(n: number, digits = 0): string {
  return new Intl.NumberFormat(lang.get() === 'en' ? 'en-GB' : 'vi-VN', {
    maximumFractionDigits: digits,
    minimumFractionDigits: digits,
  }).format(n);
}

export function percent(n: number | null | undefined): string {
  return n === null || n === undefined ? '–' : `${number(n, n % 1 === 0 || n >= 100 ? 0 : 1)}%`;
}

export function bytes(n: number): string {
  if (n < 1000) return `${n} B`;
  if (n < 1e6) return `${number(n / 1e3)} kB`;
  return `${number(n / 1e6, 1)} MB`;
}

/** "5 phút trước": how long ago, rounded down. */
export function ago(at: string | number, now = Date.now()): string {
  const minutes = Math.floor((now - new Date(at).getTime()) / 60_000);
  if (minutes < 1) return t('ago.now');
  if (minutes < 60) return t('ago.minutes', { n: minutes });
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return t('ago.hours', { n: hours });
  const days = Math.floor(hours / 24);
  if (days < 30) return t('ago.days', { n: days });
  return date(at);
}

/** Working time, as an office counts it: a working day has eight hours. */
export function workingTime(minutes: number): string {
  const m = Math.abs(minutes);
  if (m < 60) return t('time.minutes', { n: Math.max(1, Math.round(m)) });
  if (m < 480) return t('time.hours', { n: Math.floor(m / 60) });
  return t('time.days', { n: Math.floor(m / 480) });
}

export function distance(metres: number): string {
  if (metres < 1000) return `${number(Math.round(metres / 10) * 10)} m`;
  return `${number(metres / 1000, 1)} km`;
}

/** Metres between two points; good to a part in a thousand within a city. */
export function metresBetween(a: { lon: number; lat: number }, b: { lon: number; lat: number }): number {
  const rad = Math.PI / 180;
  const x = (b.lon - a.lon) * rad * Math.cos(((a.lat + b.lat) / 2) * rad);
  const y = (b.lat - a.lat) * rad;
  return Math.hypot(x, y) * 6_371_008;
}

/** Letters without accents, small: what a search compares. */
export const fold = (s: string): string => s.normalize('NFD').replace(/[\u0300-\u036f]/g, '').replace(/[đĐ]/g, 'd').toLowerCase();

const base32 = '0123456789abcdefghjkmnpqrstvwxyz';
const epoch = Date.UTC(2020, 0, 1);

/** The instant in an id: ids are base 32 of milliseconds since 2020, node and counter. */
export function idTime(id: string): string | undefined {
  let n = 0n;
  for (const c of id.toLowerCase()) {
    const d = base32.indexOf(c);
    if (d < 0) return undefined;
    n = n * 32n + BigInt(d);
  }
  return id.length === 13 ? new Date(Number(n >> 22n) + epoch).toISOString() : undefined;
}
