// A site's folder enters; a server of it on this machine and a browser that visits it leave, with all that tests ask of both.

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { chromium } from 'playwright-core';

const TYPES = { '.html': 'text/html; charset=utf-8', '.css': 'text/css', '.js': 'text/javascript', '.mjs': 'text/javascript',
  '.json': 'application/json', '.wasm': 'application/wasm', '.svg': 'image/svg+xml', '.png': 'image/png',
  '.webmanifest': 'application/manifest+json' };
const AXE = await readFile(new URL('../../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');
const FLAGS = ['--no-sandbox', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run'];
// LiteRT.js logs by console.error, and warns that there is no GPU even for the CPU.
const LITERT = /^(INFO|W0000|I0000): |XNNPACK|WebGPU|LiteRT|TfLite|\[.*\.cc:\d+\]/;

/**
 * Serves a site's folder on 127.0.0.1 under the policy that its page states, and others under names of theirs. `requests` lists the paths that were asked for. `change` may alter an answer: a path and its
 * content enter; another content, a status, or undefined leaves. What `held` names comes only half until the promise ends.
 *
 * @typedef {(path: string, content: Buffer) => Buffer | number | undefined} Change
 * @param {string} folder
 * @param {Record<string, string>} [more] folders by the first part of their paths
 * @param {number} [port] 0: any that is free
 */
export async function serve(folder, more = {}, port = 0) {
  const html = await readFile(join(folder, 'app', 'index.html'), 'utf8').catch(() => '');
  const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(html)?.[1] ?? "default-src 'none'";
  const site = { url: '', requests: /** @type {string[]} */ ([]), change: /** @type {Change} */ (() => undefined),
    held: /** @type {Record<string, Promise<void>>} */ ({}), close: () => {} };
  const server = createServer(async (request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? '', 'http://localhost').pathname).slice(1);
    site.requests.push(path);
    try {
      const [first, ...rest] = normalize(path).split('/');
      const place = first in more ? join(more[first], ...rest) : join(folder, first, ...rest);
      const content = await readFile(join(place, path.endsWith('/') ? 'index.html' : ''));
      const changed = site.change(path, content) ?? content;
      if (typeof changed === 'number') throw changed;
      const type = TYPES[/** @type {'.js'} */ (extname(path || '.html') || '.html')] ?? 'application/octet-stream';
      response.writeHead(200, { 'content-type': type, 'content-length': changed.length, 'content-security-policy': policy,
        'access-control-allow-origin': '*' });
      response.write(changed.subarray(0, changed.length / 2));
      await site.held[path];
      response.end(changed.subarray(changed.length / 2));
    } catch (error) {
      response.writeHead(typeof error === 'number' ? error : 404).end();
    }
  });
  await new Promise((ready) => server.listen(port, '127.0.0.1', () => ready(undefined)));
  const address = /** @type {import('node:net').AddressInfo} */ (server.address());
  site.url = `http://127.0.0.1:${address.port}/app/`;
  site.close = () => {
    server.closeAllConnections();
    server.close();
  };
  return site;
}

/** Chromium, which the environment variable CHROMIUM names. */
export function launch() {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS });
}

/**
 * A page of its own profile. `errors` lists what went wrong in it, of which LiteRT.js' own lines are none; `foreign` the
 * addresses of other hosts that it asked for.
 *
 * @param {import('playwright-core').Browser} browser
 * @param {string} url
 * @param {import('playwright-core').BrowserContextOptions} [options]
 */
export async function visit(browser, url, options = {}) {
  const context = await browser.newContext({ locale: 'en-US', viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const errors = /** @type {string[]} */ ([]);
  const foreign = /** @type {string[]} */ ([]);
  page.on('pageerror', (error) => errors.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error' && !LITERT.test(message.text())) errors.push(message.text());
  });
  context.on('request', (request) => {
    if (!request.url().startsWith(new URL('/', url).href) && !request.url().startsWith('blob:')) foreign.push(request.url());
  });
  await page.goto(url);
  return { page, context, errors, foreign };
}

/**
 * Types a text, searches, and waits for the answer's state.
 *
 * @param {import('playwright-core').Page} page
 * @param {string} text
 */
export async function ask(page, text) {
  await ready(page);
  await page.fill('#text', text);
  await page.press('#text', 'Enter');
  await settled(page);
}

/**
 * A promise that the test ends by calling `free`.
 *
 * @returns {{until: Promise<void>, free: () => void}}
 */
export function gate() {
  let free = () => {};
  const until = new Promise((resolve) => free = () => resolve(undefined));
  return { until, free };
}

/**
 * Waits until a function that runs in the page promises true; `waitForFunction` takes any promise for true.
 *
 * @template T
 * @param {import('playwright-core').Page} page
 * @param {(given: T) => Promise<boolean>} holds
 * @param {T} given
 */
export async function until(page, holds, given) {
  const end = Date.now() + 60_000;
  while (!await page.evaluate(/** @type {any} */ (holds), given)) {
    if (Date.now() > end) throw new Error(`not within a minute: ${holds}`);
    await page.waitForTimeout(50);
  }
}

/**
 * Searches with a picture.
 *
 * @param {import('playwright-core').Page} page
 * @param {Awaited<ReturnType<typeof picture>>} file
 */
export async function show(page, file) {
  await ready(page);
  await page.setInputFiles('#gallery-file', file);
  await page.waitForSelector('#picture-row:not([hidden])');
  await settled(page);
}

/** The picture that PICTURE names. */
export async function picture() {
  return { name: 'picture.jpg', mimeType: 'image/jpeg', buffer: await readFile(env('PICTURE')) };
}

/** A variable that must be set. @param {string} name */
export function env(name) {
  const value = process.env[name];
  if (!value) throw new Error(`the environment variable ${name} is not set`);
  return value;
}

/** Waits until the page has its texts and listens. @param {import('playwright-core').Page} page */
export async function ready(page) {
  await page.waitForSelector('html[dir]');
}

/** Waits until nothing is on its way. @param {import('playwright-core').Page} page */
export async function settled(page) {
  await page.waitForSelector('#answer[aria-busy=false]');
}

/** The rules of axe-core that the page breaks, and where. @param {import('playwright-core').Page} page @returns {Promise<string[]>} */
export async function broken(page) {
  if (!await page.evaluate(() => 'axe' in window)) await page.evaluate(AXE);
  return page.evaluate(async () => {
    const { axe } = /** @type {any} */ (window);
    const { violations } = await axe.run(document, { resultTypes: ['violations'] });
    return violations.flatMap((/** @type {any} */ { id, nodes }) => nodes.map((/** @type {any} */ { html }) => `${id}: ${html.slice(0, 200)}`));
  });
}

/** The names on the cards, best first. @param {import('playwright-core').Page} page */
export function names(page) {
  return page.locator('.card .name').allTextContents();
}
