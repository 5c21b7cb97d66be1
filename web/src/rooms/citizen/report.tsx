// SPDX-License-Identifier: Apache-2.0
/**
 * Reporting a problem, one thing per page: what, where, how it looks, is it known, who you are,
 * check, sent. What is typed is kept on this device until it has arrived.
 */
import { Check as CheckIcon, CircleCheck, LocateFixed, MapPin, Search, WifiOff } from 'lucide';
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { api, newKey, query } from '../../api';
import { categoryName, centreOf, readPortal, useCategories, usePortal } from '../../city';
import { draft as keptDraft, waiting, type Draft } from '../../db';
import { bytes, metresBetween, number } from '../../format';
import { lang, t, tMaybe, type Key } from '../../i18n';
import { MapView } from '../../map/map-view';
import type { CityMap } from '../../map/city-map';
import { flush, later } from '../../outbox';
import { go } from '../../router';
import { me } from '../../session';
import { createStore, useStore } from '../../store';
import type { Page, Point, Rec, Report, Unit } from '../../types';
import { BackLink, Button, CopyText, Facts, LinkButton, Note, PageTitle, Skeleton } from '../../ui/base';
import { confirm } from '../../ui/dialog';
import { Check, ErrorSummary, Field, Group, type Errors } from '../../ui/form';
import { Icon } from '../../ui/icon';
import { PhotoInput } from '../../ui/photos';
import { say, toast } from '../../ui/toast';
import { CaseList } from './case-list';

const steps = ['category', 'place', 'detail', 'known', 'contact', 'review'] as const;
type Step = (typeof steps)[number];

const empty = (): Draft => ({ files: [], changed: 0 });
const current = createStore<Draft | null>(null);
let loading: Promise<void> | null = null;

/** The draft of this device, read once. */
function readDraft(): Promise<void> {
  loading ??= keptDraft.read().then(
    (d) => current.set(d ?? empty()),
    () => current.set(empty()),
  );
  return loading;
}

let writing: ReturnType<typeof setTimeout> | undefined;
function change(part: Partial<Draft> | ((d: Draft) => Partial<Draft>)): void {
  current.set((d) => {
    const before = d ?? empty();
    return { ...before, ...(typeof part === 'function' ? part(before) : part), changed: Date.now() };
  });
  clearTimeout(writing);
  writing = setTimeout(() => void keptDraft.write(current.get() as Draft).catch(() => undefined), 300);
}

async function dropDraft(): Promise<void> {
  clearTimeout(writing);
  current.set(empty());
  await keptDraft.drop().catch(() => undefined);
}

const missing = (d: Draft): Partial<Record<Step, Errors>> => ({
  ...(d.category ? {} : { category: { category: t('report.category.missing') } }),
  ...(d.location ? {} : { place: { place: t('report.place.missing') } }),
  ...((d.description ?? '').trim().length >= 10 ? {} : { detail: { description: t('report.description.missing') } }),
});

export function ReportPage({ step }: { step?: string }): JSX.Element {
  const d = useStore(current);
  useEffect(() => void readDraft(), []);
  if (!d) return <div class="wrap narrow page">{<Skeleton lines={6} tall />}</div>;
  if (step === 'sent') return <SentPage />;
  const at = steps.includes(step as Step) ? (step as Step) : 'category';
  return <Wizard d={d} step={at} />;
}

function Wizard({ d, step }: { d: Draft; step: Step }): JSX.Element {
  const [errors, setErrors] = useState<Errors>({});
  const n = steps.indexOf(step);
  const back = n === 0 ? '/' : `/report/${steps[n - 1]}`;
  const forward = (): void => {
    const wrong = missing(d)[step] ?? {};
    setErrors(wrong);
    if (!Object.keys(wrong).length) go(`/report/${steps[n + 1]}`);
  };
  const Part = { category: CategoryStep, place: PlaceStep, detail: DetailStep, known: KnownStep, contact: ContactStep, review: ReviewStep }[step];
  return (
    <div class="wrap narrow page wizard">
      <BackLink href={back}>{t('back')}</BackLink>
      <p class="wizard-step">{t('report.step', { n: n + 1, of: steps.length })}</p>
      <div class="wizard-bar" aria-hidden="true">
        <span style={{ width: `${((n + 1) / steps.length) * 100}%` }} />
      </div>
      <ErrorSummary errors={errors} />
      <form
        noValidate
        onSubmit={(e) => {
          e.preventDefault();
          forward();
        }}
      >
        <Part d={d} errors={errors} forward={forward} />
      </form>
      {d.changed > 0 && step !== 'review' && (
        <p class="quiet">
          {t('report.kept')}{' '}
          <button
            type="button"
            class="button quiet small"
            onClick={() =>
              void confirm(t('report.drop'), t('report.drop.text'), t('report.drop'), true).then((yes) => {
                if (yes) void dropDraft().then(() => go('/report'));
              })
            }
          >
            {t('report.drop')}
          </button>
        </p>
      )}
    </div>
  );
}

interface StepProps {
  d: Draft;
  errors: Errors;
  forward: () => void;
}

function Title({ of }: { of: Key }): JSX.Element {
  return <PageTitle title={`${t(of)} – ${t('nav.report')}`}>{t(of)}</PageTitle>;
}

function CategoryStep({ d, errors }: StepProps): JSX.Element {
  const categories = useCategories();
  return (
    <>
      <Title of="report.category" />
      {categories ? (
        <Group id="f-category" label={<span class="sr-only">{t('report.category')}</span>} hint={t('report.category.hint')} error={errors.category}>
          {[...new Set(categories.map((c) => c.group))].map((group) => (
          <div class="category-group" key={group} role="group" aria-labelledby={`group-${group}`}>
          <h2 id={`group-${group}`}>{tMaybe(`group.${group}`) ?? group}</h2>
          <div class="category-list">
            {categories.filter((c) => c.group === group).map((c) => (
              <label class="category" key={c.code}>
                <input type="radio" name="category" value={c.code} checked={d.category === c.code} onChange={() => change({ category: c.code })} />
                <Icon of={c.icon} size={28} />
                <span>
                  {c.name}
                  {c.about && <small>{c.about}</small>}
                </span>
              </label>
            ))}
          </div>
          </div>
          ))}
        </Group>
      ) : (
        <Skeleton lines={6} tall />
      )}
      <Note tone="warn">
        <p>{t('report.emergency')}</p>
      </Note>
      <div class="buttons">
        <Button kind="primary" type="submit">
          {t('continue')}
        </Button>
      </div>
    </>
  );
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

function PlaceStep({ d, errors }: StepProps): JSX.Element {
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
    change((before) => {
      const next: Partial<Draft> = { location, ...(address ? { address } : {}) };
      delete before.unit;
      return next;
    });
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
      .catch((e: { status?: number }) => {
        if (turn === asking.current && e.status === 404) setProblem(t('report.place.outside'));
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

const descriptionMax = 2000;

function DetailStep({ d, errors }: StepProps): JSX.Element {
  const text = d.description ?? '';
  return (
    <>
      <Title of="report.detail" />
      <Field id="f-description" label={t('report.description')} hint={t('report.description.hint')} error={errors.description}>
        <textarea rows={5} maxLength={descriptionMax} value={text} onInput={(e) => change({ description: e.currentTarget.value })} />
      </Field>
      {text.length > descriptionMax - 300 && <p class="count">{t('form.left', { n: descriptionMax - text.length })}</p>}
      <Group id="f-photos" label={t('report.photos')} hint={t('report.photos.hint')} error={errors.photos} optional>
        <PhotoInput id="photos" files={d.files} onChange={(fn) => change((before) => ({ files: fn(before.files) }))} max={5} video />
      </Group>
      <div class="buttons">
        <Button kind="primary" type="submit">
          {t('continue')}
        </Button>
      </div>
    </>
  );
}

/** Reports of the same kind near the same place: perhaps nothing needs to be sent. */
function KnownStep({ d, forward }: StepProps): JSX.Element {
  const [found, setFound] = useState<Report[] | null>(null);
  useEffect(() => {
    if (!d.location) return setFound([]);
    api
      .get<Page<Report>>(`/api/v1/reports/nearby${query({ ...d.location, category: d.category })}`)
      .then((p) => {
        setFound(p.items);
        if (!p.items.length) go('/report/contact', { replace: true });
      })
      .catch(() => go('/report/contact', { replace: true })); // a suggestion only: never in the way
  }, []);
  if (!found) return <Skeleton lines={4} tall />;
  return (
    <>
      <Title of="report.known" />
      <p>{t('report.known.text')}</p>
      <CaseList reports={found} metres={(r) => (d.location ? metresBetween(d.location, r.location) : undefined)} />
      <div class="buttons">
        <Button kind="primary" onClick={forward}>
          {t('report.known.no')}
        </Button>
      </div>
    </>
  );
}

function ContactStep({ d, errors }: StepProps): JSX.Element {
  const account = useStore(me);
  return (
    <>
      <Title of="report.contact" />
      {account ? (
        <Note tone="info">
          <p>{t('report.contact.me', { name: account.name })}</p>
        </Note>
      ) : (
        <Note tone="info">
          <p>{t('report.contact.nobody')}</p>
          <p>
            <a href="/login?next=/report/contact">{t('sign_in')}</a>
          </p>
        </Note>
      )}
      {!account && (
        <Field id="f-contact_name" label={t('report.contact_name')} error={errors.contact_name} optional>
          <input class="short-input" type="text" autocomplete="name" maxLength={120} value={d.contact_name ?? ''} onInput={(e) => change({ contact_name: e.currentTarget.value })} />
        </Field>
      )}
      <Field id="f-contact_phone" label={t('report.phone')} hint={t('report.phone.hint')} error={errors.contact_phone} optional>
        <input class="short-input" type="tel" autocomplete="tel" inputMode="tel" value={d.contact_phone ?? ''} onInput={(e) => change({ contact_phone: e.currentTarget.value })} />
      </Field>
      <Field id="f-contact_email" label={t('report.email')} error={errors.contact_email} optional>
        <input class="short-input" type="email" autocomplete="email" value={d.contact_email ?? ''} onInput={(e) => change({ contact_email: e.currentTarget.value })} />
      </Field>
      <Check id="f-anonymous" checked={d.anonymous === true} onChange={(on) => change({ anonymous: on })} hint={t('report.anonymous.hint')}>
        {t('report.anonymous')}
      </Check>
      <div class="buttons">
        <Button kind="primary" type="submit">
          {t('continue')}
        </Button>
      </div>
    </>
  );
}

const lastSent = createStore<{ id: string; number: string } | 'waiting' | null>(null);

function ReviewStep({ d }: StepProps): JSX.Element {
  const categories = useCategories();
  const [busy, setBusy] = useState(false);
  const [errors, setErrors] = useState<Errors>({});
  const key = useRef(newKey());
  const open = Object.entries(missing(d));

  const send = async (): Promise<void> => {
    setErrors({});
    const first = open[0];
    if (first) return go(`/report/${first[0]}`);
    setBusy(true);
    const fields: Record<string, unknown> = {
      category: d.category,
      description: (d.description ?? '').trim(),
      location: d.location,
      ...(d.address?.trim() ? { address: d.address.trim() } : {}),
      ...(d.anonymous ? { anonymous: true } : {}),
      ...(d.contact_name?.trim() ? { contact_name: d.contact_name.trim() } : {}),
      ...(d.contact_phone?.trim() ? { contact_phone: d.contact_phone.trim() } : {}),
      ...(d.contact_email?.trim() ? { contact_email: d.contact_email.trim() } : {}),
      channel: 'portal',
    };
    try {
      await waiting.put({ key: key.current, fields, files: d.files, at: Date.now() });
      const [out] = await flush(lang.get(), key.current);
      if (out?.error) {
        await waiting.drop(key.current); // it stays in the draft, to be mended
        key.current = newKey();
        const wrong: Errors = {};
        for (const i of out.error.issues) wrong[i.pointer.replace(/^\//, '').split('/')[0] ?? ''] = i.message;
        setErrors(Object.keys(wrong).length ? wrong : { '': out.error.title });
        return;
      }
      lastSent.set(out?.report ?? 'waiting');
    } catch {
      await later();
      lastSent.set('waiting');
    } finally {
      setBusy(false);
    }
    await dropDraft();
    go('/report/sent', { replace: true });
  };

  const changeLink = (to: Step, what: string): JSX.Element => (
    <>
      {' '}
      <a href={`/report/${to}`}>
        {t('change')}
        <span class="sr-only"> {what}</span>
      </a>
    </>
  );
  const photos = d.files.filter((f) => !f.video);
  return (
    <>
      <Title of="report.review" />
      <ErrorSummary errors={Object.fromEntries(Object.entries(errors).map(([k, m]) => [k === '' ? '' : `review-${k}`, m]))} />
      {open.length > 0 && (
        <Note tone="warn" title={t('report.open')}>
          <ul>
            {open.map(([s, e]) => (
              <li key={s}>
                <a href={`/report/${s}`}>{Object.values(e)[0]}</a>
              </li>
            ))}
          </ul>
        </Note>
      )}
      <div class="card review">
        <Facts
          items={[
            [t('report.category.short'), d.category && <>{categoryName(categories, d.category)}{changeLink('category', t('report.category.short'))}</>],
            [
              t('report.place.short'),
              d.location && (
                <>
                  {[d.address, d.unit?.name].filter(Boolean).join(', ') || t('report.place.set')}
                  {changeLink('place', t('report.place.short'))}
                </>
              ),
            ],
            [t('report.description'), d.description && <>{d.description}{changeLink('detail', t('report.description'))}</>],
            [t('report.photos'), d.files.length > 0 && <>{t('report.files', { n: d.files.length, size: bytes(d.files.reduce((s, f) => s + f.blob.size, 0)) })}{changeLink('detail', t('report.photos'))}</>],
            [t('report.phone'), d.contact_phone && <>{d.contact_phone}{changeLink('contact', t('report.phone'))}</>],
            [t('report.email'), d.contact_email && <>{d.contact_email}{changeLink('contact', t('report.email'))}</>],
            [t('report.name_shown'), <>{d.anonymous ? t('report.name_hidden') : t('report.name_open')}{changeLink('contact', t('report.name_shown'))}</>],
          ]}
        />
      </div>
      {photos.length > 0 && <p class="quiet">{t('report.photos.clean')}</p>}
      <p class="quiet">{t('report.public')}</p>
      <div class="buttons">
        <Button kind="primary" icon={CheckIcon} busy={busy} onClick={() => void send()}>
          {t('report.send')}
        </Button>
      </div>
    </>
  );
}

function SentPage(): JSX.Element {
  const what = useStore(lastSent);
  const account = useStore(me);
  useEffect(() => {
    void readPortal().catch(() => undefined);
    if (!what) go('/cases', { replace: true });
  }, []);
  if (!what) return <div />;
  if (what === 'waiting')
    return (
      <div class="wrap narrow page">
        <div class="card" style={{ textAlign: 'center', padding: '32px 24px' }}>
          <Icon of={WifiOff} size={48} />
          <PageTitle>{t('sent.waiting')}</PageTitle>
          <p>{t('sent.waiting.text')}</p>
        </div>
        <div class="buttons">
          <LinkButton href="/cases" kind="primary">
            {t('nav.cases')}
          </LinkButton>
        </div>
      </div>
    );
  return (
    <div class="wrap narrow page">
      <div class="sent-panel">
        <Icon of={CircleCheck} size={48} />
        <h1 tabIndex={-1}>{t('sent.title')}</h1>
        <p>{t('sent.number')}</p>
        <p class="number">
          <CopyText text={what.number} />
        </p>
      </div>
      <h2 style={{ margin: '32px 0 8px' }}>{t('sent.next')}</h2>
      <ol>
        <li>{t('sent.next1')}</li>
        <li>{t('sent.next2')}</li>
        <li>{t('sent.next3')}</li>
      </ol>
      {!account && (
        <Note tone="info">
          <p>{t('sent.keep')}</p>
        </Note>
      )}
      <div class="buttons">
        <LinkButton href={`/cases/${what.id}`} kind="primary">
          {t('sent.follow')}
        </LinkButton>
        <LinkButton href="/report">{t('sent.another')}</LinkButton>
        <Button onClick={() => print()}>{t('print')}</Button>
      </div>
    </div>
  );
}
