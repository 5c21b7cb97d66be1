// SPDX-License-Identifier: Apache-2.0
// Makes packs/places/data from the source files that data/SOURCES.md names:
//   node tools/pack-places.mjs SOURCE_DIR packs/places
// SOURCE_DIR holds osm/*.geojson, transport/** and admin/hanoi_city_boundary_simplified.geojson.
import { args, csv, inside, metres, ndjson } from './pack-data.mjs';

const io = args('tools/pack-places.mjs');
const city = JSON.parse(io.read('admin/hanoi_city_boundary_simplified.geojson')).features[0].geometry;
const clean = (s, max = 200) => (s ?? '').replace(/\s+/g, ' ').trim().slice(0, max);
const lonlat = ([lon, lat]) => ({ lon: +lon.toFixed(6), lat: +lat.toFixed(6) });
const collator = new Intl.Collator('en', { numeric: true });

// ---- places: named POIs inside the city ----
const KINDS = new Set(['hospital', 'restaurant', 'cafe', 'bar', 'fast_food']);
const pois = JSON.parse(io.read('osm/hanoi_poi_osm_2024-09.geojson')).features;
const places = pois
  .filter((f) => f.geometry.type === 'Point' && clean(f.properties.name) && inside(city, f.geometry.coordinates))
  .map(({ properties: p, geometry: g }) => {
    const street = clean([p['addr:housenumber'], p['addr:street']].filter(Boolean).join(' '));
    const web = clean(p.website ?? p['contact:website'], 300);
    return {
      code: `osm:${p.osm_type}/${p.osm_id}`,
      name: clean(p['name:vi'] ?? p.name),
      name_en: clean(p['name:en']),
      kind: KINDS.has(p.amenity) ? p.amenity : 'other',
      address: clean([street, p['addr:subdistrict']].filter(Boolean).join(', '), 300),
      phone: clean(p.phone ?? p['contact:phone'], 60),
      website: /^https?:\/\/[\x21-\x7e]+$/.test(web) ? web : undefined,
      opening_hours: clean(p.opening_hours),
      location: lonlat(g.coordinates),
      source: 'osm',
    };
  })
  .sort((a, b) => collator.compare(a.code, b.code));
io.write('data/10-place.ndjson', ndjson(places));

// ---- lines: one per direction, drawn from stop to stop ----
const gtfs = csv(io.read('transport/gtfs_hanoi_2018_full_static/stops.txt'));
const lines = new Map();
for (const s of gtfs) {
  const m = /^([0-9A-Z]+)_([12])_S(\d+)$/.exec(s.stop_id);
  if (!m) continue;
  const code = `${m[1]}-${m[2]}`;
  if (!lines.has(code)) lines.set(code, { line: m[1], direction: +m[2], stops: [] });
  lines.get(code).stops.push({ n: +m[3], name: clean(s.stop_name).replace(/^Bến /, ''), at: [+(+s.stop_lon).toFixed(6), +(+s.stop_lat).toFixed(6)] });
}
const busLines = [];
for (const [code, l] of [...lines].sort((a, b) => collator.compare(a[0], b[0]))) {
  const stops = l.stops.sort((a, b) => a.n - b.n).filter((s) => Number.isFinite(s.at[0]) && Number.isFinite(s.at[1]));
  const route = stops.map((s) => s.at).filter((p, i, all) => i === 0 || p[0] !== all[i - 1][0] || p[1] !== all[i - 1][1]);
  if (route.length < 2) continue;
  const length = route.slice(1).reduce((sum, p, i) => sum + metres(route[i], p), 0);
  busLines.push({
    code, line: l.line, direction: l.direction, name: `${stops[0].name} – ${stops.at(-1).name}`.slice(0, 300), from: stops[0].name, to: stops.at(-1).name,
    stops: stops.length, length_km: +(length / 1000).toFixed(1), as_of: '2018-12-31', route: { type: 'LineString', coordinates: route }, source: 'gtfs',
  });
}
io.write('data/30-bus_line.ndjson', ndjson(busLines));

// ---- stops: those of OpenStreetMap, with the lines whose stops are within 40 m ----
const NEAR_M = 40, CELL = 0.001;
const grid = new Map();
const cell = (lon, lat) => `${Math.floor(lon / CELL)},${Math.floor(lat / CELL)}`;
for (const l of lines.values())
  for (const s of l.stops) {
    const k = cell(...s.at);
    if (!grid.has(k)) grid.set(k, []);
    grid.get(k).push({ line: l.line, at: s.at });
  }
const osmStops = JSON.parse(io.read('transport/hanoi_bus_stops_osm.geojson')).features;
const stops = osmStops
  .filter((f) => f.geometry?.type === 'Point' && clean(f.properties.name) && inside(city, f.geometry.coordinates))
  .map(({ properties: p, geometry: g }) => {
    const [lon, lat] = g.coordinates, near = new Set();
    for (let dx = -1; dx <= 1; dx++)
      for (let dy = -1; dy <= 1; dy++)
        for (const s of grid.get(cell(lon + dx * CELL, lat + dy * CELL)) ?? []) if (metres(s.at, [lon, lat]) <= NEAR_M) near.add(s.line);
    return { code: `osm:node/${p.id}`, name: clean(p.name), lines: [...near].sort(collator.compare), location: lonlat(g.coordinates), source: 'osm' };
  })
  .sort((a, b) => collator.compare(a.code, b.code));
io.write('data/20-bus_stop.ndjson', ndjson(stops));
