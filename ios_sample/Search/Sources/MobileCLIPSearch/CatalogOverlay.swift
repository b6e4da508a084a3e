import Foundation

/// Products that staff add on a phone, over a catalog: its base. A value; every change makes another one.
///
/// ``ProductCatalog/adding(_:)`` lays it over the base. Its file is an ordinary catalog (FORMATS.md, Overlay); the same
/// products give the same bytes in every language.
public struct CatalogOverlay: Sendable {
    /// More belong into the shop's list.
    public static let mostProducts = 5_000

    /// The catalog that it lies over, without any overlay.
    public let base: ProductCatalog
    /// Its own products, in the order in which their ids came.
    public let products: [NewProduct]
    /// The ids of base products that are not found any more, as UTF-8 sorts them.
    public let removed: [String]

    /// Without products.
    public static func empty(_ base: ProductCatalog) -> CatalogOverlay {
        CatalogOverlay(base: base.withoutOverlay, products: [], removed: [])
    }

    /// Reads a file that ``write(_:)`` wrote, and checks its digest.
    ///
    /// Throws ``SearchError/missingFile(name:problem:)``; ``SearchError/badFile(name:problem:)`` for what is no whole overlay;
    /// ``SearchError/mismatch(name:problem:)`` for one of another base or embedding space.
    public static func open(_ file: URL, base: ProductCatalog) throws -> CatalogOverlay {
        let content = try reading(file.path) { try OverlayFile(file, space: base.space) }
        try reading(file.path) { try content.checkBase(base) }
        return CatalogOverlay(base: base.withoutOverlay, products: content.products, removed: content.removed)
    }

    /// Reads a file that was written over an older catalog, and lays its products over a newer one of the same embedding
    /// space: those that the new base holds with the same name, price, currency, description and category are left out.
    ///
    /// Throws as ``open(_:base:)``, but for another base; ``SearchError/mismatch(name:problem:)`` for one of another currency.
    public static func open(_ file: URL, movedTo base: ProductCatalog) throws -> CatalogOverlay {
        let content = try reading(file.path) { try OverlayFile(file, space: base.space) }
        try reading(file.path) { try checkCurrency(base, content.currency) }
        return try moved(content.products, content.removed, from: nil, to: base.withoutOverlay)
    }

    /// These products over a newer base. Left out are those that the shop has now: of an id that the old base lacked and the
    /// new one holds, and those that the new base holds with the same name, price, currency, description and category.
    ///
    /// Throws ``SearchError/mismatch(name:problem:)`` for a base of another embedding space or currency.
    public func moved(to base: ProductCatalog) throws -> CatalogOverlay {
        if base.digest == self.base.digest { return self }
        try reading(base.name) {
            try checkSpace(own: base.space, model: base.model, space: self.base.space)
            try Self.checkCurrency(base, self.base.currency)
        }
        return try Self.moved(products, removed, from: self.base, to: base.withoutOverlay)
    }

    /// `old`: nil where it is not at hand.
    private static func moved(
        _ products: [NewProduct], _ removed: [String], from old: ProductCatalog?, to base: ProductCatalog
    ) throws -> CatalogOverlay {
        let removed = try removed.filter { try base.place(id: $0) != nil }
        return try products.filter { product in
            guard let place = try base.place(id: product.id) else { return true }
            if let old, try old.place(id: product.id) == nil { return false }
            return try !isSame(product, base, place)
        }.reduce(CatalogOverlay(base: base, products: [], removed: removed)) { try $0.putting($1) }
    }

    private static func isSame(_ product: NewProduct, _ base: ProductCatalog, _ place: Int) throws -> Bool {
        let other = try base.product(place)
        return base.price(place) == product.price.map(tenThousandths)
            && zip(
                [product.name, product.currency ?? "", product.description, product.category],
                [other.name, other.currency, other.description, other.category]
            ).allSatisfy(sameBytes)
    }

    private static func checkCurrency(_ base: ProductCatalog, _ currency: String) throws {
        try fitting(
            base.currency == currency,
            "an overlay in another currency: \(shown(currency)), and this base's is \(shown(base.currency))")
    }

    /// With this product, in the place of an older one of the same id.
    ///
    /// Throws ``SearchError/badRequest(_:)`` for a product without id, name or vectors, with vectors of another width or not
    /// finite, a price below 0 or of more than four decimals, an extra field of a name that the record has, or too many
    /// products; ``SearchError/mismatch(name:problem:)`` for another currency than the base's.
    public func putting(_ product: NewProduct) throws -> CatalogOverlay {
        let made = try checked(product)
        var products = products
        if let place = products.firstIndex(where: { sameBytes($0.id, made.id) }) {
            products[place] = made
        } else {
            products.append(made)
        }
        try require(
            products.count <= Self.mostProducts,
            "more than \(Self.mostProducts) products of the staff's; expected them in the shop's list by now")
        return CatalogOverlay(base: base, products: products, removed: removed.filter { !sameBytes($0, made.id) })
    }

    /// Without the product of this id, be it the overlay's, the base's, or both.
    ///
    /// Throws ``SearchError/badRequest(_:)`` if neither has it.
    public func removing(_ id: String) throws -> CatalogOverlay {
        let kept = products.filter { !sameBytes($0.id, id) }
        let isOfBase = try base.place(id: id) != nil
        try require(isOfBase || kept.count < products.count, "no product \(shown(id))")
        let others = removed.filter { !sameBytes($0, id) }
        let removed = (isOfBase ? others + [id] : others).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        return CatalogOverlay(base: base, products: kept, removed: removed)
    }

    /// Writes the file, whole or not at all.
    ///
    /// Throws ``SearchError/badFile(name:problem:)``.
    public func write(_ file: URL) throws { try writeWhole(bytes(), to: file) }

    private func checked(_ product: NewProduct) throws -> NewProduct {
        var made = product
        made.currency = made.currency ?? base.currency
        try require(!made.id.isEmpty && !made.name.isEmpty, "a product without an id or a name")
        try reading(base.name) {
            try fitting(
                base.currency.isEmpty || made.currency == base.currency,
                "a product in another currency: expected \(base.currency), found \(shown(made.currency ?? ""))")
        }
        _ = try tenThousandths(made.price)
        let taken = made.extra.keys.filter(CatalogProduct.known.contains).sorted()
        try require(taken.isEmpty, "an extra field with a name of the record's own: \(taken.joined(separator: ", "))")
        try require(!made.vectors.isEmpty, "a product without a vector")
        for vector in made.vectors {
            try require(
                vector.count == base.dim && vector.allSatisfy(\.isFinite),
                "a vector of \(vector.count) numbers, expected \(base.dim) that are finite")
        }
        return made
    }
}

/// Whether two texts are the same bytes, not only what Unicode calls equivalent.
func sameBytes(_ one: String, _ other: String) -> Bool { one.utf8.elementsEqual(other.utf8) }

/// A price in ten-thousandths; none is ``CatalogTables/noPrice``. Throws ``SearchError/badRequest(_:)``.
private func tenThousandths(_ price: Decimal?) throws -> Int64 {
    guard let price else { return CatalogTables.noPrice }
    var (scaled, whole) = (price * 10_000, Decimal())
    NSDecimalRound(&whole, &scaled, 0, .down)
    try require(
        price.isFinite && price >= 0 && whole == scaled && scaled <= Decimal(Int64.max),
        "a price of \(price), expected at least 0 and at most four decimals")
    return tenThousandths(price)
}

/// A price that is known to fit.
func tenThousandths(_ price: Decimal) -> Int64 { Int64((price * 10_000).description) ?? 0 }

/// A price in ten-thousandths as a record has it: the shortest decimal, or null.
func shortestPrice(_ price: Int64) -> String {
    if price == CatalogTables.noPrice { return "null" }
    let decimals = String(String(price % 10_000 + 10_000).dropFirst())
    let short = decimals.reversed().drop { $0 == "0" }.reversed()
    return "\(price / 10_000)" + (short.isEmpty ? "" : "." + String(short))
}

// The file.

extension CatalogOverlay {
    private static let format = [
        "format": "mobileclip-catalog", "version": "1", "metric": "cosine", "quantization": "int8-row-offset",
    ]
    /// Of the base's metadata, letter by letter.
    static let copied = ["space", "model", "dim", "currency", "calibration"]

    /// The file's bytes, its digest in them.
    func bytes() throws -> Data {
        let zeros = String(repeating: "0", count: digestDigits)
        var metadata = Self.format
        for key in Self.copied { metadata[key] = base.metadata[key] }
        metadata["products"] = String(products.count)
        metadata["rows"] = String(products.reduce(0) { $0 + $1.vectors.count })
        metadata["categories"] = jsonList(categories)
        metadata["base"] = base.digest
        metadata["removed"] = jsonList(removed)
        metadata["sha256"] = zeros
        var file = try containerBytes(metadata, tensors())
        guard let place = file.range(of: Data(("\"sha256\":\"" + zeros).utf8)) else { return file }
        let digest = sha256([file])
        file.replaceSubrange(place.upperBound - digestDigits..<place.upperBound, with: Data(digest.utf8))
        return file
    }

    /// In the order of their first product.
    private var categories: [String] {
        products.reduce(into: [String]()) { names, product in
            if !names.contains(where: { sameBytes($0, product.category) }) { names.append(product.category) }
        }
    }

    private func tensors() throws -> [String: NewTensor] {
        let names = categories
        let (count, dim) = (products.count, base.dim)
        let offset = base.base.tables.offset[0..<dim]
        let rows = products.flatMap(\.vectors)
        let quantised = rows.map { MobileCLIPSearch.quantised($0, offset: offset) }
        let places = products.map { product in
            UInt32(names.firstIndex { sameBytes($0, product.category) } ?? 0)
        }
        let owners = products.enumerated().flatMap { [UInt32](repeating: UInt32($0), count: $1.vectors.count) }
        var tensors = [
            "prices": NewTensor("I64", [count], try products.map { try tenThousandths($0.price) }),
            "categories": NewTensor("U32", [count], places),
            "owners": NewTensor("U32", [rows.count], owners),
            "offset": NewTensor("F32", [dim], offset),
            "scales": NewTensor("F32", [rows.count], quantised.map(\.scale)),
            "codes": NewTensor("I8", [rows.count, dim], quantised.flatMap(\.codes)),
            "vectors": NewTensor("F32", [rows.count, dim], rows.flatMap { $0 }),
        ]
        add("record", try products.map { [UInt8](try record($0).utf8) }, to: &tensors)
        if products.contains(where: { $0.thumbnail?.isEmpty == false }) {
            add("thumbnail", products.map { [UInt8]($0.thumbnail ?? Data()) }, to: &tensors)
        }
        return tensors
    }

    private func add(_ name: String, _ pieces: [[UInt8]], to tensors: inout [String: NewTensor]) {
        let bytes = pieces.flatMap { $0 }
        let offsets = pieces.reduce(into: [UInt64(0)]) { $0.append(($0.last ?? 0) + UInt64($1.count)) }
        tensors["\(name)s"] = NewTensor("U8", [bytes.count], bytes)
        tensors["\(name)_offsets"] = NewTensor("U64", [offsets.count], offsets)
    }

    /// Compact JSON, the price as an exact decimal, the extra fields last, by their names' UTF-8 bytes.
    private func record(_ product: NewProduct) throws -> String {
        let fields = [
            ("id", jsonText(product.id)), ("name", jsonText(product.name)),
            ("price", shortestPrice(try tenThousandths(product.price))), ("currency", jsonText(product.currency ?? "")),
            ("description", jsonText(product.description)), ("category", jsonText(product.category)),
        ]
        let extra = product.extra.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
            .map { ($0.key, jsonText($0.value)) }
        return "{" + (fields + extra).map { jsonText($0.0) + ":" + $0.1 }.joined(separator: ",") + "}"
    }
}
