import Foundation

/// What the system refused to do with a file: no room, no right, no such folder.
struct DiskFailure: Error {
    let file: URL
    let problem: String

    var searchError: SearchError { .badFile(name: file.path, problem: problem) }
}

/// Changes to files. `before` is told of each first, and may fail it: so a test lets a disk be full, or a process end, at
/// any change.
///
/// All throw ``DiskFailure``.
struct Disk: Sendable {
    var before: @Sendable (_ change: String) throws -> Void = { _ in }

    /// Writes what `fill` gives, whole or not at all: beside it first, synced, then, if `check` has nothing against it, by
    /// renaming. A file of that name that is mapped stays as it is. Throws what `fill` and `check` throw, too.
    func write(
        _ file: URL, check: (URL) throws -> Void = { _ in },
        _ fill: (_ give: @escaping (Data) throws -> Void) throws -> Void
    ) throws {
        let partial = file.appendingPathExtension("partial")
        do {
            let writer = try append(to: partial, at: 0)
            defer { writer.close() }
            try fill { try writer.write($0) }
            try writer.sync()
            try check(partial)
            try rename(partial, to: file)
        } catch {
            try? remove(partial)
            throw error
        }
    }

    /// A file that is written on from `position`; what it holds beyond is cut off.
    func append(to file: URL, at position: Int) throws -> FileWriter {
        try change("open", file) {
            if !FileManager.default.fileExists(atPath: file.path) { try Data().write(to: file) }
            let handle = try FileHandle(forWritingTo: file)
            try handle.truncate(atOffset: UInt64(position))
            try handle.seek(toOffset: UInt64(position))
            return FileWriter(file, handle, self)
        }
    }

    /// In the place of what has that name.
    func rename(_ file: URL, to target: URL) throws {
        try change("rename", target) {
            guard Foundation.rename(file.path, target.path) == 0 else {
                throw DiskFailure(file: target, problem: "it cannot be renamed: \(String(cString: strerror(errno)))")
            }
        }
    }

    /// Does nothing where there is no such file.
    func remove(_ file: URL) throws {
        guard FileManager.default.fileExists(atPath: file.path) else { return }
        try change("remove", file) { try FileManager.default.removeItem(at: file) }
    }

    /// Makes a folder and those that it lies in.
    func make(_ folder: URL) throws {
        try change("make", folder) {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        }
    }

    /// Makes the bytes of a file, or the names in a folder, outlive a loss of power.
    func sync(_ file: URL) throws {
        try change("sync", file) {
            let descriptor = open(file.path, O_RDONLY)
            defer { close(descriptor) }
            guard descriptor >= 0, fsync(descriptor) == 0 else {
                throw DiskFailure(file: file, problem: "it cannot be synced: \(String(cString: strerror(errno)))")
            }
        }
    }

    /// The size of a file; 0 where there is none.
    func size(_ file: URL) -> Int {
        guard let handle = try? FileHandle(forReadingFrom: file) else { return 0 }
        defer { try? handle.close() }
        return (try? handle.seekToEnd()).map(Int.init) ?? 0
    }

    fileprivate func change<T>(_ what: String, _ file: URL, _ work: () throws -> T) throws -> T {
        do {
            try before(what)
            return try work()
        } catch let failure as DiskFailure {
            throw failure
        } catch {
            throw DiskFailure(file: file, problem: "it cannot be written: \(oneLine(error))")
        }
    }
}

/// A file that is being written.
final class FileWriter {
    private let file: URL
    private let handle: FileHandle
    private let disk: Disk

    fileprivate init(_ file: URL, _ handle: FileHandle, _ disk: Disk) {
        self.file = file
        self.handle = handle
        self.disk = disk
    }

    func write(_ block: Data) throws { try disk.change("write", file) { try handle.write(contentsOf: block) } }

    func sync() throws { try disk.change("sync", file) { try handle.synchronize() } }

    func close() { try? handle.close() }
}
