// SPDX-License-Identifier: Apache-2.0
/** Whether a message arrived: the marks of its channels, and what a person was told about a case. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { dateTime } from '../format';
import { t } from '../i18n';
import { usePages } from '../pages';
import type { Sent, ToldItem } from '../types';
import { Button, Pager, Skeleton, Tag, Trouble } from '../ui/base';

const tones = { queued: 'warn', sent: 'good', dead: 'bad' } as const;

/** One mark a channel: "Thư điện tử: đã gửi 12:03 29/11/2026". */
export function SentTags({ sent }: { sent: Sent[] | undefined }): JSX.Element | null {
  if (!sent?.length) return null;
  return (
    <span class="tags">
      {sent.map((s) => (
        <Tag key={s.channel} tone={tones[s.state]}>
          {t(`went.${s.channel}`)}: {t(`went.${s.state}`)}
          {s.at && ` ${dateTime(s.at)}`}
        </Tag>
      ))}
    </span>
  );
}

function ToldList({ path }: { path: string }): JSX.Element {
  const list = usePages<ToldItem>(`${path}/notices`, {});
  if (!list.data) return list.error ? <Trouble error={list.error} retry={list.reload} /> : <Skeleton lines={3} />;
  if (!list.items.length) return <p class="quiet">{t('told.none')}</p>;
  return (
    <>
      <ul class="hits">
        {list.items.map((n) => (
          <li key={n.id}>
            <b>{n.title}</b>
            <p class="quiet">
              <time dateTime={n.at}>{dateTime(n.at)}</time>
              {n.read_at && ` · ${t('told.read', { at: dateTime(n.read_at) })}`}
            </p>
            <SentTags sent={n.sent} />
            {n.sent.map((s) => s.proof && (
              <p key={s.channel} class="quiet">
                {t('told.proof', { channel: t(`went.${s.channel}`) })} <code>{s.proof}</code>
              </p>
            ))}
          </li>
        ))}
      </ul>
      <Pager more={!!list.next} busy={list.busy} onMore={list.more} />
    </>
  );
}

/** Looked up only when asked for: the look leaves a trace that the person sees. */
export function Told({ type, id }: { type: string; id: string }): JSX.Element {
  const [open, setOpen] = useState(false);
  return (
    <section class="card">
      <h2>{t('told.title')}</h2>
      {open ? (
        <ToldList path={`/api/v1/records/${encodeURIComponent(type)}/${encodeURIComponent(id)}`} />
      ) : (
        <>
          <p class="quiet">{t('told.trace')}</p>
          <Button small onClick={() => setOpen(true)}>
            {t('told.show')}
          </Button>
        </>
      )}
    </section>
  );
}
