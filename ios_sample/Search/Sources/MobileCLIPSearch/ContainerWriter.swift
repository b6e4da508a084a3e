import Foundation

/// The type and the shape of a tensor that is to be written.
struct TensorKind {
    let type: String
    let width: Int  // bytes of an element
    let shape: [Int]

    init<Element: BitwiseCopyable>(_ type: String, _ shape: [Int], of: Element.Type) {
        self.type = type
        width = MemoryLayout<Element>.size
        self.shape = shape
    }

    var bytes: Int { shape.reduce(width, *) }
}

/// A tensor that is to be written.
struct NewTensor {
    let kind: TensorKind
    let data: Data

    init<Element: BitwiseCopyable>(_ type: String, _ shape: [Int], _ elements: [Element]) {
        kind = TensorKind(type, shape, of: Element.self)
        data = elements.withUnsafeBytes { Data($0) }
    }
}

/// The bytes of a container. The same input gives the same bytes in every language.
func containerBytes(_ metadata: [String: String], _ tensors: [String: NewTensor]) -> Data {
    var (file, names) = containerHead(metadata, tensors.mapValues(\.kind))
    for name in names { file.append(tensors[name]?.data ?? Data()) }
    return file
}

/// A container's first bytes, its length and its header, and the tensors' names as they follow: metadata by key, tensors
/// by their elements' size, the largest first, then by name.
func containerHead(_ metadata: [String: String], _ tensors: [String: TensorKind]) -> (bytes: Data, names: [String]) {
    func precedes(_ one: String, _ other: String) -> Bool { one.utf8.lexicographicallyPrecedes(other.utf8) }
    let ordered = tensors.sorted { one, other in
        one.value.width == other.value.width ? precedes(one.key, other.key) : one.value.width > other.value.width
    }
    let fields = metadata.sorted { precedes($0.key, $1.key) }.map { jsonText($0.key) + ":" + jsonText($0.value) }
    var header = #"{"__metadata__":{"# + fields.joined(separator: ",") + "}"
    var position = 0
    for (name, tensor) in ordered {
        let shape = tensor.shape.map(String.init).joined(separator: ",")
        let end = position + tensor.bytes
        header += #",\#(jsonText(name)):{"dtype":"\#(tensor.type)","shape":[\#(shape)],"#
        header += #""data_offsets":[\#(position),\#(end)]}"#
        position = end
    }
    header += "}"
    header += String(repeating: " ", count: (8 - header.utf8.count % 8) % 8)
    var bytes = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Data($0) }
    bytes.append(contentsOf: header.utf8)
    return (bytes, ordered.map(\.key))
}

/// A text as JSON, shortest: only quotes, backslashes and control characters are escaped.
func jsonText(_ text: String) -> String {
    var json = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"": json += "\\\""
        case "\\": json += "\\\\"
        case "\n": json += "\\n"
        case "\r": json += "\\r"
        case "\t": json += "\\t"
        case "\u{8}": json += "\\b"
        case "\u{C}": json += "\\f"
        case ..<" ":
            let digits = String(scalar.value, radix: 16)
            json += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        default: json.unicodeScalars.append(scalar)
        }
    }
    return json + "\""
}

func jsonList(_ texts: [String]) -> String { "[" + texts.map(jsonText).joined(separator: ",") + "]" }

/// Writes a file whole or not at all.
///
/// Throws ``SearchError/badFile(name:problem:)``.
func writeWhole(_ data: Data, to file: URL) throws {
    do {
        try Disk().write(file) { give in try give(data) }
    } catch let failure as DiskFailure {
        throw failure.searchError
    }
}
