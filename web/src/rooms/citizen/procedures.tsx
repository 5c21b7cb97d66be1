// SPDX-License-Identifier: Apache-2.0
/** The catalogue of administrative procedures: finding one, and what it asks for. */
import { FileText, Search, X } from 'lucide';
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { api, query } from '../../api';
import { useData } from '../../data';
import { choiceLabel } from '../../forms/words';
import { t } from '../../i18n';
import { usePages } from '../../pages';
import { channels, feeWords, levelWords, termWords, useProcedure, type Paper, type Procedure } from '../../procedures';
import { setQuery, usePlace } from '../../router';
import type { Page, Schema } from '../../types';
import { BackLink, Button, CopyText, Empty, Facts, LinkButton, Note, PageTitle, Pager, Skeleton, Tag, Trouble } from '../../ui/base';
import { Icon } from '../../ui/icon';

/** Labels of values come with the type; they change with the pack, not with the portal. */
export function useProcedureSchema(): Schema | undefined {
  return useData<{ schema: Schema }>('/api/v1/types/procedure').data?.schema;
}
const label = (schema: Schema | undefined, field: string, value: string): string => choiceLabel(field, value, schema?.properties?.[field] ?? {});

/** The best that a procedure offers, in one line. */
function brief(p: Procedure): string {
  const c = p.channels.find((x) => x.channel === 'online') ?? p.channels[0];
  return c ? [c.unit && termWords(c), (c.fee !== undefined || p.free_online) && feeWords(p, c)].filter(Boolean).join(' · ') : '';
}

export function ProcedureList({ items }: { items: Procedure[] }): JSX.Element {
  return (
    <ul class="hits procedures">
      {items.map((p) => (
        <li key={p.code}>
          <a href={`/procedures/${p.code}`}>{p.name}</a>
          <p>{[p.field, levelWords(p), brief(p)].filter(Boolean).join(' · ')}</p>
          {p.online !== 'none' && (
            <Tag tone="good" icon={FileText}>
              {t(`procedure.online.${p.online}`)}
            </Tag>
          )}
        </li>
      ))}
    </ul>
  );
}

/** What people of this city file most: a beginning for who does not know what to type. */
function Usual(): JSX.Element | null {
  const top = useData<Procedure[]>('procedures usual', async (signal) => {
    const f = await api.get<{ by_procedure?: { procedure: string; created?: number }[] }>('/api/v1/figures/dossiers', {}, { signal });
    const codes = (f.by_procedure ?? []).sort((a, b) => (b.created ?? 0) - (a.created ?? 0)).slice(0, 6).map((x) => x.procedure);
    if (!codes.length) return [];
    const { items } = await api.get<Page<Procedure>>('/api/v1/records/procedure', { 'code.in': codes.join(','), limit: 10 }, { signal });
    return items.sort((a, b) => codes.indexOf(a.code) - codes.indexOf(b.code));
  });
  if (!top.data?.length) return null;
  return (
    <section class="section" style={{ marginTop: 0 }}>
      <h2>{t('procedures.usual')}</h2>
      <ProcedureList items={top.data} />
    </section>
  );
}

export function ProceduresPage(): JSX.Element {
  const q = usePlace().query;
  const words = q.get('q') ?? '';
  const [text, setText] = useState(words);
  const schema = useProcedureSchema();
  useEffect(() => setText(q.get('q') ?? ''), [words]);
  // A pause in typing is a question.
  useEffect(() => {
    if (text.trim() === words) return;
    const timer = setTimeout(() => setQuery({ q: text.trim() }), 300);
    return () => clearTimeout(timer);
  }, [text]);
  const level = q.get('level') ?? '';
  const field = q.get('field') ?? '';
  const filter = {
    q: words,
    ...(level ? { [level === 'commune' ? 'at_commune' : 'at_province']: true } : {}),
    ministry: q.get('ministry') ?? '',
    field,
    online: q.get('online') ?? '',
    sort: words ? '' : 'code',
  };
  const list = usePages<Procedure>('/api/v1/records/procedure', filter, 20);
  const blank = !words && !level && !field && !filter.ministry && !filter.online;
  const fields = [...new Set([...(field ? [field] : []), ...list.items.map((p) => p.field)])].sort((a, b) => a.localeCompare(b, 'vi'));
  const choice = (name: string, what: string, options: [string, string][]): JSX.Element => (
    <label>
      {what}
      <select value={q.get(name) ?? ''} onChange={(e) => setQuery({ [name]: e.currentTarget.value })}>
        <option value="">{t('all')}</option>
        {options.map(([value, shown]) => (
          <option key={value} value={value}>
            {shown}
          </option>
        ))}
      </select>
    </label>
  );
  const ministries = (schema?.properties?.ministry?.enum ?? []).map(String);
  return (
    <div class="wrap page">
      <PageTitle sub={t('procedures.text')}>{t('nav.procedures')}</PageTitle>
      <form
        role="search"
        onSubmit={(e) => {
          e.preventDefault();
          setQuery({ q: text.trim() }, true);
        }}
      >
        <div class="search-box">
          <Icon of={Search} size={22} />
          <input type="search" aria-label={t('procedures.search')} placeholder={t('procedures.placeholder')} value={text} autocomplete="off" enterkeyhint="search" onInput={(e) => setText(e.currentTarget.value)} />
          <button type="submit" class="button plain small">
            {t('search')}
          </button>
        </div>
        <div class="filters pairs" style={{ marginTop: '16px' }}>
          {choice('level', t('procedure.level'), [
            ['commune', t('procedure.level.commune')],
            ['province', t('procedure.level.province')],
          ])}
          {choice('ministry', t('procedure.ministry'), ministries.map((m): [string, string] => [m, label(schema, 'ministry', m)]))}
          {choice('field', t('procedure.field'), fields.map((f): [string, string] => [f, f]))}
          {choice('online', t('procedure.online'), (['full', 'partial', 'none'] as const).map((o): [string, string] => [o, t(`procedure.online.${o}`)]))}
          {!blank && (
            <Button
              small
              icon={X}
              onClick={() => {
                setText('');
                setQuery({ q: '', level: '', ministry: '', field: '', online: '' });
              }}
            >
              {t('procedures.clear')}
            </Button>
          )}
        </div>
      </form>
      {blank && <Usual />}
      {list.data ? (
        list.items.length ? (
          <section aria-labelledby="procedures-found">
            <h2 id="procedures-found" class="sr-only">
              {t('procedures.found')}
            </h2>
            <p class="quiet" role="status">
              {words ? t('procedures.closest') : t('procedures.all')}
            </p>
            <ProcedureList items={list.items} />
            <Pager more={!!list.next} busy={list.busy} onMore={list.more} />
          </section>
        ) : (
          <Empty icon={Search} title={t('procedures.none')}>
            <p>{t('procedures.none.text')}</p>
          </Empty>
        )
      ) : list.error ? (
        <Trouble error={list.error} retry={list.reload} />
      ) : (
        <Skeleton lines={6} tall />
      )}
    </div>
  );
}

/** "2 bản chính, 1 bản sao" */
export function copiesWords(p: Paper): string {
  return [p.originals && t('paper.originals', { n: p.originals }), p.copies && t('paper.copies', { n: p.copies })].filter(Boolean).join(', ');
}

export function ProcedurePage({ code = '' }: { code?: string }): JSX.Element {
  const data = useProcedure(code);
  const schema = useProcedureSchema();
  const p = data.data;
  if (!p)
    return (
      <div class="wrap page">
        <BackLink href="/procedures">{t('nav.procedures')}</BackLink>
        {data.error ? (
          <>
            <PageTitle>{t('nav.procedures')}</PageTitle>
            <Trouble error={data.error} retry={data.reload} />
          </>
        ) : data.loading ? (
          <Skeleton lines={6} tall />
        ) : (
          <>
            <PageTitle>{t('procedure.missing')}</PageTitle>
            <p>{t('procedure.missing.text', { code })}</p>
            <LinkButton href="/procedures" kind="primary">
              {t('procedures.search')}
            </LinkButton>
          </>
        )}
      </div>
    );
  const online = p.online !== 'none' && p.channels.some((c) => c.channel === 'online');
  return (
    <div class="wrap page">
      <BackLink href="/procedures">{t('nav.procedures')}</BackLink>
      <PageTitle title={p.name} sub={[p.field, levelWords(p)].join(' · ')}>
        {p.name}
      </PageTitle>
      <div class="case-head">
        <CopyText text={p.code} />
        <Tag tone={online ? 'good' : 'neutral'} icon={FileText}>
          {t(`procedure.online.${p.online}`)}
        </Tag>
      </div>
      <div class="two">
        <div class="stack">
          <section class="card" aria-labelledby="procedure-channels">
            <h2 id="procedure-channels">{t('procedure.channels')}</h2>
            <div class="table-box cards">
              <table>
                <thead>
                  <tr>
                    <th scope="col">{t('procedure.channel')}</th>
                    <th scope="col">{t('procedure.term')}</th>
                    <th scope="col">{t('procedure.fee')}</th>
                  </tr>
                </thead>
                <tbody>
                  {channels
                    .flatMap((c) => p.channels.find((x) => x.channel === c) ?? [])
                    .map((c) => (
                      <tr key={c.channel}>
                        <td data-label={t('procedure.channel')}>
                          <b>{t(`channel.${c.channel}`)}</b>
                        </td>
                        <td data-label={t('procedure.term')}>{termWords(c)}</td>
                        <td data-label={t('procedure.fee')}>{feeWords(p, c)}</td>
                      </tr>
                    ))}
                </tbody>
              </table>
            </div>
          </section>
          <section class="card" aria-labelledby="procedure-papers">
            <h2 id="procedure-papers">{t('procedure.papers')}</h2>
            {p.papers?.length ? (
              <ol class="papers">
                {p.papers.map((x) => (
                  <li key={x.code}>
                    {x.name}
                    {(copiesWords(x) || x.held_by) && <small class="quiet">{x.held_by ? t('paper.held') : copiesWords(x)}</small>}
                  </li>
                ))}
              </ol>
            ) : null}
            {p.papers_left ? <p class="quiet">{t(p.papers?.length ? 'procedure.papers_left' : 'procedure.papers_only_left', { n: p.papers_left })}</p> : null}
            {!p.papers?.length && !p.papers_left && <p class="quiet">{t('procedure.papers_none')}</p>}
          </section>
          {(['steps', 'conditions'] as const).map(
            (part) =>
              p[part] && (
                <section class="card" key={part}>
                  <h2>{t(`procedure.${part}`)}</h2>
                  <p style={{ whiteSpace: 'pre-line' }}>{p[part]}</p>
                </section>
              ),
          )}
        </div>
        <aside aria-label={t('procedure.facts')}>
          {online ? (
            <div class="card">
              <LinkButton href={`/procedures/${p.code}/file`} kind="primary" class="whole">
                {t('procedure.file')}
              </LinkButton>
              <p class="quiet" style={{ marginTop: '10px' }}>
                {p.online === 'partial' ? p.partial_reason || t('procedure.partial') : t('procedure.file.text')}
              </p>
            </div>
          ) : (
            <Note tone="info">
              <p>{t('procedure.not_online')}</p>
            </Note>
          )}
          <div class="card">
            <Facts
              items={[
                [t('procedure.agency'), p.agency ?? levelWords(p)],
                [
                  t('procedure.results'),
                  p.results?.length ? (
                    <ul class="plain apart">
                      {p.results.map((r) => (
                        <li key={r.name}>{r.name}</li>
                      ))}
                    </ul>
                  ) : null,
                ],
                [t('procedure.subjects'), p.subjects?.map((s) => label(schema, 'subjects', s)).join(', ')],
                [t('procedure.ministry'), p.ministry && label(schema, 'ministry', p.ministry)],
                [t('procedure.decision'), p.decision],
              ]}
            />
          </div>
          <p class="quiet">
            <a href={`/procedures${query({ field: p.field })}`}>{t('procedure.same_field', { field: p.field })}</a>
          </p>
        </aside>
      </div>
    </div>
  );
}
