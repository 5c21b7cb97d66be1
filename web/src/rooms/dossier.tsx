// SPDX-License-Identifier: Apache-2.0
/** Parts of a dossier that its applicant and the staff see alike. */
import { Printer } from 'lucide';
import type { JSX } from 'preact';
import { api } from '../api';
import { useData } from '../data';
import { answerFacts } from '../forms/questions';
import { dateTime } from '../format';
import { t, words, type Words } from '../i18n';
import { otherPaper, questionsOf, useProcedure, type Dossier, type DossierStatus } from '../procedures';
import type { Page } from '../types';
import { CopyText, Facts, Stars } from '../ui/base';
import { Icon } from '../ui/icon';
import { Photos } from '../ui/photos';
import { Steps } from '../ui/steps';

const way = ['registered', 'received', 'processing', 'finished', 'returned'] as const;

/** Waiting for papers or money is shown in the step where it happens. */
export function DossierSteps({ d }: { d: Dossier }): JSX.Element {
  const stopped: DossierStatus[] = ['not_received', 'withdrawn', 'stopped'];
  if (stopped.includes(d.status)) {
    const past = (d.received_at ? ['registered', 'received'] : ['registered']) as DossierStatus[];
    return <Steps names={[...past, d.status].map((s) => t(`status.${s}`))} at={past.length} stop />;
  }
  const at = d.status === 'supplement' ? (d.received_at ? 2 : 0) : d.status === 'payment' ? 1 : Math.max(0, way.indexOf(d.status as (typeof way)[number]));
  return <Steps names={way.map((s, i) => t(`status.${i === at ? d.status : s}`))} at={at} />;
}

export function DossierPapers({ d }: { d: Dossier }): JSX.Element | null {
  const p = useProcedure(d.procedure).data;
  const known = p?.papers ?? [];
  const given = d.papers ?? [];
  // What the catalogue asks for and nobody gave is told too: whoever examines it must know.
  const list = [...given, ...known.filter((x) => !given.some((g) => g.code === x.code)).map((x) => ({ code: x.code, kind: undefined, held: undefined, files: undefined, name: x.name }))];
  if (!list.length) return <p class="quiet">{t('dossier.papers_none')}</p>;
  return (
    <ol class="papers">
      {list.map((x) => {
        const name = x.code === otherPaper ? t('filing.papers.other') : (x.name ?? known.find((k) => k.code === x.code)?.name ?? x.code);
        const missing = !given.includes(x as (typeof given)[number]);
        return (
          <li key={x.code} class={missing ? 'missing' : undefined}>
            {name}
            <small class="quiet">{missing ? t('dossier.paper_missing') : x.held ? t('paper.held_short') : x.kind ? t(`paper.kind.${x.kind}`) : ''}</small>
            <Photos ids={x.files} what={name} />
          </li>
        );
      })}
    </ol>
  );
}

/** The papers that the server draws of a record, each when the case has come there. */
export function Prints({ type, id, status }: { type: string; id: string; status: string }): JSX.Element | null {
  // Which there are depends on where the case stands.
  const list = useData<Page<{ key: string; title: Words; url: string }>>(`${type}/${id} ${status}`, (signal) => api.get(`/api/v1/records/${type}/${id}/prints`, {}, { signal }));
  if (!list.data?.items.length) return null;
  return (
    <section class="card">
      <h2>{t('prints.title')}</h2>
      <ul class="prints">
        {list.data.items.map((p) => (
          <li key={p.key}>
            <a href={p.url} target="_blank" rel="noopener">
              <Icon of={Printer} /> {words(p.title)}
            </a>
          </li>
        ))}
      </ul>
    </section>
  );
}

export function DossierAnswers({ d }: { d: Dossier }): JSX.Element | null {
  const p = useProcedure(d.answers ? d.procedure : undefined).data;
  return d.answers ? <Facts items={answerFacts(questionsOf(p), d.answers)} /> : null;
}

export function Applicant({ d }: { d: Dossier }): JSX.Element {
  return (
    <Facts
      items={[
        [t('dossier.subject'), d.subject && t(`subject.${d.subject}`)],
        [t(`filing.name.${d.subject ?? 'citizen'}`), d.name],
        [t(d.subject === 'citizen' ? 'filing.person_number' : 'filing.tax_number'), d.person_number && <CopyText text={d.person_number} />],
        [t('phone'), d.phone && <CopyText text={d.phone} label={<a href={`tel:${d.phone.replaceAll(' ', '')}`}>{d.phone}</a>} />],
        [t('email'), d.email],
        [t('filing.address'), d.address],
        [t('filing.delivery.short'), d.delivery && [t(`delivery.${d.delivery}`), d.delivery_address].filter(Boolean).join(': ')],
        [t('filing.note'), d.note],
      ]}
    />
  );
}

/** What came of it, good or bad. */
export function Outcome({ d }: { d: Dossier }): JSX.Element | null {
  if (d.refusal_reason && ['not_received', 'stopped'].includes(d.status))
    return (
      <section class="card answer refused">
        <h2>{t(`dossier.${d.status as 'not_received' | 'stopped'}`)}</h2>
        <p class="lead">{d.refusal_reason}</p>
      </section>
    );
  if (!d.outcome) return null;
  return (
    <section class={d.outcome === 'granted' ? 'card answer' : 'card answer refused'}>
      <h2>{t(`dossier.outcome.${d.outcome}`)}</h2>
      {d.result && <p class="lead">{d.result}</p>}
      <Photos ids={d.result_files} what={t('procedure.results')} />
      <p class="quiet">{[d.finished_at && t('dossier.finished_at', { at: dateTime(d.finished_at) }), d.returned_at && t('dossier.returned_at', { at: dateTime(d.returned_at) })].filter(Boolean).join(' · ')}</p>
      {d.stars ? <Stars n={d.stars} /> : null}
      {d.rating_comment && <p>{d.rating_comment}</p>}
    </section>
  );
}
