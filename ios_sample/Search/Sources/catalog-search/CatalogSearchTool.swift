import Foundation
import MobileCLIPSearch

/// Inspects a catalog, and searches it by a product or a vector. Exit status: 0 done, 2 bad input (one line on stderr).
@main
enum CatalogSearchTool {
    static func main() {
        let arguments = Array(CommandLine.arguments.dropFirst())
        if arguments.contains("--help") || arguments.contains("-h") {
            print(Options.usage)
            return
        }
        do {
            try run(Options(arguments))
        } catch {
            FileHandle.standardError.write(Data("catalog-search: \(error)\n".utf8))
            exit(2)
        }
    }

    private static func run(_ options: Options) throws {
        let catalog = try ProductCatalog.open(options.catalog)
        if options.verifies { try catalog.verify() }
        guard let query = try query(options, catalog) else {
            let summary = Summary(catalog)
            try show(summary, options.asJson) { print("\(catalog.name): \(summary.text)") }
            return
        }
        let filter = CatalogFilter(categories: options.categories)
        let hits = try CatalogSearch(catalog).search(query, k: options.k, filter: filter, exact: options.exact)
        let matches = try hits.map { Match($0, try catalog.product($0.product)) }
        try show(matches, options.asJson) { for match in matches { print(match.text) } }
    }

    private static func query(_ options: Options, _ catalog: ProductCatalog) throws -> SearchQuery? {
        if let id = options.like {
            for product in 0..<catalog.count where try catalog.product(product).id == id {
                return .like(product: product)
            }
            throw SearchError.badRequest("\(catalog.name): no product '\(id)'")
        }
        guard let file = options.vector else { return nil }
        let vector = try vector(file)
        return options.kind == .text ? .text(vector) : .image(vector)
    }

    private static func vector(_ file: URL) throws -> [Float] {
        guard let bytes = FileManager.default.contents(atPath: file.path) else {
            throw SearchError.badFile(name: file.path, problem: "it cannot be read")
        }
        guard bytes.count % 4 == 0 else {
            throw SearchError.badFile(name: file.path, problem: "\(bytes.count) bytes, expected 4 a number")
        }
        return bytes.withUnsafeBytes { bytes in
            stride(from: 0, to: bytes.count, by: 4).map { place in
                Float(bitPattern: UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt32.self)))
            }
        }
    }

    private static func show(_ value: some Encodable, _ asJson: Bool, _ printText: () -> Void) throws {
        guard asJson else { return printText() }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        print(String(decoding: try encoder.encode(value), as: UTF8.self))
    }
}
