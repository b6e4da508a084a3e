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
    let tables: CatalogTables
    let digest: CatalogDigest

    /// Maps `file` and checks its structure. `space`: the embedding space of the app's encoders (``ModelManifest/space``).
    /// `digest`: of the one catalog that came with them (``ModelManifest/CatalogFile``); the bytes are not read for it.
    ///
    /// Throws ``SearchError/badFile(name:problem:)`` for any file that is no whole catalog of this version, that space and
    /// that digest.
    public static func open(_ file: URL, space: String? = nil, digest: String? = nil) throws -> ProductCatalog {
        let bytes = try mapped(file)
        return try reading(file.path) {
            try CatalogReader.read(bytes, name: file.path, space: space, digest: digest)
        }
    }

    /// How many products.
    public var count: Int { tables.prices.count }

    /// How many rows: pictures of products.
    public var rows: Int { tables.scales.count }

    /// The width of an embedding.
    public var dim: Int { tables.offset.count }

    /// A product's record, parsed anew each time. `product`: in `0..<count`.
    ///
    /// Throws ``SearchError/badFile(name:problem:)`` if it is no JSON object: the file is damaged.
    public func product(_ product: Int) throws -> CatalogProduct {
        try reading("\(name), product \(product)") { try CatalogProduct(tables.record(product)) }
    }

    /// A product's small picture, a WebP file's bytes; nil for none.
    public func thumbnail(_ product: Int) -> Data? { tables.thumbnail(product) }

    /// A product's category: a place in ``categories``.
    public func category(_ product: Int) -> Int { Int(tables.categories[product]) }

    /// A product's price in ten-thousandths of the currency's unit; nil for none.
    public func price(_ product: Int) -> Int64? {
        let price = tables.prices[product]
        return price == CatalogTables.noPrice ? nil : price
    }

    /// Proves that the bytes are the builder's own, by the SHA-256 that stands in the file. Reads the whole file: to be
    /// done once, after an install or a download, off the main thread.
    ///
    /// Throws ``SearchError/badFile(name:problem:)`` if they are not.
    public func verify() throws {
        try reading(name) { try digest.check() }
    }
}

/// The tensors: columns of the mapped file.
struct CatalogTables: Sendable {
    static let noPrice: Int64 = -1

    let prices: Column<Int64>  // [products], ten-thousandths, noPrice for none
    let categories: Column<UInt32>  // [products]
    let owners: Column<UInt32>  // [rows], from 0 by steps of 0 or 1
    let scales: Column<Float>  // [rows]
    let offset: Column<Float>  // [dim]
    let codes: Column<Int8>  // [rows, dim]
    let records: Pieces
    let thumbnails: Pieces?

    func record(_ product: Int) -> [UInt8] { records[product] }

    func thumbnail(_ product: Int) -> Data? {
        guard let piece = thumbnails?[product], !piece.isEmpty else { return nil }
        return Data(piece)
    }

    /// The first row of a product: of the sorted owners, the first that is not below it.
    func firstRow(_ product: Int) -> Int {
        var low = 0
        var high = owners.count
        while low < high {
            let middle = (low + high) / 2
            if owners[middle] < product { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

/// Bytes cut into pieces, a piece a product. `offsets`, [products + 1], rise from 0 to the number of bytes.
struct Pieces: Sendable {
    let offsets: Column<UInt64>
    let bytes: Column<UInt8>

    subscript(index: Int) -> [UInt8] { bytes[Int(offsets[index])..<Int(offsets[index + 1])] }
}
