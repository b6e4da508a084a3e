/**
 * Embeddings of labels and of an image enter; how probable each label is leaves. All in float64, as FORMATS.md says.
 */

/**
 * A label and how probable it is among those asked for, 0 to 1.
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
 * @param {number} scale the manifest's `logitScale` @returns {LabelScore[]}
 */
export function labelScores(names, vectors, image, scale) {
  const direction = unit(image);
  const logits = vectors.map((vector) => scale * dot(vector, direction));
  const largest = Math.max(...logits);
  const powers = logits.map((logit) => Math.exp(logit - largest));
  const total = powers.reduce((sum, power) => sum + power, 0);
  return names.map((name, index) => ({ name, probability: powers[index] / total }))
    .sort((one, other) => other.probability - one.probability);
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
