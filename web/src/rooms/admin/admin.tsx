// SPDX-License-Identifier: Apache-2.0
/** The administrator's room: which page of it an address shows. */
import type { JSX } from 'preact';
import { match, usePlace } from '../../router';
import { NotFound } from '../citizen/pages';
import { AccountPage, Accounts, Keys } from './accounts';
import { Audit, Decisions, Health, Packs } from './node';
import { ProcessPage, Processes } from './processes';
import { RecordPage, Records, TypePage, Types } from './records';
import './admin.css';

const pages: [string, (p: Record<string, string>) => JSX.Element][] = [
  ['/admin', () => <Health />],
  ['/admin/types', () => <Types />],
  ['/admin/types/:type', (p) => <TypePage type={p.type as string} />],
  ['/admin/records/:type', (p) => <Records type={p.type as string} />],
  ['/admin/records/:type/:id', (p) => <RecordPage key={p.id} type={p.type as string} id={p.id as string} />],
  ['/admin/packs', () => <Packs />],
  ['/admin/processes', () => <Processes />],
  ['/admin/processes/:key', (p) => <ProcessPage processKey={p.key as string} />],
  ['/admin/decisions', () => <Decisions />],
  ['/admin/accounts', () => <Accounts />],
  ['/admin/accounts/:id', (p) => <AccountPage id={p.id as string} />],
  ['/admin/keys', () => <Keys />],
  ['/admin/audit', () => <Audit />],
];

export function AdminPage(): JSX.Element {
  const { path } = usePlace();
  for (const [pattern, show] of pages) {
    const parts = match(pattern, path);
    if (parts) return <div class="admin">{show(parts)}</div>;
  }
  return <NotFound />;
}
export const AdminHome = AdminPage;
