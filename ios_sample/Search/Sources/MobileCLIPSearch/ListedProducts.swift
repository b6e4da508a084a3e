/// The records of an overlay's products enter; their keys, terms and texts of filters leave, by the base's tables. An
/// overlay has no tensors for these: they are made at their first use, and kept.
final class ListedProducts: Sendable {
    struct Texts: Sendable {
        let keys: [Set<[UInt8]>]  // of each product
        let terms: [Set<[UInt8]>]
        let fields: [[[String]]]  // of each filter, of each product
    }

    private let records: Pieces
    private let words: WordTables?
    private let filters: [String]
    private let made = Once<Texts>()

    /// `base`: the tables of the file that the products lie over.
    init(_ records: Pieces, base: CatalogTables) {
        self.records = records
        words = base.words
        filters = base.filters?.fields ?? []
    }

    /// Throws ``Malformed`` where a record is damaged.
    func texts() throws -> Texts {
        try made.value {
            let read = try (0..<records.count).map { try RecordTexts(records[$0]) }
            return Texts(
                keys: read.map { words?.keys(of: $0) ?? [] }, terms: read.map { words?.terms(of: $0) ?? [] },
                fields: filters.map { field in read.map { $0.texts(field) } })
        }
    }
}
