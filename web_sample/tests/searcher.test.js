/** Requests enter; whether a searcher asks its encoder once, in turn, and answers as the catalog's search leaves. */

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { CatalogSearch } from '../search/catalog/catalog-search.js';
import { ImagePreprocessor } from '../search/pictures/image-preprocessor.js';
import { Searcher } from '../search/searcher.js';
import { opened } from './golden-answers.js';
import { catalogFile, fileOf, metadataOf, randomParts, tensorsOf } from './made-catalog.js';

const parts = randomParts(6, 300, 8);
const search = new CatalogSearch(await opened(fileOf(parts)));
const preprocessor = new ImagePreprocessor({ size: 4, interpolation: 'bilinear' });
/** Lower-case words in place of tokens. */
const tokenizer = {
  encode: (/** @type {string} */ text) => Int32Array.from(text.toLowerCase().match(/\S+/g) ?? [], (word) =>
    Array.from(word).reduce((sum, letter) => sum * 31 + letter.charCodeAt(0) | 0, 7)),
};
/** @type {string[]} */
let log = [];
beforeEach(() => log = []);

/** What was logged since the last call. */
function said() {
  const lines = log;
  log = [];
  return lines;
}

/** @param {Int32Array | Uint8Array} numbers */
function embedding(numbers) {
  let sum = 0;
  for (const number of numbers) sum = sum + number | 0;
  return Float32Array.from({ length: 8 }, (_, index) => ((sum + 31 * index * index) % 17 + 17) % 17 - 8.5);
}

/**
 * Embeds by the sum of what it is given, and says what happens to it.
 * @param {{space?: string, dim?: number, during?: () => Promise<void> | void}} options
 * @returns {import('../search/searcher.js').EmbeddingEncoder}
 */
function fakeEncoder({ space = 'ab'.repeat(32), dim = 8, during = () => {} } = {}) {
  let users = 0;
  const encode = async (/** @type {string} */ kind, /** @type {Int32Array | Uint8Array} */ numbers) => {
    assert.equal(++users, 1);
    log.push(kind);
    try {
      await new Promise((done) => setTimeout(done, 1));
      await during();
    } finally {
      users -= 1;
    }
    return embedding(numbers);
  };
  return {
    space, dim,
    text: (ids) => encode('text', ids),
    image: (square) => encode('image', square),
    async prepare(part) {
      log.push(`prepared ${part}`);
      await during();
    },
    close: () => void log.push('closed'),
  };
}

/** @param {Partial<import('../search/searcher.js').SearcherParts>} options */
function searcher(options = {}) {
  return new Searcher({
    encoder: async () => (log.push('made'), fakeEncoder()),
    tokenizer, preprocessor, search, onPreparing: () => log.push('preparing'), ...options,
  });
}

/** @param {number} seed */
function image(seed) {
  return { pixels: Uint8Array.from({ length: 90 }, (_, index) => index * seed), width: 6, height: 5 };
}

/** @param {string} text */
function ofText(text) {
  return embedding(tokenizer.encode(text));
}

/** @param {{pixels: Uint8Array, width: number, height: number}} image */
function ofImage({ pixels, width, height }) {
  return embedding(preprocessor.square(pixels, width, height));
}

test('a search is the catalog\'s search by the encoder\'s embeddings', async () => {
  const made = searcher();
  const [text, picture] = [ofText('red shoes'), ofImage(image(3))];
  const hits = async (/** @type {any} */ request) => (await made.search(request)).hits;
  assert.deepEqual(await hits({ text: 'red shoes' }), search.search({ text }));
  assert.deepEqual(await hits({ image: image(3) }), search.search({ image: picture }));
  assert.deepEqual(await hits({ text: 'red shoes', image: image(3), slider: 0.3 }),
    search.search({ text, image: picture, slider: 0.3 }));
  assert.deepEqual(await hits({ text: 'red shoes', image: image(3) }),
    search.search({ text, image: picture, slider: 0.5 }));
  assert.deepEqual(await hits({ like: 7 }), search.search({ like: 7 }));
  assert.deepEqual(await hits({ likeId: 'p7' }), search.search({ like: 7 }));
  const filter = { categories: ['name 1'], lowest: 20_000 };
  const all = search.search({ text }, 100, filter);
  const [threshold, leastConfidence] = [all[all.length >> 1].score, /** @type {number} */ (all[2].confidence)];
  assert.deepEqual(await hits({ text: 'red shoes', k: 5, filter, threshold, leastConfidence }),
    search.search({ text }, 5, filter, threshold, leastConfidence));
});

test('an image with alpha is taken as it is', async () => {
  const pixels = new Uint8ClampedArray(4 * 30).map((_, index) => index * 7);
  const square = preprocessor.square(pixels, 6, 5, 4);
  const { hits } = await searcher().search({ image: { pixels, width: 6, height: 5, channels: 4 } });
  assert.deepEqual(hits, search.search({ image: embedding(square) }));
});

test('the encoder is made at its first use alone', async () => {
  const made = searcher();
  await made.search({ like: 1 });
  assert.deepEqual(said(), []);
  await made.search({ text: 'shoes', image: image(1) });
  assert.deepEqual(said(), ['preparing', 'made', 'text', 'image']);
  await made.search({ text: 'boots' });
  assert.deepEqual(said(), ['text']);
});

test('the embeddings of the last texts and images are kept', async () => {
  const made = searcher({ recent: 2 });
  for (const text of ['a', 'b', 'a', 'c', 'a', 'b']) await made.search({ text });
  assert.deepEqual(said(), ['preparing', 'made', 'text', 'text', 'text', 'text']);      // a, b, c, b again
  const images = [0, 1, 2, 3].map(image);
  for (const seed of [1, 2, 1, 3, 1, 2]) await made.search({ image: images[seed] });
  assert.deepEqual(said(), ['image', 'image', 'image', 'image']);
  for (const slider of [0, 0.5, 1]) await made.search({ text: 'b', image: images[2], slider });
  assert.deepEqual(said(), []);
});

test('texts of the same ids are one, an image is itself alone', async () => {
  const made = searcher();
  for (const text of ['a dress', 'A  Dress ', 'a dress']) await made.search({ text });
  assert.deepEqual(said(), ['preparing', 'made', 'text']);
  await made.search({ image: image(5) });
  await made.search({ image: image(5) });
  assert.deepEqual(said(), ['image', 'image']);
});

test('searches at once ask the encoder one after the other', async () => {
  const made = searcher();
  const texts = ['a', 'b', 'c', 'd'];
  const found = await Promise.all([...texts.map((text) => made.search({ text })), made.search({ image: image(2) })]);
  assert.deepEqual(found.slice(0, 4).map(({ hits }) => hits),
    texts.map((text) => search.search({ text: ofText(text) })));
  assert.deepEqual(said(), ['preparing', 'made', 'text', 'text', 'text', 'text', 'image']);
});

test('a search that is aborted asks no encoder any more, and gives no answer', async () => {
  const control = new AbortController();
  const made = searcher({ encoder: async () => fakeEncoder({ during: () => control.abort() }) });
  const [running, waiting] = [made.search({ text: 'a' }, control), made.search({ text: 'b' }, control)];
  await assert.rejects(running, { name: 'AbortError' });
  await assert.rejects(waiting, { name: 'AbortError' });
  assert.deepEqual(said(), ['preparing', 'text']);
  await assert.rejects(made.search({ like: 1 }, control), { name: 'AbortError' });
  await made.search({ text: 'a' });                   // what the encoder answered was kept
  assert.deepEqual(said(), []);
});

test('what failed is tried again, and stops no later search', async () => {
  let attempts = 0;
  const made = searcher({ encoder: async () => {
    if (++attempts < 3) throw new Error('no network');
    return fakeEncoder({ during: () => { if (++attempts === 4) throw new Error('no memory'); } });
  } });
  for (const message of ['no network', 'no network', 'no memory']) {
    await assert.rejects(made.search({ text: 'a' }), { message });
  }
  assert.equal((await made.search({ text: 'a' })).hits.length, 10);
  assert.deepEqual(said(), ['preparing', 'preparing', 'preparing', 'text', 'text']);
});

test('encoders are prepared ahead, and what failed is made anew', async () => {
  const made = searcher();
  await made.prepare();
  await made.prepare(['text']);
  assert.deepEqual(said(), ['preparing', 'made', 'prepared text', 'prepared image', 'prepared text']);
  const failing = searcher({ encoder: async () => fakeEncoder({ during: () => { throw new Error('half loaded'); } }) });
  await failing.prepare(['image']);
  assert.deepEqual(said(), ['preparing', 'prepared image', 'closed']);
  await assert.rejects(failing.search({ text: 'a' }), { message: 'half loaded' });
});

test('a released encoder is closed once it is idle, and made again at its next use', async () => {
  const made = searcher();
  await made.release();
  await Promise.all([made.search({ text: 'shoes' }), made.release(), made.release()]);
  await made.search({ text: 'shoes' });
  assert.deepEqual(said(), ['preparing', 'made', 'text', 'closed']);
  await made.search({ text: 'boots' });
  assert.deepEqual(said(), ['preparing', 'made', 'text']);
});

test('an encoder of another space or width is refused and closed', async () => {
  const cases = /** @type {const} */ ([[{ space: 'cd'.repeat(32) }, /embedding space/], [{ dim: 9 }, /width/]]);
  for (const [wrong, says] of cases) {
    const made = searcher({ encoder: async () => fakeEncoder(wrong) });
    await assert.rejects(made.search({ text: 'a' }), { name: 'BadFileError', kind: 'mismatched', message: says });
    assert.deepEqual(said(), ['preparing', 'closed']);
  }
});

test('another catalog is searched from then on, and one of another space is refused', async () => {
  const other = new CatalogSearch(await opened(fileOf(randomParts(7, 50, 8))));
  const made = searcher();
  const running = made.search({ text: 'a' });
  made.use(other);
  assert.equal((await running).catalog, search.catalog);
  const { hits, catalog } = await made.search({ text: 'a' });
  assert.equal(catalog, other.catalog);
  assert.deepEqual(hits, other.search({ text: ofText('a') }));
  const foreign = catalogFile({ ...metadataOf(parts), space: 'cd'.repeat(32) }, tensorsOf(parts));
  for (const wrong of [foreign, fileOf(randomParts(7, 50, 9))]) {
    const refused = new CatalogSearch(await opened(wrong));
    assert.throws(() => made.use(refused), { name: 'BadFileError', kind: 'mismatched' });
  }
  assert.equal(made.catalog, other.catalog);
});

test('each search that ended well is told', async () => {
  /** @type {import('../search/searcher.js').SearchEvent[]} */
  const events = [];
  const made = searcher({ onSearched: (event) => events.push(event) });
  await made.search({ text: 'a', k: 3 });
  await made.search({ image: image(1), k: 2 });
  await made.search({ text: 'a', image: image(1), threshold: Infinity });
  await made.search({ like: 1, k: 1 });
  await assert.rejects(made.search({ like: 9999 }), RangeError);
  assert.deepEqual(events.map(({ kind, hits }) => [kind, hits]), [['text', 3], ['image', 2], ['both', 0], ['like', 1]]);
  for (const { milliseconds } of events) assert.ok(milliseconds >= 0);
});

test('a request for nothing, or for more than one thing, is refused', async () => {
  for (const request of [{}, { text: null }, { text: 'a', like: 1 }, { image: image(1), likeId: 'p1' },
    { like: 1, likeId: 'p1' }]) {
    await assert.rejects(searcher().search(request), { name: 'RangeError', message: /expected a text/ });
  }
  await assert.rejects(searcher().search({ likeId: 'none' }), { name: 'RangeError', message: /'none'/ });
  assert.deepEqual(said(), []);
});

test('an image\'s embedding is a copy', async () => {
  const made = searcher();
  const picture = image(3);
  (await made.embedding(picture)).fill(0);
  assert.deepEqual(await made.embedding(picture), ofImage(picture));
});

test('labels are judged by their texts in the templates, and kept', async () => {
  const made = searcher();
  const templates = ['{}', 'a photo of a {}, {}'];
  const found = await made.labels(image(3), ['shoe', '$&'], templates, 10);
  assert.deepEqual(said(), ['preparing', 'made', 'text', 'text', 'text', 'text', 'image']);
  assert.ok(Math.abs(found[0].probability + found[1].probability - 1) < 1e-12);
  assert.deepEqual(found.map(({ name }) => name).sort(), ['$&', 'shoe']);
  assert.deepEqual(await made.labels(image(3), ['shoe', '$&'], templates, 10), found);
  assert.deepEqual(said(), ['image']);
  const both = ['shoe', 'a photo of a shoe, shoe'].map(ofText);
  assert.notDeepEqual(both[0], both[1]);
  await assert.rejects(made.labels(image(3), ['shoe'], [], 10), RangeError);
  const alone = await made.labels(image(3), ['shoe', '$&'], templates, 10, { labels: 'sigmoid', logitBias: -10 });
  assert.ok(alone.every(({ name, probability }) =>
    probability < (found.find((one) => one.name === name)?.probability ?? 0)));
});
