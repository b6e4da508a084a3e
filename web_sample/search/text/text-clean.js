/** A text as code points enters; it leaves fixed, with its white space folded, or in lower case, as FORMATS.md says. */

import { malformed, wellFormed } from '../malformed.js';
import { composed } from './normal-form.js';
import { add, points, unescapeStrictly } from './text-html.js';
import { mapped } from './text-tables.js';

/** @typedef {import('./text-tables.js').TextTables} TextTables */

const SEGMENT = 1_000_000; // code points
const SPARE = 16; // rounds, and code points, beyond what a text's length allows
const MOST_GROWTH = 16;
const [LINE_FEED, ESCAPE, SPACE, SEMICOLON, LESS, BRACKET] = [0x0a, 0x1b, 0x20, 0x3b, 0x3c, 0x5b];
const [SIGMA, SMALL_SIGMA, FINAL_SIGMA] = [0x3a3, 0x3c3, 0x3c2];

/**
 * Line by line; from the first "<" on, HTML is left alone. Throws `Malformed` where damaged tables would never end.
 *
 * @param {number[]} text @param {TextTables} tables
 */
export function fix(text, tables) {
  /** @type {number[]} */
  const fixed = [];
  let withHtml = true;
  for (let start = 0; start < text.length;) {
    const lineEnd = text.indexOf(LINE_FEED, start) + 1 || text.length;
    const segment = text.slice(start, Math.min(lineEnd, start + SEGMENT));
    start += segment.length;
    withHtml &&= !segment.includes(LESS);
    const done = fixSegment(segment, withHtml, tables);
    add(fixed, done, 0, done.length);
  }
  return fixed;
}

/** Over and over, until a round changes nothing: one fix may uncover work for another. @param {number[]} segment
 * @param {boolean} withHtml @param {TextTables} tables */
function fixSegment(segment, withHtml, tables) {
  let text = segment;
  for (let round = 0; round < 2 * segment.length + SPARE; round += 1) {
    const before = text;
    if (withHtml) text = unescapeStrictly(text, tables);
    text = withoutEscapes(joinSurrogates(mapped(text, tables.fold)), tables);
    text = composed(text.filter((point) => !tables.removed.has(point)), tables);
    if (text.length === before.length && text.every((point, index) => point === before[index])) return text;
    wellFormed(text.length <= MOST_GROWTH * (segment.length + SPARE), () => 'its tables let a text grow without end');
  }
  return malformed('its tables change a text for ever');
}

/** A high and a low surrogate become the character they encode; one alone becomes U+FFFD. @param {number[]} text */
export function joinSurrogates(text) {
  if (text.every((point) => point < 0xd800)) return text;
  return points(text.map((point) => String.fromCodePoint(point)).join('').toWellFormed()); // as UTF-16 does
}

/** Without ESC [, any decimal digits and semicolons, and one ASCII letter. @param {number[]} text
 * @param {TextTables} tables */
function withoutEscapes(text, tables) {
  if (!text.includes(ESCAPE)) return text;
  const kept = [];
  for (let position = 0; position < text.length;) {
    const end = text[position] === ESCAPE ? escapeEnd(text, position, tables) : position;
    if (end === position) kept.push(text[position]);
    position = Math.max(end, position + 1);
  }
  return kept;
}

/** Where the escape that starts here ends; `start` if there is none. @param {number[]} text @param {number} start
 * @param {TextTables} tables */
function escapeEnd(text, start, tables) {
  if (text[start + 1] !== BRACKET) return start;
  let end = start + 2;
  while (end < text.length && (text[end] === SEMICOLON || tables.decimals.has(text[end]))) end += 1;
  const last = text[end];
  return (last >= 0x41 && last <= 0x5a) || (last >= 0x61 && last <= 0x7a) ? end + 1 : start;
}

/** Each run of white space becomes one space; none is left at either end. @param {number[]} text
 * @param {TextTables} tables */
export function foldWhiteSpace(text, tables) {
  const folded = [];
  let isPending = false;
  for (const point of text) {
    if (point === SPACE || tables.spaces.has(point)) {
      isPending = folded.length > 0;
      continue;
    }
    if (isPending) folded.push(SPACE);
    isPending = false;
    folded.push(point);
  }
  return folded;
}

/** By the table; the capital sigma by its neighbours. @param {number[]} text @param {TextTables} tables */
export function lower(text, tables) {
  return mapped(text.map((point, index) => (point === SIGMA ? lowerSigma(text, index, tables) : point)), tables.lower);
}

/** Final after a cased letter and not before one, case-ignorable characters passed over. @param {number[]} text
 * @param {number} index @param {TextTables} tables */
function lowerSigma(text, index, tables) {
  let before = index - 1;
  while (before >= 0 && tables.caseIgnorable.has(text[before])) before -= 1;
  let after = index + 1;
  while (after < text.length && tables.caseIgnorable.has(text[after])) after += 1;
  return tables.cased.has(text[before] ?? -1) && !tables.cased.has(text[after] ?? -1) ? FINAL_SIGMA : SMALL_SIGMA;
}
