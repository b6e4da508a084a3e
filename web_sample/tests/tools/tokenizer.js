/**
 * A tokenizer asset and texts, a line each, enter; what the tokenizer costs and the texts' ids leave, as one line of JSON.
 *
 * `node tokenizer.js ASSET TEXTS` measures in Node, `node tokenizer.js ASSET TEXTS CHROMIUM` in that browser. `heap_mb`:
 * what one open tokenizer keeps, beside the file; `encode_us`: the median over the texts of each one's median.
 */

import { readFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { openTokenizer } from '../../search/index.js';

const [, , asset = '', list = '', chromium] = process.argv;
const texts = readFileSync(list, 'utf8').split('\n').filter((line) => line !== '');

/**
 * Milliseconds, and the ids. Stands alone: it runs in the page, too.
 *
 * @param {typeof openTokenizer} open @param {Uint8Array} bytes @param {string[]} lines
 */
function measured(open, bytes, lines) {
  /** @param {() => void} work */
  const timed = (work) => {
    const started = performance.now();
    work();
    return performance.now() - started;
  };
  /** @param {number[]} numbers */
  const median = (numbers) => numbers.toSorted((one, other) => one - other)[numbers.length >> 1];
  /** @param {number} count @param {() => void} work */
  const repeated = (count, work) => median(Array.from({ length: count }, () => timed(work)));
  const first = timed(() => open(bytes, 'asset'));
  const opened = repeated(21, () => open(bytes, 'asset'));
  const tokenizer = open(bytes, 'asset');
  const verified = repeated(5, () => tokenizer.verify());
  for (let round = 0; round < 20; round += 1) lines.forEach((line) => tokenizer.encode(line)); // compiled by then
  const encoded = median(lines.map((line) => repeated(101, () => tokenizer.encode(line))));
  const ids = lines.map((line) => Array.from(tokenizer.encode(line)));
  return { first_open_ms: first, open_ms: opened, verify_ms: verified, encode_us: 1e3 * encoded, ids };
}

/** What `used` grows by with one open tokenizer. @param {() => Promise<number>} used bytes @param {() => unknown} keep */
async function growth(used, keep) {
  const before = await used();
  const kept = await keep();
  const after = await used();
  return { heap_mb: (after - before) / 1e6, kept };
}

if (chromium) {
  const { withPage } = await import('./chromium-page.js'); // which wants `make npm`
  await withPage(chromium, dirname(asset), async (page) => {
    await page.evaluate(async (name) => {
      const { openTokenizer: open } = await import(/** @type {any} */ ('/search/index.js'));
      const bytes = new Uint8Array(await (await fetch(`/${name}`)).arrayBuffer());
      Object.assign(globalThis, { open, bytes });
    }, basename(asset));
    const found = /** @type {ReturnType<typeof measured>} */ (
      await page.evaluate(`(${measured})(open, bytes, ${JSON.stringify(texts)})`));
    const session = await page.context().newCDPSession(page);
    const { heap_mb } = await growth(async () => {
      await session.send('HeapProfiler.collectGarbage');
      const { usedSize, backingStorageSize } = /** @type {any} */ (await session.send('Runtime.getHeapUsage'));
      return usedSize + backingStorageSize;
    }, () => page.evaluate('void (globalThis.kept = open(bytes, "asset"))'));
    console.log(JSON.stringify({ ...found, heap_mb }));
  });
} else {
  const bytes = new Uint8Array(readFileSync(asset));
  const found = measured(openTokenizer, bytes, texts);
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc');
  const { heap_mb, kept } = await growth(async () => {
    collect();
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  }, () => openTokenizer(bytes, asset));
  console.log(JSON.stringify({ ...found, heap_mb: kept ? heap_mb : NaN }));
}
