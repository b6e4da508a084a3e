import Foundation

@testable import MobileCLIPSearch

/// A catalog made up for a test, and the bytes of its file.
struct MadeCatalog {
    struct Tensor {
        var name: String
        var type: String
        var shape: [Int]
        var data: [UInt8]
    }

    var owners: [Int]
    var dim: Int
    var codes: [Int8]
    var scales: [Float]
    var offset: [Float]
    var prices: [Int64]
    var categories: [Int]
    var names: [String]
    var currency: String

    var products: Int { prices.count }

    /// Whole numbers everywhere, few different ones, so that scores tie.
    init(seed: UInt64, rows: Int, dim: Int, names: Int = 4, currency: String = "EUR") {
        var random = Seeded(seed)
        var owners = [0]
        for _ in 1..<max(rows, 1) { owners.append((owners.last ?? 0) + (random.chance(3) ? 0 : 1)) }
        let products = (owners.last ?? 0) + 1
        let kinds = (0..<max(rows / 4, 1)).map { _ in (0..<dim).map { _ in Int8(random.below(255) - 127) } }
        self.owners = Array(owners.prefix(rows))
        self.dim = dim
        self.currency = currency
        codes = (0..<rows).flatMap { _ in kinds[random.below(kinds.count)] }
        scales = (0..<rows).map { _ in Float(1 + random.below(2)) / 128 }
        offset = (0..<dim).map { _ in Float.random(in: -0.5..<0.5, using: &random) }
        prices = (0..<products).map { _ in random.chance(5) ? -1 : Int64(random.below(20)) * 10_000 }
        categories = (0..<products).map { _ in random.below(names) }
        self.names = (0..<names).map { "name \($0)" }
    }

    func tensors() -> [Tensor] {
        let records = (0..<products).map { Array(#"{"id":"p\#($0)","name":"Product é \#($0)","price":1.50}"#.utf8) }
        let thumbnails = (0..<products).map { [UInt8](repeating: 7, count: $0 % 3) }
        return [
            Tensor(name: "record_offsets", type: "U64", shape: [products + 1], data: offsets(records)),
            Tensor(name: "prices", type: "I64", shape: [products], data: prices.flatMap(little)),
            Tensor(name: "thumbnail_offsets", type: "U64", shape: [products + 1], data: offsets(thumbnails)),
            Tensor(
                name: "categories", type: "U32", shape: [products], data: categories.flatMap { little(UInt32($0)) }),
            Tensor(name: "offset", type: "F32", shape: [dim], data: offset.flatMap { little($0.bitPattern) }),
            Tensor(name: "owners", type: "U32", shape: [owners.count], data: owners.flatMap { little(UInt32($0)) }),
            Tensor(name: "scales", type: "F32", shape: [owners.count], data: scales.flatMap { little($0.bitPattern) }),
            Tensor(
                name: "codes", type: "I8", shape: [owners.count, dim], data: codes.map { UInt8(bitPattern: $0) }),
            Tensor(name: "records", type: "U8", shape: [records.joined().count], data: Array(records.joined())),
            Tensor(
                name: "thumbnails", type: "U8", shape: [thumbnails.joined().count], data: Array(thumbnails.joined())),
        ]
    }

    func metadata() -> [(String, String?)] {
        [
            ("format", "mobileclip-catalog"), ("version", "1"), ("quantization", "int8-row-offset"),
            ("metric", "cosine"), ("space", String(repeating: "ab", count: 32)), ("model", "made"), ("dim", "\(dim)"),
            ("products", "\(products)"), ("rows", "\(owners.count)"), ("currency", currency),
            ("categories", "[" + names.map(quoted).joined(separator: ",") + "]"),
            (
                "calibration",
                calibration(
                    text: #"{"a":10.0,"b":-5.0,"spread":0.2,"measured":true}"#,
                    image: #"{"a":8.0,"b":-4.0,"spread":0.1,"measured":true}"#)
            ),
            ("sha256", String(repeating: "0", count: 64)),
        ]
    }

    func bytes() -> [UInt8] { sealed(container(metadata(), tensors())) }

    /// The file with some metadata replaced, or left out where nil, and tensors changed or left out.
    func changed(_ others: [String: String?] = [:], _ tensor: (Tensor) -> Tensor? = { $0 }) -> [UInt8] {
        container(metadata().map { ($0, others[$0] ?? $1) }, tensors().compactMap(tensor))
    }

    private func offsets(_ pieces: [[UInt8]]) -> [UInt8] {
        pieces.reduce(into: [0]) { $0.append(($0.last ?? 0) + $1.count) }.flatMap { little(UInt64($0)) }
    }
}

func calibration(text: String, image: String, source: String = "names") -> String {
    #"{"text":\#(text),"image":\#(image),"source":"\#(source)"}"#
}

func container(_ metadata: [(String, String?)], _ tensors: [MadeCatalog.Tensor]) -> [UInt8] {
    var position = 0
    let entries = tensors.map { tensor in
        let start = position
        position += tensor.data.count
        let shape = tensor.shape.map(String.init).joined(separator: ",")
        return
            #""\#(tensor.name)":{"dtype":"\#(tensor.type)","shape":[\#(shape)],"data_offsets":[\#(start),\#(position)]}"#
    }
    let texts = metadata.compactMap { key, value in value.map { quoted(key) + ":" + quoted($0) } }
    let header = #"{"__metadata__":{"# + texts.joined(separator: ",") + "}," + entries.joined(separator: ",") + "}"
    return joined(header, tensors.flatMap(\.data))
}

/// A header and the data behind it.
func joined(_ header: String, _ data: [UInt8]) -> [UInt8] {
    let text = Array(header.utf8)
    let padded = text + [UInt8](repeating: UInt8(ascii: " "), count: (8 - text.count % 8) % 8)
    return little(UInt64(padded.count)) + padded + data
}

/// The file with its digest in it.
func sealed(_ file: [UInt8]) -> [UInt8] {
    guard let key = Data(file).range(of: Data(#""sha256":""#.utf8)) else { return file }
    let digits = key.upperBound..<key.upperBound + 64
    var made = file
    made.replaceSubrange(digits, with: [UInt8](repeating: UInt8(ascii: "0"), count: 64))
    made.replaceSubrange(digits, with: Array(sha256([Data(made)]).utf8))
    return made
}

/// Where the data begins.
func dataStart(_ file: [UInt8]) -> Int { 8 + Int(Column<UInt64>(Data(file), 0..<8)[0]) }

func header(_ file: [UInt8]) -> String { String(decoding: file[8..<dataStart(file)], as: UTF8.self) }

func little(_ value: some FixedWidthInteger) -> [UInt8] { withUnsafeBytes(of: value.littleEndian, Array.init) }

private func quoted(_ text: String) -> String {
    "\"" + text.replacingOccurrences(of: "\\", with: "\\\\").replacingOccurrences(of: "\"", with: "\\\"") + "\""
}
