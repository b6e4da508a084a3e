import Foundation

/// From a product's id to its place in a file: its tensor `id_order`, or, in files of older builders, the same order made
/// from all records at the first lookup, and kept.
final class IDOrder: Sendable {
    let order: Column<UInt32>?  // [products], a permutation
    private let records: Pieces
    private let made = Once<[UInt32]>()

    init(_ order: Column<UInt32>?, records: Pieces) {
        self.order = order
        self.records = records
    }

    /// The place of the product with this id; nil if there is none. Ids are equal where their UTF-8 bytes are. Parses some
    /// 20 of a million records. An order that is wrong finds nothing, or not all.
    ///
    /// Throws ``Malformed`` where it meets a damaged record.
    func place(_ id: String) throws -> Int? {
        let wanted = Array(id.utf8)
        let places = order == nil ? try made.value(sorted) : []
        func place(_ at: Int) -> Int { Int(order?[at] ?? places[at]) }
        var low = 0
        var high = records.count
        while low < high {
            let middle = (low + high) / 2
            if try self.id(place(middle)).lexicographicallyPrecedes(wanted) { low = middle + 1 } else { high = middle }
        }
        guard low < records.count, try self.id(place(low)) == wanted else { return nil }
        return place(low)
    }

    private func id(_ product: Int) throws -> [UInt8] { try CatalogProduct.id(records[product]) }

    private func sorted() throws -> [UInt32] {
        let ids = try (0..<records.count).map(id)
        return (0..<UInt32(ids.count)).sorted { first, second in
            let (one, other) = (ids[Int(first)], ids[Int(second)])
            return one == other ? first < second : one.lexicographicallyPrecedes(other)
        }
    }
}

/// A value that is made at its first use, by one thread.
final class Once<Value: Sendable>: @unchecked Sendable {
    private let lock = NSLock()
    private var made: Value?

    func value(_ make: () throws -> Value) rethrows -> Value {
        try lock.withLock {
            if let made { return made }
            let value = try make()
            made = value
            return value
        }
    }
}
