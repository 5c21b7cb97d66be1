// SPDX-License-Identifier: Apache-2.0
/**
 * The operations centre. Left: what needs a decision now. Middle: the city. Right: five figures
 * with what is usual, and a way down: city, unit, case, step, person.
 */
import { CircleCheck, History, MonitorPlay, Moon, Pause, Play, Radio, Sun, Unplug, UserRound, X } from 'lucide';
import type { JSX } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { all, api, query } from '../../api';
import { categoryName, cityName, useAgencyName, useCategories, usePortal, useUnitName } from '../../city';
import { useData } from '../../data';
import { useFigures, usualRange } from '../../figures';
import { date, dateTime, isoDay, number, percent, time } from '../../format';
import { answerFacts } from '../../forms/questions';
import { lang, setLang, t, tMaybe, words } from '../../i18n';
import { liveState, useLive, useLiveReload } from '../../live';
import type { CasePoint, CityMap } from '../../map/city-map';
import { MapView } from '../../map/map-view';
import { setTheme, still, theme } from '../../prefs';
import { setQuery, usePlace } from '../../router';
import { useStore } from '../../store';
import type { Figures, Page, Report, Task, TimelineItem, UnitFigures } from '../../types';
import { Button, DueTag, dueTone, Empty, Facts, IconButton, Skeleton, StatusTag, Tag, Trouble } from '../../ui/base';
import { Icon, Mark } from '../../ui/icon';
import { Photos } from '../../ui/photos';
import { claimer } from '../desk/desk';
import { CaseList } from '../citizen/case-list';
import { isReport } from '../citizen/pages';
import { Timeline } from '../timeline';
import { at as statusAt, readDay, type Day } from './replay';
import './ioc.css';

const openStates = ['new', 'accepted', 'in_progress', 'forwarded', 'reopened'];
const late = (r: Report, now: number): boolean => r.overdue === true || (!!r.due_at && Date.parse(r.due_at) < now);

/** Something failed while nobody was there to press a button: try again by itself. */
function useMend(error: unknown, reload: () => void, on: boolean): void {
  useEffect(() => {
    if (!error || !on) return;
    const timer = setTimeout(reload, 15_000);
    addEventListener('online', reload, { once: true });
    return () => {
      clearTimeout(timer);
      removeEventListener('online', reload);
    };
  }, [error, on]);
}

function useClock(): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  return now;
}

function Clock(): JSX.Element {
  const now = useClock();
  return (
    <span class="ioc-clock figures">
      <time>{time(now)}</time>
      <small>{date(now)}</small>
    </span>
  );
}

function LiveSign(): JSX.Element {
  const state = useStore(liveState);
  const on = state === 'live';
  return (
    <span class={`live-state ${on ? 'live' : 'lost'}`} role="status">
      <Icon of={on ? Radio : Unplug} />
      {on ? t('live.on') : state === 'lost' ? t('live.lost') : t('live.connecting')}
    </span>
  );
}

/** Open reports of the whole city, kept current by events. */
function useOpenReports(onNew: (r: Report) => void): { reports: Report[]; ready: boolean; error: unknown; reload: () => void } {
  const got = useData<Report[]>('ioc reports', (signal) => all<Report>('/api/v1/records/report', { 'status.in': openStates.join(',') }, 10_000, signal));
  const changed = useRef(new Set<string>());
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const known = useRef(new Set<string>());
  known.current = new Set(got.data?.map((r) => r.id));
  useEffect(() => () => clearTimeout(timer.current), []);
  const work = async (): Promise<void> => {
    timer.current = undefined;
    const ids = [...changed.current];
    changed.current.clear();
    if (ids.length > 40) return got.reload(); // too many to ask one by one
    const fresh = await Promise.all(ids.map((id) => api.get<Report>(`/api/v1/records/report/${id}`).catch(() => null)));
    for (const r of fresh) if (r && r.location && !known.current.has(r.id) && openStates.includes(r.status)) onNew(r);
    got.put((before) => {
      const next = new Map((before ?? []).map((r) => [r.id, r]));
      fresh.forEach((r, i) => {
        const id = ids[i] as string;
        if (r && openStates.includes(r.status)) next.set(id, r);
        else next.delete(id);
      });
      return [...next.values()];
    });
  };
  useLive((e) => {
    if (e.kind === 'resync') return got.reload();
    if (!isReport(e)) return;
    const id = e.type === 'report' && e.subject ? e.subject : e.about;
    if (!id) return;
    changed.current.add(id);
    timer.current ??= setTimeout(() => void work(), 800);
  });
  return { reports: got.data ?? [], ready: !!got.data, error: got.error, reload: got.reload };
}

export function IocPage(): JSX.Element {
  const place = usePlace();
  const portal = usePortal();
  const look = useStore(theme);
  const wall = place.query.get('wall') === '1';
  const unit = place.query.get('unit') ?? '';
  const caseId = place.query.get('case') ?? '';
  const map = useRef<CityMap | null>(null);
  const figures = useFigures(30);
  const open = useOpenReports((r) => map.current?.pulse(r.location));
  const tasks = useData<Page<Task>>('/api/v1/tasks?state=open,claimed&limit=60');
  useLiveReload((e) => isReport(e) || /task/.test(e.kind), tasks.reload, 5000);
  useLiveReload(isReport, figures.reload, 15_000);
  useMend(figures.error, figures.reload, true);
  useMend(open.error, open.reload, true);
  useMend(tasks.error, tasks.reload, true);

  // The time machine
  const [day, setDay] = useState<Day | null>(null);
  const [instant, setInstant] = useState(0);
  const [dayBusy, setDayBusy] = useState('');
  const [playing, setPlaying] = useState(false);
  const reading = useRef<AbortController | null>(null);
  const openDay = (text: string): void => {
    reading.current?.abort();
    const stop = (reading.current = new AbortController());
    setDayBusy(text);
    readDay(text, stop.signal).then(
      (d) => {
        setDay(d);
        setInstant(d.from);
        setDayBusy('');
        setPlaying(!still());
      },
      (e: Error) => e.name !== 'AbortError' && setDayBusy(''),
    );
  };
  useEffect(() => {
    if (!day || !playing) return;
    const timer = setInterval(
      () =>
        setInstant((n) => {
          const next = n + 10 * 60_000;
          if (next < day.to) return next;
          setPlaying(false);
          return day.to;
        }),
      120,
    );
    return () => clearInterval(timer);
  }, [day, playing]);

  useEffect(() => {
    document.title = `${t('room.ioc')} · Khuê`;
  });
  const now = Math.floor(useClock() / 60_000) * 60_000;
  const shown = useMemo<CasePoint[]>(() => {
    if (day)
      return day.reports.flatMap((r) => {
        const status = r.location && statusAt(day, r, instant);
        return status && openStates.includes(status) ? [{ id: r.id, ...r.location, status, late: !!r.due_at && Date.parse(r.due_at) < instant }] : [];
      });
    return open.reports.filter((r) => r.location).map((r) => ({ id: r.id, ...r.location, status: r.status, late: late(r, now) }));
  }, [day, instant, open.reports, now]);
  const loads = useMemo(() => {
    const m = new Map<string, number>();
    if (day) {
      for (const r of day.reports) {
        const s = statusAt(day, r, instant);
        if (r.commune && s && openStates.includes(s)) m.set(r.commune, (m.get(r.commune) ?? 0) + 1);
      }
    } else for (const r of open.reports) if (r.commune) m.set(r.commune, (m.get(r.commune) ?? 0) + 1);
    return m;
  }, [day, instant, open.reports]);
  useEffect(() => map.current?.cases(shown), [shown]);
  useEffect(() => map.current?.shade(loads), [loads]);

  const unitRow = figures.data?.by_unit.find((u) => u.unit === unit);
  useEffect(() => {
    map.current?.choose({ id: caseId, unit: unitRow?.commune ?? '' });
    if (caseId) {
      const r = open.reports.find((x) => x.id === caseId);
      if (r) map.current?.fly(r.location, 15.5);
    } else if (unitRow?.commune) void map.current?.fitUnit(unitRow.commune);
  }, [caseId, unitRow?.commune, open.ready]);

  // Wall mode: scenes that change by themselves; the screen stays awake.
  const [scene, setScene] = useState(0);
  useEffect(() => {
    if (!wall) return;
    const timer = setInterval(() => setScene((n) => (n + 1) % 3), 20_000);
    let lock: WakeLockSentinel | undefined;
    void navigator.wakeLock?.request('screen').then(
      (l) => (lock = l),
      () => undefined,
    );
    return () => {
      clearInterval(timer);
      void lock?.release();
    };
  }, [wall]);
  const busiest = [...loads].sort((a, b) => b[1] - a[1])[0]?.[0];
  useEffect(() => {
    if (!wall || !map.current) return;
    if (scene === 1 && busiest) void map.current.fitUnit(busiest);
    else if (scene === 0) void map.current.fitCity();
  }, [wall, scene]);

  const openUnit = (code: string): void => {
    const u = figures.data?.by_unit.find((x) => x.commune === code);
    setQuery({ unit: u?.unit ?? null, case: null }, true);
  };
  const decide = tasks.data?.items ?? [];

  const cityMap = (
    <div class="ioc-map">
      <MapView
        label={t('ioc.map')}
        zoom={10.6}
        onMap={(m) => {
          map.current = m;
          if (!unit && !caseId) void m.fitCity();
          m.cases(shown);
          m.shade(loads);
          m.choose({ id: caseId, unit: unitRow?.commune ?? '' });
          m.onClick({ case: (id) => setQuery({ case: id }, true), unit: openUnit });
        }}
      />
      <Legend at={day ? instant : now} past={!!day} />
      {day && (
        <div class="past-banner">
          <Tag tone="warn" icon={History}>
            {t('machine.past', { at: dateTime(instant) })}
          </Tag>
        </div>
      )}
      <div class="machine" role="group" aria-label={t('machine.title')}>
        <Icon of={History} />
        <label class="sr-only" for="machine-day">
          {t('machine.day')}
        </label>
        <input id="machine-day" type="date" max={isoDay()} value={day ? isoDay(day.from) : dayBusy || isoDay()} onChange={(e) => e.currentTarget.value && openDay(e.currentTarget.value)} />
        {day ? (
          <>
            <IconButton icon={playing ? Pause : Play} label={playing ? t('machine.pause') : t('machine.play')} onClick={() => (instant >= day.to && setInstant(day.from), setPlaying(!playing))} />
            <input
              type="range"
              min={day.from}
              max={day.to}
              step={5 * 60_000}
              value={instant}
              aria-label={t('machine.time')}
              aria-valuetext={time(instant)}
              onInput={(e) => {
                setPlaying(false);
                setInstant(Number(e.currentTarget.value));
              }}
            />
            <span class="now figures">{time(instant)}</span>
            <Button
              small
              icon={X}
              onClick={() => {
                setDay(null);
                setPlaying(false);
              }}
            >
              {t('machine.close')}
            </Button>
          </>
        ) : (
          <Button small busy={!!dayBusy} onClick={() => openDay(isoDay())}>
            {t('machine.open')}
          </Button>
        )}
      </div>
    </div>
  );

  return (
    <div class={wall ? 'ioc wall' : 'ioc'}>
      <header class="ioc-top">
        <Mark size={wall ? 48 : 32} class="ioc-mark" />
        <h1 tabIndex={-1}>{t('ioc.title', { city: cityName(portal) })}</h1>
        <LiveSign />
        <span class="spacer" />
        {wall ? (
          <span class="scene-dots" aria-hidden="true">
            {[0, 1, 2].map((i) => (
              <span key={i} class={i === scene ? 'on' : ''} />
            ))}
          </span>
        ) : (
          <>
            <a class="button quiet small" href="/ioc?wall=1">
              <Icon of={MonitorPlay} />
              <span>{t('ioc.wall')}</span>
            </a>
            <a class="button quiet small" href="/desk">
              {t('room.desk')}
            </a>
            <button type="button" class="button quiet small" lang={lang.get() === 'vi' ? 'en' : 'vi'} onClick={() => void setLang(lang.get() === 'vi' ? 'en' : 'vi')}>
              {lang.get() === 'vi' ? 'English' : 'Tiếng Việt'}
            </button>
            <IconButton icon={look === 'dark' ? Sun : Moon} label={look === 'dark' ? t('theme.light') : t('theme.dark')} onClick={() => setTheme(look === 'dark' ? 'light' : 'dark')} />
          </>
        )}
        <Clock />
      </header>
      {!wall && (
        <section class="ioc-side left" aria-labelledby="decide">
          <h2 id="decide">{t('ioc.decide')}</h2>
          {tasks.data ? <Decide tasks={decide.slice(0, 30)} /> : tasks.error ? <Trouble error={tasks.error} retry={tasks.reload} /> : <Skeleton lines={6} tall />}
        </section>
      )}
      {wall && scene === 2 ? (
        <section class="scene">
          <h2>{t('ioc.decide')}</h2>
          <Decide tasks={decide.slice(0, 14)} />
        </section>
      ) : (
        cityMap
      )}
      <section class="ioc-side right" aria-label={t('ioc.figures')}>
        {!wall && caseId ? (
          <CasePanel id={caseId} unit={unit} unitName={unitRow?.unit_name} />
        ) : !wall && unitRow ? (
          <UnitPanel row={unitRow} />
        ) : figures.data ? (
          <>
            <Dials f={figures.data} />
            <Ranking units={figures.data.by_unit} rows={wall ? 7 : 12} fixed={wall} />
          </>
        ) : figures.error ? (
          <Trouble error={figures.error} retry={figures.reload} />
        ) : (
          <Skeleton lines={6} tall />
        )}
      </section>
    </div>
  );
}

function Legend({ at, past }: { at: number; past: boolean }): JSX.Element {
  const look = useStore(theme);
  const [stops, setStops] = useState<{ stops: readonly number[]; colours: readonly string[]; dots: Record<'open' | 'work' | 'late', string> } | null>(null);
  useEffect(() => {
    void import('../../map/city-map').then((m) => setStops({ stops: m.loadStops, colours: m.looks[look].load, dots: m.looks[look] }));
  }, [look]);
  return (
    <div class="legend">
      <b>{t('legend.load')}</b>
      {stops && (
        <>
          <div class="scale figures">
            {stops.stops.map((n, i) => (
              <span key={n} style={{ '--c': `linear-gradient(${stops.colours[i]}, ${stops.colours[i]})` }}>
                {i === stops.stops.length - 1 ? `${n}+` : n}
              </span>
            ))}
          </div>
          <ul class="dots">
            {(['open', 'work', 'late'] as const).map((k) => (
              <li key={k}>
                <span class="dot-key" style={{ '--c': stops.dots[k] }} />
                {t(`legend.${k}`)}
              </li>
            ))}
          </ul>
        </>
      )}
      <span class="quiet">{past ? t('legend.at', { at: dateTime(at) }) : t('legend.now', { at: time(at) })}</span>
    </div>
  );
}

function Decide({ tasks }: { tasks: Task[] }): JSX.Element {
  const worst = tasks.filter((x) => dueTone(x) !== 'fine').concat(tasks.filter((x) => dueTone(x) === 'fine'));
  if (!worst.length)
    return (
      <Empty icon={CircleCheck} title={t('ioc.decide.none')}>
        <p>{t('ioc.decide.none.text')}</p>
      </Empty>
    );
  return (
    <ul class="decide">
      {worst.map((x) => {
        const who = claimer(x);
        return (
          <li key={x.id} class={dueTone(x)}>
            <a href={x.case ? `/ioc${query({ case: x.case.id, unit: x.unit })}` : `/desk/tasks/${x.id}`}>
              <DueTag minutes={x.minutes_left} />
              <b>{x.title}</b>
              <small>{[words(x.name), x.unit_name, who?.name].filter(Boolean).join(' · ')}</small>
            </a>
          </li>
        );
      })}
    </ul>
  );
}

/** @param verdict what is said of a value that is not good */
function Dial({ name, value, range, bad, verdict = t('dial.outside') }: { name: string; value: string; range: string; bad: boolean; verdict?: string }): JSX.Element {
  return (
    <div class={bad ? 'dial bad' : 'dial'}>
      <span class="name">{name}</span>
      <span class="value figures">{value}</span>
      <span class="range">{bad ? `${verdict} ${range}` : range}</span>
    </div>
  );
}

/** Five figures, each with what is usual: from the last thirty days, or the aim. */
function Dials({ f }: { f: Figures }): JSX.Element {
  const created = usualRange(f.by_day.map((d) => d.created));
  const done = usualRange(f.by_day.map((d) => d.done));
  const share = f.totals.open ? (100 * f.totals.overdue) / f.totals.open : 0;
  const usual = (r: [number, number] | null): string => (r ? t('dial.usual', { from: number(r[0]), to: number(r[1]) }) : t('dial.unknown'));
  return (
    <div>
      <h2 style={{ marginBottom: '8px' }}>{t('ioc.figures')}</h2>
      <div class="dials">
        <Dial name={t('figure.created_today')} value={number(f.totals.created_today)} range={usual(created)} bad={!!created && f.totals.created_today > created[1] * 1.25} />
        <Dial name={t('figure.done_today')} value={number(f.totals.done_today)} range={usual(done)} bad={false} />
        <Dial name={t('figure.overdue')} value={number(f.totals.overdue)} range={t('dial.overdue', { open: number(f.totals.open) })} bad={share > 5} />
        <Dial name={t('figure.on_time')} value={percent(f.totals.on_time_pct)} range={t('dial.aim', { n: percent(95) })} bad={f.totals.on_time_pct !== null && f.totals.on_time_pct < 95} verdict={t('dial.missed')} />
        <Dial name={t('figure.stars')} value={f.totals.stars_avg === null ? '–' : number(f.totals.stars_avg, 1)} range={t('dial.aim', { n: number(4, 1) })} bad={f.totals.stars_avg !== null && f.totals.stars_avg < 4} verdict={t('dial.missed')} />
      </div>
    </div>
  );
}

function Ranking({ units, rows, fixed }: { units: UnitFigures[]; rows: number; fixed?: boolean }): JSX.Element {
  const [whole, setWhole] = useState(false);
  const sorted = [...units].sort((a, b) => b.overdue - a.overdue || b.open - a.open);
  const list = whole ? sorted : sorted.slice(0, rows);
  return (
    <div>
      <h2 id="rank">{t('ioc.rank')}</h2>
      <p class="quiet" style={{ marginBottom: '6px' }}>
        {t('ioc.rank.text')}
      </p>
      <table class="rank">
        <thead>
          <tr>
            <th scope="col">{t('figure.unit')}</th>
            <th scope="col" class="n">
              {t('figure.overdue')}
            </th>
            <th scope="col" class="n">
              {t('figure.open')}
            </th>
          </tr>
        </thead>
        <tbody>
          {list.map((u) => (
            <tr key={u.unit}>
              <td>
                <a href={`/ioc?unit=${encodeURIComponent(u.unit)}`}>{u.unit_name.replace(/^UBND /, '')}</a>
              </td>
              <td class={u.overdue ? 'n late' : 'n'}>{number(u.overdue)}</td>
              <td class="n">{number(u.open)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {!fixed && units.length > rows && (
        <Button small kind="quiet" aria-expanded={whole} onClick={() => setWhole(!whole)}>
          {whole ? t('ioc.rank.less') : t('ioc.rank.all', { n: units.length })}
        </Button>
      )}
    </div>
  );
}

function Crumbs({ unit, unitName, end }: { unit?: string; unitName?: string | undefined; end: string }): JSX.Element {
  return (
    <nav aria-label={t('ioc.where')}>
      <ol class="crumbs">
        <li>
          <a href="/ioc">{t('ioc.city')}</a>
        </li>
        {unit && (
          <li>
            <a href={`/ioc?unit=${encodeURIComponent(unit)}`}>{unitName || unit}</a>
          </li>
        )}
        <li aria-current="page">{end}</li>
      </ol>
    </nav>
  );
}

function UnitPanel({ row }: { row: UnitFigures }): JSX.Element {
  const reports = useData<Page<Report>>(`/api/v1/records/report${query({ unit: row.unit, 'status.in': openStates.join(','), limit: 100 })}`);
  useLiveReload((e) => isReport(e) && (e.unit === row.unit || !e.unit), reports.reload, 4000);
  const now = Date.now();
  const items = [...(reports.data?.items ?? [])].sort((a, b) => Number(late(b, now)) - Number(late(a, now)) || (a.due_at ?? '9').localeCompare(b.due_at ?? '9'));
  return (
    <>
      <Crumbs end={row.unit_name} />
      <h2>{row.unit_name}</h2>
      <Facts
        items={[
          [t('figure.open'), number(row.open)],
          [t('figure.overdue'), row.overdue ? <b style={{ color: 'var(--red)' }}>{number(row.overdue)}</b> : '0'],
          [t('figure.done'), number(row.done)],
          [t('figure.on_time'), percent(row.on_time_pct)],
          [t('figure.stars'), row.stars_avg === null || row.stars_avg === undefined ? '–' : number(row.stars_avg, 1)],
        ]}
      />
      {reports.data ? items.length ? <CaseList reports={items} href={(r) => `/ioc?unit=${encodeURIComponent(row.unit)}&case=${r.id}`} /> : <p class="quiet">{t('ioc.unit.none')}</p> : reports.error ? <Trouble error={reports.error} retry={reports.reload} /> : <Skeleton lines={4} tall />}
    </>
  );
}

function CasePanel({ id, unit, unitName }: { id: string; unit: string; unitName: string | undefined }): JSX.Element {
  const report = useData<Report>(`/api/v1/records/report/${id}`);
  const tasks = useData<Page<Task>>(`/api/v1/tasks${query({ case: id, state: 'open,claimed' })}`);
  const timeline = useData<Page<TimelineItem>>(`/api/v1/records/report/${id}/timeline?limit=500`);
  const categories = useCategories();
  const r = report.data;
  const ward = useUnitName(r?.commune);
  const agency = useAgencyName(r?.unit);
  useLiveReload(
    (e) => e.subject === id || e.about === id,
    () => (report.reload(), tasks.reload(), timeline.reload()),
  );
  if (!r) return report.error ? <Trouble error={report.error} retry={report.reload} /> : <Skeleton lines={5} tall />;
  return (
    <>
      <Crumbs unit={unit || r.unit || ''} unitName={unitName || agency} end={r.number} />
      <h2>{categoryName(categories, r.category)}</h2>
      <div>
        <StatusTag status={r.status} /> {r.class && <Tag tone={r.class === 'urgent' ? 'bad' : 'neutral'}>{tMaybe(`class.${r.class}`)}</Tag>}
      </div>
      <p>{r.description}</p>
      <Photos ids={r.photos} what={categoryName(categories, r.category)} />
      {(tasks.data?.items ?? []).map((x) => {
        const who = claimer(x);
        return (
          <div class="person" key={x.id}>
            <b>{words(x.name)}</b> <DueTag minutes={x.minutes_left} />
            <br />
            <Icon of={UserRound} size={18} /> {who ? who.name || t('somebody') : t('ioc.nobody', { unit: x.unit_name ?? agency })}
            <br />
            <a href={`/desk/tasks/${x.id}`}>{t('ioc.open_task')}</a>
          </div>
        );
      })}
      <Facts
        items={[
          ...answerFacts(categories?.find((c) => c.code === r.category)?.questions, r.attributes),
          [t('case.place'), [r.address, ward].filter(Boolean).join(', ')],
          [t('case.agency'), agency || r.unit],
          [t('case.due'), r.due_at && dateTime(r.due_at)],
        ]}
      />
      <h2>{t('case.timeline')}</h2>
      {timeline.data ? <Timeline items={timeline.data.items} /> : <Skeleton lines={3} />}
    </>
  );
}

