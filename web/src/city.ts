// SPDX-License-Identifier: Apache-2.0
/** What every page may need to know of the city: read once, kept for the visit. */
import { Building2, Bus, Cable, CircleAlert, CircleHelp, CircleParkingOff, CloudFog, Construction, Droplets, Faucet, Flame, Hammer, HardHat, Info, LightbulbOff, MegaphoneOff, PawPrint, Signpost, Store, TrafficCone, Trash2, TreeDeciduous, Trees, Truck, Volume2, Waves, Zap } from 'lucide';
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { all, api, query } from './api';
import { fold } from './format';
import { lang, words, type Words } from './i18n';
import { useStore } from './store';
import type { Point, Portal, Rec, Unit } from './types';
import type { IconNode } from './ui/icon';

/** A reading that happens once and is tried again after a failure. */
function once<T>(read: () => Promise<T>): () => Promise<T> {
  let kept: Promise<T> | undefined;
  return () => {
    kept ??= read().catch((e: unknown) => {
      kept = undefined;
      throw e;
    });
    return kept;
  };
}

function useOnce<T>(read: () => Promise<T>, on = true): T | undefined {
  const [value, setValue] = useState<T>();
  useEffect(() => {
    let here = true;
    if (on)
      read().then(
        (v) => here && setValue(() => v),
        () => undefined,
      );
    return () => {
      here = false;
    };
  }, [on]);
  return value;
}

export const readPortal = once(() => api.get<Portal>('/api/v1/portal'));
export const usePortal = (): Portal | undefined => useOnce(readPortal);

/** Used until the server has said better: the middle of Hà Nội. */
export const hanoi: Point = { lon: 105.8412, lat: 21.0245 };

export function centreOf(p: Portal | undefined): Point {
  const c = p?.centre;
  if (!c) return hanoi;
  return Array.isArray(c) ? { lon: c[0], lat: c[1] } : c;
}

export function cityName(p: Portal | undefined): string {
  const c = p?.city;
  if (!c) return lang.get() === 'en' ? 'City of Hà Nội' : 'Thành phố Hà Nội';
  if (typeof c === 'object' && 'name' in c) return words(c.name);
  return words(c as Words | string);
}

/** A further question that a category asks (an attribute of Open311). */
export interface Question {
  code: string;
  kind: 'string' | 'number' | 'datetime' | 'text' | 'singlevaluelist' | 'multivaluelist';
  required: boolean;
  label: string;
  values: { key: string; name: string }[];
}
export interface Category {
  code: string;
  name: string;
  about: string;
  group: string;
  icon: IconNode;
  order: number;
  questions: Question[];
  /** What a search for the category compares, without accents. */
  words: string;
}

/** The icons that packs may name, by their names in the icon set. */
const icons: Record<string, IconNode> = {
  construction: Construction,
  'traffic-cone': TrafficCone,
  signpost: Signpost,
  'circle-parking-off': CircleParkingOff,
  bus: Bus,
  truck: Truck,
  'cloud-fog': CloudFog,
  waves: Waves,
  'tree-deciduous': TreeDeciduous,
  'lightbulb-off': LightbulbOff,
  droplets: Droplets,
  'circle-alert': CircleAlert,
  faucet: Faucet,
  zap: Zap,
  cable: Cable,
  store: Store,
  'megaphone-off': MegaphoneOff,
  'paw-print': PawPrint,
  flame: Flame,
  hammer: Hammer,
  'hard-hat': HardHat,
  trees: Trees,
  'trash-2': Trash2,
  'volume-2': Volume2,
  'building-2': Building2,
  info: Info,
};

const pick = (r: Record<string, unknown>, name: string): string => {
  const now = lang.get();
  return String(r[`${name}_${now}`] ?? r[`${name}_vi`] ?? r[name] ?? '');
};

export interface Attribute extends Record<string, unknown> {
  code: string;
  datatype: Question['kind'];
  required?: boolean;
  values?: Record<string, unknown>[];
}
export const questionOf = (a: Attribute): Question => ({
  code: a.code,
  kind: a.datatype,
  required: a.required === true,
  label: pick(a, 'description'),
  values: (a.values ?? []).map((v) => ({ key: String(v.key), name: pick(v, 'name') })),
});

const readCategories = once(() => all<Rec>('/api/v1/records/feedback_category', {}, 200));
export function useCategories(): Category[] | undefined {
  useStore(lang);
  const rows = useOnce(readCategories);
  return rows
    ?.filter((r) => r.active !== false)
    .map((r, i) => {
      const code = String(r.code ?? r.id);
      return {
        code,
        name: pick(r, 'name') || code,
        about: pick(r, 'about'),
        group: String(r.group ?? ''),
        icon: icons[String(r.icon)] ?? CircleHelp,
        order: Number(r.order ?? i),
        words: fold([r.name_vi, r.name_en, r.about_vi, r.about_en, r.keywords].filter(Boolean).join(' ')),
        questions: ((r.attributes ?? []) as Attribute[]).map(questionOf),
      };
    })
    .sort((a, b) => a.order - b.order);
}

export function categoryName(list: Category[] | undefined, code: string): string {
  return list?.find((c) => c.code === code)?.name ?? code;
}

const units = new Map<string, Promise<Unit>>();
export function readUnit(code: string): Promise<Unit> {
  let p = units.get(code);
  if (!p) {
    p = api.get<Unit>(`/api/v1/units/${encodeURIComponent(code)}`);
    p.catch(() => units.delete(code));
    units.set(code, p);
  }
  return p;
}

const agencies = new Map<string, Promise<string>>();
function readAgency(code: string): Promise<string> {
  let p = agencies.get(code);
  if (!p) {
    p = api
      .get<{ items: Rec[] }>(`/api/v1/records/agency${query({ code, limit: 1 })}`)
      .then((page) => String(page.items[0]?.short_name ?? page.items[0]?.name ?? code));
    p.catch(() => agencies.delete(code));
    agencies.set(code, p);
  }
  return p;
}

function useName(code: string | null | undefined, read: (code: string) => Promise<string>): string {
  const [name, setName] = useState('');
  useEffect(() => {
    let here = true;
    setName('');
    if (code)
      read(code).then(
        (n) => here && setName(n),
        () => here && setName(''),
      );
    return () => {
      here = false;
    };
  }, [code]);
  return name;
}

/** The name of an agency where only its code is at hand; the code until it is known. */
export function AgencyName({ code, before = '' }: { code: string; before?: string }): ComponentChildren {
  const name = useAgencyName(code);
  return `${before}${name || code}`;
}
const refs = new Map<string, Promise<string>>();
function readRef(key: string): Promise<string> {
  const [type, code] = key.split(' ') as [string, string];
  if (type === 'agency') return readAgency(code);
  if (type === 'admin_unit') return readUnit(code).then((u) => u.name);
  let p = refs.get(key);
  if (!p) {
    p = api.get<{ items: Rec[] }>(`/api/v1/records/${type}${query({ code, limit: 1 })}`).then((page) => (page.items[0] && pick(page.items[0], 'name')) || code);
    p.catch(() => refs.delete(key));
    refs.set(key, p);
  }
  return p;
}
/** The name of the record that a code refers to, with the code beside it unless that is too much. */
export function RefName({ type, code, bare = false }: { type: string; code: string; bare?: boolean }): ComponentChildren {
  const name = useName(`${type} ${code}`, readRef);
  return name && name !== code ? (bare ? name : `${name} (${code})`) : code;
}
/** Name of the ward or commune with this code. */
export const useUnitName = (code: string | null | undefined): string => useName(code, (c) => readUnit(c).then((u) => u.name));
/** Name of the agency in charge with this code. */
export const useAgencyName = (code: string | null | undefined): string => useName(code, readAgency);

export interface Boundaries {
  type: 'FeatureCollection';
  features: {
    type: 'Feature';
    id?: string;
    properties: { code: string; name: string; label?: [number, number]; kind?: string };
    geometry: { type: string; coordinates: unknown };
  }[];
}
export const readBoundaries = once(() => api.get<Boundaries>('/api/v1/units/boundaries'));
export const useBoundaries = (): Boundaries | undefined => useOnce(readBoundaries);

/** Names of the record types that are loaded: a city need not have bus lines or waters. */
export const readTypeNames = once(async () => {
  const page = await api.get<{ items: { type: string }[] }>('/api/v1/types');
  return new Set(page.items.map((x) => x.type));
});

/** The address of a stored file. */
export const fileUrl = (id: string): string => `/api/v1/files/${encodeURIComponent(id)}`;
