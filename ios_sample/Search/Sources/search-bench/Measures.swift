import Foundation

/// Memory of this process in MB, by a key of Linux's `/proc/self/status`: `RssAnon` (resident, and no page of a file), `VmRSS`
/// (resident), `VmHWM` (the most that was). Null on other systems.
func memory(_ key: String) -> Double? {
    guard let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
        let line = status.split(separator: "\n").first(where: { $0.hasPrefix(key + ":") }),
        let kilobytes = line.split(whereSeparator: { !$0.isNumber }).first.flatMap({ Double($0) })
    else { return nil }
    return kilobytes * 1024 / 1e6
}

/// One line of JSON.
func line(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = .sortedKeys
    return String(decoding: try encoder.encode(value), as: UTF8.self)
}
