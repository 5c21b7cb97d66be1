// SPDX-License-Identifier: Apache-2.0
/**
 * Reports on their way to the server. The page and the service worker run the same code; a Web
 * Lock keeps them from sending one report at the same time, the idempotency key from sending it
 * twice. A report that the server refuses stays here with the reason: nothing is thrown away.
 */
import { sent, waiting, type Waiting } from './db';

export interface Outcome {
  key: string;
  report?: { id: string; number: string };
  error?: { status: number; title: string; issues: { pointer: string; message: string }[] };
}

async function csrf(): Promise<string> {
  const res = await fetch('/api/v1/session', { headers: { Accept: 'application/json' } });
  return res.ok ? String(((await res.json()) as { csrf?: string }).csrf ?? '') : '';
}

async function refusal(res: Response): Promise<Outcome['error']> {
  const p = (await res.json().catch(() => ({}))) as { title?: string; issues?: { pointer: string; message: string }[] };
  return { status: res.status, title: p.title ?? String(res.status), issues: p.issues ?? [] };
}

async function sendOne(w: Waiting, token: string, lang: string): Promise<Outcome> {
  const headers: Record<string, string> = { Accept: 'application/json', 'Accept-Language': lang };
  if (token) headers['X-CSRF-Token'] = token;
  for (const f of w.files) {
    if (f.id) continue;
    const res = await fetch('/api/v1/files', {
      method: 'POST',
      headers: { ...headers, 'Content-Type': f.blob.type || 'application/octet-stream' },
      body: f.blob,
    });
    if (!res.ok) return { key: w.key, error: await refusal(res) };
    f.id = ((await res.json()) as { id: string }).id;
    await waiting.put(w); // an upload that arrived is not sent again
  }
  const photos = w.files.filter((f) => !f.video).map((f) => f.id);
  const video = w.files.find((f) => f.video)?.id;
  const res = await fetch('/api/v1/records/report', {
    method: 'POST',
    headers: { ...headers, 'Content-Type': 'application/json', 'Idempotency-Key': w.key },
    body: JSON.stringify({ ...w.fields, ...(photos.length ? { photos } : {}), ...(video ? { video } : {}) }),
  });
  if (!res.ok) return { key: w.key, error: await refusal(res) };
  const r = (await res.json()) as { id: string; number: string; category: string };
  await sent.put({ id: r.id, number: r.number, category: r.category, at: Date.now() });
  await waiting.drop(w.key);
  return { key: w.key, report: { id: r.id, number: r.number } };
}

/** Send what waits, oldest first. Throws when there is no network; the rest stays. */
export async function flush(lang: string, only?: string): Promise<Outcome[]> {
  const work = async (): Promise<Outcome[]> => {
    const list = (await waiting.all()).sort((a, b) => a.at - b.at).filter((w) => !only || w.key === only);
    if (!list.length) return [];
    const token = await csrf();
    const out: Outcome[] = [];
    for (const w of list) {
      const o = await sendOne(w, token, lang);
      if (o.error) await waiting.put({ ...w, error: o.error.title });
      out.push(o);
    }
    return out;
  };
  return navigator.locks ? await navigator.locks.request('khue-outbox', work) : await work();
}

interface WithSync extends ServiceWorkerRegistration {
  sync?: { register(tag: string): Promise<void> };
}

/** Ask the browser to send when there is a network again, even if this page is closed by then. */
export async function later(): Promise<void> {
  const reg = (await navigator.serviceWorker?.getRegistration().catch(() => undefined)) as WithSync | undefined;
  await reg?.sync?.register('khue-reports').catch(() => undefined);
}
