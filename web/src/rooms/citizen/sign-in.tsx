// SPDX-License-Identifier: Apache-2.0
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { api, ApiError } from '../../api';
import { forget } from '../../data';
import { lang, t } from '../../i18n';
import { go, usePlace, place } from '../../router';
import { me, signIn, works } from '../../session';
import { useStore } from '../../store';
import type { Account } from '../../types';
import { Button, LinkButton, Note, PageTitle } from '../../ui/base';
import { Dialog } from '../../ui/dialog';
import { ErrorSummary, errorsOf, Field, type Errors } from '../../ui/form';

/** Only addresses of this site: a link may not send people elsewhere after signing in. */
function safe(next: string | null, otherwise: string): string {
  return next && /^\/(?![/\\])/.test(next) ? next : otherwise;
}

function SignInForm({ onDone }: { onDone: (a: Account) => void }): JSX.Element {
  const [username, setUsername] = useState('');
  const [password, setPassword] = useState('');
  const [shown, setShown] = useState(false);
  const [errors, setErrors] = useState<Errors>({});
  const [busy, setBusy] = useState(false);
  const send = async (): Promise<void> => {
    const wrong: Errors = {};
    if (!username.trim()) wrong.username = t('sign.username.missing');
    if (!password) wrong.password = t('sign.password.missing');
    setErrors(wrong);
    if (Object.keys(wrong).length) return;
    setBusy(true);
    try {
      onDone(await signIn(username.trim(), password));
    } catch (e) {
      const a = e as ApiError;
      setErrors(a.status === 401 ? { username: t('sign.wrong') } : a.status === 429 ? { '': t('sign.wait', { n: a.retryAfter || 60 }) } : errorsOf(e, ['username', 'password']));
    } finally {
      setBusy(false);
    }
  };
  return (
    <form
      noValidate
      onSubmit={(e) => {
        e.preventDefault();
        void send();
      }}
    >
      <ErrorSummary errors={errors} prefix="s" />
      <Field id="s-username" label={t('sign.username')} error={errors.username}>
        <input type="text" autocomplete="username" autocapitalize="none" spellcheck={false} value={username} onInput={(e) => setUsername(e.currentTarget.value)} />
      </Field>
      <Field id="s-password" label={t('sign.password')} error={errors.password}>
        <input type={shown ? 'text' : 'password'} autocomplete="current-password" value={password} onInput={(e) => setPassword(e.currentTarget.value)} />
      </Field>
      <button type="button" class="button quiet small" aria-pressed={shown} onClick={() => setShown(!shown)} style={{ margin: '-16px 0 8px -12px' }}>
        {shown ? t('sign.hide') : t('sign.show')}
      </button>
      <div class="buttons" style={{ marginTop: '8px' }}>
        <Button kind="primary" type="submit" busy={busy}>
          {t('sign_in')}
        </Button>
      </div>
    </form>
  );
}

export function SignInPage(): JSX.Element {
  const { query, path } = usePlace();
  const account = useStore(me);
  const here = path !== '/login';
  if (account && !here)
    return (
      <div class="wrap page sign">
        <PageTitle>{t('sign.already', { name: account.name })}</PageTitle>
        <LinkButton href={safe(query.get('next'), works(account) ? '/desk' : '/')} kind="primary">
          {t('continue')}
        </LinkButton>
      </div>
    );
  return (
    <div class="wrap page sign">
      <PageTitle>{t('sign_in')}</PageTitle>
      {here && (
        <Note tone="info">
          <p>{t('sign.needed')}</p>
        </Note>
      )}
      <SignInForm
        onDone={(a) => {
          forget();
          if (!here) go(safe(query.get('next'), works(a) ? '/desk' : '/cases'), { replace: true });
        }}
      />
      <p style={{ marginTop: '32px' }}>
        {t('sign.no_account')} <a href={`/register${location.search}`}>{t('register')}</a>
      </p>
    </div>
  );
}

export function RegisterPage(): JSX.Element {
  const [v, setV] = useState({ name: '', username: '', phone: '', email: '', password: '' });
  const [errors, setErrors] = useState<Errors>({});
  const [busy, setBusy] = useState(false);
  const set = (name: keyof typeof v) => (e: { currentTarget: { value: string } }) => setV((before) => ({ ...before, [name]: e.currentTarget.value }));
  const send = async (): Promise<void> => {
    const wrong: Errors = {};
    if (!v.name.trim()) wrong.name = t('register.name.missing');
    if (!/^[a-z0-9._@+-]{3,64}$/i.test(v.username.trim())) wrong.username = t('register.username.wrong');
    if ([...v.password].length < 10) wrong.password = t('register.password.short');
    setErrors(wrong);
    if (Object.keys(wrong).length) return;
    setBusy(true);
    try {
      await api.post('/api/v1/accounts', {
        username: v.username.trim().toLowerCase(),
        password: v.password,
        name: v.name.trim(),
        lang: lang.get(),
        ...(v.phone.trim() ? { phone: v.phone.trim() } : {}),
        ...(v.email.trim() ? { email: v.email.trim() } : {}),
      });
      await signIn(v.username.trim(), v.password);
      forget();
      go(safe(place.get().query.get('next'), '/'), { replace: true });
    } catch (e) {
      setErrors(e instanceof ApiError && e.status === 409 ? { username: t('register.username.taken') } : errorsOf(e, Object.keys(v)));
    } finally {
      setBusy(false);
    }
  };
  return (
    <div class="wrap page sign">
      <PageTitle>{t('register')}</PageTitle>
      <p>{t('register.why')}</p>
      <ErrorSummary errors={errors} prefix="a" />
      <form
        noValidate
        onSubmit={(e) => {
          e.preventDefault();
          void send();
        }}
      >
        <Field id="a-name" label={t('register.name')} hint={t('register.name.hint')} error={errors.name}>
          <input type="text" autocomplete="name" maxLength={120} value={v.name} onInput={set('name')} />
        </Field>
        <Field id="a-username" label={t('sign.username')} hint={t('register.username.hint')} error={errors.username}>
          <input type="text" autocomplete="username" autocapitalize="none" spellcheck={false} value={v.username} onInput={set('username')} />
        </Field>
        <Field id="a-phone" label={t('phone')} error={errors.phone} optional>
          <input type="tel" autocomplete="tel" value={v.phone} onInput={set('phone')} />
        </Field>
        <Field id="a-email" label={t('email')} error={errors.email} optional>
          <input type="email" autocomplete="email" value={v.email} onInput={set('email')} />
        </Field>
        <Field id="a-password" label={t('sign.password')} hint={t('register.password.hint')} error={errors.password}>
          <input type="password" autocomplete="new-password" value={v.password} onInput={set('password')} />
        </Field>
        <div class="buttons">
          <Button kind="primary" type="submit" busy={busy}>
            {t('register')}
          </Button>
        </div>
      </form>
      <p style={{ marginTop: '32px' }}>
        {t('register.have')} <a href="/login">{t('sign_in')}</a>
      </p>
    </div>
  );
}

/** The session ended while somebody worked: sign in over the page, and the work goes on. */
export function SignInAgain({ done }: { done: (again: boolean) => void }): JSX.Element {
  return (
    <Dialog title={t('ended.title')} onClose={() => done(false)}>
      <p>{t('ended.text')}</p>
      <SignInForm onDone={() => undefined} />
    </Dialog>
  );
}
