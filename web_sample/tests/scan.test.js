/** Codes and queries enter; whether scan.wasm sums as plain JavaScript does leaves. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BLOCK } from '../search/catalog/catalog-memory.js';
import { loadSums, sumsPlainly } from '../search/catalog/scan.js';
import { rint } from '../search/catalog/scores.js';
import { random } from './vectors.js';

const [QUERY, CODES, SUMS, ROWS, WIDEST] = [0, 4096, 65_536 - 64, 5, 1024];

test('scan.wasm sums as plain JavaScript does, at every width', async () => {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const quick = await loadSums(memory);
  assert.match(quick.toString(), /native code/);
  const plain = sumsPlainly(memory);
  const next = random(1);
  const bytes = new Int8Array(memory.buffer);
  const query = new Int16Array(memory.buffer, QUERY, WIDEST);
  const sums = new Int32Array(memory.buffer, SUMS, ROWS + 1);
  for (let dim = 1; dim <= WIDEST; dim++) {
    for (const extreme of [false, true]) {
      query.forEach((_, index) => query[index] = extreme ? 16383 : next(2 * 16383 + 1) - 16383);
      const filled = bytes.subarray(CODES, CODES + ROWS * dim + 7);
      filled.forEach((_, index) => filled[index] = extreme ? -128 : next(255) - 127);
      const places = [CODES, CODES + 1, CODES + 7];      // a file's codes lie anywhere
      for (const codes of places) {
        sums.fill(-1);
        quick(QUERY, codes, dim, ROWS, SUMS);
        const found = Array.from(sums);
        sums.fill(-1);
        plain(QUERY, codes, dim, ROWS, SUMS);
        assert.deepEqual(found, Array.from(sums), `dim ${dim}`);
        assert.equal(found[ROWS], -1);
      }
    }
  }
});

test('no rows are no sums', async () => {
  const memory = new WebAssembly.Memory({ initial: 1 });
  (await loadSums(memory))(QUERY, CODES, 8, 0, SUMS);
  assert.ok(new Uint8Array(memory.buffer).every((byte) => byte === 0));
  assert.ok(BLOCK > 10_000);
});

test('halves are rounded to the even number', () => {
  const cases = [[0.5, 0], [1.5, 2], [2.5, 2], [-0.5, 0], [-1.5, -2], [-2.5, -2], [16382.5, 16382],
    [0.49999999999999994, 0]];
  for (const [value, expected] of cases) assert.equal(rint(value) + 0, expected, `${value}`);
});
