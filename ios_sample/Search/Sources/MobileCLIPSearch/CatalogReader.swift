import Foundation

/// Opens a catalog: everything that FORMATS.md says of it is checked here, but the digest. Throws ``Malformed``.
enum CatalogReader {
    private static let known = [
        ("format", "mobileclip-catalog"), ("version", "1"), ("quantization", "int8-row-offset"), ("metric", "cosine"),
    ]
    private static let mostDim = 1024  // beyond, the integer sum of a score could overflow an Int32
    private static let longestCount = 10  // digits

    /// `least`: how many products and rows there must be; an overlay may have none.
    static func read(
        _ file: Data, name: String, space: String?, digest: String?, least: Int = 1
    ) throws -> ProductCatalog {
        let container = try Container(file)
        for (key, value) in known {
            let found = container.metadata[key]
            try wellFormed(found == value, "unknown \(key): expected '\(value)', found \(found.map(shown) ?? "none")")
        }
        let own = try hex(container, "space")
        let model = try container.text("model")
        if let space { try checkSpace(own: own, model: model, space: space) }
        let sha256 = try hex(container, "sha256")
        if let digest { try checkDigest(own: sha256, digest: digest) }
        let names = try Json.parse(container.text("categories").utf8, once: false).asArray("categories")
            .map { try $0.asText("a category") }
        let currency = try container.text("currency")
        let calibration = try ScoreCalibration(json: container.text("calibration"))
        let tables = try tables(container, names: names.count, least: least)
        return try ProductCatalog(
            name: name, space: own, model: model, currency: currency, categories: names, calibration: calibration,
            metadata: container.metadata,
            parts: [CatalogPart(tables: tables, categories: Array(names.indices))],
            digests: [CatalogDigest(file, expected: sha256, header: container.header)])
    }

    private static func tables(_ container: Container, names: Int, least: Int) throws -> CatalogTables {
        let products = try count(container, "products", least: least)
        let rows = try count(container, "rows", least: least)
        let dim = try count(container, "dim")
        try wellFormed(dim <= mostDim, "\(dim) dimensions, more than \(mostDim)")
        let hasThumbnails = container.holds("thumbnails") || container.holds("thumbnail_offsets")
        let records = try pieces(container, "records", "record_offsets", products)
        let order =
            container.holds("id_order") ? try container.column("id_order", "U32", [products], of: UInt32.self) : nil
        let tables = try CatalogTables(
            prices: container.column("prices", "I64", [products], of: Int64.self),
            categories: container.column("categories", "U32", [products], of: UInt32.self),
            owners: container.column("owners", "U32", [rows], of: UInt32.self),
            scales: container.column("scales", "F32", [rows], of: Float.self),
            offset: container.column("offset", "F32", [dim], of: Float.self),
            codes: container.column("codes", "I8", [rows, dim], of: Int8.self),
            records: records,
            thumbnails: hasThumbnails ? pieces(container, "thumbnails", "thumbnail_offsets", products) : nil,
            ids: IDOrder(order, records: records),
            firstPass: FirstPass(container, rows: rows, dim: dim),
            words: WordTables(container, products: products),
            filters: FilterColumns(container, products: products))
        if let order { try checkOrder(order) }
        try checkProducts(tables, names)
        try checkRows(tables)
        return tables
    }

    /// The offsets rise from 0 to the size of what they cut.
    private static func pieces(
        _ container: Container, _ name: String, _ offsetsName: String, _ products: Int
    ) throws -> Pieces {
        let bytes = try container.column(name, "U8", [Container.any], of: UInt8.self)
        let offsets = try container.column(offsetsName, "U64", [products + 1], of: UInt64.self)
        try offsets.withCells { cells in
            var last: UInt64 = 0
            for index in 0..<offsets.count {
                let next = cells[index]
                try wellFormed(
                    next >= last && (index > 0 || next == 0),
                    "\(offsetsName) do not rise: number \(index) follows \(last)")
                last = next
            }
            try wellFormed(last == UInt64(bytes.count), "\(offsetsName) end at \(last), their bytes at \(bytes.count)")
        }
        return Pieces(offsets: offsets, bytes: bytes)
    }

    /// A permutation of the places.
    private static func checkOrder(_ order: Column<UInt32>) throws {
        var met = [Bool](repeating: false, count: order.count)
        try order.withCells { cells in
            for index in 0..<order.count {
                let place = Int(cells[index])
                try wellFormed(
                    place < met.count && !met[place],
                    "number \(index) of id_order is \(place), twice or beyond the \(met.count) products")
                met[place] = true
            }
        }
    }

    private static func checkProducts(_ tables: CatalogTables, _ names: Int) throws {
        try tables.prices.withCells { prices in
            for product in 0..<tables.prices.count {
                try wellFormed(prices[product] >= CatalogTables.noPrice, "product \(product) has a price below 0")
            }
        }
        try tables.categories.withCells { categories in
            for product in 0..<tables.categories.count {
                try wellFormed(
                    categories[product] < names, "product \(product) has a category beyond the \(names) names")
            }
        }
    }

    private static func checkRows(_ tables: CatalogTables) throws {
        var products = 0  // that have a row so far
        try tables.owners.withCells { owners in
            for row in 0..<tables.owners.count {
                let owner = Int(owners[row])
                try wellFormed(
                    owner == products || row > 0 && owner == products - 1,
                    "row \(row) belongs to product \(owner) after product \(products - 1)")
                products = owner + 1
            }
        }
        try wellFormed(
            products == tables.products, "the rows end at product \(products - 1) of \(tables.products)")
        let scales = [("scale", tables.scales)] + (tables.firstPass.map { [("first_scale", $0.scales)] } ?? [])
        for (name, column) in scales {
            try column.withCells { scales in
                for row in 0..<tables.rows {
                    let scale = scales[row]
                    try wellFormed(scale >= 0 && scale.isFinite, "row \(row) has a \(name) of \(scale)")
                }
            }
        }
        for (index, value) in tables.offset[0..<tables.offset.count].enumerated() {
            try wellFormed(value.isFinite, "number \(index) of the offset is \(value)")
        }
    }

    private static func count(_ container: Container, _ key: String, least: Int = 1) throws -> Int {
        try count(container.text(key), key, least: least)
    }

    /// A count of the metadata. Throws ``Malformed``.
    static func count(_ written: String, _ key: String, least: Int = 1) throws -> Int {
        guard written.utf8.count <= longestCount, written.utf8.allSatisfy(isDigit),
            written.first != "0" || written == "0", let count = Int(written), count >= least
        else { throw Malformed("\(key) is \(shown(written)), no count") }
        return count
    }

    private static func hex(_ container: Container, _ key: String) throws -> String {
        let written = try container.text(key)
        try wellFormed(isDigest(written.utf8), "\(key) is \(shown(written)), not 64 hex digits")
        return written
    }
}

func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

private func checkDigest(own: String, digest: String) throws {
    try fitting(
        digest == own,
        "the catalog is not the one that came with the encoders: its digest is \(own), theirs is \(digest)")
}

/// Throws ``Malformed`` unless a catalog's own space and model are of the encoders' `space`.
func checkSpace(own: String, model: String, space: String) throws {
    try fitting(
        space == own,
        "the catalog is of another embedding space: its own is \(own) (\(shown(model))), the encoders' is \(space)")
}
