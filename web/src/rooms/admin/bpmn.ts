// SPDX-License-Identifier: Apache-2.0
/**
 * A process as a picture: read from BPMN 2.0 XML. Where the file has a diagram (BPMN DI), that is
 * drawn; where it has none, the steps are laid out here in layers from left to right (Sugiyama,
 * Tagawa, Toda 1981: layers, dummies on long edges, barycentre order).
 */

export interface Shape {
  id: string;
  kind: string;
  name: string;
  nameEn: string;
  x: number;
  y: number;
  w: number;
  h: number;
  /** Set on a boundary event: drawn on the edge of this step; dashed if it does not interrupt. */
  host?: string;
  dashed?: boolean;
  trigger?: string;
}
export interface Edge {
  id: string;
  name: string;
  nameEn: string;
  points: [number, number][];
}
export interface Picture {
  shapes: Shape[];
  edges: Edge[];
  width: number;
  height: number;
}

const local = (e: Element): string => e.localName;
const khAttr = (e: Element, name: string): string => {
  for (const a of e.attributes) if (a.localName === name && a.name !== name) return a.value;
  return '';
};
const steps = /^(task|.*Task|.*Event|.*Gateway|subProcess|callActivity)$/;

function sizeOf(kind: string): [number, number] {
  if (/Event$/.test(kind)) return [36, 36];
  if (/Gateway$/.test(kind)) return [46, 46];
  return [140, 64];
}

interface Flow {
  id: string;
  name: string;
  nameEn: string;
  from: string;
  to: string;
}

export function readBpmn(xml: string): Picture {
  const doc = new DOMParser().parseFromString(xml, 'application/xml');
  if (doc.getElementsByTagName('parsererror').length) throw new Error('not XML');
  const everything = [...doc.getElementsByTagName('*')];
  const shapes = new Map<string, Shape>();
  const flows: Flow[] = [];
  for (const e of everything) {
    const kind = local(e);
    const id = e.getAttribute('id') ?? '';
    if (kind === 'sequenceFlow') flows.push({ id, name: e.getAttribute('name') ?? '', nameEn: khAttr(e, 'nameEn'), from: e.getAttribute('sourceRef') ?? '', to: e.getAttribute('targetRef') ?? '' });
    else if (steps.test(kind) && id) {
      const [w, h] = sizeOf(kind);
      const trigger = [...e.children].map(local).find((k) => k.endsWith('EventDefinition'));
      const host = e.getAttribute('attachedToRef');
      shapes.set(id, {
        id,
        kind,
        name: e.getAttribute('name') ?? '',
        nameEn: khAttr(e, 'nameEn'),
        x: 0,
        y: 0,
        w,
        h,
        ...(host ? { host, dashed: e.getAttribute('cancelActivity') === 'false' } : {}),
        ...(trigger ? { trigger } : {}),
      });
    }
  }
  return drawn(everything, shapes, flows) ?? layOut(shapes, flows);
}

/** The diagram that a modeller saved. */
function drawn(everything: Element[], shapes: Map<string, Shape>, flows: Flow[]): Picture | null {
  const num = (e: Element | undefined, name: string): number => Number(e?.getAttribute(name) ?? 0);
  const child = (e: Element, name: string): Element | undefined => [...e.children].find((c) => local(c) === name);
  const placed: Shape[] = [];
  const edges: Edge[] = [];
  for (const e of everything) {
    if (local(e) === 'BPMNShape') {
      const s = shapes.get(e.getAttribute('bpmnElement') ?? '');
      const b = child(e, 'Bounds');
      if (s && b) placed.push(Object.assign(s, { x: num(b, 'x'), y: num(b, 'y'), w: num(b, 'width'), h: num(b, 'height') }));
    } else if (local(e) === 'BPMNEdge') {
      const f = flows.find((x) => x.id === e.getAttribute('bpmnElement'));
      if (f) edges.push({ id: f.id, name: f.name, nameEn: f.nameEn, points: [...e.children].filter((c) => local(c) === 'waypoint').map((p) => [num(p, 'x'), num(p, 'y')]) });
    }
  }
  if (placed.length < shapes.size || !placed.length) return null;
  const left = Math.min(...placed.map((s) => s.x)) - 24;
  const top = Math.min(...placed.map((s) => s.y)) - 24;
  for (const s of placed) {
    s.x -= left;
    s.y -= top;
  }
  for (const e of edges) e.points = e.points.map(([x, y]) => [x - left, y - top]);
  return frame(placed, edges);
}

/** How far the name under an event reaches beyond it: it has at most 16 letters in a line. */
function overhang(s: Shape): number {
  if (!/Event$/.test(s.kind) || s.host) return 0;
  return Math.max(0, Math.min(16, Math.max(s.name.length, s.nameEn.length)) * 3.4 - s.w / 2);
}

function frame(shapes: Shape[], edges: Edge[]): Picture {
  const shift = Math.max(0, 8 - Math.min(...shapes.map((s) => s.x - overhang(s))));
  for (const s of shapes) s.x += shift;
  for (const e of edges) e.points = e.points.map(([x, y]) => [x + shift, y]);
  const xs = [...shapes.map((s) => s.x + s.w), ...edges.flatMap((e) => e.points.map((p) => p[0]))];
  const ys = [...shapes.map((s) => s.y + s.h + 30), ...edges.flatMap((e) => e.points.map((p) => p[1]))];
  return { shapes, edges, width: Math.max(0, ...xs) + 24, height: Math.max(0, ...ys) + 24 };
}

const columnGap = 64;
const rowStep = 104;

interface Node {
  id: string;
  layer: number;
  row: number;
  shape?: Shape;
}

function layOut(shapes: Map<string, Shape>, flows: Flow[]): Picture {
  const owner = (id: string): string => shapes.get(id)?.host ?? id;
  const main = [...shapes.values()].filter((s) => !s.host);
  const links = flows.map((f) => ({ ...f, a: owner(f.from), b: owner(f.to) })).filter((f) => shapes.has(f.a) && shapes.has(f.b));
  const out = new Map<string, typeof links>();
  for (const l of links) out.set(l.a, [...(out.get(l.a) ?? []), l]);

  // Flows that lead back, found by walking in depth from the starts.
  const back = new Set<string>();
  const state = new Map<string, 1 | 2>();
  const order: string[] = [];
  const walk = (id: string): void => {
    state.set(id, 1);
    for (const l of out.get(id) ?? []) {
      if (state.get(l.b) === 1) back.add(l.id);
      else if (!state.has(l.b)) walk(l.b);
    }
    state.set(id, 2);
    order.unshift(id);
  };
  for (const s of main) if (s.kind === 'startEvent' && !state.has(s.id)) walk(s.id);
  for (const s of main) if (!state.has(s.id)) walk(s.id);

  const layer = new Map<string, number>(main.map((s) => [s.id, 0]));
  for (const id of order) for (const l of out.get(id) ?? []) if (!back.has(l.id)) layer.set(l.b, Math.max(layer.get(l.b) as number, (layer.get(id) as number) + 1));

  // Dummies, so that a long edge has a place of its own in each layer it crosses.
  const layers: Node[][] = [];
  const nodes = new Map<string, Node>();
  const add = (n: Node): Node => {
    (layers[n.layer] ??= []).push(n);
    nodes.set(n.id, n);
    return n;
  };
  for (const id of order) add({ id, layer: layer.get(id) as number, row: 0, shape: shapes.get(id) as Shape });
  const chains = new Map<string, Node[]>();
  const pairs: [Node, Node][] = [];
  for (const l of links) {
    if (back.has(l.id) || l.a === l.b) continue;
    const chain = [nodes.get(l.a) as Node];
    for (let k = (layer.get(l.a) as number) + 1; k < (layer.get(l.b) as number); k++) chain.push(add({ id: `${l.id}@${k}`, layer: k, row: 0 }));
    chain.push(nodes.get(l.b) as Node);
    chains.set(l.id, chain);
    for (let i = 1; i < chain.length; i++) pairs.push([chain[i - 1] as Node, chain[i] as Node]);
  }
  for (const l of layers) l.forEach((n, i) => (n.row = i));
  const near = new Map<Node, { before: Node[]; after: Node[] }>();
  for (const n of nodes.values()) near.set(n, { before: [], after: [] });
  for (const [a, b] of pairs) {
    near.get(a)?.after.push(b);
    near.get(b)?.before.push(a);
  }
  for (let turn = 0; turn < 12; turn++) {
    const down = turn % 2 === 0;
    for (const l of down ? layers : [...layers].reverse()) {
      const pull = new Map(
        l.map((n) => {
          const others = down ? near.get(n)?.before : near.get(n)?.after;
          return [n, others?.length ? others.reduce((s, o) => s + o.row, 0) / others.length : n.row] as const;
        }),
      );
      l.sort((a, b) => (pull.get(a) as number) - (pull.get(b) as number));
      // Each takes the row it is pulled to, or the next free one.
      let free = -Infinity;
      for (const n of l) {
        n.row = Math.max(Math.round(pull.get(n) as number), free);
        free = n.row + 1;
      }
      const shift = Math.min(0, ...l.map((n) => n.row));
      if (shift < 0) for (const n of l) n.row -= shift;
    }
  }
  const top = Math.min(...[...nodes.values()].map((n) => n.row));
  // Named flows need room for their names before the step that they lead to.
  const room: number[] = [];
  for (const l of links) {
    const first = chains.get(l.id)?.[1];
    if (first && l.name) room[first.layer] = Math.max(room[first.layer] ?? 0, Math.max(l.name.length, l.nameEn.length) * 6.6);
  }
  const columnX: number[] = [];
  let x = 24;
  layers.forEach((l, i) => {
    const w = Math.max(36, ...l.map((n) => n.shape?.w ?? 0));
    x += room[i] ?? 0;
    columnX[i] = x + w / 2;
    x += w + columnGap;
  });
  // Rows that only lines pass through are low.
  const rowY: number[] = [];
  let y0 = 60;
  const rows = Math.max(...[...nodes.values()].map((n) => n.row));
  for (let r = top; r <= rows; r++) {
    rowY[r] = y0;
    const here = [...nodes.values()].filter((n) => n.row === r);
    const below = [...nodes.values()].some((n) => n.row === r + 1 && n.shape);
    y0 += !here.length ? 0 : here.some((n) => n.shape) ? (below ? rowStep : rowStep - 34) : below ? 62 : 26;
  }
  const centre = (n: Node): [number, number] => [columnX[n.layer] as number, rowY[n.row] as number];
  for (const n of nodes.values()) {
    if (!n.shape) continue;
    const [cx, cy] = centre(n);
    n.shape.x = cx - n.shape.w / 2;
    n.shape.y = cy - n.shape.h / 2;
  }
  const guests = new Map<string, number>();
  for (const s of shapes.values()) {
    if (!s.host) continue;
    const h = shapes.get(s.host);
    if (!h) continue;
    const i = guests.get(h.id) ?? 0;
    guests.set(h.id, i + 1);
    s.w = s.h = 28;
    s.x = h.x + 8 + i * 34;
    s.y = h.y + h.h - 14;
  }
  const bottom = Math.max(...[...shapes.values()].map((s) => s.y + s.h)) + 28;
  let lane = 0;
  const edges: Edge[] = [];
  for (const l of links) {
    const a = shapes.get(l.from) as Shape;
    const b = shapes.get(l.to) as Shape;
    const start: [number, number] = a.host ? [a.x + a.w / 2, a.y + a.h] : [a.x + a.w, a.y + a.h / 2];
    const end: [number, number] = [b.x, b.y + b.h / 2];
    const points: [number, number][] = [start];
    if (back.has(l.id) || l.a === l.b) {
      const y = bottom + 14 * lane++;
      const right = a.host ? start[0] : a.x + a.w + 16;
      points.push([right, start[1]], [right, y], [b.x - 18, y], [b.x - 18, end[1]]);
    } else {
      const chain = chains.get(l.id) as Node[];
      let y = start[1];
      if (a.host) points.push([start[0], (y = start[1] + 12)]);
      for (const n of chain.slice(1)) {
        const cy = n.shape ? n.shape.y + n.shape.h / 2 : centre(n)[1];
        const turn = columnLeft(columnX, layers, n.layer) - 30 - (room[n.layer] ?? 0);
        if (cy !== y) points.push([turn, y], [turn, cy]);
        y = cy;
      }
    }
    points.push(end);
    edges.push({ id: l.id, name: l.name, nameEn: l.nameEn, points });
  }
  return frame([...shapes.values()], edges);
}

function columnLeft(columnX: number[], layers: Node[][], i: number): number {
  return (columnX[i] as number) - Math.max(36, ...(layers[i] as Node[]).map((n) => n.shape?.w ?? 0)) / 2;
}

/** A path with rounded corners through the points. */
export function path(points: [number, number][], r = 7): string {
  const kept = points.filter((p, i) => i === 0 || p[0] !== points[i - 1]?.[0] || p[1] !== points[i - 1]?.[1]);
  let d = '';
  kept.forEach((p, i) => {
    const before = kept[i - 1];
    const after = kept[i + 1];
    if (!before) d = `M${p[0]} ${p[1]}`;
    else if (!after) d += `L${p[0]} ${p[1]}`;
    else {
      const step = (to: [number, number]): [number, number] => {
        const dx = to[0] - p[0];
        const dy = to[1] - p[1];
        const len = Math.hypot(dx, dy) || 1;
        const k = Math.min(r, len / 2) / len;
        return [p[0] + dx * k, p[1] + dy * k];
      };
      const a = step(before);
      const b = step(after);
      d += `L${a[0]} ${a[1]}Q${p[0]} ${p[1]} ${b[0]} ${b[1]}`;
    }
  });
  return d;
}
