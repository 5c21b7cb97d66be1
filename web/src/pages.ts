// SPDX-License-Identifier: Apache-2.0
/** A list that is read page by page: the first as any data, the others when they are asked for. */
import { useState } from 'preact/hooks';
import { api, query } from './api';
import { useData, type Data } from './data';
import type { Page } from './types';
import { toast } from './ui/toast';

export interface Pages<T> extends Data<Page<T>> {
  /** of all pages read so far */
  items: T[];
  /** where the next page begins; undefined: there is none */
  next: string | undefined;
  busy: boolean;
  more: () => void;
}

type Params = Parameters<typeof query>[0];

/** @param path null: not yet. Other parameters are another list, which begins with its first page. */
export function usePages<T>(path: string | null, params: Params, limit = 50): Pages<T> {
  const here = `${path ?? ''}${query(params)}`;
  const first = useData<Page<T>>(path === null ? null : `${path}${query({ ...params, limit })}`);
  const [rest, setRest] = useState<{ of: string; items: T[]; next: string | undefined } | null>(null);
  const [busy, setBusy] = useState(false);
  const mine = rest?.of === here ? rest : null;
  const next = mine ? mine.next : first.data?.next;
  const more = (): void => {
    if (path === null || !next) return;
    setBusy(true);
    api
      .get<Page<T>>(path, { ...params, limit, after: next })
      .then((p) => setRest((r) => ({ of: here, items: [...(r?.of === here ? r.items : []), ...p.items], next: p.next })))
      .catch((e: Error) => toast(e.message))
      .finally(() => setBusy(false));
  };
  return { ...first, items: [...(first.data?.items ?? []), ...(mine?.items ?? [])], next, busy, more };
}
