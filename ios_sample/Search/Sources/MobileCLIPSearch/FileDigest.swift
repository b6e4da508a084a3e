import Foundation

/// SHA-256 as a manifest has it, 64 hex digits: of a file's bytes; of a folder, such as an `.mlpackage`, over the lines
/// `path size sha256` of its files, sorted by path.
///
/// Throws ``SearchError/missingFile(name:problem:)`` and ``SearchError/badFile(name:problem:)``.
public func fileDigest(_ file: URL) throws -> String {
    let manager = FileManager.default
    func isFolder(_ file: URL) -> Bool {
        var isFolder: ObjCBool = false
        return manager.fileExists(atPath: file.path, isDirectory: &isFolder) && isFolder.boolValue
    }
    guard isFolder(file) else { return try digestAndSize(file).digest }
    guard let paths = try? manager.subpathsOfDirectory(atPath: file.path) else {
        throw SearchError.badFile(name: file.path, problem: "the folder cannot be listed")
    }
    let files = paths.filter { !isFolder(file.appendingPathComponent($0)) }
    let lines = try files.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }.map { path in
        let (digest, size) = try digestAndSize(file.appendingPathComponent(path))
        return "\(path) \(size) \(digest)\n"
    }
    return sha256([Data(lines.joined().utf8)])
}

/// Of one file, which is read in pieces: an encoder is large.
private func digestAndSize(_ file: URL) throws -> (digest: String, size: Int) {
    let piece = 1 << 20
    var size = 0
    do {
        let handle = try FileHandle(forReadingFrom: file)
        defer { try? handle.close() }
        let digest = try sha256 { give in
            while let bytes = try handle.read(upToCount: piece), !bytes.isEmpty {
                size += bytes.count
                give(bytes)
            }
        }
        return (digest, size)
    } catch {
        throw unreadable(file, error)
    }
}
