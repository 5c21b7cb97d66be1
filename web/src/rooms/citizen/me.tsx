// SPDX-License-Identifier: Apache-2.0
/** What the city keeps about me, who looked at it, and how it may reach me. */
import { BellOff, BellRing, Eye } from 'lucide';
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { api, ApiError, query } from '../../api';
import { AgencyName } from '../../city';
import { useData } from '../../data';
import { dateTime } from '../../format';
import { setLang, t, tMaybe, type Lang } from '../../i18n';
import { pageOf } from '../../links';
import { deviceName, pushHere, pushOff, pushOn, PushRefused, pushRemove, pushState, type PushDevice } from '../../push';
import { me } from '../../session';
import { useStore } from '../../store';
import type { Account, Notice, Page } from '../../types';
import { Button, Empty, Facts, LinkButton, Note, PageTitle, Pager, Skeleton, Tag, Trouble } from '../../ui/base';
import { confirm } from '../../ui/dialog';
import { useCurrentInView } from '../../ui/scroll';
import { Check, ErrorSummary, errorsOf, Field, Group, Radio, type Errors } from '../../ui/form';
import { toast } from '../../ui/toast';
import { SentTags } from '../told';

const tabs = ['data', 'accesses', 'notices', 'preferences', 'password'] as const;
type Tab = (typeof tabs)[number];

export function MePage({ tab = 'data' }: { tab?: string }): JSX.Element {
  const account = useStore(me);
  const at: Tab = tabs.find((x) => x === tab) ?? 'data';
  if (!account) return <div />;
  const Part = { data: MyData, accesses: Accesses, notices: Notices, preferences: Preferences, password: Password }[at];
  return (
    <div class="wrap narrow page">
      <PageTitle title={t(`me.${at}`)} sub={account.username}>
        {account.name}
      </PageTitle>
      <nav aria-label={t('nav.me')}>
        <ul class="tablist" ref={useCurrentInView(at)}>
          {tabs.map((x) => (
            <li key={x}>
              <a href={x === 'data' ? '/me' : `/me/${x}`} aria-current={x === at ? 'page' : undefined}>
                {t(`me.${x}`)}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      <Part account={account} />
    </div>
  );
}

function MyData({ account }: { account: Account }): JSX.Element {
  const [edit, setEdit] = useState(false);
  const [v, setV] = useState({ name: account.name, phone: account.phone ?? '', email: account.email ?? '' });
  const [errors, setErrors] = useState<Errors>({});
  const [busy, setBusy] = useState(false);
  const save = async (): Promise<void> => {
    setErrors({});
    setBusy(true);
    try {
      me.set(await api.patch<Account>('/api/v1/me', { name: v.name.trim(), phone: v.phone.trim(), email: v.email.trim() }));
      toast(t('saved'));
      setEdit(false);
    } catch (e) {
      setErrors(errorsOf(e, Object.keys(v)));
    } finally {
      setBusy(false);
    }
  };
  if (edit)
    return (
      <form
        noValidate
        onSubmit={(e) => {
          e.preventDefault();
          void save();
        }}
      >
        <ErrorSummary errors={errors} prefix="m" />
        <Field id="m-name" label={t('register.name')} error={errors.name}>
          <input type="text" autocomplete="name" value={v.name} onInput={(e) => setV({ ...v, name: e.currentTarget.value })} />
        </Field>
        <Field id="m-phone" label={t('phone')} error={errors.phone} optional>
          <input type="tel" autocomplete="tel" value={v.phone} onInput={(e) => setV({ ...v, phone: e.currentTarget.value })} />
        </Field>
        <Field id="m-email" label={t('email')} error={errors.email} optional>
          <input type="email" autocomplete="email" value={v.email} onInput={(e) => setV({ ...v, email: e.currentTarget.value })} />
        </Field>
        <div class="buttons">
          <Button kind="primary" type="submit" busy={busy}>
            {t('save')}
          </Button>
          <Button onClick={() => setEdit(false)}>{t('cancel')}</Button>
        </div>
      </form>
    );
  return (
    <>
      <div class="card">
        <Facts
          items={[
            [t('register.name'), account.name],
            [t('sign.username'), account.username],
            [t('phone'), account.phone ?? t('none')],
            [t('email'), account.email ?? t('none')],
            [t('me.unit'), account.unit_name],
            [
              t('me.roles'),
              account.roles.length > 0 && (
                <ul class="plain">
                  {account.roles.map((r) => (
                    <li key={r.role + r.unit}>
                      {tMaybe(`role.${r.role}`) ?? r.role}
                      {r.unit && (
                        <span class="quiet">
                          {' '}
                          · <AgencyName code={r.unit} />
                        </span>
                      )}
                      {r.until && <span class="quiet"> · {t('until', { at: dateTime(r.until) })}</span>}
                    </li>
                  ))}
                </ul>
              ),
            ],
          ]}
        />
      </div>
      <div class="buttons">
        <Button onClick={() => setEdit(true)}>{t('edit')}</Button>
        <LinkButton href="/cases">{t('nav.cases')}</LinkButton>
        <LinkButton href="/dossiers">{t('nav.dossiers')}</LinkButton>
      </div>
    </>
  );
}

interface Access {
  at: string;
  by: string;
  role?: string;
  type: string;
  record: string;
  title?: string;
  purpose?: string;
  fields?: string[];
}

function Accesses(): JSX.Element {
  const first = useData<Page<Access>>('/api/v1/me/accesses?limit=50');
  const [more, setMore] = useState<Access[]>([]);
  const [next, setNext] = useState<string | undefined>();
  const [busy, setBusy] = useState(false);
  useEffect(() => setNext(first.data?.next), [first.data]);
  if (!first.data) return first.error ? <Trouble error={first.error} retry={first.reload} /> : <Skeleton lines={4} tall />;
  const items = [...first.data.items, ...more];
  return (
    <>
      <p>{t('accesses.text')}</p>
      {items.length ? (
        <>
          <div class="table-box cards">
            <table>
              <thead>
                <tr>
                  <th scope="col">{t('accesses.when')}</th>
                  <th scope="col">{t('accesses.who')}</th>
                  <th scope="col">{t('accesses.what')}</th>
                  <th scope="col">{t('accesses.why')}</th>
                </tr>
              </thead>
              <tbody>
                {items.map((a, i) => (
                  <tr key={i}>
                    <td data-label={t('accesses.when')}>
                      <time dateTime={a.at}>{dateTime(a.at)}</time>
                    </td>
                    <td data-label={t('accesses.who')}>
                      <span>
                        {a.by}
                        {a.role && <small class="quiet"> {tMaybe(`role.${a.role}`) ?? a.role}</small>}
                      </span>
                    </td>
                    <td data-label={t('accesses.what')}>
                      <span>
                        {a.type === 'report' || a.type === 'dossier' ? <a href={pageOf(a.type, a.record)}>{a.title || tMaybe(`type.${a.type}`)}</a> : (a.title ?? tMaybe(`type.${a.type}`) ?? a.type)}
                        {a.fields?.length ? <small class="quiet"> {a.fields.map((f) => tMaybe(`field.${f}`) ?? f).join(', ')}</small> : null}
                      </span>
                    </td>
                    <td data-label={t('accesses.why')}>{a.purpose || '–'}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
          <Pager
            more={!!next}
            busy={busy}
            onMore={() => {
              setBusy(true);
              void api
                .get<Page<Access>>(`/api/v1/me/accesses${query({ limit: 50, after: next })}`)
                .then((p) => (setMore((m) => [...m, ...p.items]), setNext(p.next)))
                .finally(() => setBusy(false));
            }}
          />
        </>
      ) : (
        <Empty icon={Eye} title={t('accesses.none')}>
          <p>{t('accesses.none.text')}</p>
        </Empty>
      )}
    </>
  );
}

function Notices(): JSX.Element {
  const list = useData<Page<Notice>>('/api/v1/me/notices?limit=50');
  const [more, setMore] = useState<Page<Notice> | null>(null);
  const [busy, setBusy] = useState(false);
  if (!list.data) return list.error ? <Trouble error={list.error} retry={list.reload} /> : <Skeleton lines={4} tall />;
  const items = [...list.data.items, ...(more?.items ?? [])];
  const next = more ? more.next : list.data.next;
  const unread = items.filter((n) => !n.read);
  const read = (body: unknown): void => void api.post('/api/v1/me/notices/read', body).then(() => (setMore(null), list.reload()), (e: Error) => toast(e.message));
  if (!items.length)
    return (
      <Empty icon={BellRing} title={t('notices.none')}>
        <p>{t('notices.none.text')}</p>
      </Empty>
    );
  return (
    <>
      {unread.length > 0 && (
        <Button small onClick={() => read({ all: true })}>
          {t('notices.read_all')}
        </Button>
      )}
      <ul class="hits">
        {items.map((n) => (
          <li key={n.id}>
            {n.link ? (
              <a href={n.link} onClick={() => !n.read && read({ ids: [n.id] })}>
                {n.title}
              </a>
            ) : (
              <b>{n.title}</b>
            )}{' '}
            {!n.read && <Tag tone="warn">{t('notices.new')}</Tag>}
            <p>{n.body}</p>
            <p>
              <time dateTime={n.at}>{dateTime(n.at)}</time>
            </p>
            <SentTags sent={n.sent} />
          </li>
        ))}
      </ul>
      <Pager
        more={!!next}
        busy={busy}
        onMore={() => {
          setBusy(true);
          void api
            .get<Page<Notice>>(`/api/v1/me/notices${query({ limit: 50, after: next })}`)
            .then((p) => setMore((m) => ({ ...p, items: [...(m?.items ?? []), ...p.items] })), (e: Error) => toast(e.message))
            .finally(() => setBusy(false));
        }}
      />
    </>
  );
}

interface Prefs {
  channels: { email?: boolean; sms?: boolean; push?: boolean };
  quiet?: { from?: string; to?: string } | null;
  lang?: Lang;
}

function Preferences({ account }: { account: Account }): JSX.Element {
  const got = useData<Prefs>('/api/v1/me/preferences');
  const [v, setV] = useState<Prefs | null>(null);
  const [errors, setErrors] = useState<Errors>({});
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    if (got.data && !v) setV(got.data);
  }, [got.data]);
  if (!v) return got.error ? <Trouble error={got.error} retry={got.reload} /> : <Skeleton lines={5} tall />;
  const channel = (name: 'email' | 'sms', on: boolean): void => setV({ ...v, channels: { ...v.channels, [name]: on } });
  const save = async (): Promise<void> => {
    setErrors({});
    setBusy(true);
    try {
      await api.put('/api/v1/me/preferences', v);
      if (v.lang) await setLang(v.lang);
      toast(t('saved'));
    } catch (e) {
      setErrors(errorsOf(e));
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <PushHere preferences={v} onChange={(channels) => setV({ ...v, channels: { ...v.channels, ...channels } })} />
      <form
        noValidate
        onSubmit={(e) => {
          e.preventDefault();
          void save();
        }}
      >
        <ErrorSummary errors={errors} prefix="p" />
        <Group id="p-channels" label={t('prefs.channels')} hint={t('prefs.channels.hint')}>
          <Check checked={!!v.channels.email} onChange={(on) => channel('email', on)} hint={account.email ?? t('prefs.no_email')}>
            {t('prefs.email')}
          </Check>
          <Check checked={!!v.channels.sms} onChange={(on) => channel('sms', on)} hint={account.phone ?? t('prefs.no_phone')}>
            {t('prefs.sms')}
          </Check>
        </Group>
        <Group id="p-quiet" label={t('prefs.quiet')} hint={t('prefs.quiet.hint')}>
          <div class="filters">
            <label>
              {t('prefs.from')}
              <input type="time" value={v.quiet?.from ?? ''} onInput={(e) => setV({ ...v, quiet: { ...v.quiet, from: e.currentTarget.value } })} />
            </label>
            <label>
              {t('prefs.to')}
              <input type="time" value={v.quiet?.to ?? ''} onInput={(e) => setV({ ...v, quiet: { ...v.quiet, to: e.currentTarget.value } })} />
            </label>
          </div>
        </Group>
        <Group id="p-lang" label={t('prefs.lang')}>
          <Radio name="lang" value="vi" checked={(v.lang ?? 'vi') === 'vi'} onChange={() => setV({ ...v, lang: 'vi' })}>
            Tiếng Việt
          </Radio>
          <Radio name="lang" value="en" checked={v.lang === 'en'} onChange={() => setV({ ...v, lang: 'en' })}>
            English
          </Radio>
        </Group>
        <div class="buttons">
          <Button kind="primary" type="submit" busy={busy}>
            {t('save')}
          </Button>
        </div>
      </form>
    </>
  );
}

/** Messages on this device begin and end at once, not with the rest of the form: the browser asks. */
function PushHere({ preferences, onChange }: { preferences: Prefs; onChange: (channels: Prefs['channels']) => void }): JSX.Element {
  const [on, setOn] = useState<boolean | undefined>();
  const [busy, setBusy] = useState(true);
  const [problem, setProblem] = useState('');
  const devices = useData<Page<PushDevice>>('/api/v1/me/push');
  useEffect(() => {
    void pushState()
      .then(setOn, () => undefined)
      .finally(() => setBusy(false));
  }, []);
  const turn = async (): Promise<void> => {
    setProblem('');
    setBusy(true);
    try {
      if (on) await pushOff();
      else {
        await pushOn();
        // It may have been switched off for all devices before.
        await api.put('/api/v1/me/preferences', { ...preferences, channels: { ...preferences.channels, push: true } });
        onChange({ push: true });
      }
      setOn(!on);
      devices.reload();
      toast(on ? t('prefs.push.now_off') : t('prefs.push.now_on'));
    } catch (e) {
      setProblem(e instanceof PushRefused ? t('prefs.push.refused') : e instanceof ApiError ? e.title : t('prefs.push.failed'));
    } finally {
      setBusy(false);
    }
  };
  return (
    <section class="card device-push" aria-labelledby="p-push">
      <h2 id="p-push">{t('prefs.push')}</h2>
      <p role="status">{busy && on === undefined ? t('loading') : on === undefined ? t('prefs.push.not_here') : on ? t('prefs.push.on') : t('prefs.push.off')}</p>
      {problem && (
        <Note tone="bad">
          <p>{problem}</p>
        </Note>
      )}
      {on !== undefined && (
        <Button icon={on ? BellOff : BellRing} busy={busy} onClick={() => void turn()}>
          {on ? t('prefs.push.turn_off') : t('prefs.push.turn_on')}
        </Button>
      )}
      <PushDevices
        items={devices.data?.items ?? []}
        on={on}
        onRemoved={(here) => {
          if (here) setOn(false);
          devices.reload();
        }}
      />
    </section>
  );
}

/** A phone that was lost or sold is taken off from any other. */
function PushDevices({ items, on, onRemoved }: { items: PushDevice[]; on: boolean | undefined; onRemoved: (here: boolean) => void }): JSX.Element | null {
  const [here, setHere] = useState<string | undefined>();
  useEffect(() => void pushHere().then(setHere, () => undefined), [on]);
  if (!items.length) return null;
  const remove = async (d: PushDevice): Promise<void> => {
    if (!(await confirm(t('prefs.push.remove'), t('prefs.push.remove.text', { device: deviceName(d) }), t('prefs.push.remove'), true))) return;
    try {
      await pushRemove(d);
      onRemoved(d.endpoint === here);
      toast(t('prefs.push.removed'));
    } catch (e) {
      toast((e as Error).message);
    }
  };
  return (
    <div class="devices">
      <h3 id="p-push-devices">{t('prefs.push.devices')}</h3>
      <ul class="hits" aria-labelledby="p-push-devices">
        {items.map((d) => (
          <li key={d.endpoint}>
            <b>{deviceName(d)}</b> {d.endpoint === here && <Tag>{t('prefs.push.here')}</Tag>}
            <p>{t('prefs.push.since', { at: dateTime(d.since) })}</p>
            <Button small onClick={() => void remove(d)}>
              {t('prefs.push.remove')}
              <span class="sr-only"> {t('prefs.push.of', { device: deviceName(d), at: dateTime(d.since) })}</span>
            </Button>
          </li>
        ))}
      </ul>
    </div>
  );
}

function Password(): JSX.Element {
  const [old, setOld] = useState('');
  const [next, setNext] = useState('');
  const [errors, setErrors] = useState<Errors>({});
  const [done, setDone] = useState(false);
  const [busy, setBusy] = useState(false);
  const save = async (): Promise<void> => {
    const wrong: Errors = {};
    if (!old) wrong.old_password = t('sign.password.missing');
    if ([...next].length < 10) wrong.password = t('register.password.short');
    setErrors(wrong);
    if (Object.keys(wrong).length) return;
    setBusy(true);
    try {
      await api.patch('/api/v1/me', { password: next, old_password: old });
      setDone(true);
      setOld('');
      setNext('');
    } catch (e) {
      setErrors(errorsOf(e, ['password', 'old_password']));
    } finally {
      setBusy(false);
    }
  };
  return (
    <form
      noValidate
      onSubmit={(e) => {
        e.preventDefault();
        void save();
      }}
    >
      {done && <Note tone="good" title={t('password.changed')} />}
      <ErrorSummary errors={errors} prefix="w" />
      <Field id="w-old_password" label={t('password.old')} error={errors.old_password}>
        <input class="short-input" type="password" autocomplete="current-password" value={old} onInput={(e) => setOld(e.currentTarget.value)} />
      </Field>
      <Field id="w-password" label={t('password.new')} hint={t('register.password.hint')} error={errors.password}>
        <input class="short-input" type="password" autocomplete="new-password" value={next} onInput={(e) => setNext(e.currentTarget.value)} />
      </Field>
      <div class="buttons">
        <Button kind="primary" type="submit" busy={busy}>
          {t('password.change')}
        </Button>
      </div>
    </form>
  );
}
