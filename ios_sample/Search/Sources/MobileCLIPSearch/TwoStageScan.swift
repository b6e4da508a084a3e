/// A search of a file with a first pass enters; the exact scores of the few products that it promises leave.
struct TwoStageScan {
    private static let aProduct = 64  // candidates for each product that is asked for, at least
    private static let exactBelow = 16  // fitting rows a candidate: with fewer, a first pass saves little
    static let sampled = 512  // one row of so many is looked at, to guess what a candidate reaches
    private static let deviations: Double = 3  // by which a guess is lower than the sample says
    private static let together = 64  // candidates whose codes are read at once: they lie far from one another
    private static let line = 64  // bytes that come with one

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
        let small = RowSum(query)
        for bound in [guess(small, most), -.infinity] {
            var largest = Largest(most: most(rows), bound: bound)  // where fewer fit, fewer are wanted: their first
            let fitting = try offer(small, to: &largest, isCancelled)
            let wanted = most(fitting)
            if isExact(fitting, wanted) { return nil }
            if let rows = largest.rows(wanted) { return rows }  // else the sample misled
        }
        return nil
    }

    /// What more rows reach than are wanted, says a sample. `most`: how many are wanted, of so many that fit.
    private func guess(_ query: RowSum, _ most: (Int) -> Int) -> Double {
        let tables = scan.part.tables
        let sample = stride(from: 0, to: tables.rows, by: Self.sampled).filter { row in
            scan.wanted.map { $0(Int(tables.owners[row])) } ?? true
        }
        let expected = Double(most(Self.sampled * sample.count)) / Double(Self.sampled)
        let rank = Int((expected + Self.deviations * expected.squareRoot()).rounded(.up))
        if rank > sample.count { return -.infinity }
        let scores = first.codes.withCells { codes in
            sample.map { Double(first.scales[$0]) * Double(query(codes.base + $0 * first.width)) }
        }
        return nthLargest(scores, rank)
    }

    /// Gives the number of rows that fit.
    private func offer(_ query: RowSum, to largest: inout Largest, _ isCancelled: () -> Bool) throws -> Int {
        var fitting = 0
        try first.scales.withCells { scales in
            try scan.eachRun(of: first.codes, query, isCancelled) { rows, sums in
                fitting += rows.count
                for place in 0..<rows.count {
                    let row = rows.lowerBound &+ place
                    let score = Double(scales[row]) * Double(sums[place])
                    if score >= largest.bound { largest.offer(score, row: row) }
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
        let owners = scan.part.tables.owners
        let products = owners.withCells { cells in rows.map { Int(cells[$0]) } }
        for (product, found) in zip(products, exact(rows)) {
            if last?.product != product {
                finish()
                last = (product, found)
            } else if let before = last?.found, before < found {
                last = (product, found)
            }
        }
        finish()
        let found = best.sorted()
        return found.count < k ? nil : found.map { Int(owners[$0.row]) }
    }

    /// The rows with their exact scores.
    private func exact(_ rows: [Int]) -> [Best.Found] {
        let (tables, query) = (scan.part.tables, scan.query)
        var some = [Int8](repeating: 0, count: Self.together * query.sum.width)
        var sums = [Int32](repeating: 0, count: Self.together)
        var found: [Best.Found] = []
        found.reserveCapacity(rows.count)
        for start in stride(from: 0, to: rows.count, by: Self.together) {
            let rows = rows[start..<min(start + Self.together, rows.count)]
            tables.codes.withCells { copy(rows, of: $0, query.sum.width, into: &some) }
            query.sum(some, rows: rows.count, into: &sums)
            tables.scales.withCells { scales in
                for (row, sum) in zip(rows, sums) {
                    found.append(Best.Found(score: query.score(scales[row], sum: sum), row: row))
                }
            }
        }
        return found
    }

    /// Puts the codes of rows side by side: a line of each, then the next, so that the processor waits for many at once.
    private func copy(
        _ rows: ArraySlice<Int>, of codes: Cells<Int8>, _ width: Int, into some: UnsafeMutableRawPointer
    ) {
        for place in stride(from: 0, to: width, by: Self.line) {
            let count = min(Self.line, width - place)
            for (number, row) in rows.enumerated() {
                (some + number * width + place).copyMemory(from: codes.base + row * width + place, byteCount: count)
            }
        }
    }
}
