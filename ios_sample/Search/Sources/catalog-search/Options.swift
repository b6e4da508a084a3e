import Foundation

/// What the command line asks for.
struct Options {
    enum Kind: String {
        case text
        case image
    }

    static let usage = """
        catalog-search CATALOG [--verify] [--like ID | --vector FILE [--kind text|image]] [-k N]
                       [--exact] [--category NAME]... [--json]

        Without --like or --vector: says what the catalog holds.
          --verify      check the digest of the whole file first
          --like ID     more like the product of that id
          --vector FILE by an embedding: little-endian float32
          --kind        of that embedding: decides the confidence (default: image)
          -k N          results (default: 10)
          --exact       score every row, also where the catalog has a first pass
          --category    one of these; may be repeated
          --json        for machines
        """

    var catalog: URL
    var verifies = false
    var asJson = false
    var exact = false
    var like: String?
    var vector: URL?
    var kind = Kind.image
    var k = 10
    var categories: Set<String>?

    /// Throws ``BadArgument``.
    init(_ arguments: [String]) throws {
        var catalog: URL?
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            func value() throws -> String {
                guard let value = rest.popFirst() else { throw BadArgument("\(argument) without a value") }
                return value
            }
            switch argument {
            case "--verify": verifies = true
            case "--json": asJson = true
            case "--exact": exact = true
            case "--like": like = try value()
            case "--vector": vector = URL(fileURLWithPath: try value())
            case "--kind":
                let given = try value()
                guard let kind = Kind(rawValue: given) else {
                    throw BadArgument("--kind \(given), expected text or image")
                }
                self.kind = kind
            case "-k":
                let given = try value()
                guard let k = Int(given) else { throw BadArgument("-k \(given), expected a number") }
                self.k = k
            case "--category": categories = (categories ?? []).union([try value()])
            default:
                guard !argument.hasPrefix("-"), catalog == nil else { throw BadArgument("unexpected \(argument)") }
                catalog = URL(fileURLWithPath: argument)
            }
        }
        guard let catalog else { throw BadArgument("no catalog") }
        guard like == nil || vector == nil else { throw BadArgument("--like goes without --vector") }
        self.catalog = catalog
    }
}

/// An argument that makes no sense.
struct BadArgument: Error, CustomStringConvertible {
    let description: String

    init(_ problem: String) {
        description = "\(problem); catalog-search --help lists the arguments"
    }
}
