// SPDX-License-Identifier: Apache-2.0
/** Reports in a list, as citizens see them: what, where, since when, and where it stands. */
import type { JSX } from 'preact';
import { categoryName, useCategories, useUnitName } from '../../city';
import { ago, distance, idTime } from '../../format';
import { t } from '../../i18n';
import type { Report } from '../../types';
import { StatusTag } from '../../ui/base';
import { Icon } from '../../ui/icon';
import { fileUrl } from '../../city';

/** Ids tell when they were made; valid_from moves on with each revision. */
export const createdAt = (r: Report): string => idTime(r.id) ?? r.meta.valid_from ?? r.meta.recorded_at;

export function CaseRow({ report, metres, href, chosen }: { report: Report; metres?: number | undefined; href?: string; chosen?: boolean }): JSX.Element {
  const categories = useCategories();
  const unit = useUnitName(report.commune);
  const category = categories?.find((c) => c.code === report.category);
  const photo = report.photos?.[0];
  return (
    <li class={chosen ? 'case-row chosen' : 'case-row'}>
      <a class="row-link" href={href ?? `/cases/${report.id}`}>
        <span class="case-icon">{photo ? <img src={fileUrl(photo)} alt="" loading="lazy" width="64" height="64" /> : category ? <Icon of={category.icon} size={26} /> : null}</span>
        <span class="case-text">
          <span class="case-what">{categoryName(categories, report.category)}</span>
          <span class="case-words">{report.description}</span>
          <span class="case-where">
            {[report.address || unit, metres !== undefined && t('away', { n: distance(metres) }), ago(createdAt(report))].filter(Boolean).join(' · ')}
          </span>
        </span>
        <StatusTag status={report.status} />
      </a>
    </li>
  );
}

export function CaseList({ reports, metres, href }: { reports: Report[]; metres?: (r: Report) => number | undefined; href?: (r: Report) => string }): JSX.Element {
  return (
    <ul class="case-list">
      {reports.map((r) => (
        <CaseRow key={r.id} report={r} metres={metres?.(r)} {...(href ? { href: href(r) } : {})} />
      ))}
    </ul>
  );
}
