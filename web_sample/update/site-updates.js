/** The address of a site's updates.json enters; the updates that it names leave, kept in the browser's cache. */

import { asArray, asInteger, asObject, asText, parse, part } from '../search/json.js';
import { BadFileError, reading, wellFormed } from '../search/malformed.js';
import { CacheFolder } from './cache-folder.js';
import { Updates } from './updates.js';

const CACHE = 'shop-updates';
const VERSION = 1;
const NO_SUCH_RANGE = 416;
const PARTIAL = 206;

/** @typedef {{address: string, name: string, keys: string[]}} Settings `address`: the statement's; absolute, or from the site's host */

/**
 * Updates for encoders of that space; null where the browser keeps nothing: then the site's own catalog is all there is.
 * Rejects with `BadFileError` where updates.json is none.
 *
 * @param {string} file the address of updates.json @param {string} space @param {(event: unknown) => void} told
 */
export async function siteUpdates(file, space, told) {
  const cache = await globalThis.caches?.open(CACHE).catch(() => null);
  if (!cache) return null;
  const response = await fetch(file, { cache: 'no-cache' });
  if (!response.ok) throw new BadFileError(file, `it cannot be loaded: ${response.status}`, 'missing');
  const { address, name, keys } = readSettings(new Uint8Array(await response.arrayBuffer()), file);
  const folder = new CacheFolder(cache, new URL(`updates/${name}/`, file).href);
  return new SiteUpdates({ name, keys, space, folder, fetch: fetchFrom(new URL(address, file).href), told });
}

/** Throws `BadFileError`. @param {Uint8Array} utf8 @param {string} file for errors @returns {Settings} */
export function readSettings(utf8, file) {
  return reading(file, () => {
    const members = asObject(parse(utf8, { once: true }), 'the file');
    const version = asInteger(part(members, 'version'), 'version');
    wellFormed(version === VERSION, () => `version ${version}, expected ${VERSION}`);
    const text = (/** @type {string} */ key) => asText(part(members, key), key);
    const keys = Array.from(asArray(part(members, 'keys'), 'keys'), (key) => asText(key, 'a key'));
    return { address: text('address'), name: text('name'), keys };
  });
}

/**
 * Files beside the statement, over HTTP. Nothing of the shopper goes along: no cookie, no address of the page.
 *
 * @param {string} statement its address @returns {import('./updates.js').Fetch}
 */
export function fetchFrom(statement) {
  return async (path, from, signal) => {
    const response = await fetch(new URL(path, statement), {
      signal, cache: 'no-store', credentials: 'omit', referrerPolicy: 'no-referrer', headers: from > 0 ? { range: `bytes=${from}-` } : {},
    });
    if (from > 0 && response.status === NO_SUCH_RANGE) return { body: new Blob().stream(), from };
    if (!response.ok || !response.body) throw new Error(`${path} cannot be loaded: ${response.status}`);
    const told = response.headers.get('content-range')?.match(/^bytes (\d+)-/)?.[1]; // which another host may hide
    return { body: response.body, from: response.status === PARTIAL ? Number(told ?? from) : 0 };
  };
}

/** Updates of which one page of the shop takes care at a time. */
class SiteUpdates extends Updates {
  /** As `update`; null where another page of the shop does it. @param {import('./updates.js').ProductCatalog} running */
  alone(running) {
    return navigator.locks.request(CACHE, { ifAvailable: true }, async (lock) => {
      if (lock) await this.tidy();
      return lock && this.update(running);
    });
  }
}
