/// One search's way through all rows of a file: of each product that is wanted, the best row goes to `best`.
struct Scan {
    private static let blockBytes = 1 << 17  // of codes, between two looks at whether the search is cancelled

    let part: CatalogPart
    let query: PreparedQuery
    let wanted: ((Int) -> Bool)?  // of the file's own products; nil: all
    let threshold: Double

    /// Throws `CancellationError` once `isCancelled`, asked before each block, has answered true.
    func run(into best: inout Best, isCancelled: () -> Bool) throws {
        var (product, top) = (-1, ProductBest())
        try part.tables.scales.withCells { scales in
            try part.tables.owners.withCells { owners in
                try eachRun(of: part.tables.codes, query.sum, isCancelled) { rows, sums in
                    for row in rows {
                        let owner = Int(owners[row])
                        if owner != product {
                            finish(top, &best)
                            (product, top) = (owner, ProductBest())
                        }
                        top.take(query.score(scales[row], sum: sums[row - rows.lowerBound]), row)
                    }
                }
            }
        }
        finish(top, &best)
    }

    /// The best row of one product goes to `best`.
    func score(_ product: Int, into best: inout Best) {
        var top = ProductBest()
        let owners = part.tables.owners
        var row = part.tables.firstRow(product)
        while row < owners.count, Int(owners[row]) == product {
            top.take(score(row), row)
            row += 1
        }
        finish(top, &best)
    }

    /// The exact score of a row.
    func score(_ row: Int) -> Double {
        let (tables, dim) = (part.tables, part.tables.offset.count)
        return tables.codes.withCells { query.score(tables.scales[row], $0.base + row * dim) }
    }

    /// Gives the rows whose products are wanted, rising, and their sums with `query`: as many at once as lie side by side,
    /// up to a block. `codes`: [rows, the query's width]. As ``run(into:isCancelled:)``.
    @inline(__always)
    func eachRun(
        of codes: Column<Int8>, _ query: RowSum, _ isCancelled: () -> Bool,
        _ body: (_ rows: Range<Int>, _ sums: UnsafePointer<Int32>) -> Void
    ) throws {
        let rows = part.tables.rows
        let blockRows = max(Self.blockBytes / query.width, 1)
        var sums = [Int32](repeating: 0, count: min(blockRows, rows))
        for start in stride(from: 0, to: rows, by: blockRows) {
            if isCancelled() { throw CancellationError() }
            for run in runs(start..<min(start + blockRows, rows)) {
                codes.withCells { query($0.base + run.lowerBound * query.width, rows: run.count, into: &sums) }
                body(run, sums)
            }
        }
    }

    /// The rows of a block whose products are wanted.
    private func runs(_ block: Range<Int>) -> [Range<Int>] {
        guard let wanted else { return [block] }
        return part.tables.owners.withCells { owners in
            var runs: [Range<Int>] = []
            var (product, isWanted, first) = (-1, false, block.lowerBound)
            for row in block {
                let owner = Int(owners[row])
                if owner != product { (product, isWanted) = (owner, wanted(owner)) }
                if isWanted { continue }
                if first < row { runs.append(first..<row) }
                first = row + 1
            }
            if first < block.upperBound { runs.append(first..<block.upperBound) }
            return runs
        }
    }

    @inline(__always)
    private func finish(_ top: ProductBest, _ best: inout Best) {
        if top.row >= 0, top.score >= threshold { best.offer(top.score, row: part.firstRow + top.row) }
    }
}

/// The best row so far of a product; the first of equal ones stays.
private struct ProductBest {
    private(set) var row = -1  // none yet
    private(set) var score = 0.0

    @inline(__always)
    mutating func take(_ score: Double, _ row: Int) {
        if self.row < 0 || score > self.score { (self.score, self.row) = (score, row) }
    }
}
