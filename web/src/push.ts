// SPDX-License-Identifier: Apache-2.0
/** Web push on this device: what the browser has agreed to, and telling the server. */
import { api, query } from './api';

export class PushRefused extends Error {}

const registration = async (): Promise<ServiceWorkerRegistration | undefined> => navigator.serviceWorker?.getRegistration();

/** What this device has: undefined where the browser cannot, else whether messages come here. */
export async function pushState(): Promise<boolean | undefined> {
  const reg = await registration();
  if (!reg?.pushManager || !('Notification' in globalThis)) return undefined;
  return Notification.permission === 'granted' && !!(await reg.pushManager.getSubscription());
}

/** A browser that takes this person's messages, here or elsewhere. */
export interface PushDevice {
  endpoint: string;
  service: string;
  since: string;
}

const browsers: [RegExp, string][] = [
  [/(^|\.)googleapis\.com$/, 'Chrome'],
  [/(^|\.)mozilla\.com$/, 'Firefox'],
  [/(^|\.)apple\.com$/, 'Safari'],
  [/(^|\.)windows\.com$/, 'Edge'],
];

/** The kind of browser, as its push service tells it; else the service. */
export const deviceName = (d: PushDevice): string => browsers.find(([host]) => host.test(d.service))?.[1] ?? d.service;

/** The address of this device at its push service, if messages come here. */
export async function pushHere(): Promise<string | undefined> {
  return (await (await registration())?.pushManager?.getSubscription())?.endpoint;
}

/** End the messages to a device, this one or another. */
export async function pushRemove(d: PushDevice): Promise<void> {
  if (d.endpoint === (await pushHere())) await pushOff();
  else await api.delete(`/api/v1/me/push${query({ endpoint: d.endpoint })}`);
}

function keyBytes(base64url: string): Uint8Array<ArrayBuffer> {
  const raw = atob(base64url.replace(/-/g, '+').replace(/_/g, '/'));
  return Uint8Array.from(raw, (c) => c.charCodeAt(0));
}

/** Ask the person, then the browser's push service, then tell the server. */
export async function pushOn(): Promise<void> {
  if ((await Notification.requestPermission()) !== 'granted') throw new PushRefused();
  const reg = await navigator.serviceWorker.ready;
  const { key } = await api.get<{ key: string }>('/api/v1/push/key');
  const sub = await reg.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: keyBytes(key) });
  await api.post('/api/v1/me/push', sub.toJSON());
}

/** The server forgets this device first: what it would still send then, nobody shows. */
export async function pushOff(): Promise<void> {
  const sub = await (await registration())?.pushManager?.getSubscription();
  if (!sub) return;
  await api.delete(`/api/v1/me/push${query({ endpoint: sub.endpoint })}`, { quiet: true });
  await sub.unsubscribe();
}
