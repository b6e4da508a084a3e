/// A field of a catalog's filters and texts enter; which products hold one of these leaves.
struct FieldChoice {
    private let field: Int
    private let ofValues: [Bool]  // of the base's values
    private let ofListed: [Bool]  // of an overlay's products
    private let columns: FilterColumns

    /// Throws ``SearchError/badRequest(_:)`` for a field that is no filter, or a text that no product holds.
    init(_ catalog: ProductCatalog, _ name: String, _ wanted: Set<String>) throws {
        (field, columns) = try catalog.filter(name)
        try requireKnown(wanted, among: catalog.filterNames(name), name)
        let asked = Set(wanted.map { Array($0.utf8) })
        func holds(_ texts: [String]) -> Bool { texts.contains { asked.contains(Array($0.utf8)) } }
        ofValues = columns.values[field].map(holds)
        ofListed = try catalog.listedTexts(field).map(holds)
    }

    /// Whether a product of a file fits.
    func fits(_ part: CatalogPart, _ product: Int) -> Bool {
        part.listed == nil ? ofValues[columns.number(field, product)] : ofListed[product]
    }
}

extension ProductCatalog {
    /// What products hold in a field of ``filters``, each text once, in the order of its values; then what only an overlay's
    /// products hold.
    ///
    /// Throws ``SearchError/badRequest(_:)`` for a field that is no filter, and
    /// ``SearchError/badFile(name:problem:)`` where a record is damaged.
    public func filterNames(_ name: String) throws -> [String] {
        let (field, columns) = try filter(name)
        var met: Set<[UInt8]> = []
        return try (columns.values[field] + listedTexts(field)).joined()
            .filter { met.insert(Array($0.utf8)).inserted }
    }

    /// A field's place among the filters, and these.
    fileprivate func filter(_ name: String) throws -> (field: Int, columns: FilterColumns) {
        guard let columns = base.tables.filters, let field = columns.fields.firstIndex(where: { sameBytes($0, name) })
        else {
            let known = filters.isEmpty ? "none" : filters.joined(separator: ", ")
            throw SearchError.badRequest("no filter by \(shown(name)); there are: \(known)")
        }
        return (field, columns)
    }

    /// Of each of an overlay's products, what it holds in a field.
    fileprivate func listedTexts(_ field: Int) throws -> [[String]] {
        guard let listed = parts.last?.listed else { return [] }
        return try reading(name) { try listed.texts() }.fields[field]
    }
}

/// Throws ``SearchError/badRequest(_:)`` unless all texts are among the known ones, letter by letter. `what`: of which they
/// are.
func requireKnown(_ wanted: Set<String>, among known: [String], _ what: String) throws {
    let bytes = Set(known.map { Array($0.utf8) })
    let unknown = wanted.filter { !bytes.contains(Array($0.utf8)) }.sorted()
    try require(
        unknown.isEmpty,
        "no such \(what): \(unknown.joined(separator: ", ")); there are \(known.joined(separator: ", "))")
}
