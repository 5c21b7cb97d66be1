// SPDX-License-Identifier: Apache-2.0
/** The further questions of a category (as Open311 knows them) or of a procedure: asked in a form, and
 *  their answers in words on the pages of a case. */
import type { ComponentChildren, JSX } from 'preact';
import type { Question } from '../city';
import type { Answers } from '../db';
import { dateTime, number } from '../format';
import { t } from '../i18n';
import { Check, Field, Group, Radio, type Errors } from '../ui/form';

const field = (q: Question): string => `q-${q.code}`;
const given = (v: string | string[] | undefined): boolean => (Array.isArray(v) ? v.length > 0 : !!v?.trim());
/** "0,5" and "0.5" are the same number. */
const decimal = (v: string): string => v.trim().replace(',', '.');

/** What is missing or is no number, by the name of its field. */
export function checkAnswers(questions: Question[], answers: Answers): Errors {
  const wrong: Errors = {};
  for (const q of questions) {
    const v = answers[q.code];
    if (q.required && !given(v)) wrong[field(q)] = t('form.missing', { field: q.label });
    else if (q.kind === 'number' && typeof v === 'string' && given(v) && !/^-?\d+(\.\d+)?$/.test(decimal(v))) wrong[field(q)] = t('form.number', { field: q.label });
  }
  return wrong;
}

/** What goes to the server: answers to questions of this category, empty ones left out. */
export function answersOf(questions: Question[], answers: Answers): Answers {
  const out: Answers = {};
  for (const q of questions) {
    const v = answers[q.code];
    if (v === undefined || !given(v)) continue;
    if (Array.isArray(v)) out[q.code] = v;
    else if (q.kind === 'datetime') out[q.code] = new Date(`${v}:00+07:00`).toISOString();
    else out[q.code] = q.kind === 'number' ? decimal(v) : v.trim();
  }
  return out;
}

function Control({ q, value, error, onChange }: { q: Question; value: string | string[] | undefined; error: string | undefined; onChange: (v: string | string[]) => void }): JSX.Element {
  const id = `f-${field(q)}`;
  const text = typeof value === 'string' ? value : '';
  const list = Array.isArray(value) ? value : [];
  if (q.kind === 'singlevaluelist')
    return (
      <Group id={id} label={q.label} error={error} optional={!q.required}>
        {q.values.map((v) => (
          <Radio key={v.key} name={id} value={v.key} checked={text === v.key} onChange={onChange}>
            {v.name}
          </Radio>
        ))}
        {!q.required && text && (
          <button type="button" class="button quiet small" onClick={() => onChange('')}>
            {t('report.questions.clear')}
          </button>
        )}
      </Group>
    );
  if (q.kind === 'multivaluelist')
    return (
      <Group id={id} label={q.label} hint={t('report.questions.many')} error={error} optional={!q.required}>
        {q.values.map((v) => (
          <Check key={v.key} checked={list.includes(v.key)} onChange={(on) => onChange(on ? [...list, v.key] : list.filter((x) => x !== v.key))}>
            {v.name}
          </Check>
        ))}
      </Group>
    );
  return (
    <Field id={id} label={q.label} error={error} optional={!q.required}>
      {q.kind === 'text' ? (
        <textarea rows={3} maxLength={500} value={text} onInput={(e) => onChange(e.currentTarget.value)} />
      ) : (
        <input
          class={q.kind === 'string' ? undefined : 'short-input'}
          type={q.kind === 'datetime' ? 'datetime-local' : 'text'}
          {...(q.kind === 'number' ? { inputMode: 'decimal' as const } : {})}
          maxLength={500}
          autocomplete="off"
          value={text}
          onInput={(e) => onChange(e.currentTarget.value)}
        />
      )}
    </Field>
  );
}

export function Questions({ questions, answers, errors, onChange }: { questions: Question[]; answers: Answers; errors: Errors; onChange: (code: string, v: string | string[]) => void }): JSX.Element {
  return (
    <>
      {questions.map((q) => (
        <Control key={q.code} q={q} value={answers[q.code]} error={errors[field(q)]} onChange={(v) => onChange(q.code, v)} />
      ))}
    </>
  );
}

/** An answer as people read it. */
function shown(q: Question | undefined, v: string | string[]): string {
  const one = (x: string): string => q?.values.find((o) => o.key === x)?.name ?? x;
  if (Array.isArray(v)) return v.map(one).join(', ');
  if (q?.kind === 'number' && Number.isFinite(Number(v))) return number(Number(v), (v.split('.')[1] ?? '').length);
  if (q?.kind === 'datetime') return dateTime(v);
  return one(v);
}

/** Question and answer for a list of facts; an answer whose question is gone still stands. */
export function answerFacts(questions: Question[] | undefined, answers: Answers | undefined): [ComponentChildren, ComponentChildren][] {
  return Object.entries(answers ?? {}).map(([code, v]) => {
    const q = questions?.find((x) => x.code === code);
    return [q?.label ?? code, shown(q, v)];
  });
}
