/**
 * A text as code points enters; it leaves with its clusters replaced, by a precompiled character map of sentencepiece.
 *
 * The map is a double array of keys, UTF-8, each with a text; FORMATS.md says how it is read. Which clusters there are
 * follows from three sets, so no grapheme code of the platform takes part.
 */

import { ANY } from '../container.js';
import { malformed, wellFormed } from '../malformed.js';
import { points } from './text-html.js';
import { codePointSet } from './text-tables.js';
import { checkUtf8, continues, utf8 } from './vocabulary.js';

/** @typedef {import('../container.js').Container} Container */

const WHOLE = 6; // bytes: a shorter cluster is looked up as a whole
const LEAF = 0x80000000; // of a unit that holds a value
const HAS_VALUE = 0x100;
const LOW = 0xff; // what a byte changes of a place
const DECODER = new TextDecoder('utf-8', { ignoreBOM: true });

/** Replaces clusters and characters. Its constructor throws `Malformed` if a walk could leave the map. */
export class CharacterMap {
  /** @param {Container} container */
  constructor(container) {
    this.units = container.tensor('charsmap_units', 'U32', ANY);
    this.texts = container.tensor('charsmap_text', 'U8', ANY); // each with a 0 at its end
    this.extends = codePointSet(container, 'extends');
    this.prepends = codePointSet(container, 'prepends');
    this.unmarked = codePointSet(container, 'unmarked');
    const { units, texts } = this;
    wellFormed(units[0] < LEAF, () => 'charsmap_units have no root');
    wellFormed(texts[texts.length - 1] === 0, () => 'charsmap_text does not end with a zero byte');
    checkUtf8(texts, 'charsmap_text');
    units.forEach((unit, index) => {
      const place = unit < LEAF ? child(index, unit) : unit - LEAF;
      if (unit >= LEAF) {
        if (!(place < texts.length) || continues(texts[place])) malformed(`charsmap_text has no value at ${place}`);
      } else if ((place | LOW) >= units.length) malformed(`charsmap_units lead out of the map at ${index}`);
      else if (unit & HAS_VALUE && units[place] < LEAF) malformed(`charsmap_units have no value for ${index}`);
    });
  }

  /** @param {number[]} text */
  applied(text) {
    /** @type {number[]} */
    const whole = [];
    for (let start = 0, end = 0; start < text.length; start = end) {
      end = this.#clusterEnd(text, start);
      for (const point of this.#replaced(text.slice(start, end))) whole.push(point);
    }
    return whole;
  }

  /** @param {number[]} text @param {number} start */
  #clusterEnd(text, start) {
    let base = start;
    while (this.prepends.has(text[base]) && base + 1 < text.length && !this.unmarked.has(text[base + 1])
      && !this.extends.has(text[base + 1])) base += 1;
    let end = base + 1;
    if (!this.unmarked.has(text[base])) while (end < text.length && this.extends.has(text[end])) end += 1;
    return end;
  }

  /** @param {number[]} cluster */
  #replaced(cluster) {
    const key = utf8(cluster);
    return (key.length < WHOLE ? this.#value(key) : null)
      ?? cluster.flatMap((point) => this.#value(utf8([point])) ?? point);
  }

  /** The text of the shortest key with which `key` begins; null for none. @param {Uint8Array} key */
  #value(key) {
    const units = this.units;
    let place = child(0, units[0]);
    for (const byte of key) {
      place ^= byte;
      const unit = units[place];
      if (byte === 0 || unit >= LEAF || (unit & LOW) !== byte) return null;
      place = child(place, unit);
      if (!(unit & HAS_VALUE)) continue;
      const start = units[place] - LEAF;
      return points(DECODER.decode(this.texts.subarray(start, this.texts.indexOf(0, start))));
    }
    return null;
  }
}

/** Where the children of a unit begin; its value is at that place itself. @param {number} place @param {number} unit */
function child(place, unit) {
  return place ^ ((unit >>> 10) << ((unit & 0x200) >>> 6));
}
