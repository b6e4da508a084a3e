/** A prepared query and rows of an open catalog enter; what they score leaves, to what keeps the best. */

/**
 * Offers the best row of each product among these rows, if it reaches the threshold. A row that scores too low to be
 * among the best is passed over: a better one of its product is not.
 * @param {import('./catalog.js').ProductCatalog} catalog @param {import('./scores.js').PreparedQuery} query
 * @param {Iterable<[number, number]>} runs the first row of each, and the one after it; rising @param {number} threshold
 * @param {import('./best.js').Best} best
 */
export function offerRows({ memory, tables }, query, runs, threshold, best) {
  const next = memory.scan(query, tables);
  let least = threshold;
  let product = -1; // whose best row so far is `bestRow`
  let bestRow = -1;
  let bestScore = -Infinity;
  for (const [first, end] of runs) {
    for (let row = next(first, end, least); row < end; row = next(row + 1, end, least)) {
      const owner = tables.owners[row];
      if (owner === product && memory.score <= bestScore) continue; // the first of equal rows stays
      if (owner !== product && bestRow >= 0) least = Math.max(least, best.offer(bestScore, bestRow));
      product = owner;
      bestRow = row;
      bestScore = memory.score;
    }
  }
  if (bestRow >= 0) best.offer(bestScore, bestRow);
}
