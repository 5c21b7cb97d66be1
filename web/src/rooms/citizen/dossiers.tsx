// SPDX-License-Identifier: Apache-2.0
/** Dossiers as their applicants see them: all of mine, one of them, and any by its number. */
import { FileClock, FilePenLine, FileText, Printer, Search } from 'lucide';
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { api, query } from '../../api';
import { AgencyName, useAgencyName } from '../../city';
import { useData } from '../../data';
import { draft as keptDraft, type KeptFile } from '../../db';
import { dateTime, idTime } from '../../format';
import { answers, check, SchemaForm, type Values } from '../../forms/schema-form';
import { t, tMaybe } from '../../i18n';
import { useLive, useLiveReload } from '../../live';
import { usePages } from '../../pages';
import { dossierNumber, findDossier, money, otherPaper, over, papersOf, sendFiles, useProcedure, type Dossier } from '../../procedures';
import { usePlace } from '../../router';
import { me } from '../../session';
import { useStore } from '../../store';
import type { Page, Task, TimelineItem } from '../../types';
import { BackLink, Button, CopyText, Empty, Facts, LinkButton, Note, PageTitle, Pager, Skeleton, StatusTag, Trouble } from '../../ui/base';
import { ErrorSummary, errorsOf, type Errors } from '../../ui/form';
import { Icon } from '../../ui/icon';
import { toast } from '../../ui/toast';
import { Applicant, DossierAnswers, DossierPapers, DossierSteps, Outcome, Prints } from '../dossier';
import { Timeline } from '../timeline';
import { PaperFiles } from './filing';
import { LookupForm } from './lookup-form';
import { RateForm } from './rate';

function DossierRow({ d }: { d: Dossier }): JSX.Element {
  return (
    <li class="case-row">
      <a class="row-link" href={`/dossiers/${d.id}`}>
        <span class="case-icon">
          <Icon of={FileText} size={26} />
        </span>
        <span class="case-text">
          <span class="case-what">{d.procedure_name}</span>
          <span class="case-where">
            {d.number} · <AgencyName code={d.unit} />
            {d.due_at && !over(d.status) && d.status !== 'finished' && ` · ${t('dossier.due', { at: dateTime(d.due_at) })}`}
          </span>
        </span>
        <StatusTag status={d.status} />
      </a>
    </li>
  );
}

/** What was begun on this device and not sent. */
function Drafts({ account }: { account: string }): JSX.Element | null {
  const [names, setNames] = useState<string[]>([]);
  useEffect(() => {
    void keptDraft.names().then(
      (all) => setNames(all.filter((n) => n.startsWith('filing ') && n.endsWith(` ${account}`))),
      () => undefined,
    );
  }, []);
  if (!names.length) return null;
  return (
    <section class="section" style={{ marginTop: 0 }}>
      <h2>{t('dossiers.drafts')}</h2>
      <ul class="hits">
        {names.map((n) => (
          <DraftRow key={n} code={n.split(' ')[1] as string} />
        ))}
      </ul>
    </section>
  );
}
function DraftRow({ code }: { code: string }): JSX.Element {
  const p = useProcedure(code).data;
  return (
    <li>
      <Icon of={FilePenLine} size={18} /> <a href={`/procedures/${code}/file`}>{p?.name ?? code}</a>
    </li>
  );
}

export function MyDossiers(): JSX.Element {
  const account = useStore(me);
  const mine = usePages<Dossier>(account ? '/api/v1/records/dossier' : null, { applicant: account?.id, sort: '-id' });
  useLiveReload((e) => e.type === 'dossier', mine.reload, 2000, !!account);
  const needsMe = (d: Dossier): boolean => d.status === 'supplement' || d.status === 'payment';
  const open = mine.items.filter((d) => !over(d.status)).sort((a, b) => Number(needsMe(b)) - Number(needsMe(a)));
  const past = mine.items.filter((d) => over(d.status));
  return (
    <div class="wrap page">
      <PageTitle
        actions={
          <LinkButton href="/procedures" kind="primary" icon={FileText}>
            {t('home.procedures')}
          </LinkButton>
        }
      >
        {t('nav.dossiers')}
      </PageTitle>
      <LookupForm />
      {account === null && (
        <Note tone="info">
          <p>{t('dossiers.sign_in')}</p>
          <LinkButton href="/login?next=/dossiers" kind="primary">
            {t('sign_in')}
          </LinkButton>
        </Note>
      )}
      {account && <Drafts account={account.id} />}
      {account &&
        (mine.data ? (
          mine.items.length ? (
            <div aria-live="polite">
              {open.length > 0 && (
                <section class="section" style={{ marginTop: 0 }}>
                  <h2>{t('cases.open', { n: open.length })}</h2>
                  <ul class="case-list">
                    {open.map((d) => (
                      <DossierRow key={d.id} d={d} />
                    ))}
                  </ul>
                </section>
              )}
              {past.length > 0 && (
                <section class="section">
                  <h2>{t('cases.past', { n: past.length })}</h2>
                  <ul class="case-list">
                    {past.map((d) => (
                      <DossierRow key={d.id} d={d} />
                    ))}
                  </ul>
                </section>
              )}
              <Pager more={!!mine.next} busy={mine.busy} onMore={mine.more} />
            </div>
          ) : (
            <Empty icon={FileClock} title={t('dossiers.none')}>
              <p>{t('dossiers.none.text')}</p>
            </Empty>
          )
        ) : mine.error ? (
          <Trouble error={mine.error} retry={mine.reload} />
        ) : (
          <Skeleton lines={4} tall />
        ))}
    </div>
  );
}

/** Anybody with the number: where it stands and when it is due, and nothing about the person. */
export function LookupPage(): JSX.Element {
  const n = (usePlace().query.get('number') ?? '').trim();
  const account = useStore(me);
  const fits = dossierNumber.test(n);
  const found = useData<Dossier | undefined>(fits ? `lookup ${n.toUpperCase()}` : null, () => findDossier(n));
  const d = found.data;
  const agency = useAgencyName(d?.unit);
  return (
    <div class="wrap narrow page">
      <PageTitle sub={t('lookup.text')}>{t('lookup.title')}</PageTitle>
      <LookupForm start={n} key={n} />
      {n && !fits && (
        <Note tone="warn" title={t('lookup.wrong')}>
          <p>{t('lookup.wrong.text')}</p>
        </Note>
      )}
      {fits &&
        (d ? (
          <section class="card" aria-live="polite">
            <h2>{d.procedure_name}</h2>
            <div class="case-head">
              <CopyText text={d.number} />
              <StatusTag status={d.status} />
            </div>
            <DossierSteps d={d} />
            <Facts
              items={[
                [t('filing.agency.short'), agency || d.unit],
                [t('procedure.field'), d.field],
                [t('procedure.channel'), t(`channel.${d.channel}`)],
                [t('dossier.received'), dateTime(d.received_at)],
                [t('dossier.due_at'), !over(d.status) && dateTime(d.due_at)],
                [t('dossier.finished'), dateTime(d.finished_at)],
                [t('dossier.returned'), dateTime(d.returned_at)],
              ]}
            />
            {account && d.applicant === account.id ? (
              <div class="buttons">
                <LinkButton href={`/dossiers/${d.id}`} kind="primary">
                  {t('filing.follow')}
                </LinkButton>
              </div>
            ) : (
              <p class="quiet" style={{ marginTop: '12px' }}>
                {t('lookup.public')}
              </p>
            )}
          </section>
        ) : found.error ? (
          <Trouble error={found.error} retry={found.reload} />
        ) : found.loading ? (
          <Skeleton lines={4} tall />
        ) : (
          <Empty icon={Search} title={t('lookup.none', { number: n.toUpperCase() })}>
            <p>{t('lookup.none.text')}</p>
          </Empty>
        ))}
    </div>
  );
}

export function DossierPage({ id = '' }: { id?: string }): JSX.Element {
  const path = `/api/v1/records/dossier/${encodeURIComponent(id)}`;
  const data = useData<Dossier>(path);
  const timeline = useData<Page<TimelineItem>>(`${path}/timeline?limit=500`);
  const tasks = useData<Page<Task>>(`/api/v1/tasks${query({ case: id, state: 'open,claimed' })}`);
  const d = data.data;
  const account = useStore(me);
  const agency = useAgencyName(d?.unit);
  const fits = (e: { subject?: string; about?: string }): boolean => e.subject === id || e.about === id;
  const reload = (): void => {
    data.reload();
    timeline.reload();
    tasks.reload();
  };
  useLiveReload(fits, reload);
  useLive((e) => {
    const status = (e.data?.changed as { status?: string } | undefined)?.status;
    if (fits(e) && status) toast(t('dossier.now', { status: tMaybe(`status.${status}`) ?? status }));
  });
  if (!d)
    return (
      <div class="wrap page">
        <BackLink href="/dossiers">{t('nav.dossiers')}</BackLink>
        {data.error ? (
          <>
            <PageTitle>{data.error.status === 404 ? t('dossier.missing') : t('dossier.broken')}</PageTitle>
            <Trouble error={data.error} retry={data.reload} />
          </>
        ) : (
          <Skeleton lines={6} tall />
        )}
      </div>
    );
  const mine = d.applicant === account?.id ? (tasks.data?.items ?? []).filter((x) => x.may !== false) : [];
  const rate = mine.find((x) => x.key === 'rate');
  const supplement = mine.find((x) => x.key.startsWith('supplement'));
  return (
    <div class="wrap page">
      <BackLink href="/dossiers">{t('nav.dossiers')}</BackLink>
      <PageTitle
        title={`${d.number} ${d.procedure_name ?? ''}`}
        actions={
          <Button icon={Printer} small onClick={() => print()}>
            {t('print')}
          </Button>
        }
      >
        {d.procedure_name}
      </PageTitle>
      <div class="case-head">
        <CopyText text={d.number} />
        <span>{t('dossier.sent', { at: dateTime(idTime(d.id)) })}</span>
        <StatusTag status={d.status} />
      </div>
      <DossierSteps d={d} />
      <div class="two">
        <div class="stack">
          {supplement && <Supplement key={supplement.id} d={d} task={supplement} done={reload} />}
          {d.status === 'payment' && (
            <Note tone="warn" title={t('dossier.pay', { amount: money(d.fee ?? 0) })}>
              <p>{t('dossier.pay.text', { agency: agency || d.unit, number: d.number })}</p>
              {d.payment && (
                <p>
                  <a href={`/api/v1/records/payment/${d.payment}/prints/procedures/payment_slip`} target="_blank" rel="noopener">
                    <Icon of={Printer} /> {t('dossier.pay.slip')}
                  </a>
                </p>
              )}
            </Note>
          )}
          {d.apology && (
            <Note tone="info" title={t('dossier.apology')}>
              <p>{d.apology}</p>
              {d.promised_before && d.due_at && <p class="quiet">{t('dossier.promised', { before: dateTime(d.promised_before), now: dateTime(d.due_at) })}</p>}
            </Note>
          )}
          {rate && <RateForm task={rate} title={t('rate.title.dossier')} done={reload} />}
          <Outcome d={d} />
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
          <section class="card" aria-live="polite">
            <h2>{t('case.timeline')}</h2>
            {timeline.data ? <Timeline items={timeline.data.items} type="dossier" /> : timeline.error ? <Trouble error={timeline.error} retry={timeline.reload} /> : <Skeleton lines={4} />}
          </section>
        </div>
        <aside aria-label={t('dossier.facts')}>
          <div class="card">
            <Facts
              items={[
                [t('filing.agency.short'), agency || d.unit],
                [t('dossier.due_at'), !over(d.status) && d.status !== 'finished' && (d.due_at ? dateTime(d.due_at) : t('dossier.due_later'))],
                [t('dossier.received'), dateTime(d.received_at)],
                [t('procedure.fee'), d.fee !== undefined && (d.fee === 0 ? t('procedure.free') : money(d.fee))],
                [t('dossier.paid'), dateTime(d.paid_at)],
                [t('procedure.title'), <a href={`/procedures/${d.procedure}`}>{d.procedure}</a>],
              ]}
            />
          </div>
          <section class="card">
            <h2>{t('filing.applicant')}</h2>
            <Applicant d={d} />
          </section>
          <Prints type="dossier" id={d.id} status={d.status} />
          {d.paid_at && d.payment && <Prints type="payment" id={d.payment} status="paid" />}
        </aside>
      </div>
    </div>
  );
}

/** Something is missing: what, a place for it, and back to the counter. */
function Supplement({ d, task, done }: { d: Dossier; task: Task; done: () => void }): JSX.Element {
  const p = useProcedure(d.procedure).data;
  const [files, setFiles] = useState<KeptFile[]>([]);
  const [values, setValues] = useState<Values>({});
  const [errors, setErrors] = useState<Errors>({});
  const [busy, setBusy] = useState(false);
  const form = task.form ?? {};
  const send = async (): Promise<void> => {
    const wrong = check(form, values);
    setErrors(wrong);
    if (!p || Object.keys(wrong).length) return;
    setBusy(true);
    try {
      if (files.length) {
        const sent = await sendFiles(files);
        setFiles(sent);
        await api.patch(`/api/v1/records/dossier/${d.id}`, { papers: papersOf(p, sent, d.papers) });
      }
      await api.post(`/api/v1/tasks/${task.id}/complete`, { variables: answers(form, values) });
      toast(t('supplement.sent'));
      done();
    } catch (e) {
      setErrors(errorsOf(e, Object.keys(form.properties ?? {})));
    } finally {
      setBusy(false);
    }
  };
  return (
    <form
      class="card attention"
      id="supplement"
      noValidate
      onSubmit={(e) => {
        e.preventDefault();
        void send();
      }}
    >
      <h2>{t('supplement.title')}</h2>
      {d.supplement && <p class="lead">{d.supplement}</p>}
      <p class="quiet">{t('supplement.text')}</p>
      <ErrorSummary errors={errors} prefix="s" />
      {[...(p?.papers ?? []), { code: otherPaper, name: t('filing.papers.other') }].map((x) => (
        <PaperFiles key={x.code} code={x.code} name={x.name} files={files} change={(fn) => setFiles(fn)} optional />
      ))}
      <SchemaForm schema={form} values={values} onChange={setValues} errors={errors} prefix="s" />
      <div class="buttons">
        <Button kind="primary" type="submit" busy={busy} disabled={!p}>
          {t('supplement.send')}
        </Button>
      </div>
    </form>
  );
}
