/** Chromium's path and files enter; a page leaves that can load them and the search modules. For the tools beside it. */

import { createReadStream, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const MODULES = fileURLToPath(new URL('../../search/', import.meta.url));
const FLAGS = ['--no-sandbox', '--no-first-run', '--disable-background-networking', '--disable-component-update',
  '--disable-sync'];
/** @type {Record<string, string>} */
const TYPES = { '.js': 'text/javascript', '.wasm': 'application/wasm' };
// A page of its own origin alone has a clock of microseconds.
const HEADERS = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' };

/**
 * Does the work with a page, then ends the browser. The page has the search modules at `/search/` and the folder at `/`,
 * served from this machine to itself.
 *
 * @param {string} executablePath @param {string} folder
 * @param {(page: import('playwright-core').Page, version: string) => Promise<void>} work
 */
export async function withPage(executablePath, folder, work) {
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
  await new Promise((ready) => server.listen(0, '127.0.0.1', () => ready(null)));
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  const browser = await chromium.launch({ executablePath, args: FLAGS });
  try {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${port}/`);
    await work(page, browser.version());
  } finally {
    await browser.close();
    server.close();
  }
}
