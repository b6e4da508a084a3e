import AppIntents
import MobileCLIPSearch
import MobileCLIPShop

#if canImport(VisualIntelligence)
    import MobileCLIPKit
    import VisualIntelligence
#endif

/// A product for Siri, Spotlight, Shortcuts and Visual Intelligence, by the shop's own id.
struct ProductEntity: AppEntity {
    static let typeDisplayRepresentation: TypeDisplayRepresentation = "Product"
    static let defaultQuery = ProductQuery()

    let id: String
    private let card: ShopCard

    init(_ card: ShopCard) {
        id = card.id
        self.card = card
    }

    var displayRepresentation: DisplayRepresentation {
        DisplayRepresentation(
            title: "\(card.name)", subtitle: "\(card.price)",
            image: card.thumbnail.map { DisplayRepresentation.Image(data: $0) })
    }
}

/// Products by id, or by what somebody says.
struct ProductQuery: EntityStringQuery {
    @MainActor func entities(for identifiers: [String]) async throws -> [ProductEntity] {
        let shop = try await ShopKeeper.shared.shop()
        var found: [ProductEntity] = []
        for id in identifiers {
            if let card = try? await shop.card(id, locale: .current) { found.append(ProductEntity(card)) }
        }
        return found
    }

    @MainActor func entities(matching text: String) async throws -> [ProductEntity] {
        let shop = try await ShopKeeper.shared.shop()
        return try await shop.find(ShopQuestion(text: text), locale: .current).certain.map(ProductEntity.init)
    }
}

/// Opens the app on a product.
struct OpenProduct: OpenIntent {
    static let title: LocalizedStringResource = "Product"

    @Parameter(title: "Product") var target: ProductEntity

    @MainActor func perform() async throws -> some IntentResult {
        ShopKeeper.shared.wanted = target.id
        return .result()
    }
}

#if canImport(VisualIntelligence)
    /// What the shop has like that which the camera or the screen shows.
    @available(iOS 26, *)
    struct ProductsInSight: IntentValueQuery {
        func values(for input: SemanticContentDescriptor) async throws -> [ProductEntity] {
            guard let pixels = input.pixelBuffer else { return [] }
            let image = try pixels.withUnsafeBuffer { try RGBImage($0) }
            let found = try await ShopKeeper.shared.shop().find(
                ShopQuestion(), image: image, locale: .current)
            return (found.certain + found.doubtful).map(ProductEntity.init)
        }
    }
#endif
