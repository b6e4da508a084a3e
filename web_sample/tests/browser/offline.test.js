// A site enters; whether its page lives on without a server leaves: the page's own files whole or not at all, the model's files
// checked and loaded once. SITE names the site, PICTURE a picture.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { after, before, beforeEach, afterEach, test } from 'node:test';
import { ask, env, launch, names, picture, ready, serve, show, until, visit } from './site.js';

const TEXT = 'a red apple';
const BEST = 'Red apple, fresh';
const LIST = 'app/files.json';

/** @type {import('playwright-core').Browser} */
let browser;
/** @type {Awaited<ReturnType<typeof serve>>} */
let site;
/** @type {Awaited<ReturnType<typeof visit>>} */
let visitor;

before(async () => browser = await launch());
after(() => browser.close());
beforeEach(async () => site = await serve(env('SITE')));
afterEach(async () => {
  await visitor.context.close();
  site.close();
});

/** Opens the page as somebody who was never here, and waits until it is kept. */
async function visited() {
  visitor = await visit(browser, site.url);
  await kept(visitor.page);
  return visitor;
}

test('a page that was used keeps its files and one build of LiteRT.js, loads none again, and needs no server', async () => {
  const { page, context, errors } = await visited();
  const passed = /** @type {Record<string, boolean>} */ ({});
  context.on('response', (response) => passed[new URL(response.url()).pathname] = response.fromServiceWorker());
  await ask(page, TEXT);
  const before = await names(page);
  await show(page, await picture());
  const both = await names(page);
  assert.deepEqual(await builds(page), ['litert_wasm_internal.js', 'litert_wasm_internal.wasm']);

  site.requests.length = 0;
  await page.reload();
  await ask(page, TEXT);
  await page.evaluate(() => fetch('../model/manifest.json'));
  assert.deepEqual(await names(page), before);
  assert.deepEqual([...new Set(site.requests)].sort(), [LIST, 'app/sw.js', 'model/manifest.json'].filter((path) =>
    path !== 'app/sw.js' || site.requests.includes(path)));
  const fromWorker = ['/app/main.js', '/search/index.js', '/model/manifest.json'].map((path) => passed[path]);
  assert.deepEqual(fromWorker, [true, true, false], 'the service worker answers for the page alone, not for the model');

  site.close();
  await page.reload();
  await ask(page, TEXT);
  assert.deepEqual(await names(page), before);
  await show(page, await picture());
  assert.deepEqual(await names(page), both);
  assert.deepEqual(errors.filter((line) => !line.includes('ERR_CONNECTION_REFUSED')), []);
});

test('where the browser has no relaxed SIMD, the other build of LiteRT.js is kept, and works without a network', async () => {
  const path = 'runtimes/litert-build.js';
  const probe = (await readFile(`${env('SITE')}/${path}`, 'utf8')).replace('0xfd, 0x80, 2', '0xfd, 0xff, 9'); // no instruction
  site.change = (asked, file) =>
    asked === path ? Buffer.from(probe) : asked === LIST ? changed(file, path, Buffer.from(probe)) : undefined;
  const { page } = await visited();
  assert.deepEqual(await builds(page), ['litert_wasm_compat_internal.js', 'litert_wasm_compat_internal.wasm']);
  await ask(page, TEXT);
  site.close();
  await page.reload();
  await ask(page, TEXT);
  assert.equal((await names(page))[0], BEST);
});

test('a cache that the browser threw away is filled again, and what was never loaded is told when the server is gone', async () => {
  const { page } = await visited();
  const [name] = await pages(page);
  await page.evaluate((gone) => caches.delete(gone), name);
  await page.reload();
  await until(page, (wanted) => caches.match('files.json', { cacheName: wanted }).then(Boolean), name);
  await page.waitForSelector('#category:not([hidden])');
  site.close();
  await page.reload();
  await ready(page);
  assert.equal(await page.textContent('#headline'), 'Search by words or by picture');
  await show(page, await picture());
  assert.match(await page.innerText('#detail'), /connection/);
});

test('of a page of which one file has another digest nothing is kept', async () => {
  site.change = (path, content) => path === 'search/json.js' ? Buffer.concat([content, Buffer.from('\n')]) : undefined;
  visitor = await visit(browser, site.url);
  const { page } = visitor;
  const state = await page.evaluate(async () => {
    const list = await (await fetch('files.json')).arrayBuffer();
    const digest = Array.from(new Uint8Array(await crypto.subtle.digest('SHA-256', list)), (byte) => byte.toString(16).padStart(2, '0'));
    const { installing, active } = await navigator.serviceWorker.register(`sw.js?${digest.join('')}&`);
    const worker = /** @type {ServiceWorker} */ (installing ?? active);
    while (!['redundant', 'activated'].includes(worker.state)) await new Promise((resolve) => worker.onstatechange = resolve);
    return worker.state;
  });
  assert.equal(state, 'redundant');
  assert.deepEqual(await pages(page), []);
});

test('a page with another list replaces the old one once that is closed, and loads only what changed', async () => {
  const { page, context } = await visited();
  const [old] = await pages(page);
  const style = Buffer.from('body { color: rgb(1, 2, 3) }');
  site.change = (path, content) => path === 'app/style.css' ? style : path === LIST ? changed(content, 'app/style.css', style) : undefined;
  site.requests.length = 0;
  await page.reload();
  await until(page, () => navigator.serviceWorker.getRegistration().then((found) => Boolean(found?.waiting)), null);
  assert.equal((await pages(page)).length, 2);
  assert.deepEqual(site.requests.filter((path) => /\.(wasm|js|css)$/.test(path) && path !== 'app/sw.js'), ['app/style.css']);
  await page.goto('about:blank');
  const again = await context.newPage();
  await again.goto(site.url);
  await again.waitForFunction(() => getComputedStyle(document.body).color === 'rgb(1, 2, 3)');
  await until(again, (name) => caches.has(name).then((has) => !has), old);
  assert.equal((await pages(again)).length, 1);
});

test('a new set of the model\'s files takes the old one\'s place only when it is whole', async () => {
  const { page } = await visited();
  await ask(page, TEXT);
  await until(page, () => caches.open('shop-files').then((cache) => cache.match('../model/manifest.json')).then(Boolean), null);
  const before = await models(page);
  assert.equal(before.length, 4, before.join());
  site.change = (path, content) => path === 'model/manifest.json' ? Buffer.from(content.toString().replace(/("digest": *")[0-9a-f]{8}/, '$100000000')) : undefined;
  await page.reload();
  await ask(page, TEXT);
  assert.equal((await names(page))[0], BEST, 'the catalog that the new manifest names is not there: the old set stays');
  assert.deepEqual(await models(page), before);
  const other = Buffer.from('{"version": 1}');
  site.change = (path) => path === 'model/manifest.json' ? other : undefined;
  await page.reload();
  await ask(page, TEXT);
  assert.equal((await names(page))[0], BEST);
});

/** Waits until the page is kept, and comes from what is kept. @param {import('playwright-core').Page} page */
async function kept(page) {
  await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
}

/** The caches of pages. @param {import('playwright-core').Page} page */
function pages(page) {
  return page.evaluate(async () => (await caches.keys()).filter((name) => name.startsWith('page ')));
}

/** What is kept of LiteRT.js' builds. @param {import('playwright-core').Page} page */
function builds(page) {
  return page.evaluate(async () => {
    const [name] = (await caches.keys()).filter((one) => one.startsWith('page '));
    const files = (await (await caches.open(name)).keys()).map(({ url }) => url.split('/runtime/litert/')[1]);
    return files.filter((file) => file?.includes('_wasm_')).sort();
  });
}

/** What is kept of the model. @param {import('playwright-core').Page} page */
function models(page) {
  return page.evaluate(async () => (await (await caches.open('shop-files')).keys()).map(({ url }) => url).sort());
}

/**
 * files.json with another digest.
 *
 * @param {Buffer} list
 * @param {string} path
 * @param {Buffer} content
 */
function changed(list, path, content) {
  const parsed = JSON.parse(list.toString());
  const entry = parsed.files.find((/** @type {{path: string}} */ one) => one.path === path);
  Object.assign(entry, { sha256: createHash('sha256').update(content).digest('hex'), bytes: content.length });
  return Buffer.from(JSON.stringify(parsed));
}
