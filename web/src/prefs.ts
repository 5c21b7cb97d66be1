// SPDX-License-Identifier: Apache-2.0
/** Light or dark: the system's choice until a person chooses. */
import { createStore, kept } from './store';

export type Theme = 'light' | 'dark';
const system = matchMedia('(prefers-color-scheme: dark)');
const chosen = (): Theme | null => {
  const v = kept.get('khue.theme');
  return v === 'light' || v === 'dark' ? v : null;
};

export const theme = createStore<Theme>(chosen() ?? (system.matches ? 'dark' : 'light'));
system.addEventListener('change', (e) => {
  if (!chosen()) theme.set(e.matches ? 'dark' : 'light');
});

export function setTheme(next: Theme): void {
  kept.set('khue.theme', next);
  document.documentElement.dataset.theme = next;
  theme.set(next);
}

export const still = (): boolean => matchMedia('(prefers-reduced-motion: reduce)').matches;
