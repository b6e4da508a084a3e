/** The tensors of `tokenizer.safetensors` enter; checked tables leave. FORMATS.md says what each holds. */

import { ANY } from '../container.js';
import { lowerBound } from '../lower-bound.js';
import { wellFormed } from '../malformed.js';

/** @typedef {import('../container.js').Container} Container */

const LAST_POINT = 0x10ffff;
const NONE = new Uint32Array(0);
const LONGEST = 64; // code points of a value; the reference's longest has 4

/** A set of code points. */
export class CodePointSet {
  #ranges;

  /** @param {number[]} ranges first, last, first, last and so on, ascending */
  constructor(ranges) {
    this.#ranges = ranges;
  }

  /** @param {number} point */
  has(point) {
    return this.rangeOf(point) >= 0;
  }

  /** The number of the range that holds the point; -1 for none. @param {number} point */
  rangeOf(point) {
    const ranges = this.#ranges;
    const found = lowerBound(ranges.length / 2, (range) => ranges[2 * range + 1] < point);
    return ranges[2 * found] <= point ? found : -1; // beyond the last range stands undefined
  }
}

/** Every code point replaced for which `values` has others. @param {number[]} text @param {CodePointMap} values */
export function mapped(text, values) {
  const found = [];
  for (const point of text) {
    const value = values.get(point);
    if (value) found.push(...value);
    else found.push(point);
  }
  return found;
}

/** @typedef {{get(point: number): number[] | undefined}} CodePointMap what a code point becomes */

/** Tables of the asset. Its constructor throws `Malformed` or `BadFileError`. */
export class TextTables {
  #combining;
  #combiningRanges;
  #compositions;
  #ignoreCase;

  /** @param {Container} container @param {string[]} needed the tables to read; the others are empty */
  constructor(container, needed) {
    /** @param {string} name @param {number} width */
    const rows = (name, width) => needed.includes(name) ? container.tensor(name, 'U32', ANY, width) : NONE;
    /** @param {string} name */
    const set = (name) => ranges(rows(name, 2), 2, name);
    this.letters = set('letters');
    this.numbers = set('numbers');
    this.separators = set('separators');
    this.spaces = set('spaces');
    this.removed = set('removed');
    this.decimals = set('decimals');
    this.cased = set('cased');
    this.caseIgnorable = set('case_ignorable');
    /** @template K @param {string} name @param {(container: Container, name: string) => Map<K, number[]>} read */
    const values = (name, read) => needed.includes(name) ? read(container, name) : new Map();
    this.fold = values('fold', map);
    this.lower = values('lower', map);
    this.decompositions = values('decompositions', map);
    this.charrefs = values('charrefs', map);
    this.html = values('html', names);
    this.htmlShouted = values('html_shouted', names);
    this.#combining = rows('combining', 3);
    this.#combiningRanges = ranges(this.#combining, 3, 'combining');
    this.#compositions = pairs(rows('compositions', 3), 3, 'compositions');
    this.#ignoreCase = pairs(rows('ignore_case', 2), 2, 'ignore_case');
  }

  /** Canonical combining class. @param {number} point */
  rank(point) {
    const range = this.#combiningRanges.rangeOf(point);
    return range < 0 ? 0 : this.#combining[3 * range + 2];
  }

  /** The one code point that the two make; undefined for none. @param {number} first @param {number} second */
  composition(first, second) {
    return this.#compositions.get(pair(first, second));
  }

  /** The ASCII letter that a character equals when case is ignored, else itself. @param {number} point */
  ignoringCase(point) {
    return this.#ignoreCase.get(pair(0, point)) ?? point;
  }
}

/** A set of the asset. Throws `Malformed` or `BadFileError`. @param {Container} container @param {string} name */
export function codePointSet(container, name) {
  return ranges(container.tensor(name, 'U32', ANY, 2), 2, name);
}

/** One number for two code points. @param {number} first @param {number} second */
function pair(first, second) {
  return first * (LAST_POINT + 1) + second;
}

/** By the code points of a row before its last, the last. @param {Uint32Array} rows @param {number} width
 * @param {string} name */
function pairs(rows, width, name) {
  checkPoints(rows, name);
  return new Map(Array.from({ length: rows.length / width }, (_, index) => {
    const end = index * width + width - 1;
    return [pair(width > 2 ? rows[end - 2] : 0, rows[end - 1]), rows[end]];
  }));
}

/** The first two columns, which must be ascending ranges. @param {Uint32Array} rows @param {number} width
 * @param {string} name */
function ranges(rows, width, name) {
  const found = [];
  for (let at = 0, last = -1; at < rows.length; at += width) {
    const first = rows[at];
    const fits = first > last && rows[at + 1] >= first && rows[at + 1] <= LAST_POINT;
    wellFormed(fits, () => `the ranges of '${name}' are out of order`);
    last = rows[at + 1];
    found.push(first, last);
  }
  return new CodePointSet(found);
}

/** Code points and what each becomes. @param {Container} container @param {string} name */
function map(container, name) {
  const keys = container.tensor(`${name}_keys`, 'U32', ANY);
  checkPoints(keys, name);
  const rise = keys.every((key, index) => index === 0 || key > keys[index - 1]);
  wellFormed(rise, () => `the keys of '${name}' are out of order`);
  return valued(container, name, Array.from(keys));
}

/** ASCII names and what each stands for. @param {Container} container @param {string} name */
function names(container, name) {
  const letters = container.tensor(`${name}_names`, 'U8', ANY);
  wellFormed(letters.every((letter) => letter < 0x80), () => `the names of '${name}' are not ASCII`);
  const text = new TextDecoder().decode(letters);
  return valued(container, name, pieces(text, container.tensor(`${name}_name_offsets`, 'U32', ANY), name));
}

/** @template K @param {Container} container @param {string} name @param {K[]} keys @returns {Map<K, number[]>} */
function valued(container, name, keys) {
  const points = container.tensor(`${name}_values`, 'U32', ANY);
  checkPoints(points, name);
  const values = pieces(Array.from(points), container.tensor(`${name}_offsets`, 'U32', ANY), name);
  for (const { length } of values) {
    wellFormed(length <= LONGEST, () => `a value of '${name}' has ${length} code points`);
  }
  wellFormed(keys.length === values.length, () => `'${name}' has ${keys.length} keys and ${values.length} values`);
  return new Map(keys.map((key, index) => [key, values[index]]));
}

/**
 * `items` cut at the offsets, which must rise from 0 to their end.
 *
 * @template {{length: number, slice(from: number, to: number): T}} T
 * @param {T} items @param {Uint32Array} offsets @param {string} name
 */
function pieces(items, offsets, name) {
  const rise = offsets.every((offset, index) => index === 0 || offset >= offsets[index - 1]);
  wellFormed(rise && offsets[0] === 0 && offsets[offsets.length - 1] === items.length, () =>
    `the offsets of '${name}' do not rise from 0 to ${items.length}`);
  return Array.from(offsets.subarray(1), (end, index) => items.slice(offsets[index], end));
}

/** @param {Uint32Array} points @param {string} name */
function checkPoints(points, name) {
  wellFormed(points.every((point) => point <= LAST_POINT), () => `'${name}' has a code point beyond U+10FFFF`);
}
