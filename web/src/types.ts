// SPDX-License-Identifier: Apache-2.0
/** The shapes of docs/API.md. */
import type { Words } from './i18n';

export interface Grant {
  id?: string;
  role: string;
  unit: string;
  until?: string | null;
  delegated_by?: string | null;
}
export interface Account {
  id: string;
  username: string;
  name: string;
  kind: 'person' | 'machine';
  unit?: string | null;
  unit_name?: string | null;
  roles: Grant[];
  phone?: string | null;
  email?: string | null;
  lang?: 'vi' | 'en';
  state?: string;
}
export interface Session {
  account: Account;
  csrf: string;
  expires_at: string;
}
export interface Page<T> {
  items: T[];
  next?: string;
}
export interface Point {
  lon: number;
  lat: number;
}
export interface Meta {
  type: string;
  revision: number;
  valid_from?: string;
  valid_to?: string | null;
  recorded_at: string;
  masked?: string[];
}
export type Rec = { id: string; meta: Meta } & Record<string, unknown>;
export type Status = 'new' | 'accepted' | 'in_progress' | 'done' | 'refused' | 'forwarded' | 'reopened' | 'closed';
export interface Report {
  id: string;
  meta: Meta;
  number: string;
  category: string;
  description: string;
  location: Point;
  address?: string;
  photos?: string[];
  video?: string;
  /** Answers to the further questions of its category, by code. */
  attributes?: Record<string, string | string[]>;
  anonymous?: boolean;
  reporter?: string;
  contact_name?: string;
  contact_phone?: string;
  contact_email?: string;
  channel?: string;
  commune?: string;
  unit?: string;
  class?: 'normal' | 'complex' | 'urgent';
  status: Status;
  public?: boolean;
  due_at?: string | null;
  answer?: string;
  answer_photos?: string[];
  refusal_reason?: string;
  overdue?: boolean;
  handled_at?: string;
  stars?: number;
  rating_comment?: string;
  closed_at?: string;
}
/** Who did something, as far as the reader may know. */
export interface Doer {
  kind: 'staff' | 'reporter' | 'system' | 'public';
  name?: string;
  unit?: string;
  unit_name?: string;
}
export interface TimelineItem {
  seq: number;
  at: string;
  kind: string;
  who?: Doer;
  text?: Words | string;
  /** Why, for who may see inside. */
  reason?: string;
  data?: Record<string, unknown>;
}
export interface Schema {
  type?: string | string[];
  title?: string;
  description?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  enum?: unknown[];
  const?: unknown;
  items?: Schema;
  format?: string;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  maxItems?: number;
  pattern?: string;
  default?: unknown;
  $ref?: string;
  $defs?: Record<string, Schema>;
  allOf?: Schema[];
  anyOf?: Schema[];
  oneOf?: Schema[];
  if?: Schema;
  then?: Schema;
  else?: Schema;
  'x-kh'?: Record<string, unknown>;
}
export interface Task {
  id: string;
  key: string;
  name: Words;
  title: string;
  /** Absent where the process is about no record. */
  case?: { type: string; id: string };
  instance: string;
  process: string;
  state: 'open' | 'claimed' | 'done' | 'cancelled';
  role: string;
  unit: string;
  unit_name?: string;
  claimed_by?: string | null;
  claimed_name?: string;
  /** false for those who only watch over the unit. */
  may?: boolean;
  /** The clock stands still: somebody else must act first. */
  paused?: boolean;
  created_at: string;
  due_at?: string | null;
  minutes_left?: number | null;
  form?: Schema;
}
export interface Unit {
  code: string;
  name: string;
  kind?: string;
  agency?: string;
  valid_from?: string;
  valid_to?: string | null;
  successors?: { code: string; name: string; part?: 'whole' | 'part'; needs_decision?: boolean }[];
  matched?: string;
  lon?: number;
  lat?: number;
  centre?: Point | [number, number];
  population?: number;
  area_km2?: number;
}
export interface UnitFigures {
  unit: string;
  unit_name: string;
  commune?: string | null;
  open: number;
  /** Of the open ones, those that wait for the person: papers, money. */
  waiting: number;
  overdue: number;
  done: number;
  on_time_pct?: number | null;
  stars_avg?: number | null;
}
export interface Figures {
  as_of: string;
  totals: {
    open: number;
    waiting: number;
    overdue: number;
    done: number;
    refused: number;
    created_today: number;
    done_today: number;
    on_time_pct: number | null;
    stars_avg: number | null;
  };
  by_unit: UnitFigures[];
  /** By what kind of thing it is: a category of reports, a field of procedures. */
  by_category: { category: string; open: number; done: number; waiting: number; overdue: number; on_time_pct: number | null; stars_avg: number | null }[];
  by_day: { date: string; created: number; done: number }[];
}
export interface CityEvent {
  seq: number;
  at: string;
  kind: string;
  type?: string;
  subject?: string;
  about?: string;
  unit?: string;
  by?: string;
  data?: Record<string, unknown>;
}
export interface Portal {
  city: string | Words | { name: Words | string; code?: string };
  centre?: [number, number] | Point;
  bounds?: [number, number, number, number];
  languages?: string[];
  features?: string[] | Record<string, boolean>;
  attributions?: (string | { text?: Words | string; title?: Words | string; url?: string; licence?: string })[];
  night?: boolean;
}
export interface Issue {
  pointer: string;
  code: string;
  message: string;
}
export interface SearchHit {
  type: string;
  id: string;
  title: string;
  text?: string;
  link?: string;
}
export interface Notice {
  id: string;
  at: string;
  title: string;
  body: string;
  link?: string | null;
  case?: string | null;
  read: boolean;
  sent?: Sent[];
}
/** How a message went out on one channel beside the portal. */
export interface Sent {
  channel: 'email' | 'sms' | 'push';
  state: 'queued' | 'sent' | 'dead';
  at?: string;
  tries: number;
  proof?: string;
}
/** A message to the person of a record, as staff knows it. */
export interface ToldItem {
  id: string;
  at: string;
  title: string;
  read_at?: string;
  sent: Sent[];
}
export interface FileInfo {
  id: string;
  url: string;
  media_type: string;
  bytes: number;
  width?: number;
  height?: number;
}
