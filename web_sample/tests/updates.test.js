/** Updates, golden and made-up, enter; whether the right catalog is in force after each leaves. */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { CatalogSearch } from '../search/catalog/catalog-search.js';
import { BadFileError } from '../search/malformed.js';
import { Searcher } from '../search/searcher.js';
import { follow, priced } from '../update/delta.js';
import { fetchFrom, readSettings } from '../update/site-updates.js';
import { readStatement } from '../update/statement.js';
import { opened } from './golden-answers.js';
import { fileOf, randomParts } from './made-catalog.js';
import { joined } from './made-container.js';
import { MadeFolder, MadeSite, answers, app, base, edited, expectedOf, file, folderOf, highestIn, isOwn, keys, memories, name,
  outcome, signer, space } from './made-updates.js';
import { Vectors, goldens, random } from './vectors.js';

const DAMAGED = Number(process.env.DAMAGED ?? 200);
const SWAPS = Number(process.env.SWAPS ?? 500);
const MOST = 1 << 22; // bytes of a catalog here

// The goldens.

test('every golden update comes to what Python says, and so it stays after a start', async (context) => {
  for (const one of answers.cases) {
    const folder = folderOf(one.in_force, one.highest, one.parts);
    const site = new MadeSite((path) => {
      const edit = one.serve?.[path];
      if (edit === null) return null;
      return path === `${name}.update` ? edited(file(one.file), one.edit) : edited(file(path), edit);
    });
    const own = { keys: one.keys.map((/** @type {number} */ line) => keys[line]) };
    const updates = app(folder, site, own);
    const before = await updates.start({ digest: base.digest });
    const running = before.catalog ?? base;
    const { in_force: number, highest, ...expected } = expectedOf(one);
    const found = await outcome(updates.update(running));
    const { fetched, ...others } = /** @type {{fetched?: number}} */ (found);
    assert.deepEqual('fetched' in expected ? found : others, expected, one.name);
    const again = app(folder, site, own);
    const after = await again.start({ digest: base.digest });
    assert.equal(after.number, number, one.name);
    await again.tidy();
    assert.equal(highestIn(folder), highest, one.name);
    if (found.answer === 'updated') await (after.catalog ?? base).verify();
    if (one.bundles) assert.ok(site.asked.every(([path]) => !path.startsWith('bundle')), one.name);
  }
  context.diagnostic(`${answers.cases.length} golden updates, differing: 0`);
});

test('every golden statement that is malformed is refused, by whomever it is signed', async () => {
  const whole = Buffer.from(file('statements/tuesday.update').subarray(64));
  for (const { name: wrong, old, new: other } of answers.malformed) {
    const [before, after] = [Buffer.from(old, 'base64'), Buffer.from(other, 'base64')];
    const place = whole.indexOf(before);
    assert.ok(place >= 0, wrong);
    const text = before.length === 0 ? after : Buffer.concat([whole.subarray(0, place), after, whole.subarray(place + before.length)]);
    const bytes = joined(new Uint8Array(64), text);
    await assert.rejects(readStatement(bytes, keys, async () => true), { kind: 'refused' }, wrong);
    const updates = app(new MadeFolder(), new MadeSite(() => bytes), { check: async () => true });
    assert.deepEqual(await outcome(updates.update(base)), { answer: 'failed', kind: 'REFUSED' }, wrong);
  }
});

test('after every golden start what Python says is in force, and the rest is gone', async () => {
  for (const one of answers.starts) {
    const files = new Map(Object.entries(one.state).map(([path, from]) =>
      [path, edited(file(/** @type {string} */ (from)), one.edit[path])]));
    if (one.highest !== null) files.set('highest', new TextEncoder().encode(one.highest));
    const folder = new MadeFolder(files);
    const own = { keys: one.keys.map((/** @type {number} */ line) => keys[line]) };
    const updates = app(folder, new MadeSite(() => null), own);
    const statement = one.bundled === null ? undefined : file(one.bundled);
    const { number, catalog, expired } = await updates.start({ digest: base.digest, statement });
    const isTaken = !one.bundles || isOwn(one.state[`${name}.update`]); // else Python's app has its encoders, and this one none
    assert.equal(number, isTaken ? one.in_force : 0, one.name);
    assert.equal(expired, one.name === 'expired', one.name);
    await updates.tidy();
    assert.equal(highestIn(folder) || 0, isTaken ? one.highest_after : Number(one.highest), one.name);
    const kept = [...folder.files.keys()].filter((path) => /\.catalog$|\.bundle\b/.test(path));
    if (catalog) assert.deepEqual(kept, [`${catalog.digest}.catalog`], one.name);
    if (!isTaken) assert.deepEqual(kept, [], one.name);
  }
});

test('every golden damage to a delta is refused, or harmless', async () => {
  const { delta, edits, result } = answers.damaged_deltas;
  const [bytes, wanted] = [file(delta), file(result)];
  const create = await memories(MOST);
  for (const edit of edits) {
    const made = bytes.slice();
    for (const [place, byte] of edit) made[place] = byte;
    await refusedOr(made, base, wanted, create);
  }
});

/**
 * @param {Uint8Array} delta @param {import('../search/index.js').ProductCatalog} of @param {Uint8Array} wanted
 * @param {(bytes: number) => Promise<import('../search/index.js').CatalogMemory>} create
 * @returns {Promise<boolean>} whether it was refused
 */
async function refusedOr(delta, of, wanted, create) {
  try {
    const made = await follow(of, delta, { create });
    assert.ok(same(made.memory.file, wanted), 'another catalog');
    return false;
  } catch (error) {
    if (error instanceof assert.AssertionError) throw error;
    assert.ok(error instanceof BadFileError, `${error}`);
    return true;
  }
}

/** @param {Uint8Array} one @param {Uint8Array} other */
function same(one, other) {
  return Buffer.compare(one, other) === 0;
}

// Deltas.

test('a golden delta gives the catalog\'s bytes, and for another base none', async () => {
  const tuesday = await follow(base, file('tuesday.delta'));
  assert.ok(same(tuesday.memory.file, file('tuesday.catalog')));
  const wednesday = await follow(tuesday, file('deltas/wednesday.delta'));
  assert.ok(same(wednesday.memory.file, file('wednesday.catalog')));
  await assert.rejects(follow(base, file('deltas/wednesday.delta')), { name: 'BadFileError', kind: 'mismatched' });
  await assert.rejects(follow(base, file('tuesday.delta'), { most: file('tuesday.catalog').length - 1 }), /makes a file of/);
});

test('a golden delta carries the first pass', async () => {
  const { base: from, delta, result } = goldens.json('first-pass/index.json').followed;
  const bytes = (/** @type {string} */ name) => goldens.bytes(`first-pass/${name}`);
  const made = await follow(await opened(bytes(from)), bytes(delta));
  assert.ok(made.tables.first && same(made.memory.file, bytes(result)));
});

const shelf = process.env.DELTAS ? new Vectors(process.env.DELTAS) : null;
if (shelf) {
  test('deltas that Python made of any edit of a shop give the same bytes, and none when damaged', async (context) => {
    const { count } = shelf.json('index.json');
    const create = await memories(MOST);
    let [tried, refused] = [0, 0];
    for (let number = 0; number < count; number++) {
      const before = await opened(shelf.bytes(`${number}.base`));
      const [delta, wanted] = [shelf.bytes(`${number}.delta`), shelf.bytes(`${number}.result`)];
      const made = await follow(before, delta, { create });
      assert.ok(same(made.memory.file, wanted), `${number}`);
      const next = random(number);
      for (; tried * count < DAMAGED * (number + 1); tried++) {
        if (await refusedOr(damaged(delta, next), before, wanted, create)) refused += 1;
      }
    }
    assert.ok(count > 0 && tried === DAMAGED && refused > tried / 3);
    context.diagnostic(`${count} deltas, differing: 0`);
    context.diagnostic(`${tried} damaged deltas: ${refused} refused, ${tried - refused} of the right catalog, 0 otherwise`);
  });
}

/** A file with some bytes changed, cut, or put in. @param {Uint8Array} bytes @param {(most: number) => number} next */
function damaged(bytes, next) {
  let made = bytes.slice();
  for (let times = 0; times <= next(3); times++) {
    const place = next(2) ? next(made.length) : next(Math.min(2000, made.length)); // in the header there is more to break
    const kind = next(6);
    if (kind === 0) made = made.slice(0, place + 1);
    else if (kind === 1) made = joined(made.subarray(0, place), made.subarray(place + 1 + next(16)));
    else if (kind === 2) made = joined(made.subarray(0, place), new Uint8Array(1 + next(16)), made.subarray(place));
    else if (kind === 3) made[place] ^= 1 << next(8);
    else if (kind === 4) made[place] = '0123456789"{}[],:'.charCodeAt(next(17));
    else new DataView(made.buffer).setUint32(4 * next(made.length >> 2), [0, 1, 2 ** 31, 2 ** 32 - 1][next(4)], true);
    if (made.length < 8) return made;
  }
  return made;
}

test('a price is put into a record', () => {
  const cases = /** @type {[string, bigint, string][]} */ ([
    ['{"id":"a","name":"b","price":1.5,"currency":""}', 20_000n, '{"id":"a","name":"b","price":2,"currency":""}'],
    ['{"id":"a","name":"b","price":null,"x":1}', 1n, '{"id":"a","name":"b","price":0.0001,"x":1}'],
    ['{"id":",\\"price\\":7","name":"é","price":7}', -1n, '{"id":",\\"price\\":7","name":"é","price":null}'],
    ['{"id":"","name":"","price":1}', 2n ** 63n - 1n, '{"id":"","name":"","price":922337203685477.5807}'],
  ]);
  for (const [record, price, expected] of cases) {
    assert.equal(new TextDecoder().decode(priced(new TextEncoder().encode(record), price)), expected);
  }
  for (const record of ['{"id":"a"}', '{"id":"a","price":1']) {
    assert.throws(() => priced(new TextEncoder().encode(record), 1n), /without a price/);
  }
});

// Ten days one after the other, of a shop that this test signs for.

test('day follows day, each over the last, and none before is taken again', async () => {
  const { key, sign } = await signer();
  const days = Array.from({ length: 10 }, (_, day) => fileOf(randomParts(day, 40, 8)));
  const own = { keys: [key], space: 'ab'.repeat(32) };
  const folder = new MadeFolder();
  let running = await opened(days[0]);
  /** @type {Uint8Array[]} */
  const statements = [];
  for (const [day, bytes] of days.entries()) {
    const digest = (await opened(bytes)).digest;
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const catalog = { digest, path: `${day}.catalog`, sha256, bytes: bytes.length };
    statements.push(await sign({ format: 'mobileclip-update', version: 1, name, number: day + 1, space: own.space, catalog, deltas: [] }));
    const site = new MadeSite((path) => path.endsWith('.update') ? statements[day] : bytes);
    const updates = app(folder, site, own);
    await updates.start();
    const answer = await updates.update(running);
    assert.equal(answer.number, day + 1);
    if ('catalog' in answer) running = answer.catalog;
    assert.equal(running.digest, digest);
    for (const older of statements.slice(0, -1)) {
      const replayed = app(folder, new MadeSite(() => older), own);
      await replayed.start();
      assert.deepEqual(await outcome(replayed.update(running)), { answer: 'failed', kind: 'REFUSED' });
    }
  }
});

// Encoders that come with an update, which this app takes none of.

test('a statement of the page\'s own encoders comes, whatever its manifest; of others none does', async () => {
  const { key, sign } = await signer();
  const [bytes, own] = [file('tuesday.catalog'), file('base.catalog')];
  const of = (/** @type {string} */ path, /** @type {Uint8Array} */ content) =>
    ({ path, sha256: createHash('sha256').update(content).digest('hex'), bytes: content.length });
  const manifest = { ...of('day/manifest.json', own), files: [of('day/text/encoder.tflite', own)] };
  const catalog = { ...of('tuesday.catalog', bytes), digest: (await opened(bytes)).digest };
  const { files, ...bare } = manifest;
  const cases = /** @type {[object, RegExp | null][]} */ ([
    [{ manifest }, null], [{ manifest: bare }, null], [{ manifest: { ...bare, files: null } }, null],
    [{ manifest, space: 'f'.repeat(64) }, /other encoders, which this app does not take/],
    [{ manifest: bare, space: 'f'.repeat(64) }, /an update of another embedding space/],
    [{ manifest: { ...bare, files: null }, space: 'f'.repeat(64) }, /an update of another embedding space/],
    [{ space: 'f'.repeat(64) }, /an update of another embedding space/],
  ]);
  for (const [others, refusal] of cases) {
    const statement = await sign({ format: 'mobileclip-update', version: 1, name, number: 1, space, catalog, deltas: [], ...others });
    const site = new MadeSite((path) => path === `${name}.update` ? statement : path === 'tuesday.catalog' ? bytes : null);
    const folder = new MadeFolder();
    const update = app(folder, site, { keys: [key] }).update(base);
    if (refusal) {
      await assert.rejects(update, { name: 'UpdateError', kind: 'refused', message: refusal });
      assert.deepEqual([...folder.files.keys()], []);
    } else {
      assert.equal((await outcome(update)).answer, 'updated');
      assert.equal((await app(folder, site, { keys: [key] }).start({ digest: base.digest })).number, 1);
    }
    const wanted = [`${name}.update`, ...(refusal ? [] : ['tuesday.catalog'])];
    assert.deepEqual(site.asked.map(([path]) => path), wanted, 'nothing of the encoders');
  }
});

// A search while the catalog is swapped.

test('an answer is wholly of one catalog, whenever the catalog is swapped', async (context) => {
  const versions = await Promise.all([1, 2].map(async (seed) => opened(fileOf(randomParts(seed, 60, 8)))));
  const searches = versions.map((catalog) => new CatalogSearch(catalog));
  const next = random(3);
  const texts = new Map(['a', 'b', 'c', 'd'].map((text) => [text, Float32Array.from({ length: 8 }, () => next(200) - 100.5)]));
  const pause = async (/** @type {number} */ turns) => {
    for (let turn = 0; turn < turns; turn++) await null;
  };
  const searcher = new Searcher({
    recent: 1,
    tokenizer: { encode: (text) => Int32Array.of(text.charCodeAt(0)) },
    preprocessor: /** @type {any} */ (null),
    search: searches[0],
    encoder: async () => ({
      space: versions[0].space, dim: 8, close() {}, async prepare() {}, image: () => assert.fail(),
      async text(ids) {
        await pause(next(6));
        return texts.get(String.fromCharCode(ids[0])) ?? assert.fail();
      },
    }),
  });
  const counts = [0, 0];
  for (let swap = 0; swap < SWAPS; swap++) {
    const text = [...texts.keys()][next(4)];
    const answer = searcher.search({ text, k: 10 });
    await pause(next(8));
    searcher.use(searches[swap % 2]);
    const { hits, catalog } = await answer;
    const place = versions.indexOf(catalog);
    counts[place] += 1;
    assert.deepEqual(hits, searches[place].search({ text: texts.get(text) ?? assert.fail() }, 10));
    assert.equal(searcher.catalog, versions[swap % 2]);
  }
  assert.ok(Math.min(...counts) > SWAPS / 10);
  context.diagnostic(`${SWAPS} searches during a swap, of two catalogs: 0`);
});

// A site's own settings and its host.

test('a site\'s updates.json is read, and nothing else for it', () => {
  const utf8 = (/** @type {unknown} */ told) => new TextEncoder().encode(JSON.stringify(told));
  const good = { version: 1, address: 'https://updates.example/shop.update', name: 'shop', keys: ['a', 'b'] };
  const { version, ...settings } = good;
  assert.deepEqual(readSettings(utf8(good), 'updates.json'), settings);
  for (const wrong of [{}, { ...good, version: 2 }, { ...good, keys: 'a' }, { ...good, name: 1 }, []]) {
    assert.throws(() => readSettings(utf8(wrong), 'updates.json'), { name: 'BadFileError' });
  }
});

test('a file is fetched from a host with ranges, without them, and where its end is known already', async () => {
  const content = Buffer.from('0123456789');
  let hasRanges = true;
  const server = createServer((request, response) => {
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    if (request.url !== '/folder/a/shop.catalog') return response.writeHead(404).end();
    if (!hasRanges || !request.headers.range) return response.end(content);
    if (from >= content.length) return response.writeHead(416).end();
    response.writeHead(206, { 'content-range': `bytes ${from}-9/10` }).end(content.subarray(from));
  });
  await new Promise((ready) => server.listen(0, '127.0.0.1', () => ready(undefined)));
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  const fetched = fetchFrom(`http://127.0.0.1:${port}/folder/shop.update`);
  const from = async (/** @type {number} */ place) => {
    const { body, from: start } = await fetched('a/shop.catalog', place);
    return [start, await new Response(body).text()];
  };
  try {
    assert.deepEqual([await from(0), await from(4), await from(10)], [[0, '0123456789'], [4, '456789'], [10, '']]);
    hasRanges = false;
    assert.deepEqual(await from(4), [0, '0123456789']);
    await assert.rejects(fetched('b', 0), /b cannot be loaded: 404/);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
