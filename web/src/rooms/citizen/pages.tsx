// SPDX-License-Identifier: Apache-2.0
/** The smaller pages of citizens: my reports, near me, search, a unit, about, not found. */
import type { ApiError } from '../../api';
import { FileClock, LocateFixed, MapPin, Megaphone, Search, WifiOff } from 'lucide';
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { query } from '../../api';
import { categoryName, centreOf, readBoundaries, useCategories, usePortal, useUnitName } from '../../city';
import { sent, waiting, type Sent, type Waiting } from '../../db';
import { useData } from '../../data';
import { date, dateTime, metresBetween, number } from '../../format';
import { lang, t, tMaybe, words } from '../../i18n';
import { useLiveReload } from '../../live';
import { MapView } from '../../map/map-view';
import { boundsOf } from '../../map/bounds';
import type { CityMap } from '../../map/city-map';
import { labelOf, showValue } from '../../forms/words';
import { pageOf } from '../../links';
import { flush } from '../../outbox';
import type { Procedure } from '../../procedures';
import { go, setQuery, usePlace } from '../../router';
import { me } from '../../session';
import { useStore } from '../../store';
import type { CityEvent, Page, Point, Rec, Report, Schema, SearchHit, Unit } from '../../types';
import { Button, Empty, Facts, LinkButton, Note, PageTitle, Skeleton, Tag, Trouble } from '../../ui/base';
import { toast } from '../../ui/toast';
import { CaseList, CaseRow } from './case-list';
import { SearchForm } from './home';

export const isReport = (e: CityEvent): boolean => e.type === 'report' || e.kind.startsWith('report');

export function MyCases(): JSX.Element {
  const account = useStore(me);
  const categories = useCategories();
  const mine = useData<Page<Report>>(account ? `/api/v1/records/report${query({ reporter: account.id, sort: '-id', limit: 100 })}` : null);
  const [here, setHere] = useState<Sent[]>([]);
  const [waits, setWaits] = useState<Waiting[]>([]);
  const [busy, setBusy] = useState(false);
  const read = (): void => {
    void sent.all().then((s) => setHere(s.sort((a, b) => b.at - a.at)), () => undefined);
    void waiting.all().then(setWaits, () => undefined);
  };
  useEffect(read, []);
  useLiveReload(isReport, mine.reload, 2000, !!account);
  const others = here.filter((s) => !mine.data?.items.some((r) => r.id === s.id));
  const open = mine.data?.items.filter((r) => !['closed', 'refused'].includes(r.status)) ?? [];
  const past = mine.data?.items.filter((r) => ['closed', 'refused'].includes(r.status)) ?? [];
  return (
    <div class="wrap page">
      <PageTitle
        actions={
          <LinkButton href="/report" kind="primary" icon={Megaphone}>
            {t('nav.report')}
          </LinkButton>
        }
      >
        {t('nav.cases')}
      </PageTitle>
      {waits.length > 0 && (
        <section class="section" style={{ marginTop: 0 }}>
          <h2>{t('cases.waiting')}</h2>
          {waits.map((w) => (
            <Note tone={w.error ? 'bad' : 'warn'} key={w.key} title={categoryName(categories, String(w.fields.category))}>
              <p>{String(w.fields.description)}</p>
              <p class="quiet">{w.error ?? t('cases.waiting.text', { at: dateTime(w.at) })}</p>
            </Note>
          ))}
          <Button
            icon={WifiOff}
            busy={busy}
            onClick={() => {
              setBusy(true);
              flush(lang.get())
                .catch(() => toast(t('error.offline')))
                .finally(() => (setBusy(false), read(), mine.reload()));
            }}
          >
            {t('cases.send_now')}
          </Button>
        </section>
      )}
      {account === null && (
        <Note tone="info">
          <p>{t('cases.sign_in')}</p>
          <LinkButton href="/login?next=/cases" kind="primary">
            {t('sign_in')}
          </LinkButton>
        </Note>
      )}
      {account &&
        (mine.data ? (
          mine.data.items.length ? (
            <div aria-live="polite">
              {open.length > 0 && (
                <section class="section" style={{ marginTop: 0 }}>
                  <h2>{t('cases.open', { n: open.length })}</h2>
                  <CaseList reports={open} />
                </section>
              )}
              {past.length > 0 && (
                <section class="section">
                  <h2>{t('cases.past', { n: past.length })}</h2>
                  <CaseList reports={past} />
                </section>
              )}
            </div>
          ) : (
            <Empty icon={FileClock} title={t('cases.none')}>
              <p>{t('cases.none.text')}</p>
            </Empty>
          )
        ) : mine.error ? (
          <Trouble error={mine.error} retry={mine.reload} />
        ) : (
          <Skeleton lines={4} tall />
        ))}
      {others.length > 0 && (
        <section class="section">
          <h2>{t('cases.device')}</h2>
          <p class="quiet">{t('cases.device.text')}</p>
          <ul class="hits">
            {others.map((s) => (
              <li key={s.id}>
                <a href={`/cases/${s.id}`}>
                  {categoryName(categories, s.category)} · {s.number}
                </a>
                <p>{dateTime(s.at)}</p>
              </li>
            ))}
          </ul>
        </section>
      )}
    </div>
  );
}

const openStates = 'new,accepted,in_progress,forwarded,reopened';

export function Nearby(): JSX.Element {
  const place = usePlace();
  const portal = usePortal();
  const categories = useCategories();
  const map = useRef<CityMap | null>(null);
  const [finding, setFinding] = useState(false);
  const lon = Number(place.query.get('lon'));
  const lat = Number(place.query.get('lat'));
  const at: Point | null = lon && lat ? { lon, lat } : null;
  const category = place.query.get('category') ?? '';
  const state = place.query.get('state') ?? 'open';
  const unit = place.query.get('unit') ?? '';
  const unitName = useUnitName(unit);
  const filter = {
    ...(at ? { near: `${at.lon},${at.lat},3000` } : {}),
    category,
    commune: unit,
    'status.in': state === 'open' ? openStates : state === 'done' ? 'done,closed' : '',
    sort: at ? '' : '-id',
  };
  const reports = useData<Page<Report>>(`/api/v1/records/report${query({ ...filter, limit: 300 })}`);
  useLiveReload(isReport, reports.reload, 5000);
  const items = [...(reports.data?.items ?? [])];
  if (at) items.sort((a, b) => metresBetween(at, a.location) - metresBetween(at, b.location));
  useEffect(() => {
    map.current?.cases((reports.data?.items ?? []).map((r) => ({ id: r.id, ...r.location, status: r.status, category: r.category })));
  }, [reports.data]);
  useEffect(() => {
    if (at && map.current) {
      map.current.pin(at);
      map.current.fly(at, 15);
    }
  }, [lon, lat]);
  const locate = (): void => {
    setFinding(true);
    navigator.geolocation.getCurrentPosition(
      (p) => {
        setFinding(false);
        setQuery({ lon: p.coords.longitude.toFixed(5), lat: p.coords.latitude.toFixed(5) });
      },
      () => {
        setFinding(false);
        toast(t('report.place.no_gps'));
      },
      { enableHighAccuracy: true, timeout: 15_000 },
    );
  };
  return (
    <div class="beside">
      <div class="beside-list">
        <PageTitle sub={unit ? unitName : at ? t('nearby.sub') : t('nearby.sub_city')}>{t('nav.nearby')}</PageTitle>
        <div class="filters">
          <Button icon={LocateFixed} small busy={finding} onClick={locate}>
            {t('nearby.locate')}
          </Button>
          <label>
            {t('report.category.short')}
            <select value={category} onChange={(e) => setQuery({ category: e.currentTarget.value })}>
              <option value="">{t('all')}</option>
              {categories?.map((c) => (
                <option key={c.code} value={c.code}>
                  {c.name}
                </option>
              ))}
            </select>
          </label>
          <label>
            {t('state')}
            <select value={state} onChange={(e) => setQuery({ state: e.currentTarget.value })}>
              <option value="open">{t('state.open')}</option>
              <option value="done">{t('state.done')}</option>
              <option value="all">{t('all')}</option>
            </select>
          </label>
        </div>
        {reports.data ? (
          items.length ? (
            <>
              <div class="section-head">
                <p class="quiet" role="status">
                  {t('nearby.count', { n: reports.data.next ? `${items.length}+` : items.length })}
                </p>
                <span>
                  <a href={`/api/v1/records/report${query({ ...filter, limit: 1000, format: 'csv' })}`} download="report.csv">
                    CSV
                  </a>
                  {' · '}
                  <a href={`/api/v1/records/report${query({ ...filter, limit: 1000, format: 'geojson' })}`} download="report.geojson">
                    GeoJSON
                  </a>
                </span>
              </div>
              <ul class="case-list">
                {items.slice(0, 100).map((r) => (
                  <CaseRow key={r.id} report={r} metres={at ? metresBetween(at, r.location) : undefined} />
                ))}
              </ul>
            </>
          ) : (
            <Empty icon={MapPin} title={t('nearby.none')}>
              <p>{t('nearby.none.text')}</p>
            </Empty>
          )
        ) : reports.error ? (
          <Trouble error={reports.error} retry={reports.reload} />
        ) : (
          <Skeleton lines={5} tall />
        )}
      </div>
      <MapView
        label={t('nearby.map')}
        centre={at ?? centreOf(portal)}
        zoom={at ? 15 : 11.5}
        onMap={(m) => {
          map.current = m;
          if (at) m.pin(at);
          if (unit) {
            m.choose({ unit });
            void m.fitUnit(unit);
          }
          m.cases((reports.data?.items ?? []).map((r) => ({ id: r.id, ...r.location, status: r.status, category: r.category })));
          m.onClick({ case: (id) => go(`/cases/${id}`) });
        }}
      />
    </div>
  );
}

/** Where a hit leads. */
function linkOf(h: SearchHit): string {
  const own = pageOf(h.type, h.id);
  return own.startsWith('/records/') ? h.link || own : own;
}

export function SearchPage(): JSX.Element {
  const q = usePlace().query.get('q') ?? '';
  const hits = useData<Page<SearchHit>>(q ? `/api/v1/search${query({ q })}` : null);
  const services = useData<Page<Procedure>>(q ? `/api/v1/records/procedure${query({ q, limit: 5 })}` : null);
  const found = services.data?.items ?? [];
  return (
    <div class="wrap narrow page">
      <PageTitle title={q ? `${q} – ${t('search')}` : t('search')}>{t('search')}</PageTitle>
      <SearchForm key={q} start={q} auto={!q} />
      <div style={{ marginTop: '24px' }}>
        {!q ? (
          <p class="quiet">{t('search.hint')}</p>
        ) : hits.data && !services.loading ? (
          hits.data.items.length || found.length ? (
            <>
              {found.length > 0 && (
                <section class="section" style={{ marginTop: 0 }}>
                  <h2>{t('nav.procedures')}</h2>
                  <ul class="hits">
                    {found.map((p) => (
                      <li key={p.code}>
                        <a href={pageOf('procedure', p.code)}>{p.name}</a>
                        <p>{p.field}</p>
                      </li>
                    ))}
                  </ul>
                  <p>
                    <a href={`/procedures${query({ q })}`}>{t('search.all_procedures')}</a>
                  </p>
                </section>
              )}
              <p class="quiet" role="status">
                {t('search.count', { n: hits.data.items.length + found.length })}
              </p>
              <ul class="hits">
                {hits.data.items.map((h) => (
                  <li key={`${h.type}${h.id}`}>
                    <a href={linkOf(h)}>{h.title}</a> <Tag>{tMaybe(`type.${h.type}`) ?? h.type}</Tag>
                    {h.text && <p>{h.text}</p>}
                  </li>
                ))}
              </ul>
            </>
          ) : (
            <Empty icon={Search} title={t('search.none', { q })}>
              <p>{t('search.none.text')}</p>
            </Empty>
          )
        ) : hits.error ? (
          <Trouble error={hits.error} retry={hits.reload} />
        ) : (
          <Skeleton lines={5} tall />
        )}
      </div>
    </div>
  );
}

export function UnitPage({ code = '' }: { code?: string }): JSX.Element {
  const unit = useData<Unit>(`/api/v1/units/${encodeURIComponent(code)}`);
  const reports = useData<Page<Report>>(`/api/v1/records/report${query({ commune: code, sort: '-id', limit: 20 })}`);
  if (!unit.data)
    return (
      <div class="wrap page">
        <PageTitle>{t('type.admin_unit')}</PageTitle>
        {unit.error ? <Trouble error={unit.error} retry={unit.reload} /> : <Skeleton lines={5} tall />}
      </div>
    );
  const u = unit.data;
  return (
    <div class="wrap page">
      <PageTitle sub={t('unit.code', { code: u.code })}>{u.name}</PageTitle>
      <div class="two">
        <div class="stack">
          <div class="card">
            <Facts
              items={[
                [t('unit.kind'), u.kind && (tMaybe(`unit.kind.${u.kind}`) ?? u.kind)],
                [t('unit.from'), u.valid_from && date(u.valid_from)],
                [t('unit.to'), u.valid_to && date(u.valid_to)],
                [t('unit.population'), u.population && number(u.population)],
                [t('unit.area'), u.area_km2 && `${number(u.area_km2, 2)} km²`],
                [
                  t('unit.successors'),
                  u.successors?.length ? (
                    <ul class="plain">
                      {u.successors.map((s) => (
                        <li key={s.code}>
                          <a href={`/units/${s.code}`}>{s.name}</a>
                        </li>
                      ))}
                    </ul>
                  ) : null,
                ],
              ]}
            />
          </div>
          <section>
            <h2 style={{ margin: '16px 0 12px' }}>{t('unit.reports')}</h2>
            {reports.data?.items.length ? <CaseList reports={reports.data.items} /> : reports.data ? <p class="quiet">{t('nearby.none')}</p> : <Skeleton lines={3} tall />}
          </section>
        </div>
        <aside>
          <MapView
            label={u.name}
            onMap={(m) => {
              m.choose({ unit: code });
              void Promise.all([readBoundaries(), m.ready]).then(([b]) => {
                const f = b.features.find((x) => x.properties.code === code);
                if (f) m.fit(boundsOf(f.geometry.coordinates), 24);
              });
            }}
          />
        </aside>
      </div>
    </div>
  );
}

/** A place, a stop, a line: what the city's registers say of it, for everybody. */
export function RecordCard({ type = '', id = '' }: { type?: string; id?: string }): JSX.Element {
  const record = useData<Rec>(`/api/v1/records/${encodeURIComponent(type)}/${encodeURIComponent(id)}`);
  const info = useData<{ schema?: Schema }>(`/api/v1/types/${encodeURIComponent(type)}`);
  const r = record.data;
  const schema = info.data?.schema;
  if (!r || !schema)
    return (
      <div class="wrap page">
        <PageTitle>{tMaybe(`type.${type}`) ?? t('search')}</PageTitle>
        {record.error || info.error ? <Trouble error={(record.error ?? info.error) as ApiError} retry={() => (record.reload(), info.reload())} /> : <Skeleton lines={5} tall />}
      </div>
    );
  const at = r.location as Point | undefined;
  const title = String(r.name ?? r.short_name ?? r.title ?? r.code ?? id);
  return (
    <div class="wrap page">
      <PageTitle sub={tMaybe(`type.${type}`)}>{title}</PageTitle>
      <div class="two">
        <div class="card">
          <Facts
            items={Object.entries(schema.properties ?? {})
              .filter(([n, f]) => !['object', 'array'].includes(String(f.type)) && n !== 'name')
              .map(([n, f]) => [labelOf(n, f), showValue(n, r[n], f)])}
          />
        </div>
        <aside>
          {at?.lon !== undefined && <MapView label={title} centre={at} zoom={16} onMap={(m) => m.pin(at)} />}
          {at?.lon !== undefined && (
            <p style={{ marginTop: '8px' }}>
              <a href={`/nearby?lon=${at.lon}&lat=${at.lat}`}>{t('case.nearby')}</a>
            </p>
          )}
        </aside>
      </div>
    </div>
  );
}

export function About(): JSX.Element {
  const portal = usePortal();
  return (
    <div class="wrap narrow page prose">
      <PageTitle>{t('nav.about')}</PageTitle>
      <p>{t('about.what')}</p>
      <h2>{t('about.privacy')}</h2>
      <p>{t('about.privacy.text')}</p>
      <h2 id="sources">{t('about.sources')}</h2>
      <ul>
        {!portal?.attributions?.length && (
          <>
            <li>
              {t('about.osm')} <a href="https://www.openstreetmap.org/copyright">openstreetmap.org/copyright</a>
            </li>
            <li>{t('about.worldbank')}</li>
            <li>{t('about.units')}</li>
          </>
        )}
        {portal?.attributions?.map((a, i) => {
          if (typeof a === 'string') return <li key={i}>{a}</li>;
          const text = words(a.text ?? a.title);
          return (
            <li key={i}>
              {a.url ? <a href={a.url}>{text || a.url}</a> : text} {a.licence && `(${a.licence})`}
            </li>
          );
        })}
      </ul>
      <h2 id="open">{t('nav.open')}</h2>
      <p>{t('about.open')}</p>
      <ul>
        <li>
          <a href="/api/v1/openapi.json">/api/v1/openapi.json</a>
        </li>
        <li>
          <a href="/open311/v2/services.json">/open311/v2</a> (Open311 GeoReport v2)
        </li>
      </ul>
      <h2>{t('about.software')}</h2>
      <p>{t('about.software.text')}</p>
    </div>
  );
}

export function NotFound(): JSX.Element {
  return (
    <div class="wrap narrow page">
      <PageTitle>{t('missing.title')}</PageTitle>
      <p>{t('missing.text')}</p>
      <SearchForm />
      <div class="buttons">
        <LinkButton href="/" kind="primary">
          {t('nav.home')}
        </LinkButton>
        <Button onClick={() => history.back()}>{t('back')}</Button>
      </div>
    </div>
  );
}

