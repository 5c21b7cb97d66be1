// SPDX-License-Identifier: Apache-2.0
/** Lines over days, and the same numbers as a table for those who cannot see them. */
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { date, number } from '../format';
import { lang, t } from '../i18n';
import { theme } from '../prefs';
import { useStore } from '../store';

interface Line {
  label: string;
  color: string; // a custom property of the theme
  values: number[];
}

export function Series({ label, days, series }: { label: string; days: string[]; series: Line[] }): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const look = useStore(theme);
  const now = useStore(lang);
  const text = JSON.stringify([days, series]);
  useEffect(() => {
    let gone = false;
    let drop: (() => void) | undefined;
    void Promise.all([import('uplot'), import('uplot/dist/uPlot.min.css')]).then(([{ default: Plot }]) => {
      const el = box.current;
      if (gone || !el) return;
      const css = getComputedStyle(document.documentElement);
      const colour = (name: string): string => css.getPropertyValue(name).trim();
      const font = `13px 'Be Vietnam Pro', sans-serif`;
      const axis = { stroke: colour('--quiet'), font, grid: { stroke: colour('--line'), width: 1 }, ticks: { stroke: colour('--line'), width: 1 } };
      const last = days.length - 1;
      const plot = new Plot(
        {
          width: el.clientWidth,
          height: 260,
          cursor: { y: false },
          legend: { live: true },
          // Where nobody points, the legend tells of the last day.
          hooks: { setLegend: [(u) => (u.legend.idx === null || u.legend.idx === undefined) && u.setLegend({ idx: last }, false)] },
          scales: { x: { time: true }, y: { range: (_u, _min, max) => [0, Math.max(4, max * 1.1)] } },
          axes: [
            { ...axis, values: (_u, ticks) => ticks.map((s) => date(s * 1000).slice(0, 5)) },
            { ...axis, size: 48, values: (_u, ticks) => ticks.map((n) => (n % 1 ? '' : number(n))) },
          ],
          series: [
            { label: t('figures.day'), value: (_u, s) => (s === null ? '' : date(s * 1000)) },
            ...series.map((s) => ({ label: s.label, stroke: colour(s.color), width: 2.5, points: { show: days.length < 2 }, fill: `${colour(s.color)}14`, value: (_u: unknown, v: number | null) => (v === null ? '' : number(v)) })),
          ],
        },
        [days.map((d) => Date.parse(`${d}T00:00:00+07:00`) / 1000), ...series.map((s) => s.values)],
        el,
      );
      plot.setLegend({ idx: last }, false);
      const watch = new ResizeObserver(() => plot.setSize({ width: el.clientWidth, height: 260 }));
      watch.observe(el);
      drop = () => {
        watch.disconnect();
        plot.destroy();
      };
    });
    return () => {
      gone = true;
      drop?.();
    };
  }, [text, look, now]);
  return (
    <figure style={{ margin: '12px 0 0' }}>
      <div class="uplot-box" ref={box} role="img" aria-label={label} />
      <details>
        <summary>{t('figures.as_table')}</summary>
        <div class="table-box" tabIndex={0} role="region" aria-label={label}>
          <table>
            <thead>
              <tr>
                <th scope="col">{t('figures.day')}</th>
                {series.map((s) => (
                  <th key={s.label} scope="col" class="n">
                    {s.label}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {days.map((d, i) => (
                <tr key={d}>
                  <td>{date(d)}</td>
                  {series.map((s) => (
                    <td key={s.label} class="n">
                      {number(s.values[i] ?? 0)}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </figure>
  );
}
