// SPDX-License-Identifier: Apache-2.0
// Print the TAP of every test program that `meson test` ran, and a failure for each that died.
import { readFileSync } from 'node:fs';

for (const line of readFileSync(process.argv[2], 'utf8').split('\n').filter(Boolean)) {
  const test = JSON.parse(line);
  const out = `${test.stdout ?? ''}`;
  const said = /^(not )?ok \d+/m.test(out);
  console.log(`# ${test.name} (${test.result}, ${Number(test.duration).toFixed(1)} s)`);
  if (said) console.log(out.trim());
  if (test.result !== 'OK') {
    if (!/^not ok \d+/m.test(out)) console.log(`not ok 1 - ${test.name}: ${test.result}`);
    console.log(`${test.stderr ?? ''}`.split('\n').slice(-60).map((l) => `# ${l}`).join('\n'));
  } else if (!said) {
    console.log(`ok 1 - ${test.name}`);
  }
}
