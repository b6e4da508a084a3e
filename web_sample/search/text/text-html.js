/** A text as code points enters; it leaves with HTML's character references read, strictly as ftfy, or leniently. */

/** @typedef {import('./text-tables.js').TextTables} TextTables */

const REPLACEMENT = 0xfffd;
const [AMPERSAND, HASH, SEMICOLON] = points('&#;');
const STRICT_LENGTH = 24;
const LENIENT_LENGTH = 32;
const BEYOND = 0x110000;
const ENDS_A_NAME = new Set(points('\t\n\f <&#;'));

/** The code points of a text, lone surrogates among them. @param {string} text */
export function points(text) {
  return Array.from(text, (character) => /** @type {number} */ (character.codePointAt(0)));
}

/** Adds a part of a text. @param {number[]} out @param {number[]} text @param {number} from @param {number} to */
export function add(out, text, from, to) {
  for (let index = from; index < to; index += 1) out.push(text[index]);
}

/** FORMATS.md's step 1a. @param {number[]} text @param {TextTables} tables */
export function unescapeStrictly(text, tables) {
  return replaced(text, tables, strict);
}

/** One round of FORMATS.md's step 2. @param {number[]} text @param {TextTables} tables */
export function unescapeLeniently(text, tables) {
  return replaced(text, tables, lenient);
}

/**
 * At each "&", `read` adds what stands for it, and answers where to go on.
 *
 * @param {number[]} text @param {TextTables} tables @param {typeof strict} read
 */
function replaced(text, tables, read) {
  let start = text.indexOf(AMPERSAND);
  if (start < 0) return text;
  /** @type {number[]} */
  const out = [];
  let position = 0;
  while (start >= 0) {
    add(out, text, position, start);
    position = read(text, start, out, tables);
    start = text.indexOf(AMPERSAND, position);
  }
  add(out, text, position, text.length);
  return out;
}

/** @param {number[]} text @param {number} start @param {number[]} out @param {TextTables} tables */
function strict(text, start, out, tables) {
  const nameStart = text[start + 1] === HASH ? start + 2 : start + 1;
  let end = nameStart;
  while (end - nameStart < STRICT_LENGTH && digit(text[end]) >= 0) end += 1;
  if (end === nameStart || text[end] !== SEMICOLON) {
    out.push(AMPERSAND);
    return start + 1;
  }
  end += 1;
  const number = numberAt(text, start + 1);
  const name = string(text, start + 1, end);
  let value = tables.html.get(name) ?? tables.htmlShouted.get(name);
  if (number?.end === end) {
    const read = character(number.value, tables);
    value = read.length === 1 && read[0] === SEMICOLON ? undefined : read;
  }
  if (value) out.push(...value);
  else add(out, text, start, end);
  return end;
}

/** @param {number[]} text @param {number} start @param {number[]} out @param {TextTables} tables */
function lenient(text, start, out, tables) {
  const number = numberAt(text, start + 1);
  if (number) {
    out.push(...character(number.value, tables));
    return number.end;
  }
  let end = start + 1;
  while (end < text.length && end - start <= LENIENT_LENGTH && !ENDS_A_NAME.has(text[end])) end += 1;
  if (end > start + 1 && text[end] === SEMICOLON) end += 1;
  for (let knownEnd = end; knownEnd >= start + 3; knownEnd -= 1) { // the longest first, at least two characters
    const value = tables.html.get(string(text, start + 1, knownEnd));
    if (!value) continue;
    out.push(...value);
    add(out, text, knownEnd, end);
    return end;
  }
  add(out, text, start, end);
  return end;
}

/**
 * The numeric reference after "&", at most 0x110000, and its end, a ";" included; null for none.
 *
 * @param {number[]} text @param {number} start
 */
function numberAt(text, start) {
  if (text[start] !== HASH) return null;
  const isHex = text[start + 1] === 0x58 || text[start + 1] === 0x78; // X, x
  const base = isHex ? 16 : 10;
  const first = isHex ? start + 2 : start + 1;
  let end = first;
  let value = 0;
  for (let next = digit(text[end]); next >= 0 && next < base; next = digit(text[end])) {
    value = Math.min(value * base + next, BEYOND);
    end += 1;
  }
  return end === first ? null : { value, end: text[end] === SEMICOLON ? end + 1 : end };
}

/** @param {number} number @param {TextTables} tables */
function character(number, tables) {
  if (number >= BEYOND || (number >= 0xd800 && number <= 0xdfff)) return [REPLACEMENT];
  return tables.charrefs.get(number) ?? [number];
}

/** 0 to 35 for 0 to 9 and for a to z in either case; -1 for anything else. @param {number | undefined} point */
function digit(point = -1) {
  if (point >= 0x30 && point <= 0x39) return point - 0x30;
  const letter = (point | 0x20) - 0x61;
  return point > 0 && point < 0x80 && letter >= 0 && letter < 26 ? letter + 10 : -1;
}

/** @param {number[]} text @param {number} from @param {number} to */
function string(text, from, to) {
  return String.fromCodePoint(...text.slice(from, to));
}
