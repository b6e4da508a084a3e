/** An id enters; the place of its product leaves. Ids are compared by their UTF-8 bytes, unsigned. */

import { lowerBound } from '../lower-bound.js';

/** Products by their ids: their places, sorted. */
export class IdOrder {
  /**
   * The order of the ids of so many products, for a file without one. Reads every record.
   * @param {number} products @param {(product: number) => string} idOf
   */
  static sorted(products, idOf) {
    const ids = Array.from({ length: products }, (_, place) => idOf(place));
    const places = Uint32Array.from(ids.keys()).sort((one, other) => compareUtf8(ids[one], ids[other]) || one - other);
    return new IdOrder(places, idOf);
  }

  /** @param {Uint32Array} places @param {(product: number) => string} idOf */
  constructor(places, idOf) {
    this.places = places;
    this.idOf = idOf;
  }

  /**
   * Where the product of that id stands; null for none. Parses the records that it meets: 20 of a million.
   * @param {string} id
   */
  place(id) {
    const { places, idOf } = this;
    const found = lowerBound(places.length, (index) => compareUtf8(idOf(places[index]), id) < 0);
    return found < places.length && idOf(places[found]) === id ? places[found] : null;
  }
}

/**
 * Compares two texts as their UTF-8 bytes do: by code points, which UTF-16's units do not where there are surrogates.
 * @param {string} one @param {string} other
 */
export function compareUtf8(one, other) {
  const both = Math.min(one.length, other.length);
  for (let index = 0; index < both; index++) {
    if (one[index] !== other[index]) return rank(one.charCodeAt(index)) - rank(other.charCodeAt(index));
  }
  return one.length - other.length;
}

/** Surrogates, which make up the code points from 0x10000 on, after all other units. @param {number} unit */
function rank(unit) {
  return unit >= 0xD800 && unit <= 0xDFFF ? unit + 0x10000 : unit;
}
