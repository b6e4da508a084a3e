/// The tensors by which a catalog finds article numbers, barcodes and brands: a hash of each key, and the product. Whoever
/// looks a key up reads the product's record, and so is never given a wrong one.
struct KeyIndex: Sendable {
    let hashes: Column<UInt32>  // never falling
    let products: Column<UInt32>  // rising where the hash is the same

    /// Throws ``Malformed`` for what could lead outside.
    init(_ container: Container, products count: Int) throws {
        let hashes = try container.column("key_hashes", "U32", [Container.any], of: UInt32.self)
        let products = try container.column("key_products", "U32", [hashes.count], of: UInt32.self)
        try hashes.withCells { hashes in
            try products.withCells { cells in
                for index in 0..<products.count {
                    let rises =
                        index == 0 || hashes[index - 1] < hashes[index]
                        || hashes[index - 1] == hashes[index] && cells[index - 1] < cells[index]
                    try wellFormed(
                        rises && cells[index] < count,
                        "key \(index) does not follow, or is of a product beyond the \(count)")
                }
            }
        }
        (self.hashes, self.products) = (hashes, products)
    }

    /// The products that may have this key, rising.
    func candidates(_ key: [UInt8]) -> some Sequence<Int> {
        let hash = Self.hash(key)
        var (low, high) = (0, hashes.count)
        while low < high {
            let middle = (low + high) / 2
            if hashes[middle] < hash { low = middle + 1 } else { high = middle }
        }
        return (low..<hashes.count).lazy.prefix { hashes[$0] == hash }.map { Int(products[$0]) }
    }

    /// FNV-1a.
    static func hash(_ key: [UInt8]) -> UInt32 { key.reduce(2_166_136_261) { ($0 ^ UInt32($1)) &* 16_777_619 } }
}
