// SPDX-License-Identifier: Apache-2.0
/** Keys for whoever does not like the mouse: the same on every list of the portal. */
import { Fragment, type JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { t } from '../i18n';
import { go } from '../router';
import { Dialog } from './dialog';

/** Rows of lists, by the link that opens them. */
const rows = '.row-link, .hits > li > a, .inbox a, .decide a, tbody td:first-child a, tbody th a';
const typing = 'input:not([type=radio],[type=checkbox],[type=range]),textarea,select';

/** @return true if the key is one for commands, not text or a browser's own */
export function isCommand(e: KeyboardEvent): boolean {
  return !e.defaultPrevented && !e.metaKey && !e.ctrlKey && !e.altKey && !document.querySelector('dialog[open]') && !(e.target as Element).matches(typing);
}

function move(by: number): boolean {
  const list = [...document.querySelectorAll<HTMLElement>(rows)].filter((e) => e.checkVisibility());
  const here = list.indexOf(document.activeElement as HTMLElement);
  const to = list[here < 0 ? (by > 0 ? 0 : list.length - 1) : Math.max(0, Math.min(list.length - 1, here + by))];
  to?.focus();
  to?.scrollIntoView({ block: 'nearest' });
  return !!to;
}

function search(): void {
  const box = [...document.querySelectorAll<HTMLElement>('main input[type=search]')].find((e) => e.checkVisibility());
  if (box) box.focus();
  else go('/search');
}

export function KeysHelp({ more = [], onClose }: { more?: ('u' | 'n')[]; onClose: () => void }): JSX.Element {
  const keys = ['/', 'j', 'k', 'Enter', ...more, '?'] as const;
  return (
    <Dialog title={t('keys.title')} onClose={onClose}>
      <dl class="keys">
        {keys.map((k) => (
          <Fragment key={k}>
            <dt>
              <kbd>{k}</kbd>
            </dt>
            <dd>{t(`keys.${k === '/' ? 'search' : k === '?' ? 'help' : k === 'Enter' ? 'enter' : k}`)}</dd>
          </Fragment>
        ))}
      </dl>
    </Dialog>
  );
}

/** Listens behind the rooms: a room that has keys of its own answers first. */
export function Keys(): JSX.Element | null {
  const [help, setHelp] = useState(false);
  useEffect(() => {
    const press = (e: KeyboardEvent): void => {
      if (!isCommand(e)) return;
      if (e.key === '/') search();
      else if (e.key === '?') setHelp(true);
      else if (!(e.key === 'j' && move(1)) && !(e.key === 'k' && move(-1))) return;
      e.preventDefault();
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  }, []);
  return help ? <KeysHelp onClose={() => setHelp(false)} /> : null;
}
