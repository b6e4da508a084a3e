/// What finds a file's products by words and keys (FORMATS.md, Words and keys).
struct WordTables: Sendable {
    private static let names =
        WordCharacters.names + [
            "key_hashes", "key_products", "word_text", "word_offsets", "word_postings", "word_posting_offsets",
            "word_counts",
        ]

    let characters: WordCharacters
    let keys: KeyIndex
    let words: WordIndex
    private let keyFields: [String]
    private let wordFields: [String]

    /// Nil for a file without. Throws ``Malformed`` for parts that do not fit.
    init?(_ container: Container, products: Int) throws {
        guard Self.names.contains(where: container.holds) else { return nil }
        keyFields = try fieldNames(container, "keys")
        wordFields = try fieldNames(container, "words")
        characters = try WordCharacters(container)
        keys = try KeyIndex(container, products: products)
        words = try WordIndex(container, products: products)
    }

    /// The keys of a record, UTF-8.
    func keys(of record: RecordTexts) -> Set<[UInt8]> {
        Set(record.texts(keyFields).map(characters.key)).subtracting([[]])
    }

    /// The terms of a record, UTF-8.
    func terms(of record: RecordTexts) -> Set<[UInt8]> {
        Set(record.texts(wordFields).flatMap(characters.runs).flatMap(\.terms))
    }
}

/// A file's filters: of each field, the value of each product (FORMATS.md, Filters by a field).
struct FilterColumns: Sendable {
    private static let names = ["filter_values", "filter_names"]
    static let mostValues = 1 << 16

    let fields: [String]
    /// Of each field its values: each the texts of a product.
    let values: [[[String]]]
    private let numbers: Column<UInt16>  // [fields x products]
    private let products: Int

    /// Nil for a file without. Throws ``Malformed`` for parts that do not fit.
    init?(_ container: Container, products: Int) throws {
        guard Self.names.contains(where: container.holds) else { return nil }
        fields = try fieldNames(container, "filters")
        self.products = products
        numbers = try container.column("filter_values", "U16", [fields.count * products], of: UInt16.self)
        let written = try container.column("filter_names", "U8", [Container.any], of: UInt8.self)
        let lists = try Json.parse(written[0..<written.count], once: false).asArray("filter_names")
        values = try lists.map { values in
            try values.asArray("values").map { value in
                try value.asArray("a value").map { try $0.asText("a text of a value") }
            }
        }
        try wellFormed(values.count == fields.count, "filter_names of \(values.count) filters, not \(fields.count)")
        try numbers.withCells { cells in
            for index in 0..<numbers.count {
                try wellFormed(
                    cells[index] < values[index / products].count,
                    "number \(index) of filter_values is beyond its list")
            }
        }
    }

    /// The place of a product's value in its field's list.
    func number(_ field: Int, _ product: Int) -> Int { Int(numbers[field * products + product]) }
}

/// Names of fields that a file is searched by. Throws ``Malformed``.
private func fieldNames(_ container: Container, _ key: String) throws -> [String] {
    let names = try Json.parse(container.text(key).utf8, once: false).asArray(key).map { try $0.asText("a field") }
    try wellFormed(
        Set(names.map { Array($0.utf8) }).count == names.count && !names.contains("price"),
        "\(key) that are not names of fields, each once and none of them price")
    return names
}
