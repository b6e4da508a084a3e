/** scan.wat enters; whether wabt makes scan.wasm of it, byte for byte, leaves. Needs `npm ci`. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import wabt from 'wabt';

const FOLDER = new URL('../../search/catalog/', import.meta.url);

test('scan.wasm is scan.wat, assembled', async () => {
  const { parseWat } = await wabt();
  const { buffer } = parseWat('scan.wat', readFileSync(new URL('scan.wat', FOLDER), 'utf8'), { simd: true }).toBinary({});
  assert.deepEqual(Buffer.from(buffer), readFileSync(new URL('scan.wasm', FOLDER)));
});
