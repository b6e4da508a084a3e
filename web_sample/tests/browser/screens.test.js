// A site enters; every state of the page is drawn, in light and dark, four languages, right to left, narrow and wide, and held
// to axe-core's rules. SCREENS=folder keeps the pictures; VARIANTS=light,phone draws those alone; SITE names the site.

import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { ask, broken, env, gate, launch, picture, ready, serve, settled, show, until, visit } from './site.js';

const SMALLEST = 47.5; // CSS pixels of what is touched, as on Android
const TEXT = 'a red apple';
const [MANIFEST, CATALOG, ENCODER] = ['model/manifest.json', 'model/shop.catalog', 'model/text.tflite'];
const TOO_LARGE = 5e9; // bytes: no page has so much memory
const PHONE = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 };

/** @type {Record<string, import('playwright-core').BrowserContextOptions>} */
const VARIANTS = {
  light: {},
  dark: { colorScheme: 'dark' },
  phone: PHONE,
  'phone-dark': { ...PHONE, colorScheme: 'dark' },
  'zh-Hant': { ...PHONE, locale: 'zh-TW' },
  german: { ...PHONE, locale: 'de-DE' },
  arabic: { locale: 'ar-EG' },
  'arabic-phone': { ...PHONE, locale: 'ar-EG' },
};

const chosen = process.env.VARIANTS?.split(',') ?? Object.keys(VARIANTS);

/** @typedef {import('playwright-core').Page} Page */
/** @typedef {Awaited<ReturnType<typeof serve>>} Site */

/**
 * How each state is reached from the one above it, and what the server does meanwhile: one visit draws them all.
 *
 * @type {Record<string, (page: Page, site: Site) => Promise<unknown>>}
 */
const STATES = {
  'error-network': async (page, site) => {
    site.change = (path) => path === CATALOG || path === ENCODER ? 503 : undefined; // which is to come later
    await page.reload();
    await ask(page, TEXT);
    await says(page, 'error_network');
  },
  'error-memory': async (page, site) => {
    site.change = (path, content) => path === MANIFEST ? ofCatalog(content, TOO_LARGE) : path === ENCODER ? 503 : undefined;
    await again(page);
    await says(page, 'error_memory');
  },
  'error-files': async (page, site) => {
    site.change = (path, content) => path === CATALOG ? content.fill(7, 600_000, 600_001) : path === ENCODER ? 503 : undefined;
    await again(page);
    await says(page, 'error_files');
  },
  idle: async (page, site) => {
    site.change = () => undefined;
    await page.reload();
    await page.waitForSelector('#category:not([hidden])');
  },
  searching: async (page, site) => {
    [opening, loading] = [gate(), gate()];
    site.held = { [MANIFEST]: opening.until, [ENCODER]: loading.until };
    await page.reload();
    await ready(page);
    await page.fill('#text', TEXT);
    await page.press('#text', 'Enter');
    await page.waitForSelector('[data-state=searching]');
  },
  preparing: async (page) => {
    opening.free();
    await page.waitForFunction(() => /[1-9\u0661-\u0669]/.test(document.querySelector('#amount')?.textContent ?? ''));
  },
  'less-certain': async (page) => {
    loading.free();
    await settled(page);
    await page.locator('#doubtful-title').scrollIntoViewIfNeeded();
  },
  results: (page) => ask(page, 'a bicycle'),
  'unknown-script': (page) => ask(page, '紅蘋果'),
  'no-match': async (page) => {
    await page.fill('#lowest', '99999');
    await ask(page, TEXT);
    await page.waitForSelector('[data-state=nothing]');
  },
  details: async (page) => {
    await again(page);
    await ask(page, 'a bicycle');
    await page.click('.card .name');
    await page.waitForSelector('#details h2');
  },
  'more-like-this': async (page) => {
    await page.goto(`${page.url().split('#')[0]}#like=D0007`);
    await page.waitForSelector('#title:not([hidden])');
  },
  'picture-and-words': async (page) => {
    await page.fill('#text', 'something sweet');
    await show(page, await picture());
    await page.waitForSelector('#slider-row:not([hidden])');
  },
  'error-picture': async (page) => {
    await page.fill('#text', '');
    await show(page, { name: 'no.jpg', mimeType: 'image/jpeg', buffer: Buffer.from('no picture') });
    await page.waitForSelector('[data-state=failed]');
  },
};

/** @type {import('playwright-core').Browser} */
let browser;
let [opening, loading] = [gate(), gate()]; // of the files that are held back
before(async () => {
  browser = await launch();
  if (process.env.SCREENS) await mkdir(process.env.SCREENS, { recursive: true });
});
after(() => browser.close());

for (const variant of chosen) {
  const options = VARIANTS[variant];
  assert.ok(options, `VARIANTS names '${variant}'; there are ${Object.keys(VARIANTS)}`);
  test(variant, async (context) => {
    const site = await serve(env('SITE'));
    const visitor = await visit(browser, site.url, { serviceWorkers: 'block', ...options });
    const { page } = visitor;
    for (const [state, reach] of Object.entries(STATES)) {
      await context.test(`${state} breaks no rule of axe-core, and all of it can be touched`, async () => {
        await reach(page, site);
        await page.evaluate(() => Promise.all([...document.images].map((image) => image.decode().catch(() => {}))));
        await page.waitForTimeout(300); // what fades in
        if (process.env.SCREENS) await page.screenshot({ path: `${process.env.SCREENS}/${variant}-${state}.png` });
        assert.deepEqual(await broken(page), []);
        assert.deepEqual(await small(page), []);
        assert.equal(await overflow(page), 0, 'the page is wider than the screen');
        assert.deepEqual(visitor.foreign, []);
      });
    }
    for (const { free } of [opening, loading]) free();
    await visitor.context.close();
    site.close();
  });
}

/** Presses the button below the message: "Try again", "Clear the filters". @param {Page} page */
async function again(page) {
  await page.click('#act');
  await page.waitForSelector('#answer[aria-busy=false]');
}

/** Waits for the message, in the page's language. @param {Page} page @param {import('../../app/strings.js').Words} name */
function says(page, name) {
  return until(page, async (wanted) => {
    /** @type {typeof import('../../app/strings.js')} */
    const { words } = await import(new URL('strings.js', location.href).href);
    return document.querySelector('#detail')?.textContent === words(wanted);
  }, name);
}

/** The manifest, of a catalog of so many bytes. @param {Buffer} manifest @param {number} bytes */
function ofCatalog(manifest, bytes) {
  const parsed = JSON.parse(manifest.toString());
  parsed.catalog.bytes = bytes;
  return Buffer.from(JSON.stringify(parsed));
}

/** What is seen and can be touched, but is too small for a finger. @param {Page} page @returns {Promise<string[]>} */
function small(page) {
  return page.evaluate((smallest) => {
    const all = /** @type {HTMLElement[]} */ ([...document.querySelectorAll('button, a:not(.name), select, input:not([type=file]), .card')]);
    return all.filter((element) => element.checkVisibility()).map((element) => ({ element, box: element.getBoundingClientRect() }))
      .filter(({ box }) => box.width < smallest || box.height < smallest)
      .map(({ element, box }) => `${element.id || element.className}: ${box.width} x ${box.height}`);
  }, SMALLEST);
}

/** By how many pixels the page is wider than the window. @param {Page} page */
function overflow(page) {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}
