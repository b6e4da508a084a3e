/// One search's way through all rows of a file: of each product that is wanted, the best row goes to `best`.
struct Scan {
    private static let blockBytes = 1 << 17  // of codes, between two looks at whether the search is cancelled

    let part: CatalogPart
    let query: PreparedQuery
    let wanted: (Int) -> Bool  // of the file's own products
    let threshold: Double

    /// Throws `CancellationError` once `isCancelled`, asked before each block, has answered true.
    func run(into best: inout Best, isCancelled: () -> Bool) throws {
        let tables = part.tables
        try tables.owners.withCells { owners in
            try tables.scales.withCells { scales in
                try tables.codes.withCells { codes in try run(owners, scales, codes.base, &best, isCancelled) }
            }
        }
    }

    private func run(
        _ owners: Cells<UInt32>, _ scales: Cells<Float>, _ codes: UnsafeRawPointer, _ best: inout Best,
        _ isCancelled: () -> Bool
    ) throws {
        let rows = part.tables.rows
        let dim = part.tables.offset.count
        let firstRow = part.firstRow
        let blockRows = max(Self.blockBytes / dim, 1)
        var product = -1
        var isWanted = false
        var bestRow: Int?
        var bestScore = 0.0
        func finishProduct() {
            if let bestRow, bestScore >= threshold { best.offer(bestScore, row: firstRow + bestRow) }
        }
        for row in 0..<rows {
            if row % blockRows == 0, isCancelled() { throw CancellationError() }
            let owner = Int(owners[row])
            if owner != product {
                finishProduct()
                product = owner
                isWanted = wanted(owner)
                bestRow = nil
            }
            guard isWanted else { continue }
            let score = query.score(scales[row], codes + row * dim)
            if bestRow == nil || score > bestScore {  // the first of equal rows stays
                bestRow = row
                bestScore = score
            }
        }
        finishProduct()
    }
}
