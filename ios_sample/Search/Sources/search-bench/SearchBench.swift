import Foundation
import MobileCLIPSearch

/// What benchmarks/swift.py measures, so that it can take turns with others. The answer is written to OUT first; then
/// each line on stdin is one run, and its nanoseconds a line on stdout.
///
///     search-bench search CATALOG VECTOR OUT             the best 10 by a float32 vector; OUT: their products, a line each
///     search-bench exact CATALOG VECTOR OUT              the same, where the catalog has a first pass: without it
///     search-bench id CATALOG ID OUT                     the product of that id; OUT: its name
///     search-bench put CATALOG OUT                       OUT: an overlay, with one product more after each run
///     search-bench pixels RGB WIDTH HEIGHT SIZE INTERPOLATION OUT      OUT: the square
///
/// Of a tokenizer and of deltas it measures all at once: a line of JSON on stdout, and the end.
///
///     search-bench tokenizer ASSET TEXTS                 TEXTS: a file with a text a line
///     search-bench deltas LIST                           LIST: a file with a catalog, a delta and the result a line
@main
enum SearchBench {
    private struct BadArguments: Error {}

    static func main() throws {
        let arguments = Array(CommandLine.arguments.dropFirst())
        if arguments.first == "tokenizer" { return print(try tokenizer(arguments)) }
        if arguments.first == "deltas", arguments.count == 2 {
            return print(try line(DeltaBench(list: URL(fileURLWithPath: arguments[1]))))
        }
        let work = try work(arguments)
        while readLine() != nil {
            let taken = try ContinuousClock().measure { try work() }
            print(taken.components.seconds * 1_000_000_000 + taken.components.attoseconds / 1_000_000_000)
            fflush(nil)
        }
    }

    private static func work(_ arguments: [String]) throws -> () throws -> Void {
        switch (arguments.first, arguments.count) {
        case ("search", 4), ("exact", 4):
            let exact = arguments[0] == "exact"
            let search = CatalogSearch(try ProductCatalog.open(URL(fileURLWithPath: arguments[1])))
            let vector = try bytes(arguments[2]).withUnsafeBytes { bytes in
                (0..<bytes.count / 4).map { bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
            }
            let found = try search.search(.image(vector), exact: exact).map { "\($0.product)\n" }.joined()
            try Data(found.utf8).write(to: URL(fileURLWithPath: arguments[3]))
            return { _ = try search.search(.image(vector), exact: exact) }
        case ("id", 4):
            let catalog = try ProductCatalog.open(URL(fileURLWithPath: arguments[1]))
            let name = try catalog.product(id: arguments[2])?.name ?? ""
            try Data(name.utf8).write(to: URL(fileURLWithPath: arguments[3]))
            return { _ = try catalog.product(id: arguments[2]) }
        case ("put", 3):
            let base = try ProductCatalog.open(URL(fileURLWithPath: arguments[1]))
            let file = URL(fileURLWithPath: arguments[2])
            return {
                let overlay = (try? CatalogOverlay.open(file, base: base)) ?? .empty(base)
                let vector = [Float](repeating: 1, count: base.dim)
                let number = overlay.products.count
                try overlay.putting(NewProduct(id: "new \(number)", name: "New", vectors: [vector])).write(file)
            }
        case ("pixels", 7):
            guard let width = Int(arguments[2]), let height = Int(arguments[3]), let size = Int(arguments[4]),
                let interpolation = ResizeInterpolation(rawValue: arguments[5])
            else { throw BadArguments() }
            let image = try RGBImage(bytes: [UInt8](bytes(arguments[1])), width: width, height: height)
            let preprocessor = try ImagePreprocessor(size: size, interpolation: interpolation)
            try Data(try preprocessor.square(image)).write(to: URL(fileURLWithPath: arguments[6]))
            return { _ = try preprocessor.square(image) }
        default:
            throw BadArguments()
        }
    }

    private static func tokenizer(_ arguments: [String]) throws -> String {
        guard arguments.count == 3 else { throw BadArguments() }
        var texts = String(decoding: try bytes(arguments[2]), as: UTF8.self).components(separatedBy: "\n")
        if texts.last == "" { texts.removeLast() }
        return try line(TokenizerBench(asset: URL(fileURLWithPath: arguments[1]), texts: texts))
    }

    private static func bytes(_ path: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path)) }
}
