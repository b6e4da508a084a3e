import Foundation

/// The products that a shop's staff add on this phone: found at once, kept over a restart, and exported as a list that
/// `make catalog` takes.
///
/// Its folder holds `overlay.catalog` and `pictures/`. Every change is written whole before it is answered: what was
/// answered survives a kill at any moment.
public actor StaffProducts {
    private static let file = "overlay.catalog"
    /// Of the folder, and of the field that names a product's picture.
    private static let pictures = ProductList.pictures

    private let folder: URL
    private let searcher: Searcher
    private var overlay: CatalogOverlay
    /// The base, with the staff's products over it: for ``Searcher/use(_:)``.
    public private(set) var catalog: ProductCatalog

    /// Opens what the folder holds, or begins with nothing. Where it was written over an older catalog of the same embedding
    /// space, its products are laid over `base` anew (``CatalogOverlay/open(_:movedTo:)``). `searcher`: embeds pictures.
    ///
    /// Throws what ``CatalogOverlay/open(_:base:)`` throws, but for another base of the same space.
    public init(folder: URL, base: ProductCatalog, searcher: Searcher) throws {
        self.folder = folder
        self.searcher = searcher
        let file = folder.appendingPathComponent(Self.file)
        try making(folder.appendingPathComponent(Self.pictures))
        overlay = try Self.opened(file, base)
        catalog = try base.adding(overlay)
        try Self.removeOthers(folder, overlay)
    }

    /// The staff's products, in the order in which their ids came.
    public var products: [NewProduct] { overlay.products }

    /// Embeds a product's picture, keeps the picture's own `file`, a JPEG's bytes, and writes the product; one of the same id
    /// is replaced. Answers the new ``catalog``.
    ///
    /// Throws what ``CatalogOverlay/putting(_:)`` and the encoder throw, ``SearchError/badPicture(_:)`` for another kind of
    /// file, and `CancellationError`: then nothing has changed.
    @discardableResult
    public func add(_ product: NewProduct, picture: RGBImage, file: Data) async throws -> ProductCatalog {
        guard file.starts(with: [0xFF, 0xD8, 0xFF]) else {
            throw SearchError.badPicture("a picture's file of another kind, expected a JPEG")
        }
        let name = "\(Self.pictures)/\(sha256([file])).jpg"
        var made = product
        made.vectors = [try await searcher.embedding(picture)]
        made.extra[Self.pictures] = name
        try Task.checkCancellation()
        let changed = try overlay.putting(made)
        try writeWhole(file, to: folder.appendingPathComponent(name))
        return try keep(changed)
    }

    /// Removes the product of this id, be it the staff's, the base's, or both. Answers the new ``catalog``.
    ///
    /// Throws ``SearchError/badRequest(_:)`` if there is none.
    @discardableResult
    public func remove(_ id: String) throws -> ProductCatalog { try keep(overlay.removing(id)) }

    /// The original picture of a product of the staff's; nil for another product.
    public func picture(id: String) -> URL? {
        let product = overlay.products.first { sameBytes($0.id, id) }
        return product?.extra[Self.pictures].map { folder.appendingPathComponent($0) }
    }

    /// Writes `products.csv` and `pictures/` into a folder: `make catalog PRODUCTS=…/products.csv` takes them unchanged. What
    /// is there of those names is replaced.
    public func export(to target: URL) throws {
        let pictures = target.appendingPathComponent(Self.pictures)
        try making(pictures)
        for name in Set(overlay.products.compactMap { $0.extra[Self.pictures] }) {
            let copy = target.appendingPathComponent(name)
            try writeWhole(mapped(folder.appendingPathComponent(name)), to: copy)
        }
        let list = ProductList.text(overlay.products)
        try writeWhole(Data(list.utf8), to: target.appendingPathComponent("products.csv"))
    }

    /// Lays the products over a newer base (``CatalogOverlay/moved(to:)``): for a catalog that was updated. Answers the new
    /// ``catalog``.
    ///
    /// Throws ``SearchError/mismatch(name:problem:)`` for a base of another embedding space or currency; then nothing has
    /// changed.
    @discardableResult
    public func move(to base: ProductCatalog) throws -> ProductCatalog { try keep(overlay.moved(to: base)) }

    private func keep(_ changed: CatalogOverlay) throws -> ProductCatalog {
        let made = try changed.base.adding(changed)
        try changed.write(folder.appendingPathComponent(Self.file))
        (overlay, catalog) = (changed, made)
        try Self.removeOthers(folder, overlay)
        return made
    }

    private static func opened(_ file: URL, _ base: ProductCatalog) throws -> CatalogOverlay {
        do {
            return try CatalogOverlay.open(file, base: base)
        } catch SearchError.missingFile {
            return .empty(base)
        } catch SearchError.mismatch {
            let moved = try CatalogOverlay.open(file, movedTo: base)
            try moved.write(file)
            return moved
        }
    }

    /// Pictures of products that are no more, and what a kill left half written.
    private static func removeOthers(_ folder: URL, _ overlay: CatalogOverlay) throws {
        let used = Set(overlay.products.compactMap { $0.extra[pictures] })
        let kept = folder.appendingPathComponent(Self.pictures)
        for name in (try? FileManager.default.contentsOfDirectory(atPath: kept.path)) ?? []
        where !used.contains("\(Self.pictures)/\(name)") {
            try? FileManager.default.removeItem(at: kept.appendingPathComponent(name))
        }
    }
}

private func making(_ folder: URL) throws {
    do {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    } catch {
        throw SearchError.badFile(name: folder.path, problem: "it cannot be made: \(oneLine(error))")
    }
}
