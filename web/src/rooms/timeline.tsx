// SPDX-License-Identifier: Apache-2.0
/** What happened to a case, in order, in words people use; what only the machine cares about is
 *  left out. */
import { AlarmClock, Banknote, Check, CircleX, FilePlus, Forward, Hand, Pause, RotateCcw, Star, TriangleAlert, UserCheck, Wrench } from 'lucide';
import type { JSX } from 'preact';
import { useAgencyName } from '../city';
import { dateTime } from '../format';
import { t, tMaybe, words, type Words } from '../i18n';
import type { Doer, TimelineItem } from '../types';
import { Icon, type IconNode } from '../ui/icon';

/** Who did it, as far as the reader may know: the person and the unit, the unit alone, or at least
 *  on whose side. */
export function who(d: Doer | undefined, type = 'report'): string {
  if (!d) return '';
  return [d.name, d.unit_name].filter(Boolean).join(', ') || (tMaybe(`by.${d.kind}.${type}`) ?? t(`by.${d.kind}`));
}

interface Told {
  text: string;
  icon: IconNode;
  tone?: 'warn' | 'bad';
  said?: string;
  unit?: string;
  /** The process did it, in the name of whoever moved it on. */
  alone?: boolean;
}

const statusIcons: Record<string, IconNode> = { in_progress: Wrench, processing: Wrench, refused: CircleX, not_received: CircleX, stopped: CircleX, withdrawn: RotateCcw, forwarded: Forward, reopened: RotateCcw, new: UserCheck, registered: UserCheck, supplement: FilePlus, payment: Banknote };
const statusTones: Record<string, 'warn' | 'bad'> = { refused: 'bad', not_received: 'bad', stopped: 'bad', reopened: 'warn', supplement: 'warn', payment: 'warn' };

function tell(i: TimelineItem, type: string): Told | null {
  const d = i.data ?? {};
  const changed = (d.changed ?? d) as Record<string, unknown>;
  const name = words(d.name as Words | undefined);
  const text = (v: unknown): string | undefined => (typeof v === 'string' && v ? v : undefined);
  const given = (d.answers ?? d.variables ?? d) as Record<string, unknown>;
  switch (i.kind) {
    case 'record.create':
      return { text: tMaybe(`event.created.${type}`) ?? t('event.created'), icon: FilePlus };
    case 'record.update':
    case 'record.correct': {
      const status = text(changed.status);
      const unit = text(changed.unit);
      if (text(changed.stars) || typeof changed.stars === 'number') return { text: t('event.rated', { n: Number(changed.stars) }), icon: Star };
      if (status) return { text: tMaybe(`status.${status}`) ?? status, icon: statusIcons[status] ?? Check, ...(statusTones[status] ? { tone: statusTones[status] } : {}), ...(unit ? { unit, alone: true } : {}) };
      if (changed.overdue === true) return { text: t('event.overdue'), icon: TriangleAlert, tone: 'bad' };
      if (unit) return { text: t('event.routed'), icon: Forward, unit, alone: true };
      return null;
    }
    case 'task.create':
      return { text: t('event.task', { name }), icon: UserCheck, alone: true };
    case 'task.claim':
      return { text: t('event.claimed', { name }), icon: Hand };
    case 'task.complete': {
      const said = text(given.answer) ?? text(given.reason) ?? text(given.comment) ?? text(given.opinion) ?? text(given.apology);
      return { text: t('event.completed', { name }), icon: Check, ...(said ? { said } : {}) };
    }
    case 'task.overdue':
      return { text: t('event.task_overdue', { name }), icon: TriangleAlert, tone: 'bad' };
    case 'clock.suspend':
    case 'clock.resume':
      return { text: words(i.text), icon: i.kind === 'clock.resume' ? AlarmClock : Pause };
    case 'process.move':
      return { text: `${words(i.text)}: ${words((d.to as { name?: Words } | undefined)?.name)}`, icon: Forward, tone: 'warn', ...(i.reason ? { said: i.reason } : {}) };
    case 'process.migrate':
      return { text: words(i.text), icon: Wrench, ...(i.reason ? { said: i.reason } : {}) };
    case 'task.migrate':
    case 'record.effective':
    case 'process.start':
    case 'process.end':
    case 'task.cancel':
    case 'task.release':
    case 'file.link':
      return null;
    default:
      return i.kind.startsWith('notice') || i.kind.startsWith('job') ? null : { text: words(i.text) || i.kind, icon: Check };
  }
}

function Item({ i, told, type }: { i: TimelineItem; told: Told; type: string }): JSX.Element {
  const unit = useAgencyName(told.unit);
  const by = told.alone ? '' : who(i.who, type);
  return (
    <li>
      <span class={`dot ${told.tone ?? ''}`}>
        <Icon of={told.icon} size={13} />
      </span>
      <div class="what">
        {told.text}
        {told.unit && `: ${unit || told.unit}`}
      </div>
      <div>
        <time dateTime={i.at}>{dateTime(i.at)}</time>
        {by && <span class="who"> · {by}</span>}
      </div>
      {told.said && <p class="said">{told.said}</p>}
    </li>
  );
}

/** @param type of the case */
export function Timeline({ items, type = 'report' }: { items: TimelineItem[]; type?: string }): JSX.Element {
  const told = items.flatMap((i) => {
    const x = tell(i, type);
    return x ? [{ i, x }] : [];
  });
  // Routing sets unit, ward and class in one breath: the same words at the same minute are one line.
  // A task that is late makes its case late: one line says it.
  const late = new Set(told.filter(({ i }) => i.kind === 'task.overdue').map(({ i }) => Math.floor(Date.parse(i.at) / 60_000)));
  const lines = told.filter(({ i, x }) => x.text !== t('event.overdue') || !late.has(Math.floor(Date.parse(i.at) / 60_000))).filter(({ i, x }, n, all) => !all.slice(0, n).some((b) => b.x.text === x.text && b.x.unit === x.unit && Math.abs(Date.parse(b.i.at) - Date.parse(i.at)) < 60_000 && !x.said));
  if (!lines.length) return <p class="quiet">{t('timeline.none')}</p>;
  return (
    <ol class="timeline">
      {lines.map(({ i, x }) => (
        <Item key={i.seq} i={i} told={x} type={type} />
      ))}
    </ol>
  );
}
