import Foundation

/// A tensor that is to be written.
struct NewTensor {
    let type: String
    let width: Int  // bytes of an element
    let shape: [Int]
    let data: Data

    init<Element: BitwiseCopyable>(_ type: String, _ shape: [Int], _ elements: [Element]) {
        self.type = type
        width = MemoryLayout<Element>.size
        self.shape = shape
        data = elements.withUnsafeBytes { Data($0) }
    }
}

/// The bytes of a container: metadata by key, tensors by their elements' size, the largest first, then by name. The same
/// input gives the same bytes in every language.
func containerBytes(_ metadata: [String: String], _ tensors: [String: NewTensor]) -> Data {
    let ordered = tensors.sorted { ($1.value.width, $0.key) < ($0.value.width, $1.key) }
    let fields = metadata.sorted { $0.key < $1.key }.map { jsonText($0.key) + ":" + jsonText($0.value) }
    var header = #"{"__metadata__":{"# + fields.joined(separator: ",") + "}"
    var position = 0
    for (name, tensor) in ordered {
        let shape = tensor.shape.map(String.init).joined(separator: ",")
        let end = position + tensor.data.count
        header += #",\#(jsonText(name)):{"dtype":"\#(tensor.type)","shape":[\#(shape)],"#
        header += #""data_offsets":[\#(position),\#(end)]}"#
        position = end
    }
    header += "}"
    header += String(repeating: " ", count: (8 - header.utf8.count % 8) % 8)
    var file = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Data($0) }
    file.append(contentsOf: header.utf8)
    for (_, tensor) in ordered { file.append(tensor.data) }
    return file
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

/// Writes a file whole or not at all: beside it first, then by renaming. A file of that name that is mapped stays as it is.
///
/// Throws ``SearchError/badFile(name:problem:)``.
func writeWhole(_ data: Data, to file: URL) throws {
    let partial = file.appendingPathExtension("partial")
    do {
        try data.write(to: partial)
        let handle = try FileHandle(forWritingTo: partial)
        try handle.synchronize()
        try handle.close()
    } catch {
        throw SearchError.badFile(name: file.path, problem: "it cannot be written: \(oneLine(error))")
    }
    guard rename(partial.path, file.path) == 0 else {
        throw SearchError.badFile(name: file.path, problem: "it cannot be written: \(String(cString: strerror(errno)))")
    }
}
