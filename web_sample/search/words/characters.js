/**
 * A text and a catalog's tables of characters enter; its words and its key leave, folded. FORMATS.md has the rules: no
 * case, normal form or pattern of the browser's takes part.
 */

import { ANY } from '../container.js';
import { lowerBound } from '../lower-bound.js';
import { wellFormed } from '../malformed.js';

/**
 * A folded run of letters of one kind. `byPairs`: of a script without spaces between words.
 * @typedef {{text: string, byPairs: boolean}} LetterRun
 */

const LAST = 0x10FFFF;
const [KIND_SHIFT, CODE] = [24, 0xFFFFFF]; // of a fold's value
const [ONE, SHIFTED, TEXT] = [0, 1, 2]; // kinds of folds
const [WORD, PAIRS] = [1, 2]; // kinds of letters
const [LEADS, VOWELS, TAILS, SYLLABLES] = [[0x1100, 0x1112], [0x1161, 0x1175], [0x11A8, 0x11C2], [0xAC00, 0xD7A3]];
const [OF_A_LEAD, OF_A_VOWEL] = [588, 28];
const BARCODE = /^(?:[0-9]{8}|[0-9]{12,14})$/;
const [START, FACTOR] = [2166136261, 16777619]; // FNV-1a of 32 bits

/** The tables of a catalog, checked. */
export class Characters {
  /** Throws `Malformed`. @param {import('../container.js').Container} container */
  static read(container) {
    const u32 = (/** @type {string} */ name) => container.tensor(name, 'U32', ANY);
    const [folds, texts, letters] = [u32('word_folds'), u32('word_fold_texts'), u32('word_letters')];
    checkRuns(folds, 'word_folds');
    checkRuns(letters, 'word_letters');
    for (let at = 0; at < folds.length; at += 3) checkFold(folds.subarray(at, at + 3), texts);
    for (let at = 2; at < letters.length; at += 3) {
      wellFormed(letters[at] === WORD || letters[at] === PAIRS, () => `word_letters of kind ${letters[at]}`);
    }
    return new Characters(folds, texts, letters);
  }

  /** @param {Uint32Array} folds @param {Uint32Array} texts @param {Uint32Array} letters */
  constructor(folds, texts, letters) {
    this.folds = folds;
    this.texts = texts;
    this.letters = letters;
  }

  /** The words of a text, in their order. @param {string} text @returns {LetterRun[]} */
  runs(text) {
    const found = [];
    let [kind, run] = [0, ''];
    for (const code of [...composed(Array.from(text).flatMap((one) => this.#folded(one.codePointAt(0) ?? 0))), -1]) {
      const at = within(this.letters, code);
      const next = at < 0 ? 0 : this.letters[at + 2];
      if (next !== kind && kind !== 0) found.push({ text: run, byPairs: kind === PAIRS });
      run = (next === kind ? run : '') + (next === 0 ? '' : String.fromCodePoint(code));
      kind = next;
    }
    return found;
  }

  /** A text as one key: '' where it has no letter. A barcode has 14 digits. @param {string} text */
  key(text) {
    const joined = this.runs(text).map((run) => run.text).join('');
    return BARCODE.test(joined) ? joined.padStart(14, '0') : joined;
  }

  /** @param {number} code @returns {number | number[]} */
  #folded(code) {
    const at = within(this.folds, code);
    if (at < 0) return code;
    const [kind, to] = [this.folds[at + 2] >>> KIND_SHIFT, this.folds[at + 2] & CODE];
    if (kind === TEXT) return Array.from(this.texts.subarray(to + 1, to + 1 + this.texts[to]));
    return kind === SHIFTED ? to + code - this.folds[at] : to;
  }
}

/** What a run is found by. @param {LetterRun} run */
export function termsOf({ text, byPairs }) {
  const letters = Array.from(text);
  return byPairs ? letters.map((letter, place) => letter + (letters[place + 1] ?? '')) : [text];
}

/** FNV-1a over the UTF-8 bytes. @param {string} key */
export function hashOf(key) {
  return new TextEncoder().encode(key).reduce((hash, byte) => Math.imul(hash ^ byte, FACTOR), START) >>> 0;
}

/** Where in the runs the one with that character is; -1: nowhere. @param {Uint32Array} runs @param {number} code */
function within(runs, code) {
  const at = 3 * lowerBound(runs.length / 3, (place) => runs[3 * place] <= code) - 3;
  return at >= 0 && code <= runs[at + 1] ? at : -1;
}

/** Hangul's single letters made into syllables. @param {number[]} codes */
function composed(codes) {
  /** @type {number[]} */
  const made = [];
  for (const code of codes) {
    const before = made[made.length - 1] ?? 0;
    if (isIn(before, LEADS) && isIn(code, VOWELS)) {
      made[made.length - 1] = SYLLABLES[0] + (before - LEADS[0]) * OF_A_LEAD + (code - VOWELS[0]) * OF_A_VOWEL;
    } else if (isIn(before, SYLLABLES) && (before - SYLLABLES[0]) % OF_A_VOWEL === 0 && isIn(code, TAILS)) {
      made[made.length - 1] = before + code - TAILS[0] + 1;
    } else {
      made.push(code);
    }
  }
  return made;
}

/** @param {number} code @param {number[]} bounds */
function isIn(code, [first, last]) {
  return code >= first && code <= last;
}

/** @param {Uint32Array} runs @param {string} name */
function checkRuns(runs, name) {
  wellFormed(runs.length % 3 === 0, () => `${name} that are no runs`);
  for (let at = 0; at < runs.length; at += 3) {
    const isRising = runs[at] <= runs[at + 1] && runs[at + 1] <= LAST && (at === 0 || runs[at] > runs[at - 2]);
    wellFormed(isRising, () => `${name} that do not rise at ${at / 3}`);
  }
}

/** @param {Uint32Array} fold @param {Uint32Array} texts */
function checkFold([first, last, value], texts) {
  const [kind, to] = [value >>> KIND_SHIFT, value & CODE];
  const end = to + (kind === TEXT ? texts[to] : kind === SHIFTED ? last - first : 0);
  const isRight = kind === TEXT
    ? end < texts.length && texts.subarray(to + 1, end + 1).every((one) => isCharacters(one, one))
    : (kind === ONE || kind === SHIFTED) && isCharacters(to, end);
  wellFormed(isRight, () => `word_folds that lead from ${first} to what is no character`);
}

/** @param {number} first @param {number} last */
function isCharacters(first, last) {
  return last <= LAST && (first > 0xDFFF || last < 0xD800);
}
