// SPDX-License-Identifier: Apache-2.0
/** Addresses. Links are ordinary links; a click on one of ours is answered without a new page. */
import { createStore, useStore } from './store';

export interface Place {
  path: string;
  query: URLSearchParams;
  /** Grows with each step, so that a page knows it was entered anew. */
  step: number;
}

let step = 0;
const read = (): Place => ({ path: location.pathname, query: new URLSearchParams(location.search), step });
export const place = createStore<Place>(read());
/** Asked before a page is left: return false to stay. */
export const leaving: { ask: (() => boolean) | null } = { ask: null };

function remember(): void {
  history.replaceState({ ...(history.state as object), y: scrollY }, '');
}

export function go(to: string, how: { replace?: boolean; keep?: boolean } = {}): void {
  if (leaving.ask && !leaving.ask()) return;
  remember();
  if (!how.keep) step += 1;
  if (how.replace) history.replaceState({ y: 0 }, '', to);
  else history.pushState({ y: 0 }, '', to);
  place.set(read());
}

/** Change filters in the address; the page stays. */
export function setQuery(changes: Record<string, string | null | undefined>, push = false): void {
  const q = new URLSearchParams(location.search);
  for (const [k, v] of Object.entries(changes)) {
    if (v === null || v === undefined || v === '') q.delete(k);
    else q.set(k, v);
  }
  const text = q.toString();
  go(location.pathname + (text ? `?${text}` : ''), { replace: !push, keep: true });
}

export const usePlace = (): Place => useStore(place);

/** Back to where the page was left. It may still be loading what it shows: then again as it grows,
 *  until the person scrolls or presses something. */
function scrollBack(y: number): void {
  const stop = new AbortController();
  const put = (): void => {
    scrollTo(0, y);
    if (Math.abs(scrollY - y) <= 2) stop.abort();
  };
  const grown = new ResizeObserver(put);
  stop.signal.addEventListener('abort', () => grown.disconnect());
  for (const kind of ['wheel', 'touchstart', 'keydown', 'pointerdown', 'popstate']) addEventListener(kind, () => stop.abort(), { signal: stop.signal, passive: true });
  requestAnimationFrame(() => {
    put();
    if (!stop.signal.aborted) grown.observe(document.body);
  });
}

export function startRouter(): void {
  history.scrollRestoration = 'manual';
  addEventListener('popstate', () => {
    step += 1;
    place.set(read());
    scrollBack((history.state as { y?: number } | null)?.y ?? 0);
  });
  document.addEventListener('click', (e) => {
    if (e.defaultPrevented || e.button !== 0 || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey) return;
    const a = (e.target as Element).closest?.('a[href]') as HTMLAnchorElement | null;
    if (!a || a.target || a.hasAttribute('download') || a.origin !== location.origin) return;
    if (/^\/(api|open311|metrics|healthz)\b/.test(a.pathname)) return;
    if (a.pathname === location.pathname && a.search === location.search && a.hash) return; // on this page
    e.preventDefault();
    go(a.pathname + a.search + a.hash);
  });
}

/** Match "/cases/:id" and return its parts. */
export function match(pattern: string, path: string): Record<string, string> | null {
  const want = pattern.split('/');
  const got = path.replace(/\/+$/, '').split('/');
  if (path === '/') got.splice(1);
  if (pattern === '/') return got.length === 1 ? {} : null;
  const parts: Record<string, string> = {};
  for (let i = 0; i < want.length; i++) {
    const w = want[i] as string;
    if (w === '*') return parts;
    const g = got[i];
    if (g === undefined) return null;
    if (w.startsWith(':')) parts[w.slice(1)] = decodeURIComponent(g);
    else if (w !== g) return null;
  }
  return got.length === want.length ? parts : null;
}
