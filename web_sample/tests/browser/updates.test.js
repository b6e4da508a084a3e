// A site with yesterday's catalog and a host with today's enter; whether the page takes it, and only what the shop signed, leaves.
// SITE names the site, UPDATES the host's folder, PORT its port, KEY the private key, BASE, RESULT and SPACE what to sign.

import assert from 'node:assert/strict';
import { createHash, sign } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { ask, env, gate, launch, names, serve, settled, until, visit } from './site.js';

const TEXT = 'a red apple';
const YESTERDAY = 'Red apple, fresh';
const TODAY = `${YESTERDAY} (today)`;
const OLD = 'Prices may be out of date.';

/** @type {import('playwright-core').Browser} */
let browser;
/** @type {Awaited<ReturnType<typeof serve>>} */
let site;
/** @type {Awaited<ReturnType<typeof serve>>} */
let host;
/** @type {Awaited<ReturnType<typeof visit>>} */
let visitor;

before(async () => browser = await launch());
after(() => browser.close());
beforeEach(async () => {
  site = await serve(env('SITE'));
  host = await serve(env('UPDATES'), {}, Number(env('PORT')));
  await publish(1);
});
afterEach(async () => {
  await visitor.context.close();
  site.close();
  host.close();
});

/**
 * The host has today's catalog, by a statement of that number.
 * @param {number} number @param {object} [more]
 */
async function publish(number, more = {}) {
  const file = async (/** @type {string} */ path) => {
    const bytes = await readFile(join(env('UPDATES'), path));
    return { path, sha256: createHash('sha256').update(bytes).digest('hex'), bytes: bytes.length };
  };
  const message = Buffer.from(JSON.stringify({
    format: 'mobileclip-update', version: 1, name: 'shop', number, space: env('SPACE'),
    catalog: { ...await file('today.catalog'), digest: env('RESULT') }, deltas: [{ ...await file('today.delta'), base: env('BASE') }],
    ...more,
  }));
  const key = { key: await readFile(env('KEY'), 'utf8'), dsaEncoding: /** @type {const} */ ('ieee-p1363') };
  await writeFile(join(env('UPDATES'), 'shop.update'), Buffer.concat([sign('sha256', message, key), message]));
}

/** Asks until the best product has that name. @param {string} name */
async function finds(name) {
  const { page } = visitor;
  const end = Date.now() + 60_000;
  for (let best = ''; best !== name; [best] = await names(page)) {
    if (Date.now() > end) throw new Error(`not within a minute: ${name}`);
    await ask(page, TEXT);
  }
}

/** The page as somebody sees it who was never here. */
async function opens() {
  visitor = await visit(browser, site.url);
  await visitor.page.waitForFunction(() => navigator.serviceWorker.controller !== null);
}

/** The same after the first search. */
async function comes() {
  await opens();
  await ask(visitor.page, TEXT);
}

/** What is kept of updates. @param {import('playwright-core').Page} page */
function kept(page) {
  return page.evaluate(async () => (await (await caches.open('shop-updates')).keys()).map(({ url }) => url.split('/').at(-1)).sort());
}

test('the page opens with yesterday\'s catalog, takes today\'s after the first search, and keeps it without a network', async () => {
  const { until: free, free: release } = gate();
  host.held['today.delta'] = free;
  await comes();
  const { page, errors, foreign } = visitor;
  assert.equal((await names(page))[0], YESTERDAY);
  const categories = await page.locator('#category option').count();
  release();
  await finds(TODAY);
  assert.deepEqual(foreign.map((url) => new URL(url).pathname), ['/shop.update', '/today.delta']);
  assert.ok(foreign.every((url) => url.startsWith(`http://127.0.0.1:${env('PORT')}/`)));
  assert.match(await page.locator('.price').first().innerText(), /1\.23/);
  assert.ok((await names(page)).every((name) => name.endsWith('(today)')));
  assert.equal(await page.locator('#category option').count(), categories - 1);
  assert.equal(await page.isVisible('#old'), false);
  await until(page, () => caches.open('shop-updates').then((cache) => cache.keys()).then(({ length }) => length === 3), null);
  assert.deepEqual(await kept(page), [`${env('RESULT')}.catalog`, 'highest', 'shop.update']);
  assert.deepEqual(errors, []);

  site.close();
  host.close();
  await page.reload();
  await ask(page, TEXT);
  assert.equal((await names(page))[0], TODAY);
});

test('a category and a product that today\'s catalog lacks filter nothing, and are told', async () => {
  const { until: free, free: release } = gate();
  host.held['shop.update'] = free;
  await comes();
  const { page, errors } = visitor;
  const yesterday = await page.locator('#category option').allTextContents();
  await page.selectOption('#category', { index: yesterday.length - 1 });
  await settled(page);
  const link = await page.locator('.card .name').first().getAttribute('href');
  release();
  await page.waitForFunction((count) => document.querySelectorAll('#category option').length === count - 1, yesterday.length);
  assert.equal(await page.inputValue('#category'), '');
  await page.click('.card .name'); // of the answer that still stands there
  await page.waitForFunction(() => document.getElementById('details-name')?.textContent === 'The shop no longer has this product.');
  assert.match(link ?? '', /product=/);
  await page.click('#close');
  await finds(TODAY);
  assert.deepEqual(errors, []);
});

test('every search that is asked while the catalog is swapped gets an answer of one day', async () => {
  const { until: free, free: release } = gate();
  host.held['today.delta'] = free;
  await comes();
  const { page, errors } = visitor;
  const seen = new Set();
  for (let search = 0; search < 60 && !(seen.has(true) && search > 20); search++) {
    if (search === 5) release();
    await ask(page, search % 2 ? TEXT : 'bread');
    const days = new Set((await names(page)).map((name) => name.endsWith('(today)')));
    assert.equal(days.size, 1);
    for (const day of days) seen.add(day);
  }
  assert.deepEqual([...seen], [false, true]);
  assert.deepEqual(errors, []);
});

test('what the shop did not sign, or is damaged, or older, is not taken; a damaged delta is made good by the whole file', async () => {
  const flipped = (/** @type {Buffer} */ content, /** @type {number} */ place) => {
    const made = Buffer.from(content);
    made[place] ^= 1;
    return made;
  };
  host.change = (path, content) => path === 'shop.update' ? flipped(content, 200) : undefined;
  await opens();
  const { page, errors } = visitor;
  await refused(page, /signed by none/);
  host.change = (path, content) => path === 'shop.update' ? undefined : flipped(content, content.length >> 1);
  await page.reload();
  await refused(page, /SHA-256/);
  assert.ok(host.requests.includes('today.catalog'));
  assert.deepEqual(await kept(page), []);
  host.change = (path, content) => path === 'today.delta' ? flipped(content, content.length >> 1) : undefined;
  await page.reload();
  await finds(TODAY);

  await publish(7);
  await page.reload();
  await ask(page, TEXT);
  await until(page, () => caches.open('shop-updates').then((cache) => cache.keys()).then((keys) => Promise.all(keys.filter(({ url }) =>
    url.endsWith('highest')).map(async (key) => (await (await caches.match(key))?.text()) === '7'))).then((found) => found[0]), null);
  await publish(6);
  await page.reload();
  await refused(page, /older/, TODAY);
  assert.deepEqual(errors, []);
});

/**
 * Searches, and waits until the worker says why no update came.
 * @param {import('playwright-core').Page} page @param {RegExp} why @param {string} [best]
 */
async function refused(page, why, best = YESTERDAY) {
  const told = page.waitForEvent('console', { predicate: (message) => why.test(message.text()) && message.text().startsWith('UpdateError') });
  await ask(page, TEXT);
  await told;
  await ask(page, TEXT);
  assert.equal((await names(page))[0], best);
}

test('prices that are not to be trusted any more are said to be old, and are searched all the same', async () => {
  await publish(1, { not_after: '2026-01-01' });
  await comes();
  const { page } = visitor;
  await page.waitForSelector('#old:not([hidden])');
  assert.equal(await page.innerText('#old'), OLD);
  await finds(TODAY);
  host.close();
  await page.reload();
  await page.waitForSelector('#old:not([hidden])');
  host = await serve(env('UPDATES'), {}, Number(env('PORT')));
  await publish(2, { not_after: '2999-12-31' });
  await page.reload();
  await ask(page, TEXT);
  await page.waitForSelector('#old', { state: 'hidden' });
});

test('without a search an update is looked for when the page is idle; a cache that was thrown away is the site\'s own catalog again', async () => {
  await opens();
  const { page } = visitor;
  await until(page, () => caches.open('shop-updates').then((cache) => cache.keys()).then(({ length }) => length === 3), null);
  await finds(TODAY);
  await page.evaluate(() => caches.delete('shop-updates'));
  host.close();
  await page.reload();
  await finds(YESTERDAY);
});
