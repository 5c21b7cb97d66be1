// SPDX-License-Identifier: Apache-2.0
/**
 * The one-stop counter: a number is scanned and its dossier opens; a new one is received with the keyboard
 * alone; fees are taken and results handed out. A person stands there and waits: every key counts.
 */
import { CircleCheck, Keyboard, Printer, ScanLine } from 'lucide';
import type { JSX } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { api, newKey, query } from '../../api';
import { useAgencyName } from '../../city';
import { useData } from '../../data';
import { dateTime, idTime, isoDay } from '../../format';
import { t } from '../../i18n';
import { useLiveReload } from '../../live';
import { channels, dossierNumber, findDossier, money, personNumber, termWords, type Channel, type Dossier, type Procedure } from '../../procedures';
import { go, setQuery, usePlace } from '../../router';
import { me } from '../../session';
import { useStore } from '../../store';
import type { Page, Rec, Task } from '../../types';
import { Button, CopyText, DueTag, Empty, Facts, IconButton, LinkButton, Note, PageTitle, Skeleton, StatusTag, Trouble } from '../../ui/base';
import { confirm } from '../../ui/dialog';
import { Check, ErrorSummary, errorsOf, Field, Group, type Errors } from '../../ui/form';
import { Icon } from '../../ui/icon';
import { isCommand, KeysHelp } from '../../ui/keys';
import { say, toast } from '../../ui/toast';
import './desk.css';

const purpose = { 'X-Purpose': 'one-stop counter' };

/** The work on a dossier if there is some for me, else the dossier. */
async function openDossier(id: string): Promise<void> {
  const tasks = await api.get<Page<Task>>('/api/v1/tasks', { case: id, state: 'open,claimed' });
  const task = tasks.items.find((x) => x.may !== false && x.key !== 'rate');
  go(task ? `/desk/tasks/${task.id}` : `/desk/dossiers/${id}`);
}

const lists = ['today', 'receive', 'payment', 'hand_out'] as const;
type List = (typeof lists)[number];
const keysOf: Record<Exclude<List, 'today'>, string[]> = { receive: ['receive', 'receive_again', 'supplement_first', 'supplement_more'], payment: ['payment'], hand_out: ['hand_out'] };

export function CounterPage(): JSX.Element {
  const account = useStore(me);
  const unit = account?.roles.find((r) => r.role === 'counter')?.unit ?? account?.unit ?? '';
  const agency = useAgencyName(unit);
  const q = usePlace().query;
  const list = lists.find((x) => x === q.get('list')) ?? 'today';
  const person = q.get('person') ?? '';
  const [made, setMade] = useState<Dossier | null>(null);
  const [turn, setTurn] = useState(0);
  const [help, setHelp] = useState(false);
  const scan = useRef<HTMLInputElement>(null);
  const today = useData<Page<Dossier>>(unit ? `/api/v1/records/dossier${query(person ? { person_number: person, unit, limit: 50 } : { unit, sort: '-id', limit: 100 })}` : null);
  const tasks = useData<Page<Task>>('/api/v1/tasks?state=open,claimed&role=counter&limit=500');
  const reload = (): void => {
    today.reload();
    tasks.reload();
  };
  useLiveReload((e) => e.type === 'dossier' || /task/.test(e.kind), reload, 2000);
  const next = (): void => {
    setMade(null);
    setTurn((n) => n + 1);
  };

  useLayoutEffect(() => {
    const press = (e: KeyboardEvent): void => {
      if (!isCommand(e)) return;
      // A scanner is a keyboard that types a number: wherever the focus is, it lands in its box.
      if (/^[0-9h]$/i.test(e.key)) return scan.current?.focus();
      if (e.key === 'n') next();
      else if (e.key === '?') setHelp(true);
      else return;
      e.preventDefault();
    };
    document.addEventListener('keydown', press);
    return () => document.removeEventListener('keydown', press);
  });

  const day = isoDay();
  const now = (today.data?.items ?? []).filter((d) => person || isoDay(new Date(idTime(d.id) ?? 0)) === day);
  const waiting = (l: Exclude<List, 'today'>): Task[] => (tasks.data?.items ?? []).filter((x) => x.case?.type === 'dossier' && x.may !== false && keysOf[l].includes(x.key));
  const count = (l: List): number | undefined => (l === 'today' ? today.data && now.length : tasks.data && waiting(l).length);

  if (!unit)
    return (
      <div class="wrap page">
        <PageTitle>{t('nav.counter')}</PageTitle>
        <Note tone="warn">
          <p>{t('counter.no_unit')}</p>
        </Note>
      </div>
    );
  return (
    <div class="wrap page counter">
      <PageTitle sub={agency} actions={<IconButton icon={Keyboard} label={t('keys.title')} onClick={() => setHelp(true)} />}>
        {t('nav.counter')}
      </PageTitle>
      <div class="counter-cols">
        <div class="stack">
          <Scan box={scan} today={today.data?.items ?? []} />
          {made ? <Made d={made} onChange={setMade} onNext={next} /> : <NewDossier key={turn} unit={unit} start={turn > 0} onMade={(d) => (setMade(d), reload())} />}
          <p class="help-note">{t('counter.keys')}</p>
        </div>
        <section aria-label={t('counter.lists')}>
          {person ? (
            <div class="section-head">
              <h2>{t('counter.person', { number: person })}</h2>
              <Button small onClick={() => setQuery({ person: '' })}>
                {t('close')}
              </Button>
            </div>
          ) : (
            <nav aria-label={t('counter.lists')}>
              <ul class="tablist">
                {lists.map((l) => (
                  <li key={l}>
                    <a href={l === 'today' ? '/desk/counter' : `/desk/counter?list=${l}`} aria-current={l === list ? 'page' : undefined} onClick={(e) => (e.preventDefault(), setQuery({ list: l === 'today' ? '' : l }))}>
                      {t(`counter.list.${l}`)}
                      {count(l) !== undefined && ` (${count(l)})`}
                    </a>
                  </li>
                ))}
              </ul>
            </nav>
          )}
          {person || list === 'today' ? (
            today.data ? (
              now.length ? (
                <ul class="case-list">
                  {now.map((d) => (
                    <li class="case-row" key={d.id}>
                      <a class="row-link" href={`/desk/dossiers/${d.id}`}>
                        <span class="case-text">
                          <span class="case-what">{d.number}</span>
                          <span class="case-words">{d.procedure_name}</span>
                          <span class="case-where">{[d.name, d.due_at && t('dossier.due', { at: dateTime(d.due_at) })].filter(Boolean).join(' · ')}</span>
                        </span>
                        <StatusTag status={d.status} />
                      </a>
                    </li>
                  ))}
                </ul>
              ) : (
                <Empty icon={ScanLine} title={person ? t('counter.person.none') : t('counter.none')}>
                  {!person && <p>{t('counter.none.text')}</p>}
                </Empty>
              )
            ) : today.error ? (
              <Trouble error={today.error} retry={today.reload} />
            ) : (
              <Skeleton lines={4} tall />
            )
          ) : tasks.data ? (
            waiting(list).length ? (
              <ul class="case-list">
                {waiting(list).map((x) => (
                  <li class="case-row with-act" key={x.id}>
                    <a class="row-link" href={`/desk/tasks/${x.id}`}>
                      <span class="case-text">
                        <span class="case-what">{x.title.split(' · ')[0]}</span>
                        <span class="case-words">{x.title.split(' · ').slice(1).join(' · ')}</span>
                        <span class="case-where">{t('counter.since', { at: dateTime(x.created_at) })}</span>
                      </span>
                      <DueTag minutes={x.minutes_left} />
                    </a>
                    {list === 'hand_out' && <HandOut task={x} done={reload} />}
                  </li>
                ))}
              </ul>
            ) : (
              <Empty icon={CircleCheck} title={t('inbox.none')}>
                <p>{t('inbox.none.text')}</p>
              </Empty>
            )
          ) : tasks.error ? (
            <Trouble error={tasks.error} retry={tasks.reload} />
          ) : (
            <Skeleton lines={4} tall />
          )}
        </section>
      </div>
      {help && <KeysHelp more={['n']} onClose={() => setHelp(false)} />}
    </div>
  );
}

function HandOut({ task, done }: { task: Task; done: () => void }): JSX.Element {
  const [busy, setBusy] = useState(false);
  const give = async (): Promise<void> => {
    if (!(await confirm(t('counter.hand_out'), t('counter.hand_out.text', { title: task.title }), t('counter.hand_out')))) return;
    setBusy(true);
    try {
      await api.post(`/api/v1/tasks/${task.id}/complete`, { variables: { handed: 'counter' } });
      toast(t('task.done_now', { title: task.title }));
    } catch (e) {
      toast((e as Error).message);
    } finally {
      setBusy(false);
      done();
    }
  };
  return (
    <Button small busy={busy} onClick={() => void give()}>
      {t('counter.hand_out')}
      <span class="sr-only"> {task.title}</span>
    </Button>
  );
}

function Scan({ box, today }: { box: { current: HTMLInputElement | null }; today: Dossier[] }): JSX.Element {
  const [n, setN] = useState('');
  const [problem, setProblem] = useState('');
  const open = async (): Promise<void> => {
    const said = n.trim();
    setProblem('');
    if (!said) return;
    try {
      if (personNumber.test(said)) return setQuery({ person: said, list: '' }, true);
      // The last digits are enough for what came today.
      const short = /^\d{1,4}$/.test(said) ? today.find((d) => isoDay(new Date(idTime(d.id) ?? 0)) === isoDay() && d.number.endsWith(`-${said.padStart(4, '0')}`)) : undefined;
      const found = short ?? (dossierNumber.test(said) ? await findDossier(said) : undefined);
      if (!found) return setProblem(t('lookup.none', { number: said.toUpperCase() }));
      await openDossier(found.id);
    } catch (e) {
      setProblem((e as Error).message);
    }
  };
  return (
    <form
      class="card scan"
      role="search"
      onSubmit={(e) => {
        e.preventDefault();
        void open();
      }}
    >
      <Field id="scan" label={t('counter.scan')} hint={t('counter.scan.hint')} error={problem || undefined}>
        <input ref={box} type="search" autocomplete="off" spellcheck={false} value={n} onInput={(e) => setN(e.currentTarget.value)} onKeyDown={(e) => e.key === 'Escape' && e.currentTarget.blur()} />
      </Field>
    </form>
  );
}

/** A procedure by its code or by words; Enter takes the first. */
function ProcedureBox({ id, commune, chosen, onChoose, error, start }: { id: string; commune: boolean; chosen: Procedure | null; onChoose: (p: Procedure | null) => void; error: string | undefined; start: boolean }): JSX.Element {
  const [q, setQ] = useState('');
  const [hits, setHits] = useState<Procedure[]>([]);
  const input = useRef<HTMLInputElement>(null);
  const early = useRef(false);
  useEffect(() => {
    if (start) input.current?.focus();
  }, []);
  const choose = (p: Procedure): void => {
    early.current = false;
    onChoose(p);
    setQ('');
    setHits([]);
    document.getElementById('n-person_number')?.focus();
  };
  useEffect(() => {
    if (q.trim().length < 2) return setHits([]);
    const stop = new AbortController();
    const timer = setTimeout(
      () =>
        void api.get<Page<Procedure>>('/api/v1/records/procedure', { q: q.trim(), [commune ? 'at_commune' : 'at_province']: true, limit: 8 }, { signal: stop.signal }).then(
          (p) => {
            setHits(p.items);
            say(t('place.found', { n: p.items.length }));
            // Enter was pressed before the answer came.
            if (early.current && p.items[0]) choose(p.items[0]);
          },
          () => undefined,
        ),
      120,
    );
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [q]);
  return (
    <>
      <Field id={id} label={t('counter.procedure')} hint={t('counter.procedure.hint')} error={error}>
        <input
          ref={input}
          type="text"
          role="combobox"
          aria-expanded={hits.length > 0}
          aria-controls={`${id}-list`}
          aria-autocomplete="list"
          autocomplete="off"
          value={q || (chosen ? `${chosen.code} ${chosen.name}` : '')}
          onFocus={(e) => e.currentTarget.select()}
          onInput={(e) => {
            early.current = false;
            setHits([]); // Enter must not take an answer to other words
            setQ(e.currentTarget.value);
            onChoose(null);
          }}
          onKeyDown={(e) => {
            if (e.key === 'Escape') e.currentTarget.blur();
            else if (e.key === 'ArrowDown' && hits.length) document.querySelector<HTMLElement>(`#${id}-list [role=option]`)?.focus();
            else if (e.key === 'Enter' && !e.ctrlKey && !chosen) {
              if (hits[0]) choose(hits[0]);
              else early.current = true;
            } else return;
            e.preventDefault();
            e.stopPropagation();
          }}
        />
      </Field>
      <ul
        class="suggestions"
        id={`${id}-list`}
        role="listbox"
        aria-label={t('procedures.found')}
        hidden={!hits.length}
        onKeyDown={(e) => {
          const all = [...e.currentTarget.querySelectorAll<HTMLElement>('[role=option]')];
          const at = all.indexOf(document.activeElement as HTMLElement);
          if (e.key === 'ArrowDown') all[Math.min(at + 1, all.length - 1)]?.focus();
          else if (e.key === 'ArrowUp') (at <= 0 ? input.current : all[at - 1])?.focus();
          else if (e.key === 'Escape') input.current?.focus();
          else return;
          e.preventDefault();
        }}
      >
        {hits.map((h) => (
          <li key={h.code} role="presentation">
            <button type="button" role="option" aria-selected={false} onClick={() => choose(h)}>
              <span>
                {h.name}
                <small>
                  {h.code} · {h.field}
                </small>
              </span>
            </button>
          </li>
        ))}
      </ul>
    </>
  );
}

const units = ['hour', 'working_day', 'day', 'month'] as const;

function NewDossier({ unit, start, onMade }: { unit: string; start: boolean; onMade: (d: Dossier) => void }): JSX.Element {
  const office = useData<Page<Rec>>(`/api/v1/records/agency${query({ code: unit, limit: 1 })}`).data?.items[0];
  const [p, setP] = useState<Procedure | null>(null);
  const [v, setV] = useState({ person_number: '', name: '', phone: '', count: '', unit: 'working_day', amount: '', delivery: 'counter' as Channel });
  const [ticked, setTicked] = useState<string[]>([]);
  const [errors, setErrors] = useState<Errors>({});
  const [busy, setBusy] = useState(false);
  const [key] = useState(newKey);
  const form = useRef<HTMLFormElement>(null);
  const term = p?.channels.find((c) => c.channel === 'counter');
  // Where the catalogue does not say, the counter does.
  const needsTime = !!p && !(term?.value && term.unit);
  const needsFee = !!p && (term?.fee === undefined || term.currency === 'USD');
  const papers = p?.papers ?? [];
  const set = (name: keyof typeof v) => (e: { currentTarget: { value: string } }) => setV((before) => ({ ...before, [name]: e.currentTarget.value }));

  const choose = (next: Procedure | null): void => {
    setP(next);
    setTicked([]);
    const c = next?.channels.find((x) => x.channel === 'counter');
    setV((before) => ({ ...before, count: String(c?.value ?? 5), unit: 'working_day', amount: '' }));
  };
  /** Who was here before need not spell the name again. */
  const known = (): void => {
    const number = v.person_number.replaceAll(' ', '');
    if (v.name || !personNumber.test(number)) return;
    api.get<Page<Dossier>>('/api/v1/records/dossier', { person_number: number, unit, limit: 1 }, { headers: purpose }).then(
      ({ items: [d] }) => d && setV((before) => (before.name ? before : { ...before, name: d.name ?? '', phone: before.phone || (d.phone ?? '') })),
      () => undefined,
    );
  };

  const send = async (): Promise<void> => {
    const number = v.person_number.replaceAll(' ', '');
    const wrong: Errors = {
      ...(p ? {} : { procedure: t('counter.procedure.missing') }),
      ...(number && !personNumber.test(number) ? { person_number: t('filing.person_number.wrong') } : {}),
      ...(v.name.trim() ? {} : { name: t('form.missing', { field: t('filing.name.citizen') }) }),
      ...(needsTime && !/^[1-9]\d{0,2}$/.test(v.count.trim()) ? { count: t('form.number', { field: t('procedure.term') }) } : {}),
      ...(needsFee && !/^\d{1,11}$/.test(v.amount.replaceAll(/[.\s]/g, '')) ? { amount: t('form.number', { field: t('counter.amount') }) } : {}),
    };
    setErrors(wrong);
    if (!p || Object.keys(wrong).length) return;
    setBusy(true);
    try {
      let d = await api.post<Dossier>(
        '/api/v1/records/dossier',
        {
          procedure: p.code,
          unit,
          channel: 'counter',
          subject: number.length === 12 || !number ? 'citizen' : 'enterprise',
          name: v.name.trim(),
          ...(number ? { person_number: number } : {}),
          ...(v.phone.trim() ? { phone: v.phone.trim() } : {}),
          ...(ticked.length ? { papers: papers.filter((x) => ticked.includes(x.code)).map((x) => ({ code: x.code, name: x.name.slice(0, 500), kind: x.originals ? 'original' : 'copy' })) } : {}),
          delivery: v.delivery,
        },
        { key, headers: purpose },
      );
      if (d.status === 'registered') {
        const { items } = await api.get<Page<Task>>('/api/v1/tasks', { case: d.id, state: 'open,claimed' });
        const task = items.find((x) => x.key === 'receive');
        if (task)
          await api.post(`/api/v1/tasks/${task.id}/complete`, {
            variables: { decision: 'accept', ...(needsTime ? { count: Number(v.count), unit: v.unit } : {}), ...(needsFee ? { amount: Number(v.amount.replaceAll(/[.\s]/g, '')) } : {}) },
          });
        d = await api.get<Dossier>(`/api/v1/records/dossier/${d.id}`);
      }
      onMade(d);
    } catch (e) {
      setErrors(errorsOf(e, ['procedure', 'name', 'person_number', 'phone']));
    } finally {
      setBusy(false);
    }
  };
  /** Enter goes on to the next field, and from the last sends; Ctrl+Enter sends from anywhere. */
  const press = (e: KeyboardEvent): void => {
    const from = e.target as HTMLElement;
    if (e.key === 'Escape' && from.matches('input,select')) return from.blur();
    if (e.key !== 'Enter' || from.matches('button')) return;
    e.preventDefault();
    const fields = [...(form.current?.querySelectorAll<HTMLElement>('input,select') ?? [])].filter((x) => x.checkVisibility());
    const next = fields[fields.indexOf(from) + 1];
    if (e.ctrlKey || from.matches('[type=checkbox]') || !next) void send();
    else next.focus();
  };
  const line = (name: 'person_number' | 'name' | 'phone', label: string, more: JSX.InputHTMLAttributes<HTMLInputElement>): JSX.Element => (
    <Field id={`n-${name}`} label={label} error={errors[name]} optional={name !== 'name'}>
      <input type="text" autocomplete="off" {...more} value={v[name]} onInput={set(name)} />
    </Field>
  );
  return (
    <form
      ref={form}
      class="card act new-dossier"
      noValidate
      aria-label={t('counter.new')}
      onKeyDown={press}
      onSubmit={(e) => {
        e.preventDefault();
        void send();
      }}
    >
      <h2>{t('counter.new')}</h2>
      <ErrorSummary errors={errors} prefix="n" />
      <ProcedureBox id="n-procedure" commune={!!office?.commune} chosen={p} onChoose={choose} error={errors.procedure} start={start} />
      {p && term && !needsTime && (
        <p class="quiet term-line">
          {termWords(term)}
          {!needsFee && ` · ${term.fee ? money(term.fee) : t('procedure.free')}`}
        </p>
      )}
      <div class="pair">
        {line('person_number', t('filing.person_number'), { inputMode: 'numeric', maxLength: 20, onBlur: known })}
        {line('name', t('filing.name.citizen'), { maxLength: 200 })}
        {line('phone', t('phone'), { type: 'tel', inputMode: 'tel', maxLength: 16 })}
        <Field id="n-delivery" label={t('filing.delivery.short')}>
          <select value={v.delivery} onChange={set('delivery')}>
            {channels.map((c) => (
              <option key={c} value={c}>
                {t(`delivery.${c}`)}
              </option>
            ))}
          </select>
        </Field>
        {needsTime && (
          <Field id="n-count" label={t('procedure.term')} error={errors.count}>
            <input type="text" inputMode="numeric" value={v.count} onInput={set('count')} />
          </Field>
        )}
        {needsTime && (
          <Field id="n-unit" label={t('counter.unit')}>
            <select value={v.unit} onChange={set('unit')}>
              {units.map((u) => (
                <option key={u} value={u}>
                  {t(`counter.unit.${u}`)}
                </option>
              ))}
            </select>
          </Field>
        )}
        {needsFee && (
          <Field id="n-amount" label={t('counter.amount')} error={errors.amount}>
            <input type="text" inputMode="numeric" value={v.amount} onInput={set('amount')} />
          </Field>
        )}
      </div>
      {papers.length > 0 && (
        <Group id="n-papers" label={t('procedure.papers')}>
          {papers.length > 1 && (
            <Check id="n-all" checked={ticked.length === papers.length} onChange={(on) => setTicked(on ? papers.map((x) => x.code) : [])}>
              <b>{t('counter.all_papers', { n: papers.length })}</b>
            </Check>
          )}
          {papers.map((x) => (
            <Check key={x.code} checked={ticked.includes(x.code)} onChange={(on) => setTicked((before) => (on ? [...before, x.code] : before.filter((c) => c !== x.code)))}>
              {x.name}
            </Check>
          ))}
        </Group>
      )}
      <div class="buttons">
        <Button kind="primary" type="submit" busy={busy}>
          {t('counter.accept')}
        </Button>
      </div>
    </form>
  );
}

/** What is said to the person at the counter: the number, and when to come again. */
function Made({ d, onChange, onNext }: { d: Dossier; onChange: (d: Dossier) => void; onNext: () => void }): JSX.Element {
  const [receipt, setReceipt] = useState('');
  const [busy, setBusy] = useState('');
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    say(t('counter.made', { number: d.number }));
    // Never a button that takes money: the Enter that received the dossier may still be coming.
    box.current?.querySelector<HTMLElement>('#n-receipt, .next')?.focus();
  }, [d.status]);
  const pay = async (by: 'cash' | 'transfer' | 'card'): Promise<void> => {
    setBusy(by);
    try {
      const { items } = await api.get<Page<Task>>('/api/v1/tasks', { case: d.id, state: 'open,claimed' });
      const task = items.find((x) => x.key === 'payment');
      if (task) await api.post(`/api/v1/tasks/${task.id}/complete`, { variables: { paid_by: by, ...(receipt.trim() ? { receipt: receipt.trim() } : {}) } });
      onChange(await api.get<Dossier>(`/api/v1/records/dossier/${d.id}`));
    } catch (e) {
      toast((e as Error).message);
    } finally {
      setBusy('');
    }
  };
  return (
    <div ref={box} class="made">
      <div class="sent-panel" role="status">
        <Icon of={CircleCheck} size={40} />
        <h2>{t(d.status === 'registered' ? 'counter.registered' : 'counter.received')}</h2>
        <p class="number">
          <CopyText text={d.number} />
        </p>
        {d.due_at && <p class="due">{t('counter.due', { at: dateTime(d.due_at) })}</p>}
      </div>
      <div class="card">
        <Facts
          items={[
            [t('procedure.title'), d.procedure_name],
            [t('filing.name.citizen'), d.name],
            [t('procedure.fee'), d.fee !== undefined && (d.fee === 0 ? t('procedure.free') : money(d.fee))],
            [t('state'), <StatusTag status={d.status} />],
          ]}
        />
        {d.status === 'payment' && (
          <>
            <Field id="n-receipt" label={t('counter.receipt')} optional>
              <input class="short-input" type="text" maxLength={60} value={receipt} onInput={(e) => setReceipt(e.currentTarget.value)} />
            </Field>
            <div class="buttons">
              {(['cash', 'transfer', 'card'] as const).map((by, i) => (
                <Button key={by} kind={i === 0 ? 'primary' : 'plain'} busy={busy === by} onClick={() => void pay(by)}>
                  {t(`counter.pay.${by}`)}
                </Button>
              ))}
            </div>
          </>
        )}
        <div class="buttons">
          <Button kind={d.status === 'payment' ? 'plain' : 'primary'} class="next" onClick={onNext}>
            {t('counter.next')}
          </Button>
          {d.due_at ? (
            <LinkButton icon={Printer} href={`/api/v1/records/dossier/${d.id}/prints/procedures/receipt`} target="_blank" rel="noopener">
              {t('counter.print')}
            </LinkButton>
          ) : (
            <Button icon={Printer} onClick={() => print()}>
              {t('print')}
            </Button>
          )}
          <LinkButton href={`/desk/dossiers/${d.id}`}>{t('counter.open')}</LinkButton>
        </div>
      </div>
    </div>
  );
}
