/** `manifest.json` of an exported model enters; what an app reads instead of hard-coding anything leaves. */

import { JsonObject, asArray, asBool, asInteger, asNumber, asObject, asText, parse, part } from './json.js';
import { BadFileError, reading, shown, wellFormed } from './malformed.js';
import { asDigest } from './catalog/catalog-digest.js';
import { compareUtf8 } from './catalog/id-order.js';
import { LARGEST_SIZE } from './pictures/image-preprocessor.js';

/** @typedef {import('./json.js').Json} Json */

/**
 * One encoder in one format and precision. `path` is relative to the manifest; `format`: `coreml`, `tflite` or `onnx`.
 * @typedef {{encoder: 'image' | 'text', format: string, precision: string, path: string, sha256: string, bytes:
 * number}} Artifact
 */

/**
 * What the text encoder takes, and which texts it knows. `startToken`: null for none. `vocabulary`: how many tokens it
 * knows. `templates`: prompts to put a label into, in English where there are such; `{}` is its place. `scripts`: the
 * writing systems of the texts that the model was trained on.
 * @typedef {{contextLength: number, startToken: number | null, endToken: number, padToken: number, vocabulary: number,
 * templates: string[], scripts: string[]}} TextSpec
 */

/**
 * The licence of the weights; `commercialUse`: null where it is unknown.
 * @typedef {{name: string, url: string, commercialUse: boolean | null}} Licence
 */

const VERSION = 1;
const MOST = 2 ** 31 - 1; // of ids and counts
const CROPS = /** @type {const} */ ({ shortest: 'centre', squash: 'none' }); // by resize mode
const INTERPOLATIONS = /** @type {const} */ (['bilinear', 'bicubic']);
const ENCODERS = /** @type {const} */ (['image', 'text']);
const SHARES = /** @type {const} */ (['softmax', 'sigmoid']);
const ENGLISH = 'en';

/**
 * Throws `BadFileError` for what is damaged, of another version, or asks for another preprocessing.
 * @param {Uint8Array} utf8 @param {string} name for errors
 */
export function readManifest(utf8, name) {
  return reading(name, () => new ModelManifest(name, asObject(parse(utf8, { once: true }), 'the manifest')));
}

/** A manifest. Holds nothing that changes. */
export class ModelManifest {
  #name;
  #templates;

  /** @param {string} name @param {JsonObject} members */
  constructor(name, members) {
    this.#name = name;
    const version = asInteger(part(members, 'version'), 'version');
    wellFormed(version === VERSION, () => `a manifest of version ${version}, expected ${VERSION}`);
    const text = object(members, 'text');
    const tokenizer = object(text, 'tokenizer');
    /** Of the table of models: `demo`, `s0` and so on. */
    this.model = textOf(members, 'model');
    /** 64 hex digits naming the embedding space. */
    this.space = digest(members, 'space');
    /** The width of an embedding. */
    this.dim = number(object(members, 'embedding'), 'dim', 1);
    /** The factor on a cosine before labels get their shares. */
    this.logitScale = asNumber(part(members, 'logit_scale'), 'logit_scale');
    /** What is added before a sigmoid; null: the model has none. */
    this.logitBias = (members.get('logit_bias') ?? null) === null ? null
      : asNumber(part(members, 'logit_bias'), 'logit_bias');
    /** How labels get their shares. */
    this.labels = members.has('labels') ? oneOf(members, 'labels', 'labels', SHARES) : 'softmax';
    /** What makes the image encoder's square. */
    this.image = imageSpec(object(members, 'image'));
    this.#templates = templates(part(text, 'templates'));
    this.text = textSpec(text, this.templates());
    /** The tokenizer asset. */
    this.tokenizer = { path: path(tokenizer), sha256: digest(tokenizer, 'sha256') };
    /** False for random weights. */
    this.shippable = asBool(part(members, 'shippable'), 'shippable');
    this.licence = licence(object(members, 'licence'));
    /** The catalog that came with these encoders; null in the manifest of a model without one. */
    this.catalog = members.has('catalog') ? catalogFile(object(members, 'catalog')) : null;
    this.artifacts = Array.from(asArray(part(members, 'artifacts'), 'artifacts'), artifact);
  }

  /**
   * Prompts for labels of a language: those of this language, else of English, else of the first by its bytes.
   * @param {string} [language] as the manifest names it: `en`, `zh`
   */
  templates(language = ENGLISH) {
    const all = this.#templates;
    return all.get(language) ?? all.get(ENGLISH) ?? all.get([...all.keys()].sort(compareUtf8)[0]) ?? [];
  }

  /**
   * The first artefact of that format and encoder. Throws `BadFileError` if there is none.
   * @param {string} format @param {'image' | 'text'} encoder
   */
  artifact(format, encoder) {
    const found = this.artifacts.find((one) => one.format === format && one.encoder === encoder);
    if (found) return found;
    const there = this.artifacts.map((one) => `${one.format} ${one.encoder} ${one.precision}`).join(', ');
    throw new BadFileError(this.#name, `no ${encoder} encoder in ${format}; there are ${there || 'none'}`,
      'mismatched');
  }
}

/** @param {JsonObject} members */
function imageSpec(members) {
  const resize = object(members, 'resize');
  const mode = oneOf(resize, 'mode', 'resize mode', /** @type {const} */ (['shortest', 'squash']));
  const crop = textOf(members, 'crop');
  wellFormed(crop === CROPS[mode], () => `unknown crop: expected '${CROPS[mode]}', found ${shown(crop)}`);
  wellFormed(asBool(part(resize, 'antialias'), 'antialias'), () => 'a resize without antialias, expected with');
  const interpolation = oneOf(resize, 'interpolation', 'interpolation', INTERPOLATIONS);
  const size = number(members, 'width', 1, LARGEST_SIZE);
  const height = number(members, 'height', 1, LARGEST_SIZE);
  wellFormed(height === size, () => `an image encoder of ${size} x ${height} pixels, expected a square`);
  return { size, interpolation, mode };
}

/** @param {JsonObject} members @param {string[]} prompts @returns {TextSpec} */
function textSpec(members, prompts) {
  const endToken = number(members, 'end_token', 0);
  return {
    contextLength: number(members, 'context_length', 1),
    startToken: (members.get('start_token') ?? null) === null ? null : number(members, 'start_token', 0),
    endToken,
    padToken: number(members, 'pad_token', 0),
    vocabulary: members.has('vocabulary') ? number(members, 'vocabulary', 1) : endToken + 1,
    templates: prompts,
    scripts: texts(part(members, 'scripts'), 'scripts'),
  };
}

/** By the language; those of a list are of none. @param {Json} value */
function templates(value) {
  const given = value instanceof JsonObject ? value : new JsonObject([['', value]]);
  const found = new Map(Array.from(given, ([language, list]) =>
    /** @type {[string, string[]]} */ ([language, texts(list, 'templates')])));
  const lists = [...found.values()];
  wellFormed(lists.length > 0 && lists.every((list) => list.length > 0), () => 'templates without one');
  for (const one of lists.flat()) wellFormed(one.includes('{}'), () => `a template without {}: ${shown(one)}`);
  return found;
}

/** @param {JsonObject} members @returns {Licence} */
function licence(members) {
  const use = part(members, 'commercial_use');
  const commercialUse = use === null ? null : asBool(use, 'commercial_use');
  return { name: textOf(members, 'name'), url: textOf(members, 'url'), commercialUse };
}

/** @param {Json} value @returns {Artifact} */
function artifact(value) {
  const members = asObject(value, 'one of the artifacts');
  return {
    encoder: oneOf(members, 'encoder', 'encoder', ENCODERS),
    format: textOf(members, 'format'),
    precision: textOf(members, 'precision'),
    path: path(members),
    sha256: digest(members, 'sha256'),
    bytes: number(members, 'bytes', 1, Infinity),
  };
}

/** @param {JsonObject} members */
function catalogFile(members) {
  return { path: path(members), digest: digest(members, 'digest'), bytes: number(members, 'bytes', 1, Infinity) };
}

/** @param {JsonObject} members @param {string} key */
function object(members, key) {
  return asObject(part(members, key), key);
}

/** @param {JsonObject} members @param {string} key */
function textOf(members, key) {
  return asText(part(members, key), key);
}

/** @param {Json} value @param {string} key */
function texts(value, key) {
  return Array.from(asArray(value, key), (item) => asText(item, `one of the ${key}`));
}

/**
 * @template {string} T @param {JsonObject} members @param {string} key @param {string} what @param {readonly T[]} known
 */
function oneOf(members, key, what, known) {
  const wanted = textOf(members, key);
  const found = known.find((one) => one === wanted);
  wellFormed(found !== undefined, () =>
    `unknown ${what}: expected '${known.join('\' or \'')}', found ${shown(wanted)}`);
  return found;
}

/** @param {JsonObject} members @param {string} key @param {number} least @param {number} most */
function number(members, key, least, most = MOST) {
  const found = asInteger(part(members, key), key);
  wellFormed(found >= least && found <= most, () => `${key} is ${found}, expected ${least} to ${most}`);
  return found;
}

/** @param {JsonObject} members @param {string} key */
function digest(members, key) {
  return asDigest(textOf(members, key), key);
}

/** A path that stays beside the manifest. @param {JsonObject} members */
function path(members) {
  const found = textOf(members, 'path');
  const stays = !found.includes('\\') && found.split('/').every((step) => step !== '' && step !== '.' && step !== '..');
  wellFormed(stays, () => `path is ${shown(found)}, not one that is relative to the manifest's folder`);
  return found;
}
