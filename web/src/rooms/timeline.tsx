// SPDX-License-Identifier: Apache-2.0
/** What happened to a case, in order, in words. */
import { Check, CircleX, FilePlus, Forward, Hand, MessageSquare, RotateCcw, Star, TriangleAlert, UserCheck } from 'lucide';
import type { JSX } from 'preact';
import { dateTime } from '../format';
import { t, tMaybe, words } from '../i18n';
import type { TimelineItem } from '../types';
import { Icon, type IconNode } from '../ui/icon';

const looks: [RegExp, IconNode, string][] = [
  [/overdue|escalat|late/, TriangleAlert, 'bad'],
  [/refuse|cancel/, CircleX, 'bad'],
  [/reopen/, RotateCcw, 'warn'],
  [/rate|rating/, Star, ''],
  [/forward/, Forward, ''],
  [/claim/, Hand, ''],
  [/creat|start/, FilePlus, ''],
  [/notice|message/, MessageSquare, ''],
  [/task|complete|done/, Check, ''],
  [/accept|assign/, UserCheck, ''],
];

export function who(by: TimelineItem['by']): string {
  if (!by) return '';
  if (typeof by === 'object') return [by.name, by.unit].filter(Boolean).join(' · ');
  return tMaybe(`by.${by}`) ?? by.replace(/^(account|key|system):/, '');
}

export function Timeline({ items }: { items: TimelineItem[] }): JSX.Element {
  return (
    <ol class="timeline">
      {items.map((i) => {
        const [, icon, tone] = looks.find(([what]) => what.test(`${i.kind} ${String(i.data?.decision ?? '')}`)) ?? [null, Check, ''];
        const said = i.data?.answer ?? i.data?.reason ?? i.data?.comment;
        return (
          <li key={i.seq}>
            <span class={`dot ${tone}`}>
              <Icon of={icon} size={13} />
            </span>
            <div class="what">{words(i.text) || (tMaybe(`event.${i.kind}`) ?? i.kind)}</div>
            <div>
              <time dateTime={i.at}>{dateTime(i.at)}</time>
              {who(i.by) && <span class="who"> · {who(i.by)}</span>}
            </div>
            {typeof said === 'string' && said && <p class="said">{said}</p>}
          </li>
        );
      })}
      {!items.length && <li>{t('timeline.none')}</li>}
    </ol>
  );
}
