/** A sorted list's length and a comparison enter; the first place that is not below what is sought leaves. */

/**
 * By halving: `isBelow` is true up to some place, and false from there on.
 *
 * @param {number} length @param {(place: number) => boolean} isBelow
 */
export function lowerBound(length, isBelow) {
  let low = 0;
  for (let high = length; low < high;) {
    const middle = (low + high) >>> 1;
    if (isBelow(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}
