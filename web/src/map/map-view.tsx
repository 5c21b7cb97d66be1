// SPDX-License-Identifier: Apache-2.0
/** A place for a map. The library comes when the map is near the screen; what the map shows is
 *  always also in a list or in words beside it. */
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { t } from '../i18n';
import type { CityMap, CityMapOptions } from './city-map';

export interface MapViewProps extends Omit<CityMapOptions, 'label'> {
  label: string;
  class?: string;
  onMap?: (map: CityMap) => void;
}

export function MapView({ label, class: cls, onMap, ...options }: MapViewProps): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const latest = useRef(onMap); // the map comes later than this render: it gets what is known then
  latest.current = onMap;
  const [state, setState] = useState<'wait' | 'shown' | 'broken'>('wait');
  useEffect(() => {
    let gone = false;
    let map: CityMap | undefined;
    const show = async (): Promise<void> => {
      try {
        const { CityMap: Class } = await import('./city-map');
        if (gone || !box.current) return;
        map = new Class(box.current, { ...options, label });
        setState('shown');
        latest.current?.(map);
      } catch {
        if (!gone) setState('broken'); // no WebGL, or no network: the list beside it remains
      }
    };
    const see = new IntersectionObserver(
      (seen) => {
        if (!seen.some((s) => s.isIntersecting)) return;
        see.disconnect();
        void show();
      },
      { rootMargin: '200px' },
    );
    if (box.current) see.observe(box.current);
    return () => {
      gone = true;
      see.disconnect();
      map?.drop();
    };
  }, []);
  return (
    <div class={`map ${cls ?? ''}`} data-state={state}>
      <div class="map-box" ref={box} />
      {state !== 'shown' && <p class="map-note">{state === 'wait' ? t('map.loading') : t('map.broken')}</p>}
      <p class="map-credit">
        <a href="/about#sources">{t('map.credit')}</a>
      </p>
    </div>
  );
}
