// SPDX-License-Identifier: Apache-2.0
/** Buttons, tags, notes, empty places: the small parts that every room is made of. */
import { AlarmClock, Banknote, Check, CircleAlert, CircleCheck, CircleX, Clock, Copy, FilePlus, Forward, Hourglass, Info, Loader, RotateCcw, Star, TriangleAlert, Wrench } from 'lucide';
import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { ApiError } from '../api';
import { workingTime } from '../format';
import { t, tMaybe } from '../i18n';
import type { DossierStatus } from '../procedures';
import type { Status, Task } from '../types';
import { Icon, type IconNode } from './icon';
import { say } from './toast';

type ButtonProps = Omit<JSX.ButtonHTMLAttributes<HTMLButtonElement>, 'icon' | 'class'> & {
  kind?: 'primary' | 'plain' | 'quiet' | 'danger';
  icon?: IconNode;
  busy?: boolean | undefined;
  class?: string;
  small?: boolean;
};

export function Button({ kind = 'plain', icon, busy, small, class: cls, children, type = 'button', disabled, ...rest }: ButtonProps): JSX.Element {
  return (
    <button type={type} class={`button ${kind} ${small ? 'small' : ''} ${cls ?? ''}`} aria-busy={busy || undefined} disabled={disabled || busy} {...rest}>
      {busy ? <Icon of={Loader} class="spin" /> : icon && <Icon of={icon} />}
      {children && <span>{children}</span>}
    </button>
  );
}

export function LinkButton({ kind = 'plain', icon, class: cls, children, ...rest }: Omit<JSX.AnchorHTMLAttributes<HTMLAnchorElement>, 'icon' | 'class'> & { kind?: 'primary' | 'plain' | 'quiet'; icon?: IconNode; class?: string }): JSX.Element {
  return (
    <a class={`button ${kind} ${cls ?? ''}`} {...rest}>
      {icon && <Icon of={icon} />}
      <span>{children}</span>
    </a>
  );
}

/** A button that shows only an icon still has a name. */
export function IconButton({ icon, label, class: cls, size = 20, ...rest }: Omit<JSX.ButtonHTMLAttributes<HTMLButtonElement>, 'icon' | 'class' | 'size'> & { icon: IconNode; label: string; class?: string; size?: number }): JSX.Element {
  return (
    <button type="button" class={`icon-button ${cls ?? ''}`} aria-label={label} title={label} {...rest}>
      <Icon of={icon} size={size} />
    </button>
  );
}

export type Tone = 'neutral' | 'info' | 'good' | 'warn' | 'bad';

export function Tag({ tone = 'neutral', icon, children }: { tone?: Tone; icon?: IconNode; children: ComponentChildren }): JSX.Element {
  return (
    <span class={`tag ${tone}`}>
      {icon && <Icon of={icon} size={16} />}
      <span>{children}</span>
    </span>
  );
}

const statusLook: Record<Status | DossierStatus, [Tone, IconNode]> = {
  new: ['warn', Hourglass],
  accepted: ['info', Check],
  in_progress: ['info', Wrench],
  done: ['good', CircleCheck],
  refused: ['neutral', CircleX],
  forwarded: ['info', Forward],
  reopened: ['warn', RotateCcw],
  closed: ['good', CircleCheck],
  registered: ['warn', Hourglass],
  received: ['info', Check],
  not_received: ['neutral', CircleX],
  processing: ['info', Wrench],
  supplement: ['warn', FilePlus],
  payment: ['warn', Banknote],
  withdrawn: ['neutral', RotateCcw],
  stopped: ['neutral', CircleX],
  finished: ['good', CircleCheck],
  returned: ['good', CircleCheck],
};

export function StatusTag({ status }: { status: string }): JSX.Element {
  const [tone, icon] = statusLook[status as Status] ?? ['neutral', Info];
  return (
    <Tag tone={tone} icon={icon}>
      {tMaybe(`status.${status}`) ?? status}
    </Tag>
  );
}

/** Time left in working time. Colour, icon and words say the same. */
export function DueTag({ minutes, done }: { minutes: number | null | undefined; done?: boolean }): JSX.Element | null {
  if (done || minutes === null || minutes === undefined) return null;
  if (minutes < 0)
    return (
      <Tag tone="bad" icon={CircleAlert}>
        {t('due.over', { time: workingTime(minutes) })}
      </Tag>
    );
  if (minutes <= 120)
    return (
      <Tag tone="warn" icon={AlarmClock}>
        {t('due.left', { time: workingTime(minutes) })}
      </Tag>
    );
  return (
    <Tag tone="neutral" icon={Clock}>
      {t('due.left', { time: workingTime(minutes) })}
    </Tag>
  );
}

export const dueTone = (task: Pick<Task, 'minutes_left'>): 'over' | 'soon' | 'fine' | 'none' =>
  task.minutes_left === null || task.minutes_left === undefined ? 'none' : task.minutes_left < 0 ? 'over' : task.minutes_left <= 120 ? 'soon' : 'fine';

export function Note({ tone = 'info', title, children }: { tone?: Exclude<Tone, 'neutral'>; title?: ComponentChildren; children?: ComponentChildren }): JSX.Element {
  const icon = { info: Info, good: CircleCheck, warn: TriangleAlert, bad: CircleAlert }[tone];
  return (
    <div class={`note ${tone}`} role={tone === 'bad' ? 'alert' : undefined}>
      <Icon of={icon} size={24} />
      <div>
        {title && <p class="note-title">{title}</p>}
        {children}
      </div>
    </div>
  );
}

/** A refusal of the server in words, with what to do next. */
export function Trouble({ error, retry }: { error: ApiError; retry?: () => void }): JSX.Element {
  const what = error.offline ? t('error.offline') : error.title || t('error.server');
  const next = error.offline ? t('error.offline.next') : error.status === 403 ? t('error.forbidden.next') : error.status === 404 ? t('error.missing.next') : error.status >= 500 ? t('error.server.next') : '';
  return (
    <Note tone="bad" title={what}>
      {next && <p>{next}</p>}
      {error.status >= 500 && error.request && (
        <p class="quiet">
          {t('error.request')} <CopyText text={error.request} />
        </p>
      )}
      {retry && (
        <Button icon={RotateCcw} onClick={retry}>
          {t('retry')}
        </Button>
      )}
    </Note>
  );
}

export function Empty({ icon, title, children }: { icon: IconNode; title: string; children?: ComponentChildren }): JSX.Element {
  return (
    <div class="empty">
      <Icon of={icon} size={40} />
      <p class="empty-title">{title}</p>
      {children}
    </div>
  );
}

export function Skeleton({ lines = 3, tall }: { lines?: number; tall?: boolean }): JSX.Element {
  return (
    <div class="skeleton" role="status">
      <span class="sr-only">{t('loading')}</span>
      {Array.from({ length: lines }, (_, i) => (
        <span key={i} class={tall ? 'bar tall' : 'bar'} />
      ))}
    </div>
  );
}

/** A number or code that people carry elsewhere. */
export function CopyText({ text, label }: { text: string; label?: ComponentChildren }): JSX.Element {
  const [done, setDone] = useState(false);
  return (
    <span class="copy">
      <span class="figures">{label ?? text}</span>
      <IconButton
        icon={done ? Check : Copy}
        size={16}
        label={t('copy', { what: text })}
        onClick={() =>
          void navigator.clipboard?.writeText(text).then(() => {
            setDone(true);
            say(t('copied'));
            setTimeout(() => setDone(false), 2000);
          })
        }
      />
    </span>
  );
}

export function Stars({ n, of = 5 }: { n: number; of?: number }): JSX.Element {
  return (
    <span class="stars" role="img" aria-label={t('stars.of', { n, of })}>
      {Array.from({ length: of }, (_, i) => (
        <Icon key={i} of={Star} size={18} class={i < Math.round(n) ? 'on' : 'off'} />
      ))}
    </span>
  );
}

/** The heading of a page takes the focus when the page is entered, so readers begin there. */
export function PageTitle({ children, title, sub, actions }: { children: ComponentChildren; title?: string; sub?: ComponentChildren; actions?: ComponentChildren }): JSX.Element {
  const h = useRef<HTMLHeadingElement>(null);
  const text = title ?? (typeof children === 'string' ? children : '');
  useEffect(() => {
    document.title = text ? `${text} · Khuê` : 'Khuê · Hà Nội';
  }, [text]);
  return (
    <div class="page-title">
      <div>
        <h1 ref={h} tabIndex={-1}>
          {children}
        </h1>
        {sub && <p class="sub">{sub}</p>}
      </div>
      {actions && <div class="actions">{actions}</div>}
    </div>
  );
}

export function BackLink({ href, children }: { href: string; children: ComponentChildren }): JSX.Element {
  return (
    <a class="back-link" href={href}>
      <span aria-hidden="true">‹</span> {children}
    </a>
  );
}

export function Pager({ more, busy, onMore }: { more: boolean; busy: boolean; onMore: () => void }): JSX.Element | null {
  if (!more) return null;
  return (
    <div class="pager">
      <Button busy={busy} onClick={onMore}>
        {t('more')}
      </Button>
    </div>
  );
}

/** A fact list: term and value. */
export function Facts({ items }: { items: [ComponentChildren, ComponentChildren][] }): JSX.Element | null {
  const known = items.filter(([, v]) => v !== undefined && v !== null && v !== '' && v !== false);
  if (!known.length) return null;
  return (
    <dl class="facts">
      {known.map(([k, v], i) => (
        <div key={i}>
          <dt>{k}</dt>
          <dd>{v}</dd>
        </div>
      ))}
    </dl>
  );
}

export function Figure({ label, value, unit, normal, tone, href }: { label: string; value: ComponentChildren; unit?: string; normal?: string; tone?: Tone; href?: string }): JSX.Element {
  const inside = (
    <>
      <span class="figure-label">{label}</span>
      <span class="figure-value figures">
        {value}
        {unit && <small>{unit}</small>}
      </span>
      {normal && <span class="figure-normal">{normal}</span>}
    </>
  );
  return href ? (
    <a class={`figure ${tone ?? ''}`} href={href}>
      {inside}
    </a>
  ) : (
    <div class={`figure ${tone ?? ''}`}>{inside}</div>
  );
}
