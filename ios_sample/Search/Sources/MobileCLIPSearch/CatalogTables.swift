import Foundation

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
    let ids: IDOrder
    let firstPass: FirstPass?  // nil: every row is scored exactly
    let words: WordTables?  // nil: searched by vectors alone
    let filters: FilterColumns?

    var products: Int { prices.count }
    var rows: Int { scales.count }

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

    var count: Int { offsets.count - 1 }

    subscript(index: Int) -> [UInt8] { bytes[place(index)] }

    func withBytes<R>(_ index: Int, _ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
        try bytes.withBytes(place(index), body)
    }

    private func place(_ index: Int) -> Range<Int> { Int(offsets[index])..<Int(offsets[index + 1]) }
}

/// One file of a catalog: the base, or the overlay over it. Places and rows within it, and what they are in the catalog.
struct CatalogPart: Sendable {
    let tables: CatalogTables
    /// The place of its first product, and its first row, in the catalog.
    let firstProduct: Int
    let firstRow: Int
    /// For each of the file's categories, its place in the catalog's list.
    let categories: [Int]
    /// For each own product, whether it is replaced or removed: never found; empty for none.
    private let hidden: [Bool]
    /// Of an overlay; nil for the base, which has tensors for that.
    let listed: ListedProducts?

    init(
        tables: CatalogTables, firstProduct: Int = 0, firstRow: Int = 0, categories: [Int], hidden: [Bool] = [],
        listed: ListedProducts? = nil
    ) {
        self.tables = tables
        self.firstProduct = firstProduct
        self.firstRow = firstRow
        self.categories = categories
        self.hidden = hidden
        self.listed = listed
    }

    var hasHidden: Bool { !hidden.isEmpty }

    func isHidden(_ product: Int) -> Bool { !hidden.isEmpty && hidden[product] }

    func category(_ product: Int) -> Int { categories[Int(tables.categories[product])] }
}
