/**
 * A folder with catalogs and a query enters; milliseconds of searches in Chromium leave, for benchmarks/web_scan.py and
 * two_stage.py. `node bench.js chromium folder k`. Each line of the input names a catalog, with ` exact` after it for a
 * search without the first pass; the answer is a line with the milliseconds of one search by query.f32, and the products.
 * The first line of the output is the browser's version.
 */

import { createInterface } from 'node:readline';
import { withPage } from './chromium-page.js';

const [, , executablePath = '', folder = '', k] = process.argv;

/** Runs in the page: opens a catalog, once. @param {string} name */
async function open(name) {
  const page = /** @type {any} */ (globalThis);
  const { CatalogMemory, CatalogSearch, openCatalog } = await import(/** @type {any} */ ('/search/index.js'));
  const answer = await fetch(`/${name}`);
  const memory = await CatalogMemory.create(Number(answer.headers.get('content-length')));
  let end = 0;
  for await (const piece of /** @type {AsyncIterable<Uint8Array>} */ (/** @type {any} */ (answer.body))) {
    memory.file.set(piece, end);
    end += piece.length;
  }
  page.query = new Float32Array(await (await fetch('/query.f32')).arrayBuffer());
  page.searches = { ...page.searches, [name]: new CatalogSearch(openCatalog(memory, name)) };
}

/** Runs in the page: one search. @param {{name: string, k: number, exact: boolean}} asked */
function turn({ name, k, exact }) {
  const { query, searches } = /** @type {any} */ (globalThis);
  const started = performance.now();
  const hits = searches[name].search({ text: query }, k, {}, -Infinity, 0, null, exact);
  const milliseconds = performance.now() - started;
  return `${milliseconds} ${hits.map((/** @type {{product: number}} */ { product }) => product)}`;
}

await withPage(executablePath, folder, async (page, version) => {
  console.log(version);
  const opened = new Set();
  for await (const line of createInterface(process.stdin)) {
    const [name, way] = line.split(' ');
    if (!opened.has(name)) await page.evaluate(open, name);
    opened.add(name);
    console.log(await page.evaluate(turn, { name, k: Number(k), exact: way === 'exact' }));
  }
});
