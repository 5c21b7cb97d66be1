// SPDX-License-Identifier: Apache-2.0
/** Looking up any report that I may see, whether there is work to do on it or not. */
import { Download, Search } from 'lucide';
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { query } from '../../api';
import { categoryName, useCategories } from '../../city';
import { useData } from '../../data';
import { t, words } from '../../i18n';
import { useLiveReload } from '../../live';
import { usePages } from '../../pages';
import { setQuery, usePlace } from '../../router';
import { me } from '../../session';
import { useStore } from '../../store';
import type { Page, Rec, Report, Task, TimelineItem } from '../../types';
import { BackLink, Button, DueTag, Empty, LinkButton, Note, PageTitle, Pager, Skeleton, Trouble } from '../../ui/base';
import { Icon } from '../../ui/icon';
import { CaseList } from '../citizen/case-list';
import { Timeline } from '../timeline';
import { Told } from '../told';
import { CaseMore, CaseTags, CaseWhat } from './case';
import { claimer } from './desk';
import './desk.css';

const statuses = ['new', 'in_progress', 'forwarded', 'reopened', 'done', 'refused', 'closed'] as const;
const classes = ['normal', 'complex', 'urgent'] as const;
const sorts = ['newest', 'due'] as const;

/** What the address asks for, as the server filters it. */
function filterOf(q: URLSearchParams, myUnit: string): Record<string, string> {
  const text = (q.get('q') ?? '').trim();
  const isNumber = /^pa-\d{4}-\d+$/i.test(text);
  return {
    ...(isNumber ? { number: text.toUpperCase() } : { q: text }),
    status: q.get('status') ?? '',
    category: q.get('category') ?? '',
    class: q.get('class') ?? '',
    unit: q.get('unit') === 'all' ? '' : myUnit,
    // Words rank by how well they fit; there is no other order with them.
    sort: text && !isNumber ? '' : q.get('sort') === 'due' ? 'due_at' : '-id',
  };
}

export function DeskSearch(): JSX.Element {
  const place = usePlace();
  const q = place.query;
  const account = useStore(me);
  const categories = useCategories();
  const [text, setText] = useState(q.get('q') ?? '');
  useEffect(() => setText(q.get('q') ?? ''), [q.get('q')]);
  const filter = filterOf(q, account?.unit ?? '');
  const list = usePages<Report>('/api/v1/records/report', filter);
  const choice = (name: string, label: string, options: [string, string][]): JSX.Element => (
    <label>
      {label}
      <select value={q.get(name) ?? ''} onChange={(e) => setQuery({ [name]: e.currentTarget.value })}>
        {options.map(([value, shown]) => (
          <option key={value} value={value}>
            {shown}
          </option>
        ))}
      </select>
    </label>
  );
  const any: [string, string] = ['', t('all')];
  return (
    <div class="wrap page">
      <PageTitle
        sub={t('desk_search.text')}
        actions={
          <a class="button" href={`/api/v1/records/report${query({ ...filter, limit: 1000, format: 'csv' })}`} download="report.csv">
            <Icon of={Download} />
            <span>{t('export.csv')}</span>
          </a>
        }
      >
        {t('nav.desk_search')}
      </PageTitle>
      <form
        class="filters"
        role="search"
        onSubmit={(e) => {
          e.preventDefault();
          setQuery({ q: text.trim() }, true);
        }}
      >
        <label>
          {t('desk_search.words')}
          <input type="search" value={text} onInput={(e) => setText(e.currentTarget.value)} />
        </label>
        <Button type="submit" small icon={Search}>
          {t('search')}
        </Button>
        {choice('status', t('state'), [any, ...statuses.map((s): [string, string] => [s, t(`status.${s}`)])])}
        {choice('category', t('report.category.short'), [any, ...(categories ?? []).map((c): [string, string] => [c.code, c.name])])}
        {choice('class', t('case.class'), [any, ...classes.map((c): [string, string] => [c, t(`class.${c}`)])])}
        {account?.unit && choice('unit', t('me.unit'), [['', account.unit_name || t('nav.unit')], ['all', t('desk_search.everywhere')]])}
        {choice('sort', t('sort'), sorts.map((s): [string, string] => [s === 'newest' ? '' : s, t(`sort.${s}`)]))}
      </form>
      {list.data ? (
        list.items.length ? (
          <>
            <p class="quiet" role="status">
              {t('search.count', { n: list.next ? `${list.items.length}+` : list.items.length })}
            </p>
            <CaseList reports={list.items} href={(r) => `/desk/cases/${r.id}`} />
            <Pager more={!!list.next} busy={list.busy} onMore={list.more} />
          </>
        ) : (
          <Empty icon={Search} title={t('nearby.none')}>
            <p>{t('desk_search.none')}</p>
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

/** One case, with the way to the work that is open on it. */
export function DeskCase({ id = '', type = 'report' }: { id?: string; type?: string }): JSX.Element {
  const path = `/api/v1/records/${type}/${encodeURIComponent(id)}`;
  const record = useData<Rec>(path);
  const timeline = useData<Page<TimelineItem>>(`${path}/timeline?limit=500`);
  const tasks = useData<Page<Task>>(`/api/v1/tasks${query({ case: id, state: 'open,claimed' })}`);
  const categories = useCategories();
  useLiveReload(
    (e) => e.subject === id || e.about === id,
    () => (record.reload(), timeline.reload(), tasks.reload()),
  );
  const r = record.data;
  const [back, label] = type === 'dossier' ? ['/desk/counter', t('nav.counter')] : ['/desk/search', t('nav.desk_search')];
  if (!r)
    return (
      <div class="wrap page">
        <BackLink href={back}>{label}</BackLink>
        {record.error ? <Trouble error={record.error} retry={record.reload} /> : <Skeleton lines={6} tall />}
      </div>
    );
  const name = type === 'report' ? categoryName(categories, String(r.category)) : String(r.procedure_name ?? r.name ?? r.number ?? id);
  return (
    <div class="wrap page">
      <BackLink href={back}>{label}</BackLink>
      <PageTitle title={`${name} ${String(r.number ?? '')}`}>{name}</PageTitle>
      <div class="task-head">
        <CaseTags r={r} />
      </div>
      <div class="two">
        <div class="stack">
          <CaseWhat type={type} r={r} />
          <CaseMore type={type} r={r} />
        </div>
        <aside>
          {(tasks.data?.items ?? []).map((x) => (
            <section class="card" key={x.id}>
              <h2>{words(x.name)}</h2>
              <p>
                <DueTag minutes={x.minutes_left} />
              </p>
              <p>{claimer(x)?.name || t('ioc.nobody', { unit: x.unit_name ?? '' })}</p>
              <LinkButton href={`/desk/tasks/${x.id}`} kind="primary">
                {t('ioc.open_task')}
              </LinkButton>
            </section>
          ))}
          {tasks.data && !tasks.data.items.length && (
            <Note tone="good">
              <p>{t('desk_search.no_task')}</p>
            </Note>
          )}
          <section class="card">
            <h2>{t('case.timeline')}</h2>
            {timeline.data ? <Timeline items={timeline.data.items} type={type} /> : <Skeleton lines={4} />}
          </section>
          <Told type={type} id={id} />
        </aside>
      </div>
    </div>
  );
}

export const DeskDossier = ({ id = '' }: { id?: string }): JSX.Element => <DeskCase id={id} type="dossier" />;
