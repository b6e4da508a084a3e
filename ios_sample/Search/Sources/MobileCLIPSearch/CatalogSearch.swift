/// Searches an open catalog, row by row: the same products and exact score bits as on every other platform.
///
/// Holds nothing that changes: any number of tasks may search at once. A search works on the caller's thread and takes as
/// long as reading all codes does, or, in a file with a first pass, a quarter of them; ``Searcher`` moves it elsewhere.
public struct CatalogSearch: Sendable {
    /// What is searched.
    public let catalog: ProductCatalog

    /// Over an open catalog; costs nothing.
    public init(_ catalog: ProductCatalog) {
        self.catalog = catalog
    }

    /// The best `k` products, best first; of products with equal scores that with the lower row. In this order: filter,
    /// score, one row a product, `threshold` (of the score, inclusive), top k, `leastConfidence` (which hides nothing that
    /// has no confidence). `without` leaves one product out. In a file with a first pass, some of the best may be missed,
    /// rarely, unless `exact` is asked for; scores are exact anyway. `isCancelled` is asked once every 128 KiB of codes (256
    /// rows of 512) at most.
    ///
    /// Throws ``SearchError/badRequest(_:)`` for a vector of another width, not finite or all zeros; an unknown category; a
    /// price filter on a catalog without one currency; a k below 1, a slider or a share outside 0 to 1; a product that is
    /// none. Throws `CancellationError` once `isCancelled` has answered true, and ``SearchError/badFile(name:problem:)`` for
    /// "more like this" of a product whose row is damaged.
    public func search(
        _ query: SearchQuery, k: Int = 10, filter: CatalogFilter = .any, threshold: Double = -.infinity,
        leastConfidence: Double = 0,
        without: Int? = nil, exact: Bool = false, isCancelled: () -> Bool = { Task.isCancelled }
    ) throws -> [SearchHit] {
        try require(k >= 1, "a search for the best \(k)")
        try require(!threshold.isNaN, "a threshold that is no number")
        try require((0...1).contains(leastConfidence), "a least confidence of \(leastConfidence), expected 0 to 1")
        var left = [without].compactMap { $0 }
        if case .like(let product) = query { left.append(product) }
        for product in left {
            try require((0..<catalog.count).contains(product), "no product \(product) of \(catalog.count)")
        }
        let fits = try fitting(filter)
        let confidence = try confidences(query)
        let prepared = try prepared(query)
        var best = Best(most: min(k, catalog.count))
        for part in catalog.parts {
            let left = left.map { $0 - part.firstProduct }
            let isAny = filter == .any && left.isEmpty && !part.hasHidden
            let scan = Scan(
                part: part, query: prepared,
                wanted: isAny ? nil : { !left.contains($0) && !part.isHidden($0) && fits(part, $0) },
                threshold: threshold)
            let first = exact ? nil : part.tables.firstPass.map { TwoStageScan(scan: scan, first: $0, k: k) }
            if try first?.run(into: &best, isCancelled: isCancelled) == true { continue }
            try scan.run(into: &best, isCancelled: isCancelled)
        }
        return best.sorted().map { found in
            let (part, row) = catalog.at(row: found.row)
            return SearchHit(
                product: part.firstProduct + Int(part.tables.owners[row]), row: found.row, score: found.score,
                confidence: confidence(found))
        }.filter { $0.confidence ?? 1 >= leastConfidence }
    }

    private func prepared(_ query: SearchQuery) throws -> PreparedQuery {
        let tables = catalog.base.tables
        switch query {
        case .text(let vector), .image(let vector):
            return try PreparedQuery(vector, tables)
        case .both(let text, let image, let slider):
            let weight = try catalog.calibration.weight(slider: slider)
            return try PreparedQuery(PreparedQuery.mixed(text: text, image: image, weight: weight), tables)
        case .like(let product):
            do {
                let (part, own) = catalog.at(product)
                return try PreparedQuery(
                    PreparedQuery.vector(part.tables, row: part.tables.firstRow(own)), part.tables)
            } catch SearchError.badRequest(let problem) {
                throw SearchError.badFile(name: "\(catalog.name), product \(product)", problem: problem)
            }
        }
    }

    private func confidences(_ query: SearchQuery) throws -> (Best.Found) -> Double? {
        let calibration = catalog.calibration
        switch query {
        case .text:
            return { calibration.ofText($0.score) }
        case .image, .like:
            return { calibration.ofImage($0.score) }
        case .both(let text, let image, let slider):
            let text = try PreparedQuery(text, catalog.base.tables)
            let image = try PreparedQuery(image, catalog.base.tables)
            return { found in
                calibration.ofBoth(
                    slider: slider, textScore: score(found.row, text), imageScore: score(found.row, image))
            }
        }
    }

    private func score(_ row: Int, _ query: PreparedQuery) -> Double {
        let (part, own) = catalog.at(row: row)
        let tables = part.tables
        return tables.codes.withCells { query.score(tables.scales[own], $0.base + own * catalog.dim) }
    }

    /// Whether a product fits: a file, and the product's place there.
    func fitting(_ filter: CatalogFilter) throws -> (CatalogPart, Int) -> Bool {
        let inCategory = try filter.categories.map(places)
        let fields = try filter.fields.map { try FieldChoice(catalog, $0.key, $0.value) }
        func isNamed(_ part: CatalogPart, _ product: Int) -> Bool {
            inCategory?[part.category(product)] ?? true && fields.allSatisfy { $0.fits(part, product) }
        }
        if filter.lowest == nil, filter.highest == nil { return isNamed }
        try require(
            !catalog.currency.isEmpty, "no filter by price: the catalog has prices of several currencies, or none")
        let lowest = max(filter.lowest ?? 0, 0)  // no price, -1, is in no range
        let highest = filter.highest ?? .max
        return { part, product in
            let price = part.tables.prices[product]
            return isNamed(part, product) && price >= lowest && price <= highest
        }
    }

    /// For each of the catalog's categories, whether it is wanted. Names are equal where their bytes are, not where
    /// Unicode calls them equivalent.
    private func places(_ wanted: Set<String>) throws -> [Bool] {
        try requireKnown(wanted, among: catalog.categories, "category")
        let asked = Set(wanted.map { Array($0.utf8) })
        return catalog.categories.map { asked.contains(Array($0.utf8)) }
    }
}
