// SPDX-License-Identifier: Apache-2.0
/** Administrative procedures and their dossiers: what the pages of citizens, counters and leaders share. */
import { api, query, upload } from './api';
import { questionOf, type Attribute, type Question } from './city';
import { useData, type Data } from './data';
import type { Answers, KeptFile } from './db';
import { number } from './format';
import { t } from './i18n';
import type { FileInfo, Meta, Page } from './types';

export const channels = ['online', 'counter', 'post'] as const;
export type Channel = (typeof channels)[number];
export interface Term {
  channel: Channel;
  value?: number;
  unit?: 'hour' | 'working_day' | 'day' | 'month';
  fee?: number;
  currency?: 'VND' | 'USD';
}
export interface Paper {
  code: string;
  name: string;
  originals?: number;
  copies?: number;
  required?: boolean;
  /** Who has it already: nobody is asked for it again. */
  held_by?: string;
}
export interface Procedure {
  id: string;
  meta: Meta;
  code: string;
  name: string;
  field: string;
  ministry?: string;
  at_province: boolean;
  at_commune: boolean;
  agency?: string;
  subjects?: string[];
  decision?: string;
  online: 'full' | 'partial' | 'none';
  partial_reason?: string;
  free_online?: boolean;
  channels: Term[];
  papers?: Paper[];
  papers_left?: number;
  form?: Attribute[];
  results?: { name: string; code?: string }[];
  steps?: string;
  conditions?: string;
  effective_from?: string;
  effective_to?: string;
}
export type DossierStatus = 'registered' | 'received' | 'not_received' | 'processing' | 'supplement' | 'payment' | 'withdrawn' | 'stopped' | 'finished' | 'returned';
export interface GivenPaper {
  code: string;
  name?: string;
  kind?: 'original' | 'copy' | 'electronic';
  held?: boolean;
  files?: string[];
}
/** What nobody but the applicant and the agency sees is missing for others. */
export interface Dossier {
  id: string;
  meta: Meta;
  number: string;
  procedure: string;
  procedure_name?: string;
  field?: string;
  unit: string;
  channel: Channel;
  status: DossierStatus;
  subject?: 'citizen' | 'enterprise' | 'organisation';
  applicant?: string;
  name?: string;
  person_number?: string;
  phone?: string;
  email?: string;
  address?: string;
  answers?: Answers;
  papers?: GivenPaper[];
  note?: string;
  delivery?: Channel;
  delivery_address?: string;
  fee?: number;
  payment?: string;
  paid_at?: string;
  received_at?: string;
  due_at?: string;
  supplement?: string;
  refusal_reason?: string;
  apology?: string;
  promised_before?: string;
  overdue?: boolean;
  on_time?: boolean;
  outcome?: 'granted' | 'rejected';
  result?: string;
  result_files?: string[];
  finished_at?: string;
  returned_at?: string;
  stars?: number;
  rating_comment?: string;
}

/** A paper that no list of the catalogue names. */
export const otherPaper = 'OTHER';
/** Papers are read, not looked at: more pixels than a photo of the street. */
export const paperSide = 2400;

export const over = (s: DossierStatus): boolean => ['not_received', 'withdrawn', 'stopped', 'returned'].includes(s);
export const procedureCode = /^\d\.\d{6}$/;
/** As receipts have it: agency, day, serial. */
export const dossierNumber = /^[A-Z0-9.]{3,35}-\d{6,8}-\d{4,8}$/i;
export const personNumber = /^(\d{12}|\d{10}(-\d{3})?)$/;

/** By its code, or by its id as a search gives it. */
export const readProcedure = (code: string, signal?: AbortSignal): Promise<Procedure | undefined> =>
  procedureCode.test(code)
    ? api.get<Page<Procedure>>('/api/v1/records/procedure', { code, limit: 1 }, { signal }).then((p) => p.items[0])
    : api.get<Procedure>(`/api/v1/records/procedure/${encodeURIComponent(code)}`, {}, { signal });

/** data is undefined both before it has come and where there is none with this code: see loading. */
export const useProcedure = (code: string | undefined): Data<Procedure | undefined> => useData<Procedure | undefined>(code ? `procedure ${code}` : null, (signal) => readProcedure(code as string, signal));

export const questionsOf = (p: Procedure | undefined): Question[] => (p?.form ?? []).map(questionOf);

export const money = (n: number, currency: Term['currency'] = 'VND'): string => t(currency === 'USD' ? 'money.usd' : 'money.vnd', { n: number(n) });

export function feeWords(p: Procedure, c: Term): string {
  if (c.channel === 'online' && p.free_online) return t('procedure.free');
  if (c.fee === undefined) return t('procedure.fee_unknown');
  return c.fee === 0 ? t('procedure.free') : money(c.fee, c.currency);
}

/** A number without its unit says nothing: the counter promises the day. */
export const termWords = (c: Term): string => (c.value && c.unit ? t(`term.${c.unit}`, { n: c.value }) : t('procedure.term_unknown'));

export function levelWords(p: Procedure): string {
  const at = [p.at_commune && t('procedure.level.commune'), p.at_province && t('procedure.level.province')];
  return at.filter(Boolean).join(', ');
}

/** The agency that takes it: a rule of the city, not of this page. */
export const competent = (p: Procedure, commune: string | null): Promise<string | null> =>
  api
    .post<{ result: string | null }>('/api/v1/decisions/evaluate', {
      decision_ref: 'procedures/procedures',
      decision: 'competence',
      inputs: { 'at commune': commune !== null, ministry: p.ministry ?? null, commune },
    })
    .then((r) => r.result);

export const findDossier = (n: string): Promise<Dossier | undefined> => api.get<Page<Dossier>>(`/api/v1/records/dossier${query({ number: n.trim().toUpperCase(), limit: 1 })}`).then((p) => p.items[0]);

/** Send what has not arrived yet. @returns the files, each with its id */
export async function sendFiles(files: KeptFile[]): Promise<KeptFile[]> {
  const out: KeptFile[] = [];
  for (const f of files) out.push(f.id ? f : { ...f, id: (await upload<FileInfo>(f.blob, () => undefined)).id });
  return out;
}

/** Papers as a dossier keeps them, from files that name theirs. */
export function papersOf(p: Procedure, files: KeptFile[], before: GivenPaper[] = []): GivenPaper[] {
  const codes = new Set([...before.map((x) => x.code), ...files.map((f) => f.of ?? otherPaper)]);
  return [...codes].map((code) => {
    const old = before.find((x) => x.code === code);
    const ids = [...(old?.files ?? []), ...files.filter((f) => (f.of ?? otherPaper) === code).flatMap((f) => (f.id ? [f.id] : []))];
    const name = old?.name ?? p.papers?.find((x) => x.code === code)?.name.slice(0, 500);
    return { ...old, code, ...(name ? { name } : {}), kind: old?.kind ?? 'electronic', ...(ids.length ? { files: [...new Set(ids)].slice(0, 20) } : {}) };
  });
}
