// SPDX-License-Identifier: Apache-2.0
/** Where it is: by the device's position, by name, or by a pin on the map. */
import { LocateFixed, MapPin, Search } from 'lucide';
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { api, query } from '../../api';
import { centreOf, cityName, usePortal } from '../../city';
import type { Draft } from '../../db';
import { number } from '../../format';
import { t, type Key } from '../../i18n';
import type { CityMap } from '../../map/city-map';
import { MapView } from '../../map/map-view';
import type { Page, Point, Rec, Unit } from '../../types';
import { Button, Note, PageTitle } from '../../ui/base';
import { Field, Group, type Errors } from '../../ui/form';
import { Icon } from '../../ui/icon';
import { say, toast } from '../../ui/toast';
import { change } from './draft';

export interface StepProps {
  d: Draft;
  errors: Errors;
  forward: () => void;
}

export function Title({ of }: { of: Key }): JSX.Element {
  return <PageTitle title={`${t(of)} – ${t('nav.report')}`}>{t(of)}</PageTitle>;
}

interface PlaceHit {
  key: string;
  name: string;
  text: string;
  at: Point;
}

async function findPlaces(q: string, signal: AbortSignal): Promise<PlaceHit[]> {
  const hits: PlaceHit[] = [];
  const point = (r: Record<string, unknown>): Point | undefined => {
    const l = (r.location ?? r.centre ?? r.position) as Point | [number, number] | undefined;
    if (Array.isArray(l)) return { lon: l[0], lat: l[1] };
    if (l && typeof l === 'object' && 'lon' in l) return l;
    if (typeof r.lon === 'number' && typeof r.lat === 'number') return { lon: r.lon, lat: r.lat };
    return undefined;
  };
  const read = <T,>(path: string): Promise<Page<T>> => api.get<Page<T>>(path, {}, { signal }).catch(() => ({ items: [] }));
  const [places, stops, units] = await Promise.all([
    read<Rec>(`/api/v1/records/place${query({ q, limit: 5 })}`),
    read<Rec>(`/api/v1/records/bus_stop${query({ q, limit: 4 })}`),
    read<Unit>(`/api/v1/units${query({ q })}`),
  ]);
  for (const u of units.items.slice(0, 3)) {
    const full = await api.get<Unit>(`/api/v1/units/${u.code}`, {}, { signal }).catch(() => u);
    const at = point(full as unknown as Record<string, unknown>);
    if (at && !u.valid_to) hits.push({ key: `u${u.code}`, name: u.name, text: t('place.unit'), at });
  }
  for (const [list, kind] of [
    [places.items, 'place.place'],
    [stops.items, 'place.stop'],
  ] as const)
    for (const r of list) {
      const at = point(r);
      if (at) hits.push({ key: r.id, name: String(r.name ?? ''), text: [t(kind), r.address].filter(Boolean).join(' · '), at });
    }
  return hits;
}

export function PlaceStep({ d, errors }: StepProps): JSX.Element {
  const map = useRef<CityMap | null>(null);
  const portal = usePortal();
  const [finding, setFinding] = useState(false);
  const [problem, setProblem] = useState('');
  const [q, setQ] = useState('');
  const [hits, setHits] = useState<PlaceHit[] | null>(null);
  const asking = useRef(0);

  const set = (at: Point, how: 'map' | 'gps' | 'search', address?: string): void => {
    setProblem('');
    const round = (n: number): number => Math.round(n * 1e6) / 1e6;
    const location = { lon: round(at.lon), lat: round(at.lat) };
    change({ location, unit: undefined, ...(address ? { address } : {}) }); // the ward of the old pin is not that of the new
    map.current?.pin(location, (to) => set(to, 'map'));
    if (how !== 'map') map.current?.fly(location, 16.5);
    const turn = ++asking.current;
    api
      .get<Unit>(`/api/v1/units/at${query({ lon: location.lon, lat: location.lat })}`)
      .then((u) => {
        if (turn !== asking.current) return;
        change({ unit: { code: u.code, name: u.name } });
        say(t('report.place.in', { unit: u.name }));
      })
      .catch((e: { code?: string }) => {
        if (turn !== asking.current || e.code !== 'UNIT_NOT_FOUND') return;
        setProblem(t('report.place.outside', { city: cityName(portal) }));
        if (how !== 'map') map.current?.fly(centreOf(portal), 12); // where a place can be chosen
      });
  };

  const locate = (): void => {
    if (!('geolocation' in navigator)) return setProblem(t('report.place.no_gps'));
    setFinding(true);
    navigator.geolocation.getCurrentPosition(
      (p) => {
        setFinding(false);
        set({ lon: p.coords.longitude, lat: p.coords.latitude }, 'gps');
        if (p.coords.accuracy > 100) toast(t('report.place.rough', { n: number(Math.round(p.coords.accuracy)) }));
      },
      () => {
        setFinding(false);
        setProblem(t('report.place.no_gps'));
      },
      { enableHighAccuracy: true, timeout: 15_000, maximumAge: 30_000 },
    );
  };

  useEffect(() => {
    if (q.trim().length < 2) return setHits(null);
    const stop = new AbortController();
    const timer = setTimeout(() => void findPlaces(q.trim(), stop.signal).then((h) => {
      if (stop.signal.aborted) return;
      setHits(h);
      say(t('place.found', { n: h.length }));
    }, () => undefined), 250);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [q]);

  return (
    <>
      <Title of="report.place" />
      <Group id="f-place" label={<span class="sr-only">{t('report.place')}</span>} hint={t('report.place.hint')} error={errors.place}>
        <div class="buttons" style={{ margin: '0 0 12px' }}>
          <Button icon={LocateFixed} busy={finding} onClick={locate}>
            {t('report.place.gps')}
          </Button>
        </div>
        <Field id="place-search" label={t('report.place.search')} hint={t('report.place.search.hint')}>
          <input type="search" autocomplete="off" value={q} onInput={(e) => setQ(e.currentTarget.value)} onKeyDown={(e) => e.key === 'Enter' && e.preventDefault()} />
        </Field>
        {hits && (
          <ul class="suggestions" aria-label={t('place.results')}>
            {hits.map((h) => (
              <li key={h.key}>
                <button
                  type="button"
                  onClick={() => {
                    set(h.at, 'search', h.name);
                    setHits(null);
                    setQ('');
                  }}
                >
                  <Icon of={MapPin} />
                  <span>
                    {h.name}
                    <small>{h.text}</small>
                  </span>
                </button>
              </li>
            ))}
            {!hits.length && (
              <li>
                <p class="quiet" style={{ padding: '8px 12px' }}>
                  <Icon of={Search} size={18} /> {t('place.none')}
                </p>
              </li>
            )}
          </ul>
        )}
        <MapView
          class="place-map"
          label={t('report.place.map')}
          centre={d.location ?? centreOf(portal)}
          zoom={d.location ? 16 : 12}
          onMap={(m) => {
            map.current = m;
            if (d.location) m.pin(d.location, (to) => set(to, 'map'));
            m.onClick({ place: (at) => set(at, 'map') });
            void m.ready.then(() => undefined);
          }}
        />
        <div aria-live="polite">
          {problem && (
            <Note tone="warn">
              <p>{problem}</p>
            </Note>
          )}
          {d.location && !problem && (
            <p class="place-found">
              <Icon of={MapPin} size={24} />
              <span>
                <b>{d.unit?.name ?? t('report.place.set')}</b>
                <br />
                <span class="quiet figures">
                  {number(d.location.lat, 5)}; {number(d.location.lon, 5)}
                </span>
              </span>
            </p>
          )}
        </div>
      </Group>
      <Field id="f-address" label={t('report.address')} hint={t('report.address.hint')} optional>
        <input type="text" autocomplete="off" maxLength={200} value={d.address ?? ''} onInput={(e) => change({ address: e.currentTarget.value })} />
      </Field>
      <div class="buttons">
        <Button kind="primary" type="submit">
          {t('continue')}
        </Button>
      </div>
    </>
  );
}
