// SPDX-License-Identifier: Apache-2.0
/** Processes: what is loaded, drawn with the cases that stand at each step. */
import { Workflow } from 'lucide';
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { all, raw } from '../../api';
import { useData } from '../../data';
import { dateTime, number } from '../../format';
import { t, words, type Words } from '../../i18n';
import { useLiveReload } from '../../live';
import { setQuery, usePlace } from '../../router';
import type { Page, Task } from '../../types';
import { BackLink, Button, Empty, Facts, PageTitle, Skeleton, Trouble } from '../../ui/base';
import { Diagram } from './diagram';

interface ProcessInfo {
  key: string;
  version: number;
  name?: Words;
  running?: number;
}
const titleOf = (p: ProcessInfo): string => words(p.name) || p.key;

export function Processes(): JSX.Element {
  const list = useData<Page<ProcessInfo>>('/api/v1/processes');
  useLiveReload((e) => /instance|task/.test(e.kind), list.reload, 10_000);
  return (
    <>
      <PageTitle sub={t('processes.text')}>{t('nav.processes')}</PageTitle>
      {list.data ? (
        list.data.items.length ? (
          <div class="table-box cards">
            <table>
              <thead>
                <tr>
                  <th scope="col">{t('types.name')}</th>
                  <th scope="col">{t('types.code')}</th>
                  <th scope="col" class="n">
                    {t('process.version')}
                  </th>
                  <th scope="col" class="n">
                    {t('process.running')}
                  </th>
                </tr>
              </thead>
              <tbody>
                {list.data.items.map((p) => (
                  <tr key={p.key}>
                    <td data-label={t('types.name')}>
                      <a href={`/admin/processes/${p.key}`}>{titleOf(p)}</a>
                    </td>
                    <td data-label={t('types.code')} class="code">
                      {p.key}
                    </td>
                    <td data-label={t('process.version')} class="n">
                      {p.version}
                    </td>
                    <td data-label={t('process.running')} class="n">
                      {number(p.running ?? 0)}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        ) : (
          <Empty icon={Workflow} title={t('processes.none')} />
        )
      ) : list.error ? (
        <Trouble error={list.error} retry={list.reload} />
      ) : (
        <Skeleton lines={3} tall />
      )}
    </>
  );
}

interface Instance {
  id: string;
  state: string;
  version: number;
  started_at: string;
  ended_at?: string;
  tokens?: { element: string; since?: string }[];
  variables?: Record<string, unknown>;
}

export function ProcessPage({ processKey }: { processKey: string }): JSX.Element {
  const id = usePlace().query.get('instance') ?? '';
  const [text, setText] = useState(id);
  const info = useData<ProcessInfo>(`/api/v1/processes/${encodeURIComponent(processKey)}`);
  const xml = useData<string>(`bpmn ${processKey}`, (signal) => raw('GET', `/api/v1/processes/${encodeURIComponent(processKey)}/bpmn`, { headers: { Accept: 'application/xml' }, signal }).then((r) => r.text()));
  const tasks = useData<Task[]>(`tokens ${processKey}`, (signal) => all<Task>('/api/v1/tasks', { state: 'open,claimed' }, 5000, signal));
  const instance = useData<Instance>(id ? `/api/v1/instances/${encodeURIComponent(id)}` : null);
  useLiveReload((e) => /task|instance|report/.test(e.kind), () => (tasks.reload(), info.reload(), instance.reload()), 5000);
  const tokens = new Map<string, number>();
  if (id) for (const k of instance.data?.tokens ?? []) tokens.set(k.element, (tokens.get(k.element) ?? 0) + 1);
  else for (const x of tasks.data ?? []) if (x.process === processKey) tokens.set(x.key, (tokens.get(x.key) ?? 0) + 1);
  const error = info.error ?? xml.error;
  return (
    <>
      <BackLink href="/admin/processes">{t('nav.processes')}</BackLink>
      <PageTitle title={info.data ? titleOf(info.data) : processKey} sub={info.data && t('process.sub', { key: processKey, version: info.data.version, running: number(info.data.running ?? 0) })}>
        {info.data ? titleOf(info.data) : processKey}
      </PageTitle>
      <form
        class="filters"
        onSubmit={(e) => {
          e.preventDefault();
          setQuery({ instance: text.trim() });
        }}
      >
        <label>
          {t('process.instance')}
          <input type="search" value={text} onInput={(e) => setText(e.currentTarget.value)} />
        </label>
        <Button type="submit" small>
          {t('open')}
        </Button>
        {id && (
          <Button small onClick={() => (setText(''), setQuery({ instance: null }))}>
            {t('process.all')}
          </Button>
        )}
      </form>
      {instance.error && <Trouble error={instance.error} />}
      {instance.data && (
        <div class="card" style={{ marginBottom: '16px' }}>
          <Facts
            items={[
              [t('state'), instance.data.state],
              [t('process.started'), dateTime(instance.data.started_at)],
              [t('process.ended'), instance.data.ended_at && dateTime(instance.data.ended_at)],
              [t('process.variables'), instance.data.variables && <pre class="json">{JSON.stringify(instance.data.variables, null, 2)}</pre>],
            ]}
          />
        </div>
      )}
      {xml.data ? <Diagram xml={xml.data} tokens={tokens} label={t('process.diagram', { name: info.data ? titleOf(info.data) : processKey })} /> : error ? <Trouble error={error} retry={() => (info.reload(), xml.reload())} /> : <Skeleton lines={4} tall />}
    </>
  );
}
