// SPDX-License-Identifier: Apache-2.0
/** One report, for whoever may see it; its reporter can also rate the answer or ask again. */
import { MapPin, Printer, Share2 } from 'lucide';
import type { JSX } from 'preact';
import { query } from '../../api';
import { categoryName, useAgencyName, useCategories, useUnitName } from '../../city';
import { useData } from '../../data';
import { dateTime } from '../../format';
import { answerFacts } from '../../forms/questions';
import { t, tMaybe } from '../../i18n';
import { useLive, useLiveReload } from '../../live';
import { MapView } from '../../map/map-view';
import { me } from '../../session';
import { useStore } from '../../store';
import type { Page, Report, Task, TimelineItem } from '../../types';
import { BackLink, Button, CopyText, Facts, PageTitle, Skeleton, Stars, StatusTag, Trouble } from '../../ui/base';
import { Icon } from '../../ui/icon';
import { Photos } from '../../ui/photos';
import { Steps } from '../../ui/steps';
import { toast } from '../../ui/toast';
import { Timeline } from '../timeline';
import { createdAt } from './case-list';
import { RateForm } from './rate';

const path = ['new', 'in_progress', 'done', 'closed'] as const;

export function StatusSteps({ report }: { report: Report }): JSX.Element {
  const refused = report.status === 'refused';
  const at = { new: 0, reopened: 1, forwarded: 1, accepted: 1, in_progress: 1, done: 2, closed: 3, refused: 1 }[report.status] ?? 0;
  const names = refused ? (['new', 'refused'] as const) : path;
  const aside = report.status === 'reopened' || report.status === 'forwarded';
  return <Steps names={names.map((s, i) => t(`status.${i === at && aside ? report.status : s}`))} at={at} stop={refused} />;
}

/** As the device shares things; where it cannot, the address is copied. */
export function share(title: string): void {
  const url = location.origin + location.pathname;
  const can = typeof navigator.share === 'function';
  if (can) void navigator.share({ title, url }).catch(() => undefined);
  else void navigator.clipboard?.writeText(url).then(() => toast(t('share.copied')));
}

export function CasePage({ id = '' }: { id?: string }): JSX.Element {
  const account = useStore(me);
  const report = useData<Report>(`/api/v1/records/report/${encodeURIComponent(id)}`);
  const timeline = useData<Page<TimelineItem>>(`/api/v1/records/report/${encodeURIComponent(id)}/timeline?limit=500`);
  const tasks = useData<Page<Task>>(account ? `/api/v1/tasks${query({ case: id, state: 'open,claimed' })}` : null);
  const categories = useCategories();
  const r = report.data;
  const unit = useUnitName(r?.commune);
  const agency = useAgencyName(r?.unit);
  const fits = (e: { subject?: string; about?: string }): boolean => e.subject === id || e.about === id;
  useLiveReload(fits, () => {
    report.reload();
    timeline.reload();
    tasks.reload();
  });
  useLive((e) => {
    const status = (e.data?.changed as { status?: string } | undefined)?.status;
    if (fits(e) && status) toast(t('case.now', { status: tMaybe(`status.${status}`) ?? status }));
  });

  if (!r)
    return (
      <div class="wrap page">
        <BackLink href="/cases">{t('nav.cases')}</BackLink>
        {report.error ? (
          <>
            <PageTitle>{report.error.status === 404 ? t('case.missing') : t('case.broken')}</PageTitle>
            <Trouble error={report.error} retry={report.reload} />
          </>
        ) : (
          <Skeleton lines={6} tall />
        )}
      </div>
    );
  const category = categoryName(categories, r.category);
  const rate = tasks.data?.items.find((x) => x.key === 'rate');
  return (
    <div class="wrap page">
      <BackLink href="/cases">{t('nav.cases')}</BackLink>
      <PageTitle
        title={`${category} ${r.number}`}
        actions={
          <>
            <Button icon={Share2} small onClick={() => share(`${category} ${r.number}`)}>
              {t('share')}
            </Button>
            <Button icon={Printer} small onClick={() => print()}>
              {t('print')}
            </Button>
          </>
        }
      >
        {category}
      </PageTitle>
      <div class="case-head">
        <CopyText text={r.number} />
        <span>{t('case.sent', { at: dateTime(createdAt(r)) })}</span>
        <StatusTag status={r.status} />
      </div>
      <StatusSteps report={r} />
      <div class="two">
        <div class="stack">
          {rate && <RateForm task={rate} done={() => (report.reload(), timeline.reload(), tasks.reload())} />}
          {r.answer && (
            <section class="card answer">
              <h2>{t('case.answer')}</h2>
              <p class="lead">{r.answer}</p>
              <p class="quiet">{[agency, dateTime(r.handled_at ?? r.closed_at)].filter(Boolean).join(' · ')}</p>
              {!r.photos?.length && <Photos ids={r.answer_photos} what={category} />}
            </section>
          )}
          {r.refusal_reason && r.status === 'refused' && (
            <section class="card answer refused">
              <h2>{t('case.refused')}</h2>
              <p class="lead">{r.refusal_reason}</p>
            </section>
          )}
          <section class="card">
            <h2>{t('case.what')}</h2>
            <p class="lead">{r.description}</p>
            <Facts items={answerFacts(categories?.find((c) => c.code === r.category)?.questions, r.attributes)} />
            {r.answer_photos?.length && r.photos?.length ? (
              <div class="before-after">
                <div>
                  <h3>{t('case.before')}</h3>
                  <Photos ids={r.photos} video={r.video} what={category} />
                </div>
                <div>
                  <h3>{t('case.after')}</h3>
                  <Photos ids={r.answer_photos} what={`${category}, ${t('case.after')}`} />
                </div>
              </div>
            ) : (
              <Photos ids={r.photos} video={r.video} what={category} />
            )}
          </section>
          {r.stars !== undefined && r.stars !== null && (
            <section class="card">
              <h2>{t('case.rating')}</h2>
              <Stars n={r.stars} />
              {r.rating_comment && <p class="lead">{r.rating_comment}</p>}
            </section>
          )}
          <section class="card" aria-live="polite">
            <h2>{t('case.timeline')}</h2>
            {timeline.data ? <Timeline items={timeline.data.items} /> : timeline.error ? <Trouble error={timeline.error} retry={timeline.reload} /> : <Skeleton lines={4} />}
          </section>
        </div>
        <aside aria-label={t('case.facts')}>
          <div class="card">
            <Facts
              items={[
                [t('case.agency'), agency || r.unit],
                [t('case.due'), r.due_at && !['done', 'closed', 'refused'].includes(r.status) && dateTime(r.due_at)],
                [t('case.place'), [r.address, unit].filter(Boolean).join(', ')],
                [t('case.class'), r.class && tMaybe(`class.${r.class}`)],
                [t('case.reporter'), r.anonymous ? t('report.name_hidden') : undefined],
              ]}
            />
          </div>
          {r.location && (
            <div>
              <MapView label={t('case.map', { place: r.address ?? unit })} centre={r.location} zoom={15.5} onMap={(m) => m.pin(r.location)} />
              <p class="quiet" style={{ marginTop: '6px' }}>
                <Icon of={MapPin} size={16} /> <a href={`/nearby?lon=${r.location.lon}&lat=${r.location.lat}`}>{t('case.nearby')}</a>
              </p>
            </div>
          )}
        </aside>
      </div>
    </div>
  );
}
