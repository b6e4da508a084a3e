/**
 * Embeddings of labels and of an image enter; how probable each label is leaves. All in float64, as FORMATS.md says.
 */

/**
 * How labels get their shares, a manifest for one: by a softmax over all of them, or each by a sigmoid.
 * @typedef {{labels?: 'softmax' | 'sigmoid', logitBias?: number | null}} LabelShares
 */

/**
 * A label and how probable it is, 0 to 1: among those asked for, or, by a sigmoid, by itself.
 * @typedef {{name: string, probability: number}} LabelScore
 */

/**
 * A label's vector, unit length: the mean of its texts' embeddings, each made unit length first.
 * @param {Float32Array[]} embeddings
 */
export function labelVector(embeddings) {
  const units = embeddings.map(unit);
  return unit(units[0].map((_, index) => units.reduce((sum, one) => sum + one[index], 0) / units.length));
}

/**
 * Of each label, best first; of equal ones, in the order given.
 * @param {string[]} names @param {Float64Array[]} vectors @param {Float32Array} image
 * @param {number} scale the manifest's `logitScale` @param {LabelShares} shares @returns {LabelScore[]}
 */
export function labelScores(names, vectors, image, scale, { labels = 'softmax', logitBias = null } = {}) {
  const direction = unit(image);
  const logits = vectors.map((vector) => scale * dot(vector, direction));
  const probabilities = labels === 'softmax' ? softmax(logits)
    : logits.map((logit) => 1 / (1 + Math.exp(-(logit + (logitBias ?? 0)))));
  return names.map((name, index) => ({ name, probability: probabilities[index] }))
    .sort((one, other) => other.probability - one.probability);
}

/** @param {number[]} logits */
function softmax(logits) {
  const largest = Math.max(...logits);
  const powers = logits.map((logit) => Math.exp(logit - largest));
  const total = powers.reduce((sum, power) => sum + power, 0);
  return powers.map((power) => power / total);
}

/** @param {Float32Array | Float64Array} vector */
function unit(vector) {
  const values = Float64Array.from(vector);
  const length = Math.sqrt(dot(values, values));
  return length > 0 ? values.map((value) => value / length) : values;
}

/** @param {Float64Array} one @param {Float64Array} other */
function dot(one, other) {
  return one.reduce((sum, value, index) => sum + value * other[index], 0);
}
