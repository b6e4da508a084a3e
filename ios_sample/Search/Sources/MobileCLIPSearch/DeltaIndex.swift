/// A base's words, keys and filters, and the records of a delta, enter; those of the result leave (FORMATS.md, The delta's
/// file). The delta holds nothing of them: they follow from the records. Terms are merged as they are written; held are
/// those of rewritten products, and some numbers a product.
struct DeltaIndex {
    private static let gone = UInt32.max

    private let base: CatalogTables
    private let rewritten: Column<UInt32>  // places in the result
    private let kept: [UInt32]
    private let products: Int
    private let moved: [UInt32]  // for each of the base's products its place in the result; gone or rewritten: `gone`
    private let terms: [(text: [UInt8], places: [UInt32])]  // of rewritten products, in the order of their bytes
    private let counts: [UInt8]  // of terms, for each rewritten product
    private let pairs: [UInt64]  // of rewritten products: a key's hash, then the place in the lower 32 bits; rising
    private let columns: [FollowedColumn]

    /// Nil for a base without any. `kept`: places in the base of the products that stay. Throws ``Malformed`` where a record
    /// is damaged, or a filter has too many values.
    init?(_ base: CatalogTables, _ delta: CatalogDelta, kept: [UInt32], products: Int) throws {
        if base.words == nil && base.filters == nil { return nil }
        var moved = [UInt32](repeating: Self.gone, count: base.products)
        var isRewritten = Rising(delta.rewritten)
        for (place, old) in kept.enumerated() where isRewritten.take(place) == nil { moved[Int(old)] = UInt32(place) }
        var gathered: [[UInt8]: [UInt32]] = [:]
        var (counts, pairs): ([UInt8], [UInt64]) = ([], [])
        var values: [[[String]]] = []  // of each rewritten product, of each filter
        var start = 0
        for number in 0..<delta.rewritten.count {
            let place = delta.rewritten[number]
            let end = start + Int(delta.recordLengths[number])
            let record = try RecordTexts(delta.records[start..<end])
            start = end
            if let words = base.words {
                let terms = words.terms(of: record)
                for term in terms { gathered[term, default: []].append(place) }
                counts.append(WordIndex.count(terms.count))
                pairs += words.keys(of: record).map { UInt64(KeyIndex.hash($0)) << 32 | UInt64(place) }
            }
            values.append(base.filters?.fields.map(record.texts) ?? [])
        }
        self.base = base
        rewritten = delta.rewritten
        self.kept = kept
        self.products = products
        self.moved = moved
        self.counts = counts
        terms = gathered.map { ($0.key, $0.value) }.sorted { $0.text.lexicographicallyPrecedes($1.text) }
        self.pairs = Set(pairs).sorted()
        columns = try (base.filters?.fields ?? []).indices.map { field in
            try FollowedColumn(base, field, stays: { moved[$0] != Self.gone }, values.map { $0[field] })
        }
    }

    /// The tensors of the result.
    func tensors() -> [String: TensorKind] {
        func numbers(_ count: Int) -> TensorKind { TensorKind("U32", [count], of: UInt32.self) }
        func bytes(_ count: Int) -> TensorKind { TensorKind("U8", [count], of: UInt8.self) }
        var made: [String: TensorKind] = [:]
        if base.filters != nil {
            made["filter_values"] = TensorKind("U16", [columns.count * products], of: UInt16.self)
            made["filter_names"] = bytes(names.count)
        }
        guard let words = base.words else { return made }
        var (keys, terms, text, postings) = (0, 0, 0, 0)
        eachKey { _, _ in keys += 1 }
        eachTerm { term, places in
            terms += 1
            text += term.count
            postings += Self.postings(places).count
        }
        let characters = words.characters
        made["word_folds"] = numbers(characters.folds.count)
        made["word_fold_texts"] = numbers(characters.foldTexts.count)
        made["word_letters"] = numbers(characters.letters.count)
        made["key_hashes"] = numbers(keys)
        made["key_products"] = numbers(keys)
        made["word_text"] = bytes(text)
        made["word_offsets"] = numbers(terms + 1)
        made["word_postings"] = bytes(postings)
        made["word_posting_offsets"] = numbers(terms + 1)
        made["word_counts"] = bytes(products)
        return made
    }

    /// Writes one of ``tensors()``. Throws what `blocks` throw.
    func write(_ name: String, to blocks: inout Blocks) throws {
        func put<Element>(_ column: Column<Element>?) throws {
            if let column { try column.withBytes(0..<column.count) { try blocks.put($0) } }
        }
        func put(_ bytes: [UInt8]) throws { try bytes.withUnsafeBytes { try blocks.put($0) } }
        let words = base.words
        var end: UInt32 = 0
        switch name {
        case "word_folds": try put(words?.characters.folds)
        case "word_fold_texts": try put(words?.characters.foldTexts)
        case "word_letters": try put(words?.characters.letters)
        case "key_hashes": try eachKey { hash, _ in try blocks.put(hash) }
        case "key_products": try eachKey { _, place in try blocks.put(place) }
        case "word_text": try eachTerm { term, _ in try put(term) }
        case "word_postings": try eachTerm { _, places in try put(Self.postings(places)) }
        case "word_offsets":
            try blocks.put(end)
            try eachTerm { term, _ in
                end += UInt32(term.count)
                try blocks.put(end)
            }
        case "word_posting_offsets":
            try blocks.put(end)
            try eachTerm { _, places in
                end += UInt32(Self.postings(places).count)
                try blocks.put(end)
            }
        case "word_counts":
            try eachProduct(new: { try blocks.put(counts[$0]) }, old: { try blocks.put(words?.words.counts[$0] ?? 0) })
        case "filter_values":
            for column in columns {
                try eachProduct(
                    new: { try blocks.put(column.numbersOfNew[$0]) }, old: { try blocks.put(column.number(ofOld: $0)) })
            }
        default: try put(names)
        }
    }

    /// What `filter_names` holds.
    private var names: [UInt8] {
        func list(_ items: [String]) -> String { "[" + items.joined(separator: ",") + "]" }
        return Array(list(columns.map { list($0.values.map(jsonList)) }).utf8)
    }

    private static func postings(_ places: [UInt32]) -> [UInt8] {
        var before: Int?
        return places.flatMap { place in
            defer { before = Int(place) }
            return WordIndex.gap(Int(place), after: before)
        }
    }

    /// Each product in its order: the number of a rewritten one, or the place in the base.
    private func eachProduct(new: (Int) throws -> Void, old: (Int) throws -> Void) rethrows {
        var isRewritten = Rising(rewritten)
        for place in 0..<products {
            if let number = isRewritten.take(place) { try new(number) } else { try old(Int(kept[place])) }
        }
    }

    /// The base's keys of products that stay, and those of rewritten ones: by hash, then by place.
    private func eachKey(_ body: (_ hash: UInt32, _ place: UInt32) throws -> Void) rethrows {
        var next = 0
        func giveNew(before end: UInt64) throws {
            while next < pairs.count, pairs[next] < end {
                try body(UInt32(pairs[next] >> 32), UInt32(truncatingIfNeeded: pairs[next]))
                next += 1
            }
        }
        guard let keys = base.words?.keys else { return }
        for index in 0..<keys.hashes.count {
            let (hash, place) = (keys.hashes[index], moved[Int(keys.products[index])])
            if place == Self.gone { continue }
            try giveNew(before: UInt64(hash) << 32 | UInt64(place))
            try body(hash, place)
        }
        try giveNew(before: .max)
    }

    /// Each term that a product has, in the order of their bytes, with the places of its products, rising.
    private func eachTerm(_ body: (_ term: [UInt8], _ places: [UInt32]) throws -> Void) rethrows {
        guard let words = base.words?.words else { return }
        var next = 0
        for at in 0..<words.terms {
            let term = words.term(at)
            while next < terms.count, terms[next].text.lexicographicallyPrecedes(term) {
                try body(terms[next].text, terms[next].places)
                next += 1
            }
            var places: [UInt32] = []
            words.eachProduct(of: at) { old in
                if moved[old] != Self.gone { places.append(moved[old]) }
            }
            if next < terms.count, terms[next].text == term {
                places = (places + terms[next].places).sorted()
                next += 1
            }
            if !places.isEmpty { try body(term, places) }
        }
        for (text, places) in terms[next...] { try body(text, places) }
    }
}

/// One filter of the result: its values, and the number of each product's.
private struct FollowedColumn {
    let values: [[String]]  // text by text in the order of their bytes
    let numbersOfNew: [UInt16]  // of each rewritten product
    private let ofOldValues: [UInt16]  // of each of the base's values that stays
    private let base: FilterColumns?
    private let field: Int

    /// `stays`: whether a product of the base does, with its record. `new`: the value of each rewritten product. Throws
    /// ``Malformed`` for too many values.
    init(_ base: CatalogTables, _ field: Int, stays: (Int) -> Bool, _ new: [[String]]) throws {
        let old = base.filters?.values[field] ?? []
        var isUsed = [Bool](repeating: false, count: old.count)
        for product in 0..<base.products where stays(product) {
            if let filters = base.filters { isUsed[filters.number(field, product)] = true }
        }
        var values: [[[UInt8]]: [String]] = [:]
        for value in new + old.indices.filter({ isUsed[$0] }).map({ old[$0] }) { values[Self.bytes(value)] = value }
        try wellFormed(
            values.count <= FilterColumns.mostValues,
            "\(values.count) values of a filter, more than \(FilterColumns.mostValues)")
        let sorted = values.sorted { one, other in
            one.key.lexicographicallyPrecedes(other.key) { $0.lexicographicallyPrecedes($1) }
        }
        var numbers: [[[UInt8]]: UInt16] = [:]
        for (number, value) in sorted.enumerated() { numbers[value.key] = UInt16(number) }
        self.values = sorted.map(\.value)
        numbersOfNew = new.map { numbers[Self.bytes($0)] ?? 0 }
        ofOldValues = old.map { numbers[Self.bytes($0)] ?? 0 }
        self.base = base.filters
        self.field = field
    }

    func number(ofOld product: Int) -> UInt16 { base.map { ofOldValues[$0.number(field, product)] } ?? 0 }

    private static func bytes(_ value: [String]) -> [[UInt8]] { value.map { Array($0.utf8) } }
}
