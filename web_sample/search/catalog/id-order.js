/** An id enters; the place of its product leaves. Ids are compared by their UTF-8 bytes, unsigned. */

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
    let low = 0;
    let high = this.places.length;
    while (low < high) {
      const middle = low + high >>> 1;
      if (compareUtf8(this.idOf(this.places[middle]), id) < 0) low = middle + 1;
      else high = middle;
    }
    return low < this.places.length && this.idOf(this.places[low]) === id ? this.places[low] : null;
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
