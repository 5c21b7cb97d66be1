// SPDX-License-Identifier: Apache-2.0
/**
 * The city on a map: our own vector layers, no outside tiles, no outside fonts. One class around
 * MapLibre; pages reach it through map/map-view.tsx, which loads it only when a map is shown.
 */
import * as maplibre from 'maplibre-gl';
import workerUrl from 'maplibre-gl/dist/maplibre-gl-worker.mjs?url';
import 'maplibre-gl/dist/maplibre-gl.css';
import './map.css';
import { boundsOf } from './bounds';
import { api, query } from '../api';
import { readBoundaries, readTypeNames, type Boundaries } from '../city';
import { t } from '../i18n';
import { still, theme, type Theme } from '../prefs';
import type { Point } from '../types';

maplibre.setWorkerUrl(workerUrl);

export interface CasePoint {
  id: string;
  lon: number;
  lat: number;
  status: string;
  late?: boolean;
  category?: string;
  /** Just arrived: pulses once. */
  fresh?: boolean;
}

export const looks = {
  light: {
    ground: '#EAEFE9', land: '#FBFAF6', border: '#B9C6BD', city: '#6E8479', text: '#2B3B34', halo: '#FBFAF6', quiet: '#5A6B64', water: '#BCD9E4', road: '#FFFFFF', edge: '#D9DED7', bus: '#C4CFDA', place: '#5C6F88',
    load: ['#F3F5EE', '#D8E8DD', '#A5D0BF', '#F4C542', '#D9822B', '#A61E22'],
    open: '#8A5A00', work: '#1D4E89', done: '#0E6655', late: '#A61E22', other: '#4A5A54', ring: '#FFFFFF', cluster: '#15211D', count: '#FFFFFF', chosen: '#0E6655',
  },
  dark: {
    ground: '#0B1713', land: '#13261F', border: '#2C473C', city: '#5E7F71', text: '#DCE7E1', halo: '#10201B', quiet: '#A9BBB3', water: '#17384A', road: '#2A4036', edge: '#1B3128', bus: '#31475A', place: '#8FA6C2',
    load: ['#172C24', '#1C4034', '#236B56', '#8D7420', '#B0622A', '#C5413F'],
    open: '#F4C542', work: '#8DB9F0', done: '#7BD8BE', late: '#FF9A8B', other: '#A9BBB3', ring: '#10201B', cluster: '#E9F0EC', count: '#10201B', chosen: '#7BD8BE',
  },
} as const;
type Look = (typeof looks)[Theme];

const regular = ['Be Vietnam Pro', 'sans-serif'];
const strong = ['Be Vietnam Pro SemiBold', 'sans-serif'];
const none: GeoJSON.FeatureCollection = { type: 'FeatureCollection', features: [] };

export const loadStops = [0, 1, 5, 10, 20, 40] as const;

function layers(c: Look): maplibre.LayerSpecification[] {
  const status: maplibre.ExpressionSpecification = [
    'case',
    ['get', 'late'], c.late,
    ['match', ['get', 'status'], ['new', 'reopened'], c.open, ['accepted', 'in_progress', 'forwarded'], c.work, ['done', 'closed'], c.done, c.other],
  ];
  const load: maplibre.ExpressionSpecification = [
    // Steps, not a blend: a shade on the map is a shade of the legend.
    'step', ['coalesce', ['feature-state', 'load'], 0], c.load[0],
    ...loadStops.slice(1).flatMap((n, i) => [n, c.load[i + 1] as string]),
  ] as unknown as maplibre.ExpressionSpecification;
  return [
    { id: 'ground', type: 'background', paint: { 'background-color': c.ground } },
    { id: 'units', type: 'fill', source: 'units', paint: { 'fill-color': ['case', ['==', ['feature-state', 'load'], null], c.land, load] } },
    { id: 'water', type: 'fill', source: 'water', paint: { 'fill-color': c.water } },
    { id: 'road-edge', type: 'line', source: 'road', minzoom: 11, paint: { 'line-color': c.edge, 'line-width': ['interpolate', ['exponential', 1.6], ['zoom'], 11, 1, 16, 9] } },
    { id: 'road', type: 'line', source: 'road', minzoom: 11, paint: { 'line-color': c.road, 'line-width': ['interpolate', ['exponential', 1.6], ['zoom'], 11, 0.5, 16, 7] } },
    { id: 'bus', type: 'line', source: 'bus', minzoom: 10.5, layout: { 'line-join': 'round', 'line-cap': 'round' }, paint: { 'line-color': c.bus, 'line-opacity': 0.8, 'line-width': ['interpolate', ['linear'], ['zoom'], 10.5, 0.6, 16, 3] } },
    { id: 'unit-line', type: 'line', source: 'units', paint: { 'line-color': c.border, 'line-width': ['interpolate', ['linear'], ['zoom'], 8, 0.5, 14, 1.6] } },
    { id: 'unit-chosen', type: 'line', source: 'units', filter: ['==', ['get', 'code'], ''], paint: { 'line-color': c.chosen, 'line-width': 3 } },
    { id: 'stop', type: 'circle', source: 'stop', minzoom: 14.5, paint: { 'circle-radius': 3, 'circle-color': c.land, 'circle-stroke-color': c.place, 'circle-stroke-width': 1.5 } },
    { id: 'place', type: 'symbol', source: 'place', minzoom: 13.5, layout: { 'text-field': ['get', 'name'], 'text-font': regular, 'text-size': 12, 'text-max-width': 9, 'text-variable-anchor': ['top', 'bottom', 'left', 'right'], 'text-radial-offset': 0.5 }, paint: { 'text-color': c.place, 'text-halo-color': c.halo, 'text-halo-width': 1.2 } },
    { id: 'unit-name', type: 'symbol', source: 'unit-label', minzoom: 9.2, layout: { 'text-field': ['get', 'short'], 'text-font': strong, 'text-size': ['interpolate', ['linear'], ['zoom'], 9, 10, 14, 15], 'text-max-width': 7, 'text-padding': 6 }, paint: { 'text-color': c.text, 'text-halo-color': c.halo, 'text-halo-width': 1.4 } },
    { id: 'cluster', type: 'circle', source: 'cases', filter: ['has', 'point_count'], paint: { 'circle-color': ['case', ['>=', ['*', 2, ['get', 'late']], ['get', 'point_count']], c.late, c.cluster], 'circle-opacity': 0.94, 'circle-radius': ['interpolate', ['linear'], ['sqrt', ['get', 'point_count']], 1, 12, 30, 34], 'circle-stroke-width': ['case', ['>', ['get', 'late'], 0], 3.5, 2], 'circle-stroke-color': ['case', ['>', ['get', 'late'], 0], c.late, c.ring] } },
    { id: 'cluster-count', type: 'symbol', source: 'cases', filter: ['has', 'point_count'], layout: { 'text-field': ['get', 'point_count_abbreviated'], 'text-font': strong, 'text-size': 13, 'text-allow-overlap': true }, paint: { 'text-color': c.count } },
    { id: 'case', type: 'circle', source: 'cases', filter: ['!', ['has', 'point_count']], paint: { 'circle-color': status, 'circle-radius': ['interpolate', ['linear'], ['zoom'], 9, 4.5, 15, 9], 'circle-stroke-width': 2, 'circle-stroke-color': c.ring } },
    { id: 'case-chosen', type: 'circle', source: 'cases', filter: ['==', ['get', 'id'], ''], paint: { 'circle-color': 'rgba(0,0,0,0)', 'circle-radius': 15, 'circle-stroke-width': 3, 'circle-stroke-color': c.chosen } },
  ];
}

const collection = (features: GeoJSON.Feature[]): GeoJSON.FeatureCollection => ({ type: 'FeatureCollection', features });
const short = (name: string): string => name.replace(/^(Phường|Xã|Thị trấn|Quận|Huyện)\s+/u, '');

export interface CityMapOptions {
  centre?: Point | undefined;
  zoom?: number | undefined;
  /** Shows everything around what is pinned; false for a small picture of a place. */
  interactive?: boolean | undefined;
  base?: boolean | undefined;
  label: string;
}

export class CityMap {
  readonly map: maplibre.Map;
  readonly ready: Promise<void>;
  #pin: maplibre.Marker | null = null;
  #unfollow: () => void;
  #loads = new Set<string>();
  #gone = false;
  #resize: ResizeObserver;
  #baseBox = '';

  constructor(box: HTMLElement, o: CityMapOptions) {
    const look = looks[theme.get()];
    const source = (extra: Partial<maplibre.GeoJSONSourceSpecification> = {}): maplibre.GeoJSONSourceSpecification => ({ type: 'geojson', data: none, ...extra });
    this.map = new maplibre.Map({
      container: box,
      center: o.centre ? [o.centre.lon, o.centre.lat] : [105.8412, 21.0245],
      zoom: o.zoom ?? 10.2,
      minZoom: 7.5,
      maxZoom: 18,
      maxBounds: [[104.9, 20.3], [106.6, 21.7]],
      interactive: o.interactive !== false,
      attributionControl: false,
      dragRotate: false,
      pitchWithRotate: false,
      fadeDuration: still() ? 0 : 150,
      locale: {
        'NavigationControl.ZoomIn': t('map.zoom_in'),
        'NavigationControl.ZoomOut': t('map.zoom_out'),
        'Map.Title': o.label,
      },
      style: {
        version: 8,
        sources: {
          units: source({ promoteId: 'code' }),
          'unit-label': source(),
          water: source(),
          road: source(),
          bus: source(),
          stop: source(),
          place: source(),
          cases: source({ cluster: true, clusterRadius: 42, clusterMaxZoom: 14, clusterProperties: { late: ['+', ['case', ['get', 'late'], 1, 0]] } }),
        },
        layers: layers(look),
      },
    });
    this.map.touchZoomRotate.disableRotation();
    this.map.keyboard.disableRotation();
    if (o.interactive !== false) this.map.addControl(new maplibre.NavigationControl({ showCompass: false }), 'bottom-right');
    this.ready = new Promise((resolve) => this.map.once('load', () => resolve()));
    // Everything in view is drawn: said once, for whoever takes a picture.
    this.map.once('idle', () => box.closest('.map')?.setAttribute('data-drawn', ''));
    this.#unfollow = theme.subscribe((th) => void this.ready.then(() => this.#gone || this.#dress(looks[th])));
    this.#resize = new ResizeObserver(() => this.map.resize());
    this.#resize.observe(box);
    void Promise.all([readBoundaries(), this.ready]).then(
      ([b]) => this.#gone || this.#units(b),
      () => undefined,
    );
    if (o.base !== false) {
      this.map.on('moveend', () => void this.#base());
      void this.ready.then(() => this.#base());
    }
  }

  drop(): void {
    this.#gone = true;
    this.#unfollow();
    this.#resize.disconnect();
    this.map.remove();
  }

  #dress(c: Look): void {
    for (const l of layers(c)) {
      for (const [name, value] of Object.entries(l.paint ?? {})) this.map.setPaintProperty(l.id, name as never, value as never);
    }
  }

  #source(id: string): maplibre.GeoJSONSource {
    return this.map.getSource(id) as maplibre.GeoJSONSource;
  }

  #units(b: Boundaries): void {
    this.#source('units').setData(b as unknown as GeoJSON.FeatureCollection);
    this.#source('unit-label').setData(
      collection(
        b.features
          .filter((f) => f.properties.label)
          .map((f) => ({ type: 'Feature', properties: { code: f.properties.code, short: short(f.properties.name) }, geometry: { type: 'Point', coordinates: f.properties.label as [number, number] } })),
      ),
    );
  }

  /** Lines, stops and places around what is looked at; each is optional in a city. */
  async #base(): Promise<void> {
    if (this.#gone) return;
    const zoom = this.map.getZoom();
    const types = await readTypeNames().catch(() => new Set<string>());
    if (this.#gone) return;
    const once = async (name: string, type: string, min: number): Promise<void> => {
      if (zoom < min || this.#loads.has(name) || !types.has(type)) return;
      this.#loads.add(name);
      try {
        const fc = await api.get<GeoJSON.FeatureCollection>(`/api/v1/records/${type}${query({ format: 'geojson', limit: 1000 })}`);
        if (!this.#gone) this.#source(name).setData(fc);
      } catch {
        /* this city has no such layer */
      }
    };
    await Promise.all([once('bus', 'bus_line', 10.5), once('water', 'water', 9), once('road', 'road', 11)]);
    if (zoom < 13.5 || this.#gone) return;
    const b = this.map.getBounds();
    // One cell around the view, so that small moves ask nothing.
    const grid = 0.02;
    const box = [Math.floor(b.getWest() / grid), Math.floor(b.getSouth() / grid), Math.ceil(b.getEast() / grid), Math.ceil(b.getNorth() / grid)].map((n) => (n * grid).toFixed(3)).join(',');
    const key = `${box} ${zoom >= 14.5}`;
    if (key === this.#baseBox) return;
    this.#baseBox = key;
    const part = async (name: string, type: string): Promise<void> => {
      if (!types.has(type)) return;
      try {
        const fc = await api.get<GeoJSON.FeatureCollection>(`/api/v1/records/${type}${query({ format: 'geojson', bbox: box, limit: 500 })}`);
        if (!this.#gone) this.#source(name).setData(fc);
      } catch {
        /* no such layer */
      }
    };
    await Promise.all([part('place', 'place'), ...(zoom >= 14.5 ? [part('stop', 'bus_stop')] : [])]);
  }

  /** Shade units by a number; null takes the shades off. */
  shade(values: Map<string, number> | null): void {
    void Promise.all([this.ready, readBoundaries()]).then(([, b]) => {
      if (this.#gone) return;
      for (const f of b.features) {
        const id = f.properties.code;
        if (values) this.map.setFeatureState({ source: 'units', id }, { load: values.get(id) ?? 0 });
        else this.map.removeFeatureState({ source: 'units', id }, 'load');
      }
    });
  }

  cases(points: CasePoint[]): void {
    void this.ready.then(() => {
      if (this.#gone) return;
      this.#source('cases').setData(
        collection(points.map((p) => ({ type: 'Feature', properties: { id: p.id, status: p.status, late: p.late === true, category: p.category ?? '' }, geometry: { type: 'Point', coordinates: [p.lon, p.lat] } }))),
      );
    });
  }

  /** A new case: one ring that grows and goes. */
  pulse(at: Point, tone: 'new' | 'done' = 'new'): void {
    if (this.#gone) return;
    const el = document.createElement('div');
    el.className = `pulse ${tone}`;
    const m = new maplibre.Marker({ element: el }).setLngLat([at.lon, at.lat]).addTo(this.map);
    setTimeout(() => m.remove(), still() ? 4000 : 2400);
  }

  choose(what: { id?: string | undefined; unit?: string | undefined }): void {
    void this.ready.then(() => {
      if (this.#gone) return;
      this.map.setFilter('case-chosen', ['==', ['get', 'id'], what.id ?? '']);
      this.map.setFilter('unit-chosen', ['==', ['get', 'code'], what.unit ?? '']);
    });
  }

  pin(at: Point | null, moved?: (to: Point) => void): void {
    if (!at) {
      this.#pin?.remove();
      this.#pin = null;
      return;
    }
    if (!this.#pin) {
      const el = document.createElement('div');
      el.className = 'map-pin';
      const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
      svg.setAttribute('viewBox', '0 0 32 42');
      svg.setAttribute('width', '36');
      svg.setAttribute('height', '47');
      svg.setAttribute('aria-hidden', 'true');
      const body = document.createElementNS('http://www.w3.org/2000/svg', 'path');
      body.setAttribute('d', 'M16 1.5C8 1.5 2 7.6 2 15.4 2 25.6 16 40.5 16 40.5s14-14.9 14-25.1C30 7.6 24 1.5 16 1.5z');
      const eye = document.createElementNS('http://www.w3.org/2000/svg', 'circle');
      for (const [k, v] of [['cx', '16'], ['cy', '15.5'], ['r', '5.5']] as const) eye.setAttribute(k, v);
      svg.append(body, eye);
      el.append(svg);
      this.#pin = new maplibre.Marker({ element: el, anchor: 'bottom', draggable: !!moved }).setLngLat([at.lon, at.lat]).addTo(this.map);
      el.removeAttribute('tabindex');
      if (moved) {
        const pin = this.#pin;
        pin.on('dragend', () => {
          const p = pin.getLngLat();
          moved({ lon: p.lng, lat: p.lat });
        });
      }
    } else this.#pin.setLngLat([at.lon, at.lat]);
  }

  fly(to: Point, zoom?: number): void {
    const c = { center: [to.lon, to.lat] as [number, number], zoom: zoom ?? Math.max(this.map.getZoom(), 15) };
    if (still()) this.map.jumpTo(c);
    else this.map.easeTo({ ...c, duration: 600 });
  }

  fit(box: [number, number, number, number], padding = 40): void {
    this.map.fitBounds([[box[0], box[1]], [box[2], box[3]]], { padding, maxZoom: 15.5, duration: still() ? 0 : 600 });
  }

  /** The whole city in view. */
  async fitCity(padding = 30): Promise<void> {
    const [b] = await Promise.all([readBoundaries(), this.ready]);
    if (!this.#gone) this.fit(boundsOf(b.features.map((f) => f.geometry.coordinates)), padding);
  }

  async fitUnit(code: string): Promise<void> {
    const b = await readBoundaries();
    const f = b.features.find((x) => x.properties.code === code);
    if (f && !this.#gone) this.fit(boundsOf(f.geometry.coordinates));
  }

  onClick(on: { place?: (at: Point) => void; case?: (id: string) => void; unit?: (code: string) => void }): void {
    this.map.on('click', (e) => {
      const near = (id: string[]): maplibre.MapGeoJSONFeature[] =>
        this.map.queryRenderedFeatures([[e.point.x - 8, e.point.y - 8], [e.point.x + 8, e.point.y + 8]], { layers: id });
      const cluster = near(['cluster'])[0];
      if (cluster) {
        void this.#source('cases')
          .getClusterExpansionZoom(cluster.properties.cluster_id as number)
          .then((zoom) => this.map.easeTo({ center: (cluster.geometry as GeoJSON.Point).coordinates as [number, number], zoom: zoom + 0.5 }));
        return;
      }
      const c = near(['case'])[0];
      if (c && on.case) return on.case(String(c.properties.id));
      if (on.place) return on.place({ lon: e.lngLat.lng, lat: e.lngLat.lat });
      const u = this.map.queryRenderedFeatures(e.point, { layers: ['units'] })[0];
      if (u && on.unit) on.unit(String(u.properties.code));
    });
    for (const l of ['case', 'cluster']) {
      this.map.on('mouseenter', l, () => (this.map.getCanvas().style.cursor = 'pointer'));
      this.map.on('mouseleave', l, () => (this.map.getCanvas().style.cursor = ''));
    }
  }
}
