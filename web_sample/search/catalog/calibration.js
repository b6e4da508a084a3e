/** A score enters; a confidence leaves, by what stands in the catalog. A raw score is never shown. */

import { asBool, asNumber, asObject, asText, parse, part } from '../json.js';
import { allowed, wellFormed } from '../malformed.js';

const BEYOND = 1e100; // no curve comes near; within, no share is NaN and no weight 0 / 0
const NOT_MEASURED = 'none'; // a source
const GUESS = { a: 10, b: -5 }; // of what older builders had not measured, and did not say so

/**
 * `p = 1 / (1 + exp(-(a * score + b)))`. `spread`: the standard deviation of such a query's scores. `measured`: else
 * the curve is a guess, and its results have no confidence.
 * @typedef {{a: number, b: number, spread: number, measured: boolean}} Curve
 */

/** What turns scores into confidences; a kind of query that was not measured has none: null. */
export class ScoreCalibration {
  /** Throws `Malformed`. @param {string} json as it stands in the catalog */
  static read(json) {
    const members = asObject(parse(json, { once: false }), 'calibration');
    const source = asText(part(members, 'source'), 'the calibration\'s source');
    return new ScoreCalibration(curve(members, 'text', source), curve(members, 'image', source), source);
  }

  /**
   * @param {Curve} text @param {Curve} image
   * @param {string} source what it was measured on: `queries` (labelled ones), `names` (of the products), or `none`
   */
  constructor(text, image, source) {
    this.text = text;
    this.image = image;
    this.source = source;
  }

  /** The share of a text query's results with this score that are right, 0 to 1. @param {number} score */
  ofText(score) {
    return this.text.measured ? logistic(exponent(this.text, score)) : null;
  }

  /** The same for an image, and for "more like this". @param {number} score */
  ofImage(score) {
    return this.image.measured ? logistic(exponent(this.image, score)) : null;
  }

  /**
   * The same for text and image together, of which each that weighs something must have been measured.
   * @param {number} slider 0: the text alone, 1: the image alone @param {number} textScore @param {number} imageScore
   */
  ofBoth(slider, textScore, imageScore) {
    const measured = (this.text.measured || slider === 1) && (this.image.measured || slider === 0);
    if (!measured) return null;
    return logistic(slider * exponent(this.image, imageScore) + (1 - slider) * exponent(this.text, textScore));
  }

  /**
   * The image's weight w in `w * image + (1 - w) * text` for a place of the slider. Throws a RangeError beyond 0 to 1.
   * @param {number} slider
   */
  weight(slider) {
    allowed(slider >= 0 && slider <= 1, () => `the slider stands at ${slider}, expected 0 (text) to 1 (image)`);
    const images = slider * this.text.spread;
    return images / (images + (1 - slider) * this.image.spread);
  }
}

/**
 * @param {import('../json.js').JsonObject} members @param {'text' | 'image'} kind @param {string} source
 * @returns {Curve}
 */
function curve(members, kind, source) {
  const found = asObject(part(members, kind), `the calibration of ${kind}`);
  /** @param {string} key */
  const number = (key) => {
    const value = asNumber(part(found, key), `${key} of the calibration of ${kind}`);
    wellFormed(Math.abs(value) <= BEYOND, () => `${key} of the calibration of ${kind} is ${value}`);
    return value;
  };
  const [a, b, spread] = [number('a'), number('b'), number('spread')];
  wellFormed(spread >= 1 / BEYOND, () => `the spread of ${kind} is ${spread}`);
  const measured = found.has('measured')
    ? asBool(found.get('measured'), `'measured' of the calibration of ${kind}`)
    : source !== NOT_MEASURED && !(a === GUESS.a && b === GUESS.b);
  return { a, b, spread, measured };
}

/** @param {Curve} curve @param {number} score */
function exponent({ a, b }, score) {
  return a * score + b;
}

/** @param {number} x */
function logistic(x) {
  return x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x));
}
