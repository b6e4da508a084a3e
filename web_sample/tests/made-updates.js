/** Files enter; an app's folder and a shop's host leave, in memory, which fail when a test wants it; and what a test signs. */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { CatalogMemory } from '../search/catalog/catalog-memory.js';
import { loadNext } from '../search/catalog/scan.js';
import { UpdateError } from '../update/update-error.js';
import { Updates } from '../update/updates.js';
import { opened } from './golden-answers.js';
import { joined } from './made-container.js';
import { goldens } from './vectors.js';

const PAGE = 65_536;
/** What Python says of the golden updates. */
export const answers = goldens.json('updates/answers.json');
export const { name, space } = answers;
export const keys = new TextDecoder().decode(file('key.txt')).trim().split('\n');
/** The catalog that came with the app. */
export const base = await opened(file('base.catalog'));

/** What was done to a folder or a site when the device was switched off. Nothing works afterwards. */
export class Killed extends Error {}

/** Counts what is done, and fails from one of the steps on. */
export class Steps {
  count = 0;

  /** @param {number} [last] the step that fails, and all after it @param {() => Error} [fault] */
  constructor(last = Infinity, fault = () => new Killed('killed')) {
    this.last = last;
    this.fault = fault;
  }

  step() {
    if (this.count++ >= this.last) throw this.fault();
  }
}

/** A folder. @implements {Folder} */
export class MadeFolder {
  /** Fails while it is written to, where the disk is full. @type {(name: string) => void} */
  writing = () => {};

  /** @param {Map<string, Uint8Array>} [files] @param {Steps} [steps] */
  constructor(files = new Map(), steps = new Steps()) {
    this.files = files;
    this.steps = steps;
  }

  /** @param {string} name */
  async read(name) {
    this.steps.step();
    const found = this.files.get(name);
    return found ? stream(pieces(found, 700), this.steps) : null;
  }

  /** @param {string} name @param {Uint8Array} bytes */
  async write(name, bytes) {
    this.steps.step();
    this.writing(name);
    this.files.set(name, bytes.slice());
    this.steps.step(); // it is written, and nobody hears of it
  }

  /** @param {string} name */
  async remove(name) {
    this.steps.step();
    this.files.delete(name);
    this.steps.step();
  }

  async names() {
    this.steps.step();
    return [...this.files.keys()];
  }
}

/** @typedef {import('../update/updates.js').Folder} Folder */

/** A host of files. */
export class MadeSite {
  /** @type {[string, number][]} path and place of what was asked for */
  asked = [];
  hasRanges = true;
  /** Bytes that come of an answer before it breaks off. */
  most = Infinity;

  /** @param {(path: string) => Uint8Array | null} file @param {Steps} [steps] */
  constructor(file, steps = new Steps()) {
    this.file = file;
    this.steps = steps;
  }

  /** @type {import('../update/updates.js').Fetch} */
  fetch = async (path, from) => {
    this.steps.step();
    this.asked.push([path, from]);
    const found = this.file(path);
    if (!found) throw new Error(`${path}: 404`);
    const start = this.hasRanges ? from : 0;
    return { from: start, body: stream(pieces(found.subarray(start, start + this.most), 500), this.steps) };
  };
}

/** @param {Uint8Array} bytes @param {number} size */
function pieces(bytes, size) {
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, place) => bytes.slice(place * size, (place + 1) * size));
}

/** @param {Uint8Array[]} some @param {Steps} steps @returns {ReadableStream<Uint8Array>} */
function stream(some, steps) {
  return new ReadableStream({
    pull(controller) {
      steps.step();
      const next = some.shift();
      if (next) controller.enqueue(next);
      else controller.close();
    },
  });
}

/**
 * What makes memories for one catalog after the other, in one of WebAssembly's: an engine takes its time to free them. A test may
 * use only the last that was made.
 * @param {number} most bytes of the largest
 */
export async function memories(most) {
  const memory = new WebAssembly.Memory({ initial: 1 + Math.ceil(most / PAGE) });
  const next = await loadNext(memory);
  return async (/** @type {number} */ bytes) => {
    if (bytes > most) throw new RangeError(`a memory of ${bytes} bytes`);
    return new CatalogMemory(memory, next, bytes);
  };
}

/** A key of a test's own: its public half as an app has it, and what signs. */
export async function signer() {
  const curve = { name: 'ECDSA', namedCurve: 'P-256' };
  const { publicKey, privateKey } = await crypto.subtle.generateKey(curve, true, ['sign', 'verify']);
  const key = Buffer.from(await crypto.subtle.exportKey('spki', publicKey)).toString('base64');
  const sign = async (/** @type {object} */ told) => {
    const message = new TextEncoder().encode(JSON.stringify(told));
    const signature = await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, privateKey, message);
    return joined(new Uint8Array(signature), message);
  };
  return { key, sign };
}

/** One of the golden files. @param {string} path */
export function file(path) {
  return goldens.bytes(`updates/${path}`);
}

/** @param {string} path */
export function digestIn(path) {
  return /"sha256":"([0-9a-f]{64})"/.exec(Buffer.from(file(path)).toString('latin1'))?.[1] ?? '';
}

/** @param {Uint8Array} bytes @param {{cut?: number, flip?: number, bit?: number, append?: number}} [edit] */
export function edited(bytes, { cut, flip, bit = 0, append = 0 } = {}) {
  const made = joined(bytes.subarray(0, cut ?? bytes.length), new Uint8Array(append));
  if (flip !== undefined) made[flip] ^= 1 << bit;
  return made;
}

/**
 * An app on a device that has this folder.
 * @param {MadeFolder} folder @param {MadeSite} site
 * @param {Partial<import('../update/updates.js').UpdateParts>} [others]
 */
export function app(folder, site, others = {}) {
  return new Updates({ name, space, keys: keys.slice(0, 1), folder, fetch: site.fetch, today: () => answers.today, block: 1000, ...others });
}

/** What an update came to, in the words of the goldens. @param {Promise<import('../update/updates.js').Answer>} update */
export async function outcome(update) {
  try {
    const answer = await update;
    if (!('catalog' in answer)) return { answer: 'current' };
    const { how, number, expired, bytes } = answer;
    return { answer: 'updated', how, number, expired, fetched: bytes };
  } catch (error) {
    assert.ok(error instanceof UpdateError, `${error}`);
    assert.ok(!error.message.includes('\n'));
    return { answer: 'failed', kind: error.kind.toUpperCase() };
  }
}

/**
 * A folder with that statement in force.
 * @param {string | null} statement @param {number | string} [highest]
 * @param {Record<string, number>} [parts] of downloads: how many bytes of these files are there
 */
export function folderOf(statement, highest = 0, parts = {}) {
  const folder = new MadeFolder();
  if (highest) folder.files.set('highest', new TextEncoder().encode(`${highest}`));
  for (const [path, length] of Object.entries(parts)) {
    folder.files.set(`${createHash('sha256').update(file(path)).digest('hex')}.part.0`, file(path).subarray(0, length));
  }
  if (statement === null) return folder;
  const { catalog } = told(statement);
  folder.files.set(`${name}.update`, file(statement));
  folder.files.set(`${catalog.digest}.catalog`, file(catalog.path));
  return folder;
}

/** What a golden statement says, believed or not. @param {string} statement */
export function told(statement) {
  return JSON.parse(Buffer.from(file(statement)).toString('latin1', 64));
}

/** Whether a golden statement is of the app's own encoders; none is. @param {string | null} statement */
export function isOwn(statement) {
  return statement === null || told(statement).space === space;
}

/**
 * What a golden update comes to in an app that takes no bundles: a statement of other encoders is refused, and one that was in
 * force is rolled back.
 * @param {any} one
 */
export function expectedOf(one) {
  const { encoders, ...expected } = one.expected;
  const isStill = isOwn(one.in_force);
  const before = isStill && one.in_force !== null ? told(one.in_force).number : 0;
  if (!one.bundles) return expected;
  if (!isOwn(one.file)) return { answer: 'failed', kind: 'REFUSED', in_force: before, highest: one.highest };
  if (expected.answer === 'failed') return { ...expected, in_force: before };
  const { fetched, ...others } = expected;
  return isStill ? expected : { ...others, how: 'delta' }; // from the app's own catalog, which ran instead
}

/** @param {MadeFolder} folder */
export function highestIn(folder) {
  return Number(new TextDecoder().decode(folder.files.get('highest') ?? new Uint8Array()));
}
