// SPDX-License-Identifier: Apache-2.0
/**
 * The city's events as they happen. Browsers open six connections per host, so one tab holds the
 * stream (a Web Lock says which) and passes events to the others over a BroadcastChannel. When
 * that tab closes, another takes the lock and goes on after the last event it saw.
 */
import { useEffect, useRef } from 'preact/hooks';
import { createStore } from './store';
import type { CityEvent } from './types';

export type LiveState = 'off' | 'connecting' | 'live' | 'lost';
export const liveState = createStore<LiveState>('off');

type Follower = (event: CityEvent) => void;
const followers = new Set<Follower>();
const channel = 'BroadcastChannel' in globalThis ? new BroadcastChannel('khue-live') : null;
let last = '';
let started = 0; // when the first screen began to read and to follow

function tell(event: CityEvent): void {
  if (event.seq) last = String(event.seq);
  for (const fn of [...followers]) fn(event);
}

function resync(): void {
  const event: CityEvent = { seq: 0, at: '', kind: 'resync' };
  tell(event);
  channel?.postMessage({ event });
}

function setState(s: LiveState, share = true): void {
  liveState.set(s);
  if (share) channel?.postMessage({ state: s });
}

/** Read a text/event-stream to its end; each message's data goes to `take`. */
export async function readStream(
  body: ReadableStream<Uint8Array>,
  take: (data: string, id: string, event: string) => void,
): Promise<void> {
  const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader();
  let rest = '';
  let data: string[] = [];
  let id = '';
  let name = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const lines = (rest + value).split(/\r\n|\n|\r/);
    rest = lines.pop() as string;
    for (const line of lines) {
      if (line === '') {
        if (data.length) take(data.join('\n'), id, name);
        data = [];
        name = '';
      } else if (line[0] !== ':') {
        const at = line.indexOf(':');
        const field = at < 0 ? line : line.slice(0, at);
        const text = at < 0 ? '' : line.slice(at + 1).replace(/^ /, '');
        if (field === 'data') data.push(text);
        else if (field === 'id') id = text;
        else if (field === 'event') name = text;
      }
    }
  }
}

async function hold(): Promise<void> {
  let wait = 1000;
  for (;;) {
    setState(liveState.get() === 'lost' ? 'lost' : 'connecting');
    try {
      // A silent stream is a dead one: the server beats every 15 s.
      const stop = new AbortController();
      let heard = Date.now();
      const watch = setInterval(() => Date.now() - heard > 45_000 && stop.abort(), 5000);
      addEventListener('offline', () => stop.abort(), { signal: stop.signal });
      try {
        // What happened between the first reading of a screen and the opening of the stream is told
        // too; after a minute nobody remembers, and every screen reads again.
        const elapsed = Math.ceil((Date.now() - started) / 1000);
        const recent = !last && elapsed <= 60 ? `?recent=${elapsed}` : '';
        const res = await fetch(`/api/v1/events${recent}`, {
          headers: { Accept: 'text/event-stream', ...(last ? { 'Last-Event-ID': last } : {}) },
          signal: stop.signal,
          cache: 'no-store',
        });
        if (!res.ok || !res.body) throw new Error(String(res.status));
        setState('live');
        if (!last && !recent) resync();
        wait = 1000;
        const ear = new TransformStream<Uint8Array, Uint8Array>({
          transform(chunk, out) {
            heard = Date.now();
            out.enqueue(chunk);
          },
        });
        await readStream(res.body.pipeThrough(ear), (data, id) => {
          try {
            const event = JSON.parse(data) as CityEvent;
            if (!event || typeof event !== 'object' || !event.kind) return;
            if (!event.seq && id) event.seq = Number(id);
            tell(event);
            channel?.postMessage({ event });
          } catch {
            /* not an event: a remark of the server */
          }
        });
      } finally {
        clearInterval(watch);
        stop.abort();
      }
    } catch {
      /* lost: try again below */
    }
    setState('lost');
    await new Promise<void>((resolve) => {
      const heard = new AbortController();
      const go = (): void => {
        clearTimeout(timer);
        heard.abort();
        resolve();
      };
      const timer = setTimeout(go, wait * (0.75 + Math.random() / 2));
      addEventListener('online', go, { signal: heard.signal });
    });
    wait = Math.min(wait * 2, 30_000);
  }
}

function start(): void {
  if (started) return;
  started = Date.now();
  channel?.addEventListener('message', (m: MessageEvent<{ event?: CityEvent; state?: LiveState; ask?: boolean }>) => {
    if (m.data.event) tell(m.data.event);
    if (m.data.state) setState(m.data.state, false);
    if (m.data.ask && leads) setState(liveState.get());
  });
  let leads = false;
  channel?.postMessage({ ask: true });
  if (navigator.locks && channel)
    void navigator.locks.request('khue-live', () => {
      leads = true;
      return hold();
    });
  else void hold();
}

/** Call fn for each event while the component is shown. */
export function useLive(fn: Follower, on = true): void {
  const latest = useRef(fn);
  latest.current = fn;
  useEffect(() => {
    if (!on) return;
    start();
    const follow: Follower = (e) => latest.current(e);
    followers.add(follow);
    return () => {
      followers.delete(follow);
    };
  }, [on]);
}

/** Read again when an event fits, or when the server says that events were missed ("resync"); at most once in `gap` milliseconds, so a busy city does not
 *  make every screen read all the time. */
export function useLiveReload(fits: (e: CityEvent) => boolean, reload: () => void, gap = 1500, on = true): void {
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const lastRun = useRef(0);
  useEffect(() => () => clearTimeout(timer.current), []);
  useLive((e) => {
    if ((e.kind !== 'resync' && !fits(e)) || timer.current) return;
    const wait = Math.max(250, lastRun.current + gap - Date.now());
    timer.current = setTimeout(() => {
      timer.current = undefined;
      lastRun.current = Date.now();
      reload();
    }, wait);
  }, on);
}
