// SPDX-License-Identifier: Apache-2.0
/**
 * The time machine: any day again, from the event log. Reports say where and when they began and
 * ended; the events of the day say when each one moved.
 */
import { all, api } from '../../api';
import { createdAt } from '../citizen/case-list';
import type { CityEvent, Page, Report } from '../../types';

interface Step {
  at: number;
  status: string;
}
export interface Day {
  from: number;
  to: number;
  reports: Report[];
  steps: Map<string, Step[]>;
}

type EventPage = Page<CityEvent> & { seen?: number };
const firstAfter = async (seq: number, signal: AbortSignal): Promise<CityEvent | undefined> =>
  (await api.get<EventPage>('/api/v1/events', { after: seq, type: 'report', limit: 1 }, { signal })).items[0];

/** The sequence number before the first report event at or after an instant: the log grows with
 *  time, so halving finds it. */
async function seqAt(instant: number, signal: AbortSignal): Promise<number> {
  let high = 1024;
  for (;;) {
    const e = await firstAfter(high, signal);
    if (!e || Date.parse(e.at) >= instant) break;
    high *= 4;
  }
  let low = 0;
  while (high - low > 500) {
    const mid = Math.floor((low + high) / 2);
    const e = await firstAfter(mid, signal);
    if (e && Date.parse(e.at) < instant) low = Math.max(mid, e.seq);
    else high = mid;
  }
  return low;
}

function statusOf(e: CityEvent): string | undefined {
  const status = ((e.data?.changed ?? e.data) as { status?: unknown } | undefined)?.status;
  return typeof status === 'string' ? status : undefined;
}

const eventsMax = 20_000;

/** @param day 2026-09-15 in Hà Nội */
export async function readDay(day: string, signal: AbortSignal): Promise<Day> {
  const from = Date.parse(`${day}T00:00:00+07:00`);
  const to = Math.min(Date.now(), from + 86_400_000);
  const [reports, start] = await Promise.all([all<Report>('/api/v1/records/report', { sort: '-id' }, 10_000, signal), seqAt(from, signal)]);
  const steps = new Map<string, Step[]>();
  let after: string | undefined = String(start);
  for (let n = 0; after && n < eventsMax; ) {
    const page: EventPage = await api.get('/api/v1/events', { after, type: 'report', limit: 1000 }, { signal });
    n += page.items.length;
    after = page.next;
    for (const e of page.items) {
      const at = Date.parse(e.at);
      if (at < from || !e.subject) continue;
      if (at > to) {
        after = undefined;
        break;
      }
      const status = statusOf(e);
      if (!status) continue;
      const list = steps.get(e.subject);
      if (list) list.push({ at, status });
      else steps.set(e.subject, [{ at, status }]);
    }
  }
  return { from, to, reports: reports.filter((r) => Date.parse(createdAt(r)) <= to), steps };
}

/** What a report was at an instant of the day; undefined if it was not there yet. */
export function at(day: Day, r: Report, instant: number): string | undefined {
  if (Date.parse(createdAt(r)) > instant) return undefined;
  const steps = day.steps.get(r.id);
  let last: string | undefined;
  for (const s of steps ?? []) if (s.at <= instant) last = s.status;
  if (last) return last;
  if (r.closed_at && Date.parse(r.closed_at) <= instant) return r.status === 'refused' ? 'refused' : 'closed';
  if (r.handled_at) return Date.parse(r.handled_at) <= instant ? 'done' : 'in_progress';
  return steps?.length ? 'new' : r.status;
}
