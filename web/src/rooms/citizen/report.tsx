// SPDX-License-Identifier: Apache-2.0
/**
 * Reporting a problem, one thing per page: what, where, how it looks, is it known, who you are,
 * check, sent. What is typed is kept on this device until it has arrived.
 */
import { Check as CheckIcon, CircleCheck, WifiOff } from 'lucide';
import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { api, newKey, query } from '../../api';
import { categoryName, readPortal, useCategories, type Question } from '../../city';
import { waiting, type Draft } from '../../db';
import { bytes, fold, metresBetween } from '../../format';
import { answerFacts, answersOf, checkAnswers, Questions } from '../../forms/questions';
import { lang, t, tMaybe } from '../../i18n';
import { flush, later } from '../../outbox';
import { go } from '../../router';
import { me } from '../../session';
import { createStore, useStore } from '../../store';
import type { Page, Report } from '../../types';
import { Button, CopyText, Facts, LinkButton, Note, PageTitle, Skeleton } from '../../ui/base';
import { Check, ErrorSummary, Field, Group, type Errors } from '../../ui/form';
import { Icon } from '../../ui/icon';
import { PhotoInput } from '../../ui/photos';
import { WizardFrame } from '../../ui/wizard';
import { CaseList } from './case-list';
import { change, current, dropDraft, readDraft } from './draft';
import { PlaceStep, Title, type StepProps } from './place-step';

const steps = ['category', 'place', 'detail', 'known', 'contact', 'review'] as const;
type Step = (typeof steps)[number];

/** The further questions of the chosen category. */
function useQuestions(d: Draft): Question[] {
  return useCategories()?.find((c) => c.code === d.category)?.questions ?? [];
}

function missing(d: Draft, questions: Question[]): Partial<Record<Step, Errors>> {
  const detail: Errors = {
    ...((d.description ?? '').trim().length >= 10 ? {} : { description: t('report.description.missing') }),
    ...checkAnswers(questions, d.attributes ?? {}),
  };
  return {
    ...(d.category ? {} : { category: { category: t('report.category.missing') } }),
    ...(d.location ? {} : { place: { place: t('report.place.missing') } }),
    ...(Object.keys(detail).length ? { detail } : {}),
  };
}

export function ReportPage({ step }: { step?: string }): JSX.Element {
  const d = useStore(current);
  useEffect(() => void readDraft(), []);
  if (!d) return <div class="wrap narrow page">{<Skeleton lines={6} tall />}</div>;
  if (step === 'sent') return <SentPage />;
  const at = steps.includes(step as Step) ? (step as Step) : 'category';
  return <Wizard d={d} step={at} />;
}

function Wizard({ d, step }: { d: Draft; step: Step }): JSX.Element {
  const [errors, setErrors] = useState<Errors>({});
  const questions = useQuestions(d);
  const n = steps.indexOf(step);
  const back = n === 0 ? '/' : `/report/${steps[n - 1]}`;
  const forward = (): void => {
    const wrong = missing(d, questions)[step] ?? {};
    setErrors(wrong);
    if (!Object.keys(wrong).length) go(`/report/${steps[n + 1]}`);
  };
  const Part = { category: CategoryStep, place: PlaceStep, detail: DetailStep, known: KnownStep, contact: ContactStep, review: ReviewStep }[step];
  return (
    <WizardFrame n={n} of={steps.length} back={back} errors={errors} onForward={forward} onDrop={d.changed > 0 && step !== 'review' ? () => void dropDraft().then(() => go('/report')) : undefined}>
      <Part d={d} errors={errors} forward={forward} />
    </WizardFrame>
  );
}

function CategoryStep({ d, errors }: StepProps): JSX.Element {
  const categories = useCategories();
  const [q, setQ] = useState('');
  const shown = categories?.filter((c) => c.code === d.category || fold(q).trim().split(/\s+/).every((w) => c.words.includes(w))) ?? [];
  return (
    <>
      <Title of="report.category" />
      <div class="category-search">
        <label for="category-search">{t('report.category.search')}</label>
        <input id="category-search" type="search" autocomplete="off" value={q} onInput={(e) => setQ(e.currentTarget.value)} onKeyDown={(e) => e.key === 'Enter' && e.preventDefault()} />
      </div>
      {categories ? (
        <Group id="f-category" label={<span class="sr-only">{t('report.category')}</span>} hint={t('report.category.hint')} error={errors.category}>
          {!shown.length && <p role="status">{t('report.category.none')}</p>}
          {[...new Set(shown.map((c) => c.group))].map((group) => (
          <div class="category-group" key={group} role="group" aria-labelledby={`group-${group}`}>
          <h2 id={`group-${group}`}>{tMaybe(`group.${group}`) ?? group}</h2>
          <div class="category-list">
            {shown.filter((c) => c.group === group).map((c) => (
              <label class="category" key={c.code}>
                <input type="radio" name="category" value={c.code} checked={d.category === c.code} onChange={() => change({ category: c.code })} />
                <Icon of={c.icon} size={28} />
                <span>
                  {c.name}
                  {c.about && <small>{c.about}</small>}
                </span>
              </label>
            ))}
          </div>
          </div>
          ))}
        </Group>
      ) : (
        <Skeleton lines={6} tall />
      )}
      <Note tone="warn">
        <p>{t('report.emergency')}</p>
      </Note>
      <div class="buttons">
        <Button kind="primary" type="submit">
          {t('continue')}
        </Button>
      </div>
    </>
  );
}

const descriptionMax = 2000;

function DetailStep({ d, errors }: StepProps): JSX.Element {
  const text = d.description ?? '';
  const questions = useQuestions(d);
  return (
    <>
      <Title of="report.detail" />
      <Field id="f-description" label={t('report.description')} hint={t('report.description.hint')} error={errors.description}>
        <textarea rows={5} maxLength={descriptionMax} value={text} onInput={(e) => change({ description: e.currentTarget.value })} />
      </Field>
      {text.length > descriptionMax - 300 && <p class="count">{t('form.left', { n: descriptionMax - text.length })}</p>}
      <Questions questions={questions} answers={d.attributes ?? {}} errors={errors} onChange={(code, v) => change((before) => ({ attributes: { ...before.attributes, [code]: v } }))} />
      <Group id="f-photos" label={t('report.photos')} hint={t('report.photos.hint')} error={errors.photos} optional>
        <PhotoInput id="photos" files={d.files} onChange={(fn) => change((before) => ({ files: fn(before.files) }))} max={5} video />
      </Group>
      <div class="buttons">
        <Button kind="primary" type="submit">
          {t('continue')}
        </Button>
      </div>
    </>
  );
}

/** Reports of the same kind near the same place: perhaps nothing needs to be sent. */
function KnownStep({ d, forward }: StepProps): JSX.Element {
  const [found, setFound] = useState<Report[] | null>(null);
  useEffect(() => {
    if (!d.location) return setFound([]);
    api
      .get<Page<Report>>(`/api/v1/reports/nearby${query({ ...d.location, category: d.category })}`)
      .then((p) => {
        setFound(p.items);
        if (!p.items.length) go('/report/contact', { replace: true });
      })
      .catch(() => go('/report/contact', { replace: true })); // a suggestion only: never in the way
  }, []);
  if (!found) return <Skeleton lines={4} tall />;
  return (
    <>
      <Title of="report.known" />
      <p>{t('report.known.text')}</p>
      <CaseList reports={found} metres={(r) => (d.location ? metresBetween(d.location, r.location) : undefined)} />
      <div class="buttons">
        <Button kind="primary" onClick={forward}>
          {t('report.known.no')}
        </Button>
      </div>
    </>
  );
}

function ContactStep({ d, errors }: StepProps): JSX.Element {
  const account = useStore(me);
  return (
    <>
      <Title of="report.contact" />
      {account ? (
        <Note tone="info">
          <p>{t('report.contact.me', { name: account.name })}</p>
        </Note>
      ) : (
        <Note tone="info">
          <p>{t('report.contact.nobody')}</p>
          <p>
            <a href="/login?next=/report/contact">{t('sign_in')}</a>
          </p>
        </Note>
      )}
      {!account && (
        <Field id="f-contact_name" label={t('report.contact_name')} error={errors.contact_name} optional>
          <input class="short-input" type="text" autocomplete="name" maxLength={120} value={d.contact_name ?? ''} onInput={(e) => change({ contact_name: e.currentTarget.value })} />
        </Field>
      )}
      <Field id="f-contact_phone" label={t('report.phone')} hint={t('report.phone.hint')} error={errors.contact_phone} optional>
        <input class="short-input" type="tel" autocomplete="tel" inputMode="tel" value={d.contact_phone ?? ''} onInput={(e) => change({ contact_phone: e.currentTarget.value })} />
      </Field>
      <Field id="f-contact_email" label={t('report.email')} error={errors.contact_email} optional>
        <input class="short-input" type="email" autocomplete="email" value={d.contact_email ?? ''} onInput={(e) => change({ contact_email: e.currentTarget.value })} />
      </Field>
      <Check id="f-anonymous" checked={d.anonymous === true} onChange={(on) => change({ anonymous: on })} hint={t('report.anonymous.hint')}>
        {t('report.anonymous')}
      </Check>
      <div class="buttons">
        <Button kind="primary" type="submit">
          {t('continue')}
        </Button>
      </div>
    </>
  );
}

const lastSent = createStore<{ id: string; number: string } | 'waiting' | null>(null);

/** Where a field that the server refuses is mended. */
const stepOf: Record<string, Step> = { category: 'category', location: 'place', address: 'place', contact_name: 'contact', contact_phone: 'contact', contact_email: 'contact', anonymous: 'contact' };

function ReviewStep({ d }: StepProps): JSX.Element {
  const categories = useCategories();
  const [busy, setBusy] = useState(false);
  const [errors, setErrors] = useState<Errors>({});
  const key = useRef(newKey());
  const questions = useQuestions(d);
  const open = Object.entries(missing(d, questions));
  const attributes = answersOf(questions, d.attributes ?? {});

  const send = async (): Promise<void> => {
    setErrors({});
    const first = open[0];
    if (first) return go(`/report/${first[0]}`);
    setBusy(true);
    const fields: Record<string, unknown> = {
      category: d.category,
      description: (d.description ?? '').trim(),
      location: d.location,
      ...(d.address?.trim() ? { address: d.address.trim() } : {}),
      ...(Object.keys(attributes).length ? { attributes } : {}),
      ...(d.anonymous ? { anonymous: true } : {}),
      ...(d.contact_name?.trim() ? { contact_name: d.contact_name.trim() } : {}),
      ...(d.contact_phone?.trim() ? { contact_phone: d.contact_phone.trim() } : {}),
      ...(d.contact_email?.trim() ? { contact_email: d.contact_email.trim() } : {}),
      channel: 'portal',
    };
    try {
      await waiting.put({ key: key.current, fields, files: d.files, at: Date.now() });
      const [out] = await flush(lang.get(), key.current);
      if (out?.error) {
        await waiting.drop(key.current); // it stays in the draft, to be mended
        key.current = newKey();
        const wrong: Errors = {};
        for (const i of out.error.issues) wrong[i.pointer.replace(/^\//, '').split('/')[0] ?? ''] = i.message;
        setErrors(Object.keys(wrong).length ? wrong : { '': out.error.title });
        return;
      }
      lastSent.set(out?.report ?? 'waiting');
    } catch {
      await later();
      lastSent.set('waiting');
    } finally {
      setBusy(false);
    }
    await dropDraft();
    go('/report/sent', { replace: true });
  };

  const changeLink = (to: Step, what: string): JSX.Element => (
    <>
      {' '}
      <a href={`/report/${to}`}>
        {t('change')}
        <span class="sr-only"> {what}</span>
      </a>
    </>
  );
  const photos = d.files.filter((f) => !f.video);
  return (
    <>
      <Title of="report.review" />
      <ErrorSummary errors={errors} href={(field) => `/report/${stepOf[field] ?? 'detail'}`} />
      {open.length > 0 && (
        <Note tone="warn" title={t('report.open')}>
          <ul>
            {open.map(([s, e]) => (
              <li key={s}>
                <a href={`/report/${s}`}>{Object.values(e)[0]}</a>
              </li>
            ))}
          </ul>
        </Note>
      )}
      <div class="card review">
        <Facts
          items={[
            [t('report.category.short'), d.category && <>{categoryName(categories, d.category)}{changeLink('category', t('report.category.short'))}</>],
            [
              t('report.place.short'),
              d.location && (
                <>
                  {[d.address, d.unit?.name].filter(Boolean).join(', ') || t('report.place.set')}
                  {changeLink('place', t('report.place.short'))}
                </>
              ),
            ],
            [t('report.description'), d.description && <>{d.description}{changeLink('detail', t('report.description'))}</>],
            ...answerFacts(categories?.find((c) => c.code === d.category)?.questions, attributes).map(([q, a]): [ComponentChildren, ComponentChildren] => [q, <>{a}{changeLink('detail', String(q))}</>]),
            [t('report.photos'), d.files.length > 0 && <>{t('report.files', { n: d.files.length, size: bytes(d.files.reduce((s, f) => s + f.blob.size, 0)) })}{changeLink('detail', t('report.photos'))}</>],
            [t('report.phone'), d.contact_phone && <>{d.contact_phone}{changeLink('contact', t('report.phone'))}</>],
            [t('report.email'), d.contact_email && <>{d.contact_email}{changeLink('contact', t('report.email'))}</>],
            [t('report.name_shown'), <>{d.anonymous ? t('report.name_hidden') : t('report.name_open')}{changeLink('contact', t('report.name_shown'))}</>],
          ]}
        />
      </div>
      {photos.length > 0 && <p class="quiet">{t('report.photos.clean')}</p>}
      <p class="quiet">{t('report.public')}</p>
      <div class="buttons">
        <Button kind="primary" icon={CheckIcon} busy={busy} onClick={() => void send()}>
          {t('report.send')}
        </Button>
      </div>
    </>
  );
}

function SentPage(): JSX.Element {
  const what = useStore(lastSent);
  const account = useStore(me);
  useEffect(() => {
    void readPortal().catch(() => undefined);
    if (!what) go('/cases', { replace: true });
  }, []);
  if (!what) return <div />;
  if (what === 'waiting')
    return (
      <div class="wrap narrow page">
        <div class="card" style={{ textAlign: 'center', padding: '32px 24px' }}>
          <Icon of={WifiOff} size={48} />
          <PageTitle>{t('sent.waiting')}</PageTitle>
          <p>{t('sent.waiting.text')}</p>
        </div>
        <div class="buttons">
          <LinkButton href="/cases" kind="primary">
            {t('nav.cases')}
          </LinkButton>
        </div>
      </div>
    );
  return (
    <div class="wrap narrow page">
      <div class="sent-panel">
        <Icon of={CircleCheck} size={48} />
        <h1 tabIndex={-1}>{t('sent.title')}</h1>
        <p>{t('sent.number')}</p>
        <p class="number">
          <CopyText text={what.number} />
        </p>
      </div>
      <h2 style={{ margin: '32px 0 8px' }}>{t('sent.next')}</h2>
      <ol>
        <li>{t('sent.next1')}</li>
        <li>{t('sent.next2')}</li>
        <li>{t('sent.next3')}</li>
      </ol>
      {!account && (
        <Note tone="info">
          <p>{t('sent.keep')}</p>
        </Note>
      )}
      <div class="buttons">
        <LinkButton href={`/cases/${what.id}`} kind="primary">
          {t('sent.follow')}
        </LinkButton>
        <LinkButton href="/report">{t('sent.another')}</LinkButton>
        <Button onClick={() => print()}>{t('print')}</Button>
      </div>
    </div>
  );
}
