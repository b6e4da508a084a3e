/** Codes and queries enter; whether scan.wasm finds the rows and score bits of plain JavaScript leaves. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadNext, nextPlainly } from '../search/catalog/scan.js';
import { rint } from '../search/catalog/scores.js';
import { bits } from './golden-answers.js';
import { random } from './vectors.js';

const [QUERY, SCORE, SCALES, CODES, ROWS, WIDEST] = [0, 2048, 2056, 4096, 5, 1024];

/** A memory with the two ways to scan it, and views of what they read. */
async function both() {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const { buffer } = memory;
  return {
    ways: [await loadNext(memory), nextPlainly(memory)],
    query: new Int16Array(buffer, QUERY, WIDEST),
    score: new Float64Array(buffer, SCORE, 1),
    scales: new Float32Array(buffer, SCALES, ROWS),
    codes: new Int8Array(buffer, CODES, 65_536 - CODES),
  };
}

test('scan.wasm scores as plain JavaScript does, at every width', async () => {
  const { ways, query, score, scales, codes } = await both();
  assert.match(`${ways[0]}`, /native code/);
  const next = random(1);
  for (let dim = 1; dim <= WIDEST; dim++) {
    for (const extreme of [false, true]) {
      query.forEach((_, index) => query[index] = extreme ? 16383 : next(2 * 16383 + 1) - 16383);
      codes.subarray(0, (ROWS + 2) * dim).forEach((_, index) => codes[index] = extreme ? -128 : next(255) - 127);
      scales.forEach((_, row) => scales[row] = extreme ? 3.4e38 : next(1000) / 8192);
      const [step, constant] = [1 / (1 + next(30_000)), next(1000) / 1000 - 0.5];
      for (const shift of [0, 1, 7]) {         // a file's codes lie anywhere
        const [found, expected] = ways.map((way) => Array.from({ length: ROWS }, (_, row) => {
          const place = way(QUERY, CODES + shift, SCALES, SCORE, dim, step, constant, row, ROWS, -Infinity);
          return [place, bits(score[0])];
        }));
        assert.deepEqual(found, expected, `dim ${dim}`);
      }
    }
  }
});

test('rows that score too low are passed over', async () => {
  const { ways, query, score, scales, codes } = await both();
  query.set([1, 2, 3]);
  codes.set([0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1, 2, 2, 2]);
  scales.fill(0.5);
  for (const way of ways) {
    const rows = (/** @type {number[]} */ ...[row, end, least]) =>
      way(QUERY, CODES, SCALES, SCORE, 3, 1, 1, row, end, least);
    assert.deepEqual([rows(0, 5, 4), score[0]], [1, 4]);
    assert.deepEqual([rows(2, 5, 4), score[0]], [3, 4]);
    assert.deepEqual([rows(0, 5, 4.5), score[0]], [4, 7]);
    score[0] = -1;
    for (const [row, end, least] of [[0, 5, 8], [0, 1, 4], [3, 3, 0], [0, 0, -Infinity]]) {
      assert.equal(rows(row, end, least), end);
    }
    assert.equal(score[0], -1);
  }
});

test('halves are rounded to the even number', () => {
  const cases = [[0.5, 0], [1.5, 2], [2.5, 2], [-0.5, 0], [-1.5, -2], [-2.5, -2], [16382.5, 16382],
    [0.49999999999999994, 0]];
  for (const [value, expected] of cases) assert.equal(rint(value) + 0, expected, `${value}`);
});
