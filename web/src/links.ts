// SPDX-License-Identifier: Apache-2.0
/** Where a record is shown: a case has a page of its own, anything else the card of its type. */
const pages: Record<string, string> = { report: '/cases', dossier: '/dossiers', admin_unit: '/units', procedure: '/procedures' };

export const pageOf = (type: string, id: string): string => `${pages[type] ?? `/records/${type}`}/${id}`;
/** The same for those who work on it. */
export const deskPageOf = (type: string, id: string): string => `/desk/${type === 'report' ? 'cases' : type === 'dossier' ? 'dossiers' : `records/${type}`}/${id}`;
