// SPDX-License-Identifier: Apache-2.0
/** How far a case has come. */
import type { JSX } from 'preact';
import { t } from '../i18n';

/** @param names of the steps, in order
 *  @param at the one where it stands
 *  @param stop it ends there, short of its aim */
export function Steps({ names, at, stop = false }: { names: string[]; at: number; stop?: boolean }): JSX.Element {
  return (
    <ol class={names.length > 4 ? 'steps many' : 'steps'} aria-label={t('case.steps')}>
      {names.map((name, i) => {
        const state = i < at ? 'past' : i === at ? 'now' : '';
        return (
          <li key={name} class={`${state} ${stop && i === at ? 'stop' : ''}`} aria-current={state === 'now' ? 'step' : undefined}>
            {name}
            {state === 'past' && <span class="sr-only"> {t('case.step_past')}</span>}
          </li>
        );
      })}
    </ol>
  );
}
