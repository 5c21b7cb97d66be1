// SPDX-License-Identifier: Apache-2.0
/**
 * A form from a JSON Schema with `x-kh` labels: choices become radio buttons or a list, text a line
 * or an area, photos an upload, units a picker. Fields that a choice asks for appear with it
 * (`x-kh.when` or if/then of the schema). Errors come as the server words them, beside their field.
 */
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { api, query } from '../api';
import { t } from '../i18n';
import { choiceLabel, hintOf, kh, labelOf, resolve, typeOf } from './words';
import type { KeptFile } from '../db';
import type { Page, Rec, Schema } from '../types';
import { Check, Field, Group, Radio, StarInput, type Errors } from '../ui/form';
import { PhotoInput } from '../ui/photos';

export type Values = Record<string, unknown>;
export interface Choice {
  value: string;
  label: string;
}

function matches(s: Schema | undefined, values: Values): boolean {
  if (!s) return true;
  for (const r of s.required ?? []) if (values[r] === undefined || values[r] === '') return false;
  for (const [name, p] of Object.entries(s.properties ?? {})) {
    const v = values[name];
    if (v === undefined) continue; // as in JSON Schema: an absent property satisfies `properties`
    if (p.const !== undefined && v !== p.const) return false;
    if (p.enum && !p.enum.includes(v)) return false;
  }
  return true;
}

/** Which fields are shown and asked for, given what is chosen so far. */
export function plan(root: Schema, values: Values): { name: string; schema: Schema; required: boolean }[] {
  const props = root.properties ?? {};
  const required = new Set(root.required ?? []);
  const conditional = new Set<string>();
  const rules = [root, ...(root.allOf ?? [])].filter((r) => r.if);
  const forbidden = new Set<string>();
  for (const r of rules) {
    for (const branch of [r.then, r.else]) for (const n of branch?.required ?? []) conditional.add(n);
    const branch = matches(r.if, values) ? r.then : r.else;
    for (const n of branch?.required ?? []) required.add(n);
    for (const [n, p] of Object.entries(branch?.properties ?? {})) if ((p as unknown) === false) forbidden.add(n);
  }
  const out: { name: string; schema: Schema; required: boolean }[] = [];
  for (const [name, raw] of Object.entries(props)) {
    const schema = resolve(root, raw);
    if (forbidden.has(name) || kh(schema).hidden === true) continue;
    const when = kh(schema).when as Record<string, unknown> | undefined;
    let asked = required.has(name);
    if (when && typeof when === 'object') {
      const fits = Object.entries(when).every(([n, want]) => (Array.isArray(want) ? want.includes(values[n]) : values[n] === want));
      if (!fits) continue;
      if (kh(schema).required === true) asked = true;
    } else if (!asked && conditional.has(name) && !kh(schema).always) continue;
    out.push({ name, schema, required: asked });
  }
  return out;
}

/** Checks that need no server: what is missing. */
export function check(root: Schema, values: Values): Errors {
  const wrong: Errors = {};
  for (const { name, schema, required } of plan(root, values)) {
    const v = values[name];
    const empty = v === undefined || v === null || (typeof v === 'string' && !v.trim()) || (Array.isArray(v) && !v.length);
    if (required && empty) wrong[name] = t('form.missing', { field: labelOf(name, schema) });
    else if (typeof v === 'string' && schema.minLength && v.trim().length < schema.minLength && !empty) wrong[name] = t('form.short', { field: labelOf(name, schema), n: schema.minLength });
  }
  return wrong;
}

/** The values of the fields that are shown, without empty ones. */
export function answers(root: Schema, values: Values): Values {
  const out: Values = {};
  for (const { name } of plan(root, values)) {
    const v = values[name];
    if (v === undefined || v === null || v === '' || (Array.isArray(v) && !v.length)) continue;
    out[name] = typeof v === 'string' ? v.trim() : v;
  }
  return out;
}

interface PickerProps {
  id: string;
  value: string;
  onChange: (code: string) => void;
  described?: string | undefined;
  invalid?: boolean;
}

const agencyCode = /^[A-Z]\d{2}(\.[A-Z0-9]+)*$/;

/** An agency by its name in any spelling, or by its code. */
function AgencyPicker({ id, value, onChange, described, invalid }: PickerProps): JSX.Element {
  const [q, setQ] = useState('');
  const [hits, setHits] = useState<Choice[]>([]);
  const [chosen, setChosen] = useState('');
  useEffect(() => {
    if (!value || chosen) return;
    void api.get<Page<Rec>>(`/api/v1/records/agency${query({ code: value, limit: 1 })}`).then(
      (p) => setChosen(String(p.items[0]?.name ?? value)),
      () => undefined,
    );
  }, [value]);
  useEffect(() => {
    if (q.trim().length < 2) return setHits([]);
    const stop = new AbortController();
    const timer = setTimeout(
      () =>
        void api.get<Page<Rec>>(`/api/v1/records/agency${query({ q: q.trim(), limit: 8 })}`, {}, { signal: stop.signal }).then(
          (p) => setHits(p.items.map((r) => ({ value: String(r.code), label: String(r.name ?? r.code) }))),
          () => undefined,
        ),
      200,
    );
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [q]);
  return (
    <>
      <input
        id={id}
        type="search"
        role="combobox"
        aria-expanded={hits.length > 0}
        aria-controls={`${id}-list`}
        aria-autocomplete="list"
        autocomplete="off"
        placeholder={t('agency.search')}
        aria-describedby={described}
        aria-invalid={invalid ? 'true' : undefined}
        value={q || chosen}
        onInput={(e) => {
          const typed = e.currentTarget.value;
          setQ(typed);
          setChosen('');
          onChange(agencyCode.test(typed.trim()) ? typed.trim() : ''); // whoever knows the code may write it
        }}
        onKeyDown={(e) => {
          if (e.key === 'ArrowDown' && hits.length) {
            e.preventDefault();
            document.querySelector<HTMLElement>(`#${CSS.escape(id)}-list [role=option]`)?.focus();
          } else if (e.key === 'Enter') e.preventDefault();
        }}
      />
      <ul
        class="suggestions"
        id={`${id}-list`}
        role="listbox"
        aria-label={t('agency.results')}
        hidden={!hits.length}
        onKeyDown={(e) => {
          const all = [...e.currentTarget.querySelectorAll<HTMLElement>('[role=option]')];
          const at = all.indexOf(document.activeElement as HTMLElement);
          if (e.key === 'ArrowDown') all[Math.min(at + 1, all.length - 1)]?.focus();
          else if (e.key === 'ArrowUp') (at <= 0 ? document.getElementById(id) : all[at - 1])?.focus();
          else return;
          e.preventDefault();
        }}
      >
        {hits.map((h) => (
          <li key={h.value} role="presentation">
            <button
              type="button"
              role="option"
              aria-selected={h.value === value}
              onClick={() => {
                onChange(h.value);
                setChosen(h.label);
                setQ('');
                setHits([]);
                document.getElementById(id)?.focus();
              }}
            >
              <span>
                {h.label}
                <small>{h.value}</small>
              </span>
            </button>
          </li>
        ))}
      </ul>
    </>
  );
}

export interface SchemaFormProps {
  schema: Schema;
  values: Values;
  onChange: (change: (before: Values) => Values) => void;
  errors: Errors;
  prefix?: string;
}

export function SchemaForm({ schema, values, onChange, errors, prefix = 'f' }: SchemaFormProps): JSX.Element {
  const set = (name: string, v: unknown): void => onChange((before) => ({ ...before, [name]: v }));
  return (
    <>
      {plan(schema, values).map(({ name, schema: s, required }) => (
        <Control key={name} id={`${prefix}-${name}`} name={name} schema={s} required={required} value={values[name]} error={errors[name]} onChange={(v) => set(name, v)} />
      ))}
    </>
  );
}

function Control({ id, name, schema: s, required, value, error, onChange }: { id: string; name: string; schema: Schema; required: boolean; value: unknown; error: string | undefined; onChange: (v: unknown) => void }): JSX.Element {
  const k = kh(s);
  const widget = String(k.widget ?? k.control ?? '');
  const label = labelOf(name, s);
  const hint = hintOf(s) || undefined;
  const optional = !required;
  const type = typeOf(s);
  const ref = String(k.ref ?? '');
  const [files, setFiles] = useState<KeptFile[]>([]);
  const text = value === undefined || value === null ? '' : String(value);

  if (widget === 'photos' || (type === 'array' && /photo|file/.test(name + String(k.ref ?? s.items?.format ?? ''))))
    return (
      <Group id={id} label={label} hint={hint} error={error} optional={optional}>
        <PhotoInput
          id={`${id}-files`}
          files={files}
          max={s.maxItems ?? 5}
          onChange={(fn) =>
            setFiles((before) => {
              const next = fn(before);
              onChange(next.flatMap((f) => (f.id ? [f.id] : [])));
              return next;
            })
          }
        />
      </Group>
    );
  if (ref === 'agency' || ref.startsWith('agency.') || widget === 'unit' || name === 'to_unit')
    return (
      <Field id={id} label={label} hint={hint ?? t('agency.hint')} error={error} optional={optional}>
        <AgencyPickerField value={text} onChange={onChange} />
      </Field>
    );
  if (s.enum) {
    const list = s.enum.filter((v) => v !== null).map(String);
    if (list.length <= 6)
      return (
        <Group id={id} label={label} hint={hint} error={error} optional={optional}>
          {list.map((v, i) => (
            <Radio key={v} id={`${id}-${i}`} name={id} value={v} checked={text === v} onChange={onChange}>
              {choiceLabel(name, v, s)}
            </Radio>
          ))}
        </Group>
      );
    return (
      <Field id={id} label={label} hint={hint} error={error} optional={optional}>
        <select value={text} onChange={(e) => onChange(e.currentTarget.value)}>
          <option value="">{t('choose')}</option>
          {list.map((v) => (
            <option key={v} value={v}>
              {choiceLabel(name, v, s)}
            </option>
          ))}
        </select>
      </Field>
    );
  }
  if (type === 'boolean')
    return (
      <div class="field">
        <Check id={id} checked={value === true} onChange={onChange} hint={hint}>
          {label}
        </Check>
      </div>
    );
  if (widget === 'stars' || name === 'stars')
    return (
      <Group id={id} label={label} hint={hint} error={error} optional={optional}>
        <StarInput id={`${id}-stars`} value={Number(value ?? 0)} onChange={onChange} />
      </Group>
    );
  if (type === 'integer' || type === 'number')
    return (
      <Field id={id} label={label} hint={hint} error={error} optional={optional}>
        <input
          class="short-input"
          type="text"
          inputMode={type === 'integer' ? 'numeric' : 'decimal'}
          value={text}
          onInput={(e) => {
            const v = e.currentTarget.value.trim().replace(',', '.');
            onChange(v === '' ? undefined : Number.isFinite(Number(v)) ? Number(v) : v);
          }}
        />
      </Field>
    );
  if (s.format === 'date' || s.format === 'date-time')
    return (
      <Field id={id} label={label} hint={hint} error={error} optional={optional}>
        <input
          class="short-input"
          type={s.format === 'date' ? 'date' : 'datetime-local'}
          value={s.format === 'date' ? text : text.slice(0, 16)}
          onInput={(e) => {
            const v = e.currentTarget.value;
            onChange(s.format === 'date' || !v ? v : new Date(`${v}:00+07:00`).toISOString());
          }}
        />
      </Field>
    );
  if (type === 'array' || type === 'object')
    return (
      <Field id={id} label={label} hint={hint ?? t('form.json')} error={error} optional={optional}>
        <JsonInput value={value} onChange={onChange} />
      </Field>
    );
  const long = widget === 'textarea' || (s.maxLength ?? 0) > 200 || /answer|reason|comment|description|note/.test(name);
  return (
    <Field id={id} label={label} hint={hint} error={error} optional={optional}>
      {long ? (
        <textarea rows={4} maxLength={s.maxLength} value={text} onInput={(e) => onChange(e.currentTarget.value)} />
      ) : (
        <input type={s.format === 'email' ? 'email' : 'text'} maxLength={s.maxLength} value={text} onInput={(e) => onChange(e.currentTarget.value)} />
      )}
    </Field>
  );
}

export function AgencyPickerField({ value, onChange, id = '', ...aria }: { value: string; onChange: (v: unknown) => void; id?: string; 'aria-describedby'?: string; 'aria-invalid'?: string }): JSX.Element {
  return <AgencyPicker id={id} value={value} onChange={onChange} described={aria['aria-describedby']} invalid={aria['aria-invalid'] === 'true'} />;
}

/** A value without a form of its own, as JSON; kept as typed until it can be read. */
function JsonInput({ value, onChange, ...rest }: { value: unknown; onChange: (v: unknown) => void; id?: string }): JSX.Element {
  const [text, setText] = useState(value === undefined ? '' : JSON.stringify(value, null, 2));
  return (
    <textarea
      {...rest}
      rows={4}
      spellcheck={false}
      value={text}
      onInput={(e) => {
        const v = e.currentTarget.value;
        setText(v);
        try {
          onChange(v.trim() ? JSON.parse(v) : undefined);
        } catch {
          onChange(v); // the server says what is wrong with it
        }
      }}
    />
  );
}
