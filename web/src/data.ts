// SPDX-License-Identifier: Apache-2.0
/** Reading for components: what was read before is shown at once and read again behind it. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { api, type ApiError } from './api';
import { lang } from './i18n';
import { useStore } from './store';

export interface Data<T> {
  data: T | undefined;
  error: ApiError | undefined;
  loading: boolean;
  reload: () => void;
  put: (next: T | ((before: T | undefined) => T | undefined)) => void;
}

const memory = new Map<string, unknown>();
const memoryMax = 60;

export function forget(): void {
  memory.clear();
}

function remember(key: string, value: unknown): void {
  memory.delete(key);
  memory.set(key, value);
  if (memory.size > memoryMax) memory.delete(memory.keys().next().value as string);
}

/** @param key an address to GET (null: not yet), or a name with `read` to fetch by other means */
export function useData<T>(key: string | null, read?: (signal: AbortSignal) => Promise<T>): Data<T> {
  const now = useStore(lang);
  const full = key === null ? null : `${now} ${key}`;
  const [, redraw] = useState(0);
  const [turn, setTurn] = useState(0);
  const state = useRef<{ key: string | null; data: T | undefined; error: ApiError | undefined; loading: boolean }>({
    key: null,
    data: undefined,
    error: undefined,
    loading: true,
  });
  const reader = useRef(read);
  reader.current = read;
  if (state.current.key !== full) {
    state.current = {
      key: full,
      data: full === null ? undefined : (memory.get(full) as T | undefined),
      error: undefined,
      loading: full !== null,
    };
  }
  useEffect(() => {
    if (full === null || key === null) return;
    const stop = new AbortController();
    const mine = state.current;
    mine.loading = true;
    const reading = reader.current ? reader.current(stop.signal) : api.get<T>(key, {}, { signal: stop.signal });
    reading.then(
      (data) => {
        if (stop.signal.aborted) return;
        remember(full, data);
        Object.assign(mine, { data, error: undefined, loading: false });
        redraw((n) => n + 1);
      },
      (error: ApiError) => {
        if (stop.signal.aborted || error.name === 'AbortError') return;
        Object.assign(mine, { error, loading: false });
        redraw((n) => n + 1);
      },
    );
    return () => stop.abort();
  }, [full, turn]);
  const reload = useCallback(() => setTurn((n) => n + 1), []);
  const put = useCallback((next: T | ((before: T | undefined) => T | undefined)) => {
    const s = state.current;
    s.data = typeof next === 'function' ? (next as (b: T | undefined) => T | undefined)(s.data) : next;
    if (s.key !== null) remember(s.key, s.data);
    redraw((n) => n + 1);
  }, []);
  const { data, error, loading } = state.current;
  return { data, error, loading, reload, put };
}
