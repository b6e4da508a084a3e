/**
 * A memory that holds codes and a query enters; the function leaves that sums code x query of each row, exactly.
 * It is scan.wasm's, or plain JavaScript where the browser has no SIMD in WebAssembly. Both give the same sums.
 */

/**
 * `sums` of each of `rows` rows of `codes` with the query: int32 [rows] from int8 [rows, dim] and int16 [dim]. The
 * three are places in the memory, in bytes.
 * @typedef {(query: number, codes: number, dim: number, rows: number, sums: number) => void} Sums
 */

const FILE = new URL('scan.wasm', import.meta.url);
/** @type {WebAssembly.Module | null | undefined} null: this browser has no SIMD */
let compiled;

/**
 * The quickest function for this memory. Throws what fetching scan.wasm throws; the next call tries again.
 * @param {WebAssembly.Memory} memory @returns {Promise<Sums>}
 */
export async function loadSums(memory) {
  if (compiled === undefined) {
    const content = await read(FILE);
    compiled = WebAssembly.validate(content) ? await WebAssembly.compile(content) : null;
  }
  return compiled === null ? sumsPlainly(memory) : sumsOf(await WebAssembly.instantiate(compiled, imports(memory)));
}

/**
 * The same as scan.wasm, for browsers without SIMD and for its test.
 * @param {WebAssembly.Memory} memory @returns {Sums}
 */
export function sumsPlainly(memory) {
  const codes = new Int8Array(memory.buffer);
  const numbers = new Int16Array(memory.buffer);
  const out = new Int32Array(memory.buffer);
  return (query, first, dim, rows, sums) => {
    for (let row = 0, at = first; row < rows; row++) {
      let sum = 0;
      for (let index = query / 2; index < query / 2 + dim; index++, at++) sum = sum + codes[at] * numbers[index] | 0;
      out[sums / 4 + row] = sum;
    }
  };
}

/** @param {WebAssembly.Memory} memory */
function imports(memory) {
  return { catalog: { memory } };
}

/** @param {WebAssembly.Instance} instance @returns {Sums} */
function sumsOf(instance) {
  return /** @type {Sums} */ (instance.exports.sums);
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
