/** A query's text enters; the writing systems in it that the model was not trained on leave. */

const NAMES = [
  'Latin', 'Han', 'Hiragana', 'Katakana', 'Hangul', 'Bopomofo', 'Cyrillic', 'Greek', 'Arabic', 'Hebrew', 'Devanagari',
  'Bengali', 'Tamil', 'Telugu', 'Thai', 'Lao', 'Khmer', 'Myanmar', 'Georgian', 'Armenian', 'Ethiopic', 'Gujarati',
  'Gurmukhi', 'Kannada', 'Malayalam', 'Sinhala', 'Tibetan', 'Mongolian',
];
/** @type {[string, RegExp][]} */
const SCRIPTS = NAMES.map((name) => [name, new RegExp(`\\p{Script=${name}}`, 'u')]);
const LETTERS = /(?![\p{Script=Common}\p{Script=Inherited}])\p{L}/gu; // the micro sign is of no script

/**
 * The scripts of the letters of `text` that are not among `known` (the manifest's `text.scripts`), each once, in their
 * order. A letter of a script that few people write is of "another script".
 * @param {string} text @param {Iterable<string>} known
 */
export function unknownScripts(text, known) {
  const expected = new Set(known);
  const names = (text.match(LETTERS) ?? []).map((letter) =>
    SCRIPTS.find(([, script]) => script.test(letter))?.[0] ?? 'another script');
  return [...new Set(names)].filter((name) => !expected.has(name));
}
