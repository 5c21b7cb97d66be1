// SPDX-License-Identifier: Apache-2.0
/** Public statistics: how the city answers, by day, by kind and by unit. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { categoryName, cityName, useAgencyName, useCategories, usePortal } from '../../city';
import { useData } from '../../data';
import { subjects, useFigures, type Subject } from '../../figures';
import { csvHref } from '../../csv';
import { date, dateTime, number, percent } from '../../format';
import { t, tMaybe, words } from '../../i18n';
import { setQuery, usePlace } from '../../router';
import { has, me } from '../../session';
import { useStore } from '../../store';
import type { Figures, Page, Task, UnitFigures } from '../../types';
import { BackLink, Figure, PageTitle, Skeleton, Trouble } from '../../ui/base';
import { Series } from '../../ui/series';

export const spans = { '7': 7, '30': 30, '90': 90 } as const;
export type Span = keyof typeof spans;

export function SpanFilter({ span }: { span: Span }): JSX.Element {
  return (
    <div class="filters">
      <label>
        {t('figures.span')}
        <select value={span} onChange={(e) => setQuery({ span: e.currentTarget.value })}>
          {Object.keys(spans).map((s) => (
            <option key={s} value={s}>
              {t('figures.days', { n: s })}
            </option>
          ))}
        </select>
      </label>
    </div>
  );
}

export function CategoryBars({ data }: { data: Figures['by_category'] }): JSX.Element {
  const categories = useCategories();
  const most = Math.max(1, ...data.map((c) => c.open + c.done));
  return (
    <>
      <p class="quiet">
        <span class="key-swatch" style={{ background: 'var(--green)' }} />
        {t('figure.done')} <span class="key-swatch" style={{ background: 'var(--yellow)', marginLeft: '12px' }} />
        {t('figure.open')}
      </p>
      <ul class="bars">
        {[...data]
          .sort((a, b) => b.open + b.done - a.open - a.done)
          .map((c) => (
            <li key={c.category}>
              <span class="bar-label">
                <span>{categoryName(categories, c.category)}</span>
                <span class="figures quiet">
                  {number(c.done)} + {number(c.open)}
                </span>
              </span>
              <span class="track" aria-hidden="true">
                <span style={{ width: `${(c.done / most) * 100}%` }} />
                <span style={{ width: `${(c.open / most) * 100}%` }} />
              </span>
            </li>
          ))}
      </ul>
    </>
  );
}

type Column = 'unit_name' | 'open' | 'waiting' | 'overdue' | 'done' | 'on_time_pct' | 'stars_avg';
const columnsOf = (of: Subject): Column[] => ['unit_name', 'open', ...(of === 'dossiers' ? (['waiting'] as const) : []), 'overdue', 'done', 'on_time_pct', 'stars_avg'];

/** @param first what the rows are, if not agencies */
export function UnitTable({ units, link, of = 'feedback', first = t('figure.unit'), label = t('figures.by_unit') }: { units: UnitFigures[]; link?: (u: UnitFigures) => string | undefined; of?: Subject; first?: string; label?: string }): JSX.Element {
  const columns = columnsOf(of);
  const [by, setBy] = useState<Column>('open');
  const [up, setUp] = useState(false);
  const rows = [...units].sort((a, b) => {
    const x = a[by];
    const y = b[by];
    const order = typeof x === 'string' ? x.localeCompare(String(y), 'vi') : (x ?? -1) as number - ((y ?? -1) as number);
    return up ? order : -order;
  });
  const head: Record<Column, string> = {
    unit_name: first,
    open: t('figure.open'),
    waiting: t('figure.waiting'),
    overdue: t('figure.overdue'),
    done: t('figure.done'),
    on_time_pct: t('figure.on_time'),
    stars_avg: t('figure.stars'),
  };
  return (
    <div class="table-box cards" tabIndex={0} role="region" aria-label={label}>
      <table>
        <thead>
          <tr>
            {columns.map((c) => (
              <th key={c} scope="col" class={c === 'unit_name' ? '' : 'n'} aria-sort={by === c ? (up ? 'ascending' : 'descending') : 'none'}>
                <button
                  type="button"
                  class="sort"
                  onClick={() => {
                    setUp(by === c ? !up : c === 'unit_name');
                    setBy(c);
                  }}
                >
                  {head[c]} <span aria-hidden="true">{by === c ? (up ? '↑' : '↓') : ''}</span>
                </button>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((u) => {
            const to = link?.(u);
            return (
              <tr key={u.unit}>
                <td data-label={head.unit_name}>{to ? <a href={to}>{u.unit_name}</a> : u.unit_name}</td>
                <td class="n" data-label={head.open}>
                  {number(u.open)}
                </td>
                {of === 'dossiers' && (
                  <td class="n" data-label={head.waiting}>
                    {number(u.waiting)}
                  </td>
                )}
                <td class="n" data-label={head.overdue}>
                  {u.overdue ? <b style={{ color: 'var(--red)' }}>{number(u.overdue)}</b> : '0'}
                </td>
                <td class="n" data-label={head.done}>
                  {number(u.done)}
                </td>
                <td class="n" data-label={head.on_time_pct}>
                  {percent(u.on_time_pct)}
                </td>
                <td class="n" data-label={head.stars_avg}>
                  {u.stars_avg === null || u.stars_avg === undefined ? '–' : number(u.stars_avg, 1)}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

const csvColumns = ['unit', 'unit_name', 'commune', 'open', 'waiting', 'overdue', 'done', 'on_time_pct', 'stars_avg'] as const;

/** Reports or procedures: the page is the same. */
export function SubjectTabs({ of }: { of: Subject }): JSX.Element {
  return (
    <nav aria-label={t('figures.subject')}>
      <ul class="tablist">
        {subjects.map((x) => (
          <li key={x}>
            <a
              href={x === 'feedback' ? location.pathname : `${location.pathname}?of=${x}`}
              aria-current={x === of ? 'page' : undefined}
              onClick={(e) => {
                e.preventDefault();
                setQuery({ of: x === 'feedback' ? '' : x, unit: '' }, true);
              }}
            >
              {t(`figures.subject.${x}`)}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

export const subjectOf = (q: URLSearchParams): Subject => (q.get('of') === 'dossiers' ? 'dossiers' : 'feedback');

export function FigureRow({ f, of, desk = false }: { f: Figures; of: Subject; desk?: boolean }): JSX.Element {
  const to = (href: string): { href?: string } => (desk ? { href } : {});
  return (
    <div class="figures-row">
      <Figure label={t('figure.open')} value={number(f.totals.open)} {...to('/desk')} />
      {of === 'dossiers' && <Figure label={t('figure.waiting')} value={number(f.totals.waiting)} />}
      <Figure label={t('figure.overdue')} value={number(f.totals.overdue)} {...(f.totals.overdue ? { tone: 'bad' as const } : {})} {...to('/desk?view=over')} />
      <Figure label={t('figure.done')} value={number(f.totals.done)} {...to('/desk?view=done')} />
      <Figure label={t('figure.on_time')} value={percent(f.totals.on_time_pct)} />
      <Figure label={t('figure.stars')} value={f.totals.stars_avg === null ? '–' : number(f.totals.stars_avg, 1)} unit={t('figure.of_five')} />
    </div>
  );
}

/** Reports by category as bars; fields of procedures as a table, for their time matters. */
export function Kinds({ f, of }: { f: Figures; of: Subject }): JSX.Element | null {
  if (!f.by_category.length) return null;
  return (
    <section class="section">
      <h2>{t(of === 'dossiers' ? 'figures.by_field' : 'figures.by_category')}</h2>
      {of === 'dossiers' ? (
        <UnitTable
          of={of}
          first={t('procedure.field')}
          label={t('figures.by_field')}
          units={f.by_category.map((c) => ({ ...c, unit: c.category, unit_name: c.category }))}
          link={(u) => `/procedures?field=${encodeURIComponent(u.unit)}`}
        />
      ) : (
        <CategoryBars data={f.by_category} />
      )}
    </section>
  );
}

interface Held {
  key: string;
  unit: string;
  step: string;
  role: string;
  n: number;
  late: number;
  since: string;
}

/** Who has the dossiers now, for those who watch over the work: most late ones first. */
function Holders({ unit }: { unit: string }): JSX.Element | null {
  const account = useStore(me);
  const watches = has(account, 'leader', 'admin');
  const tasks = useData<Page<Task>>(watches ? `/api/v1/tasks?state=open,claimed&limit=1000${unit ? `&unit=${encodeURIComponent(unit)}` : ''}` : null);
  if (!watches) return null;
  const rows = new Map<string, Held>();
  for (const x of tasks.data?.items ?? []) {
    if (x.case?.type !== 'dossier' || x.key === 'rate') continue;
    const key = `${x.unit} ${x.key}`;
    const row = rows.get(key) ?? { key, unit: x.unit_name ?? x.unit, step: words(x.name), role: x.key.startsWith('supplement') ? t('figures.held.applicant') : (tMaybe(`role.${x.role}`) ?? x.role), n: 0, late: 0, since: x.created_at };
    row.n += 1;
    if ((x.minutes_left ?? 0) < 0) row.late += 1;
    if (x.created_at < row.since) row.since = x.created_at;
    rows.set(key, row);
  }
  const list = [...rows.values()].sort((a, b) => b.late - a.late || b.n - a.n);
  const head = [t('figure.unit'), t('inbox.step'), t('figures.held.by'), t('figures.held.n'), t('figure.overdue'), t('figures.held.since')];
  return (
    <section class="section">
      <h2>{t('figures.held')}</h2>
      {tasks.data?.next && <p class="quiet">{t('figures.held.part')}</p>}
      {!tasks.data ? (
        tasks.error ? (
          <Trouble error={tasks.error} retry={tasks.reload} />
        ) : (
          <Skeleton lines={3} tall />
        )
      ) : !list.length ? (
        <p class="quiet">{t('figures.held.none')}</p>
      ) : (
        <div class="table-box cards" tabIndex={0} role="region" aria-label={t('figures.held')}>
          <table>
            <thead>
              <tr>
                {head.map((h, i) => (
                  <th key={h} scope="col" class={i === 3 || i === 4 ? 'n' : ''}>
                    {h}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {list.map((r) => (
                <tr key={r.key}>
                  <td data-label={head[0]}>{r.unit}</td>
                  <td data-label={head[1]}>{r.step}</td>
                  <td data-label={head[2]}>{r.role}</td>
                  <td class="n" data-label={head[3]}>
                    {number(r.n)}
                  </td>
                  <td class="n" data-label={head[4]}>
                    {r.late ? <b style={{ color: 'var(--red)' }}>{number(r.late)}</b> : '0'}
                  </td>
                  <td data-label={head[5]}>{dateTime(r.since)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

export function FiguresPage(): JSX.Element {
  const portal = usePortal();
  const q = usePlace().query;
  const of = subjectOf(q);
  const unit = of === 'dossiers' ? (q.get('unit') ?? '') : '';
  const agency = useAgencyName(unit);
  const span: Span = (q.get('span') as Span) in spans ? (q.get('span') as Span) : '30';
  const data = useFigures(spans[span], unit, of);
  const f = data.data;
  return (
    <div class="wrap page">
      {unit && <BackLink href="/figures?of=dossiers">{t('figures.subject.dossiers')}</BackLink>}
      <PageTitle sub={f && t('figures.as_of', { at: dateTime(f.as_of) })}>{t(of === 'dossiers' ? 'figures.title.dossiers' : 'figures.title', { city: unit ? agency || unit : cityName(portal) })}</PageTitle>
      {!unit && <SubjectTabs of={of} />}
      {!f ? (
        data.error ? (
          <Trouble error={data.error} retry={data.reload} />
        ) : (
          <Skeleton lines={4} tall />
        )
      ) : (
        <>
          <FigureRow f={f} of={of} />
          <section class="section">
            <div class="section-head">
              <h2>{t('figures.by_day')}</h2>
              <SpanFilter span={span} />
            </div>
            <Series
              label={t('figures.by_day')}
              days={f.by_day.map((d) => d.date)}
              series={[
                { label: t('figure.created'), color: '--amber', values: f.by_day.map((d) => d.created) },
                { label: t('figure.done'), color: '--green', values: f.by_day.map((d) => d.done) },
              ]}
            />
          </section>
          {of === 'dossiers' && <Holders unit={unit} />}
          <Kinds f={f} of={of} />
          {!unit && (
            <section class="section">
              <div class="section-head">
                <h2>{t('figures.by_unit')}</h2>
                <a download={`khue-${date(new Date()).split('/').reverse().join('-')}.csv`} href={csvHref(csvColumns, f.by_unit.map((u) => csvColumns.map((c) => u[c])))}>
                  {t('export.csv')}
                </a>
              </div>
              {f.by_unit.length ? (
                <UnitTable units={f.by_unit} of={of} link={(u) => (of === 'dossiers' ? `/figures?of=dossiers&unit=${encodeURIComponent(u.unit)}` : u.commune ? `/units/${u.commune}` : undefined)} />
              ) : (
                <p class="quiet">{t('figures.none')}</p>
              )}
            </section>
          )}
        </>
      )}
    </div>
  );
}
