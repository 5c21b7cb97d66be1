// SPDX-License-Identifier: Apache-2.0
/** A case as the staff reads it: in a task, and where it is looked up. Any type can be read; reports and
 *  dossiers have a view of their own. */
import { MapPin } from 'lucide';
import type { JSX } from 'preact';
import { categoryName, useAgencyName, useCategories, useUnitName } from '../../city';
import { answerFacts } from '../../forms/questions';
import { labelOf, showValue } from '../../forms/words';
import { dateTime, idTime, number } from '../../format';
import { t, tMaybe } from '../../i18n';
import { MapView } from '../../map/map-view';
import { money, over, type Dossier } from '../../procedures';
import type { Rec, Report, Schema } from '../../types';
import { useData } from '../../data';
import { CopyText, Facts, Stars, StatusTag, Tag } from '../../ui/base';
import { Icon } from '../../ui/icon';
import { Photos } from '../../ui/photos';
import { createdAt } from '../citizen/case-list';
import { Applicant, DossierAnswers, DossierPapers, Outcome, Prints } from '../dossier';

/** What is wrong: enough to decide. */
function ReportWhat({ r }: { r: Report }): JSX.Element {
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
function ReportMore({ r }: { r: Report }): JSX.Element {
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

/** What the applicant hands in, and the form. */
function DossierWhat({ d }: { d: Dossier }): JSX.Element {
  return (
    <div class="stack">
      <section class="card">
        <h2>{t('procedure.papers')}</h2>
        <DossierPapers d={d} />
      </section>
      {d.answers && (
        <section class="card">
          <h2>{t('filing.form')}</h2>
          <DossierAnswers d={d} />
        </section>
      )}
    </div>
  );
}

function DossierMore({ d }: { d: Dossier }): JSX.Element {
  const agency = useAgencyName(d.unit);
  return (
    <>
      <Outcome d={d} />
      <section class="card">
        <h2>{t('filing.applicant')}</h2>
        <Applicant d={d} />
        {(d.meta.masked?.length ?? 0) > 0 && <p class="quiet">{t('case.masked')}</p>}
      </section>
      <section class="card">
        <h2>{t('dossier.facts')}</h2>
        <Facts
          items={[
            [t('procedure.title'), <a href={`/procedures/${d.procedure}`}>{d.procedure}</a>],
            [t('procedure.field'), d.field],
            [t('filing.agency.short'), agency || d.unit],
            [t('procedure.channel'), t(`channel.${d.channel}`)],
            [t('dossier.sent_at'), dateTime(idTime(d.id))],
            [t('dossier.received'), dateTime(d.received_at)],
            [t('dossier.due_at'), !over(d.status) && dateTime(d.due_at)],
            [t('dossier.promised_before'), dateTime(d.promised_before)],
            [t('dossier.apology_short'), d.apology],
            [t('procedure.fee'), d.fee !== undefined && (d.fee === 0 ? t('procedure.free') : money(d.fee))],
            [t('dossier.paid'), dateTime(d.paid_at)],
            [t('dossier.supplement'), d.supplement],
          ]}
        />
      </section>
      <Prints type="dossier" id={d.id} status={d.status} />
    </>
  );
}

/** A type that the portal knows nothing of, by its schema. */
function AnyWhat({ type, r }: { type: string; r: Rec }): JSX.Element {
  const schema = useData<{ schema: Schema }>(`/api/v1/types/${encodeURIComponent(type)}`).data?.schema;
  return (
    <section class="card">
      <Facts items={Object.entries(schema?.properties ?? {}).map(([n, f]) => [labelOf(n, f), showValue(n, r[n], f)])} />
    </section>
  );
}

interface CaseProps {
  type: string;
  r: Rec;
}

export function CaseWhat({ type, r }: CaseProps): JSX.Element {
  if (type === 'report') return <ReportWhat r={r as unknown as Report} />;
  if (type === 'dossier') return <DossierWhat d={r as unknown as Dossier} />;
  return <AnyWhat type={type} r={r} />;
}
export function CaseMore({ type, r }: CaseProps): JSX.Element | null {
  if (type === 'report') return <ReportMore r={r as unknown as Report} />;
  if (type === 'dossier') return <DossierMore d={r as unknown as Dossier} />;
  return null;
}

const text = (v: unknown): string => (typeof v === 'string' ? v : '');

/** Number, status, class: whatever of them the type has. */
export function CaseTags({ r }: { r: Rec }): JSX.Element {
  return (
    <>
      {text(r.number) && <CopyText text={text(r.number)} />}
      {text(r.status) && <StatusTag status={text(r.status)} />}
      {text(r.class) && <Tag tone={r.class === 'urgent' ? 'bad' : 'neutral'}>{tMaybe(`class.${text(r.class)}`)}</Tag>}
    </>
  );
}
