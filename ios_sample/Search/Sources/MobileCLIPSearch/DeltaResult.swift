import Foundation

/// The catalog that a delta makes of its base, written tensor by tensor; held are some numbers a product.
struct DeltaResult {
    private let base: CatalogTables
    private let delta: CatalogDelta
    private let kept: [UInt32]  // places in the base of the products that stay
    private let products: Int
    private let firsts: [UInt32]  // of each of the base's products the first row, and their end
    private let moved: [UInt32]  // for each of the base's categories its place in the result's names
    private let index: DeltaIndex?  // words, keys and filters
    private var names: [String] = []  // of the tensors, as they follow

    /// Checks all that can be checked before anything is written. Throws ``Malformed``, and ``SearchError`` where the base's
    /// records are damaged.
    init(_ catalog: ProductCatalog, _ delta: CatalogDelta) throws {
        self.delta = delta
        base = catalog.base.tables
        try wellFormed(
            delta.head.count <= Container.lengthBytes + Container.mostHeader,
            "a header of \(delta.head.count) bytes, more than \(Container.mostHeader)")
        let head = Data(delta.head[0..<delta.head.count])
        let (place, metadata, _) = try Container.parsed(head)
        try wellFormed(place.upperBound == head.count, "a head with more than a header")
        guard let count = metadata["products"], let written = metadata["categories"] else {
            throw Malformed("a head without products or categories")
        }
        products = try CatalogReader.count(count, "products")
        let categories = try Json.parse(written.utf8, once: false).asArray("categories")
        moved = try Self.moved(catalog.categories, to: categories.map { try $0.asText("a category") })
        try checkRising("removed", delta.removed, below: base.products)
        kept = Self.kept(delta.removed, of: base.products)
        firsts = Self.firsts(base)
        try checkDelta(delta, base, products: products, kept: kept.count)
        index = try DeltaIndex(base, delta, kept: kept, products: products)
        let expected: Data
        (expected, names) = try containerHead(metadata, tensors())
        try wellFormed(expected == head, "a head that is laid out otherwise, or announces other tensors")
    }

    /// Gives the file's bytes, in blocks. Throws what `give` throws, ``Malformed``, and `CancellationError` between blocks.
    func write(_ give: @escaping (Data) throws -> Void) throws {
        var blocks = Blocks(give)
        try delta.head.withBytes(0..<delta.head.count) { try blocks.put($0) }
        for name in names { try write(name, to: &blocks) }
        try blocks.flush()
    }

    private static func kept(_ removed: Column<UInt32>, of products: Int) -> [UInt32] {
        var removed = Rising(removed)
        return (0..<products).compactMap { removed.take($0) == nil ? UInt32($0) : nil }
    }

    private static func firsts(_ base: CatalogTables) -> [UInt32] {
        var firsts: [UInt32] = []
        firsts.reserveCapacity(base.products + 1)
        base.owners.withCells { owners in
            for row in 0..<base.rows where Int(owners[row]) == firsts.count { firsts.append(UInt32(row)) }
        }
        return firsts + [UInt32(base.rows)]
    }

    /// A name that the result has no more becomes a place beyond its names.
    private static func moved(_ names: [String], to others: [String]) -> [UInt32] {
        var places: [[UInt8]: Int] = [:]
        for (place, name) in others.enumerated() { places[Array(name.utf8)] = place }
        return names.map { UInt32(places[Array($0.utf8)] ?? others.count) }
    }

    /// The result's tensors: those of the base.
    private func tensors() throws -> [String: TensorKind] {
        var rows = 0
        eachProduct { _, count in rows += count }
        var tensors = [
            "prices": TensorKind("I64", [products], of: Int64.self),
            "categories": TensorKind("U32", [products], of: UInt32.self),
            "offset": TensorKind("F32", [base.offset.count], of: Float.self),
            "owners": TensorKind("U32", [rows], of: UInt32.self),
            "scales": TensorKind("F32", [rows], of: Float.self),
            "codes": TensorKind("I8", [rows, base.offset.count], of: Int8.self),
        ]
        func add(_ name: String, _ each: ((UnsafeRawBufferPointer) throws -> Void) throws -> Void) throws {
            var size = 0
            try each { size += $0.count }
            tensors["\(name)s"] = TensorKind("U8", [size], of: UInt8.self)
            tensors["\(name)_offsets"] = TensorKind("U64", [products + 1], of: UInt64.self)
        }
        try add("record", eachRecord)
        if base.thumbnails != nil { try add("thumbnail", eachThumbnail) }
        if let first = base.firstPass {
            tensors["first_axes"] = TensorKind("I8", [first.width, base.offset.count], of: Int8.self)
            tensors["first_codes"] = TensorKind("I8", [rows, first.width], of: Int8.self)
            tensors["first_scales"] = TensorKind("F32", [rows], of: Float.self)
        }
        if base.ids.order != nil { tensors["id_order"] = TensorKind("U32", [products], of: UInt32.self) }
        return index.map { tensors.merging($0.tensors()) { own, _ in own } } ?? tensors
    }

    private func write(_ name: String, to blocks: inout Blocks) throws {
        switch name {
        case "prices": try writePrices(to: &blocks)
        case "categories": try writeCategories(to: &blocks)
        case "offset": try base.offset.withBytes(0..<base.offset.count) { try blocks.put($0) }
        case "owners":
            try eachProduct { place, count in
                for _ in 0..<count { try blocks.put(UInt32(place)) }
            }
        case "scales": try writeRows(base.scales, delta.scales, width: 1, to: &blocks)
        case "codes": try writeRows(base.codes, delta.codes, width: base.offset.count, to: &blocks)
        case "first_axes", "first_codes", "first_scales":
            if let first = base.firstPass { try write(first, name, to: &blocks) }
        case "record_offsets": try writeOffsets(eachRecord, to: &blocks)
        case "records": try eachRecord { try blocks.put($0) }
        case "thumbnail_offsets": try writeOffsets(eachThumbnail, to: &blocks)
        case "thumbnails": try eachThumbnail { try blocks.put($0) }
        case "id_order": try writeIDOrder(to: &blocks)
        default: try index?.write(name, to: &blocks)
        }
    }

    private func writePrices(to blocks: inout Blocks) throws {
        var (rewritten, repriced) = (Rising(delta.rewritten), Rising(delta.repriced))
        for place in 0..<products {
            let (given, priced) = (rewritten.take(place), repriced.take(place))
            if let priced {
                try blocks.put(delta.newPrices[priced])
            } else if let given {
                try blocks.put(delta.prices[given])
            } else {
                try blocks.put(base.prices[Int(kept[place])])
            }
        }
    }

    private func writeCategories(to blocks: inout Blocks) throws {
        var rewritten = Rising(delta.rewritten)
        for place in 0..<products {
            if let given = rewritten.take(place) {
                try blocks.put(delta.categories[given])
            } else {
                try blocks.put(moved[Int(base.categories[Int(kept[place])])])
            }
        }
    }

    /// What each row has `width` elements of.
    private func writeRows<Element>(
        _ old: Column<Element>, _ new: Column<Element>, width: Int, to blocks: inout Blocks
    ) throws {
        func put(_ column: Column<Element>, _ rows: Range<Int>) throws {
            try column.withBytes(rows.lowerBound * width..<rows.upperBound * width) { try blocks.put($0) }
        }
        try eachRows(old: { try put(old, $0) }, new: { try put(new, $0) })
    }

    /// The base's axes and rows; the delta's rows follow from their codes and scales.
    private func write(_ first: FirstPass, _ name: String, to blocks: inout Blocks) throws {
        let (width, dim) = (first.width, base.offset.count)
        func put<Element>(_ column: Column<Element>, _ range: Range<Int>) throws {
            try column.withBytes(range) { try blocks.put($0) }
        }
        func derived(_ row: Int) -> (codes: [Int8], scale: Float) {
            first.derived(delta.codes[row * dim..<(row + 1) * dim], delta.scales[row])
        }
        switch name {
        case "first_axes": try put(first.axes, 0..<first.axes.count)
        case "first_scales":
            try eachRows(
                old: { try put(first.scales, $0) },
                new: { for row in $0 { try blocks.put(derived(row).scale.bitPattern) } })
        default:
            try eachRows(
                old: { try put(first.codes, $0.lowerBound * width..<$0.upperBound * width) },
                new: { for row in $0 { try derived(row).codes.withUnsafeBytes { try blocks.put($0) } } })
        }
    }

    /// The rows of each product, one product after the other: the base's, or the delta's.
    private func eachRows(old: (Range<Int>) throws -> Void, new: (Range<Int>) throws -> Void) rethrows {
        var (changed, row) = (Rising(delta.changed), 0)
        for place in 0..<products {
            if let given = changed.take(place) {
                let end = row + Int(delta.rowCounts[given])
                try new(row..<end)
                row = end
            } else {
                try old(rows(Int(kept[place])))
            }
        }
    }

    private func writeOffsets(
        _ each: ((UnsafeRawBufferPointer) throws -> Void) throws -> Void, to blocks: inout Blocks
    ) throws {
        var end: UInt64 = 0
        try blocks.put(end)
        try each { piece in
            end += UInt64(piece.count)
            try blocks.put(end)
        }
    }

    /// The base's order without what went, and the new products at their places in it.
    private func writeIDOrder(to blocks: inout Blocks) throws {
        guard let order = base.ids.order else { return }
        let none = UInt32.max
        var now = [UInt32](repeating: none, count: base.products)  // by place in the base
        var came = [UInt32](repeating: none, count: products)  // by place in the order
        for (place, old) in kept.enumerated() { now[Int(old)] = UInt32(place) }
        for new in 0..<delta.idPlaces.count { came[Int(delta.idPlaces[new])] = UInt32(kept.count + new) }
        var next = 0
        for at in 0..<products {
            if came[at] != none {
                try blocks.put(came[at])
                continue
            }
            while now[Int(order[next])] == none { next += 1 }
            try blocks.put(now[Int(order[next])])
            next += 1
        }
    }

    /// Each product's place and number of rows.
    private func eachProduct(_ body: (_ place: Int, _ rows: Int) throws -> Void) rethrows {
        var changed = Rising(delta.changed)
        for place in 0..<products {
            let given = changed.take(place)
            try body(place, given.map { Int(delta.rowCounts[$0]) } ?? rows(Int(kept[place])).count)
        }
    }

    private func eachRecord(_ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        var (rewritten, repriced, start) = (Rising(delta.rewritten), Rising(delta.repriced), 0)
        for place in 0..<products {
            let (given, price) = (rewritten.take(place), repriced.take(place))
            if let given {
                let end = start + Int(delta.recordLengths[given])
                try delta.records.withBytes(start..<end, body)
                start = end
            } else if let price {
                let record = try Self.priced(base.record(Int(kept[place])), delta.newPrices[price])
                try record.withUnsafeBytes(body)
            } else {
                try base.records.withBytes(Int(kept[place]), body)
            }
        }
    }

    private func eachThumbnail(_ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        var (changed, start) = (Rising(delta.changed), 0)
        for place in 0..<products {
            if let given = changed.take(place) {
                let end = start + Int(delta.thumbnailLengths[given])
                try delta.thumbnails.withBytes(start..<end, body)
                start = end
            } else {
                try base.thumbnails?.withBytes(Int(kept[place]), body)
            }
        }
    }

    private func rows(_ old: Int) -> Range<Int> { Int(firsts[old])..<Int(firsts[old + 1]) }

    /// A record with another price. In a text of JSON a quotation mark has a backslash before it.
    static func priced(_ record: [UInt8], _ price: Int64) throws -> [UInt8] {
        let key = Array(#","price":"#.utf8)
        let ends = Array(",}".utf8)
        guard let found = Data(record).range(of: Data(key)),
            let end = record[found.upperBound...].firstIndex(where: ends.contains)
        else { throw Malformed("a record without a price") }
        return record[..<found.upperBound] + Array(shortestPrice(price).utf8) + record[end...]
    }
}

/// Throws ``Malformed`` unless lengths and places of a delta fit; nothing large is made before.
private func checkDelta(_ delta: CatalogDelta, _ base: CatalogTables, products: Int, kept: Int) throws {
    try checkRising("changed", delta.changed, below: products)
    try checkRising("rewritten", delta.rewritten, below: products)
    try checkRising("repriced", delta.repriced, below: products)
    let came = products - kept
    for (name, places) in [("changed", delta.changed), ("rewritten", delta.rewritten)] {
        try wellFormed(
            came >= 0 && came <= places.count && (came == 0 || Int(places[places.count - came]) == kept),
            "new products that are not \(name)")
    }
    let thumbnails = base.thumbnails == nil ? 0 : delta.changed.count
    for (name, found, expected) in [
        ("row_counts", delta.rowCounts.count, delta.changed.count),
        ("thumbnail_lengths", delta.thumbnailLengths.count, thumbnails),
        ("record_lengths", delta.recordLengths.count, delta.rewritten.count),
        ("categories", delta.categories.count, delta.rewritten.count),
        ("prices", delta.prices.count, delta.rewritten.count),
        ("new_prices", delta.newPrices.count, delta.repriced.count),
        ("id_places", delta.idPlaces.count, base.ids.order == nil ? 0 : came),
        ("scales", delta.scales.count, sum(delta.rowCounts)),
        ("codes", delta.codes.count, delta.scales.count * base.offset.count),
        ("records", delta.records.count, sum(delta.recordLengths)),
        ("thumbnails", delta.thumbnails.count, sum(delta.thumbnailLengths)),
    ] { try wellFormed(found == expected, "\(found) \(name), expected \(expected)") }
    for index in 0..<delta.rowCounts.count { try wellFormed(delta.rowCounts[index] > 0, "a product without a row") }
    for prices in [delta.prices, delta.newPrices] {
        for index in 0..<prices.count { try wellFormed(prices[index] >= CatalogTables.noPrice, "a price below 0") }
    }
    var met = Set<UInt32>()
    for index in 0..<delta.idPlaces.count {
        let place = delta.idPlaces[index]
        try wellFormed(Int(place) < products && met.insert(place).inserted, "id_places that are not one a product")
    }
}

private func sum(_ numbers: Column<UInt32>) -> Int { (0..<numbers.count).reduce(0) { $0 + Int(numbers[$1]) } }

private func checkRising(_ name: String, _ places: Column<UInt32>, below end: Int) throws {
    var least = 0
    for index in 0..<places.count {
        let place = Int(places[index])
        try wellFormed(place >= least && place < end, "\(name) that do not rise to below \(end)")
        least = place + 1
    }
}

/// Rising places, each asked for in its turn.
struct Rising {
    private let places: Column<UInt32>
    private var next = 0

    init(_ places: Column<UInt32>) {
        self.places = places
    }

    /// The number of this place among them; nil where it is none of them.
    mutating func take(_ place: Int) -> Int? {
        guard next < places.count, Int(places[next]) == place else { return nil }
        next += 1
        return next - 1
    }
}

/// Bytes on their way to a file, given on in blocks.
struct Blocks {
    private static let most = 1 << 16
    private let give: (Data) throws -> Void
    private var waiting = Data(capacity: most)

    init(_ give: @escaping (Data) throws -> Void) {
        self.give = give
    }

    mutating func put(_ value: some FixedWidthInteger) throws {
        try withUnsafeBytes(of: value.littleEndian) { try put($0) }
    }

    mutating func put(_ bytes: UnsafeRawBufferPointer) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let taken = UnsafeRawBufferPointer(rebasing: rest.prefix(Self.most - waiting.count))
            waiting.append(contentsOf: taken)
            rest = rest.dropFirst(taken.count)
            if waiting.count == Self.most { try flush() }
        }
    }

    mutating func flush() throws {
        try Task.checkCancellation()
        if !waiting.isEmpty { try give(waiting) }
        waiting.removeAll(keepingCapacity: true)
    }
}
