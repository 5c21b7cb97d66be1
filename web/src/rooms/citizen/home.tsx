// SPDX-License-Identifier: Apache-2.0
import { ChartNoAxesColumn, FileClock, FileText, FolderClock, Map as MapIcon, Megaphone, Search, UserRound } from 'lucide';
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { cityName, usePortal } from '../../city';
import { useData } from '../../data';
import { useFigures } from '../../figures';
import { number, percent, time } from '../../format';
import { t, type Key } from '../../i18n';
import { useLiveReload } from '../../live';
import { dossierNumber } from '../../procedures';
import { go } from '../../router';
import { me } from '../../session';
import { useStore } from '../../store';
import type { Page, Report } from '../../types';
import { Empty, Figure, PageTitle, Skeleton, Trouble } from '../../ui/base';
import { Icon, Mark, type IconNode } from '../../ui/icon';
import { CaseList } from './case-list';
import { LookupForm } from './lookup-form';

export function SearchForm({ start = '', auto }: { start?: string; auto?: boolean }): JSX.Element {
  const [q, setQ] = useState(start);
  return (
    <form
      role="search"
      class="search-box"
      onSubmit={(e) => {
        e.preventDefault();
        const what = encodeURIComponent(q.trim());
        if (what) go(dossierNumber.test(q.trim()) ? `/lookup?number=${what}` : `/search?q=${what}`);
      }}
    >
      <Icon of={Search} size={22} />
      <input type="search" id="search" name="q" aria-label={t('search.label')} placeholder={t('search.placeholder')} value={q} autocomplete="off" enterkeyhint="search" autofocus={auto} onInput={(e) => setQ(e.currentTarget.value)} />
      <button type="submit" class="button plain small">
        {t('search')}
      </button>
    </form>
  );
}

const ways: [string, Key, Key, IconNode][] = [
  ['/dossiers', 'home.dossiers', 'home.dossiers.text', FolderClock],
  ['/cases', 'home.cases', 'home.cases.text', FileClock],
  ['/nearby', 'home.nearby', 'home.nearby.text', MapIcon],
  ['/me', 'home.me', 'home.me.text', UserRound],
  ['/figures', 'home.figures', 'home.figures.text', ChartNoAxesColumn],
];

export function Home(): JSX.Element {
  const portal = usePortal();
  const account = useStore(me);
  const figures = useFigures();
  const latest = useData<Page<Report>>('/api/v1/records/report?sort=-id&limit=6');
  useLiveReload(
    (e) => e.type === 'report' || e.kind.startsWith('report'),
    () => (latest.reload(), figures.reload()),
    10_000,
  );
  const f = figures.data?.totals;
  return (
    <>
      <div class="hero">
        <Mark size={520} class="hero-mark" />
        <div class="wrap">
          <PageTitle title={t('nav.home')}>{account ? t('home.hello_name', { name: account.name }) : t('home.hello')}</PageTitle>
          <SearchForm />
        </div>
      </div>
      <div class="wrap home">
        <div class="ways">
          <a class="way main" href="/report">
            <Icon of={Megaphone} size={36} />
            <span>
              <b>{t('home.report')}</b>
              <span>{t('home.report.text')}</span>
            </span>
          </a>
          <a class="way big" href="/procedures">
            <Icon of={FileText} size={36} />
            <span>
              <b>{t('home.procedures')}</b>
              <span>{t('home.procedures.text')}</span>
            </span>
          </a>
          <LookupForm />
          {ways.map(([href, title, text, icon]) => (
            <a class="way" href={href} key={href}>
              <Icon of={icon} size={26} />
              <span>
                <b>{t(title)}</b>
                <span>{t(text)}</span>
              </span>
            </a>
          ))}
        </div>
        <section class="section" aria-labelledby="today">
          <div class="section-head">
            <h2 id="today">{t('home.today', { city: cityName(portal) })}</h2>
            {figures.data && <span class="quiet">{t('as_of', { time: time(figures.data.as_of) })}</span>}
          </div>
          {f ? (
            <div class="figures-row">
              <Figure label={t('figure.created_today')} value={number(f.created_today)} />
              <Figure label={t('figure.done_today')} value={number(f.done_today)} />
              <Figure label={t('figure.open')} value={number(f.open)} />
              <Figure label={t('figure.on_time')} value={percent(f.on_time_pct)} />
              <Figure label={t('figure.stars')} value={f.stars_avg === null ? '–' : number(f.stars_avg, 1)} unit={t('figure.of_five')} />
            </div>
          ) : figures.error ? null : (
            <div class="figures-row ghost" aria-hidden="true" />
          )}
        </section>
        <section class="section" aria-labelledby="latest">
          <div class="section-head">
            <h2 id="latest">{t('home.latest')}</h2>
            <a href="/nearby">{t('home.latest.map')}</a>
          </div>
          {latest.data ? (
            latest.data.items.length ? (
              <CaseList reports={latest.data.items} />
            ) : (
              <Empty icon={Megaphone} title={t('home.latest.none')}>
                <p>{t('home.latest.none.text')}</p>
              </Empty>
            )
          ) : latest.error ? (
            <Trouble error={latest.error} retry={latest.reload} />
          ) : (
            <Skeleton lines={6} tall />
          )}
        </section>
      </div>
    </>
  );
}
