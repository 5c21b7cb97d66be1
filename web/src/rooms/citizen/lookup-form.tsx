// SPDX-License-Identifier: Apache-2.0
/** A dossier by the number on its receipt; nobody need sign in for what is public of it. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { t } from '../../i18n';
import { go } from '../../router';

export function LookupForm({ start = '' }: { start?: string }): JSX.Element {
  const [n, setN] = useState(start);
  return (
    <form
      class="lookup"
      role="search"
      aria-label={t('lookup.title')}
      onSubmit={(e) => {
        e.preventDefault();
        if (n.trim()) go(`/lookup?number=${encodeURIComponent(n.trim())}`);
      }}
    >
      <label for="lookup-number">{t('lookup.number')}</label>
      <span>
        <input id="lookup-number" type="text" inputMode="text" autocapitalize="characters" autocomplete="off" spellcheck={false} placeholder="H26.00070-260914-0001" value={n} onInput={(e) => setN(e.currentTarget.value)} />
        <button type="submit" class="button plain">
          {t('lookup.do')}
        </button>
      </span>
    </form>
  );
}
