/** A text as code points enters; it leaves in Unicode's normal form C, by the asset's tables. */

import { mapped } from './text-tables.js';

/** @typedef {import('./text-tables.js').TextTables} TextTables */

const FIRST_MARK = 0x300; // no character below it composes or has a combining class
const [L_BASE, V_BASE, T_BASE, S_BASE] = [0x1100, 0x1161, 0x11a7, 0xac00]; // Hangul composes by arithmetic
const [L_COUNT, V_COUNT, T_COUNT] = [19, 21, 28];
const S_COUNT = L_COUNT * V_COUNT * T_COUNT;

/** FORMATS.md's step 1f. @param {number[]} text @param {TextTables} tables */
export function composed(text, tables) {
  if (text.every((point) => point < FIRST_MARK)) return text;
  /** @type {number[]} */
  const whole = [];
  let starter = -1; // where in `whole` the last character of class 0 stands
  let between = -1; // class of the last mark kept after it; -1 for none
  for (const { point, rank } of ordered(decomposed(text, tables), tables)) {
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

/** @param {number[]} text @param {TextTables} tables */
function decomposed(text, tables) {
  return mapped(text, { get: (point) => syllableParts(point - S_BASE) ?? tables.decompositions.get(point) });
}

/** Of a Hangul syllable, its two or three letters. @param {number} syllable its place among all */
function syllableParts(syllable) {
  if (syllable < 0 || syllable >= S_COUNT) return undefined;
  const tail = syllable % T_COUNT;
  const lead = Math.floor(syllable / (V_COUNT * T_COUNT));
  const vowel = Math.floor(syllable / T_COUNT) % V_COUNT;
  return [L_BASE + lead, V_BASE + vowel, ...(tail > 0 ? [T_BASE + tail] : [])];
}

/** Each run of marks (combining class above 0) by class, equals in their order. @param {number[]} text
 * @param {TextTables} tables */
function ordered(text, tables) {
  const all = text.map((point) => ({ point, rank: tables.rank(point) }));
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
  const [lead, vowel] = [first - L_BASE, second - V_BASE];
  if (lead >= 0 && lead < L_COUNT && vowel >= 0 && vowel < V_COUNT) {
    return S_BASE + (lead * V_COUNT + vowel) * T_COUNT;
  }
  const [syllable, tail] = [first - S_BASE, second - T_BASE];
  const isOpen = syllable >= 0 && syllable < S_COUNT && syllable % T_COUNT === 0;
  return isOpen && tail > 0 && tail < T_COUNT ? first + tail : tables.composition(first, second);
}
