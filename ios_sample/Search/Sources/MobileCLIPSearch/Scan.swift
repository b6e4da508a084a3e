/// One search's way through all rows of a file: of each product that is wanted, the best row goes to `best`.
struct Scan {
    private static let blockBytes = 1 << 17  // of codes, between two looks at whether the search is cancelled

    let part: CatalogPart
    let query: PreparedQuery
    let wanted: (Int) -> Bool  // of the file's own products
    let threshold: Double

    /// Throws `CancellationError` once `isCancelled`, asked before each block, has answered true.
    func run(into best: inout Best, isCancelled: () -> Bool) throws {
        let (tables, dim) = (part.tables, part.tables.offset.count)
        var (product, top) = (-1, ProductBest())
        try tables.scales.withCells { scales in
            try tables.codes.withCells { codes in
                try eachWanted(bytesOfRow: dim, isCancelled) { row, owner in
                    if owner != product {
                        finish(top, &best)
                        (product, top) = (owner, ProductBest())
                    }
                    top.take(query.score(scales[row], codes.base + row * dim), row)
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

    /// Gives each row whose product is wanted, with the product; asks of each product once. As ``run(into:isCancelled:)``.
    @inline(__always)
    func eachWanted(
        bytesOfRow: Int, _ isCancelled: () -> Bool, _ body: (_ row: Int, _ product: Int) throws -> Void
    ) throws {
        let blockRows = max(Self.blockBytes / bytesOfRow, 1)
        var (product, isWanted) = (-1, false)
        try part.tables.owners.withCells { owners in
            for row in 0..<part.tables.rows {
                if row % blockRows == 0, isCancelled() { throw CancellationError() }
                let owner = Int(owners[row])
                if owner != product {
                    product = owner
                    isWanted = wanted(owner)
                }
                if isWanted { try body(row, owner) }
            }
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
