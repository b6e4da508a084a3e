import Foundation

/// A product that staff add on the phone.
public struct NewProduct: Sendable, Equatable {
    /// The shop's own; a product of the catalog with the same id is replaced.
    public var id: String
    /// As shoppers read it.
    public var name: String
    /// In units of ``currency``, at most four decimals; nil for none.
    public var price: Decimal?
    /// ISO 4217; nil for the catalog's.
    public var currency: String?
    /// As shoppers read it.
    public var description: String
    /// One of the catalog's, or a new one; empty for none.
    public var category: String
    /// Whatever else the shop keeps, by names that are none of the record's own.
    public var extra: [String: String]
    /// One or more embeddings, one a picture, as the image encoder gives them; ``StaffProducts`` makes them itself.
    public var vectors: [[Float]]
    /// A WebP file's bytes; nil for none.
    public var thumbnail: Data?

    /// All but an id and a name may be left out; an overlay wants ``vectors`` too.
    public init(
        id: String, name: String, price: Decimal? = nil, currency: String? = nil, description: String = "",
        category: String = "", extra: [String: String] = [:], vectors: [[Float]] = [], thumbnail: Data? = nil
    ) {
        self.id = id
        self.name = name
        self.price = price
        self.currency = currency
        self.description = description
        self.category = category
        self.extra = extra
        self.vectors = vectors
        self.thumbnail = thumbnail
    }
}
