/** Golden catalogs with words enter; whether texts name the right products, and damage is refused, leaves. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CatalogSearch } from '../search/catalog/catalog-search.js';
import { asObject, parse } from '../search/json.js';
import { BadFileError } from '../search/malformed.js';
import { hashOf } from '../search/words/characters.js';
import { textsOfField } from '../search/words/filter-fields.js';
import { textsOf } from '../search/words/record-texts.js';
import { wantedProducts } from '../search/words/wanted.js';
import { follow } from '../update/delta.js';
import { opened } from './golden-answers.js';
import { headerOf } from './made-container.js';
import { opener } from './made-catalog.js';
import { goldens, random } from './vectors.js';

const MUTATED = 2000;
const golden = goldens.json('words/expected.json');
const file = (/** @type {string} */ name) => goldens.bytes(`words/${name}`);
/** @type {Record<string, import('../search/index.js').ProductCatalog>} */
const catalogs = { base: await opened(file('base.catalog')), next: await opened(file('next.catalog')) };
const cases = golden.cases.filter((/** @type {any} */ one) => one.catalog in catalogs);

/**
 * What becomes of the names of tensors that are not to be there; a reader passes unknown ones over.
 * @type {Record<string, string>}
 */
const HIDDEN = Object.fromEntries(['word_folds', 'word_fold_texts', 'word_letters', 'key_hashes', 'key_products',
  'word_text', 'word_offsets', 'word_postings', 'word_posting_offsets', 'word_counts', 'filter_values', 'filter_names']
  .map((name) => [`"${name}":{`, `"x${name.slice(1)}":{`]));

/** @param {any} one a golden case */
function filterOf({ columns, categories, lowest, highest }) {
  return { fields: columns, categories, lowest, highest };
}

/** The tables of words, which are there. @param {import('../search/index.js').ProductCatalog} catalog */
function wordsOf({ tables: { words } }) {
  assert.ok(words);
  return words;
}

test('golden texts are folded, cut and hashed as Python does', () => {
  const { characters } = wordsOf(catalogs.base);
  assert.ok(golden.folded.length > 150);
  for (const { text, runs, key, hash } of golden.folded) {
    assert.deepEqual(characters.runs(text).map((run) => ({ text: run.text, by_pairs: run.byPairs })), runs, text);
    assert.equal(characters.key(text), key, text);
    assert.equal(hashOf(key), hash, text);
  }
});

test('golden records have the texts that Python finds', () => {
  assert.ok(golden.columns.length > 30);
  for (const { record, column, texts } of golden.columns) {
    const read = asObject(parse(record, { once: false }), 'a record');
    assert.deepEqual(textsOf(read, [column]), texts, `${column}: ${record}`);
  }
});

test('a golden text names the products that Python says', (context) => {
  assert.ok(cases.length > 200);
  for (const one of cases) {
    const catalog = catalogs[one.catalog];
    const found = new CatalogSearch(catalog).named(one.text, filterOf(one), one.most);
    const told = found.map(({ product, by }) => ({ place: product, id: catalog.product(product).id, by }));
    assert.deepEqual(told, one.found, JSON.stringify(one));
  }
  context.diagnostic(`${cases.length} golden texts, differing: 0`);
});

test('a golden filter by fields lets the same products pass, for texts and for vectors', () => {
  const some = golden.filters.filter((/** @type {any} */ one) => one.catalog in catalogs);
  assert.ok(some.length > 10);
  for (const one of some) {
    const catalog = catalogs[one.catalog];
    const wanted = wantedProducts(catalog, filterOf(one), []);
    assert.deepEqual([...wanted?.entries() ?? []].filter(([, fits]) => fits).map(([place]) => place), one.places);
    const text = new Float32Array(catalog.dim).fill(1);
    const hits = new CatalogSearch(catalog).search({ text }, 1000, filterOf(one));
    assert.deepEqual(hits.map(({ product }) => product).sort((a, b) => a - b), one.places);
  }
  for (const [name, texts] of Object.entries(golden.names)) {
    const field = catalogs.base.tables.filters.get(name);
    assert.deepEqual(field && textsOfField(field), texts);
  }
  const search = new CatalogSearch(catalogs.base);
  for (const [fields, message] of /** @type {[Record<string, string[]>, RegExp][]} */ ([
    [{ colour: ['red'] }, /no such filter: colour/], [{ brand: ['acme'] }, /no such brand: acme/]])) {
    assert.throws(() => search.named('a', { fields }), { name: 'RangeError', message });
  }
});

test('every golden damage to words, keys and filters is refused', async () => {
  assert.ok(golden.damaged.length > 20);
  for (const { name, at, bytes } of golden.damaged) {
    const damaged = file('base.catalog');
    damaged.set(Buffer.from(bytes, 'hex'), at);
    await assert.rejects(opened(damaged, name),
      (error) => error instanceof BadFileError && error.kind === 'damaged' && !error.message.includes('\n'), name);
  }
});

test('a tensor or a list of fields that is missing is refused, or all are', async () => {
  const whole = file('base.catalog');
  const { words, filters } = (await opened(hidden(whole, ...Object.keys(HIDDEN)))).tables;
  assert.deepEqual([words, filters.size], [null, 0]);
  for (const name of Object.keys(HIDDEN)) await assert.rejects(opened(hidden(whole, name)), BadFileError, name);
  for (const key of ['keys', 'words', 'filters']) {
    await assert.rejects(opened(replaced(whole, `"${key}":"`, `"x${key.slice(1)}":"`)), BadFileError, key);
    await assert.rejects(opened(replaced(whole, `"${key}":"[`, `"${key}":"{`)), BadFileError, key);
  }
});

test('damaged bytes are refused, or lead nowhere outside', async (context) => {
  const whole = file('base.catalog');
  const open = await opener(whole.length);
  const next = random(11);
  const start = 8 + new TextEncoder().encode(headerOf(whole)).length;
  let refused = 0;
  for (let turn = 0; turn < MUTATED; turn++) {
    const damaged = whole.slice();
    for (let count = 1 + next(3); count > 0; count--) damaged[start + next(whole.length - start)] = next(256);
    try {
      const search = new CatalogSearch(open(damaged));
      for (const text of ['red shoe', '靴 a', 'A-1', 'sho', 'ß Ａ']) {
        for (const { product } of search.named(text)) assert.ok(product < search.catalog.size);
      }
    } catch (error) {
      assert.ok(error instanceof BadFileError, `${error}`);
      refused += 1;
    }
  }
  assert.ok(refused > MUTATED / 20 && refused < MUTATED, `${refused}`);
  context.diagnostic(`${MUTATED} damaged catalogs with words: ${refused} refused, 0 otherwise`);
});

test('what is found by vectors is the same with words and without', async () => {
  const [one, other] = [catalogs.base, await opened(hidden(file('base.catalog'), ...Object.keys(HIDDEN)))];
  const next = random(4);
  for (let turn = 0; turn < 50; turn++) {
    const text = Float32Array.from({ length: one.dim }, () => next(2001) - 1000 || 1);
    assert.deepEqual(new CatalogSearch(one).search({ text }), new CatalogSearch(other).search({ text }));
  }
  assert.deepEqual(new CatalogSearch(other).named('A-1'), []);
});

test('what has a text as its key stands first, whatever is around the text', () => {
  let asked = 0;
  for (const catalog of Object.values(catalogs)) {
    const [search, words] = [new CatalogSearch(catalog), wordsOf(catalog)];
    for (let product = 0; product < catalog.size; product++) {
      const { id, lists } = catalog.product(product);
      const texts = [id, ...words.keyFields.flatMap((field) => lists.get(field) ?? [])];
      for (const text of texts.filter((one) => words.characters.key(one) !== '')) {
        for (const around of [['', ''], [' ', '\n'], ['"', '"'], ['#', ''], ['(', ').'], ['', ' !']]) {
          const found = search.named(around.join(text), {}, catalog.size);
          const first = found.findIndex(({ by }) => by === 'words');
          const place = found.findIndex((one) => one.product === product);
          assert.ok(place >= 0 && found[place].by === 'key' && (first < 0 || place < first), around.join(text));
          asked += 1;
        }
      }
    }
  }
  assert.ok(asked > 500, `${asked}`);
});

test('no words, at most none, and a record that is damaged', async () => {
  const search = new CatalogSearch(catalogs.base);
  assert.deepEqual(search.named('shoe', {}, 0), []);
  const broken = await opened(replaced(file('base.catalog'), '"sku":"AB-12.3/x"', '"sku":"AB-12.3/x '));
  assert.throws(() => new CatalogSearch(broken).named('AB-12.3/x'), { name: 'BadFileError', message: /product 0/ });
});

test('a golden delta carries words, keys and filters', async () => {
  const made = await follow(catalogs.base, file('next.delta'));
  assert.equal(Buffer.compare(made.memory.file, file('next.catalog')), 0);
});

/** @param {Uint8Array} whole @param {string[]} names keys of HIDDEN */
function hidden(whole, ...names) {
  return names.reduce((made, name) => replaced(made, name, HIDDEN[name]), whole);
}

/**
 * With another text of the same length in place of the first such one.
 * @param {Uint8Array} whole @param {string} before @param {string} after
 */
function replaced(whole, before, after) {
  const made = Buffer.from(whole);
  const place = made.indexOf(before);
  assert.ok(place >= 0 && before.length === after.length, before);
  made.write(after, place);
  return new Uint8Array(made);
}
