import Foundation

/// An overlay's file, read and checked but for what it shares with its base.
struct OverlayFile {
    let products: [NewProduct]
    let removed: [String]
    let currency: String
    private let baseDigest: String
    private let own: ProductCatalog

    /// Throws ``Malformed`` for what is no overlay of that embedding space, or damaged.
    init(_ file: URL, space: String) throws {
        let bytes = try mapped(file)
        own = try CatalogReader.read(bytes, name: file.path, space: space, digest: nil, least: 0)
        for digest in own.digests { try digest.check() }
        currency = own.currency
        let container = try Container(bytes)
        baseDigest = try container.text("base")
        removed = try Json.parse(container.text("removed").utf8, once: false).asArray("removed")
            .map { try $0.asText("an id in removed") }
        products = try Self.products(own, vectors: Self.vectors(container, own))
    }

    /// Throws ``Malformed`` unless this was written over that base.
    func checkBase(_ base: ProductCatalog) throws {
        try fitting(
            baseDigest == base.digest,
            "the overlay lies over another catalog: its own is \(shown(baseDigest)), this one is \(base.digest)")
        for key in CatalogOverlay.copied {
            try wellFormed(own.metadata[key] == base.metadata[key], "another \(key) than the base's")
        }
        let dim = base.dim
        let offsets = [own, base].map { $0.base.tables.offset[0..<dim].map(\.bitPattern) }
        try wellFormed(offsets[0] == offsets[1], "another offset than the base's")
    }

    private static func vectors(_ container: Container, _ own: ProductCatalog) throws -> [[Float]] {
        let column = try container.column("vectors", "F32", [own.rows, own.dim], of: Float.self)
        return try (0..<own.rows).map { row in
            let vector = column[row * own.dim..<(row + 1) * own.dim]
            try wellFormed(vector.allSatisfy(\.isFinite), "vector \(row) has a number that is not finite")
            return vector
        }
    }

    private static func products(_ own: ProductCatalog, vectors: [[Float]]) throws -> [NewProduct] {
        try wellFormed(
            own.count <= CatalogOverlay.mostProducts,
            "\(own.count) products, more than \(CatalogOverlay.mostProducts)")
        var rows = [[[Float]]](repeating: [], count: own.count)
        for (row, vector) in vectors.enumerated() { rows[Int(own.base.tables.owners[row])].append(vector) }
        var ids: Set<[UInt8]> = []
        return try (0..<own.count).map { place in
            let record = own.base.tables.record(place)
            _ = try Json.parse(record, once: false).asObject("the record").part("id").asText("its id")
            let product = try CatalogProduct(record)
            try wellFormed(
                !product.id.isEmpty && ids.insert(Array(product.id.utf8)).inserted,
                "product \(place) has no id, or another's: \(shown(product.id))")
            return NewProduct(
                id: product.id, name: product.name, price: own.price(place).map { Decimal($0) / 10_000 },
                currency: product.currency, description: product.description,
                category: own.categories[own.category(place)], extra: product.extra, vectors: rows[place],
                thumbnail: own.thumbnail(place))
        }
    }
}

extension ProductCatalog {
    /// This catalog with the overlay's products over it, in place of any that it has. Places and rows are the base's, then
    /// the overlay's. Products that the overlay replaces or removes keep their places, and are never found, by a search or by
    /// id. Everything else is as if one file held both.
    ///
    /// Throws ``SearchError/mismatch(name:problem:)`` for an overlay of another base.
    public func adding(_ overlay: CatalogOverlay) throws -> ProductCatalog {
        let base = withoutOverlay
        return try reading(name) {
            try fitting(
                overlay.base.digest == digest,
                "an overlay over another catalog: its own is \(overlay.base.digest), this one is \(digest)")
            if overlay.products.isEmpty && overlay.removed.isEmpty { return base }
            let own = try CatalogReader.read(overlay.bytes(), name: name, space: space, digest: nil, least: 0)
            var hidden = [Bool](repeating: false, count: base.count)
            for id in overlay.products.map(\.id) + overlay.removed {
                if let place = try base.place(id: id) { hidden[place] = true }
            }
            let names = own.categories.filter { name in !categories.contains { sameBytes($0, name) } }
            let all = base.categories + names
            let places = own.categories.map { name in all.firstIndex { sameBytes($0, name) } ?? 0 }
            let tables = base.base.tables
            let parts = [
                CatalogPart(tables: tables, categories: base.base.categories, hidden: hidden),
                CatalogPart(
                    tables: own.base.tables, firstProduct: base.count, firstRow: base.rows, categories: places,
                    listed: ListedProducts(own.base.tables.records, base: tables)),
            ]
            return ProductCatalog(
                name: name, space: space, model: model, currency: currency, categories: all, calibration: calibration,
                metadata: metadata, parts: own.count == 0 ? Array(parts.prefix(1)) : parts,
                digests: digests.prefix(1) + own.digests)
        }
    }

    /// The base alone, as its file holds it.
    var withoutOverlay: ProductCatalog {
        let names = base.categories.count
        return ProductCatalog(
            name: name, space: space, model: model, currency: currency, categories: Array(categories.prefix(names)),
            calibration: calibration, metadata: metadata,
            parts: [CatalogPart(tables: base.tables, categories: base.categories)], digests: [digests[0]])
    }
}
