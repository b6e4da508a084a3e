// A site enters; whether its page lives on without a server leaves: the page's own files whole or not at all, the model's files
// checked and loaded once. SITE names the site, PICTURE a picture.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { after, before, beforeEach, afterEach, test } from 'node:test';
import { ask, env, launch, names, picture, serve, show, until, visit } from './site.js';

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
beforeEach(async () => {
  site = await serve(env('SITE'));
  visitor = await visit(browser, site.url);
});
afterEach(async () => {
  await visitor.context.close();
  site.close();
});

test('a page that was searched once works when the server is gone, pictures too once they were', async () => {
  const { page, errors } = visitor;
  await kept(page);
  await ask(page, TEXT);
  const before = await names(page);
  await show(page, await picture());
  const both = await names(page);
  site.close();
  await page.reload();
  await ask(page, TEXT);
  assert.deepEqual(await names(page), before);
  await show(page, await picture());
  assert.deepEqual(await names(page), both);
  assert.deepEqual(errors.filter((line) => !line.includes('ERR_CONNECTION_REFUSED')), []);
});

test('what was never loaded is told when the server is gone', async () => {
  const { page } = visitor;
  await kept(page);
  await ask(page, TEXT);
  site.close();
  await page.reload();
  await show(page, await picture());
  assert.match(await page.innerText('#detail'), /connection/);
});

test('a second visit loads no file of the page or of the model again', async () => {
  const { page } = visitor;
  await kept(page);
  await ask(page, TEXT);
  site.requests.length = 0;
  await page.reload();
  await ask(page, TEXT);
  assert.equal((await names(page))[0], BEST);
  assert.deepEqual([...new Set(site.requests)].sort(), [LIST, 'app/sw.js', 'model/manifest.json'].filter((path) =>
    path !== 'app/sw.js' || site.requests.includes(path)));
});

test('only requests of the page and its modules pass the service worker, none of the model\'s', async () => {
  const { page, context } = visitor;
  await kept(page);
  const passed = /** @type {Record<string, boolean>} */ ({});
  context.on('response', (response) => passed[new URL(response.url()).pathname] = response.fromServiceWorker());
  await page.reload();
  await ask(page, TEXT);
  await page.evaluate(() => fetch('../model/manifest.json'));
  assert.deepEqual([passed['/app/main.js'], passed['/search/index.js'], passed['/model/manifest.json']], [true, true, false]);
});

for (const build of ['litert_wasm_internal', 'litert_wasm_compat_internal']) {
  test(`of LiteRT.js' builds ${build} alone is kept where the browser loads that, and works without a network`, async () => {
    const { page, context } = await otherwise(build);
    await kept(page);
    await ask(page, TEXT);
    const files = await page.evaluate(async () => {
      const [name] = (await caches.keys()).filter((one) => one.startsWith('page '));
      return (await (await caches.open(name)).keys()).map(({ url }) => url.split('/runtime/litert/')[1]);
    });
    assert.deepEqual(files.filter((name) => name?.includes('wasm_')).sort(), [`${build}.js`, `${build}.wasm`]);
    site.close();
    await page.reload();
    await ask(page, TEXT);
    assert.equal((await names(page))[0], BEST);
    await context.close();
  });
}

test('of a page of which one file has another digest nothing is kept', async () => {
  const { page, context } = visitor;
  await kept(page);
  const other = await browser.newContext();
  site.change = (path, content) => path === 'search/json.js' ? Buffer.concat([content, Buffer.from('\n')]) : undefined;
  const second = await other.newPage();
  await second.goto(site.url);
  const state = await second.evaluate(async () => {
    const list = await (await fetch('files.json')).arrayBuffer();
    const digest = Array.from(new Uint8Array(await crypto.subtle.digest('SHA-256', list)), (byte) => byte.toString(16).padStart(2, '0'));
    const { installing, active } = await navigator.serviceWorker.register(`sw.js?${digest.join('')}&`);
    const worker = /** @type {ServiceWorker} */ (installing ?? active);
    while (!['redundant', 'activated'].includes(worker.state)) await new Promise((resolve) => worker.onstatechange = resolve);
    return worker.state;
  });
  assert.equal(state, 'redundant');
  assert.deepEqual(await pages(second), []);
  assert.equal((await pages(page)).length, 1);
  await other.close();
  await context.close();
});

test('a cache that the browser threw away is filled again', async () => {
  const { page } = visitor;
  await kept(page);
  const [name] = await pages(page);
  await page.evaluate((gone) => caches.delete(gone), name);
  await page.reload();
  await until(page, (wanted) => caches.match('files.json', { cacheName: wanted }).then(Boolean), name);
  site.close();
  await page.reload();
  assert.equal(await page.textContent('#headline'), 'Search by words or by picture');
});

test('a page with another list replaces the old one once that is closed, and loads only what changed', async () => {
  const { page, context } = visitor;
  await kept(page);
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
  const { page } = visitor;
  await kept(page);
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

/**
 * A new visitor, whose browser knows no relaxed SIMD if `build` is the one for such.
 *
 * @param {string} build of LiteRT.js
 */
async function otherwise(build) {
  const path = 'runtimes/litert-build.js';
  const content = (await readFile(`${env('SITE')}/${path}`, 'utf8')).replace('0xfd, 0x80, 2', '0xfd, 0xff, 9');
  site.change = build.includes('compat') ? (asked, file) =>
    asked === path ? Buffer.from(content) : asked === LIST ? changed(file, path, Buffer.from(content)) : undefined : () => undefined;
  return visit(browser, site.url);
}

/** The caches of pages. @param {import('playwright-core').Page} page */
function pages(page) {
  return page.evaluate(async () => (await caches.keys()).filter((name) => name.startsWith('page ')));
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
