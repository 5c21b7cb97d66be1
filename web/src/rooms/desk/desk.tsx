// SPDX-License-Identifier: Apache-2.0
/** The officer's room: one inbox over all systems, soonest due first, and the case beside it. */
import { CircleCheck, Hand, Keyboard, Pause, Undo2 } from 'lucide';
import type { JSX } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { api, ApiError, query } from '../../api';
import { useData } from '../../data';
import { dateTime, fold } from '../../format';
import { answers, check, SchemaForm, type Values } from '../../forms/schema-form';
import { t, tMaybe, words } from '../../i18n';
import { useLiveReload } from '../../live';
import { go, setQuery, usePlace } from '../../router';
import { me } from '../../session';
import { useStore } from '../../store';
import type { CityEvent, Page, Rec, Task, TimelineItem } from '../../types';
import { BackLink, Button, DueTag, dueTone, Empty, IconButton, Note, PageTitle, Pager, Skeleton, Tag, Trouble } from '../../ui/base';
import { confirm } from '../../ui/dialog';
import { ErrorSummary, errorsOf, type Errors } from '../../ui/form';
import { isCommand, KeysHelp } from '../../ui/keys';
import { toast } from '../../ui/toast';
import { Timeline } from '../timeline';
import { CaseMore, CaseTags, CaseWhat } from './case';
import './desk.css';

const isTask = (e: CityEvent): boolean => /task|instance/.test(e.kind) || ['task', 'report', 'dossier'].includes(e.type ?? '');

export function claimer(task: Task): { id: string; name: string } | null {
  return task.claimed_by ? { id: task.claimed_by, name: task.claimed_name ?? '' } : null;
}

const views = ['all', 'mine', 'free', 'over', 'done'] as const;
type View = (typeof views)[number];

export function DeskPage({ id }: { id?: string }): JSX.Element {
  const place = usePlace();
  const account = useStore(me);
  const view = (views.find((v) => v === place.query.get('view')) ?? 'all') as View;
  const key = place.query.get('key') ?? '';
  const q = place.query.get('q') ?? '';
  const [more, setMore] = useState<{ items: Task[]; next?: string | undefined } | null>(null);
  const [busy, setBusy] = useState(false);
  const [at, setAt] = useState<string | undefined>(id);
  const [help, setHelp] = useState(false);
  const search = useRef<HTMLInputElement>(null);
  const path = (after?: string): string => `/api/v1/tasks${query({ state: view === 'done' ? 'done' : view === 'free' ? 'open' : 'open,claimed', mine: view === 'mine' ? 'true' : '', limit: 100, after })}`;
  const first = useData<Page<Task>>(path());
  useEffect(() => setMore(null), [view]);
  useLiveReload(isTask, first.reload, 3000);
  // Time passes without an event: the time left is read again when the officer returns.
  useEffect(() => {
    const seen = (): void => {
      if (document.visibilityState === 'visible') first.reload();
    };
    document.addEventListener('visibilitychange', seen);
    const timer = setInterval(seen, 300_000);
    return () => {
      document.removeEventListener('visibilitychange', seen);
      clearInterval(timer);
    };
  }, [first.reload]);

  const loaded = [...(first.data?.items ?? []), ...(more?.items ?? [])];
  const next = more ? more.next : first.data?.next;
  const keys = [...new Set(loaded.map((x) => x.key))];
  const shown = loaded.filter(
    (x) => (view !== 'over' || (x.minutes_left ?? 0) < 0) && (!key || x.key === key) && (!q || fold(`${x.title} ${words(x.name)} ${x.unit_name ?? ''}`).includes(fold(q))),
  );
  const over = loaded.filter((x) => (x.minutes_left ?? 0) < 0).length;
  const soon = loaded.filter((x) => dueTone(x) === 'soon').length;
  const search_ = place.query.toString();
  const href = (task: Task): string => `/desk/tasks/${task.id}${search_ ? `?${search_}` : ''}`;

  // With the list itself, not a frame later: a key that is pressed at once is not lost.
  useLayoutEffect(() => {
    const move = (by: number): void => {
      const here = shown.findIndex((x) => x.id === (at ?? id));
      const to = shown[Math.max(0, Math.min(shown.length - 1, here + by))];
      if (!to) return;
      setAt(to.id);
      const row = document.getElementById(`task-${to.id}`);
      row?.querySelector('a')?.focus();
      row?.scrollIntoView({ block: 'nearest' });
    };
    const press = (e: KeyboardEvent): void => {
      if (!isCommand(e)) return;
      if (e.key === '/') search.current?.focus();
      else if (e.key === 'j') move(1);
      else if (e.key === 'k') move(-1);
      else if (e.key === 'Enter' && at && !(e.target as Element).closest('a,button')) {
        const task = shown.find((x) => x.id === at);
        if (task) go(href(task));
      } else if (e.key === '?') setHelp(true);
      else if (e.key === 'u' && id) go(`/desk${search_ ? `?${search_}` : ''}`);
      else return;
      e.preventDefault();
    };
    document.addEventListener('keydown', press);
    return () => document.removeEventListener('keydown', press);
  });

  const onDone = (): void => {
    const here = shown.findIndex((x) => x.id === id);
    const to = shown[here + 1] ?? shown[here - 1];
    first.put((p) => p && { ...p, items: p.items.filter((x) => x.id !== id) });
    setMore((m) => m && { ...m, items: m.items.filter((x) => x.id !== id) });
    go(to ? href(to) : '/desk');
    first.reload();
  };

  return (
    <div class={id ? 'desk open' : 'desk'}>
      <section class="desk-list" aria-label={t('nav.inbox')}>
        <div class="inbox-head">
          {id ? <h2>{t('nav.inbox')}</h2> : <PageTitle>{t('nav.inbox')}</PageTitle>}
          <IconButton icon={Keyboard} label={t('keys.title')} onClick={() => setHelp(true)} />
        </div>
        <p role="status" class="quiet">
          {first.data ? [t('inbox.count', { n: next ? `${loaded.length}+` : loaded.length }), over > 0 && t('inbox.over', { n: over }), soon > 0 && t('inbox.soon', { n: soon })].filter(Boolean).join(' · ') : ' '}
        </p>
        <div class="filters">
          <label>
            {t('inbox.search')}
            <input ref={search} type="search" value={q} onInput={(e) => setQuery({ q: e.currentTarget.value })} onKeyDown={(e) => e.key === 'Escape' && e.currentTarget.blur()} />
          </label>
          <label>
            {t('inbox.view')}
            <select value={view} onChange={(e) => setQuery({ view: e.currentTarget.value === 'all' ? '' : e.currentTarget.value })}>
              {views.map((v) => (
                <option key={v} value={v}>
                  {t(`inbox.view.${v}`)}
                </option>
              ))}
            </select>
          </label>
          {keys.length > 1 && (
            <label>
              {t('inbox.step')}
              <select value={key} onChange={(e) => setQuery({ key: e.currentTarget.value })}>
                <option value="">{t('all')}</option>
                {keys.map((k) => (
                  <option key={k} value={k}>
                    {words(loaded.find((x) => x.key === k)?.name) || k}
                  </option>
                ))}
              </select>
            </label>
          )}
        </div>
        {first.data ? (
          shown.length ? (
            <>
              <ul class="inbox">
                {shown.map((task) => {
                  const c = claimer(task);
                  return (
                    <li key={task.id} id={`task-${task.id}`} class={`${view === 'done' ? 'none' : dueTone(task)} ${task.id === id ? 'at' : ''}`}>
                      <a href={href(task)} aria-current={task.id === id ? 'true' : undefined} onFocus={() => setAt(task.id)}>
                        <span class="title">{task.title}</span>
                        <span class="due">
                          <DueTag minutes={task.minutes_left} done={view === 'done'} />
                        </span>
                        <span class="meta">
                          {[words(task.name), task.unit_name, c && (c.id === account?.id ? t('task.mine') : t('task.claimed', { name: c.name || t('somebody') }))].filter(Boolean).join(' · ')}
                        </span>
                      </a>
                    </li>
                  );
                })}
              </ul>
              <Pager
                more={!!next}
                busy={busy}
                onMore={() => {
                  setBusy(true);
                  api
                    .get<Page<Task>>(path(next))
                    .then((p) => setMore((m) => ({ items: [...(m?.items ?? []), ...p.items], next: p.next })))
                    .catch((e: Error) => toast(e.message))
                    .finally(() => setBusy(false));
                }}
              />
            </>
          ) : (
            <Empty icon={CircleCheck} title={q || key || view !== 'all' ? t('inbox.none_fit') : t('inbox.none')}>
              <p>{q || key || view !== 'all' ? t('inbox.none_fit.text') : t('inbox.none.text')}</p>
            </Empty>
          )
        ) : first.error ? (
          <Trouble error={first.error} retry={first.reload} />
        ) : (
          <Skeleton lines={6} tall />
        )}
        <p class="help-note">{t('keys.hint')}</p>
      </section>
      {id && (
        <div class="desk-case">
          <TaskView key={id} id={id} back={`/desk${search_ ? `?${search_}` : ''}`} onDone={onDone} onChanged={first.reload} />
        </div>
      )}
      {help && (
        <KeysHelp more={['u']} onClose={() => setHelp(false)} />
      )}
    </div>
  );
}

function TaskView({ id, back, onDone, onChanged }: { id: string; back: string; onDone: () => void; onChanged: () => void }): JSX.Element {
  const task = useData<Task>(`/api/v1/tasks/${id}`);
  const x = task.data;
  const about = x?.case;
  const record = useData<Rec>(about ? `/api/v1/records/${about.type}/${about.id}` : null);
  const timeline = useData<Page<TimelineItem>>(about ? `/api/v1/records/${about.type}/${about.id}/timeline?limit=500` : null);
  const r = record.data;
  const type = about?.type ?? '';
  const reload = (): void => {
    task.reload();
    record.reload();
    timeline.reload();
  };
  useLiveReload((e) => e.subject === id || (!!about && (e.subject === about.id || e.about === about.id)), reload);
  if (!x)
    return (
      <>
        <BackLink href={back}>{t('nav.inbox')}</BackLink>
        {task.error ? <Trouble error={task.error} retry={task.reload} /> : <Skeleton lines={6} tall />}
      </>
    );
  const done = x.state === 'done' || x.state === 'cancelled';
  return (
    <>
      <BackLink href={back}>{t('nav.inbox')}</BackLink>
      <PageTitle title={x.title} sub={[words(x.name), x.unit_name].filter(Boolean).join(' · ')}>
        {r ? x.title.replace(`${String(r.number)} · `, '') : x.title}
      </PageTitle>
      <div class="task-head">
        {r && <CaseTags r={r} />}
        <DueTag minutes={x.minutes_left} done={done} />
        {x.paused && <Tag icon={Pause}>{t('task.paused')}</Tag>}
        {x.due_at && !done && <span class="quiet">{t('task.due', { at: dateTime(x.due_at) })}</span>}
      </div>
      <div class="desk-cols">
        {r && <CaseWhat type={type} r={r} />}
        <div class="act-col">
          <Action task={x} reload={(next) => (next ? task.put(next) : reload(), onChanged())} onDone={onDone} />
        </div>
        <div class="stack">
          {about && (r ? <CaseMore type={type} r={r} /> : record.error ? <Trouble error={record.error} retry={record.reload} /> : <Skeleton lines={4} tall />)}
          {about && (
            <section class="card">
              <h2>{t('case.timeline')}</h2>
              {timeline.data ? <Timeline items={timeline.data.items} type={type} /> : <Skeleton lines={4} />}
            </section>
          )}
        </div>
      </div>
    </>
  );
}

/** What the process offers here: made from the form of the task. */
function Action({ task, reload, onDone }: { task: Task; reload: (next?: Task) => void; onDone: () => void }): JSX.Element {
  const account = useStore(me);
  const storage = `khue.task.${task.id}`;
  const [values, setValues] = useState<Values>(() => {
    try {
      return JSON.parse(sessionStorage.getItem(storage) ?? '{}') as Values;
    } catch {
      return {};
    }
  });
  const [errors, setErrors] = useState<Errors>({});
  const [busy, setBusy] = useState('');
  const c = claimer(task);
  const mine = !!c && c.id === account?.id;
  useEffect(() => {
    try {
      if (Object.keys(values).length) sessionStorage.setItem(storage, JSON.stringify(values));
    } catch {
      /* storage is off */
    }
  }, [values]);

  const trouble = (e: unknown): void => {
    const a = e as ApiError;
    if (a.code === 'TASK_DONE' || a.code === 'TASK_CLAIMED') {
      toast(a.title);
      reload();
    } else setErrors(errorsOf(e, Object.keys(task.form?.properties ?? {})));
  };
  const hold = async (what: 'claim' | 'release'): Promise<void> => {
    const back = what === 'claim' ? 'release' : 'claim';
    setBusy(what);
    try {
      await api.post<Task>(`/api/v1/tasks/${task.id}/${what}`);
      toast(what === 'claim' ? t('task.claimed_now') : t('task.released_now'), {
        label: t('undo'),
        run: () => void api.post<Task>(`/api/v1/tasks/${task.id}/${back}`).then(() => reload(), trouble),
      });
      reload();
    } catch (e) {
      trouble(e);
    } finally {
      setBusy('');
    }
  };
  const complete = async (): Promise<void> => {
    const form = task.form ?? {};
    const wrong = check(form, values);
    setErrors(wrong);
    if (Object.keys(wrong).length) return;
    const of = task.case?.type ?? '';
    if (values.decision === 'refuse' && !(await confirm(tMaybe(`task.refuse.title.${of}`) ?? t('task.refuse.title'), tMaybe(`task.refuse.text.${of}`) ?? t('task.refuse.text'), t('task.refuse.yes'), true))) return;
    // A signature is final in law.
    if (values.signed === 'yes' && !(await confirm(t('task.sign.title'), t('task.sign.text', { title: task.title }), t('task.sign.yes')))) return;
    setBusy('complete');
    try {
      await api.post(`/api/v1/tasks/${task.id}/complete`, { variables: answers(form, values) });
      sessionStorage.removeItem(storage);
      toast(t('task.done_now', { title: task.title }));
      onDone();
    } catch (e) {
      trouble(e);
    } finally {
      setBusy('');
    }
  };

  if (task.state === 'done' || task.state === 'cancelled')
    return (
      <Note tone="good" title={t(task.state === 'done' ? 'task.state.done' : 'task.state.cancelled')}>
        <p>{t('task.state.text')}</p>
      </Note>
    );
  return (
    <form
      class="card act"
      noValidate
      aria-label={words(task.name)}
      onSubmit={(e) => {
        e.preventDefault();
        void complete();
      }}
    >
      <h2>{words(task.name)}</h2>
      {c && !mine && (
        <Note tone="info">
          <p>{t('task.claimed', { name: c.name || t('somebody') })}</p>
        </Note>
      )}
      <ErrorSummary errors={errors} />
      {task.may === false && !c && (
        <Note tone="info">
          <p>{t('task.watch', { unit: task.unit_name ?? task.unit })}</p>
        </Note>
      )}
      {!c && task.may !== false && (
        <>
          <p class="quiet">{t('task.claim.text')}</p>
          <Button kind="primary" icon={Hand} busy={busy === 'claim'} onClick={() => void hold('claim')}>
            {t('task.claim')}
          </Button>
        </>
      )}
      {mine && task.form && (
        <>
          <SchemaForm schema={task.form} values={values} onChange={setValues} errors={errors} />
          <div class="buttons">
            <Button kind="primary" type="submit" busy={busy === 'complete'}>
              {t('task.complete')}
            </Button>
            <Button icon={Undo2} busy={busy === 'release'} onClick={() => void hold('release')}>
              {t('task.release')}
            </Button>
          </div>
        </>
      )}
      {mine && !task.form && (
        <Button kind="primary" type="submit" busy={busy === 'complete'}>
          {t('task.complete')}
        </Button>
      )}
    </form>
  );
}
