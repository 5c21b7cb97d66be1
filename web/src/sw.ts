// SPDX-License-Identifier: Apache-2.0
/**
 * The service worker: the shell and the citizen's pages open without a network, a few answers of
 * the server are kept for that time, and reports that wait are sent when the network returns.
 * Personal answers are never kept here.
 */
import { flush } from './outbox';

declare const self: ServiceWorkerGlobalScope;
declare const __FILES__: string[];
declare const __VERSION__: string;

interface SyncEvent extends ExtendableEvent {
  tag: string;
}

const shell = `shell-${__VERSION__}`;
const answers = 'answers-1';
const open = /^\/api\/v1\/(portal|units\/boundaries|records\/feedback_category|types\/report)$/;

self.addEventListener('install', (e) => {
  e.waitUntil(
    caches
      .open(shell)
      .then((c) => c.addAll(__FILES__.filter((f) => f !== '/index.html')).then(() => c.add('/')))
      .then(() => self.skipWaiting()),
  );
});

self.addEventListener('activate', (e) => {
  e.waitUntil(
    caches
      .keys()
      .then((names) => Promise.all(names.filter((n) => n !== shell && n !== answers).map((n) => caches.delete(n))))
      .then(() => self.clients.claim()),
  );
});

function within<T>(p: Promise<T>, ms: number): Promise<T> {
  return Promise.race([p, new Promise<T>((_, reject) => setTimeout(() => reject(new Error('slow')), ms))]);
}

/** A page: from the network, so that a new release shows at once; the kept shell when that is slow. */
async function page(request: Request): Promise<Response> {
  try {
    const res = await within(fetch(request), 4000);
    if (res.status < 500) return res;
  } catch {
    /* no network */
  }
  return (await caches.match('/')) ?? Response.error();
}

async function asset(request: Request): Promise<Response> {
  const kept = await caches.match(request);
  if (kept) return kept;
  const res = await fetch(request);
  const copy = res.clone();
  if (res.ok) void caches.open(shell).then((c) => c.put(request, copy));
  return res;
}

async function answer(request: Request): Promise<Response> {
  const cache = await caches.open(answers);
  try {
    const res = await within(fetch(request), 5000);
    if (res.ok) await cache.put(request, res.clone());
    return res;
  } catch {
    return (await cache.match(request, { ignoreVary: true })) ?? Response.error();
  }
}

self.addEventListener('fetch', (e) => {
  const url = new URL(e.request.url);
  if (e.request.method !== 'GET' || url.origin !== self.location.origin) return;
  if (e.request.mode === 'navigate') {
    if (!/^\/(api|open311)\//.test(url.pathname)) e.respondWith(page(e.request));
  } else if (url.pathname.startsWith('/assets/') || __FILES__.includes(url.pathname)) e.respondWith(asset(e.request));
  else if (open.test(url.pathname)) e.respondWith(answer(e.request));
});

self.addEventListener('sync', (event) => {
  const e = event as SyncEvent;
  if (e.tag !== 'khue-reports') return;
  e.waitUntil(
    flush('vi').then(async (out) => {
      for (const c of await self.clients.matchAll()) c.postMessage({ sent: out });
    }),
  );
});

self.addEventListener('push', (e) => {
  const m = (e.data?.json() ?? {}) as { title?: string; body?: string; link?: string; id?: string };
  e.waitUntil(
    self.registration.showNotification(m.title ?? 'Khuê', {
      body: m.body ?? '',
      icon: '/icon-192.png',
      badge: '/icon-192.png',
      data: m.link ?? '/',
      ...(m.id ? { tag: m.id } : {}),
    }),
  );
});

self.addEventListener('notificationclick', (e) => {
  e.notification.close();
  const to = new URL(String(e.notification.data ?? '/'), self.location.origin);
  if (to.origin !== self.location.origin) return;
  e.waitUntil(
    self.clients.matchAll({ type: 'window' }).then(async (open) => {
      const here = open[0];
      if (!here) return self.clients.openWindow(to.href);
      await here.focus();
      return here.navigate(to.href);
    }),
  );
});
