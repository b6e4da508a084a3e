/// A product that a text names exactly, and what named it.
public struct NamedProduct: Sendable, Equatable {
    /// What named a product.
    public enum Reason: String, Sendable {
        /// The text is its id, or one of its keys: an article number, a barcode, a brand.
        case key
        /// It holds all words of the text.
        case words
    }

    /// Its place in the catalog.
    public let product: Int
    /// What named it.
    public let by: Reason
}

extension CatalogSearch {
    private static let leastBeginning = 2  // characters that may be the beginning of a word
    private static let space: Set<Unicode.Scalar> = ["\t", "\n", "\u{B}", "\u{C}", "\r", " "]

    /// The products that a text names exactly, at most so many: by an id, an article number, a barcode or a brand first, then
    /// those that hold all its words. No encoder takes part. They are a group of their own, above what ``search(_:k:)`` finds,
    /// which stays as it is: a product may be in both. None where the catalog has no words.
    ///
    /// Throws ``SearchError/badRequest(_:)`` for a filter that cannot be asked, and
    /// ``SearchError/badFile(name:problem:)`` where a record is damaged.
    public func named(_ text: String, filter: CatalogFilter = .any, most: Int = 10) throws -> [NamedProduct] {
        let fits = try fitting(filter)
        guard let tables = catalog.base.tables.words, most >= 1 else { return [] }
        let runs = tables.characters.runs(text)
        func isWanted(_ part: CatalogPart, _ product: Int) -> Bool { !part.isHidden(product) && fits(part, product) }
        var places: [Int] = []
        if let place = try catalog.place(id: Self.trimmed(text)) {
            let (part, own) = catalog.at(place)
            if isWanted(part, own) { places.append(place) }
        }
        let key = WordCharacters.key(runs)
        for part in catalog.parts where !key.isEmpty {
            places += try withKey(key, tables, part, most) { isWanted(part, $0) }
        }
        let byKey = Set(places)
        places += try withWords(runs, tables, most, isWanted)
        var met: Set<Int> = []
        return places.filter { met.insert($0).inserted }.prefix(most)
            .map { NamedProduct(product: $0, by: byKey.contains($0) ? .key : .words) }
    }

    private static func trimmed(_ text: String) -> String {
        let scalars = text.unicodeScalars.drop(while: space.contains)
        return String(String.UnicodeScalarView(scalars.reversed().drop(while: space.contains).reversed()))
    }

    /// The places of a file's products with this key, rising, at most so many.
    private func withKey(
        _ key: [UInt8], _ tables: WordTables, _ part: CatalogPart, _ most: Int, _ isWanted: (Int) -> Bool
    ) throws -> [Int] {
        var found: [Int] = []
        func take(_ product: Int, _ hasKey: () throws -> Bool) throws {
            if try found.count < most && isWanted(product) && hasKey() { found.append(part.firstProduct + product) }
        }
        if let listed = try listed(part) {
            for (product, keys) in listed.keys.enumerated() { try take(product) { keys.contains(key) } }
        } else {
            for product in tables.keys.candidates(key) {
                try take(product) {
                    let record = try reading("\(catalog.name), product \(product)") {
                        try RecordTexts(part.tables.record(product))
                    }
                    return tables.keys(of: record).contains(key)
                }
            }
        }
        return found
    }

    /// The places of products with all words, best first, at most so many; if there are none, of those with a word that
    /// begins with the last.
    private func withWords(
        _ runs: [LetterRun], _ tables: WordTables, _ most: Int, _ isWanted: (CatalogPart, Int) -> Bool
    ) throws -> [Int] {
        guard let last = runs.last else { return [] }
        let asked = runs.flatMap(AskedTerm.of)
        var found = try holding(asked, tables, isWanted)
        if found.isEmpty, !last.byPairs, last.points.count >= Self.leastBeginning {
            let beginning = AskedTerm(text: utf8(last.points), begins: true)
            found = try holding(asked.dropLast() + [beginning], tables, isWanted)
        }
        var best = Best(most: most)
        for (terms, place) in found { best.offer(-Double(terms), row: place) }
        return best.sorted().map(\.row)
    }

    /// How many terms each product has that holds all that is asked for, and its place.
    private func holding(
        _ asked: [AskedTerm], _ tables: WordTables, _ isWanted: (CatalogPart, Int) -> Bool
    ) throws -> [(terms: UInt8, place: Int)] {
        try catalog.parts.flatMap { part in
            let found: [(terms: UInt8, place: Int)]
            if let listed = try listed(part) {
                found = listed.terms.enumerated().filter { product, terms in
                    isWanted(part, product) && asked.allSatisfy { $0.isHeld(by: terms) }
                }.map { (WordIndex.count($1.count), $0) }
            } else {
                found = tables.words.holding(asked) { isWanted(part, $0) }.map { (tables.words.counts[$0], $0) }
            }
            return found.map { ($0.terms, part.firstProduct + $0.place) }
        }
    }

    /// Nil for the base, which has tensors.
    private func listed(_ part: CatalogPart) throws -> ListedProducts.Texts? {
        try reading(catalog.name) { try part.listed?.texts() }
    }
}

/// What a product must hold: a term, or one that begins so. UTF-8.
struct AskedTerm {
    let text: [UInt8]
    var begins = false

    /// A run of words asks for its term; one of the other kind for its terms but the last, or, of one character, for any
    /// that begins with it.
    static func of(_ run: LetterRun) -> [AskedTerm] {
        if run.byPairs, run.points.count == 1 { return [AskedTerm(text: utf8(run.points), begins: true)] }
        return (run.byPairs ? run.terms.dropLast() : run.terms).map { AskedTerm(text: $0) }
    }

    func isHeld(by terms: Set<[UInt8]>) -> Bool {
        begins ? terms.contains { $0.starts(with: text) } : terms.contains(text)
    }
}

extension WordIndex {
    /// The products that hold all that is asked for, rising. `isWanted` is asked of those alone that hold the first.
    func holding(_ asked: [AskedTerm], _ isWanted: (Int) -> Bool) -> [Int] {
        var met = [Int32](repeating: 0, count: counts.count)  // how many of the terms, one after the other
        var holding: [Int] = []
        for (number, one) in asked.enumerated() {
            holding = []
            for term in range(of: one.text, begins: one.begins) {
                eachProduct(of: term) { product in
                    guard met[product] == number, number > 0 || isWanted(product) else { return }
                    met[product] += 1
                    holding.append(product)
                }
            }
            if holding.isEmpty { break }
        }
        return holding.sorted()
    }
}
