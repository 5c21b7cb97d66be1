// SPDX-License-Identifier: Apache-2.0
/** Accounts, what they may do where, and the keys of machines. */
import { KeyRound, Plus, UserRound } from 'lucide';
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { api } from '../../api';
import { AgencyName, useAgencyName } from '../../city';
import { AgencyPickerField } from '../../forms/schema-form';
import { useData } from '../../data';
import { dateTime } from '../../format';
import { t, tMaybe, words, type Words } from '../../i18n';
import { usePages } from '../../pages';
import { go, setQuery, usePlace } from '../../router';
import type { Account, Grant, Page } from '../../types';
import { BackLink, Button, CopyText, Empty, Facts, Note, PageTitle, Pager, Skeleton, Tag, Trouble } from '../../ui/base';
import { confirm, Dialog } from '../../ui/dialog';
import { ErrorSummary, errorsOf, Field, type Errors } from '../../ui/form';
import { toast } from '../../ui/toast';

interface RoleInfo {
  role: string;
  title?: Words;
  about?: Words;
}
export const useRoles = (): RoleInfo[] => useData<Page<RoleInfo>>('/api/v1/roles').data?.items ?? [];
const roleName = (roles: RoleInfo[], role: string): string => words(roles.find((r) => r.role === role)?.title) || tMaybe(`role.${role}`) || role;

export function Accounts(): JSX.Element {
  const q = usePlace().query.get('q') ?? '';
  const [text, setText] = useState(q);
  const [add, setAdd] = useState(false);
  const list = usePages<Account>('/api/v1/accounts', { q });
  const roles = useRoles();
  return (
    <>
      <PageTitle
        actions={
          <Button kind="primary" icon={Plus} onClick={() => setAdd(true)}>
            {t('accounts.new')}
          </Button>
        }
      >
        {t('nav.accounts')}
      </PageTitle>
      <form
        class="filters"
        role="search"
        onSubmit={(e) => {
          e.preventDefault();
          setQuery({ q: text.trim() });
        }}
      >
        <label>
          {t('accounts.search')}
          <input type="search" value={text} onInput={(e) => setText(e.currentTarget.value)} />
        </label>
        <Button small type="submit">
          {t('search')}
        </Button>
      </form>
      {list.data ? (
        list.items.length ? (
          <>
            <div class="table-box cards">
              <table>
                <thead>
                  <tr>
                    <th scope="col">{t('register.name')}</th>
                    <th scope="col">{t('sign.username')}</th>
                    <th scope="col">{t('me.unit')}</th>
                    <th scope="col">{t('me.roles')}</th>
                    <th scope="col">{t('state')}</th>
                  </tr>
                </thead>
                <tbody>
                  {list.items.map((a) => (
                    <tr key={a.id}>
                      <td data-label={t('register.name')}>
                        <a href={`/admin/accounts/${a.id}`}>{a.name}</a>
                      </td>
                      <td data-label={t('sign.username')}>{a.username}</td>
                      <td data-label={t('me.unit')}>{a.unit_name || (a.unit ? <AgencyName code={a.unit} /> : '–')}</td>
                      <td data-label={t('me.roles')}>{a.roles.map((r) => roleName(roles, r.role)).join(', ') || '–'}</td>
                      <td data-label={t('state')}>{a.state === 'locked' ? <Tag tone="bad">{t('accounts.locked')}</Tag> : <Tag tone="good">{t('accounts.active')}</Tag>}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
            <Pager more={!!list.next} busy={list.busy} onMore={list.more} />
          </>
        ) : (
          <Empty icon={UserRound} title={t('accounts.none')} />
        )
      ) : list.error ? (
        <Trouble error={list.error} retry={list.reload} />
      ) : (
        <Skeleton lines={6} tall />
      )}
      {add && <NewAccount onClose={() => setAdd(false)} />}
    </>
  );
}

function NewAccount({ onClose }: { onClose: () => void }): JSX.Element {
  const [v, setV] = useState({ name: '', username: '', password: '', unit: '', kind: 'person' });
  const [errors, setErrors] = useState<Errors>({});
  const [busy, setBusy] = useState(false);
  const set = (name: keyof typeof v) => (e: { currentTarget: { value: string } }) => setV((b) => ({ ...b, [name]: e.currentTarget.value }));
  const save = async (): Promise<void> => {
    setBusy(true);
    setErrors({});
    try {
      const a = await api.post<Account>('/api/v1/accounts/managed', { name: v.name.trim(), username: v.username.trim(), kind: v.kind, ...(v.unit.trim() ? { unit: v.unit.trim() } : {}), ...(v.password ? { password: v.password } : {}) });
      onClose();
      go(`/admin/accounts/${a.id}`);
    } catch (e) {
      setErrors(errorsOf(e, Object.keys(v)));
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog title={t('accounts.new')} onClose={onClose}>
      <form
        noValidate
        onSubmit={(e) => {
          e.preventDefault();
          void save();
        }}
      >
        <ErrorSummary errors={errors} prefix="n" />
        <Field id="n-kind" label={t('accounts.kind')} error={errors.kind}>
          <select value={v.kind} onChange={set('kind')}>
            <option value="person">{t('accounts.person')}</option>
            <option value="machine">{t('accounts.machine')}</option>
          </select>
        </Field>
        <Field id="n-name" label={t('register.name')} error={errors.name}>
          <input type="text" value={v.name} onInput={set('name')} />
        </Field>
        <Field id="n-username" label={t('sign.username')} hint={t('register.username.hint')} error={errors.username}>
          <input type="text" autocapitalize="none" spellcheck={false} value={v.username} onInput={set('username')} />
        </Field>
        <Field id="n-unit" label={t('me.unit')} hint={t('accounts.unit.hint')} error={errors.unit} optional>
          <AgencyPickerField value={v.unit} onChange={(code) => setV((b) => ({ ...b, unit: String(code) }))} />
        </Field>
        {v.kind === 'person' && (
          <Field id="n-password" label={t('accounts.password')} hint={t('register.password.hint')} error={errors.password}>
            <input type="text" autocomplete="off" spellcheck={false} value={v.password} onInput={set('password')} />
          </Field>
        )}
        <div class="buttons">
          <Button kind="primary" type="submit" busy={busy}>
            {t('save')}
          </Button>
          <Button onClick={onClose}>{t('cancel')}</Button>
        </div>
      </form>
    </Dialog>
  );
}

export function AccountPage({ id }: { id: string }): JSX.Element {
  const got = useData<Account>(`/api/v1/accounts/${id}`);
  const roles = useRoles();
  const [v, setV] = useState({ role: '', unit: '', reason: '' });
  const [errors, setErrors] = useState<Errors>({});
  const [busy, setBusy] = useState(false);
  const unit = useAgencyName(got.data?.unit);
  const a = got.data;
  if (!a) return got.error ? <Trouble error={got.error} retry={got.reload} /> : <Skeleton lines={4} tall />;
  const grant = async (): Promise<void> => {
    if (!v.role) return setErrors({ role: t('form.missing', { field: t('delegation.role') }) });
    setErrors({});
    setBusy(true);
    try {
      await api.post(`/api/v1/accounts/${id}/grants`, { role: v.role, unit: v.unit.trim(), ...(v.reason.trim() ? { reason: v.reason.trim() } : {}) });
      setV({ role: '', unit: '', reason: '' });
      got.reload();
    } catch (e) {
      setErrors(errorsOf(e, Object.keys(v)));
    } finally {
      setBusy(false);
    }
  };
  const end = async (g: Grant): Promise<void> => {
    if (!(await confirm(t('accounts.end'), t('accounts.end.text', { role: roleName(roles, g.role), name: a.name }), t('accounts.end'), true))) return;
    await api.delete(`/api/v1/accounts/${id}/grants/${g.id}`).catch((e: Error) => toast(e.message));
    got.reload();
  };
  const lock = async (): Promise<void> => {
    const to = a.state === 'locked' ? 'active' : 'locked';
    if (to === 'locked' && !(await confirm(t('accounts.lock'), t('accounts.lock.text', { name: a.name }), t('accounts.lock'), true))) return;
    await api.patch(`/api/v1/accounts/${id}`, { state: to }).catch((e: Error) => toast(e.message));
    got.reload();
  };
  return (
    <>
      <BackLink href="/admin/accounts">{t('nav.accounts')}</BackLink>
      <PageTitle title={a.name} sub={a.username} actions={<Button onClick={() => void lock()}>{a.state === 'locked' ? t('accounts.unlock') : t('accounts.lock')}</Button>}>
        {a.name}
      </PageTitle>
      <div class="two">
        <div class="card">
          <h2>{t('me.roles')}</h2>
          {a.roles.length ? (
            <ul class="hits">
              {a.roles.map((g) => (
                <li key={g.id ?? g.role + g.unit}>
                  <b>{roleName(roles, g.role)}</b> <span class="quiet">{g.unit ? <AgencyName code={g.unit} /> : t('accounts.everywhere')}</span>
                  {g.until && <p>{t('until', { at: dateTime(g.until) })}</p>}
                  {g.id && (
                    <div>
                      <Button small onClick={() => void end(g)}>
                        {t('accounts.end')}
                      </Button>
                    </div>
                  )}
                </li>
              ))}
            </ul>
          ) : (
            <p class="quiet">{t('accounts.no_roles')}</p>
          )}
          <h3 style={{ margin: '24px 0 12px' }}>{t('accounts.grant')}</h3>
          <ErrorSummary errors={errors} prefix="g" />
          <form
            class="inline-form"
            noValidate
            onSubmit={(e) => {
              e.preventDefault();
              void grant();
            }}
          >
            <Field id="g-role" label={t('delegation.role')} error={errors.role}>
              <select value={v.role} onChange={(e) => setV({ ...v, role: e.currentTarget.value })}>
                <option value="">{t('choose')}</option>
                {roles.map((r) => (
                  <option key={r.role} value={r.role}>
                    {roleName(roles, r.role)}
                  </option>
                ))}
              </select>
            </Field>
            <Field id="g-unit" label={t('accounts.unit')} error={errors.unit} optional>
              <AgencyPickerField key={a.roles.length} value={v.unit} onChange={(code) => setV((b) => ({ ...b, unit: String(code) }))} />
            </Field>
            <Field id="g-reason" label={t('field.reason')} error={errors.reason} optional>
              <input type="text" value={v.reason} onInput={(e) => setV({ ...v, reason: e.currentTarget.value })} />
            </Field>
            <Button type="submit" kind="primary" busy={busy}>
              {t('accounts.grant.do')}
            </Button>
          </form>
        </div>
        <aside>
          <div class="card">
            <Facts
              items={[
                ['ID', <CopyText text={a.id} />],
                [t('accounts.kind'), t(a.kind === 'machine' ? 'accounts.machine' : 'accounts.person')],
                [t('me.unit'), a.unit && `${unit || a.unit}`],
                [t('phone'), a.phone],
                [t('email'), a.email],
                [t('state'), a.state === 'locked' ? t('accounts.locked') : t('accounts.active')],
              ]}
            />
          </div>
        </aside>
      </div>
    </>
  );
}

interface Key {
  id: string;
  account: string;
  name: string;
  hint: string;
  created_at: string;
  expires_at?: string;
  secret?: string;
}

export function Keys(): JSX.Element {
  const list = useData<Page<Key>>('/api/v1/keys');
  const [v, setV] = useState({ account: '', name: '' });
  const [made, setMade] = useState<Key | null>(null);
  const [errors, setErrors] = useState<Errors>({});
  const [busy, setBusy] = useState(false);
  // Machines first; a key may also belong to a person who runs a program.
  const machines = [...(useData<Page<Account>>('/api/v1/accounts?limit=1000').data?.items ?? [])].sort((a, b) => Number(b.kind === 'machine') - Number(a.kind === 'machine'));
  const make = async (): Promise<void> => {
    const wrong: Errors = {};
    if (!v.account) wrong.account = t('form.missing', { field: t('keys_admin.account') });
    if (!v.name.trim()) wrong.name = t('form.missing', { field: t('keys_admin.name') });
    setErrors(wrong);
    if (Object.keys(wrong).length) return;
    setBusy(true);
    try {
      setMade(await api.post<Key>('/api/v1/keys', { account: v.account, name: v.name.trim() }));
      setV({ account: '', name: '' });
      list.reload();
    } catch (e) {
      setErrors(errorsOf(e, Object.keys(v)));
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <PageTitle sub={t('keys_admin.text')}>{t('nav.keys')}</PageTitle>
      {made?.secret && (
        <Note tone="warn" title={t('keys_admin.once')}>
          <span class="secret">
            <CopyText text={made.secret} />
          </span>
        </Note>
      )}
      {list.data ? (
        list.data.items.length ? (
          <div class="table-box cards">
            <table>
              <thead>
                <tr>
                  <th scope="col">{t('keys_admin.name')}</th>
                  <th scope="col">{t('keys_admin.account')}</th>
                  <th scope="col">{t('keys_admin.hint')}</th>
                  <th scope="col">{t('keys_admin.created')}</th>
                  <th scope="col">{t('keys_admin.end')}</th>
                </tr>
              </thead>
              <tbody>
                {list.data.items.map((k) => (
                  <tr key={k.id}>
                    <td data-label={t('keys_admin.name')}>{k.name}</td>
                    <td data-label={t('keys_admin.account')}>{machines.find((m) => m.id === k.account)?.name ?? k.account}</td>
                    <td data-label={t('keys_admin.hint')} class="code">
                      {k.hint}
                    </td>
                    <td data-label={t('keys_admin.created')}>{dateTime(k.created_at)}</td>
                    <td data-label={t('keys_admin.end')}>
                      <Button
                        small
                        onClick={() =>
                          void confirm(t('keys_admin.end'), t('keys_admin.end.text', { name: k.name }), t('keys_admin.end'), true).then((yes) => {
                            if (yes) void api.delete(`/api/v1/keys/${k.id}`).then(list.reload, (e: Error) => toast(e.message));
                          })
                        }
                      >
                        {t('keys_admin.end')}
                      </Button>
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        ) : (
          <Empty icon={KeyRound} title={t('keys_admin.none')} />
        )
      ) : list.error ? (
        <Trouble error={list.error} retry={list.reload} />
      ) : (
        <Skeleton lines={3} tall />
      )}
      <section class="section">
        <h2>{t('keys_admin.new')}</h2>
        <ErrorSummary errors={errors} prefix="k" />
        <form
          class="inline-form"
          noValidate
          onSubmit={(e) => {
            e.preventDefault();
            void make();
          }}
        >
          <Field id="k-account" label={t('keys_admin.account')} error={errors.account}>
            <select value={v.account} onChange={(e) => setV({ ...v, account: e.currentTarget.value })}>
              <option value="">{t('choose')}</option>
              {machines.map((m) => (
                <option key={m.id} value={m.id}>
                  {m.name}
                </option>
              ))}
            </select>
          </Field>
          <Field id="k-name" label={t('keys_admin.name')} error={errors.name}>
            <input type="text" value={v.name} onInput={(e) => setV({ ...v, name: e.currentTarget.value })} />
          </Field>
          <Button type="submit" kind="primary" busy={busy}>
            {t('keys_admin.make')}
          </Button>
        </form>
      </section>
    </>
  );
}
