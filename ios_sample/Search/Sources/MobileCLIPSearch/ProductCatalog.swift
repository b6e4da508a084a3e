import Foundation

/// An open `.catalog` file, mapped: products, their records and small pictures, and their quantised embeddings.
///
/// Opening checks the structure whole, so that nothing can point outside the file afterwards; ``verify()`` checks the
/// bytes. May be shared between tasks. The file must not be written to while it is open; replace it by renaming another.
public struct ProductCatalog: Sendable {
    /// The path; for messages.
    public let name: String
    /// 64 hex digits naming the embedding space.
    public let space: String
    /// The model's name.
    public let model: String
    /// ISO 4217; empty where products have several or none: then nothing can be filtered by price.
    public let currency: String
    /// In the order of their first product; the empty name is that of products without one.
    public let categories: [String]
    /// Scores to confidences.
    public let calibration: ScoreCalibration
    /// Names of the records' fields that products can be filtered by, beside category and price (``CatalogFilter/fields``).
    public var filters: [String] { base.tables.filters?.fields ?? [] }
    /// The file's metadata, letter by letter.
    let metadata: [String: String]
    /// The base, and perhaps an overlay's products.
    let parts: [CatalogPart]
    let digests: [CatalogDigest]

    /// Maps `file` and checks its structure. `space`: the embedding space of the app's encoders (``ModelManifest/space``).
    /// `digest`: of the one catalog that came with them (``ModelManifest/CatalogFile``); the bytes are not read for it.
    ///
    /// Throws ``SearchError/missingFile(name:problem:)``; ``SearchError/badFile(name:problem:)`` for a file that is no whole
    /// catalog of this version; ``SearchError/mismatch(name:problem:)`` for one of another space or digest.
    public static func open(_ file: URL, space: String? = nil, digest: String? = nil) throws -> ProductCatalog {
        let bytes = try mapped(file)
        return try reading(file.path) {
            try CatalogReader.read(bytes, name: file.path, space: space, digest: digest)
        }
    }

    /// How many products; those that an overlay replaced or removed keep their places and count too.
    public var count: Int { parts.reduce(0) { $0 + $1.tables.products } }

    /// How many rows: pictures of products.
    public var rows: Int { parts.reduce(0) { $0 + $1.tables.rows } }

    /// The width of an embedding.
    public var dim: Int { base.tables.offset.count }

    /// 64 hex digits that stand in the file (``ModelManifest/CatalogFile``); of an overlaid catalog, those of its base.
    public var digest: String { digests[0].expected }

    /// The place of the product with this id, the shop's own; nil if there is none. Ids are equal where their UTF-8 bytes
    /// are, not where Unicode calls them equivalent. Parses some 20 of a million records; in a file of an older builder, all
    /// of them once.
    ///
    /// Throws ``SearchError/badFile(name:problem:)`` where it meets a damaged record.
    public func place(id: String) throws -> Int? {
        for part in parts.reversed() {  // what is laid over the base replaces the base's
            guard let place = try reading(name, { try part.tables.ids.place(id) }) else { continue }
            return part.isHidden(place) ? nil : part.firstProduct + place
        }
        return nil
    }

    /// The product with this id, the shop's own; nil if there is none. As ``place(id:)``.
    public func product(id: String) throws -> CatalogProduct? { try place(id: id).map(product) }

    /// A product's record, parsed anew each time. `product`: in `0..<count`.
    ///
    /// Throws ``SearchError/badFile(name:problem:)`` if it is no JSON object: the file is damaged.
    public func product(_ product: Int) throws -> CatalogProduct {
        let (part, own) = at(product)
        return try reading("\(name), product \(product)") { try CatalogProduct(part.tables.record(own)) }
    }

    /// A product's small picture, a WebP file's bytes; nil for none.
    public func thumbnail(_ product: Int) -> Data? {
        let (part, own) = at(product)
        return part.tables.thumbnail(own)
    }

    /// A product's category: a place in ``categories``.
    public func category(_ product: Int) -> Int {
        let (part, own) = at(product)
        return part.category(own)
    }

    /// A product's price in ten-thousandths of the currency's unit; nil for none. ``CatalogProduct/price`` is in units.
    public func price(_ product: Int) -> Int64? {
        let (part, own) = at(product)
        let price = part.tables.prices[own]
        return price == CatalogTables.noPrice ? nil : price
    }

    /// Proves that the bytes are the builder's own, by the SHA-256 that stands in the file. Reads the whole file: to be
    /// done once, after an install or a download, off the main thread.
    ///
    /// Throws ``SearchError/badFile(name:problem:)`` if they are not.
    public func verify() throws {
        try reading(name) { for digest in digests { try digest.check() } }
    }

    var base: CatalogPart { parts[0] }

    /// The file of a product, and its place there.
    func at(_ product: Int) -> (part: CatalogPart, own: Int) {
        let part = parts.last { product >= $0.firstProduct } ?? base
        return (part, product - part.firstProduct)
    }

    /// The file of a row, and the row there.
    func at(row: Int) -> (part: CatalogPart, own: Int) {
        let part = parts.last { row >= $0.firstRow } ?? base
        return (part, row - part.firstRow)
    }
}
