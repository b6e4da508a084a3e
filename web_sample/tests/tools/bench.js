/**
 * A folder with catalogs and a query enters; milliseconds of searches in Chromium leave, for benchmarks/web_scan.py.
 * `node bench.js chromium folder k`. Each line of the input names a catalog; the answer is a line with the milliseconds
 * of one search by query.f32, and the products. The first line of the output is the browser's version.
 */

import { createReadStream, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const MODULES = fileURLToPath(new URL('../../search/', import.meta.url));
const FLAGS = ['--no-sandbox', '--no-first-run', '--disable-background-networking', '--disable-component-update',
  '--disable-sync'];
/** @type {Record<string, string>} */
const TYPES = { '.js': 'text/javascript', '.wasm': 'application/wasm' };
// A page of its own origin alone has a clock of microseconds.
const HEADERS = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' };
const [, , executablePath, folder, k] = process.argv;

/** Serves the page, the search module and the folder, from this machine to itself. */
const server = createServer((request, response) => {
  const url = request.url ?? '/';
  if (url === '/') {
    response.writeHead(200, { ...HEADERS, 'content-type': 'text/html' }).end('<!doctype html>');
    return;
  }
  const path = url.startsWith('/search/') ? join(MODULES, url.slice('/search/'.length)) : join(folder, url);
  const size = statSync(path, { throwIfNoEntry: false })?.size;
  if (size === undefined) {
    response.writeHead(404).end();
    return;
  }
  const type = TYPES[extname(path)] ?? 'application/octet-stream';
  response.writeHead(200, { ...HEADERS, 'content-type': type, 'content-length': size });
  createReadStream(path).pipe(response);
});

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

/** Runs in the page: one search. @param {{name: string, k: number}} asked */
function turn({ name, k }) {
  const { query, searches } = /** @type {any} */ (globalThis);
  const started = performance.now();
  const hits = searches[name].search({ text: query }, k);
  const milliseconds = performance.now() - started;
  return `${milliseconds} ${hits.map((/** @type {{product: number}} */ { product }) => product)}`;
}

await new Promise((ready) => server.listen(0, '127.0.0.1', () => ready(null)));
const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
const browser = await chromium.launch({ executablePath, args: FLAGS });
try {
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${port}/`);
  console.log(browser.version());
  const opened = new Set();
  for await (const name of createInterface(process.stdin)) {
    if (!opened.has(name)) await page.evaluate(open, name);
    opened.add(name);
    console.log(await page.evaluate(turn, { name, k: Number(k) }));
  }
} finally {
  await browser.close();
  server.close();
}
