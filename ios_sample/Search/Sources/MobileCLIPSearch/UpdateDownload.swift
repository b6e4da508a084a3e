import Foundation

/// Fetches a file of the statement's site: `path` relative to the statement's address, from its byte `from` on. Errors mean
/// that it is to be tried later.
public typealias UpdateFetch = @Sendable (_ path: String, _ from: Int) async throws -> UpdateDownload

/// A file that comes in blocks.
public struct UpdateDownload: Sendable {
    /// Where in the file it really starts: as it was asked for, or at 0 where the server knows no ranges. As it was asked for,
    /// and then no block, too, where the file ends there (a server's 416).
    public let start: Int
    /// The next block; nil at the end, which may be too early.
    public let next: @Sendable () async throws -> Data?

    public init(start: Int, next: @escaping @Sendable () async throws -> Data?) {
        self.start = start
        self.next = next
    }
}

/// Fetches files into the folder. Counts all bytes that come.
struct UpdateDownloads {
    private let fetch: UpdateFetch
    private let folder: UpdateFolder
    private(set) var fetched = 0

    init(_ fetch: @escaping UpdateFetch, into folder: UpdateFolder) {
        self.fetch = fetch
        self.folder = folder
    }

    /// A small file's bytes. Throws ``UpdateError``: `refused` for more than `most`.
    mutating func bytes(_ path: String, most: Int) async throws -> Data {
        let download = try await asked(path, from: 0)
        guard download.start == 0 else {
            throw UpdateError(.network, name: path, problem: "it comes from byte \(download.start) on, expected 0")
        }
        var bytes = Data()
        while let block = try await next(download, path) {
            bytes.append(block)
            if bytes.count > most {
                throw UpdateError(.refused, name: path, problem: "more than \(most) bytes")
            }
        }
        return bytes
    }

    /// A file whole, with its digest, in its part; goes on where an earlier fetch ended.
    ///
    /// Throws ``UpdateError``: `network` where it ends early, and the part is kept; `damaged` where there is more of it, where
    /// the server holds no more than the part and that is too little, or its digest is another, and the part is removed.
    mutating func part(_ file: UpdateStatement.File) async throws -> URL {
        let part = folder.part(file.sha256)
        do {
            try await fill(part, file)
            try updating(file.path) {
                let found = try fileDigest(part)
                try wellFormed(found == file.sha256, "its SHA-256 is \(found), expected \(file.sha256)")
            }
            return part
        } catch let error as UpdateError where error.kind == .damaged {
            try updating(file.path) { try folder.disk.remove(part) }
            throw error
        }
    }

    private mutating func fill(_ part: URL, _ file: UpdateStatement.File) async throws {
        let found = folder.disk.size(part)
        if found == file.bytes { return }
        let there = found > file.bytes ? 0 : found
        let download = try await asked(file.path, from: there)
        guard 0...there ~= download.start else {
            throw UpdateError(.network, name: file.path, problem: "it comes from byte \(download.start), not \(there)")
        }
        var length = download.start
        let writer = try updating(file.path) { try folder.disk.append(to: part, at: length) }
        defer { writer.close() }
        while let block = try await next(download, file.path) {
            length += block.count
            if length > file.bytes {
                throw UpdateError(.damaged, name: file.path, problem: "more than \(file.bytes) bytes")
            }
            try updating(file.path) { try writer.write(block) }
        }
        try updating(file.path) { try writer.sync() }
        if length == there, there > 0, download.start == there {
            throw UpdateError(
                .damaged, name: file.path, problem: "the server's ends at \(there) of \(file.bytes) bytes")
        }
        if length < file.bytes {
            throw UpdateError(.network, name: file.path, problem: "it ends at \(length) of \(file.bytes) bytes")
        }
    }

    private func asked(_ path: String, from: Int) async throws -> UpdateDownload {
        try await fetching(path) { try await fetch(path, from) }
    }

    private mutating func next(_ download: UpdateDownload, _ path: String) async throws -> Data? {
        let block = try await fetching(path, download.next)
        fetched += block?.count ?? 0
        return block
    }

    private func fetching<T: Sendable>(_ path: String, _ work: () async throws -> T) async throws -> T {
        do {
            try Task.checkCancellation()
            let got = try await work()
            try Task.checkCancellation()
            return got
        } catch {
            if error is CancellationError || Task.isCancelled { throw CancellationError() }
            throw UpdateError(.network, name: path, problem: "it cannot be fetched: \(oneLine(error))")
        }
    }
}
