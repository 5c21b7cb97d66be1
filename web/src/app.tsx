// SPDX-License-Identifier: Apache-2.0
/** The frame around every room: header, way in and out, messages; and which address shows what. */
import { Bell, BriefcaseBusiness, ChartNoAxesColumn, CircleUser, FileClock, FileText, House, LogIn, LogOut, Map as MapIcon, Megaphone, Moon, Radar, ScanLine, Search, Settings, Sun, UserRound } from 'lucide';
import type { ComponentType, JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { cityName, useAgencyName, usePortal } from './city';
import { forget, useData } from './data';
import { lang, setLang, t, type Key } from './i18n';
import { Guard, lazy } from './lazy';
import { liveState, useLive } from './live';
import { flush, type Outcome } from './outbox';
import { waiting } from './db';
import { setTheme, theme } from './prefs';
import { go, match, usePlace } from './router';
import { Home } from './rooms/citizen/home';
import { ended, has, me, signOut, works } from './session';
import { useStore } from './store';
import type { Notice, Page } from './types';
import { Mark, Icon, type IconNode } from './ui/icon';
import { IconButton } from './ui/base';
import { useCurrentInView } from './ui/scroll';
import { Questions } from './ui/dialog';
import { Keys } from './ui/keys';
import { Toasts, toast } from './ui/toast';
import { SignInAgain } from './rooms/citizen/sign-in';

type PageProps = Record<string, string>;
type Room = 'citizen' | 'desk' | 'ioc' | 'admin';
interface Route {
  path: string;
  room: Room;
  page: ComponentType<PageProps>;
  /** Needs to be signed in. */
  closed?: boolean;
}
// Pages take some of the parts of their address.
const page = <P extends object>(load: () => Promise<ComponentType<P>>): ComponentType<PageProps> => lazy(load as unknown as () => Promise<ComponentType<PageProps>>);
const citizen = () => import('./rooms/citizen/pages');
const dossiers = () => import('./rooms/citizen/dossiers');
const admin = () => import('./rooms/admin/admin');

// One component for both addresses, so that the list beside a case stays as it is.
const Desk = page(() => import('./rooms/desk/desk').then((m) => m.DeskPage));

const Filing = page(() => import('./rooms/citizen/filing').then((m) => m.FilingPage));

const routes: Route[] = [
  { path: '/', room: 'citizen', page: Home },
  { path: '/report', room: 'citizen', page: page(() => import('./rooms/citizen/report').then((m) => m.ReportPage)) },
  { path: '/report/:step', room: 'citizen', page: page(() => import('./rooms/citizen/report').then((m) => m.ReportPage)) },
  { path: '/cases', room: 'citizen', page: page(() => citizen().then((m) => m.MyCases)) },
  { path: '/cases/:id', room: 'citizen', page: page(() => import('./rooms/citizen/case').then((m) => m.CasePage)) },
  { path: '/nearby', room: 'citizen', page: page(() => citizen().then((m) => m.Nearby)) },
  { path: '/search', room: 'citizen', page: page(() => citizen().then((m) => m.SearchPage)) },
  { path: '/units/:code', room: 'citizen', page: page(() => citizen().then((m) => m.UnitPage)) },
  { path: '/records/:type/:id', room: 'citizen', page: page(() => citizen().then((m) => m.RecordCard)) },
  { path: '/procedures', room: 'citizen', page: page(() => import('./rooms/citizen/procedures').then((m) => m.ProceduresPage)) },
  { path: '/procedures/:code', room: 'citizen', page: page(() => import('./rooms/citizen/procedures').then((m) => m.ProcedurePage)) },
  { path: '/procedures/:code/file', room: 'citizen', page: Filing },
  { path: '/procedures/:code/file/:step', room: 'citizen', page: Filing },
  { path: '/dossiers', room: 'citizen', page: page(() => dossiers().then((m) => m.MyDossiers)) },
  { path: '/dossiers/:id', room: 'citizen', closed: true, page: page(() => dossiers().then((m) => m.DossierPage)) },
  { path: '/lookup', room: 'citizen', page: page(() => dossiers().then((m) => m.LookupPage)) },
  { path: '/figures', room: 'citizen', page: page(() => import('./rooms/citizen/figures').then((m) => m.FiguresPage)) },
  { path: '/me', room: 'citizen', closed: true, page: page(() => import('./rooms/citizen/me').then((m) => m.MePage)) },
  { path: '/me/:tab', room: 'citizen', closed: true, page: page(() => import('./rooms/citizen/me').then((m) => m.MePage)) },
  { path: '/login', room: 'citizen', page: page(() => import('./rooms/citizen/sign-in').then((m) => m.SignInPage)) },
  { path: '/register', room: 'citizen', page: page(() => import('./rooms/citizen/sign-in').then((m) => m.RegisterPage)) },
  { path: '/about', room: 'citizen', page: page(() => citizen().then((m) => m.About)) },
  { path: '/desk', room: 'desk', closed: true, page: Desk },
  { path: '/desk/tasks/:id', room: 'desk', closed: true, page: Desk },
  { path: '/desk/search', room: 'desk', closed: true, page: page(() => import('./rooms/desk/search').then((m) => m.DeskSearch)) },
  { path: '/desk/cases/:id', room: 'desk', closed: true, page: page(() => import('./rooms/desk/search').then((m) => m.DeskCase)) },
  { path: '/desk/dossiers/:id', room: 'desk', closed: true, page: page(() => import('./rooms/desk/search').then((m) => m.DeskDossier)) },
  { path: '/desk/counter', room: 'desk', closed: true, page: page(() => import('./rooms/desk/counter').then((m) => m.CounterPage)) },
  { path: '/desk/unit', room: 'desk', closed: true, page: page(() => import('./rooms/desk/unit').then((m) => m.MyUnit)) },
  { path: '/desk/delegation', room: 'desk', closed: true, page: page(() => import('./rooms/desk/delegation').then((m) => m.DelegationPage)) },
  { path: '/ioc', room: 'ioc', closed: true, page: page(() => import('./rooms/ioc/ioc').then((m) => m.IocPage)) },
  { path: '/admin', room: 'admin', closed: true, page: page(() => admin().then((m) => m.AdminHome)) },
  { path: '/admin/*', room: 'admin', closed: true, page: page(() => admin().then((m) => m.AdminPage)) },
];
const NotFound = page(() => citizen().then((m) => m.NotFound));
const SignIn = page(() => import('./rooms/citizen/sign-in').then((m) => m.SignInPage));

const rooms: Record<Room, [string, Key, IconNode][]> = {
  // The mark leads home.
  citizen: [
    ['/nearby', 'nav.nearby', MapIcon],
    ['/report', 'nav.report', Megaphone],
    ['/cases', 'nav.cases', FileClock],
    ['/procedures', 'nav.procedures_short', FileText],
    ['/figures', 'nav.figures', ChartNoAxesColumn],
  ],
  desk: [
    ['/desk', 'nav.inbox', BriefcaseBusiness],
    ['/desk/counter', 'nav.counter', ScanLine],
    ['/desk/search', 'nav.desk_search', Search],
    ['/desk/unit', 'nav.unit', ChartNoAxesColumn],
    ['/desk/delegation', 'nav.delegation', UserRound],
  ],
  ioc: [],
  admin: [
    ['/admin', 'nav.health', Radar],
    ['/admin/types', 'nav.types', Settings],
    ['/admin/packs', 'nav.packs', Settings],
    ['/admin/processes', 'nav.processes', Settings],
    ['/admin/decisions', 'nav.decisions', Settings],
    ['/admin/accounts', 'nav.accounts', UserRound],
    ['/admin/keys', 'nav.keys', Settings],
    ['/admin/audit', 'nav.audit', FileClock],
  ],
};

function AccountMenu(): JSX.Element {
  const account = useStore(me);
  const unit = useAgencyName(account?.unit);
  const [open, setOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!open) return;
    const away = (e: Event): void => {
      if (!box.current?.contains(e.target as Node)) setOpen(false);
    };
    document.addEventListener('pointerdown', away);
    document.addEventListener('focusin', away);
    return () => {
      document.removeEventListener('pointerdown', away);
      document.removeEventListener('focusin', away);
    };
  }, [open]);
  if (!account)
    return (
      <a class="button small quiet" href={`/login?next=${encodeURIComponent(location.pathname === '/login' ? '/' : location.pathname + location.search)}`}>
        <Icon of={LogIn} />
        <span class="wide-only">{t('sign_in')}</span>
      </a>
    );
  const item = (href: string, icon: IconNode, text: string): JSX.Element => (
    <li>
      <a href={href} onClick={() => setOpen(false)}>
        <Icon of={icon} />
        {text}
      </a>
    </li>
  );
  return (
    <div
      class="menu"
      ref={box}
      onKeyDown={(e) => {
        if (e.key !== 'Escape' || !open) return;
        setOpen(false);
        box.current?.querySelector('button')?.focus();
      }}
    >
      <button type="button" aria-expanded={open} aria-label={t('menu.account', { name: account.name })} onClick={() => setOpen(!open)}>
        <Icon of={CircleUser} />
        <span>{account.name}</span>
      </button>
      {open && (
        <ul class="menu-list">
          <li class="who">
            <b>{account.name}</b>
            <small>{account.unit_name || unit || account.username}</small>
          </li>
          {item('/me', UserRound, t('nav.me'))}
          {item('/cases', FileClock, t('nav.cases'))}
          {item('/dossiers', FileText, t('nav.dossiers'))}
          {works(account) && item('/desk', BriefcaseBusiness, t('room.desk'))}
          {has(account, 'leader', 'dispatcher', 'admin') && item('/ioc', Radar, t('room.ioc'))}
          {has(account, 'admin', 'integrator') && item('/admin', Settings, t('room.admin'))}
          <li>
            <button
              type="button"
              onClick={() => {
                setOpen(false);
                void signOut().then(() => {
                  forget();
                  go('/');
                });
              }}
            >
              <Icon of={LogOut} />
              {t('sign_out')}
            </button>
          </li>
        </ul>
      )}
    </div>
  );
}

function NoticeBell(): JSX.Element | null {
  const account = useStore(me);
  const notices = useData<Page<Notice>>(account ? '/api/v1/me/notices?limit=50' : null);
  useLive((e) => {
    if (/notice/.test(e.kind) || e.type === 'notice') notices.reload();
  }, !!account);
  if (!account) return null;
  const items = notices.data?.items ?? [];
  const unread = items.filter((x) => !x.read).length;
  const n = unread === items.length && notices.data?.next ? `${unread}+` : unread;
  return (
    <a class="icon-button bell" href="/me/notices" aria-label={n ? t('notices.unread', { n }) : t('notices.none_unread')}>
      <Icon of={Bell} />
      {unread > 0 && (
        <span class="badge" aria-hidden="true">
          {n}
        </span>
      )}
    </a>
  );
}

function Top({ room, path }: { room: Room; path: string }): JSX.Element {
  const portal = usePortal();
  const now = useStore(theme);
  const account = useStore(me);
  const links = rooms[room].filter(([href]) => href !== '/desk/counter' || has(account, 'counter'));
  const home = room === 'citizen' ? '/' : `/${room}`;
  const at = links.reduce((best, [href]) => ((href === home ? path === href || (room === 'desk' && /^\/desk\/(tasks|cases|dossiers)/.test(path)) : path.startsWith(href)) && href.length >= best.length ? href : best), '');
  return (
    <header class={room === 'citizen' ? 'top' : 'top wide'}>
      <div class="bar">
        <a class="brand" href={home}>
          <Mark size={34} />
          <span>
            <b>Khuê</b>
            <small>{room === 'citizen' ? cityName(portal) : t(`room.${room}`)}</small>
          </span>
        </a>
        <nav class="rooms" aria-label={t('nav.label')}>
          <ul ref={useCurrentInView(at)}>
            {links.map(([href, key]) => (
              <li key={href}>
                <a href={href} aria-current={at === href ? 'page' : undefined}>
                  {t(key)}
                </a>
              </li>
            ))}
          </ul>
        </nav>
        <div class="tools">
          {path !== '/' && room === 'citizen' && (
            <a class="icon-button" href="/search" aria-label={t('search')}>
              <Icon of={Search} />
            </a>
          )}
          {account && <NoticeBell />}
          <button type="button" class="lang" lang={lang.get() === 'vi' ? 'en' : 'vi'} aria-label={lang.get() === 'vi' ? 'EN – English' : 'VI – Tiếng Việt'} onClick={() => void setLang(lang.get() === 'vi' ? 'en' : 'vi')}>
            {lang.get() === 'vi' ? 'EN' : 'VI'}
          </button>
          <IconButton icon={now === 'dark' ? Sun : Moon} label={now === 'dark' ? t('theme.light') : t('theme.dark')} onClick={() => setTheme(now === 'dark' ? 'light' : 'dark')} />
          <AccountMenu />
        </div>
      </div>
    </header>
  );
}

function Foot(): JSX.Element {
  return (
    <footer class="foot">
      <div class="wrap">
        <ul>
          <li>
            <a href="/about">{t('nav.about')}</a>
          </li>
          <li>
            <a href="/figures">{t('nav.figures')}</a>
          </li>
          <li>
            <a href="/about#open">{t('nav.open')}</a>
          </li>
          <li>
            <a href="tel:1022">{t('foot.hotline')}</a>
          </li>
        </ul>
        <span>{t('foot.credit')}</span>
      </div>
    </footer>
  );
}

function Tabs({ path }: { path: string }): JSX.Element {
  const links: [string, Key, IconNode][] = [
    ['/', 'nav.home', House],
    ['/nearby', 'nav.nearby_short', MapIcon],
    ['/report', 'nav.report_short', Megaphone],
    ['/cases', 'nav.cases_short', FileClock],
    ['/procedures', 'nav.procedures_short', FileText],
  ];
  return (
    <nav aria-label={t('nav.label')} class="tabs-nav">
      <ul class="tabs">
        {links.map(([href, key, icon]) => (
          <li key={href}>
            <a href={href} class={href === '/report' ? 'main' : undefined} aria-current={(href === '/' ? path === '/' : path.startsWith(href)) ? 'page' : undefined}>
              <Icon of={icon} size={22} />
              {t(key)}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

/** Says when the network is gone, and sends what waited once it is back. */
function NetworkState(): JSX.Element | null {
  const [online, setOnline] = useState(navigator.onLine);
  const [left, setLeft] = useState(0);
  useEffect(() => {
    const count = (): void => void waiting.all().then((w) => setLeft(w.length), () => undefined);
    const send = (): void => {
      setOnline(navigator.onLine);
      if (!navigator.onLine) return count();
      flush(lang.get()).then(
        (out) => {
          tell(out);
          count();
        },
        () => count(),
      );
    };
    const tell = (out: Outcome[]): void => {
      for (const o of out)
        if (o.report) {
          const id = o.report.id;
          toast(t('outbox.sent', { number: o.report.number }), { label: t('open'), run: () => go(`/cases/${id}`) }, 15_000);
        }
    };
    // The service worker may be quicker than the page: then it says what it sent.
    const heard = (m: MessageEvent<{ sent?: Outcome[] }>): void => {
      if (!m.data?.sent) return;
      tell(m.data.sent);
      count();
    };
    send();
    navigator.serviceWorker?.addEventListener('message', heard);
    addEventListener('online', send);
    addEventListener('offline', send);
    const again = setInterval(() => left > 0 && send(), 60_000);
    return () => {
      removeEventListener('online', send);
      removeEventListener('offline', send);
      navigator.serviceWorker?.removeEventListener('message', heard);
      clearInterval(again);
    };
  }, [left > 0]);
  if (online && !left) return null;
  return (
    <div class="banner" role="status">
      {online ? '' : t('offline.banner')} {left > 0 && t('outbox.waiting', { n: left })}
    </div>
  );
}

/** Give the heading the focus as soon as there is one, however slow the page comes; not when the
 *  person has gone on to something else by then. @returns to stop waiting */
function enter(room: HTMLElement): () => void {
  const watch = new MutationObserver(() => look());
  const before = document.activeElement;
  const look = (): boolean => {
    const h = room.querySelector<HTMLElement>('h1');
    const moved = document.activeElement !== before && document.activeElement !== document.body;
    if (!h && !moved) return false;
    watch.disconnect();
    if (!moved) h?.focus({ preventScroll: true });
    return true;
  };
  if (!look()) watch.observe(room, { childList: true, subtree: true });
  return () => watch.disconnect();
}

export function App(): JSX.Element {
  const now = useStore(lang);
  const account = useStore(me);
  const where = usePlace();
  const signAgain = useStore(ended);
  useStore(liveState);
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);
  let found: Route | undefined;
  let parts: PageProps = {};
  for (const r of routes) {
    const m = match(r.path, where.path);
    if (m) {
      found = r;
      parts = m;
      break;
    }
  }
  // A new page begins at its heading, for eyes and for screen readers.
  useEffect(() => {
    if (first.current) {
      first.current = false;
      return;
    }
    const y = (history.state as { y?: number } | null)?.y ?? 0;
    if (!y) {
      const spot = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
      if (spot) spot.scrollIntoView();
      else scrollTo(0, 0);
    }
    return enter(main.current as HTMLElement);
  }, [where.step]);
  const room = found?.room ?? 'citizen';
  const wall = room === 'ioc';
  const Page = found?.page ?? NotFound;
  const wait = found?.closed && account === undefined;
  const shut = found?.closed && account === null;
  return (
    <div id="frame" class={room === 'citizen' ? 'with-tabs' : undefined} data-lang={now} data-room={room}>
      <a
        class="skip"
        href="#main"
        onClick={(e) => {
          e.preventDefault();
          main.current?.focus();
        }}
      >
        {t('skip')}
      </a>
      {!wall && <Top room={room} path={where.path} />}
      <NetworkState />
      <main id="main" ref={main} tabIndex={-1}>
        <Guard step={where.step}>{wait ? null : shut ? <SignIn /> : <Page key={found?.page === Desk ? 'desk' : JSON.stringify(parts)} {...parts} />}</Guard>
      </main>
      {room === 'citizen' && <Foot />}
      {room === 'citizen' && <Tabs path={where.path} />}
      <Toasts />
      <Questions />
      <Keys />
      {signAgain && <SignInAgain done={signAgain.done} />}
    </div>
  );
}

