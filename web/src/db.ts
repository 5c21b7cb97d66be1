// SPDX-License-Identifier: Apache-2.0
/** What this device keeps: a draft, reports waiting for a network, and what was sent from here. */

export interface KeptFile {
  key: string;
  name: string;
  blob: Blob;
  /** Set once the server has it. */
  id?: string;
  video?: boolean;
  /** Which paper of a dossier it shows. */
  of?: string;
}
export type Answers = Record<string, string | string[]>;
export interface Draft {
  category?: string;
  location?: { lon: number; lat: number };
  address?: string;
  unit?: { code: string; name: string } | undefined;
  description?: string;
  /** Answers to the further questions of the category, by code. */
  attributes?: Answers;
  anonymous?: boolean;
  contact_name?: string;
  contact_phone?: string;
  contact_email?: string;
  files: KeptFile[];
  changed: number;
}
export interface Waiting {
  key: string; // idempotency key: a repeat after a lost answer makes no second report
  fields: Record<string, unknown>;
  files: KeptFile[];
  at: number;
  error?: string;
}
export interface Sent {
  id: string;
  number: string;
  category: string;
  at: number;
}

let opening: Promise<IDBDatabase> | null = null;

function open(): Promise<IDBDatabase> {
  opening ??= new Promise((resolve, reject) => {
    const r = indexedDB.open('khue', 1);
    r.onupgradeneeded = () => {
      r.result.createObjectStore('draft');
      r.result.createObjectStore('waiting', { keyPath: 'key' });
      r.result.createObjectStore('sent', { keyPath: 'id' });
    };
    r.onsuccess = () => {
      r.result.onversionchange = () => r.result.close();
      resolve(r.result);
    };
    r.onerror = () => reject(r.error);
  });
  return opening;
}

async function run<T>(store: string, mode: IDBTransactionMode, fn: (s: IDBObjectStore) => IDBRequest): Promise<T> {
  const db = await open();
  return new Promise((resolve, reject) => {
    const tx = db.transaction(store, mode);
    const r = fn(tx.objectStore(store));
    tx.oncomplete = () => resolve(r.result as T);
    tx.onerror = tx.onabort = () => reject(tx.error);
  });
}

/** Drafts by name: "report", or "filing 1.004194". */
export const draft = {
  read: <T>(name: string): Promise<T | undefined> => run('draft', 'readonly', (s) => s.get(name)),
  write: (name: string, d: unknown): Promise<void> => run('draft', 'readwrite', (s) => s.put(d, name)),
  drop: (name: string): Promise<void> => run('draft', 'readwrite', (s) => s.delete(name)),
  names: (): Promise<string[]> => run('draft', 'readonly', (s) => s.getAllKeys()),
};
export const waiting = {
  all: (): Promise<Waiting[]> => run('waiting', 'readonly', (s) => s.getAll()),
  put: (w: Waiting): Promise<void> => run('waiting', 'readwrite', (s) => s.put(w)),
  drop: (key: string): Promise<void> => run('waiting', 'readwrite', (s) => s.delete(key)),
};
export const sent = {
  all: (): Promise<Sent[]> => run('sent', 'readonly', (s) => s.getAll()),
  put: (x: Sent): Promise<void> => run('sent', 'readwrite', (s) => s.put(x)),
};
