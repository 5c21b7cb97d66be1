// SPDX-License-Identifier: Apache-2.0
/** A report as the staff reads it: in a task, and where it is looked up. */
import { MapPin } from 'lucide';
import type { JSX } from 'preact';
import { categoryName, useAgencyName, useCategories, useUnitName } from '../../city';
import { answerFacts } from '../../forms/questions';
import { dateTime, number } from '../../format';
import { t, tMaybe } from '../../i18n';
import { MapView } from '../../map/map-view';
import type { Report } from '../../types';
import { CopyText, Facts, Stars } from '../../ui/base';
import { Icon } from '../../ui/icon';
import { Photos } from '../../ui/photos';
import { createdAt } from '../citizen/case-list';

/** What is wrong: enough to decide. */
export function CaseWhat({ r }: { r: Report }): JSX.Element {
  const categories = useCategories();
  return (
    <section class="card case-what-card">
      <h2>{categoryName(categories, r.category)}</h2>
      <p class="lead">{r.description}</p>
      <Facts items={answerFacts(categories?.find((c) => c.code === r.category)?.questions, r.attributes)} />
      <Photos ids={r.photos} video={r.video} what={categoryName(categories, r.category)} />
    </section>
  );
}

/** The rest: answer so far, where, who sent it. */
export function CaseMore({ r }: { r: Report }): JSX.Element {
  const unit = useUnitName(r.commune);
  const agency = useAgencyName(r.unit);
  return (
    <>
      {r.answer && (
        <section class="card answer">
          <h2>{t('case.answer')}</h2>
          <p class="lead">{r.answer}</p>
          <Photos ids={r.answer_photos} what={t('case.after')} />
          {r.stars ? <Stars n={r.stars} /> : null}
          {r.rating_comment && <p>{r.rating_comment}</p>}
        </section>
      )}
      <section class="card">
        <Facts
          items={[
            [t('case.place'), [r.address, unit].filter(Boolean).join(', ')],
            [t('case.agency'), agency || r.unit],
            [t('case.sent_at'), dateTime(createdAt(r))],
            [t('case.channel'), r.channel && (tMaybe(`channel.${r.channel}`) ?? r.channel)],
            [t('report.contact_name'), r.contact_name],
            [t('report.phone'), r.contact_phone && <CopyText text={r.contact_phone} label={<a href={`tel:${r.contact_phone.replaceAll(' ', '')}`}>{r.contact_phone}</a>} />],
            [t('report.email'), r.contact_email],
            [t('report.name_shown'), r.anonymous ? t('report.name_hidden') : null],
          ]}
        />
        {(r.meta.masked?.length ?? 0) > 0 && <p class="quiet">{t('case.masked')}</p>}
      </section>
      {r.location && (
        <div>
          <MapView label={t('case.map', { place: r.address ?? unit })} centre={r.location} zoom={16} onMap={(m) => m.pin(r.location)} />
          <p class="quiet" style={{ marginTop: '6px' }}>
            <Icon of={MapPin} size={16} /> <CopyText text={`${r.location.lat}, ${r.location.lon}`} label={`${number(r.location.lat, 5)}; ${number(r.location.lon, 5)}`} />
          </p>
        </div>
      )}
    </>
  );
}
