// SPDX-License-Identifier: Apache-2.0
// What the scripts that make pack data share: reading CSV and GeoJSON, writing NDJSON, small geometry.
import fs from 'node:fs';
import path from 'node:path';

export function args(use) {
  const [from, to] = process.argv.slice(2);
  if (!from || !to || !fs.existsSync(from)) {
    console.error(`usage: node ${use} SOURCE_DIR PACK_DIR`);
    process.exit(2);
  }
  fs.mkdirSync(path.join(to, 'data'), { recursive: true });
  return {
    read: (name) => fs.readFileSync(path.join(from, name), 'utf8').normalize('NFC').replace(/^\ufeff/, ''),
    write(name, text) {
      fs.mkdirSync(path.dirname(path.join(to, name)), { recursive: true });
      fs.writeFileSync(path.join(to, name), text);
      console.log(`${name}: ${text.split('\n').length - 1} lines, ${Buffer.byteLength(text)} bytes`);
    },
  };
}

// RFC 4180 to objects by the names of the first line.
export function csv(text) {
  const rows = [];
  let row = [], field = '', quoted = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (quoted) {
      if (c !== '"') field += c;
      else if (text[i + 1] === '"') field += text[++i];
      else quoted = false;
    } else if (c === '"') quoted = true;
    else if (c === ',') row.push(field), (field = '');
    else if (c === '\n') {
      row.push(field.replace(/\r$/, ''));
      rows.push(row);
      row = [];
      field = '';
    } else field += c;
  }
  if (field || row.length) rows.push([...row, field]);
  const names = rows.shift();
  return rows.filter((r) => r.length === names.length).map((r) => Object.fromEntries(names.map((n, i) => [n, r[i].trim()])));
}

// One JSON object a line; absent and empty values are left out.
export function ndjson(records) {
  const clean = (r) => Object.fromEntries(Object.entries(r).filter(([, v]) => v !== undefined && v !== '' && !(Array.isArray(v) && !v.length)));
  return records.map((r) => JSON.stringify(clean(r)) + '\n').join('');
}

export function metres([lon1, lat1], [lon2, lat2]) {
  const rad = Math.PI / 180;
  const h = Math.sin(((lat2 - lat1) * rad) / 2) ** 2 + Math.cos(lat1 * rad) * Math.cos(lat2 * rad) * Math.sin(((lon2 - lon1) * rad) / 2) ** 2;
  return 2 * 6371008.8 * Math.asin(Math.sqrt(Math.min(1, h)));
}

export const polygons = (g) => (g.type === 'Polygon' ? [g.coordinates] : g.coordinates);

export function inside(geometry, [x, y]) {
  let odd = false;
  for (const rings of polygons(geometry))
    for (const ring of rings)
      for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
        const [xi, yi] = ring[i], [xj, yj] = ring[j];
        if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) odd = !odd;
      }
  return odd;
}

const distanceToSegment = ([x, y], [ax, ay], [bx, by]) => {
  const dx = bx - ax, dy = by - ay, l = dx * dx + dy * dy;
  const t = l ? Math.max(0, Math.min(1, ((x - ax) * dx + (y - ay) * dy) / l)) : 0;
  return Math.hypot(x - ax - t * dx, y - ay - t * dy);
};

// The point of a polygon that is farthest from its edges (on a grid that is refined three times):
// where a label or a pin stands best.
export function centreOf(geometry) {
  const squeeze = Math.cos((21 * Math.PI) / 180);
  const rings = polygons(geometry).flat().map((r) => r.map(([x, y]) => [x * squeeze, y]));
  const flat = { type: 'Polygon', coordinates: rings };
  const xs = rings.flat().map((p) => p[0]), ys = rings.flat().map((p) => p[1]);
  let box = [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)], best = null, most = -1;
  for (let round = 0; round < 4; round++) {
    const n = 24, sx = (box[2] - box[0]) / n, sy = (box[3] - box[1]) / n;
    for (let i = 0; i <= n; i++)
      for (let k = 0; k <= n; k++) {
        const p = [box[0] + i * sx, box[1] + k * sy];
        if (!inside(flat, p)) continue;
        let d = Infinity;
        for (const r of rings) for (let e = 0; e + 1 < r.length && d > most; e++) d = Math.min(d, distanceToSegment(p, r[e], r[e + 1]));
        if (d > most) (most = d), (best = p);
      }
    box = [best[0] - sx, best[1] - sy, best[0] + sx, best[1] + sy];
  }
  return [+(best[0] / squeeze).toFixed(5), +best[1].toFixed(5)];
}

function crossing([ax, ay], [bx, by], [cx, cy], [dx, dy]) {
  const d = (bx - ax) * (dy - cy) - (by - ay) * (dx - cx);
  if (d === 0) return null;
  const t = ((cx - ax) * (dy - cy) - (cy - ay) * (dx - cx)) / d, u = ((cx - ax) * (by - ay) - (cy - ay) * (bx - ax)) / d;
  return t > 0 && t < 1 && u > 0 && u < 1 ? [+(ax + t * (bx - ax)).toFixed(6), +(ay + t * (by - ay)).toFixed(6)] : null;
}

// Simplification may let a ring cross itself in a small loop: the loop is cut off.
export function withoutKinks(ring) {
  for (let i = 0; i + 1 < ring.length; i++)
    for (let j = i + 2; j + 1 < ring.length; j++) {
      const x = !(i === 0 && j + 2 === ring.length) && crossing(ring[i], ring[i + 1], ring[j], ring[j + 1]);
      if (!x) continue;
      if (j - i <= ring.length / 2) return withoutKinks([...ring.slice(0, i + 1), x, ...ring.slice(j + 1)]);
      return withoutKinks([x, ...ring.slice(i + 1, j + 1), x]);
    }
  return ring;
}
