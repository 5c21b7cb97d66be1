// SPDX-License-Identifier: Apache-2.0
/** Who uses this browser now, and signing in again when the session has ended. */
import { door, session } from './api';
import { setLang } from './i18n';
import { createStore } from './store';
import type { Account, Session } from './types';

/** undefined: not known yet; null: nobody. */
export const me = createStore<Account | null | undefined>(undefined);
/** Open while a call waits for the person to sign in again. */
export const ended = createStore<{ done: (again: boolean) => void } | null>(null);

function take(s: Session | null): void {
  door.csrf = s?.csrf ?? '';
  me.set(s?.account ?? null);
}

export async function startSession(): Promise<void> {
  try {
    take(await session.read());
  } catch {
    take(null);
  }
}

export async function signIn(username: string, password: string): Promise<Account> {
  const s = await session.open(username, password);
  take(s);
  ended.get()?.done(true);
  if (s.account.lang && !localStorage.getItem('khue.lang')) void setLang(s.account.lang);
  return s.account;
}

export async function signOut(): Promise<void> {
  // The next person at this device must not read this one's messages.
  await import('./push').then((m) => m.pushOff()).catch(() => undefined);
  await session.close().catch(() => undefined);
  take(null);
}

let waiting: Promise<boolean> | null = null;
door.signInAgain = () => {
  waiting ??= new Promise<boolean>((resolve) => {
    ended.set({
      done: (again) => {
        ended.set(null);
        waiting = null;
        if (!again) take(null);
        resolve(again);
      },
    });
  });
  return waiting;
};

export function has(account: Account | null | undefined, ...roles: string[]): boolean {
  return !!account?.roles.some((g) => roles.includes(g.role));
}

export const works = (a: Account | null | undefined): boolean => has(a, 'officer', 'counter', 'approver', 'dispatcher', 'leader', 'admin');
