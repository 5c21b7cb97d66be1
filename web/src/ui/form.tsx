// SPDX-License-Identifier: Apache-2.0
/** Fields with a label, a hint and an error in words; a summary of errors that takes the focus. */
import { CircleAlert } from 'lucide';
import { cloneElement, type ComponentChildren, type JSX, type VNode } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { ApiError } from '../api';
import { t } from '../i18n';
import { Icon } from './icon';

/** field name → message */
export type Errors = Record<string, string>;

/** Issues of the server, put beside the fields that they name. The rest stays under "". */
export function errorsOf(e: unknown, known?: string[]): Errors {
  if (!(e instanceof ApiError)) return { '': (e as Error)?.message || t('error.server') };
  const out: Errors = {};
  for (const i of e.issues) {
    const name = i.pointer.replace(/^\//, '').split('/')[0]?.replace(/~1/g, '/').replace(/~0/g, '~') ?? '';
    const key = !known || known.includes(name) ? name : '';
    out[key] = out[key] ? `${out[key]} ${i.message}` : i.message;
  }
  if (!e.issues.length) out[''] = e.offline ? `${t('error.offline')} ${t('error.offline.next')}` : e.detail && e.status < 500 ? `${e.title}` : e.title;
  return out;
}

/** @param href where a field stands that is on another page */
export function ErrorSummary({ errors, prefix = 'f', href }: { errors: Errors; prefix?: string; href?: (field: string) => string }): JSX.Element | null {
  const ref = useRef<HTMLDivElement>(null);
  const list = Object.entries(errors);
  const text = JSON.stringify(errors);
  useEffect(() => {
    if (list.length) ref.current?.focus();
  }, [text]);
  if (!list.length) return null;
  return (
    <div class="error-summary" role="alert" tabIndex={-1} ref={ref}>
      <h2>{t('form.problem')}</h2>
      <ul>
        {list.map(([name, message]) => (
          <li key={name}>
            {name && href ? (
              <a href={href(name)}>{message}</a>
            ) : name ? (
              <a
                href={`#${prefix}-${name}`}
                onClick={(e) => {
                  e.preventDefault();
                  const f = document.getElementById(`${prefix}-${name}`);
                  const target = f?.matches('input,textarea,select,button,[tabindex]') ? f : f?.querySelector<HTMLElement>('input,textarea,select,button');
                  (target as HTMLElement | null)?.focus();
                  target?.scrollIntoView({ block: 'center' });
                }}
              >
                {message}
              </a>
            ) : (
              message
            )}
          </li>
        ))}
      </ul>
    </div>
  );
}

export function FieldError({ id, children }: { id: string; children: ComponentChildren }): JSX.Element {
  return (
    <p class="field-error" id={id}>
      <Icon of={CircleAlert} size={18} />
      <span>
        <span class="sr-only">{t('form.error')} </span>
        {children}
      </span>
    </p>
  );
}

interface FieldProps {
  id: string;
  label: ComponentChildren;
  hint?: ComponentChildren;
  error?: string | undefined;
  optional?: boolean | undefined;
  children: VNode<JSX.HTMLAttributes>;
}

/** One control with its label. */
export function Field({ id, label, hint, error, optional, children }: FieldProps): JSX.Element {
  const described = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(' ');
  return (
    <div class={error ? 'field wrong' : 'field'}>
      <label for={id}>
        {label}
        {optional && <span class="optional"> {t('form.optional')}</span>}
      </label>
      {hint && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {error && <FieldError id={`${id}-error`}>{error}</FieldError>}
      {cloneElement(children, { id, ...(described ? { 'aria-describedby': described } : {}), ...(error ? { 'aria-invalid': 'true' } : {}) } as JSX.HTMLAttributes)}
    </div>
  );
}

/** A group of controls with one question: radios, checkboxes, photos. */
export function Group({ id, label, hint, error, optional, children, big }: Omit<FieldProps, 'children'> & { children: ComponentChildren; big?: boolean }): JSX.Element {
  const described = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(' ');
  return (
    <fieldset class={error ? 'field wrong' : 'field'} id={id} aria-describedby={described || undefined}>
      <legend class={big ? 'big' : undefined}>
        {label}
        {optional && <span class="optional"> {t('form.optional')}</span>}
      </legend>
      {hint && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {error && <FieldError id={`${id}-error`}>{error}</FieldError>}
      {children}
    </fieldset>
  );
}

export function Radio({ name, value, checked, onChange, children, hint, id }: { name: string; value: string; checked: boolean; onChange: (value: string) => void; children: ComponentChildren; hint?: ComponentChildren; id?: string }): JSX.Element {
  return (
    <label class="choice">
      <input type="radio" id={id} name={name} value={value} checked={checked} onChange={() => onChange(value)} />
      <span>
        {children}
        {hint && <small>{hint}</small>}
      </span>
    </label>
  );
}

export function Check({ checked, onChange, children, hint, id }: { checked: boolean; onChange: (on: boolean) => void; children: ComponentChildren; hint?: ComponentChildren; id?: string }): JSX.Element {
  return (
    <label class="choice">
      <input type="checkbox" id={id} checked={checked} onChange={(e) => onChange(e.currentTarget.checked)} />
      <span>
        {children}
        {hint && <small>{hint}</small>}
      </span>
    </label>
  );
}

/** Stars as radio buttons: arrows move, the words are read. */
export function StarInput({ id, value, onChange }: { id: string; value: number; onChange: (n: number) => void }): JSX.Element {
  return (
    <div class="star-input">
      {[1, 2, 3, 4, 5].map((n) => (
        <label key={n} class={n <= value ? 'on' : ''}>
          <input class="sr-only" type="radio" name={id} id={n === 1 ? `${id}-1` : undefined} value={n} checked={n === value} onChange={() => onChange(n)} />
          <svg width="40" height="40" viewBox="0 0 24 24" aria-hidden="true">
            <path d="M12 2.8l2.85 5.78 6.38.93-4.62 4.5 1.09 6.35L12 17.36l-5.7 3 1.09-6.35-4.62-4.5 6.38-.93z" />
          </svg>
          <span class="sr-only">{t(`stars.${n as 1 | 2 | 3 | 4 | 5}`)}</span>
        </label>
      ))}
      <span class="star-words" aria-hidden="true">
        {value ? t(`stars.${value as 1 | 2 | 3 | 4 | 5}`) : ''}
      </span>
    </div>
  );
}
