// SPDX-License-Identifier: Apache-2.0
/** A process drawn, with how many cases stand at each step now. */
import { Maximize2, ZoomIn } from 'lucide';
import type { JSX } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import { t, tMaybe, lang } from '../../i18n';
import { useStore } from '../../store';
import { Button } from '../../ui/base';
import { type Edge, path, readBpmn, type Shape } from './bpmn';

function lines(text: string, width: number): string[] {
  const out: string[] = [];
  for (const word of text.split(/\s+/)) {
    const last = out[out.length - 1];
    if (last !== undefined && `${last} ${word}`.length <= width) out[out.length - 1] = `${last} ${word}`;
    else out.push(word);
  }
  return out.length > 3 ? [...out.slice(0, 2), `${out[2]}…`] : out;
}

const glyph: Record<string, string> = {
  // user, gear, table, script: drawn small in the corner of a step
  userTask: 'M5 4.2a2.2 2.2 0 1 0 .01 0zM1.5 12c.3-2.6 1.7-3.8 3.5-3.8S8.2 9.4 8.5 12',
  serviceTask: 'M5 2.6a3.4 3.4 0 1 0 .01 0zM5 .8v1.8M5 9.4v1.8M.6 6h1.8M7.6 6h1.8',
  businessRuleTask: 'M.8 1.8h9v8.4h-9zM.8 4.6h9M3.6 4.6v5.6',
  scriptTask: 'M1.5 2h7M1.5 5h5M1.5 8h7',
};

function Body({ s, name }: { s: Shape; name: string }): JSX.Element {
  const cx = s.x + s.w / 2;
  const cy = s.y + s.h / 2;
  if (/Event$/.test(s.kind)) {
    const r = s.w / 2;
    const text = lines(name, 16);
    return (
      <>
        <circle cx={cx} cy={cy} r={r} class={s.kind === 'endEvent' ? 'thick' : ''} stroke-dasharray={s.dashed ? '4 3' : undefined} />
        {/boundary|intermediate/.test(s.kind) && <circle cx={cx} cy={cy} r={r - 3.5} stroke-dasharray={s.dashed ? '4 3' : undefined} />}
        {s.trigger === 'timerEventDefinition' && <path class="line" d={`M${cx} ${cy - 6}V${cy}L${cx + 4} ${cy + 2}`} />}
        {s.trigger === 'messageEventDefinition' && <path class="line" d={`M${cx - 6} ${cy - 4}h12v8h-12zl6 5 6-5`} />}
        {s.trigger === 'terminateEventDefinition' && <circle class="full" cx={cx} cy={cy} r={r - 7} />}
        {!s.host &&
          text.map((l, i) => (
            <text key={i} x={cx} y={s.y + s.h + 15 + i * 14} class="small">
              {l}
            </text>
          ))}
        {s.host && <title>{name}</title>}
      </>
    );
  }
  if (/Gateway$/.test(s.kind)) {
    const sign = s.kind === 'parallelGateway' ? `M${cx - 8} ${cy}h16M${cx} ${cy - 8}v16` : `M${cx - 6} ${cy - 6}l12 12M${cx + 6} ${cy - 6}l-12 12`;
    return (
      <>
        <path class="box" d={`M${cx} ${s.y}L${s.x + s.w} ${cy}L${cx} ${s.y + s.h}L${s.x} ${cy}z`} />
        <path class="line" d={sign} />
        {lines(name, 18).map((l, i) => (
          <text key={i} x={cx} y={s.y - 8 - i * 14} class="small">
            {l}
          </text>
        ))}
      </>
    );
  }
  const text = lines(name || s.id, Math.max(8, Math.floor(s.w / 7.6)));
  return (
    <>
      <rect x={s.x} y={s.y} width={s.w} height={s.h} rx="8" class={s.kind === 'userTask' ? 'person' : ''} />
      {glyph[s.kind] && <path class="line thin" transform={`translate(${s.x + 7} ${s.y + 6})`} d={glyph[s.kind]} />}
      {text.map((l, i) => (
        <text key={i} x={cx} y={cy + 5 + (i - (text.length - 1) / 2) * 16}>
          {l}
        </text>
      ))}
    </>
  );
}

/** Where the name of a flow begins: behind its last turn but one, never at its end, which a step covers. */
const named = (e: Edge): [number, number] => e.points[Math.min(2, Math.max(0, e.points.length - 2))] ?? [0, 0];

export function Diagram({ xml, tokens, label }: { xml: string; tokens: Map<string, number>; label: string }): JSX.Element {
  const now = useStore(lang);
  const [fit, setFit] = useState(false);
  const picture = useMemo(() => {
    try {
      return readBpmn(xml);
    } catch {
      return null;
    }
  }, [xml]);
  if (!picture) return <p>{t('process.unreadable')}</p>;
  const nameOf = (s: Shape | Edge): string => (now === 'en' && s.nameEn) || s.name;
  const people = picture.shapes.filter((s) => s.kind === 'userTask' || tokens.has(s.id));
  return (
    <>
      <div class="diagram-tools">
        <Button small aria-pressed={fit} icon={fit ? ZoomIn : Maximize2} onClick={() => setFit(!fit)}>
          {fit ? t('process.natural') : t('process.fit')}
        </Button>
      </div>
      <div class={fit ? 'diagram fit' : 'diagram'} tabIndex={0} role="region" aria-label={label}>
        <svg width={picture.width} height={picture.height} viewBox={`0 0 ${picture.width} ${picture.height}`} role="img" aria-label={label}>
          <defs>
            <marker id="arrow" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" orient="auto-start-reverse">
              <path d="M0 1L9 5L0 9z" class="full" />
            </marker>
          </defs>
          {picture.edges.map((e) => (
            <g key={e.id} class="edge">
              <path d={path(e.points)} marker-end="url(#arrow)" />
              {e.name && (
                <text class="small start" x={named(e)[0] + 5} y={named(e)[1] - 5}>
                  {nameOf(e)}
                </text>
              )}
            </g>
          ))}
          {picture.shapes.map((s) => {
            const n = tokens.get(s.id) ?? 0;
            return (
              <g key={s.id} class={`shape${s.host ? ' guest' : ''}${n ? ' at' : ''}`}>
                <Body s={s} name={nameOf(s)} />
                {n > 0 && (
                  <g class="token">
                    <circle cx={s.x + s.w - 2} cy={s.y + 2} r={n > 99 ? 18 : 14} />
                    <text x={s.x + s.w - 2} y={s.y + 7}>
                      {n > 999 ? '999+' : n}
                    </text>
                  </g>
                )}
              </g>
            );
          })}
        </svg>
      </div>
      <div class="table-box cards" tabIndex={0} role="region" aria-label={t('process.steps')}>
        <table>
          <caption>{t('process.steps')}</caption>
          <thead>
            <tr>
              <th scope="col">{t('inbox.step')}</th>
              <th scope="col">{t('process.kind')}</th>
              <th scope="col" class="n">
                {t('process.standing')}
              </th>
            </tr>
          </thead>
          <tbody>
            {people.map((s) => (
              <tr key={s.id}>
                <td data-label={t('inbox.step')}>{nameOf(s) || s.id}</td>
                <td data-label={t('process.kind')}>{tMaybe(`bpmn.${s.kind}`) ?? s.kind}</td>
                <td data-label={t('process.standing')} class="n">{tokens.get(s.id) ?? 0}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}
