import Foundation

/// A `.delta` file, mapped: what makes the catalog of today of that of yesterday, and little more (FORMATS.md, The delta's
/// file).
///
/// Opening checks types alone; ``apply(to:writing:)`` checks the rest, and the result by its digest: a damaged delta never
/// gives a catalog. Nothing is decompressed, and little memory is used: some bytes a product.
public struct CatalogDelta: Sendable {
    private static let format = [("format", "mobileclip-delta"), ("version", "1")]

    /// The path; for messages.
    public let name: String
    /// The digest of the catalog that it is for.
    public let base: String
    /// The digest of the catalog that it makes.
    public let result: String
    let head: Column<UInt8>  // the result's length and header
    let removed: Column<UInt32>  // places in the base; all others are places in the result
    let changed: Column<UInt32>
    let rowCounts: Column<UInt32>
    let scales: Column<Float>
    let codes: Column<Int8>
    let thumbnailLengths: Column<UInt32>
    let thumbnails: Column<UInt8>
    let rewritten: Column<UInt32>
    let recordLengths: Column<UInt32>
    let records: Column<UInt8>
    let categories: Column<UInt32>
    let prices: Column<Int64>
    let repriced: Column<UInt32>
    let newPrices: Column<Int64>
    let idPlaces: Column<UInt32>

    /// Maps a delta.
    ///
    /// Throws ``SearchError/missingFile(name:problem:)``; ``SearchError/badFile(name:problem:)`` for what is no delta of this
    /// version.
    public static func open(_ file: URL) throws -> CatalogDelta {
        let bytes = try mapped(file)
        return try reading(file.path) { try CatalogDelta(Container(bytes), name: file.path) }
    }

    /// Writes the catalog that follows `base` (without what is laid over it), whole or not at all, and opens it.
    ///
    /// Throws ``SearchError/mismatch(name:problem:)`` where the delta is for another catalog, and
    /// ``SearchError/badFile(name:problem:)`` where it is damaged or the file cannot be written: then `file` stays as it was.
    /// Throws `CancellationError` where the task is cancelled.
    public func apply(to base: ProductCatalog, writing file: URL) throws -> ProductCatalog {
        do {
            try write(over: base, to: file, Disk())
        } catch let failure as DiskFailure {
            throw failure.searchError
        }
        return try ProductCatalog.open(file, space: base.space)
    }

    /// As ``apply(to:writing:)``, but throws `DiskFailure` where the file cannot be written. `check`: what else must be true
    /// of the new file.
    func write(
        over base: ProductCatalog, to file: URL, _ disk: Disk, check: (URL) throws -> Void = { _ in }
    ) throws {
        try reading(name) {
            try fitting(
                self.base == base.digest,
                "the delta is for another catalog: for \(self.base), and this one is \(base.digest)")
            let made = try DeltaResult(base.withoutOverlay, self)
            let checks = { (made: URL) throws in
                try checkResult(made, space: base.space)
                try check(made)
            }
            try disk.write(file, check: checks, made.write)
        }
    }

    private func checkResult(_ file: URL, space: String) throws {
        let made = try ProductCatalog.open(file, space: space)
        try made.verify()
        try wellFormed(
            made.digest == result, "the delta makes another catalog than it says: \(made.digest), expected \(result)")
    }
}

extension CatalogDelta {
    /// Throws ``Malformed``.
    private init(_ file: Container, name: String) throws {
        for (key, value) in Self.format {
            let found = file.metadata[key]
            try wellFormed(found == value, "unknown \(key): expected '\(value)', found \(found.map(shown) ?? "none")")
        }
        func digest(_ key: String) throws -> String {
            let written = try file.text(key)
            try wellFormed(isDigest(written.utf8), "\(key) is \(shown(written)), not 64 hex digits")
            return written
        }
        func column<Element>(_ name: String, _ type: String, of: Element.Type) throws -> Column<Element> {
            try file.column(name, type, [Container.any], of: Element.self)
        }
        func numbers(_ name: String) throws -> Column<UInt32> { try column(name, "U32", of: UInt32.self) }
        func bytes(_ name: String) throws -> Column<UInt8> { try column(name, "U8", of: UInt8.self) }
        self.name = name
        base = try digest("base")
        result = try digest("result")
        head = try bytes("head")
        removed = try numbers("removed")
        changed = try numbers("changed")
        rowCounts = try numbers("row_counts")
        scales = try column("scales", "F32", of: Float.self)
        codes = try column("codes", "I8", of: Int8.self)
        thumbnailLengths = try numbers("thumbnail_lengths")
        thumbnails = try bytes("thumbnails")
        rewritten = try numbers("rewritten")
        recordLengths = try numbers("record_lengths")
        records = try bytes("records")
        categories = try numbers("categories")
        prices = try column("prices", "I64", of: Int64.self)
        repriced = try numbers("repriced")
        newPrices = try column("new_prices", "I64", of: Int64.self)
        idPlaces = try numbers("id_places")
    }
}
