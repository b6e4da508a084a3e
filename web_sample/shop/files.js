/**
 * A file's address and digest enter; its checked bytes leave, from the browser's cache or else from the network.
 *
 * @typedef {{path: string, digest: string, bytes?: number}} Wanted relative to the folder; `bytes` is what the file has
 * @typedef {(loaded: number, total: number) => void} Progress in bytes, of all that is being loaded; 0 of 0 at the end
 */

import { BadFileError } from '../search/malformed.js';

const CACHE = 'shop-files'; // not the service worker's: a page of another version keeps its model
const MANIFEST = 'manifest.json';

/** The files of a folder. A page without https, or in a private window, has no cache: then all is loaded each time. */
export class Files {
  #loaded = 0;
  #total = 0;
  #running = 0;

  /**
   * @param {string} folder its address
   * @param {Progress} tell
   */
  constructor(folder, tell) {
    this.folder = folder;
    this.tell = tell;
    this.cache = globalThis.caches?.open(CACHE).catch(() => undefined);
  }

  /** The manifests to try: the server's, if it can be had, then the one whose files are all here. */
  async *manifests() {
    const kept = await (await this.cache)?.match(this.#address(MANIFEST));
    try {
      yield new Uint8Array(await (await this.#fetched(MANIFEST, { cache: 'no-cache' })).arrayBuffer());
    } catch (error) {
      if (!kept) throw error;
    }
    if (kept) yield new Uint8Array(await kept.arrayBuffer());
  }

  /**
   * The whole file, which is kept if it passes `check`. `room` gives where to put so many bytes.
   *
   * @param {Wanted} wanted
   * @param {(bytes: Uint8Array) => Promise<void>} [check] throws; else by the file's SHA-256
   * @param {(bytes: number) => Uint8Array | Promise<Uint8Array>} [room]
   */
  async get(wanted, check = (bytes) => this.#check(wanted, bytes), room = (size) => new Uint8Array(size)) {
    const key = this.#key(wanted);
    const cache = await this.cache;
    const copy = await cache?.match(key);
    if (copy) return this.#read(wanted, copy, room);
    const bytes = await this.#read(wanted, await this.#fetched(wanted.path, { cache: 'no-store' }), room);
    await check(bytes);
    const headers = { 'content-length': String(bytes.length) };
    await cache?.put(key, new Response(/** @type {BodyInit} */ (bytes), { headers })).catch(() => {}); // the disk is full
    return bytes;
  }

  /**
   * The newest files are whole: those of an older set that were here are replaced, the rest of them goes.
   *
   * @param {Uint8Array} manifest
   * @param {Wanted[]} set
   */
  async settle(manifest, set) {
    const cache = await this.cache;
    if (!cache) return;
    const here = (await cache.keys()).map(({ url }) => url).filter((url) => url.startsWith(this.folder));
    const keys = set.map((wanted) => this.#key(wanted));
    for (const wanted of set) {
      const older = here.some((url) => url.startsWith(`${this.#address(wanted.path)}?`));
      if (older && !here.includes(this.#key(wanted))) await this.get(wanted);
    }
    const place = this.#address(MANIFEST);
    await cache.put(place, new Response(/** @type {BodyInit} */ (manifest)));
    for (const url of here) if (url !== place && !keys.includes(url)) await cache.delete(url);
  }

  /** @param {string} path */
  #address(path) {
    return new URL(path, this.folder).href;
  }

  /** @param {Wanted} wanted */
  #key({ path, digest }) {
    return `${this.#address(path)}?${digest}`;
  }

  /**
   * @param {string} path
   * @param {RequestInit} options
   */
  async #fetched(path, options) {
    const response = await fetch(this.#address(path), options).catch((error) => ({ ok: false, status: error.message }));
    if (response instanceof Response && response.ok) return response;
    throw new BadFileError(path, `it cannot be loaded: ${response.status}; \`make web\` writes it`, 'missing');
  }

  /**
   * @param {Wanted} wanted
   * @param {Response} response
   * @param {(bytes: number) => Uint8Array | Promise<Uint8Array>} room
   */
  async #read({ path, bytes }, response, room) {
    if (bytes === undefined || !response.body) {
      const all = new Uint8Array(await response.arrayBuffer());
      const place = await room(all.length);
      place.set(all);
      return place;
    }
    const place = await room(bytes);
    let at = 0;
    this.#running += 1;
    this.#total += bytes;
    try {
      const reader = response.body.getReader(); // Safari cannot loop over a stream
      for (let { value } = await reader.read(); value; { value } = await reader.read()) {
        if (at + value.length > bytes) throw new BadFileError(path, `more than the manifest's ${bytes} bytes`);
        place.set(value, at);
        at += value.length;
        this.tell(this.#loaded += value.length, this.#total);
      }
    } catch (error) {
      throw error instanceof BadFileError ? error : new BadFileError(path, `it broke off at byte ${at}: ${error}`, 'missing');
    } finally {
      this.#running -= 1;
      if (this.#running === 0) this.tell(this.#loaded = 0, this.#total = 0);
    }
    if (at < bytes) throw new BadFileError(path, `${at} bytes, the manifest says ${bytes}`);
    return place;
  }

  /**
   * @param {Wanted} wanted
   * @param {Uint8Array} bytes
   */
  async #check({ path, digest }, bytes) {
    const found = await sha256(/** @type {BufferSource} */ (bytes));
    if (found !== digest) throw new BadFileError(path, `SHA-256 ${found}, the manifest says ${digest}`);
  }
}

/** 64 hex digits. @param {BufferSource} bytes */
export async function sha256(bytes) {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
