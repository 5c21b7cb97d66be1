// SPDX-License-Identifier: Apache-2.0
/** The node itself: health, packs, decisions, and the log that proves what happened. */
import { Package, ShieldCheck } from 'lucide';
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { api } from '../../api';
import { readTypeNames } from '../../city';
import { csvHref } from '../../csv';
import { useData } from '../../data';
import { bytes, dateTime, number } from '../../format';
import { t, tMaybe, words, type Words } from '../../i18n';
import { usePages } from '../../pages';
import { setQuery, usePlace } from '../../router';
import type { Account, CityEvent, Page } from '../../types';
import { Button, Empty, Facts, Figure, Note, PageTitle, Pager, Skeleton, Tag, Trouble } from '../../ui/base';
import { ErrorSummary, errorsOf, Field, type Errors } from '../../ui/form';
import { toast } from '../../ui/toast';

interface HealthInfo {
  version?: string;
  uptime_s?: number;
  resident_bytes?: number;
  cpu_ms?: number;
  connections?: number;
  waiting?: number;
  streams?: number;
  workers_queue?: number;
  store?: { kind?: string; commits?: number; writes?: number; rollbacks?: number; retries?: number; queue?: number; wal_bytes?: number; events?: number };
}

function span(seconds: number): string {
  const d = Math.floor(seconds / 86_400);
  const h = Math.floor((seconds % 86_400) / 3600);
  const m = Math.floor((seconds % 3600) / 60);
  return d ? t('health.days', { d, h }) : t('health.hours', { h, m });
}

export function Health(): JSX.Element {
  const h = useData<HealthInfo>('/api/v1/health');
  // A gauge has no event: it is read again every ten seconds while it is looked at.
  useEffect(() => {
    const timer = setInterval(() => document.visibilityState === 'visible' && h.reload(), 10_000);
    return () => clearInterval(timer);
  }, [h.reload]);
  const x = h.data;
  return (
    <>
      <PageTitle sub={x?.version && t('health.version', { version: x.version })}>{t('nav.health')}</PageTitle>
      {x ? (
        <>
          <div class="figures-row">
            <Figure label={t('health.uptime')} value={span(x.uptime_s ?? 0)} />
            <Figure label={t('health.memory')} value={bytes(x.resident_bytes ?? 0)} />
            <Figure label={t('health.connections')} value={number(x.connections ?? 0)} />
            <Figure label={t('health.streams')} value={number(x.streams ?? 0)} />
            <Figure label={t('health.queue')} value={number((x.store?.queue ?? 0) + (x.workers_queue ?? 0))} />
          </div>
          {x.store && (
            <section class="section">
              <h2>{t('health.store')}</h2>
              <div class="card">
                <Facts
                  items={[
                    [t('health.kind'), x.store.kind === 'sqlite' ? 'SQLite' : 'PostgreSQL'],
                    [t('health.events'), number(x.store.events ?? 0)],
                    [t('health.commits'), number(x.store.commits ?? 0)],
                    [t('health.writes'), number(x.store.writes ?? 0)],
                    [t('health.retries'), number(x.store.retries ?? 0)],
                    [t('health.rollbacks'), number(x.store.rollbacks ?? 0)],
                    [t('health.wal'), bytes(x.store.wal_bytes ?? 0)],
                  ]}
                />
              </div>
            </section>
          )}
        </>
      ) : h.error ? (
        <Trouble error={h.error} retry={h.reload} />
      ) : (
        <Skeleton lines={4} tall />
      )}
    </>
  );
}

interface PackInfo {
  id: string;
  version: string;
  title?: Words;
  depends?: string[];
  owner?: string;
  loaded_at?: string;
}

export function Packs(): JSX.Element {
  const list = useData<Page<PackInfo>>('/api/v1/packs');
  return (
    <>
      <PageTitle sub={t('packs.text')}>{t('nav.packs')}</PageTitle>
      {list.data ? (
        list.data.items.length ? (
          <div class="table-box cards">
            <table>
              <thead>
                <tr>
                  <th scope="col">{t('types.name')}</th>
                  <th scope="col">{t('types.code')}</th>
                  <th scope="col">{t('process.version')}</th>
                  <th scope="col">{t('packs.depends')}</th>
                  <th scope="col">{t('packs.loaded')}</th>
                </tr>
              </thead>
              <tbody>
                {list.data.items.map((p) => (
                  <tr key={p.id}>
                    <td data-label={t('types.name')}>{words(p.title) || p.id}</td>
                    <td data-label={t('types.code')} class="code">
                      {p.id}
                    </td>
                    <td data-label={t('process.version')}>{p.version}</td>
                    <td data-label={t('packs.depends')}>{p.depends?.join(', ') || '–'}</td>
                    <td data-label={t('packs.loaded')}>{p.loaded_at ? dateTime(p.loaded_at) : '–'}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        ) : (
          <Empty icon={Package} title={t('packs.none')} />
        )
      ) : list.error ? (
        <Trouble error={list.error} retry={list.reload} />
      ) : (
        <Skeleton lines={3} tall />
      )}
    </>
  );
}

export function Decisions(): JSX.Element {
  const [v, setV] = useState({ ref: 'feedback/routing', decision: 'routing', inputs: '{\n  "category": "pothole",\n  "agency": "H26.4"\n}' });
  const [result, setResult] = useState<{ result: unknown; messages?: unknown[] } | null>(null);
  const [errors, setErrors] = useState<Errors>({});
  const [busy, setBusy] = useState(false);
  const run = async (): Promise<void> => {
    setErrors({});
    let inputs: unknown;
    try {
      inputs = JSON.parse(v.inputs);
    } catch (e) {
      return setErrors({ inputs: t('decisions.json', { error: (e as Error).message }) });
    }
    setBusy(true);
    try {
      setResult(await api.post('/api/v1/decisions/evaluate', { decision_ref: v.ref.trim(), decision: v.decision.trim(), inputs }));
    } catch (e) {
      setResult(null);
      setErrors(errorsOf(e, ['decision_ref', 'decision', 'inputs']));
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <PageTitle sub={t('decisions.text')}>{t('nav.decisions')}</PageTitle>
      <div class="two">
        <form
          noValidate
          onSubmit={(e) => {
            e.preventDefault();
            void run();
          }}
        >
          <ErrorSummary errors={errors} prefix="x" />
          <Field id="x-decision_ref" label={t('decisions.ref')} error={errors.decision_ref}>
            <input type="text" class="code" spellcheck={false} value={v.ref} onInput={(e) => setV({ ...v, ref: e.currentTarget.value })} />
          </Field>
          <Field id="x-decision" label={t('decisions.decision')} error={errors.decision}>
            <input type="text" class="code" spellcheck={false} value={v.decision} onInput={(e) => setV({ ...v, decision: e.currentTarget.value })} />
          </Field>
          <Field id="x-inputs" label={t('decisions.inputs')} error={errors.inputs}>
            <textarea class="code" rows={8} spellcheck={false} value={v.inputs} onInput={(e) => setV({ ...v, inputs: e.currentTarget.value })} />
          </Field>
          <Button kind="primary" type="submit" busy={busy}>
            {t('decisions.run')}
          </Button>
        </form>
        <aside aria-live="polite">
          {result && (
            <div class="card">
              <h2>{t('decisions.result')}</h2>
              <pre class="json" tabIndex={0}>{JSON.stringify(result.result, null, 2)}</pre>
              {!!result.messages?.length && (
                <>
                  <h2>{t('decisions.messages')}</h2>
                  <pre class="json" tabIndex={0}>{JSON.stringify(result.messages, null, 2)}</pre>
                </>
              )}
            </div>
          )}
        </aside>
      </div>
    </>
  );
}

type AuditEvent = CityEvent & { actor?: string; reason?: string; hash?: string };
/** Where a subject can be read; a task or a run of a process only as part of its case. */
function subjectHref(e: AuditEvent, types: Set<string> | undefined): string | undefined {
  if (!e.subject || !e.type) return undefined;
  if (e.type === 'account') return `/admin/accounts/${e.subject}`;
  if (types?.has(e.type)) return `/admin/records/${e.type}/${e.subject}`;
  return e.type === 'task' ? `/desk/tasks/${e.subject}` : undefined;
}

function Subject({ e, href }: { e: AuditEvent; href: string | undefined }): JSX.Element {
  const text = [e.type && (tMaybe(`type.${e.type}`) ?? e.type), e.subject].filter(Boolean).join(' ');
  return href ? <a href={href}>{text}</a> : <span>{text || '–'}</span>;
}

const accounts = new Map<string, Promise<string>>();
/** The name behind "account:<id>"; each account is asked for once. */
function readName(id: string): Promise<string> {
  let p = accounts.get(id);
  if (!p) {
    p = api.get<Account>(`/api/v1/accounts/${id}`).then((a) => a.name);
    p.catch(() => accounts.delete(id));
    accounts.set(id, p);
  }
  return p;
}

/** Who did it: a person by name with the way to the account, a part of the server by what it is. */
function Actor({ code }: { code: string }): JSX.Element {
  const id = /^account:(\w{13})$/.exec(code)?.[1];
  const [name, setName] = useState('');
  useEffect(() => {
    let here = true;
    setName('');
    if (id) void readName(id).then((n) => here && setName(n), () => undefined);
    return () => {
      here = false;
    };
  }, [id]);
  if (id) return <a href={`/admin/accounts/${id}`}>{name || code}</a>;
  if (!code) return <span>–</span>;
  return <span>{code === 'public' ? t('by.public') : code.startsWith('key:') ? code : `${t('by.system')} (${code.replace(/^system:/, '')})`}</span>;
}

interface Verdict {
  ok?: boolean;
  valid?: boolean;
  events?: number;
  checked?: number;
  findings?: unknown[];
  errors?: unknown[];
}

export function Audit(): JSX.Element {
  const q = usePlace().query;
  const filter = { kind: q.get('kind') ?? '', type: q.get('type') ?? '', about: q.get('about') ?? '' };
  const list = usePages<AuditEvent>('/api/v1/audit/events', filter, 100);
  const { items } = list;
  const [busy, setBusy] = useState(false);
  const [verdict, setVerdict] = useState<Verdict | null>(null);
  const verify = async (): Promise<void> => {
    setBusy(true);
    try {
      setVerdict(await api.post<Verdict>('/api/v1/audit/verify'));
    } catch (e) {
      toast((e as Error).message);
    } finally {
      setBusy(false);
    }
  };
  const types = useData<Set<string>>('names of types', readTypeNames);
  const whole = verdict && (verdict.ok ?? verdict.valid ?? !(verdict.findings?.length || verdict.errors?.length));
  return (
    <>
      <PageTitle
        sub={t('audit.text')}
        actions={
          <Button kind="primary" icon={ShieldCheck} busy={busy} onClick={() => void verify()}>
            {t('audit.verify')}
          </Button>
        }
      >
        {t('nav.audit')}
      </PageTitle>
      <div aria-live="polite">
        {verdict && (
          <Note tone={whole ? 'good' : 'bad'} title={whole ? t('audit.whole') : t('audit.broken')}>
            <p>{t('audit.checked', { n: number(verdict.events ?? verdict.checked ?? 0) })}</p>
            {!whole && <pre class="json">{JSON.stringify(verdict.findings ?? verdict.errors, null, 2)}</pre>}
          </Note>
        )}
      </div>
      <div class="filters">
        {(['kind', 'type', 'about'] as const).map((n) => (
          <label key={n}>
            {t(`audit.${n}`)}
            <input type="search" list={n === 'kind' ? 'audit-kinds' : undefined} value={filter[n]} onChange={(e) => setQuery({ [n]: e.currentTarget.value.trim() })} />
          </label>
        ))}
        <datalist id="audit-kinds">
          {[...new Set(items.map((e) => e.kind))].sort().map((k) => (
            <option key={k} value={k} />
          ))}
        </datalist>
        {items.length > 0 && (
          <a class="button small" download="audit.csv" href={csvHref(['seq', 'at', 'kind', 'type', 'subject', 'about', 'by', 'unit'], items.map((e) => [e.seq, e.at, e.kind, e.type, e.subject, e.about, e.by ?? e.actor, e.unit]))}>
            <span>{t('audit.csv', { n: number(items.length) })}</span>
          </a>
        )}
      </div>
      {list.data ? (
        items.length ? (
          <>
            <div class="table-box cards" tabIndex={0} role="region" aria-label={t('nav.audit')}>
              <table>
                <thead>
                  <tr>
                    <th scope="col" class="n">
                      {t('audit.seq')}
                    </th>
                    <th scope="col">{t('accesses.when')}</th>
                    <th scope="col">{t('audit.kind')}</th>
                    <th scope="col">{t('audit.subject')}</th>
                    <th scope="col">{t('audit.by')}</th>
                    <th scope="col">{t('audit.unit')}</th>
                  </tr>
                </thead>
                <tbody>
                  {items.map((e) => (
                    <tr key={e.seq}>
                      <td class="n" data-label={t('audit.seq')}>
                        {e.seq}
                      </td>
                      <td data-label={t('accesses.when')}>
                        <time dateTime={e.at}>{dateTime(e.at)}</time>
                      </td>
                      <td data-label={t('audit.kind')}>
                        <Tag>{e.kind}</Tag>
                      </td>
                      <td data-label={t('audit.subject')}>
                        <Subject e={e} href={subjectHref(e, types.data)} />
                      </td>
                      <td data-label={t('audit.by')}>
                        <Actor code={e.by ?? e.actor ?? ''} />
                      </td>
                      <td data-label={t('audit.unit')}>{e.unit || '–'}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
            <Pager more={!!list.next} busy={list.busy} onMore={list.more} />
          </>
        ) : (
          <Empty icon={ShieldCheck} title={t('audit.none')} />
        )
      ) : list.error ? (
        <Trouble error={list.error} retry={list.reload} />
      ) : (
        <Skeleton lines={6} tall />
      )}
    </>
  );
}
