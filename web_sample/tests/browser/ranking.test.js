// The sample shop's queries and the ten products that float32 PyTorch finds for each enter; whether the page finds the same in
// the same order, from the text or the picture file on, leaves. QUERIES names a JSON list: `text` or `picture`, and `ids`;
// ENGINE the browser, SITE the site.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { tab } from './engines.js';
import { env, serve } from './site.js';

const AT_ONCE = 50; // queries that are sent into the page together

test('every query finds the ten products of float32 PyTorch in their order', async (context) => {
  /** @type {{text?: string, picture?: string, ids: string[]}[]} */
  const queries = JSON.parse(await readFile(env('QUERIES'), 'utf8'));
  const site = await serve(env('SITE'));
  const page = await tab();
  await page.open(site.url);
  /** @type {string[]} */
  const different = [];
  for (let from = 0; from < queries.length; from += AT_ONCE) {
    const some = queries.slice(from, from + AT_ONCE);
    const found = await page.call(answered, await Promise.all(some.map(async ({ text, picture }) =>
      ({ text, picture: picture && (await readFile(picture)).toString('base64') }))));
    some.forEach(({ text, picture, ids }, at) => {
      if (ids.join() !== found[at].join()) different.push(`${text ?? picture}: ${found[at]}, expected ${ids}`);
    });
  }
  await page.close();
  site.close();
  context.diagnostic(`${page.browser}: ${queries.length} queries, ${different.length} with other products`);
  assert.ok(queries.length > 0);
  assert.deepEqual(different.slice(0, 5), []);
});

/** Runs in the page, with a worker as the page's own. @param {{text?: string, picture?: string}[]} queries */
async function answered(queries) {
  const own = /** @type {{shop?: import('../../shop/shop.js').Shop, serial?: number}} */ (window);
  /** @type {typeof import('../../shop/shop.js')} */
  const { Shop } = await import(new URL('../shop/shop.js', location.href).href);
  own.shop ??= new Shop(new URL('worker.js', location.href));
  const found = [];
  for (const { text, picture } of queries) {
    own.serial = (own.serial ?? 0) + 1;
    const blob = picture ? new Blob([Uint8Array.from(atob(picture), (letter) => letter.charCodeAt(0))]) : null;
    const { cards, doubtful } = await own.shop.search({ text: text ?? '', picture: blob && { serial: own.serial, blob }, slider: 0.5,
      category: null, lowest: null, highest: null, like: null }, new AbortController().signal);
    found.push([...cards, ...doubtful].slice(0, 10).map(({ id }) => id));
  }
  return found;
}
