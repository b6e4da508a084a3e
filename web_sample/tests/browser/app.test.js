// A site enters; the page is used as a shopper uses it: words, pictures, filters, details, what goes wrong. SITE names the
// site, PICTURE a picture of a product of the sample shop, NAME that product's name.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { ask, env, gate, launch, names, picture, ready, serve, settled, show, until, visit } from './site.js';

const TEXT = 'a red apple';
const BEST = 'Red apple, fresh';
const EVERY_SCRIPT = ['Latin', 'Han', 'Hiragana', 'Katakana', 'Hangul', 'Bopomofo', 'Cyrillic', 'Greek', 'Arabic', 'Hebrew',
  'Devanagari', 'Bengali', 'Tamil', 'Telugu', 'Thai', 'Lao', 'Khmer', 'Myanmar', 'Georgian', 'Armenian', 'Ethiopic', 'Gujarati',
  'Gurmukhi', 'Kannada', 'Malayalam', 'Sinhala', 'Tibetan', 'Mongolian']; // that FORMATS.md names
const DAMAGE = 0; // instead of a status

/** @type {import('playwright-core').Browser} */
let browser;
/** @type {Awaited<ReturnType<typeof serve>>} */
let site;
/** @type {Awaited<ReturnType<typeof visit>>} */
let visitor;

before(async () => browser = await launch());
after(() => browser.close());

/**
 * A visitor who was never here.
 *
 * @param {import('playwright-core').BrowserContextOptions} [options]
 * @param {typeof site.change} [change] of what the server answers
 */
async function comes(options = {}, change = () => undefined) {
  site = await serve(env('SITE'));
  site.change = change;
  visitor = await visit(browser, site.url, { serviceWorkers: 'block', ...options });
}

async function leaves() {
  await visitor.context.close();
  site.close();
  assert.deepEqual(visitor.foreign, [], 'asked of other hosts');
}

describe('in one visit, which each test leaves with any question', () => {
  before(() => comes());
  after(leaves);
  beforeEach(() => empty(visitor.page));

  test('words find products, best first, with price, stars and per cent, and nothing goes wrong', async () => {
    const { page, errors } = visitor;
    await ask(page, TEXT);
    const found = await names(page);
    assert.equal(found.length, 20);
    assert.equal(found[0], BEST);
    assert.equal(await page.textContent('#count'), '20 products');
    const card = page.locator('.card').first();
    assert.match(await card.locator('.price').innerText(), /^€\d+\.\d\d$/);
    assert.equal(await card.locator('.stars').getAttribute('aria-label'), '5 of 5 stars');
    assert.match(await card.locator('.match').innerText(), /^\d+% match$/);
    assert.ok(await card.locator('img').evaluate((/** @type {HTMLImageElement} */ image) => image.decode().then(() => image.naturalWidth > 0)));
    const [certain, doubtful] = [await percents(page, '#certain'), await percents(page, '#doubtful')];
    assert.ok(certain.length > 0 && certain.every((percent) => percent >= 10), `${certain}`);
    assert.ok(doubtful.length > 0 && doubtful.every((percent) => percent <= 10), `${doubtful}`);
    assert.ok(await page.isVisible('#doubtful-title'));
    assert.deepEqual(errors, []);
  });

  test('a picture finds its product, and the slider takes it to the words', async () => {
    const { page } = visitor;
    await show(page, await picture());
    assert.equal((await names(page))[0], env('NAME'));
    assert.equal(await page.isVisible('#slider-row'), false);
    await ask(page, TEXT);
    assert.ok(await page.isVisible('#slider-row'));
    assert.equal(await page.getAttribute('#slider', 'aria-valuetext'), '50% picture');
    await slide(page, 0);
    assert.equal((await names(page))[0], BEST);
    await slide(page, 1);
    assert.equal((await names(page))[0], env('NAME'));
    assert.equal(await page.getAttribute('#slider', 'aria-valuetext'), '100% picture');
    await page.click('#remove');
    await settled(page);
    assert.equal((await names(page))[0], BEST);
    assert.equal(await page.isVisible('#picture-row'), false);
  });

  test('a picture is read once, whatever else is asked with it', async () => {
    const { page } = visitor;
    const [worker] = page.workers();
    await worker.evaluate(() => {
      const [all, own] = [/** @type {any} */ (self), createImageBitmap];
      Object.assign(all, { read: 0, createImageBitmap: (/** @type {any[]} */ ...given) => (all.read += 1, Reflect.apply(own, self, given)) });
    });
    await show(page, await picture());
    await ask(page, TEXT);
    await slide(page, 0.25);
    await page.selectOption('#category', { index: 2 });
    await settled(page);
    assert.equal(await worker.evaluate(() => /** @type {any} */ (self).read), 1);
  });

  for (const way of ['paste', 'drop']) {
    test(`a picture is searched with after a ${way}`, async () => {
      const { page } = visitor;
      const bytes = [...(await picture()).buffer];
      await page.evaluate(({ way, bytes }) => {
        const data = new DataTransfer();
        data.items.add(new File([new Uint8Array(bytes)], 'picture.jpg', { type: 'image/jpeg' }));
        const event = way === 'paste' ? new ClipboardEvent('paste', { clipboardData: data, bubbles: true })
          : new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true });
        document.body.dispatchEvent(event);
      }, { way, bytes });
      await page.waitForSelector('.card');
      assert.equal((await names(page))[0], env('NAME'));
    });
  }

  test('the camera and the gallery give pictures', async () => {
    const { page } = visitor;
    assert.equal(await page.getAttribute('#camera-file', 'capture'), 'environment');
    const [chooser] = await Promise.all([page.waitForEvent('filechooser'), page.click('#gallery')]);
    await chooser.setFiles(await picture());
    await page.waitForSelector('.card');
    assert.equal((await names(page))[0], env('NAME'));
  });

  test('a category and prices filter what is found, and what they leave nothing of says so', async () => {
    const { page } = visitor;
    await ask(page, TEXT);
    await page.selectOption('#category', { label: 'Clothing' });
    await settled(page);
    assert.ok(!(await names(page)).includes(BEST));
    await page.selectOption('#category', '');
    await settled(page);
    await fill(page, '#highest', '2.5');
    const cheap = await prices(page);
    assert.ok(cheap.length > 0 && cheap.every((price) => price <= 2.5), `${cheap}`);
    await fill(page, '#highest', '');
    await fill(page, '#lowest', '1.19');
    assert.ok((await prices(page)).every((price) => price >= 1.19));
    assert.equal((await names(page))[0], BEST, 'the limit itself is in the range');
    await fill(page, '#lowest', '99999');
    assert.equal(await page.textContent('#headline'), 'No match');
    await page.click('#act');
    await settled(page);
    assert.equal((await names(page))[0], BEST);
    assert.equal(await page.inputValue('#lowest'), '');
  });

  test('a product opens in a dialog that keeps the focus, and gives it back', async () => {
    const { page } = visitor;
    await ask(page, TEXT);
    const link = page.locator('.card .name').first();
    await link.focus();
    await page.keyboard.press('Enter');
    await page.waitForSelector('#details h2');
    assert.equal(await page.textContent('#details h2'), BEST);
    for (let step = 0; step < 5; step++) {
      await page.keyboard.press('Tab');
      assert.ok(await page.evaluate(() => document.activeElement === document.body || !!document.activeElement?.closest('dialog')));
    }
    await page.keyboard.press('Escape');
    await page.waitForFunction(() => !(/** @type {HTMLDialogElement} */ (document.querySelector('dialog')).open));
    assert.ok(await link.evaluate((element) => element === document.activeElement));
    await page.waitForFunction(() => location.hash === '');
  });

  test('Back closes a product, and an address opens one', async () => {
    const { page } = visitor;
    await ask(page, TEXT);
    await page.click('.card .name >> nth=0');
    await page.waitForSelector('#details h2');
    await page.goBack();
    await page.waitForSelector('#details', { state: 'hidden' });
    assert.equal((await names(page))[0], BEST, 'what was found is still there');
    const other = await visitor.context.newPage();
    await other.goto(`${site.url}#product=D0007`);
    await other.waitForSelector('#details h2');
    await other.click('#close');
    await other.waitForSelector('#details', { state: 'hidden' });
    assert.ok(other.url().startsWith(site.url), 'closing it stays in the page');
    await other.goto(`${site.url}#product=none`);
    await other.waitForFunction(() => /no longer/.test(document.querySelector('#details')?.textContent ?? ''));
  });

  test('more like this finds neighbours without a match, and Back goes to what was asked before', async () => {
    const { page } = visitor;
    await ask(page, TEXT);
    await page.click('.card .name >> nth=0');
    await page.click('#details .button');
    await page.waitForSelector('#title:not([hidden])');
    assert.equal(await page.textContent('#title'), `Like ${BEST}`);
    assert.ok(!(await names(page)).includes(BEST));
    assert.equal(await page.locator('.match').count(), 0);
    assert.equal(await page.inputValue('#text'), '');
    await page.goBack();
    await page.goBack();
    await page.waitForFunction((best) => document.querySelector('.card .name')?.textContent === best, BEST);
    assert.equal(await page.inputValue('#text'), TEXT);
    await page.goto(`${site.url}#like=none`);
    await page.waitForSelector('[data-state=failed]');
    assert.equal(await page.textContent('#detail'), 'The shop no longer has this product.');
    await ask(page, TEXT);
    assert.equal((await names(page))[0], BEST, 'a new question leaves it');
  });

  test('clearing the question leaves an empty page with the field ready', async () => {
    const { page } = visitor;
    await show(page, await picture());
    await fill(page, '#highest', '30');
    await ask(page, TEXT);
    await page.click('#clear');
    await settled(page);
    assert.equal(await page.textContent('#headline'), 'Search by words or by picture');
    assert.deepEqual([await page.inputValue('#text'), await page.inputValue('#highest'), await page.isVisible('#picture-row'),
      await page.isVisible('#clear'), await page.locator('.card').count()], ['', '', false, false, 0]);
    assert.ok(await page.evaluate(() => document.activeElement?.id === 'text'));
  });

  test('words in a writing that the model does not know are searched for, and a note says so', async () => {
    const { page } = visitor;
    await ask(page, '紅蘋果 яблоко');
    assert.match(await page.innerText('#note'), /this writing: Han and Cyrillic\./);
    assert.equal((await names(page)).length, 20);
    await ask(page, TEXT);
    assert.equal(await page.isVisible('#note'), false);
  });

  test('what is no picture is told, and the words still work', async () => {
    const { page } = visitor;
    await show(page, { name: 'no.jpg', mimeType: 'image/jpeg', buffer: Buffer.from('no picture') });
    assert.equal(await page.textContent('#detail'), 'This picture cannot be read. Please try another one.');
    await page.click('#remove');
    await ask(page, TEXT);
    assert.equal((await names(page))[0], BEST);
  });

  test('Enter before the page\'s own code is here sends nothing, and keeps the words', async () => {
    const { page } = visitor;
    const hold = gate();
    site.held['app/main.js'] = hold.until;
    await page.reload({ waitUntil: 'commit' });
    await page.fill('#text', TEXT);
    await page.press('#text', 'Enter');
    assert.deepEqual([page.url().split('#')[0], await page.inputValue('#text')], [site.url, TEXT]);
    hold.free();
    await ready(page);
    await page.press('#text', 'Enter');
    await settled(page);
    assert.equal((await names(page))[0], BEST);
  });

  test('each file that does not come, or comes with another byte, is told and not kept, and trying again goes on', async () => {
    const { page } = visitor;
    await page.evaluate(() => caches.delete('shop-files'));
    const cases = /** @type {[number, string[], RegExp][]} */ ([ // as they are needed
      [503, ['model/manifest.json'], /connection/], [404, ['model/shop.catalog', 'model/tokenizer.safetensors'], /connection/],
      [DAMAGE, ['model/shop.catalog', 'model/tokenizer.safetensors'], /damaged/], [DAMAGE, ['model/tokenizer.safetensors'], /damaged/],
      [503, ['runtime/litert/index.js'], /connection/], [503, ['runtime/litert/litert_wasm_internal.js'], /connection/],
      [503, ['model/text.tflite'], /connection/], [DAMAGE, ['model/text.tflite'], /damaged/]]);
    for (const [place, [problem, paths, words]] of cases.entries()) {
      const later = cases.slice(place + 1).flatMap(([, some]) => some); // do not come yet: all are asked for at once
      site.change = (path, content) => paths.includes(path) ? problem === DAMAGE ? otherByte(content) : problem
        : later.includes(path) ? 503 : undefined;
      site.requests.length = 0;
      if (place === 0) await page.reload();
      if (place === 0) await ask(page, TEXT);
      else await again(page);
      assert.match(await page.innerText('#detail'), words, paths.join());
      assert.ok(paths.every((path) => site.requests.includes(path)), paths.join());
    }
    site.change = () => undefined;
    await again(page);
    assert.equal((await names(page))[0], BEST);
    assert.equal(await page.locator('#category option').count(), 14);
  });

  test('a damaged catalog is told: no product of before is shown, and nothing of it is kept', async () => {
    const { page } = visitor;
    const kept = () => caches.open('shop-files').then((cache) => cache.keys()).then((keys) => keys.map(({ url }) => url));
    await until(page, () => caches.open('shop-files').then((cache) => cache.match('../model/manifest.json')).then(Boolean), null);
    assert.ok((await page.evaluate(kept)).some((url) => url.includes('shop.catalog')));
    site.change = (path, content) => path === 'model/shop.catalog' ? otherByte(content) : undefined;
    await page.evaluate(() => caches.delete('shop-files')); // as a browser does that needs room
    await page.reload();
    await page.waitForSelector('[data-state=failed]');
    for (const turn of ['before a question', 'with one']) {
      if (turn === 'with one') await ask(page, TEXT);
      assert.equal(await page.textContent('#headline'), 'That did not work', turn);
      assert.match(await page.innerText('#detail'), /damaged/, turn);
      assert.deepEqual([await page.locator('.card').count(), await page.isVisible('#category'), await page.isVisible('#prices')], [0, false, false]);
    }
    assert.deepEqual((await page.evaluate(kept)).filter((url) => /catalog|manifest/.test(url)), []);
    await page.evaluate(() => location.hash = 'product=D0007');
    await page.waitForFunction(() => /damaged/.test(document.querySelector('#details')?.textContent ?? ''));
    await page.click('#close');
    site.change = () => undefined;
    await again(page);
    assert.equal((await names(page))[0], BEST);
  });

  test('no GPU, or none that agrees: the processor answers', async () => {
    const { page } = visitor;
    await page.goto(`${site.url}?accelerator=webgpu`);
    await ask(page, TEXT);
    assert.equal((await names(page))[0], BEST);
  });

  test('the page speaks the first language of the shopper that it knows, goes its way, and loads no other', async () => {
    const { page } = visitor;
    for (const [tags, lang, dir, idle] of /** @type {[string[], string, string, string][]} */ ([
      [['zh-TW'], 'zh-Hant', 'ltr', '用文字或圖片搜尋'], [['zh-HK'], 'zh-Hant', 'ltr', '用文字或圖片搜尋'],
      [['zh-CN'], 'zh-Hans', 'ltr', '用文字或图片搜索'], [['zh-SG'], 'zh-Hans', 'ltr', '用文字或图片搜索'],
      [['zh'], 'zh-Hans', 'ltr', '用文字或图片搜索'], [['ar-EG', 'en'], 'ar', 'rtl', 'البحث بالنص أو بالصورة'],
      [['he-IL', 'fr-CA', 'de'], 'fr', 'ltr', 'Rechercher par texte ou par image'], [['de-AT'], 'de', 'ltr', 'Mit Text oder Bild suchen'],
      [['ja'], 'ja', 'ltr', '言葉や画像で検索'], [['ko-KR'], 'ko', 'ltr', '검색어나 사진으로 검색'],
      [['es-MX'], 'es', 'ltr', 'Buscar por texto o por imagen'], [['he-IL'], 'en', 'ltr', 'Search by words or by picture'],
      [['sr-Latn'], 'en', 'ltr', 'Search by words or by picture'], [['C'], 'en', 'ltr', 'Search by words or by picture'],
      [['C', 'ko'], 'ko', 'ltr', '검색어나 사진으로 검색']])) {
      site.requests.length = 0;
      const found = await page.evaluate(async (languages) => {
        Object.defineProperty(navigator, 'languages', { value: languages, configurable: true });
        /** @type {typeof import('../../app/strings.js')} */
        const { fillIn, words } = await import(new URL(`strings.js?${languages}`, location.href).href);
        fillIn();
        return [document.documentElement.lang, document.documentElement.dir, words('idle')];
      }, tags);
      assert.deepEqual(found, [lang, dir, idle], tags.join());
      assert.deepEqual(site.requests.filter((path) => path.includes('/texts/')), [`app/texts/${lang}.json`]);
    }
  });

  test('numbers are those of the shopper\'s country, and products are counted by the rules of the language', async () => {
    const { page } = visitor;
    for (const [tag, ...expected] of [['en-GB', '97%', '1 product', '2 products', '1,234 products'],
      ['de-DE', '97 %', '1 Produkt', '2 Produkte', '1.234 Produkte'], ['fr-FR', '97 %', '1 produit', '2 produits', '1 234 produits'],
      ['ar-AE', '97%', 'منتج واحد', 'منتجان', '1,234 منتجًا'], ['ar-EG', '٩٧٪', 'منتج واحد', 'منتجان', '١٬٢٣٤ منتجًا']]) {
      const found = await page.evaluate(async (tag) => {
        Object.defineProperty(navigator, 'languages', { value: [tag], configurable: true });
        /** @type {typeof import('../../app/strings.js')} */
        const { percent, products } = await import(new URL(`strings.js?${tag}`, location.href).href);
        const shown = [percent(97), products(1), products(2), products(1234)];
        return shown.map((text) => text.replace(/\s/g, ' ').replace(/[\u200e\u061c]/g, '')); // releases of Unicode's data differ in these
      }, tag);
      assert.deepEqual(found, expected, tag);
    }
  });

  test('the note names the writings that the manifest does not, and no other', async () => {
    const { page } = visitor;
    const query = '红色 dress яблоко';
    for (const [known, unknown] of /** @type {[string[], string | null][]} */ ([[['Latin'], 'Han and Cyrillic'], [['Latin', 'Han'], 'Cyrillic'],
      [EVERY_SCRIPT, null]])) {
      site.change = (path, content) => path === 'model/manifest.json' ? ofScripts(content, known) : undefined;
      await page.reload();
      await ask(page, query);
      const note = await page.isVisible('#note') ? (await page.innerText('#note')).match(/this writing: (.*?)\./)?.[1] : null;
      assert.equal(note, unknown, known.join());
    }
    site.change = () => undefined;
  });
});

describe('in a visit of its own', () => {
  beforeEach(() => comes());
  afterEach(leaves);

  test('while files load, their bytes are counted; of the questions meanwhile only the last one is answered', async () => {
    const { page } = visitor;
    const hold = gate();
    site.held['model/text.tflite'] = hold.until;
    await page.fill('#text', 'a bicycle');
    await page.press('#text', 'Enter');
    await page.waitForFunction(() => /^[1-9][\d.]* MB of [1-9][\d.]* MB$/.test(document.querySelector('#amount')?.textContent ?? ''));
    assert.equal(await page.getAttribute('#answer', 'aria-busy'), 'true');
    assert.equal(await page.textContent('#headline'), 'Preparing the search…');
    const share = await page.$eval('#bytes', (/** @type {HTMLProgressElement} */ bar) => bar.value / bar.max);
    assert.ok(share > 0.3 && share < 0.8, `${share}`);
    await page.fill('#text', TEXT);
    await page.press('#text', 'Enter');
    hold.free();
    await settled(page);
    assert.equal((await names(page))[0], BEST);
  });
});

test('prices stand as the shopper\'s country writes them, and no stars where the confidence was not measured', async () => {
  const { unmeasured } = await import('./catalogs.js');
  const changed = unmeasured(await readFile(`${env('SITE')}/model/manifest.json`), await readFile(`${env('SITE')}/model/shop.catalog`));
  await comes({ locale: 'de-DE' }, (path) => ({ 'model/manifest.json': changed.manifest, 'model/shop.catalog': changed.catalog })[path]);
  const { page } = visitor;
  await ready(page);
  assert.equal(await page.getAttribute('html', 'lang'), 'de');
  await ask(page, TEXT);
  assert.match(await page.innerText('.price >> nth=0'), /^\d+,\d\d\s€$/u);
  assert.equal((await names(page)).length, 20);
  assert.equal(await page.locator('.match').count(), 0);
  assert.equal(await page.isVisible('#doubtful-title'), false);
  await leaves();
});

/** Presses "Try again". @param {import('playwright-core').Page} page */
async function again(page) {
  await page.click('#act');
  await settled(page);
}

/** A file with one byte changed. @param {Buffer} content */
function otherByte(content) {
  const made = Buffer.from(content);
  made[made.length - 1000] ^= 1;
  return made;
}

/** The manifest, of a model that knows these writings. @param {Buffer} manifest @param {string[]} scripts */
function ofScripts(manifest, scripts) {
  const parsed = JSON.parse(manifest.toString());
  parsed.text.scripts = scripts;
  return Buffer.from(JSON.stringify(parsed));
}

/** Leaves products and questions, as a shopper does. @param {import('playwright-core').Page} page */
async function empty(page) {
  await page.evaluate(() => location.hash = '');
  await page.waitForSelector('#details', { state: 'hidden' });
  await settled(page);
  if (await page.isVisible('#clear')) await page.click('#clear');
  await page.waitForSelector('[data-state=idle]');
}

/**
 * @param {import('playwright-core').Page} page
 * @param {number} place
 */
async function slide(page, place) {
  await page.$eval('#slider', (/** @type {HTMLInputElement} */ slider, to) => {
    slider.valueAsNumber = to;
    slider.dispatchEvent(new Event('input'));
    slider.dispatchEvent(new Event('change'));
  }, place);
  await settled(page);
}

/**
 * Types into a field, and leaves it.
 *
 * @param {import('playwright-core').Page} page
 * @param {string} field
 * @param {string} value
 */
async function fill(page, field, value) {
  await page.fill(field, value);
  await page.press(field, 'Tab');
  await settled(page);
}

/** @param {import('playwright-core').Page} page */
async function prices(page) {
  return (await page.locator('.price').allTextContents()).map((text) => Number(text.replace(/[^\d.]/g, '')));
}

/**
 * @param {import('playwright-core').Page} page
 * @param {string} list
 */
async function percents(page, list) {
  return (await page.locator(`${list} .match`).allTextContents()).map((text) => Number(text.replace(/\D/g, '')));
}
