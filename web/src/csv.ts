// SPDX-License-Identifier: Apache-2.0
/** A table to take away. With a byte order mark, so that spreadsheets read the accents. */
export function csvHref(head: readonly string[], rows: readonly (readonly unknown[])[]): string {
  const cell = (v: unknown): string => {
    const text = v === null || v === undefined ? '' : String(v);
    return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const text = [head, ...rows].map((r) => r.map(cell).join(',')).join('\n');
  return `data:text/csv;charset=utf-8,${encodeURIComponent(`\ufeff${text}\n`)}`;
}
