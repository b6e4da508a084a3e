/** A text as code points enters; it leaves in Unicode's normal form C or D, by the asset's tables. */

import { points } from './text-html.js';
import { mapped } from './text-tables.js';

/** @typedef {import('./text-tables.js').TextTables} TextTables */

const FIRST_MARK = 0x300; // no character below it composes or has a combining class
const [FIRST_SYLLABLE, LAST_SYLLABLE] = [0xac00, 0xd7a3]; // Hangul is in no table: it composes alike everywhere
const HANGUL = /^[\u1100-\u1112\uac00-\ud7a3][\u1161-\u11c2]$/; // two that may become one

/** FORMATS.md's step 1f. @param {number[]} text @param {TextTables} tables */
export function composed(text, tables) {
  if (text.every((point) => point < FIRST_MARK)) return text;
  /** @type {number[]} */
  const whole = [];
  let starter = -1; // where in `whole` the last character of class 0 stands
  let between = -1; // class of the last mark kept after it; -1 for none
  for (const { point, rank } of decomposed(text, tables)) {
    const pair = starter >= 0 && between < rank ? pairOf(whole[starter], point, tables) : undefined;
    if (pair !== undefined) {
      whole[starter] = pair;
      continue;
    }
    if (rank === 0) starter = whole.length;
    between = rank === 0 ? -1 : rank;
    whole.push(point);
  }
  return whole;
}

/** Normal form D with combining classes: the parts of all characters, each run of marks (class above 0) by class, equals
 * in their order. @param {number[]} text @param {TextTables} tables */
export function decomposed(text, tables) {
  const parts = mapped(text, { get: (point) => point >= FIRST_SYLLABLE && point <= LAST_SYLLABLE
    ? points(String.fromCodePoint(point).normalize('NFD')) : tables.decompositions.get(point) });
  const all = parts.map((point) => ({ point, rank: tables.rank(point) }));
  for (let start = 0, end = 0; start < all.length; start = Math.max(end, start + 1)) {
    end = start;
    while (end < all.length && all[end].rank > 0) end += 1;
    const marks = end - start > 1 ? all.slice(start, end).sort((a, b) => a.rank - b.rank) : [];
    marks.forEach((mark, index) => { all[start + index] = mark; });
  }
  return all;
}

/** The one character that the two make, if they do. @param {number} first @param {number} second
 * @param {TextTables} tables */
function pairOf(first, second, tables) {
  const both = String.fromCodePoint(first, second);
  const joined = HANGUL.test(both) ? both.normalize('NFC') : both;
  return joined.length === 1 ? joined.charCodeAt(0) : tables.composition(first, second);
}
