// SPDX-License-Identifier: Apache-2.0
/** The figures of the officer's own unit. */
import type { JSX } from 'preact';
import { useAgencyName } from '../../city';
import { useFigures } from '../../figures';
import { dateTime, number, percent } from '../../format';
import { t } from '../../i18n';
import { usePlace } from '../../router';
import { me } from '../../session';
import { useStore } from '../../store';
import { Figure, PageTitle, Skeleton, Trouble } from '../../ui/base';
import { Series } from '../../ui/series';
import { CategoryBars, SpanFilter, spans, UnitTable, type Span } from '../citizen/figures';

export function MyUnit(): JSX.Element {
  const account = useStore(me);
  const q = usePlace().query.get('span');
  const span: Span = q === '7' || q === '90' ? q : '30';
  const unit = account?.unit ?? '';
  const name = useAgencyName(unit);
  const data = useFigures(spans[span], account ? unit : null);
  const f = data.data;
  return (
    <div class="wrap page">
      <PageTitle title={t('nav.unit')} sub={f && t('figures.as_of', { at: dateTime(f.as_of) })}>
        {account?.unit_name || name || t('nav.unit')}
      </PageTitle>
      {!f ? (
        data.error ? (
          <Trouble error={data.error} retry={data.reload} />
        ) : (
          <Skeleton lines={4} tall />
        )
      ) : (
        <>
          <div class="figures-row">
            <Figure label={t('figure.open')} value={number(f.totals.open)} href="/desk" />
            <Figure label={t('figure.overdue')} value={number(f.totals.overdue)} {...(f.totals.overdue ? { tone: 'bad' as const } : {})} href="/desk?view=over" />
            <Figure label={t('figure.done')} value={number(f.totals.done)} href="/desk?view=done" />
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
          {f.by_category.length > 0 && (
            <section class="section">
              <h2>{t('figures.by_category')}</h2>
              <CategoryBars data={f.by_category} />
            </section>
          )}
          {f.by_unit.length > 1 && (
            <section class="section">
              <h2>{t('figures.by_unit')}</h2>
              <UnitTable units={f.by_unit} />
            </section>
          )}
        </>
      )}
    </div>
  );
}
