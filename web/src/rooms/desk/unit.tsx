// SPDX-License-Identifier: Apache-2.0
/** The figures of the officer's own unit. */
import type { JSX } from 'preact';
import { useAgencyName } from '../../city';
import { useFigures } from '../../figures';
import { dateTime } from '../../format';
import { t } from '../../i18n';
import { usePlace } from '../../router';
import { me } from '../../session';
import { useStore } from '../../store';
import { PageTitle, Skeleton, Trouble } from '../../ui/base';
import { Series } from '../../ui/series';
import { FigureRow, Kinds, SpanFilter, spans, SubjectTabs, subjectOf, UnitTable, type Span } from '../citizen/figures';

export function MyUnit(): JSX.Element {
  const account = useStore(me);
  const query = usePlace().query;
  const q = query.get('span');
  const of = subjectOf(query);
  const span: Span = q === '7' || q === '90' ? q : '30';
  const unit = account?.unit ?? '';
  const name = useAgencyName(unit);
  const data = useFigures(spans[span], account ? unit : null, of);
  const f = data.data;
  return (
    <div class="wrap page">
      <PageTitle title={t('nav.unit')} sub={f && t('figures.as_of', { at: dateTime(f.as_of) })}>
        {account?.unit_name || name || t('nav.unit')}
      </PageTitle>
      <SubjectTabs of={of} />
      {!f ? (
        data.error ? (
          <Trouble error={data.error} retry={data.reload} />
        ) : (
          <Skeleton lines={4} tall />
        )
      ) : (
        <>
          <FigureRow f={f} of={of} desk />
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
          <Kinds f={f} of={of} />
          {f.by_unit.length > 1 && (
            <section class="section">
              <h2>{t('figures.by_unit')}</h2>
              <UnitTable units={f.by_unit} of={of} />
            </section>
          )}
        </>
      )}
    </div>
  );
}
