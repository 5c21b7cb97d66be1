// SPDX-License-Identifier: Apache-2.0
/**
 * The one door to the server. Errors are RFC 9457 problems with their issues; a POST carries an
 * idempotency key, so a repeat after a lost answer does not act twice; when the session has ended
 * the call waits while the person signs in again, and is then repeated: nothing typed is lost.
 */
import { lang, t } from './i18n';
import type { Issue, Page, Session } from './types';

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly title: string,
    readonly detail: string,
    readonly issues: Issue[],
    readonly request: string,
    readonly retryAfter: number,
  ) {
    super(title);
  }
  /** No answer at all: the network, not the server. */
  get offline(): boolean {
    return this.status === 0;
  }
}

type Params = Record<string, string | number | boolean | null | undefined>;
export interface CallOptions {
  params?: Params | undefined;
  body?: unknown;
  signal?: AbortSignal | undefined;
  key?: string | undefined;
  headers?: Record<string, string> | undefined;
  /** Do not ask the person to sign in again on 401. */
  quiet?: boolean | undefined;
}

/** Set by session.ts: the token against forged requests, and what to do when the session ended. */
export const door: { csrf: string; signInAgain: (() => Promise<boolean>) | null } = {
  csrf: '',
  signInAgain: null,
};

export function query(params: Params = {}): string {
  const q = new URLSearchParams();
  for (const [k, v] of Object.entries(params))
    if (v !== undefined && v !== null && v !== '') q.set(k, String(v));
  const text = q.toString();
  return text ? `?${text}` : '';
}

export function newKey(): string {
  return crypto.randomUUID ? crypto.randomUUID() : `${Date.now()}-${Math.random().toString(36).slice(2)}`;
}

async function problem(res: Response): Promise<ApiError> {
  let p: Record<string, unknown> = {};
  try {
    p = (await res.json()) as Record<string, unknown>;
  } catch {
    /* an answer from something between us and the server */
  }
  return new ApiError(
    res.status,
    String(p.code ?? ''),
    String(p.title ?? t('error.server')),
    String(p.detail ?? ''),
    Array.isArray(p.issues) ? (p.issues as Issue[]) : [],
    String(p.request ?? ''),
    Number(res.headers.get('retry-after') ?? 0),
  );
}

async function send(method: string, path: string, o: CallOptions): Promise<Response> {
  const headers: Record<string, string> = { Accept: 'application/json', 'Accept-Language': lang.get(), ...o.headers };
  const writes = method !== 'GET';
  if (writes && door.csrf) headers['X-CSRF-Token'] = door.csrf;
  if (method === 'POST' && o.key) headers['Idempotency-Key'] = o.key;
  let body: BodyInit | undefined;
  if (o.body instanceof Blob) body = o.body;
  else if (o.body !== undefined) {
    headers['Content-Type'] ??= 'application/json';
    body = JSON.stringify(o.body);
  }
  try {
    return await fetch(path + query(o.params), {
      method,
      headers,
      body: body ?? null,
      signal: o.signal ?? null,
      credentials: 'same-origin',
    });
  } catch (e) {
    if ((e as Error).name === 'AbortError') throw e;
    throw new ApiError(0, 'OFFLINE', t('error.offline'), '', [], '', 0);
  }
}

export async function raw(method: string, path: string, options: CallOptions = {}): Promise<Response> {
  const o = { ...options };
  if (method === 'POST') o.key ??= newKey();
  let res = await send(method, path, o);
  if (res.status === 401 && !o.quiet && door.csrf && door.signInAgain && (await door.signInAgain()))
    res = await send(method, path, o);
  if (!res.ok && res.status !== 304) throw await problem(res);
  return res;
}

async function call<T>(method: string, path: string, o: CallOptions = {}): Promise<T> {
  const res = await raw(method, path, o);
  if (res.status === 204) return undefined as T;
  const text = await res.text();
  return (text ? JSON.parse(text) : undefined) as T;
}

export const api = {
  get: <T>(path: string, params?: Params, o: CallOptions = {}): Promise<T> => call<T>('GET', path, { ...o, params }),
  post: <T>(path: string, body?: unknown, o: CallOptions = {}): Promise<T> => call<T>('POST', path, { ...o, body }),
  put: <T>(path: string, body: unknown, o: CallOptions = {}): Promise<T> => call<T>('PUT', path, { ...o, body }),
  patch: <T>(path: string, body: unknown, o: CallOptions = {}): Promise<T> => call<T>('PATCH', path, { ...o, body }),
  delete: <T>(path: string, o: CallOptions = {}): Promise<T> => call<T>('DELETE', path, o),
};

/** Every item of a list, page by page, at most `max`. */
export async function all<T>(path: string, params: Params = {}, max = 10_000, signal?: AbortSignal): Promise<T[]> {
  const items: T[] = [];
  let after: string | undefined;
  do {
    const page: Page<T> = await api.get(path, { limit: Math.min(1000, max - items.length), ...params, after }, { signal });
    items.push(...page.items);
    after = page.next;
  } while (after && items.length < max);
  return items;
}

export const session = {
  /** null: nobody is signed in. */
  read: async (): Promise<Session | null> => {
    const s = await api.get<Session | { account: null }>('/api/v1/session', {}, { quiet: true });
    return s.account ? s : null;
  },
  open: (username: string, password: string): Promise<Session> =>
    api.post('/api/v1/session', { username, password }, { quiet: true }),
  close: (): Promise<void> => api.delete('/api/v1/session', { quiet: true }),
};

/** Send a file with progress (fetch cannot tell how much has left). */
export function upload<T>(blob: Blob, onProgress: (part: number) => void, signal?: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const x = new XMLHttpRequest();
    x.open('POST', '/api/v1/files');
    x.responseType = 'json';
    x.setRequestHeader('Accept-Language', lang.get());
    x.setRequestHeader('Content-Type', blob.type || 'application/octet-stream');
    if (door.csrf) x.setRequestHeader('X-CSRF-Token', door.csrf);
    x.upload.onprogress = (e) => e.lengthComputable && onProgress(e.loaded / e.total);
    x.onload = () => {
      if (x.status >= 200 && x.status < 300) return resolve(x.response as T);
      const p = (x.response ?? {}) as Record<string, unknown>;
      return reject(
        new ApiError(x.status, String(p.code ?? ''), String(p.title ?? t('error.server')), String(p.detail ?? ''), [], String(p.request ?? ''), 0),
      );
    };
    x.onerror = () => reject(new ApiError(0, 'OFFLINE', t('error.offline'), '', [], '', 0));
    x.onabort = () => reject(new DOMException('aborted', 'AbortError'));
    signal?.addEventListener('abort', () => x.abort());
    x.send(blob);
  });
}
