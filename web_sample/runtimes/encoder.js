/**
 * The files of a model's two encoders enter; an `EmbeddingEncoder` leaves, whatever runtime computes.
 *
 * @typedef {'text' | 'image'} Part
 * @typedef {Int32Array | Uint8Array} Input a text's ids, or a square's RGB8 row by row
 * @typedef {{run: (input: Input) => Promise<Float32Array>, close: () => void}} Loaded one encoder in a runtime
 * @typedef {(part: Part) => Promise<Uint8Array>} Load gives the bytes of an encoder's file
 * @typedef {import('../search/manifest.js').ModelManifest} ModelManifest
 */

import { BadFileError } from '../search/malformed.js';

/** Two encoders of one embedding space, each loaded when it is prepared or first asked. */
export class PartEncoder {
  /** @type {Partial<Record<Part, Promise<Loaded>>>} */
  #loaded = {};

  /**
   * @param {ModelManifest} manifest
   * @param {(part: Part) => Promise<Loaded>} start
   */
  constructor(manifest, start) {
    this.space = manifest.space;
    this.dim = manifest.dim;
    this.start = start;
  }

  /** @param {Int32Array} ids */
  async text(ids) {
    return this.#embedding('text', ids);
  }

  /** @param {Uint8Array} square */
  async image(square) {
    return this.#embedding('image', square);
  }

  /** @param {Part} part */
  async prepare(part) {
    await this.#part(part);
  }

  async close() {
    const loaded = Object.values(this.#loaded);
    this.#loaded = {};
    for (const one of await Promise.allSettled(loaded)) if (one.status === 'fulfilled') one.value.close();
  }

  /** What fails is forgotten, so that the next use tries again. @param {Part} part */
  #part(part) {
    const loading = this.#loaded[part] ?? this.start(part);
    this.#loaded[part] = loading;
    loading.catch(() => delete this.#loaded[part]);
    return loading;
  }

  /**
   * @param {Part} part
   * @param {Input} input
   */
  async #embedding(part, input) {
    const found = await (await this.#part(part)).run(input);
    if (found.length === this.dim) return found;
    throw new BadFileError(part, `an embedding of ${found.length} numbers, expected ${this.dim}`, 'mismatched');
  }
}

/**
 * Throws `BadFileError` for an encoder of another embedding space than the manifest's.
 *
 * @param {ModelManifest} manifest
 * @param {string} path of the encoder
 * @param {string} space from the encoder's stamp
 */
export function checkSpace(manifest, path, space) {
  if (space === manifest.space) return;
  throw new BadFileError(path, `of embedding space ${space}, the manifest of ${manifest.space}`, 'mismatched');
}
