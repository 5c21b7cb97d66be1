// SPDX-License-Identifier: Apache-2.0
import type { Ref } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';

/** A row of tabs wider than the screen shows the current one. */
export function useCurrentInView(current: string): Ref<HTMLUListElement> {
  const list = useRef<HTMLUListElement>(null);
  useLayoutEffect(() => {
    const row = list.current;
    const tab = row?.querySelector<HTMLElement>('[aria-current]');
    if (row && tab) row.scrollLeft = tab.offsetLeft - row.offsetLeft - (row.clientWidth - tab.offsetWidth) / 2;
  }, [current]);
  return list;
}
