// SPDX-License-Identifier: Apache-2.0
/** West, south, east, north of any GeoJSON coordinates. */
export function boundsOf(coordinates: unknown): [number, number, number, number] {
  const box: [number, number, number, number] = [180, 90, -180, -90];
  const walk = (c: unknown): void => {
    if (!Array.isArray(c)) return;
    if (typeof c[0] === 'number') {
      box[0] = Math.min(box[0], c[0]);
      box[1] = Math.min(box[1], c[1] as number);
      box[2] = Math.max(box[2], c[0]);
      box[3] = Math.max(box[3], c[1] as number);
    } else c.forEach(walk);
  };
  walk(coordinates);
  return box;
}
