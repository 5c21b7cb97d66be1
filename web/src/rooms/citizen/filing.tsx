// SPDX-License-Identifier: Apache-2.0
/**
 * Filing a dossier online, one thing per page: which agency, who applies, the form of the procedure,
 * papers, how the result comes, check, sent. What is typed is kept on this device until it has arrived.
 */
import { Check as CheckIcon, CircleCheck, LocateFixed, MapPin } from 'lucide';
import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { api, ApiError, newKey, query } from '../../api';
import { useAgencyName, type Question } from '../../city';
import type { Answers, KeptFile } from '../../db';
import { createDraft, type DraftOf, type Kept } from '../../draft';
import { answerFacts, answersOf, checkAnswers, Questions } from '../../forms/questions';
import { t } from '../../i18n';
import { channels, competent, feeWords, otherPaper, papersOf, paperSide, personNumber, questionsOf, sendFiles, termWords, useProcedure, type Channel, type Dossier, type Procedure } from '../../procedures';
import { go } from '../../router';
import { me } from '../../session';
import { createStore, useStore } from '../../store';
import type { Account, Page, Unit } from '../../types';
import { BackLink, Button, CopyText, Facts, LinkButton, Note, PageTitle, Skeleton, Trouble } from '../../ui/base';
import { ErrorSummary, errorsOf, Field, Group, Radio, type Errors } from '../../ui/form';
import { Icon } from '../../ui/icon';
import { PhotoInput } from '../../ui/photos';
import { say } from '../../ui/toast';
import { WizardFrame } from '../../ui/wizard';
import { copiesWords } from './procedures';

const subjects = ['citizen', 'enterprise', 'organisation'] as const;

interface Filing extends Kept {
  level?: 'commune' | 'province';
  commune?: { name: string; agency: string } | undefined;
  /** The agency that the rules of the city name. */
  unit?: string | undefined;
  subject: (typeof subjects)[number];
  name: string;
  person_number: string;
  phone: string;
  email: string;
  address: string;
  answers: Answers;
  note: string;
  delivery: Channel;
  delivery_address: string;
}

// One draft for each procedure: who gathers papers for two of them loses neither.
const drafts = new Map<string, DraftOf<Filing>>();
function draftOf(p: Procedure, account: Account): DraftOf<Filing> {
  const name = `filing ${p.code} ${account.id}`;
  let d = drafts.get(name);
  if (!d) {
    d = createDraft<Filing>(name, `khue.${name}`, () => ({
      subject: p.subjects?.length && !p.subjects.some((s) => ['citizen', 'foreigner', 'overseas'].includes(s)) ? 'enterprise' : 'citizen',
      name: account.name,
      person_number: '',
      phone: account.phone ?? '',
      email: account.email ?? '',
      address: '',
      answers: {},
      note: '',
      delivery: 'online',
      delivery_address: '',
      files: [],
      changed: 0,
    }));
    drafts.set(name, d);
  }
  return d;
}

type Step = 'agency' | 'applicant' | 'form' | 'papers' | 'delivery' | 'review';
const stepsOf = (questions: Question[]): Step[] => ['agency', 'applicant', ...(questions.length ? (['form'] as const) : []), 'papers', 'delivery', 'review'];

const levelOf = (p: Procedure, d: Filing): 'commune' | 'province' => (p.at_commune && p.at_province ? (d.level ?? 'commune') : p.at_commune ? 'commune' : 'province');

/** What is missing or wrong on each page. */
function missing(p: Procedure, d: Filing, questions: Question[]): Partial<Record<Step, Errors>> {
  const applicant: Errors = {
    ...(d.name.trim() ? {} : { name: t('form.missing', { field: t(`filing.name.${d.subject}`) }) }),
    ...(!d.person_number.trim() || personNumber.test(d.person_number.replaceAll(' ', '')) ? {} : { person_number: t('filing.person_number.wrong') }),
    ...(!d.phone.trim() || /^\+?[0-9 ]{8,16}$/.test(d.phone.trim()) ? {} : { phone: t('filing.phone.wrong') }),
  };
  const form = checkAnswers(questions, d.answers);
  const papers: Errors = {};
  for (const x of p.papers ?? []) if (x.required && !x.held_by && !d.files.some((f) => f.of === x.code)) papers[`paper-${x.code}`] = t('filing.paper.missing', { name: x.name });
  const found = {
    agency: levelOf(p, d) === 'commune' && !d.commune ? { commune: t('filing.commune.missing') } : !d.unit ? { '': t('filing.unit.missing') } : ({} as Errors),
    applicant,
    form,
    papers,
    delivery: d.delivery === 'post' && !d.delivery_address.trim() ? { delivery_address: t('form.missing', { field: t('filing.delivery_address') }) } : ({} as Errors),
  };
  return Object.fromEntries(Object.entries(found).filter(([, e]) => Object.keys(e).length));
}

export function FilingPage({ code = '', step }: { code?: string; step?: string }): JSX.Element {
  const account = useStore(me);
  const data = useProcedure(code);
  const p = data.data;
  const home = `/procedures/${code}`;
  if (!p || account === undefined)
    return (
      <div class="wrap narrow page">
        <BackLink href={home}>{t('back')}</BackLink>
        {data.error ? <Trouble error={data.error} retry={data.reload} /> : data.loading || account === undefined ? <Skeleton lines={6} tall /> : <PageTitle>{t('procedure.missing')}</PageTitle>}
      </div>
    );
  if (!account || p.online === 'none')
    return (
      <div class="wrap narrow page">
        <BackLink href={home}>{t('procedure.back')}</BackLink>
        <PageTitle sub={p.name}>{t('procedure.file')}</PageTitle>
        <Note tone="info">
          <p>{p.online === 'none' ? t('procedure.not_online') : t('filing.sign_in')}</p>
        </Note>
        {p.online !== 'none' && (
          <div class="buttons">
            <LinkButton href={`/login?next=${encodeURIComponent(`${home}/file`)}`} kind="primary">
              {t('sign_in')}
            </LinkButton>
            <LinkButton href={`/register?next=${encodeURIComponent(`${home}/file`)}`}>{t('register')}</LinkButton>
          </div>
        )}
      </div>
    );
  if (step === 'sent') return <SentPage p={p} />;
  return <Wizard key={account.id} p={p} account={account} step={step} />;
}

interface StepProps {
  p: Procedure;
  d: Filing;
  errors: Errors;
  set: DraftOf<Filing>['change'];
}

function Wizard({ p, account, step }: { p: Procedure; account: Account; step: string | undefined }): JSX.Element {
  const draft = draftOf(p, account);
  const d = useStore(draft.current);
  const [errors, setErrors] = useState<Errors>({});
  useEffect(() => void draft.read(), []);
  if (!d) return <div class="wrap narrow page">{<Skeleton lines={6} tall />}</div>;
  const questions = questionsOf(p);
  const steps = stepsOf(questions);
  const at = steps.find((s) => s === step) ?? 'agency';
  const n = steps.indexOf(at);
  const home = `/procedures/${p.code}`;
  const to = (s: Step): string => `${home}/file/${s}`;
  const forward = async (): Promise<void> => {
    let now = d;
    if (at === 'agency' && (levelOf(p, d) === 'province' || d.commune)) {
      try {
        const unit = await competent(p, levelOf(p, d) === 'commune' ? (d.commune?.agency ?? null) : null);
        now = { ...d, unit: unit ?? undefined };
        draft.change({ unit: now.unit });
      } catch (e) {
        return setErrors(errorsOf(e));
      }
    }
    const wrong = missing(p, now, questions)[at] ?? {};
    setErrors(wrong);
    if (!Object.keys(wrong).length) go(to(steps[n + 1] ?? 'review'));
  };
  const Part = { agency: AgencyStep, applicant: ApplicantStep, form: FormStep, papers: PapersStep, delivery: DeliveryStep, review: () => null }[at];
  return (
    <WizardFrame
      n={n}
      of={steps.length}
      back={n === 0 ? home : to(steps[n - 1] as Step)}
      errors={errors}
      onForward={() => void forward()}
      onDrop={d.changed > 0 && at !== 'review' ? () => void draft.drop().then(() => go(home)) : undefined}
    >
      <p class="wizard-of">{p.name}</p>
      <PageTitle title={`${t(`filing.${at}`)} – ${p.name}`}>{t(`filing.${at}`)}</PageTitle>
      {at === 'review' ? (
        <ReviewStep p={p} d={d} account={account} draft={draft} to={to} />
      ) : (
        <>
          <Part p={p} d={d} errors={errors} set={draft.change} />
          <div class="buttons">
            <Button kind="primary" type="submit">
              {t('continue')}
            </Button>
          </div>
        </>
      )}
    </WizardFrame>
  );
}

interface CommuneHit {
  key: string;
  name: string;
  text: string;
  code: string;
  agency?: string;
}

/** Wards and communes of today by any name, old ones too. */
async function findCommunes(q: string, signal: AbortSignal): Promise<CommuneHit[]> {
  const page = await api.get<Page<Unit & { level?: string; agency_name?: string }>>(`/api/v1/units${query({ q })}`, {}, { signal });
  const hits = new Map<string, CommuneHit>();
  for (const u of page.items) {
    if (u.valid_to) for (const s of u.successors ?? []) hits.get(s.code) ?? hits.set(s.code, { key: s.code, code: s.code, name: s.name, text: t('filing.commune.was', { name: u.name }) });
    else if (u.level === 'commune') hits.set(u.code, { key: u.code, code: u.code, name: u.name, text: u.agency_name ?? '', ...(u.agency ? { agency: u.agency } : {}) });
  }
  return [...hits.values()].slice(0, 10);
}

function AgencyStep({ p, d, errors, set }: StepProps): JSX.Element {
  const [q, setQ] = useState('');
  const [hits, setHits] = useState<CommuneHit[] | null>(null);
  const [problem, setProblem] = useState('');
  const [finding, setFinding] = useState(false);
  const level = levelOf(p, d);
  const choose = async (hit: CommuneHit): Promise<void> => {
    setProblem('');
    try {
      const agency = hit.agency ?? (await api.get<Unit>(`/api/v1/units/${hit.code}`)).agency;
      if (!agency) return setProblem(t('filing.commune.none'));
      set({ commune: { name: hit.name, agency }, unit: undefined });
      setHits(null);
      setQ('');
      say(hit.name);
    } catch (e) {
      setProblem((e as Error).message);
    }
  };
  const locate = (): void => {
    setProblem('');
    setFinding(true);
    navigator.geolocation.getCurrentPosition(
      (at) => {
        setFinding(false);
        api.get<Unit>(`/api/v1/units/at${query({ lon: at.coords.longitude, lat: at.coords.latitude })}`).then(
          (u) => choose({ key: u.code, code: u.code, name: u.name, text: '', ...(u.agency ? { agency: u.agency } : {}) }),
          () => setProblem(t('report.place.outside')),
        );
      },
      () => {
        setFinding(false);
        setProblem(t('filing.commune.no_gps'));
      },
      { timeout: 15_000 },
    );
  };
  useEffect(() => {
    if (q.trim().length < 2) return setHits(null);
    const stop = new AbortController();
    const timer = setTimeout(
      () =>
        void findCommunes(q.trim(), stop.signal).then(
          (h) => {
            setHits(h);
            say(t('place.found', { n: h.length }));
          },
          (e: Error) => e.name !== 'AbortError' && setProblem(e.message),
        ),
      250,
    );
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [q]);
  return (
    <>
      {p.at_commune && p.at_province && (
        <Group id="f-level" label={t('procedure.level')}>
          {(['commune', 'province'] as const).map((l) => (
            <Radio key={l} name="level" value={l} checked={level === l} onChange={() => set({ level: l, unit: undefined })}>
              {t(`procedure.level.${l}`)}
            </Radio>
          ))}
        </Group>
      )}
      {level === 'province' ? (
        <Note tone="info">
          <p>{t('filing.province')}</p>
        </Note>
      ) : (
        <>
          <Field id="f-commune" label={t('filing.commune')} hint={t('filing.commune.hint')} error={errors.commune ?? (problem || undefined)}>
            <input type="search" autocomplete="off" value={q} onInput={(e) => setQ(e.currentTarget.value)} onKeyDown={(e) => e.key === 'Enter' && hits?.[0] && (e.preventDefault(), void choose(hits[0]))} />
          </Field>
          {hits && (
            <ul class="suggestions" aria-label={t('place.results')}>
              {hits.map((h) => (
                <li key={h.key}>
                  <button type="button" onClick={() => void choose(h)}>
                    <Icon of={MapPin} />
                    <span>
                      {h.name}
                      <small>{h.text}</small>
                    </span>
                  </button>
                </li>
              ))}
              {!hits.length && (
                <li>
                  <p class="quiet" style={{ padding: '8px 12px' }}>
                    {t('filing.commune.unknown')}
                  </p>
                </li>
              )}
            </ul>
          )}
          <div class="buttons" style={{ margin: '0 0 12px' }}>
            <Button icon={LocateFixed} busy={finding} onClick={locate}>
              {t('report.place.gps')}
            </Button>
          </div>
          {d.commune && (
            <p class="place-found" role="status">
              <Icon of={MapPin} size={24} />
              <b>{d.commune.name}</b>
            </p>
          )}
        </>
      )}
    </>
  );
}

function ApplicantStep({ d, errors, set }: StepProps): JSX.Element {
  const text = (name: 'name' | 'person_number' | 'phone' | 'email' | 'address', label: string, more: JSX.InputHTMLAttributes<HTMLInputElement>, hint?: string): JSX.Element => (
    <Field id={`f-${name}`} label={label} hint={hint} error={errors[name]} optional={name !== 'name'}>
      <input type="text" {...more} value={d[name]} onInput={(e) => set({ [name]: e.currentTarget.value })} />
    </Field>
  );
  return (
    <>
      <Group id="f-subject" label={t('filing.subject')}>
        {subjects.map((s) => (
          <Radio key={s} name="subject" value={s} checked={d.subject === s} onChange={() => set({ subject: s })}>
            {t(`subject.${s}`)}
          </Radio>
        ))}
      </Group>
      {text('name', t(`filing.name.${d.subject}`), { autocomplete: 'name', maxLength: 200 })}
      {text('person_number', t(d.subject === 'citizen' ? 'filing.person_number' : 'filing.tax_number'), { class: 'short-input', inputMode: 'numeric', autocomplete: 'off', maxLength: 20 }, t(d.subject === 'citizen' ? 'filing.person_number.hint' : 'filing.tax_number.hint'))}
      {text('phone', t('phone'), { class: 'short-input', type: 'tel', autocomplete: 'tel', inputMode: 'tel', maxLength: 16 }, t('report.phone.hint'))}
      {text('email', t('email'), { type: 'email', autocomplete: 'email', maxLength: 254 })}
      {text('address', t('filing.address'), { autocomplete: 'street-address', maxLength: 300 })}
    </>
  );
}

function FormStep({ p, d, errors, set }: StepProps): JSX.Element {
  return <Questions questions={questionsOf(p)} answers={d.answers} errors={errors} onChange={(code, v) => set((before) => ({ answers: { ...before.answers, [code]: v } }))} />;
}

/** Files of one paper among those of all. */
export function PaperFiles({ code, name, hint, error, files, change, optional }: { code: string; name: string; hint?: string | undefined; error?: string | undefined; files: KeptFile[]; change: (fn: (before: KeptFile[]) => KeptFile[]) => void; optional?: boolean | undefined }): JSX.Element {
  return (
    <Group id={`f-paper-${code}`} label={name} hint={hint} error={error} optional={optional}>
      <PhotoInput
        id={`paper-${code}`}
        what={name}
        longest={paperSide}
        max={10}
        files={files.filter((f) => f.of === code)}
        onChange={(fn) => change((before) => [...before.filter((f) => f.of !== code), ...fn(before.filter((f) => f.of === code)).map((f) => ({ ...f, of: code }))])}
      />
    </Group>
  );
}

function PapersStep({ p, d, errors, set }: StepProps): JSX.Element {
  const change = (fn: (before: KeptFile[]) => KeptFile[]): void => set((before) => ({ files: fn(before.files) }));
  return (
    <>
      <p>{t('filing.papers.text')}</p>
      {p.papers?.map((x) =>
        x.held_by ? (
          <Note tone="good" key={x.code} title={x.name}>
            <p>{t('paper.held')}</p>
          </Note>
        ) : (
          <PaperFiles key={x.code} code={x.code} name={x.name} hint={copiesWords(x)} error={errors[`paper-${x.code}`]} files={d.files} change={change} optional={!x.required} />
        ),
      )}
      {p.papers_left ? <p class="quiet">{t(p.papers?.length ? 'procedure.papers_left' : 'procedure.papers_only_left', { n: p.papers_left })}</p> : null}
      <PaperFiles code={otherPaper} name={t('filing.papers.other')} files={d.files} change={change} optional />
      <Field id="f-note" label={t('filing.note')} optional>
        <textarea rows={3} maxLength={2000} value={d.note} onInput={(e) => set({ note: e.currentTarget.value })} />
      </Field>
    </>
  );
}

function DeliveryStep({ d, errors, set }: StepProps): JSX.Element {
  return (
    <>
      <Group id="f-delivery" label={<span class="sr-only">{t('filing.delivery')}</span>}>
        {channels.map((c) => (
          <Radio key={c} name="delivery" value={c} checked={d.delivery === c} onChange={() => set({ delivery: c })} hint={t(`delivery.${c}.hint`)}>
            {t(`delivery.${c}`)}
          </Radio>
        ))}
      </Group>
      {d.delivery === 'post' && (
        <Field id="f-delivery_address" label={t('filing.delivery_address')} error={errors.delivery_address}>
          <input type="text" autocomplete="street-address" maxLength={300} value={d.delivery_address} onInput={(e) => set({ delivery_address: e.currentTarget.value })} />
        </Field>
      )}
    </>
  );
}

const lastSent = createStore<{ id: string; number: string } | null>(null);

/** Where a field that the server refuses is mended. */
const stepOf: Record<string, Step> = { unit: 'agency', procedure: 'agency', answers: 'form', papers: 'papers', note: 'papers', delivery: 'delivery', delivery_address: 'delivery' };

function ReviewStep({ p, d, account, draft, to }: { p: Procedure; d: Filing; account: Account; draft: DraftOf<Filing>; to: (s: Step) => string }): JSX.Element {
  const [busy, setBusy] = useState(false);
  const [errors, setErrors] = useState<Errors>({});
  // A repetition of the same words is the same dossier; words that were mended are another.
  const [key] = useState(() => ({ of: 0, text: '' }));
  const agency = useAgencyName(d.unit);
  const questions = questionsOf(p);
  const open = Object.entries(missing(p, d, questions)) as [Step, Errors][];
  const answers = answersOf(questions, d.answers);
  const term = p.channels.find((c) => c.channel === 'online');

  const post = async (files: KeptFile[]): Promise<Dossier> => {
    const sent = await sendFiles(files);
    draft.change({ files: sent });
    const papers = papersOf(p, sent, (p.papers ?? []).filter((x) => x.held_by).map((x) => ({ code: x.code, held: true })));
    const optional = (name: string, v: string): Record<string, string> => (v.trim() ? { [name]: v.trim() } : {});
    return api.post<Dossier>(
      '/api/v1/records/dossier',
      {
        procedure: p.code,
        unit: d.unit,
        channel: 'online',
        applicant: account.id,
        subject: d.subject,
        name: d.name.trim(),
        ...optional('person_number', d.person_number.replaceAll(' ', '')),
        ...optional('phone', d.phone),
        ...optional('email', d.email),
        ...optional('address', d.address),
        ...(Object.keys(answers).length ? { answers } : {}),
        ...(papers.length ? { papers } : {}),
        ...optional('note', d.note),
        delivery: d.delivery,
        ...(d.delivery === 'post' ? optional('delivery_address', d.delivery_address) : {}),
      },
      { key: key.text },
    );
  };
  const send = async (): Promise<void> => {
    setErrors({});
    const first = open[0];
    if (first) return go(to(first[0]));
    if (!key.text || key.of !== d.changed) Object.assign(key, { of: d.changed, text: newKey() });
    setBusy(true);
    try {
      let made: Dossier;
      try {
        made = await post(d.files);
      } catch (e) {
        // A draft may be older than the day for which the server keeps files that nothing uses.
        if (!(e instanceof ApiError) || !e.issues.some((i) => i.code === 'file')) throw e;
        key.text = newKey();
        made = await post(d.files.map(({ id: _, ...f }) => f));
      }
      lastSent.set({ id: made.id, number: made.number });
      await draft.drop();
      go(`/procedures/${p.code}/file/sent`, { replace: true });
    } catch (e) {
      setErrors(errorsOf(e));
    } finally {
      key.of = draft.current.get()?.changed ?? 0; // ids of files that arrived are no other words
      setBusy(false);
    }
  };
  const changeLink = (s: Step, what: string): JSX.Element => (
    <>
      {' '}
      <a href={to(s)}>
        {t('change')}
        <span class="sr-only"> {what}</span>
      </a>
    </>
  );
  const line = (s: Step, what: string, value: ComponentChildren): [ComponentChildren, ComponentChildren] => [what, value ? <>{value}{changeLink(s, what)}</> : null];
  return (
    <>
      <ErrorSummary errors={errors} href={(field) => to(stepOf[field] ?? 'applicant')} />
      {open.length > 0 && (
        <Note tone="warn" title={t('report.open')}>
          <ul>
            {open.map(([s, e]) => (
              <li key={s}>
                <a href={to(s)}>{Object.values(e)[0]}</a>
              </li>
            ))}
          </ul>
        </Note>
      )}
      <div class="card review">
        <Facts
          items={[
            line('agency', t('filing.agency.short'), d.unit && (agency || d.unit)),
            line('applicant', t(`filing.name.${d.subject}`), d.name),
            line('applicant', t(d.subject === 'citizen' ? 'filing.person_number' : 'filing.tax_number'), d.person_number),
            line('applicant', t('phone'), d.phone),
            line('applicant', t('email'), d.email),
            line('applicant', t('filing.address'), d.address),
            ...answerFacts(questions, answers).map(([q, a]) => line('form', String(q), a)),
            line(
              'papers',
              t('procedure.papers'),
              d.files.length > 0 && (
                <ul class="plain">
                  {[...(p.papers ?? []), { code: otherPaper, name: t('filing.papers.other') }].map((x) => {
                    const n = d.files.filter((f) => f.of === x.code).length;
                    return n ? <li key={x.code}>{t('filing.paper.files', { name: x.name, n })}</li> : null;
                  })}
                </ul>
              ),
            ),
            line('papers', t('filing.note'), d.note),
            line('delivery', t('filing.delivery.short'), [t(`delivery.${d.delivery}`), d.delivery === 'post' && d.delivery_address].filter(Boolean).join(': ')),
            [t('procedure.term'), term && termWords(term)],
            [t('procedure.fee'), term && feeWords(p, term)],
          ]}
        />
      </div>
      {!d.files.length && (p.papers?.length ?? 0) > 0 && (
        <Note tone="warn">
          <p>{t('filing.no_papers')}</p>
        </Note>
      )}
      <p class="quiet">{t('filing.true')}</p>
      <div class="buttons">
        <Button kind="primary" icon={CheckIcon} busy={busy} onClick={() => void send()}>
          {t('filing.send')}
        </Button>
      </div>
    </>
  );
}

function SentPage({ p }: { p: Procedure }): JSX.Element {
  const what = useStore(lastSent);
  useEffect(() => {
    if (!what) go('/dossiers', { replace: true });
  }, []);
  if (!what) return <div />;
  return (
    <div class="wrap narrow page">
      <div class="sent-panel">
        <Icon of={CircleCheck} size={48} />
        <h1 tabIndex={-1}>{t('filing.sent')}</h1>
        <p>{t('filing.number')}</p>
        <p class="number">
          <CopyText text={what.number} />
        </p>
      </div>
      <p style={{ marginTop: '16px' }}>{p.name}</p>
      <h2 style={{ margin: '24px 0 8px' }}>{t('sent.next')}</h2>
      <ol>
        <li>{t('filing.next1')}</li>
        <li>{t('filing.next2')}</li>
        <li>{t('filing.next3')}</li>
      </ol>
      <div class="buttons">
        <LinkButton href={`/dossiers/${what.id}`} kind="primary">
          {t('filing.follow')}
        </LinkButton>
        <Button onClick={() => print()}>{t('print')}</Button>
      </div>
    </div>
  );
}
