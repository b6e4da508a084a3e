/**
 * A folder of this device and a way to fetch enter; the shop's newest catalog leaves, once the shop's own key proved it.
 *
 * In the folder: `<name>.update`, the statement in force; `<digest>.catalog`, its catalog; `<sha256>.part.<offset>`, blocks of
 * a download that is not whole; `highest`, the highest number that was ever in force here.
 */

import { CatalogMemory } from '../search/catalog/catalog-memory.js';
import { openCatalog } from '../search/catalog/catalog.js';
import { BadFileError, allowed } from '../search/malformed.js';
import { sha256 } from '../shop/files.js';
import { follow } from './delta.js';
import { MOST_BYTES, holds, readStatement } from './statement.js';
import { UpdateError, kindly } from './update-error.js';

/** @typedef {import('../search/catalog/catalog.js').ProductCatalog} ProductCatalog */
/** @typedef {import('./statement.js').Statement} Statement */

/**
 * Where files are kept. `write` replaces a file whole, or leaves it as it was.
 * @typedef {object} Folder @property {(name: string) => Promise<ReadableStream<Uint8Array> | null>} read null: not there
 * @property {(name: string, bytes: Uint8Array) => Promise<void>} write @property {(name: string) => Promise<void>} remove
 * @property {() => Promise<string[]>} names
 */

/**
 * Fetches a file below the statement's address. `from`: where to start, and where the body really starts: at 0 where the
 * host knows no ranges. The body may end early, and is empty where the host's file has nothing from there on. Rejects where
 * there is no network, or no such file.
 * @typedef {(path: string, from: number, signal?: AbortSignal) => Promise<{body: ReadableStream<Uint8Array>, from: number}>} Fetch
 */

/**
 * What updates are made of. `keys`: one or two public keys, of which either may sign. `space`: the encoders' own. `today`: the
 * day in UTC, YYYY-MM-DD. `told` hears of what went wrong and was made good. `block`: bytes after which a download is kept.
 * @typedef {object} UpdateParts @property {string} name @property {string[]} keys @property {string} space
 * @property {Folder} folder @property {Fetch} fetch @property {import('./statement.js').Check} [check]
 * @property {() => string} [today] @property {(event: unknown) => void} [told] @property {number} [block]
 * @property {(bytes: number) => Promise<CatalogMemory>} [create]
 */

/**
 * What came with the app: the catalog's digest, and the statement beside it, where there is one.
 * @typedef {{digest?: string, statement?: Uint8Array}} Bundled
 */

/**
 * `number`: what is in force, 0 for the app's own catalog without a statement. `expired`: its prices may be out of date.
 * @typedef {{number: number, expired: boolean}} InForce
 * @typedef {InForce & ({how: 'current'} | {how: 'delta' | 'whole' | 'same', catalog: ProductCatalog, bytes: number})} Answer
 *   `bytes`: how many were fetched
 */

const HIGHEST = 'highest';
const PART = '.part.';
const BLOCK = 1 << 22;

/** The updates of one catalog. */
export class Updates {
  #parts;
  /** @type {Statement | null} */
  #inForce = null;
  /** @type {Bundled} */
  #bundled = {};
  #isRunning = false;
  #fetched = 0;

  /** @param {UpdateParts} parts */
  constructor(parts) {
    this.#parts = { check: holds, today: () => new Date().toISOString().slice(0, 10), told: () => {}, block: BLOCK,
      create: CatalogMemory.create, ...parts };
  }

  /**
   * What is in force at a start, with its catalog; null for the app's own. Whatever is wrong in the folder, that one is.
   * @param {Bundled} [bundled] @returns {Promise<InForce & {catalog: ProductCatalog | null}>}
   */
  async start(bundled = {}) {
    this.#bundled = bundled;
    const { statement } = bundled;
    this.#inForce = statement ? await this.#trusting(() => this.#trusted(statement)) : null;
    const catalog = await this.#trusting(async () => {
      const kept = await this.#kept();
      if (!kept || kept.number < (this.#inForce?.number ?? 0)) return null;
      const opened = kept.catalog.digest === bundled.digest ? null : await this.#opened(kept);
      this.#inForce = kept;
      return opened;
    });
    return { ...this.#state(), catalog };
  }

  /**
   * Deletes what is of no use any more: the catalogs of older statements, and a statement that is not to be believed. For a time
   * when no other page of the shop updates this folder.
   */
  async tidy() {
    await this.#trusting(async () => {
      const kept = await this.#kept().catch((error) => {
        if (error instanceof UpdateError && error.kind === 'disk') throw error;
        return null;
      });
      const used = kept ? [this.#file, `${kept.catalog.digest}.catalog`] : [];
      await this.#remove((name) => !used.includes(name) && name !== HIGHEST && !name.includes(PART));
      const { number } = this.#state();
      if (number > await this.#highest()) await this.#writeHighest(number);
    });
  }

  /**
   * Fetches what the shop says is in force, and puts it in force. The caller then searches the answer's catalog. Rejects with
   * an `UpdateError`, a RangeError where there is too little memory, or the signal's reason; the old catalog then stays. What
   * was fetched of a whole catalog is kept for the next time.
   *
   * @param {ProductCatalog} running what is searched now @param {{signal?: AbortSignal}} [options] @returns {Promise<Answer>}
   */
  async update(running, { signal } = {}) {
    allowed(!this.#isRunning, () => 'an update is running already');
    this.#isRunning = true;
    this.#fetched = 0;
    try {
      return await this.#updated(running, signal);
    } catch (error) {
      throw signal?.aborted ? signal.reason : error;
    } finally {
      this.#isRunning = false;
    }
  }

  /** @param {ProductCatalog} running @param {AbortSignal} [signal] @returns {Promise<Answer>} */
  async #updated(running, signal) {
    const bytes = await this.#loaded(this.#file, MOST_BYTES, signal).catch((error) => {
      throw isDamage(error) ? new UpdateError('refused', error.message, error) : error;
    });
    const statement = await this.#trusted(bytes);
    const highest = Math.max(await this.#highest(), this.#inForce?.number ?? 0);
    if (statement.number < highest) {
      throw new UpdateError('refused', `the statement is older: its number is ${statement.number}, here was ${highest}`);
    }
    if (statement.number === this.#inForce?.number) {
      await this.#forgetParts();
      return { ...this.#state(), how: 'current' };
    }
    const { digest } = statement.catalog;
    const { catalog, how } = await this.#made(statement, running, signal);
    const isHere = digest === this.#bundled.digest
      || (await kindly('disk', () => this.#parts.folder.names())).includes(`${digest}.catalog`);
    signal?.throwIfAborted();
    if (how !== 'same' || !isHere) await this.#write(`${digest}.catalog`, catalog.memory.file);
    await this.#write(this.#file, bytes); // from here on the new one is in force
    this.#inForce = statement;
    await this.#trusting(() => this.#writeHighest(statement.number));
    await this.#forgetParts();
    return { ...this.#state(), how, catalog, bytes: this.#fetched };
  }

  /**
   * The statement's catalog, verified whole.
   * @param {Statement} statement @param {ProductCatalog} running @param {AbortSignal} [signal]
   * @returns {Promise<{how: 'delta' | 'whole' | 'same', catalog: ProductCatalog}>}
   */
  async #made({ catalog, deltas }, running, signal) {
    if (running.digest === catalog.digest) {
      await checkBytes(running.memory.file, catalog);
      return { how: 'same', catalog: running };
    }
    const named = [catalog, ...deltas].map(({ sha256 }) => sha256 + PART);
    await kindly('disk', () => this.#remove((name) => name.includes(PART) && !named.some((part) => name.startsWith(part))));
    const delta = deltas.find(({ base }) => base === running.digest);
    if (delta) {
      try {
        const bytes = await this.#downloaded(delta, new Uint8Array(delta.bytes), signal);
        const made = await follow(running, bytes, { name: delta.path, most: catalog.bytes, create: this.#parts.create });
        await checkBytes(made.memory.file, catalog);
        return { how: 'delta', catalog: made };
      } catch (error) {
        if (!isDamage(error)) throw error;
        this.#parts.told(error);
      }
    }
    return { how: 'whole', catalog: await this.#whole(catalog, signal) };
  }

  /** @param {import('./statement.js').PublishedCatalog} wanted @param {AbortSignal} [signal] */
  async #whole(wanted, signal) {
    const memory = await this.#parts.create(wanted.bytes);
    try {
      await this.#downloaded(wanted, memory.file, signal);
      const catalog = openCatalog(memory, wanted.path, this.#parts.space, wanted.digest);
      await catalog.verify();
      return catalog;
    } catch (error) {
      if (!(error instanceof BadFileError)) throw error;
      await this.#forgetParts();
      throw new UpdateError('damaged', error.message, error);
    }
  }

  /**
   * Fills the room with a file's checked bytes: what was kept of it, and the rest from the network.
   * @param {import('./statement.js').PublishedFile} wanted @param {Uint8Array} room @param {AbortSignal} [signal]
   */
  async #downloaded(wanted, room, signal) {
    try {
      await this.#resumed(wanted, room, signal);
      await checkBytes(room, wanted);
      return room;
    } catch (error) {
      if (isDamage(error)) await kindly('disk', () => this.#remove((name) => name.startsWith(wanted.sha256 + PART)));
      throw error;
    }
  }

  /** @param {import('./statement.js').PublishedFile} wanted @param {Uint8Array} file @param {AbortSignal} [signal] */
  async #resumed({ path, sha256: digest, bytes }, file, signal) {
    const part = digest + PART;
    let saved = 0;
    const names = await kindly('disk', () => this.#parts.folder.names());
    while (names.includes(part + saved)) {
      const length = await this.#readInto(part + saved, file.subarray(saved));
      if (!length) break;
      saved += length;
    }
    if (saved === bytes) return;
    const { body, from } = await kindly('network', () => this.#parts.fetch(path, saved, signal));
    if (from !== saved) await kindly('disk', () => this.#remove((name) => name.startsWith(part)));
    if (from !== saved && from !== 0) throw new UpdateError('network', `${path} begins at byte ${from}, expected ${saved}`);
    saved = from;
    let end = from;
    const save = async () => {
      if (end > saved) await this.#write(part + saved, file.subarray(saved, end));
      saved = end;
    };
    try {
      await drain(body, file.subarray(from), path, 'network', async (piece) => {
        end += piece;
        if (end - saved >= this.#parts.block) await save();
        this.#count(piece, signal);
      });
      if (end === from && from > 0) throw new UpdateError('damaged', `${path} ends at byte ${end}, the statement says ${bytes}`);
      if (end < bytes) throw early(path, end, bytes);
    } catch (error) {
      if (!isDamage(error)) await save();
      throw error;
    }
  }

  /** A file of at most so many bytes. @param {string} path @param {number} most @param {AbortSignal} [signal] */
  async #loaded(path, most, signal) {
    const { body } = await kindly('network', () => this.#parts.fetch(path, 0, signal));
    const room = new Uint8Array(most);
    return room.subarray(0, await drain(body, room, path, 'network', async (piece) => this.#count(piece, signal)));
  }

  /** @param {number} piece bytes that came @param {AbortSignal} [signal] */
  #count(piece, signal) {
    this.#fetched += piece;
    signal?.throwIfAborted();
  }

  /** The statement in the folder; null for none. */
  async #kept() {
    const room = new Uint8Array(MOST_BYTES);
    const length = await this.#readInto(this.#file, room);
    return length === null ? null : this.#trusted(room.subarray(0, length));
  }

  /** The statement's catalog in the folder. @param {Statement} statement */
  async #opened({ catalog: { digest, bytes } }) {
    const name = `${digest}.catalog`;
    const memory = await this.#parts.create(bytes);
    const length = await this.#readInto(name, memory.file);
    if (length !== bytes) throw new BadFileError(name, `${length ?? 'no'} bytes, the statement says ${bytes}`);
    return openCatalog(memory, name, this.#parts.space, digest);
  }

  /** The highest number that was ever in force here. */
  async #highest() {
    const room = new Uint8Array(16);
    const length = await this.#readInto(HIGHEST, room).catch((error) => {
      if (!isDamage(error)) throw error;
      return null;
    });
    const text = new TextDecoder().decode(room.subarray(0, length ?? 0));
    return /^[0-9]+$/.test(text) ? Number(text) : 0;
  }

  /** What is in force needs no download. */
  #forgetParts() {
    return this.#trusting(() => this.#remove((name) => name.includes(PART)));
  }

  /** @param {number} number */
  #writeHighest(number) {
    return this.#write(HIGHEST, new TextEncoder().encode(`${number}`));
  }

  /** How many bytes a file of the folder has, which are put into `room`; null for no file. @param {string} name @param {Uint8Array} room */
  async #readInto(name, room) {
    const body = await kindly('disk', () => this.#parts.folder.read(name));
    return body && drain(body, room, name, 'disk');
  }

  /** A statement that is for this app. @param {Uint8Array} file */
  async #trusted(file) {
    const { name, keys, space, check } = this.#parts;
    const statement = await readStatement(file, keys, check);
    const wrong = statement.name !== name ? `it is of '${statement.name}', expected '${name}'`
      : statement.space === space ? null // whatever its manifest: the encoders are the site's
        : statement.manifest?.files.length ? 'it is an update with other encoders, which this app does not take'
          : `it is an update of another embedding space: its own is ${statement.space}, the encoders' is ${space}`;
    if (wrong) throw new UpdateError('refused', `the statement is not for this app: ${wrong}`);
    return statement;
  }

  /** The work's result; null where it fails, which is told. @template T @param {() => Promise<T>} work */
  async #trusting(work) {
    try {
      return await work();
    } catch (error) {
      this.#parts.told(error);
      return null;
    }
  }

  /** @param {string} name @param {Uint8Array} bytes */
  #write(name, bytes) {
    return kindly('disk', () => this.#parts.folder.write(name, bytes));
  }

  /** @param {(name: string) => boolean} isUseless */
  async #remove(isUseless) {
    for (const name of await this.#parts.folder.names()) if (isUseless(name)) await this.#parts.folder.remove(name);
  }

  get #file() {
    return `${this.#parts.name}.update`;
  }

  #state() {
    const { number = 0, notAfter = null } = this.#inForce ?? {};
    return { number, expired: notAfter !== null && this.#parts.today() > notAfter };
  }
}

/**
 * Puts a body into the room; answers how many bytes it has. `reached` is told of each piece that has come.
 *
 * @param {ReadableStream<Uint8Array>} body @param {Uint8Array} room @param {string} name
 * @param {import('./update-error.js').UpdateErrorKind} kind of what fails on the way @param {(bytes: number) => Promise<void>} [reached]
 */
async function drain(body, room, name, kind, reached = async () => {}) {
  const reader = body.getReader(); // Safari cannot loop over a stream
  let end = 0;
  try {
    for (;;) {
      const { value } = await kindly(kind, () => reader.read());
      if (!value) return end;
      if (value.length > room.length - end) throw new UpdateError('damaged', `${name} has more than ${room.length} bytes`);
      room.set(value, end);
      end += value.length;
      await reached(value.length);
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

/** @param {Uint8Array} file @param {import('./statement.js').PublishedFile} wanted */
async function checkBytes(file, { path, sha256: digest, bytes }) {
  const found = await sha256(/** @type {BufferSource} */ (file));
  if (file.length === bytes && found === digest) return;
  throw new UpdateError('damaged', `${path}: ${file.length} bytes of SHA-256 ${found}, the statement says ${bytes} of ${digest}`);
}

/** @param {string} path @param {number} end @param {number} bytes */
function early(path, end, bytes) {
  return new UpdateError('network', `${path} broke off at byte ${end} of ${bytes}`);
}

/** Whether bytes are not what they should be. @param {unknown} error @returns {error is Error} */
function isDamage(error) {
  return error instanceof BadFileError || error instanceof UpdateError && error.kind === 'damaged';
}
