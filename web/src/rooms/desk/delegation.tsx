// SPDX-License-Identifier: Apache-2.0
/** Letting a colleague act in my place for a time. */
import { UserRound } from 'lucide';
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { api, ApiError } from '../../api';
import { AgencyName } from '../../city';
import { useData } from '../../data';
import { dateTime, isoDay } from '../../format';
import { t, tMaybe } from '../../i18n';
import { me } from '../../session';
import { useStore } from '../../store';
import type { Page } from '../../types';
import { Button, Empty, Note, PageTitle, Skeleton, Trouble } from '../../ui/base';
import { confirm } from '../../ui/dialog';
import { ErrorSummary, errorsOf, Field, type Errors } from '../../ui/form';
import { toast } from '../../ui/toast';

interface Delegation {
  to: string;
  grant: { id: string; role: string; unit: string; from: string; until?: string; reason?: string };
}

export function DelegationPage(): JSX.Element {
  const account = useStore(me);
  const list = useData<Page<Delegation>>('/api/v1/delegations');
  const own = account?.roles.filter((r) => !r.delegated_by) ?? [];
  const held = account?.roles.filter((r) => r.delegated_by) ?? [];
  const tomorrow = isoDay(Date.now() + 86_400_000);
  const [v, setV] = useState({ to: '', grant: '0', from: isoDay(), until: tomorrow, reason: '' });
  const [errors, setErrors] = useState<Errors>({});
  const [busy, setBusy] = useState(false);
  const set = (name: keyof typeof v) => (e: { currentTarget: { value: string } }) => setV((b) => ({ ...b, [name]: e.currentTarget.value }));
  const send = async (): Promise<void> => {
    const wrong: Errors = {};
    if (!v.to.trim()) wrong.to = t('delegation.to.missing');
    if (v.until < v.from) wrong.until = t('delegation.until.wrong');
    if (v.reason.trim().length < 5) wrong.reason = t('delegation.reason.missing');
    setErrors(wrong);
    if (Object.keys(wrong).length) return;
    const grant = own[Number(v.grant)];
    setBusy(true);
    try {
      await api.post('/api/v1/delegations', {
        to: v.to.trim(),
        role: grant?.role,
        unit: grant?.unit,
        from: new Date(`${v.from}T00:00:00+07:00`).toISOString(),
        until: new Date(`${v.until}T23:59:59+07:00`).toISOString(),
        reason: v.reason.trim(),
      });
      toast(t('delegation.made'));
      setV((b) => ({ ...b, to: '', reason: '' }));
      list.reload();
    } catch (e) {
      setErrors(e instanceof ApiError && e.code === 'ACCOUNT_UNKNOWN' ? { to: t('delegation.to.unknown') } : errorsOf(e, Object.keys(v)));
    } finally {
      setBusy(false);
    }
  };
  return (
    <div class="wrap narrow page">
      <PageTitle sub={t('delegation.text')}>{t('nav.delegation')}</PageTitle>
      {list.data ? (
        list.data.items.length ? (
          <ul class="hits">
            {list.data.items.map(({ to, grant: d }) => (
              <li key={d.id}>
                <b>
                  {tMaybe(`role.${d.role}`) ?? d.role}
                  {d.unit && <AgencyName code={d.unit} before=", " />} → {to}
                </b>
                <p>
                  {t('delegation.span', { from: dateTime(d.from), until: dateTime(d.until) })}{d.reason ? ` · ${d.reason}` : ''}
                </p>
                <Button
                  small
                  onClick={() =>
                    void confirm(t('delegation.end'), t('delegation.end.text'), t('delegation.end'), true).then((yes) => {
                      if (yes) void api.delete(`/api/v1/delegations/${d.id}`).then(list.reload, (e: Error) => toast(e.message));
                    })
                  }
                >
                  {t('delegation.end')}
                </Button>
              </li>
            ))}
          </ul>
        ) : (
          <Empty icon={UserRound} title={t('delegation.none')} />
        )
      ) : list.error ? (
        <Trouble error={list.error} retry={list.reload} />
      ) : (
        <Skeleton lines={2} tall />
      )}
      {held.length > 0 && (
        <section class="section">
          <h2>{t('delegation.held')}</h2>
          <ul class="hits">
            {held.map((g) => (
              <li key={g.id ?? g.role + g.unit}>
                <b>
                  {tMaybe(`role.${g.role}`) ?? g.role}
                  {g.unit && <AgencyName code={g.unit} before=", " />}
                </b>
                {g.until && <p>{t('until', { at: dateTime(g.until) })}</p>}
              </li>
            ))}
          </ul>
        </section>
      )}
      <h2 style={{ margin: '40px 0 16px' }}>{t('delegation.new')}</h2>
      {own.length ? (
        <form
          noValidate
          onSubmit={(e) => {
            e.preventDefault();
            void send();
          }}
        >
          <ErrorSummary errors={errors} prefix="d" />
          <Field id="d-to" label={t('delegation.to')} hint={t('delegation.to.hint')} error={errors.to}>
            <input class="short-input" type="text" autocapitalize="none" spellcheck={false} value={v.to} onInput={set('to')} />
          </Field>
          <Field id="d-grant" label={t('delegation.role')} error={errors.grant}>
            <select value={v.grant} onChange={set('grant')}>
              {own.map((g, i) => (
                <option key={i} value={String(i)}>
                  {tMaybe(`role.${g.role}`) ?? g.role}
                  {g.unit ? <AgencyName code={g.unit} before=" · " /> : ''}
                </option>
              ))}
            </select>
          </Field>
          <Field id="d-from" label={t('delegation.from')} error={errors.from}>
            <input class="short-input" type="date" value={v.from} onInput={set('from')} />
          </Field>
          <Field id="d-until" label={t('delegation.until')} error={errors.until}>
            <input class="short-input" type="date" value={v.until} onInput={set('until')} />
          </Field>
          <Field id="d-reason" label={t('field.reason')} hint={t('delegation.reason.hint')} error={errors.reason}>
            <textarea rows={2} maxLength={500} value={v.reason} onInput={set('reason')} />
          </Field>
          <div class="buttons">
            <Button kind="primary" type="submit" busy={busy}>
              {t('delegation.make')}
            </Button>
          </div>
        </form>
      ) : (
        <Note tone="info">
          <p>{t('delegation.no_roles')}</p>
        </Note>
      )}
    </div>
  );
}
