// SPDX-License-Identifier: Apache-2.0
/** Any type and any record, made from the type's schema: table, filters, form, history. */
import { Database, Plus } from 'lucide';
import type { ComponentChildren, JSX } from 'preact';
import { useState } from 'preact/hooks';
import { api, query, raw } from '../../api';
import { RefName } from '../../city';
import { useData } from '../../data';
import { dateTime } from '../../format';
import { answers, SchemaForm, type Values } from '../../forms/schema-form';
import { choiceLabel, labelOf, resolve, showValue, typeOf } from '../../forms/words';
import { t, tMaybe, words, type Words } from '../../i18n';
import { usePages } from '../../pages';
import { go, setQuery, usePlace } from '../../router';
import type { Doer, Page, Rec, Schema } from '../../types';
import { BackLink, Button, CopyText, Empty, Facts, LinkButton, Note, PageTitle, Pager, Skeleton, Tag, Trouble } from '../../ui/base';
import { confirm } from '../../ui/dialog';
import { ErrorSummary, errorsOf, Field, type Errors } from '../../ui/form';
import { toast } from '../../ui/toast';
import { who } from '../timeline';

export interface TypeInfo {
  type: string;
  label?: Words;
  label_plural?: Words;
  version?: number;
  process?: string;
  schema?: Schema;
  may?: string[];
}
const nameOf = (x: TypeInfo): string => x.type;
const may = (x: TypeInfo | undefined, op: string): boolean => x?.may?.includes(op) ?? false;
const titleOf = (x: TypeInfo | undefined, fallback: string): string =>
  words(x?.label_plural ?? x?.label) || tMaybe(`type.${fallback}`) || fallback;

export function Types(): JSX.Element {
  const list = useData<Page<TypeInfo>>('/api/v1/types');
  return (
    <>
      <PageTitle sub={t('types.text')}>{t('nav.types')}</PageTitle>
      {list.data ? (
        <div class="table-box cards">
          <table>
            <thead>
              <tr>
                <th scope="col">{t('types.name')}</th>
                <th scope="col">{t('types.code')}</th>
                <th scope="col">{t('types.process')}</th>
                <th scope="col">{t('types.open')}</th>
              </tr>
            </thead>
            <tbody>
              {list.data.items.map((x) => (
                <tr key={nameOf(x)}>
                  <td data-label={t('types.name')}>
                    {may(x, 'list') ? <a href={`/admin/records/${nameOf(x)}`}>{titleOf(x, nameOf(x))}</a> : titleOf(x, nameOf(x))}
                  </td>
                  <td data-label={t('types.code')} class="code">
                    {nameOf(x)}
                  </td>
                  <td data-label={t('types.process')}>{x.process ? <a href={`/admin/processes/${x.process}`}>{x.process}</a> : '–'}</td>
                  <td data-label={t('types.open')}>
                    <a href={`/admin/types/${nameOf(x)}`}>{t('types.schema')}</a>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      ) : list.error ? (
        <Trouble error={list.error} retry={list.reload} />
      ) : (
        <Skeleton lines={6} tall />
      )}
    </>
  );
}

function useType(type: string): ReturnType<typeof useData<TypeInfo>> {
  return useData<TypeInfo>(`/api/v1/types/${encodeURIComponent(type)}`);
}
const schemaOf = (x: TypeInfo | undefined): Schema | undefined => x?.schema;

export function TypePage({ type }: { type: string }): JSX.Element {
  const info = useType(type);
  const schema = schemaOf(info.data);
  if (!schema) return info.error ? <Trouble error={info.error} retry={info.reload} /> : <Skeleton lines={6} tall />;
  const root = (schema['x-kh'] ?? {}) as Record<string, unknown>;
  return (
    <>
      <BackLink href="/admin/types">{t('nav.types')}</BackLink>
      <PageTitle sub={<span class="code">{type}</span>} title={titleOf(info.data, type)} actions={<LinkButton href={`/admin/records/${type}`}>{t('types.records')}</LinkButton>}>
        {titleOf(info.data, type)}
      </PageTitle>
      <div class="table-box cards" tabIndex={0} role="region" aria-label={t('types.schema')}>
        <table>
          <thead>
            <tr>
              <th scope="col">{t('types.field')}</th>
              <th scope="col">{t('types.code')}</th>
              <th scope="col">{t('types.kind')}</th>
              <th scope="col">{t('types.sensitivity')}</th>
              <th scope="col">{t('types.notes')}</th>
            </tr>
          </thead>
          <tbody>
            {Object.entries(schema.properties ?? {}).map(([name, rawField]) => {
              const f = resolve(schema, rawField);
              const k = f['x-kh'] ?? {};
              const level = String(k.sensitivity ?? root.sensitivity ?? 'internal');
              const notes = [
                schema.required?.includes(name) && t('types.required'),
                k.unique === true && t('types.unique'),
                k.index !== undefined && t('types.index'),
                k.search !== undefined && t('types.search'),
                k.ref !== undefined && `→ ${String(k.ref)}`,
                k.computed !== undefined && t('types.computed'),
              ].filter(Boolean);
              return (
                <tr key={name}>
                  <td data-label={t('types.field')}>{labelOf(name, f)}</td>
                  <td data-label={t('types.code')} class="code">
                    {name}
                  </td>
                  <td data-label={t('types.kind')}>{f.enum ? f.enum.map((v) => choiceLabel(name, String(v), f)).join(', ') : [typeOf(f), f.format].filter(Boolean).join(' · ')}</td>
                  <td data-label={t('types.sensitivity')}>
                    <Tag tone={level === 'public' ? 'good' : level === 'internal' ? 'info' : 'warn'}>{tMaybe(`level.${level}`) ?? level}</Tag>
                  </td>
                  <td data-label={t('types.notes')}>{notes.join(', ') || '–'}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      <details style={{ marginTop: '16px' }}>
        <summary>JSON Schema</summary>
        <pre class="json" tabIndex={0}>{JSON.stringify(schema, null, 2)}</pre>
      </details>
    </>
  );
}

/** Columns of a list: key and title first, then what can be filtered, at most six. */
function columnsOf(schema: Schema): string[] {
  const root = schema['x-kh'] ?? {};
  const all = Object.keys(schema.properties ?? {});
  const first = [root.key, root.title, (root.serial as { field?: string } | undefined)?.field, root.state].flat().filter((x): x is string => typeof x === 'string');
  const rest = all.filter((n) => {
    const f = schema.properties?.[n];
    return f?.['x-kh']?.index !== undefined || f?.['x-kh']?.search !== undefined || schema.required?.includes(n);
  });
  return [...new Set([...first, ...rest, ...all])].filter((n) => all.includes(n) && !['object', 'array'].includes(typeOf(resolve(schema, schema.properties?.[n] ?? {})))).slice(0, 6);
}

export function Records({ type }: { type: string }): JSX.Element {
  const info = useType(type);
  const schema = schemaOf(info.data);
  const q = usePlace().query;
  const [text, setText] = useState(q.get('q') ?? '');
  const choices = Object.entries(schema?.properties ?? {}).filter(([, f]) => f.enum && f['x-kh']?.index !== undefined);
  const filters = Object.fromEntries(choices.map(([n]) => [n, q.get(n) ?? '']));
  const params = { q: q.get('q'), sort: q.get('sort'), ...filters };
  const list = usePages<Rec>(schema ? `/api/v1/records/${type}` : null, params);
  if (!schema) return info.error ? <Trouble error={info.error} retry={info.reload} /> : <Skeleton lines={6} tall />;
  const columns = columnsOf(schema);
  return (
    <>
      <BackLink href="/admin/types">{t('nav.types')}</BackLink>
      <PageTitle
        title={titleOf(info.data, type)}
        sub={<span class="code">{type}</span>}
        actions={
          <>
            <LinkButton href={`/admin/types/${type}`}>{t('types.schema')}</LinkButton>
            {may(info.data, 'export') && (
              <a class="button" href={`/api/v1/records/${type}/export${query({ format: 'csv' })}`} download={`${type}.csv`}>
                <span>{t('export.csv')}</span>
              </a>
            )}
            {may(info.data, 'create') && (
              <LinkButton kind="primary" icon={Plus} href={`/admin/records/${type}/new`}>
                {t('records.new')}
              </LinkButton>
            )}
          </>
        }
      >
        {titleOf(info.data, type)}
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
          {t('records.search')}
          <input type="search" value={text} onInput={(e) => setText(e.currentTarget.value)} />
        </label>
        {choices.map(([n, f]) => (
          <label key={n}>
            {labelOf(n, f)}
            <select value={filters[n]} onChange={(e) => setQuery({ [n]: e.currentTarget.value })}>
              <option value="">{t('all')}</option>
              {f.enum?.map((v) => (
                <option key={String(v)} value={String(v)}>
                  {choiceLabel(n, String(v), f)}
                </option>
              ))}
            </select>
          </label>
        ))}
        <Button type="submit" small>
          {t('search')}
        </Button>
      </form>
      {list.data ? (
        list.items.length ? (
          <>
            <div class="table-box cards" tabIndex={0} role="region" aria-label={titleOf(info.data, type)}>
              <table>
                <thead>
                  <tr>
                    {columns.map((c) => (
                      <th key={c} scope="col">
                        {labelOf(c, resolve(schema, schema.properties?.[c] ?? {}))}
                      </th>
                    ))}
                    <th scope="col">{t('records.recorded')}</th>
                  </tr>
                </thead>
                <tbody>
                  {list.items.map((r) => (
                    <tr key={r.id}>
                      {columns.map((c, i) => {
                        const f = resolve(schema, schema.properties?.[c] ?? {});
                        const v = showValue(c, r[c], f);
                        return (
                          <td key={c} data-label={labelOf(c, f)}>
                            <div class="cell" title={v}>
                              {i === 0 ? <a href={`/admin/records/${type}/${r.id}`}>{v || r.id}</a> : v ? fieldValue(c, r[c], f, true) : <span class="quiet">–</span>}
                            </div>
                          </td>
                        );
                      })}
                      <td data-label={t('records.recorded')} class="nowrap">
                        <time dateTime={r.meta.recorded_at}>{dateTime(r.meta.recorded_at)}</time>
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
            <Pager more={!!list.next} busy={list.busy} onMore={list.more} />
          </>
        ) : (
          <Empty icon={Database} title={t('records.none')}>
            <p>{t('records.none.text')}</p>
          </Empty>
        )
      ) : list.error ? (
        <Trouble error={list.error} retry={list.reload} />
      ) : (
        <Skeleton lines={8} />
      )}
    </>
  );
}

/** A code that stands for another record is read by the name of that record. */
function fieldValue(name: string, v: unknown, f: Schema, bare = false): ComponentChildren {
  const ref = f['x-kh']?.ref;
  const type = typeof ref === 'string' ? (ref.split('.')[0] as string) : name === 'unit' ? 'agency' : name === 'commune' ? 'admin_unit' : '';
  return type && typeof v === 'string' && v ? <RefName type={type} code={v} bare={bare} /> : showValue(name, v, f);
}

interface Revision {
  revision: number;
  recorded_at: string;
  valid_from?: string;
  valid_to?: string | null;
  who?: Doer;
  reason?: string;
  changes?: { pointer: string; before?: unknown; after?: unknown }[];
}

export function RecordPage({ type, id }: { type: string; id: string }): JSX.Element {
  const fresh = id === 'new';
  const info = useType(type);
  const record = useData<Rec>(fresh ? null : `/api/v1/records/${type}/${id}`);
  const history = useData<Page<Revision>>(fresh || !may(info.data, 'history') ? null : `/api/v1/records/${type}/${id}/history`);
  const [edit, setEdit] = useState(fresh);
  const schema = schemaOf(info.data);
  if (!schema || (!fresh && !record.data)) {
    const error = info.error ?? record.error;
    return (
      <>
        <BackLink href={`/admin/records/${type}`}>{titleOf(info.data, type)}</BackLink>
        {error ? <Trouble error={error} retry={() => (info.reload(), record.reload())} /> : <Skeleton lines={6} tall />}
      </>
    );
  }
  const r = record.data;
  const first = columnsOf(schema).find((c) => r?.[c] !== undefined);
  const title = fresh ? t('records.new') : String(first && r ? showValue(first, r[first], schema.properties?.[first]) : id);
  return (
    <>
      <BackLink href={`/admin/records/${type}`}>{titleOf(info.data, type)}</BackLink>
      <PageTitle title={title}>{title}</PageTitle>
      {edit ? (
        <RecordForm
          type={type}
          schema={schema}
          {...(r ? { record: r } : {})}
          onCancel={() => (fresh ? go(`/admin/records/${type}`) : setEdit(false))}
          onSaved={(saved) => {
            toast(t('saved'));
            if (fresh) return go(`/admin/records/${type}/${saved.id}`, { replace: true });
            record.put(saved);
            history.reload();
            setEdit(false);
          }}
        />
      ) : (
        r && (
          <div class="two">
            <div class="stack">
              <div class="card">
                <Facts items={Object.entries(schema.properties ?? {}).map(([n, f]) => [labelOf(n, resolve(schema, f)), fieldValue(n, r[n], resolve(schema, f))])} />
                {(r.meta.masked?.length ?? 0) > 0 && <p class="quiet">{t('case.masked')}</p>}
              </div>
              <div class="buttons">
                {may(info.data, 'update') && <Button onClick={() => setEdit(true)}>{t('edit')}</Button>}
                {may(info.data, 'close') && !r.meta.valid_to && (
                  <Button
                    onClick={() =>
                      void confirm(t('records.close'), t('records.close.text'), t('records.close'), true).then((yes) => {
                        if (yes) void api.delete(`/api/v1/records/${type}/${id}`).then(() => (toast(t('records.closed')), record.reload(), history.reload()), (e: Error) => toast(e.message));
                      })
                    }
                  >
                    {t('records.close')}
                  </Button>
                )}
                <a class="button quiet" href={`/api/v1/records/${type}/${id}`} target="_blank" rel="noopener">
                  JSON
                </a>
              </div>
            </div>
            <aside>
              <div class="card">
                <Facts
                  items={[
                    ['ID', <CopyText text={r.id} />],
                    [t('records.revision'), r.meta.revision],
                    [t('records.recorded'), dateTime(r.meta.recorded_at)],
                    [t('unit.from'), r.meta.valid_from && dateTime(r.meta.valid_from)],
                    [t('unit.to'), r.meta.valid_to && dateTime(r.meta.valid_to)],
                  ]}
                />
              </div>
              <section class="card">
                <h2>{t('records.history')}</h2>
                {history.data ? (
                  <ol class="timeline">
                    {history.data.items.map((h) => (
                      <li key={h.revision}>
                        <span class="dot" />
                        <div class="what">{t('records.revision_n', { n: h.revision })}</div>
                        <div class="who">
                          <time dateTime={h.recorded_at}>{dateTime(h.recorded_at)}</time>
                          {who(h.who) && ` · ${who(h.who)}`}
                        </div>
                        {h.reason && <p class="said">{h.reason}</p>}
                        <div class="diff">
                          {h.changes?.map((c) => {
                            const n = c.pointer.slice(1).split('/')[0] ?? '';
                            const f = resolve(schema, schema.properties?.[n] ?? {});
                            return (
                              <small key={c.pointer}>
                                {labelOf(n, f)}: {c.before !== undefined && c.before !== null && <del>{showValue(n, c.before, f)}</del>} <ins>{showValue(n, c.after, f)}</ins>
                              </small>
                            );
                          })}
                        </div>
                      </li>
                    ))}
                  </ol>
                ) : history.error ? (
                  <Trouble error={history.error} retry={history.reload} />
                ) : (
                  <Skeleton lines={3} />
                )}
              </section>
            </aside>
          </div>
        )
      )}
    </>
  );
}

function RecordForm({ type, schema, record, onSaved, onCancel }: { type: string; schema: Schema; record?: Rec; onSaved: (r: Rec) => void; onCancel: () => void }): JSX.Element {
  const { id, meta, ...before } = record ?? { id: '', meta: undefined };
  const [values, setValues] = useState<Values>(before as Values);
  const [reason, setReason] = useState('');
  const [errors, setErrors] = useState<Errors>({});
  const [busy, setBusy] = useState(false);
  const fields = Object.keys(schema.properties ?? {});
  const save = async (): Promise<void> => {
    setErrors({});
    const now = answers(schema, values);
    setBusy(true);
    try {
      if (!record) return onSaved(await api.post<Rec>(`/api/v1/records/${type}`, now));
      // A merge patch of what changed; what was emptied is null.
      const patch: Values = {};
      for (const n of fields) {
        const a = (before as Values)[n];
        const b = now[n];
        if (JSON.stringify(a) !== JSON.stringify(b)) patch[n] = b === undefined ? null : b;
      }
      if (!Object.keys(patch).length) return onCancel();
      const current = await raw('GET', `/api/v1/records/${type}/${id}`);
      const tag = current.headers.get('etag');
      const onServer = (await current.json()) as Rec;
      if (onServer.meta.revision !== meta?.revision) return setErrors({ '': t('records.stale') });
      const res = await raw('PATCH', `/api/v1/records/${type}/${id}${query({ reason: reason.trim() })}`, {
        body: patch,
        headers: { 'Content-Type': 'application/merge-patch+json', ...(tag ? { 'If-Match': tag } : {}) },
      });
      onSaved((await res.json()) as Rec);
    } catch (e) {
      setErrors(errorsOf(e, fields));
    } finally {
      setBusy(false);
    }
  };
  return (
    <form
      noValidate
      style={{ maxWidth: '720px' }}
      onSubmit={(e) => {
        e.preventDefault();
        void save();
      }}
    >
      <ErrorSummary errors={errors} />
      <SchemaForm schema={schema} values={values} onChange={setValues} errors={errors} />
      {record && (
        <Field id="f-reason-why" label={t('records.reason')} hint={t('records.reason.hint')} optional>
          <input type="text" maxLength={500} value={reason} onInput={(e) => setReason(e.currentTarget.value)} />
        </Field>
      )}
      {record && (
        <Note tone="info">
          <p>{t('records.kept')}</p>
        </Note>
      )}
      <div class="buttons">
        <Button kind="primary" type="submit" busy={busy}>
          {t('save')}
        </Button>
        <Button onClick={onCancel}>{t('cancel')}</Button>
      </div>
    </form>
  );
}

