/// A search of a file with a first pass enters; the exact scores of the few products that it promises leave.
struct TwoStageScan {
    private static let aProduct = 64  // candidates for each product that is asked for, at least
    private static let exactBelow = 16  // fitting rows a candidate: with fewer, a first pass saves little

    /// The exact search through the same file.
    let scan: Scan
    let first: FirstPass
    /// How many products are asked for.
    let k: Int

    /// Offers the products to `best`; false, and offers none, where all rows are to be scored exactly. Throws
    /// `CancellationError` as the exact search does.
    func run(into best: inout Best, isCancelled: () -> Bool) throws -> Bool {
        guard let rows = try candidates(isCancelled), let products = products(of: rows) else { return false }
        for product in products { scan.score(product, into: &best) }
        return true
    }

    /// The rows that are worth an exact score, rising; nil where all are.
    func candidates(_ isCancelled: () -> Bool) throws -> [Int]? {
        guard let query = first.projected(scan.query.sum) else { return nil }
        let (least, overflow) = k.multipliedReportingOverflow(by: Self.aProduct)
        func most(_ fitting: Int) -> Int { max(least, (fitting + first.of - 1) / first.of) }
        func isExact(_ fitting: Int, _ wanted: Int) -> Bool { wanted > fitting / Self.exactBelow }
        let rows = scan.part.tables.rows
        if overflow || isExact(rows, least) { return nil }
        var best = Best(most: most(rows))  // of fewer rows, fewer are wanted: the first of these
        let fitting = try offer(RowSum(query), to: &best, isCancelled)
        let wanted = most(fitting)
        return isExact(fitting, wanted) ? nil : best.sorted().prefix(wanted).map(\.row).sorted()
    }

    /// Gives the number of rows that fit.
    private func offer(_ query: RowSum, to best: inout Best, _ isCancelled: () -> Bool) throws -> Int {
        var fitting = 0
        try first.scales.withCells { scales in
            try first.codes.withCells { codes in
                try scan.eachWanted(bytesOfRow: first.width, isCancelled) { row, _ in
                    fitting += 1
                    let score = Double(scales[row]) * Double(query(codes.base + row * first.width))
                    if score > best.bound { best.offer(score, row: row) }
                }
            }
        }
        return fitting
    }

    /// The best k products of candidates; nil where these own fewer.
    private func products(of rows: [Int]) -> [Int]? {
        var best = Best(most: k)
        var last: (product: Int, found: Best.Found)?
        func finish() {
            if let last { best.offer(last.found.score, row: last.found.row) }
        }
        let tables = scan.part.tables
        for row in rows {
            let product = Int(tables.owners[row])
            let found = Best.Found(score: scan.score(row), row: row)
            if last?.product != product {
                finish()
                last = (product, found)
            } else if let before = last?.found, before < found {
                last = (product, found)
            }
        }
        finish()
        let found = best.sorted()
        return found.count < k ? nil : found.map { Int(tables.owners[$0.row]) }
    }
}
