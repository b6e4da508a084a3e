import Foundation

/// The encoders that a statement brings: a folder that gets its name once all in it is whole and right, and its catalog is
/// there, too. Before that, only whole files lie in it, so that a later update goes on file by file.
struct UpdateBundle {
    let manifest: UpdateStatement.Manifest
    let space: String
    let folder: UpdateFolder

    /// The folder that an earlier update brought. Throws ``Malformed`` and ``SearchError`` where it is not whole: of the files
    /// the sizes alone are looked at, since their digests were before it got its name.
    func kept() throws -> URL {
        let place = folder.bundle(manifest.file.sha256)
        try check(place)
        return place
    }

    /// Fetches what is not there; ``named()`` follows. Throws ``UpdateError``.
    func bring(_ downloads: inout UpdateDownloads) async throws {
        guard (try? kept()) == nil else { return }
        let part = folder.bundlePart(manifest.file.sha256)
        for (path, file) in manifest.all {
            let place = part.appendingPathComponent(path)
            if folder.disk.size(place) == file.bytes { continue }
            let whole = try await downloads.part(file)
            try updating(file.path) {
                try folder.disk.sync(whole)
                try folder.disk.make(place.deletingLastPathComponent())
                try folder.disk.rename(whole, to: place)
            }
        }
        try updating(manifest.file.path) {
            do {
                try verify(part)
            } catch {
                try folder.disk.remove(part)
                throw error
            }
            for path in foldersWithin(part) { try folder.disk.sync(path) }
        }
    }

    /// Gives the folder its name, in the place of one that is not whole. Throws ``UpdateError``.
    func named() throws -> URL {
        if let kept = try? kept() { return kept }
        return try updating(manifest.file.path) {
            let place = folder.bundle(manifest.file.sha256)
            try folder.disk.remove(place)
            try folder.disk.rename(folder.bundlePart(manifest.file.sha256), to: place)
            try folder.disk.sync(folder.url)
            return place
        }
    }

    private func check(_ place: URL) throws {
        let name = ModelManifest.file
        try checkDigest(place.appendingPathComponent(name), manifest.file)
        let own = try ModelManifest.load(place.appendingPathComponent(name)).space
        try fitting(own == space, "a bundle of another embedding space: \(own), the statement's is \(space)")
        for (path, file) in manifest.all {
            let size = folder.disk.size(place.appendingPathComponent(path))
            try wellFormed(size == file.bytes, "\(path) of the bundle has \(size) bytes, expected \(file.bytes)")
        }
    }

    private func verify(_ place: URL) throws {
        try check(place)
        for (path, file) in manifest.all { try checkDigest(place.appendingPathComponent(path), file) }
    }

    private func checkDigest(_ place: URL, _ file: UpdateStatement.File) throws {
        let found = try fileDigest(place)
        try wellFormed(found == file.sha256, "\(file.path): its SHA-256 is \(found), expected \(file.sha256)")
    }

    /// The folder itself, and those within it.
    private func foldersWithin(_ place: URL) -> Set<URL> {
        Set(
            manifest.all.flatMap { path, _ in
                let folders = path.split(separator: "/").dropLast()
                return (0...folders.count).map {
                    place.appendingPathComponent(folders.prefix($0).joined(separator: "/"), isDirectory: true)
                }
            })
    }
}
