// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { buildSync } from 'esbuild';
import { defineConfig, type Plugin } from 'vite';

/** Files that a phone keeps for use without a network: the shell and the citizen's pages, not the
 *  map library (kept on first use) nor the rooms of the administration. */
function shell(dist: string): string[] {
  const files = readdirSync(dist, { recursive: true, withFileTypes: true })
    .filter((f) => f.isFile())
    .map((f) => '/' + relative(dist, join(f.parentPath, f.name)));
  return files.filter(
    (f) =>
      !/\/(sw\.js|.*\.map)$/.test(f) && !/\/assets\/(maplibre|city-map|ioc|admin|uPlot|desk|delegation)/i.test(f),
  );
}

/** The service worker is one classic script, built last because it holds the list of files. */
function serviceWorker(): Plugin {
  return {
    name: 'khue-service-worker',
    apply: 'build',
    closeBundle() {
      const dist = join(import.meta.dirname, 'dist');
      const files = shell(dist);
      const hash = createHash('sha256');
      for (const f of files) hash.update(f).update(readFileSync(join(dist, f)));
      buildSync({
        entryPoints: [join(import.meta.dirname, 'src/sw.ts')],
        bundle: true,
        minify: true,
        format: 'iife',
        target: 'es2022',
        outfile: join(dist, 'sw.js'),
        define: {
          __FILES__: JSON.stringify(files),
          __VERSION__: JSON.stringify(hash.digest('hex').slice(0, 12)),
        },
      });
    },
  };
}

export default defineConfig({
  esbuild: { jsx: 'automatic', jsxImportSource: 'preact' },
  build: {
    target: 'es2022',
    assetsInlineLimit: 0, // the content policy allows no data: scripts or fonts
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1200,
    reportCompressedSize: false,
    rollupOptions: {
      output: {
        manualChunks: (id) => (id.includes('maplibre-gl') ? 'maplibre' : undefined),
      },
    },
  },
  worker: { format: 'es' },
  server: { proxy: { '/api': 'http://127.0.0.1:8080', '/open311': 'http://127.0.0.1:8080' } },
  plugins: [serviceWorker()],
});
