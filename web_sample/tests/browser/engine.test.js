// A site enters; whether another browser's engine gives the golden answers, and its page serves a shopper, leaves. ENGINE names
// the browser, SITE the site, TOKENIZER the demo model's tokenizer file, PICTURE a picture of a product, NAME that product's name,
// OWN a folder with own.html, an empty page, and own.js, the module that the README shows.

import assert from 'node:assert/strict';
import { dirname, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { tab, waited } from './engines.js';
import { env, serve } from './site.js';

const TESTS = fileURLToPath(new URL('..', import.meta.url));
const GOLDENS = process.env.GOLDENS ?? resolve(TESTS, '../../parity/goldens');
const [TEXT, BEST] = ['a red apple', 'Red apple, fresh'];
const CHECKS = [['tokens', 'tokens.json'], ['tokens', 'tokens-32.json'], ['squares', 'preprocess'], ['squares', 'squash'],
  ['searches', ''], ['damagedCatalogs', '']];

/** @type {Awaited<ReturnType<typeof serve>>} */
let site;
/** @type {import('./engines.js').Tab} */
let page;

before(async () => {
  site = await serve(env('SITE'), { tests: TESTS, goldens: GOLDENS, dist: dirname(env('TOKENIZER')),
    'own.js': `${env('OWN')}/own.js`, 'own.html': `${env('OWN')}/own.html` });
  page = await tab();
  await page.open(site.url);
});
after(async () => {
  await page.close();
  site.close();
});

for (const [check, name] of CHECKS) {
  test(`golden ${check} ${name}`, async (context) => {
    const { count, wrong } = await page.call(answered, { check, name });
    context.diagnostic(`${page.browser}: golden ${[check, name].join(' ').trim()}: ${count}, otherwise: ${wrong.length}`);
    assert.ok(count > 0);
    assert.deepEqual(wrong, []);
  });
}

test('the module of the README finds products in a page of one\'s own', async () => {
  await page.open(new URL('../own.html', site.url).href);
  const [[name, percent]] = await page.call(async () => {
    /** @type {[string, number][][]} */
    const said = [];
    console.log = (/** @type {[string, number][]} */ found) => said.push(found);
    await import(new URL('own.js', location.href).href);
    return said[0];
  }, null);
  assert.equal(name, BEST);
  assert.ok(percent > 90, `${percent}`);
  await page.open(site.url);
});

test('a shopper searches by words, filters, opens a product, and goes back', async () => {
  await page.type('#text', TEXT);
  await finds(BEST);
  await page.call(() => {
    const highest = /** @type {HTMLInputElement} */ (document.querySelector('#highest'));
    highest.value = '2.5';
    highest.dispatchEvent(new Event('change'));
  }, null);
  await waited(page, () => {
    const prices = [...document.querySelectorAll('.price')].map(({ textContent }) => Number(textContent?.replace(/[^\d.]/g, '')));
    return prices.length > 0 && prices.every((price) => price <= 2.5);
  }, null);
  await page.click('.card .name');
  await waited(page, (best) => document.querySelector('#details h2')?.textContent === best, BEST);
  await page.call(() => history.back(), null);
  await waited(page, () => !document.querySelector('dialog')?.open, null);
  await page.click('#clear');
  await waited(page, () => document.querySelectorAll('.card').length === 0, null);
});

test('a picture finds its product', async () => {
  await page.give('#gallery-file', env('PICTURE'));
  await finds(env('NAME'));
  await page.click('#clear');
});

test('a page that was used needs no server: words, a picture, a product', async () => {
  await waited(page, () => navigator.serviceWorker.controller !== null, null);
  await waited(page, async () => (await (await caches.open('shop-files')).keys()).length >= 5, null); // manifest, catalog, encoders …
  site.close();
  await page.open(site.url);
  await page.type('#text', TEXT);
  await finds(BEST);
  await page.click('.card .name');
  await waited(page, (best) => document.querySelector('#details h2')?.textContent === best, BEST);
  await page.click('#close');
  await page.type('#text', ' ');
  await page.give('#gallery-file', env('PICTURE'));
  await finds(env('NAME'));
});

/** Waits until that product is the first. @param {string} name */
function finds(name) {
  return waited(page, (best) => document.querySelector('#answer')?.ariaBusy === 'false'
    && document.querySelector('.card .name')?.textContent === best, name);
}

/**
 * Runs in the page: one of golden-answers.js' checks.
 *
 * @param {{check: string, name: string}} given
 * @returns {Promise<import('../golden-answers.js').Tally>}
 */
async function answered({ check, name }) {
  const address = (/** @type {string} */ path) => new URL(`../${path}`, location.href).href;
  const bytes = async (/** @type {string} */ path) => {
    const answer = await fetch(address(path));
    if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
    return new Uint8Array(await answer.arrayBuffer());
  };
  /** @type {any} */
  const checks = await import(address('tests/golden-answers.js'));
  const source = {
    bytes: (/** @type {string} */ path) => bytes(`goldens/${path}`),
    json: async (/** @type {string} */ path) => JSON.parse(new TextDecoder().decode(await bytes(`goldens/${path}`))),
  };
  return checks[check](source, name, await bytes('dist/tokenizer.safetensors'));
}
