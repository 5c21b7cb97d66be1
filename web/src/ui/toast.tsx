// SPDX-License-Identifier: Apache-2.0
/** Short remarks that pass, and words for screen readers only. */
import { X } from 'lucide';
import type { JSX } from 'preact';
import { t } from '../i18n';
import { createStore, useStore } from '../store';
import { IconButton } from './base';

interface Toast {
  id: number;
  text: string;
  action?: { label: string; run: () => void } | undefined;
}
const toasts = createStore<Toast[]>([]);
const spoken = createStore('');
let count = 0;

export function toast(text: string, action?: Toast['action'], ms = 6000): void {
  const id = ++count;
  toasts.set((list) => [...list.slice(-2), { id, text, action }]);
  setTimeout(() => toasts.set((list) => list.filter((x) => x.id !== id)), ms);
}

/** Said by a screen reader, not shown. */
export function say(text: string): void {
  spoken.set('');
  setTimeout(() => spoken.set(text), 50);
}

export function Toasts(): JSX.Element {
  const list = useStore(toasts);
  const words = useStore(spoken);
  return (
    <>
      <div class="sr-only" aria-live="polite">
        {words}
      </div>
      <div class="toasts" role="status">
        {list.map((x) => (
          <div class="toast" key={x.id}>
            <span>{x.text}</span>
            {x.action && (
              <button
                type="button"
                class="button quiet small"
                onClick={() => {
                  toasts.set((l) => l.filter((y) => y.id !== x.id));
                  x.action?.run();
                }}
              >
                {x.action.label}
              </button>
            )}
            <IconButton icon={X} size={18} label={t('close')} onClick={() => toasts.set((l) => l.filter((y) => y.id !== x.id))} />
          </div>
        ))}
      </div>
    </>
  );
}
