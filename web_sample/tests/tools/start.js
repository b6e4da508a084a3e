/**
 * Pages' addresses enter; milliseconds of a first search after a warm start leave, for benchmarks/web_start.py.
 * `node start.js chromium text address…`. Each line of the input is a number of an address, and the milliseconds that the
 * shopper takes to type; the answer is a line of JSON: of a new page in a browser that was there before, the milliseconds
 * since the navigation began at which the page was first painted, its own code ran, the text was sent, and its products were
 * drawn; those of another search after it; of the least that any page would do, reading the same files from the cache and
 * compiling LiteRT.js; the names of the products. The first line of the output is the browser's version.
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { chromium } from 'playwright-core';

const FLAGS = ['--no-sandbox', '--no-first-run', '--disable-background-networking', '--disable-component-update',
  '--disable-sync'];
const OTHER = 'a bicycle';
const [, , executablePath, text, ...addresses] = process.argv;

/**
 * Runs in the page before its own code: types as soon as that runs, sends, and notes when what happened. How long it types,
 * the address' fragment says.
 *
 * @param {string[]} texts
 */
function shopper(texts) {
  const noted = /** @type {Record<string, number>} */ ({});
  const found = /** @type {string[][]} */ ([]);
  const drawn = () => new Promise((ready) => {
    const cards = /** @type {HTMLElement} */ (document.getElementById('certain'));
    const observer = new MutationObserver(() => {
      if (cards.childElementCount === 0) return;
      observer.disconnect();
      found.push([...document.querySelectorAll('.card .name')].map(({ textContent }) => String(textContent)));
      requestAnimationFrame(() => setTimeout(() => ready(performance.now()))); // after the frame that has them
    });
    observer.observe(cards, { childList: true });
  });
  const send = async (/** @type {string} */ words, /** @type {number} */ typing) => {
    const field = /** @type {HTMLInputElement} */ (document.getElementById('text'));
    field.focus(); // as whoever types does first
    await new Promise((typed) => setTimeout(typed, typing));
    field.value = words;
    const end = drawn();
    const start = performance.now();
    field.form?.requestSubmit();
    return [start, await end];
  };
  const limit = async () => {
    const [shop, name] = [await caches.open('shop-files'), (await caches.keys()).find((one) => one.startsWith('page '))];
    const page = await caches.open(String(name));
    const files = (await shop.keys()).filter(({ url }) => /text\.|tokenizer|catalog/.test(url));
    const programs = (await page.keys()).filter(({ url }) => /runtime\/litert\/.*\.wasm$/.test(url));
    const read = async (/** @type {Cache} */ cache, /** @type {Request} */ key) => (await cache.match(key))?.arrayBuffer();
    const start = performance.now();
    await Promise.all([...files.map((key) => read(shop, key)),
      ...programs.map(async (key) => WebAssembly.compile(/** @type {ArrayBuffer} */ (await read(page, key))))]);
    return performance.now() - start;
  };
  const listens = () => new Promise((ready) => { // once the page has its texts
    const observer = new MutationObserver(() => document.documentElement.dir && ready(observer.disconnect()));
    observer.observe(document, { attributes: true, attributeFilter: ['dir'], subtree: true });
  });
  const typing = Number(location.hash.slice(1).split('=')[1]);
  const answer = new Promise((ready) => addEventListener('load', async () => {
    if (!document.documentElement.dir) await listens();
    noted.code = performance.now();
    [noted.sent, noted.drawn] = await send(texts[0], typing);
    const [start, end] = await send(texts[1], 0);
    noted.again = end - start;
    noted.painted = performance.getEntriesByName('first-paint')[0]?.startTime ?? NaN;
    noted.limit = await limit();
    ready({ ...noted, found });
  }));
  Object.assign(globalThis, { answer });
}

/** Waits until the page and the model's files are kept. @param {import('playwright-core').Page} page */
async function warm(page) {
  await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
  await page.evaluate(() => /** @type {any} */ (globalThis).answer);
}

const profile = await mkdtemp(join(tmpdir(), 'web-start-'));
const browser = await chromium.launchPersistentContext(profile, { executablePath, args: FLAGS, locale: 'en-US' });
try {
  await browser.addInitScript(shopper, [text, OTHER]);
  console.log(browser.browser()?.version());
  for (const address of addresses) {
    const page = await browser.newPage();
    await page.goto(`${address}#typing=0`);
    await warm(page);
    await page.close();
  }
  for await (const line of createInterface(process.stdin)) {
    const page = await browser.newPage();
    const [place, typing] = line.split(' ');
    await page.goto(`${addresses[Number(place)]}#typing=${typing}`);
    console.log(JSON.stringify(await page.evaluate(() => /** @type {any} */ (globalThis).answer)));
    await page.close();
  }
} finally {
  await browser.close();
  await rm(profile, { recursive: true });
}
