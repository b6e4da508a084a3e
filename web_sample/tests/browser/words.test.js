// A site whose catalog has words and keys enters; the group above the results is looked at as a shopper sees it. SITE names
// the site, PICTURE a picture of a product of the sample shop.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ask, broken, env, gate, launch, names, picture, ready, serve, settled, show, visit } from './site.js';

/** @type {import('playwright-core').Browser} */
let browser;
/** @type {Awaited<ReturnType<typeof serve>>} */
let site;
/** @type {Awaited<ReturnType<typeof visit>>} */
let visitor;

before(async () => {
  browser = await launch();
  site = await serve(env('SITE'));
  visitor = await visit(browser, site.url, { serviceWorkers: 'block' });
});

after(async () => {
  await browser.close();
  site.close();
});

/** @param {string} list the id of a list of cards */
function namesIn(list) {
  return visitor.page.locator(`#${list} .name`).allTextContents();
}

test('what holds all words stands above, under a heading, and what is below stays', async () => {
  const { page, errors } = visitor;
  await ask(page, 'APPLE, red');
  const named = await namesIn('named');
  assert.ok(named.length > 0 && named.length <= 10 && named.every((name) => /red/i.test(name) && /apple/i.test(name)), `${named}`);
  assert.equal(await page.textContent('#named-title'), 'Exact matches');
  assert.ok(await page.isVisible('#named-title'));
  assert.equal(await page.locator('#named .match').count(), 0);
  assert.equal(await page.textContent('#count'), '20 products');
  assert.equal((await namesIn('certain')).length + (await namesIn('doubtful')).length, 20);
  await page.waitForTimeout(300); // what fades in
  if (process.env.SCREENS) await page.screenshot({ path: `${process.env.SCREENS}/light-named.png` });
  assert.deepEqual(await broken(page), []);
  assert.deepEqual(errors, []);
});

test('what the words name stands there while the encoder is on its way, and the answer leaves it where it is', async () => {
  const visitor = await visit(browser, site.url, { serviceWorkers: 'block' });
  const { page, errors } = visitor;
  const hold = gate();
  site.held['model/text.tflite'] = hold.until;
  await ready(page);
  await page.fill('#text', 'red apple');
  await page.press('#text', 'Enter');
  await page.waitForSelector('#named .name');
  assert.equal(await page.getAttribute('#answer', 'aria-busy'), 'true');
  assert.ok(await page.isVisible('#named-title'));
  const named = await names(page);
  const first = await page.locator('#named .card').first().elementHandle();
  await page.waitForSelector('[data-state=preparing]');
  assert.deepEqual(await names(page), named, 'nothing else');
  await page.waitForTimeout(300); // what fades in
  if (process.env.SCREENS) await page.screenshot({ path: `${process.env.SCREENS}/light-named-early.png` });
  assert.deepEqual(await broken(page), []);
  await page.fill('#text', 'zzzzzz');
  await page.press('#text', 'Enter');
  await page.waitForFunction(() => document.querySelector('#named-title:not([hidden])') === null);
  assert.deepEqual(await names(page), [], 'of another question');
  await page.fill('#text', 'red apple');
  await page.press('#text', 'Enter');
  await page.waitForSelector('#named .name');
  const again = await page.locator('#named .card').first().elementHandle();
  assert.equal(await first?.evaluate((card) => card.isConnected), false);
  hold.free();
  await settled(page);
  assert.equal(await again?.evaluate((card) => card.isConnected), true, 'the same element');
  assert.deepEqual((await names(page)).slice(0, named.length), named);
  assert.equal(await page.textContent('#count'), '20 products');
  assert.deepEqual(errors, []);
  site.held = {};
  await page.context().close();
});

test('an encoder that does not come leaves no group above what went wrong', async () => {
  const visitor = await visit(browser, site.url, { serviceWorkers: 'block' });
  const { page } = visitor;
  site.change = (path) => path === 'model/text.tflite' ? 503 : undefined;
  await ask(page, 'red apple');
  assert.equal(await page.getAttribute('#answer', 'data-state'), 'failed');
  assert.equal(await page.isVisible('#named-title'), false);
  assert.deepEqual(await names(page), []);
  site.change = () => undefined;
  await page.click('#act');
  await page.waitForSelector('[data-state=found]');
  assert.ok((await names(page)).length > 20);
  await page.context().close();
});

test('an id names its product alone, and a category leaves it out', async () => {
  const { page } = visitor;
  await page.locator('#certain .name').first().click();
  const id = new URLSearchParams(new URL(page.url()).hash.slice(1)).get('product') ?? '';
  const name = await page.locator('#details-name').textContent();
  await page.goBack();
  await ask(page, ` ${id} `);
  assert.deepEqual(await namesIn('named'), [name]);
  const options = await page.locator('#category option').count();
  const shown = [];
  for (let index = 1; index < options; index++) {
    await page.selectOption('#category', { index });
    await settled(page);
    shown.push((await namesIn('named')).length);
  }
  assert.equal(shown.reduce((sum, count) => sum + count, 0), 1, 'in its own category alone');
  await page.selectOption('#category', { index: 0 });
  await settled(page);
});

test('what no product holds, a picture, and more like a product have no such group', async () => {
  const { page } = visitor;
  const isEmpty = async () => !await page.isVisible('#named-title') && (await namesIn('named')).length === 0;
  await ask(page, 'zzzzzz');
  assert.ok(await isEmpty());
  await ask(page, 'red apple');
  assert.equal(await isEmpty(), false);
  await show(page, await picture());
  assert.equal(await isEmpty(), false, 'the words with a picture');
  await ask(page, '');
  assert.ok(await isEmpty(), 'the picture alone');
  await ask(page, 'red apple');
  await page.goto(`${site.url}#like=${encodeURIComponent(await firstId())}`);
  await settled(page);
  await page.waitForSelector('#title:not([hidden])');
  assert.ok(await isEmpty(), 'more like a product');
});

/** The id of the first product that the text names. */
async function firstId() {
  const address = await visitor.page.locator('#named .name').first().getAttribute('href') ?? '';
  return new URLSearchParams(address.slice(1)).get('product') ?? '';
}
