"""Golden updates, for every language that fetches them: catalogs of three days, their deltas, signed statements."""
