/**
 * A memory that holds codes, their scales and a query enters; the function leaves that finds the next row which scores
 * well enough. It is scan.wasm's, or plain JavaScript where the browser has no SIMD in WebAssembly: the same bits.
 */

/**
 * Of the rows from `row` on and before `end`, the first whose score is not below `least`, which is then at `score`;
 * `end` where there is none. The score is `scale * step * sum + constant`, with the exact sum of code x query.
 * `query`: int16 [dim]; `codes`: int8 [rows, dim]; `scales`: float32 [rows]; `score`: float64: places in the
 * memory, in bytes, each at a multiple of its numbers' size.
 * @typedef {(query: number, codes: number, scales: number, score: number, dim: number, step: number, constant: number,
 * row: number, end: number, least: number) => number} Next
 */

const FILE = new URL('scan.wasm', import.meta.url);
/** @type {WebAssembly.Module | null | undefined} null: this browser has no SIMD */
let compiled;

/**
 * The quickest function for this memory. Throws what fetching scan.wasm throws; the next call tries again.
 * @param {WebAssembly.Memory} memory @returns {Promise<Next>}
 */
export async function loadNext(memory) {
  if (compiled === undefined) {
    const content = await read(FILE);
    compiled = WebAssembly.validate(content) ? await WebAssembly.compile(content) : null;
  }
  if (compiled === null) return nextPlainly(memory);
  const { exports } = await WebAssembly.instantiate(compiled, { catalog: { memory } });
  return /** @type {Next} */ (exports.next);
}

/** The same as scan.wasm, for browsers without SIMD. @param {WebAssembly.Memory} memory @returns {Next} */
export function nextPlainly({ buffer }) {
  const [numbers, bytes, factors] = [new Int16Array(buffer), new Int8Array(buffer), new Float32Array(buffer)];
  const scores = new Float64Array(buffer);
  return (query, codes, scales, score, dim, step, constant, row, end, least) => {
    for (; row < end; row++) {
      let sum = 0;
      const first = codes + row * dim;
      for (let index = 0; index < dim; index++) sum = sum + bytes[first + index] * numbers[query / 2 + index] | 0;
      const found = factors[scales / 4 + row] * step * sum + constant; // in this order
      if (found < least) continue;
      scores[score / 8] = found;
      break;
    }
    return row;
  };
}

/** A file beside this module; Node's fetch knows no files. @param {URL} url @returns {Promise<BufferSource>} */
async function read(url) {
  if (url.protocol === 'file:') {
    /** @type {string} */
    const module = 'node:fs/promises';
    return (await import(module)).readFile(url);
  }
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url.pathname}: the server answers ${answer.status}`);
  return answer.arrayBuffer();
}
