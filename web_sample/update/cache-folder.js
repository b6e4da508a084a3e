/** A name and an address enter; a folder in the browser's Cache API leaves. An entry is replaced whole, or not at all. */

/** @typedef {import('./updates.js').Folder} Folder */

/** The files below an address that nobody asks a server for. @implements {Folder} */
export class CacheFolder {
  #cache;
  #address;

  /** @param {Cache} cache @param {string} address of the folder, of this origin; entries need one each */
  constructor(cache, address) {
    this.#cache = cache;
    this.#address = address;
  }

  /** @param {string} name */
  async read(name) {
    return (await this.#cache.match(this.#address + name))?.body ?? null;
  }

  /** Rejects where the disk is full. @param {string} name @param {Uint8Array} bytes */
  write(name, bytes) {
    return this.#cache.put(this.#address + name, new Response(/** @type {BodyInit} */ (bytes)));
  }

  /** @param {string} name */
  async remove(name) {
    await this.#cache.delete(this.#address + name);
  }

  async names() {
    const addresses = (await this.#cache.keys()).map(({ url }) => url);
    return addresses.filter((url) => url.startsWith(this.#address)).map((url) => url.slice(this.#address.length));
  }
}
