import Foundation

/// The safetensors container: an 8-byte little-endian header length, a JSON header, raw little-endian tensors.
///
/// Every offset, shape and type is checked; tensors of an unknown type are passed over, but lie within the file too.
struct Container {
    static let any = -1  // in a shape: any length
    static let lengthBytes = 8
    static let mostHeader = 1 << 20
    static let mostBytes = Int(Int32.max)
    private static let sizes = [
        "U8": 1, "I8": 1, "U16": 2, "I16": 2, "U32": 4, "I32": 4, "F32": 4, "U64": 8, "I64": 8, "F64": 8,
    ]

    let metadata: [String: String]
    let header: Range<Int>  // its bytes in the file, without its length
    private let file: Data
    private let tensors: [String: Tensor]

    private struct Tensor {
        let type: String
        let shape: [Int]
        let bytes: Range<Int>
    }

    private struct Entry {
        let name: String
        let type: String
        let shape: [Int]
        let start: Int
        let end: Int
    }

    /// Throws ``Malformed``.
    init(_ file: Data) throws {
        let (header, metadata, members) = try Self.parsed(file)
        self.file = file
        self.header = header
        self.metadata = metadata
        tensors = try Self.tensors(members, base: header.upperBound, size: file.count)
    }

    /// The header's place, its metadata and its entries of tensors; what follows the header is not looked at. Throws
    /// ``Malformed``.
    static func parsed(
        _ file: Data
    ) throws -> (header: Range<Int>, metadata: [String: String], tensors: [String: Json]) {
        try wellFormed(file.count >= Self.lengthBytes, "a file of \(file.count) bytes, too short for a header")
        let length = Column<UInt64>(file, 0..<Self.lengthBytes)[0]
        let most = min(Self.mostHeader, file.count - Self.lengthBytes)
        try wellFormed(
            length >= 2 && length <= UInt64(most) && length % UInt64(Self.lengthBytes) == 0,
            "a header of \(length) bytes in a file of \(file.count); expected a multiple of 8, at most "
                + "\(Self.mostHeader), within the file")
        let header = Self.lengthBytes..<Self.lengthBytes + Int(length)
        var members = try Json.parse(Column<UInt8>(file, header)[0..<header.count], once: true).asObject("the header")
        let metadata = try (members.removeValue(forKey: "__metadata__") ?? .object([:])).asObject("__metadata__")
        let texts: [String: String] = try metadata.reduce(into: [:]) { found, member in
            found[member.key] = try member.value.asText("metadata \(shown(member.key))")
        }
        return (header, texts, members)
    }

    func holds(_ name: String) -> Bool { tensors[name] != nil }

    func text(_ key: String) throws -> String {
        guard let text = metadata[key] else { throw Malformed("its metadata has no \(shown(key))") }
        return text
    }

    /// One code point of the metadata.
    func character(_ key: String) throws -> UInt32 {
        let written = try text(key)
        let points = CodePoints(written)
        try wellFormed(points.count == 1, "\(key) is \(shown(written)), not one character")
        return points[0]
    }

    /// The elements of a tensor of that type and shape (-1: any length).
    func column<Element>(_ name: String, _ type: String, _ shape: [Int], of: Element.Type) throws -> Column<Element> {
        guard let tensor = tensors[name] else { throw Malformed("it has no tensor \(shown(name))") }
        let fits =
            tensor.shape.count == shape.count && zip(shape, tensor.shape).allSatisfy { $0 == Self.any || $0 == $1 }
        try wellFormed(
            tensor.type == type && fits,
            "\(shown(name)) is \(shown(tensor.type)) \(tensor.shape), not \(type) \(shape)")
        try wellFormed(tensor.bytes.count <= Self.mostBytes, "\(shown(name)) has more than \(Self.mostBytes) bytes")
        return Column(file, tensor.bytes)
    }

    /// The tensors that the header names; they must fill the data without gap or overlap.
    private static func tensors(_ members: [String: Json], base: Int, size: Int) throws -> [String: Tensor] {
        var found: [String: Tensor] = [:]
        var position = 0
        let room = size - base
        let entries = try members.map { try entry($0.key, $0.value) }
        for entry in entries.sorted(by: { ($0.start, $0.end) < ($1.start, $1.end) }) {
            try wellFormed(
                entry.start == position && entry.start <= entry.end && entry.end <= room,
                "\(shown(entry.name)) does not fit: bytes \(entry.start) to \(entry.end), expected from \(position), "
                    + "at most to \(room)")
            position = entry.end
            guard let width = sizes[entry.type] else { continue }
            try wellFormed(
                entry.end - entry.start == bytes(entry.shape, width) && entry.start % width == 0,
                "\(shown(entry.name)) does not fit: bytes \(entry.start) to \(entry.end) for \(entry.type) \(entry.shape)"
            )
            found[entry.name] = Tensor(
                type: entry.type, shape: entry.shape, bytes: base + entry.start..<base + entry.end)
        }
        try wellFormed(position == room, "\(room - position) bytes that belong to no tensor")
        return found
    }

    private static func entry(_ name: String, _ json: Json) throws -> Entry {
        let members = try json.asObject("tensor \(shown(name))")
        func numbers(_ key: String) throws -> [Int] {
            try members.part(key).asArray("\(key) of \(shown(name))").map { item in
                let number = try item.asInt("\(key) of \(shown(name))")
                try wellFormed(number >= 0, "\(key) of \(shown(name)) below 0")
                return number
            }
        }
        let offsets = try numbers("data_offsets")
        try wellFormed(offsets.count == 2, "data_offsets of \(shown(name)) are not two")
        let type = try members.part("dtype").asText("dtype of \(shown(name))")
        return Entry(name: name, type: type, shape: try numbers("shape"), start: offsets[0], end: offsets[1])
    }

    /// Bytes of a shape; nil beyond what a file can hold.
    private static func bytes(_ shape: [Int], _ width: Int) -> Int? {
        if shape.contains(0) { return 0 }
        return shape.reduce(width) { product, side in
            guard let product else { return nil }
            let (next, overflow) = product.multipliedReportingOverflow(by: side)
            return overflow ? nil : next
        }
    }
}
