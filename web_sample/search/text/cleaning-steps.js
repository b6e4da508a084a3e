/** The cleaning steps of an asset enter; what cleans a text in their order leaves. */

import { malformed, reading, shown } from '../malformed.js';
import { CharacterMap } from './character-map.js';
import { decomposed } from './normal-form.js';
import { fix, foldWhiteSpace, joinSurrogates, lower } from './text-clean.js';
import { points, unescapeLeniently } from './text-html.js';
import { TextTables, codePointSet } from './text-tables.js';

/** @typedef {import('../container.js').Container} Container */
/** @typedef {import('./text-tables.js').CodePointSet} CodePointSet */
/** @typedef {(text: number[]) => number[]} Step */

const [SPACE, UNDERSCORE] = points(' _');
const [STRIKE, MAP] = ['strike', 'map'];
/** Steps of version 1's tables, and which of them each reads.
 * @type {Map<string, [(text: number[], tables: TextTables) => number[], string]>} */
const BY_TABLES = new Map([
  ['fix', [fix, 'fold removed decimals decompositions combining compositions charrefs html html_shouted']],
  ['unhtml', [unescapeLeniently, 'html charrefs']],
  ['spaces', [foldWhiteSpace, 'spaces']],
  ['lower', [lower, 'lower cased case_ignorable']],
  ['decompose', [(text, tables) => decomposed(text, tables).map(({ point }) => point), 'decompositions combining']],
]);
/** @type {(point: number) => number[]} */
const gone = () => [];
/** @type {(point: number) => number[]} */
const apart = (point) => [SPACE, point, SPACE];
/** The set of characters that each of these is about, and what becomes of them.
 * @type {Map<string, [(point: number) => number[], string]>} */
const BY_SET = new Map([[STRIKE, [gone, 'struck']], ['drop', [gone, 'dropped']], ['unmark', [gone, 'marks']],
  ['isolate', [apart, 'isolated']], ['punctuate', [apart, 'punctuation']]]);

/** Cleans a text by the steps of an asset. Its constructor throws `Malformed` or `BadFileError`. */
export class CleaningSteps {
  /** @param {Container} container @param {string} [own] the steps where the asset names none */
  constructor(container, own) {
    this.name = container.name;
    const written = own ?? container.text('steps');
    const names = written === '' ? [] : written.split(' ');
    const tables = new TextTables(container, names.flatMap((name) => BY_TABLES.get(name)?.[1].split(' ') ?? []));
    this.steps = names.map((name) => stepOf(name, container, tables));
    if (own === undefined) this.steps.unshift(joinSurrogates); // in version 1, a step within `fix` alone
  }

  /** Throws `BadFileError` where damaged tables would go on for ever. @param {string} text */
  cleaned(text) {
    return reading(this.name, () => this.steps.reduce((whole, step) => step(whole), points(text)));
  }
}

/** @param {string} name @param {Container} container @param {TextTables} tables @returns {Step} */
function stepOf(name, container, tables) {
  const [byTables, bySet] = [BY_TABLES.get(name), BY_SET.get(name)];
  if (byTables) return (text) => byTables[0](text, tables);
  if (bySet) {
    const set = codePointSet(container, bySet[1]);
    return (text) => text.flatMap((point) => name === STRIKE && point === UNDERSCORE ? SPACE
      : set.has(point) ? bySet[0](point) : point);
  }
  if (name !== MAP) malformed(`unknown step in steps: ${shown(name)}`);
  const map = new CharacterMap(container);
  return (text) => map.applied(text);
}

/** A cleaned text's words: what stands between spaces and characters of a set. @param {number[]} text
 * @param {CodePointSet} breaks */
export function* words(text, breaks) {
  for (let start = 0, end = 0; start < text.length; start = end + 1) {
    end = start;
    while (end < text.length && text[end] !== SPACE && !breaks.has(text[end])) end += 1;
    if (end > start) yield text.slice(start, end);
  }
}
