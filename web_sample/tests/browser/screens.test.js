// A site enters; every state of the page is drawn, in light and dark, two languages, right to left, narrow and wide, and held
// to axe-core's rules. SCREENS=folder keeps the pictures; SITE names the site.

import assert from 'node:assert/strict';
import { mkdir, readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { ask, env, gate, launch, picture, serve, settled, show, visit } from './site.js';

const AXE = await readFile(new URL('../../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');
const SMALLEST = 47.5; // CSS pixels of what is touched, as on Android
const PHONE = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 };

/** @type {Record<string, import('playwright-core').BrowserContextOptions>} */
const VARIANTS = {
  light: {},
  dark: { colorScheme: 'dark' },
  phone: PHONE,
  'phone-dark': { ...PHONE, colorScheme: 'dark' },
  'zh-Hant': { ...PHONE, locale: 'zh-TW' },
  'right-to-left': { locale: 'ar-EG' },
  'right-to-left-phone': { ...PHONE, locale: 'ar-EG' },
};

/** @typedef {import('playwright-core').Page} Page */
/** @typedef {Awaited<ReturnType<typeof serve>>} Site */

/** How each state is reached, from a page that was just opened. @type {Record<string, (page: Page, site: Site) => Promise<unknown>>} */
const STATES = {
  idle: (page) => page.waitForSelector('#category:not([hidden])'),
  searching: async (page) => {
    await page.fill('#text', 'a red apple');
    await page.press('#text', 'Enter');
    await page.waitForSelector('[data-state=searching]');
  },
  preparing: async (page) => {
    await page.fill('#text', 'a red apple');
    await page.press('#text', 'Enter');
    await page.waitForFunction(() => /[1-9]/.test(document.querySelector('#amount')?.textContent ?? ''));
  },
  results: (page) => ask(page, 'a bicycle'),
  'less-certain': async (page) => {
    await ask(page, 'a red apple');
    await page.locator('#doubtful-title').scrollIntoViewIfNeeded();
  },
  'unknown-script': (page) => ask(page, '紅蘋果'),
  'no-match': async (page) => {
    await page.fill('#lowest', '99999');
    await ask(page, 'a red apple');
  },
  'error-files': (page) => ask(page, 'a red apple'),
  'error-network': (page) => ask(page, 'a red apple'),
  'error-picture': async (page) => {
    await show(page, { name: 'no.jpg', mimeType: 'image/jpeg', buffer: Buffer.from('no picture') });
  },
  'picture-and-words': async (page) => {
    await page.fill('#text', 'something sweet');
    await show(page, await picture());
  },
  details: async (page) => {
    await ask(page, 'a bicycle');
    await page.click('.card .name');
    await page.waitForSelector('#details h2');
  },
  'more-like-this': async (page) => {
    await page.goto(`${page.url().split('#')[0]}#like=D0007`);
    await page.waitForSelector('#title:not([hidden])');
  },
};

/** What the server does meanwhile. @type {Record<string, (site: Site) => void>} */
const SERVER = {
  searching: (site) => site.held['model/manifest.json'] = hold.until,
  preparing: (site) => site.held['model/text.tflite'] = hold.until,
  'error-files': (site) => site.change = (path, content) => path === 'model/shop.catalog' ? content.fill(7, 600_000, 600_001) : undefined,
  'error-network': (site) => site.change = (path) => path === 'model/shop.catalog' ? 503 : undefined,
};

/** @type {import('playwright-core').Browser} */
let browser;
let hold = gate();
before(async () => {
  browser = await launch();
  if (process.env.SCREENS) await mkdir(process.env.SCREENS, { recursive: true });
});
after(() => browser.close());

for (const [variant, options] of Object.entries(VARIANTS)) {
  for (const [state, reach] of Object.entries(STATES)) {
    test(`${variant}: ${state} breaks no rule of axe-core, and all of it can be touched`, async () => {
      const site = await serve(env('SITE'));
      hold = gate();
      SERVER[state]?.(site);
      const { page, context, foreign } = await visit(browser, site.url, { serviceWorkers: 'block', ...options });
      try {
        await reach(page, site);
        await page.evaluate(() => Promise.all([...document.images].map((image) => image.decode().catch(() => {}))));
        await page.waitForTimeout(300); // what fades in
        if (process.env.SCREENS) await page.screenshot({ path: `${process.env.SCREENS}/${variant}-${state}.png` });
        assert.deepEqual(await broken(page), []);
        assert.deepEqual(await small(page), []);
        assert.equal(await overflow(page), 0, 'the page is wider than the screen');
        assert.deepEqual(foreign, []);
      } finally {
        hold.free();
        await context.close();
        site.close();
      }
    });
  }
}

/** The rules of axe-core that the page breaks, and where. @param {Page} page @returns {Promise<string[]>} */
async function broken(page) {
  await page.evaluate(AXE);
  return page.evaluate(async () => {
    const { axe } = /** @type {any} */ (window);
    const { violations } = await axe.run(document);
    return violations.flatMap((/** @type {any} */ { id, nodes }) => nodes.map((/** @type {any} */ { html }) => `${id}: ${html.slice(0, 200)}`));
  });
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
