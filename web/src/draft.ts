// SPDX-License-Identifier: Apache-2.0
/**
 * What is being written: kept on this device until it has arrived. Words are kept with each key
 * (localStorage is written before the call returns, so a page that dies with the next breath has lost
 * nothing); files, and the words with them, a moment later in IndexedDB.
 */
import { draft as keptDraft, type KeptFile } from './db';
import { createStore, kept, type Store } from './store';

export interface Kept {
  files: KeptFile[];
  changed: number;
}
export interface DraftOf<T extends Kept> {
  current: Store<T | null>;
  /** The draft of this device, read once. */
  read: () => Promise<void>;
  change: (part: Partial<T> | ((d: T) => Partial<T>)) => void;
  drop: () => Promise<void>;
}

/** @param wordsKey where localStorage keeps the words */
export function createDraft<T extends Kept>(name: string, wordsKey: string, empty: () => T): DraftOf<T> {
  const current = createStore<T | null>(null);
  let loading: Promise<void> | null = null;
  let writing: ReturnType<typeof setTimeout> | undefined;

  /** What was typed after the last writing to IndexedDB, if anything; within one millisecond the words are
   *  never the older. */
  const withWords = (d: T): T => {
    try {
      const words = JSON.parse(kept.get(wordsKey) ?? 'null') as Omit<T, 'files'> | null;
      return words && words.changed >= d.changed ? ({ ...words, files: d.files } as T) : d;
    } catch {
      return d;
    }
  };
  return {
    current,
    read() {
      loading ??= keptDraft.read<T>(name).then(
        (d) => current.set(withWords(d ?? empty())),
        () => current.set(withWords(empty())),
      );
      return loading;
    },
    change(part) {
      const before = current.get() ?? empty();
      const next = { ...before, ...(typeof part === 'function' ? part(before) : part), changed: Date.now() };
      current.set(next);
      const { files, ...words } = next;
      kept.set(wordsKey, JSON.stringify(words));
      clearTimeout(writing);
      writing = setTimeout(() => void keptDraft.write(name, next).catch(() => undefined), files === before.files ? 300 : 0);
    },
    async drop() {
      clearTimeout(writing);
      kept.set(wordsKey, null);
      current.set(empty());
      await keptDraft.drop(name).catch(() => undefined);
    },
  };
}
