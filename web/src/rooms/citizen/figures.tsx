// SPDX-License-Identifier: Apache-2.0
/** Public statistics: how the city answers, by day, by kind and by unit. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { categoryName, cityName, useCategories, usePortal } from '../../city';
import { useFigures } from '../../figures';
import { csvHref } from '../../csv';
import { date, dateTime, number, percent } from '../../format';
import { t } from '../../i18n';
import { setQuery, usePlace } from '../../router';
import type { Figures, UnitFigures } from '../../types';
import { Figure, PageTitle, Skeleton, Trouble } from '../../ui/base';
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

type Column = 'unit_name' | 'open' | 'overdue' | 'done' | 'on_time_pct' | 'stars_avg';
const columns: Column[] = ['unit_name', 'open', 'overdue', 'done', 'on_time_pct', 'stars_avg'];

export function UnitTable({ units, link }: { units: UnitFigures[]; link?: (u: UnitFigures) => string | undefined }): JSX.Element {
  const [by, setBy] = useState<Column>('open');
  const [up, setUp] = useState(false);
  const rows = [...units].sort((a, b) => {
    const x = a[by];
    const y = b[by];
    const order = typeof x === 'string' ? x.localeCompare(String(y), 'vi') : (x ?? -1) as number - ((y ?? -1) as number);
    return up ? order : -order;
  });
  const head: Record<Column, string> = {
    unit_name: t('figure.unit'),
    open: t('figure.open'),
    overdue: t('figure.overdue'),
    done: t('figure.done'),
    on_time_pct: t('figure.on_time'),
    stars_avg: t('figure.stars'),
  };
  return (
    <div class="table-box cards" tabIndex={0} role="region" aria-label={t('figures.by_unit')}>
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

const csvColumns = ['unit', 'unit_name', 'commune', 'open', 'overdue', 'done', 'on_time_pct', 'stars_avg'] as const;

export function FiguresPage(): JSX.Element {
  const portal = usePortal();
  const q = usePlace().query;
  const span: Span = (q.get('span') as Span) in spans ? (q.get('span') as Span) : '30';
  const data = useFigures(spans[span]);
  const f = data.data;
  return (
    <div class="wrap page">
      <PageTitle sub={f && t('figures.as_of', { at: dateTime(f.as_of) })}>{t('figures.title', { city: cityName(portal) })}</PageTitle>
      {!f ? (
        data.error ? (
          <Trouble error={data.error} retry={data.reload} />
        ) : (
          <Skeleton lines={4} tall />
        )
      ) : (
        <>
          <div class="figures-row">
            <Figure label={t('figure.open')} value={number(f.totals.open)} />
            <Figure label={t('figure.overdue')} value={number(f.totals.overdue)} {...(f.totals.overdue ? { tone: 'bad' as const } : {})} />
            <Figure label={t('figure.done')} value={number(f.totals.done)} />
            <Figure label={t('figure.on_time')} value={percent(f.totals.on_time_pct)} />
            <Figure label={t('figure.stars')} value={f.totals.stars_avg === null ? '–' : number(f.totals.stars_avg, 1)} unit={t('figure.of_five')} />
          </div>
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
          <section class="section">
            <h2>{t('figures.by_category')}</h2>
            <CategoryBars data={f.by_category} />
          </section>
          <section class="section">
            <div class="section-head">
              <h2>{t('figures.by_unit')}</h2>
              <a download={`khue-${date(new Date()).split('/').reverse().join('-')}.csv`} href={csvHref(csvColumns, f.by_unit.map((u) => csvColumns.map((c) => u[c])))}>
                {t('export.csv')}
              </a>
            </div>
            <UnitTable units={f.by_unit} link={(u) => (u.commune ? `/units/${u.commune}` : undefined)} />
          </section>
        </>
      )}
    </div>
  );
}
