// SPDX-License-Identifier: Apache-2.0
/** The report being written: kept on this device until it has arrived. */
import { draft as keptDraft, type Draft } from '../../db';
import { createStore } from '../../store';

const empty = (): Draft => ({ files: [], changed: 0 });
export const current = createStore<Draft | null>(null);
let loading: Promise<void> | null = null;

/** The draft of this device, read once. */
export function readDraft(): Promise<void> {
  loading ??= keptDraft.read().then(
    (d) => current.set(d ?? empty()),
    () => current.set(empty()),
  );
  return loading;
}

let writing: ReturnType<typeof setTimeout> | undefined;
export function change(part: Partial<Draft> | ((d: Draft) => Partial<Draft>)): void {
  current.set((d) => {
    const before = d ?? empty();
    return { ...before, ...(typeof part === 'function' ? part(before) : part), changed: Date.now() };
  });
  clearTimeout(writing);
  writing = setTimeout(keep, 300);
}

function keep(): void {
  clearTimeout(writing);
  writing = undefined;
  const d = current.get();
  if (d) void keptDraft.write(d).catch(() => undefined);
}
// A page that is closed or put away within that moment keeps it too.
document.addEventListener('visibilitychange', () => document.visibilityState === 'hidden' && writing && keep());
addEventListener('pagehide', () => writing && keep());

export async function dropDraft(): Promise<void> {
  clearTimeout(writing);
  writing = undefined;
  current.set(empty());
  await keptDraft.drop().catch(() => undefined);
}
