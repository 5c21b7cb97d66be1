// SPDX-License-Identifier: Apache-2.0
/** Figures as the server sends them leave out what is zero or unknown; here they are whole. */
import { api } from './api';
import { useData, type Data } from './data';
import { isoDay } from './format';
import type { Figures, UnitFigures } from './types';

type Loose<T> = { [K in keyof T]?: T[K] | null };
type SentUnit = Loose<UnitFigures> & { handled?: number };
interface Sent {
  as_of: string;
  totals?: Loose<Figures['totals']> & { handled?: number };
  by_unit?: (SentUnit & { unit: string })[];
  by_category?: (SentUnit & { category: string })[];
  by_field?: (SentUnit & { field: string })[];
  by_day?: { date: string; created?: number; done?: number }[];
}

/** What figures there are: each is an indicator of a pack. */
export const subjects = ['feedback', 'dossiers'] as const;
export type Subject = (typeof subjects)[number];

const stars = (n: number | null | undefined): number | null => (typeof n === 'number' ? n : null);

const measures = (u: SentUnit): Pick<Figures['by_category'][number], 'open' | 'waiting' | 'overdue' | 'done' | 'on_time_pct' | 'stars_avg'> => ({
  open: u.open ?? 0,
  waiting: u.waiting ?? 0,
  overdue: u.overdue ?? 0,
  done: u.handled ?? u.done ?? 0,
  on_time_pct: stars(u.on_time_pct),
  stars_avg: stars(u.stars_avg),
});

/** @param days how many days the series has; days on which nothing happened are zero */
function whole(f: Sent, days: number): Figures {
  const got = new Map((f.by_day ?? []).map((d) => [d.date, d]));
  const last = Date.parse(f.as_of);
  const series: Figures['by_day'] = [];
  for (let i = days - 1; i >= 0; i--) {
    const date = isoDay(last - i * 86_400_000);
    series.push({ date, created: got.get(date)?.created ?? 0, done: got.get(date)?.done ?? 0 });
  }
  const t = f.totals ?? {};
  return {
    as_of: f.as_of,
    totals: {
      open: t.open ?? 0,
      waiting: t.waiting ?? 0,
      overdue: t.overdue ?? 0,
      done: t.handled ?? t.done ?? 0,
      refused: t.refused ?? 0,
      created_today: t.created_today ?? 0,
      done_today: t.done_today ?? 0,
      on_time_pct: stars(t.on_time_pct),
      stars_avg: stars(t.stars_avg),
    },
    by_unit: (f.by_unit ?? [])
      .filter((u) => u.unit)
      .map((u) => ({
        unit: u.unit,
        unit_name: u.unit_name || u.unit,
        commune: u.commune || null,
        ...measures(u),
      })),
    by_category: [...(f.by_category ?? []), ...(f.by_field ?? []).map((x) => ({ ...x, category: x.field }))].map((c) => ({ category: c.category, ...measures(c) })),
    by_day: series,
  };
}

export function useFigures(days = 30, unit: string | null = '', of: Subject = 'feedback'): Data<Figures> {
  const to = Date.now();
  const from = isoDay(to - (days - 1) * 86_400_000);
  return useData<Figures>(unit === null ? null : `figures ${of} ${days} ${unit} ${from}`, (signal) =>
    api.get<Sent>(`/api/v1/figures/${of}`, { from, to: isoDay(to), unit }, { signal }).then((f) => whole(f, days)),
  );
}

/** Where most days lie: from the tenth to the ninetieth of a hundred, today left out. */
export function usualRange(values: number[]): [number, number] | null {
  const past = values.slice(0, -1).sort((a, b) => a - b);
  if (past.length < 7) return null;
  const at = (p: number): number => past[Math.round(p * (past.length - 1))] as number;
  return [at(0.1), at(0.9)];
}
