/** An update and a fault at every step of it enter; whether a whole catalog is in force, and the next update comes, leaves. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UpdateError } from '../update/update-error.js';
import { MadeFolder, MadeSite, Steps, app, base, digestIn, edited, file, folderOf, name, outcome, told } from './made-updates.js';

/** What the site has: wednesday's, without deltas or with them. */
const ways = /** @type {{[way: string]: {statement: string, from: string | null}}} */ ({
  'the delta': { statement: 'shop.update', from: 'statements/tuesday.update' },
  'the whole file': { statement: 'statements/whole.update', from: null },
  'the catalog that is there': { statement: 'statements/same-catalog.update', from: 'shop.update' },
});

/** @param {string} statement @param {Steps} [steps] */
function siteOf(statement, steps) {
  return new MadeSite((path) => file(path === `${name}.update` ? statement : path), steps);
}

/**
 * A start after whatever happened: either catalog is in force, and whole; then an update that succeeds.
 * @param {MadeFolder} folder @param {string} statement @param {number[]} numbers
 */
async function recovers(folder, statement, numbers) {
  const updates = app(new MadeFolder(folder.files), siteOf(statement));
  const { number, catalog } = await updates.start({ digest: base.digest });
  assert.ok(numbers.includes(number), `${number} is in force, of ${numbers}`);
  await (catalog ?? base).verify();
  await updates.tidy();
  await updates.update(catalog ?? base);
  const last = app(new MadeFolder(folder.files), siteOf(statement));
  const after = await last.start({ digest: base.digest });
  assert.equal(after.number, Math.max(...numbers));
  assert.equal(after.catalog?.digest, digestIn('wednesday.catalog'));
  await after.catalog?.verify();
  await last.tidy();
  assert.deepEqual([...folder.files.keys()].sort(), [`${digestIn('wednesday.catalog')}.catalog`, 'highest', `${name}.update`].sort());
}

for (const [way, { statement, from }] of Object.entries(ways)) {
  const numbers = [from === null ? 0 : told(from).number, told(statement).number];

  test(`killed at any moment of an update by ${way}, a whole catalog is in force, and the next update comes`, async (context) => {
    for (let moment = 0, isDone = false; !isDone; moment++) {
      const steps = new Steps(moment);
      const folder = folderOf(from, numbers[0]);
      folder.steps = steps;
      const updates = app(folder, siteOf(statement, steps));
      try {
        const { catalog } = await updates.start({ digest: base.digest });
        await updates.tidy();
        await updates.update(catalog ?? base);
      } catch (error) {
        assert.ok(error instanceof UpdateError && ['disk', 'network'].includes(error.kind), `${error}`);
      }
      isDone = steps.count <= moment;
      if (isDone) context.diagnostic(`killed at ${moment} moments of an update by ${way}`);
      await recovers(folder, statement, numbers);
    }
  });

  test(`a disk that is full at any write of an update by ${way} leaves the old one, which says so`, async () => {
    for (let full = 0, writes = Infinity; full < writes; full++) {
      const folder = folderOf(from, numbers[0]);
      let count = 0;
      folder.writing = () => {
        if (count++ >= full) throw new DOMException('no room', 'QuotaExceededError');
      };
      const updates = app(folder, siteOf(statement));
      const { catalog } = await updates.start({ digest: base.digest });
      const found = await outcome(updates.update(catalog ?? base));
      if (count <= full) writes = full;
      else if (found.answer === 'failed') assert.equal(found.kind, 'DISK');
      else assert.equal(full, count - 1, 'only the highest number may be lost');
      await recovers(folder, statement, numbers);
    }
  });
}

test('a download that breaks off goes on where it ended, and begins anew where a host knows no ranges', async () => {
  for (const hasRanges of [true, false]) {
    const folder = new MadeFolder();
    const site = siteOf('statements/whole.update');
    Object.assign(site, { hasRanges, most: 2600 });
    const updates = app(folder, site);
    assert.deepEqual(await outcome(updates.update(base)), { answer: 'failed', kind: 'NETWORK' });
    const parts = [...folder.files].filter(([path]) => path.includes('.part.'));
    assert.equal(parts.reduce((sum, [, { length }]) => sum + length, 0), 2600);
    assert.ok(parts.length > 1, 'kept in blocks');
    site.most = Infinity;
    const again = app(folder, site);
    const answer = await outcome(again.update(base));
    const whole = file('wednesday.catalog').length;
    assert.deepEqual(answer, { answer: 'updated', how: 'whole', number: 3, expired: false,
      fetched: file('statements/whole.update').length + (hasRanges ? whole - 2600 : whole) });
    assert.deepEqual(site.asked.filter(([path]) => path === 'wednesday.catalog').map(([, place]) => place), [0, 2600]);
  }
});

test('a file that ends where its part ends is damaged, and in a delta\'s place the whole file comes', async () => {
  for (const [statement, short] of [['statements/whole.update', 'wednesday.catalog'], ['statements/tuesday.update', 'tuesday.delta']]) {
    const folder = new MadeFolder();
    const held = new Map([[short, file(short).subarray(0, 2600)]]);
    const site = new MadeSite((path) => held.get(path) ?? file(path === `${name}.update` ? statement : path));
    const places = () => site.asked.filter(([path]) => path === short).map(([, place]) => place);
    assert.deepEqual(await outcome(app(folder, site).update(base)), { answer: 'failed', kind: 'NETWORK' });
    assert.ok([...folder.files.keys()].some((path) => path.includes('.part.')), short);
    const again = await outcome(app(folder, site).update(base));
    assert.deepEqual(places(), [0, 2600], short);
    if (short.endsWith('.delta')) {
      const fetched = file(statement).length + file('tuesday.catalog').length;
      assert.deepEqual(again, { answer: 'updated', how: 'whole', number: 2, expired: false, fetched });
    } else {
      assert.deepEqual(again, { answer: 'failed', kind: 'DAMAGED' });
      assert.deepEqual([...folder.files.keys()], []);
      held.clear();
      assert.equal((await outcome(app(folder, site).update(base))).answer, 'updated');
      assert.deepEqual(places(), [0, 2600, 0]);
    }
  }
});

test('a download without a byte at its start, one that breaks off, and one of a host without ranges say nothing of the file', async () => {
  const folder = new MadeFolder();
  const site = siteOf('statements/whole.update');
  const isPart = (/** @type {[string, Uint8Array]} */ [path]) => path.includes('.part.');
  const kept = () => [...folder.files].filter(isPart).reduce((sum, [, { length }]) => sum + length, 0);
  const fails = async () => assert.deepEqual(await outcome(app(folder, site).update(base)), { answer: 'failed', kind: 'NETWORK' });
  const { fetch } = site;
  const empty = () => new Blob().stream();
  const breaking = () => new ReadableStream({ pull: (controller) => controller.error(new Error('broken off')) });
  const answering = (/** @type {() => ReadableStream<Uint8Array>} */ body, /** @type {boolean} */ hasRanges) => {
    site.fetch = async (path, from) => path.endsWith('.update') ? fetch(path, from) : { body: body(), from: hasRanges ? from : 0 };
  };
  answering(empty, true);
  await fails();
  assert.equal(kept(), 0);
  site.most = 2600;
  site.fetch = fetch;
  await fails();
  assert.equal(kept(), 2600);
  answering(breaking, true);
  await fails();
  assert.equal(kept(), 2600);
  answering(empty, false);
  await fails();
  assert.equal(kept(), 0);
});

test('blocks that were changed on the disk are thrown away, and the next update is whole', async () => {
  const folder = new MadeFolder();
  const site = siteOf('statements/whole.update');
  site.most = 2600;
  await outcome(app(folder, site).update(base));
  const [path, bytes] = [...folder.files].find(([part]) => part.includes('.part.')) ?? assert.fail();
  folder.files.set(path, edited(bytes, { flip: 5 }));
  site.most = Infinity;
  assert.deepEqual(await outcome(app(folder, site).update(base)), { answer: 'failed', kind: 'DAMAGED' });
  assert.deepEqual([...folder.files.keys()], []);
  assert.equal((await outcome(app(folder, site).update(base))).answer, 'updated');
});

test('a download for a statement that is no longer in force is thrown away', async () => {
  const folder = new MadeFolder(new Map([[`${'a'.repeat(64)}.part.0`, new Uint8Array(9)]]));
  const site = siteOf('statements/whole.update');
  site.most = 2600;
  await outcome(app(folder, site).update(base));
  assert.ok(folder.files.size > 0 && ![...folder.files.keys()].some((path) => path.startsWith('a'.repeat(64))));
});

test('an update that is cancelled keeps what has come, and only one runs at a time', async () => {
  const folder = new MadeFolder();
  const controller = new AbortController();
  const site = siteOf('statements/whole.update');
  const updates = app(folder, site);
  folder.writing = (path) => path.includes('.part.') && controller.abort(new Error('enough'));
  const running = updates.update(base, { signal: controller.signal });
  await assert.rejects(updates.update(base), /is running already/);
  await assert.rejects(running, /enough/);
  assert.ok([...folder.files.keys()].every((path) => path.includes('.part.')));
  folder.writing = () => {};
  assert.equal((await outcome(updates.update(base))).answer, 'updated');
});

test('a folder that cannot be read deletes nothing, and the site\'s own catalog is searched', async () => {
  const folder = folderOf('statements/tuesday.update', 2);
  folder.steps = new Steps(0);
  const updates = app(folder, siteOf('shop.update'));
  assert.deepEqual(await updates.start({ digest: base.digest }), { number: 0, expired: false, catalog: null });
  await updates.tidy();
  assert.equal(folder.files.size, 3);
});

test('a page beside one that has updated the folder deletes nothing of it', async () => {
  const folder = folderOf('statements/tuesday.update', 2);
  const slow = app(folder, siteOf('shop.update'));
  const { catalog } = await slow.start({ digest: base.digest });
  const quick = app(folder, siteOf('shop.update'));
  await quick.update((await quick.start({ digest: base.digest })).catalog ?? assert.fail());
  await slow.tidy();
  assert.equal((await app(folder, siteOf('shop.update')).start({ digest: base.digest })).number, 3);
  assert.equal((await outcome(slow.update(catalog ?? assert.fail()))).answer, 'updated');
});

