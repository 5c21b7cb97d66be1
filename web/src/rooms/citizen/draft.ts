// SPDX-License-Identifier: Apache-2.0
/**
 * The report being written: kept on this device until it has arrived. Words are kept with each key
 * (localStorage is written before the call returns, so a page that dies with the next breath has lost
 * nothing); files, and the words with them, a moment later in IndexedDB.
 */
import { draft as keptDraft, type Draft } from '../../db';
import { createStore, kept } from '../../store';

const wordsKey = 'khue.draft';
const empty = (): Draft => ({ files: [], changed: 0 });
export const current = createStore<Draft | null>(null);
let loading: Promise<void> | null = null;

/** What was typed after the last writing to IndexedDB, if anything. */
function withWords(d: Draft): Draft {
  try {
    const words = JSON.parse(kept.get(wordsKey) ?? 'null') as Omit<Draft, 'files'> | null;
    return words && words.changed > d.changed ? { ...words, files: d.files } : d;
  } catch {
    return d;
  }
}

/** The draft of this device, read once. */
export function readDraft(): Promise<void> {
  loading ??= keptDraft.read().then(
    (d) => current.set(withWords(d ?? empty())),
    () => current.set(withWords(empty())),
  );
  return loading;
}

let writing: ReturnType<typeof setTimeout> | undefined;
export function change(part: Partial<Draft> | ((d: Draft) => Partial<Draft>)): void {
  const before = current.get() ?? empty();
  const next = { ...before, ...(typeof part === 'function' ? part(before) : part), changed: Date.now() };
  current.set(next);
  const { files, ...words } = next;
  kept.set(wordsKey, JSON.stringify(words));
  clearTimeout(writing);
  writing = setTimeout(() => void keptDraft.write(next).catch(() => undefined), files === before.files ? 300 : 0);
}

export async function dropDraft(): Promise<void> {
  clearTimeout(writing);
  kept.set(wordsKey, null);
  current.set(empty());
  await keptDraft.drop().catch(() => undefined);
}
