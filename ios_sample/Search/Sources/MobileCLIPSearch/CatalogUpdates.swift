import Foundation

/// Brings a shop's catalog of today to the device: small, signed, and only when the app asks for it.
///
/// Its folder holds the statement in force, its catalog, and downloads that are not whole. Whatever happens, the catalog that
/// was in force stays so until a new one is whole, verified and opened; after a kill the next start finds the one or the
/// other (FORMATS.md, Updates).
public actor CatalogUpdates {
    /// What was in force when this was made.
    public nonisolated let start: CatalogInForce
    private let name: String
    private let keys: [UpdateKey]
    private let folder: UpdateFolder
    private let fetch: UpdateFetch
    private let check: SignatureCheck
    private let today: @Sendable () -> Date
    private let onEvent: @Sendable (UpdateEvent) -> Void
    private var inForce: CatalogInForce
    private var highest: Int
    private var isBusy = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    /// Opens the catalog in force: that of the last update, or, where there was none or anything is wrong with it, `bundled`,
    /// which came with the app. Files of no use are removed.
    ///
    /// `name`: the catalog's, "shop"; `folder`: one of its own; `statement`: the one beside the bundled catalog, if any;
    /// `keys`: one or two, of which either may sign; `highest`: where the highest number is kept, best where it survives a
    /// cleared cache, else in the folder. `onEvent` is told what was wrong.
    ///
    /// Throws ``SearchError/badRequest(_:)`` for a name that is none, and for no keys.
    public init(
        name: String, folder: URL, bundled: ProductCatalog, statement: Data? = nil, keys: [UpdateKey],
        highest: URL? = nil, fetch: @escaping UpdateFetch, check: @escaping SignatureCheck,
        today: @escaping @Sendable () -> Date = { Date() },
        onEvent: @escaping @Sendable (UpdateEvent) -> Void = { _ in }
    ) throws {
        try self.init(
            name: name, folder: folder, bundled: bundled, statement: statement, keys: keys, highest: highest,
            fetch: fetch, check: check, today: today, onEvent: onEvent, disk: Disk())
    }

    /// `disk`: for tests, which fail it.
    init(
        name: String, folder: URL, bundled: ProductCatalog, statement: Data? = nil, keys: [UpdateKey],
        highest: URL? = nil, fetch: @escaping UpdateFetch, check: @escaping SignatureCheck,
        today: @escaping @Sendable () -> Date, onEvent: @escaping @Sendable (UpdateEvent) -> Void = { _ in }, disk: Disk
    ) throws {
        try require(UpdateStatement.isName(name), "a catalog's name of \(shown(name))")
        try require(!keys.isEmpty, "no key of those who may sign")
        let place = UpdateFolder(folder, name: name, highest: highest, disk: disk)
        let starting = UpdateStart(
            folder: place, name: name, keys: keys, check: check, now: today(), onEvent: onEvent)
        (start, self.highest) = starting.inForce(bundled.withoutOverlay, statement)
        inForce = start
        (self.name, self.keys, self.folder, self.fetch, self.check) = (name, keys, place, fetch, check)
        (self.today, self.onEvent) = (today, onEvent)
    }

    /// Asks the server once, and takes what is new. The catalog that it answers is whole, verified and in force at the next
    /// start too; the app then has it searched (``Searcher/use(_:)``). One at a time: a second call waits for the first.
    ///
    /// Throws ``UpdateError``, and `CancellationError` where the task is cancelled; what came is kept, and the next call goes
    /// on from there.
    public func update() async throws -> UpdateOutcome {
        await takeTurn()
        defer { giveTurn() }
        var downloads = UpdateDownloads(fetch, into: folder)
        let path = folder.statement.lastPathComponent
        let bytes = try await downloads.bytes(path, most: UpdateStatement.mostBytes)
        let statement = try UpdateStatement.read(bytes, keys: keys, check: check)
        try refuseOthers(statement, path)
        let isExpired = statement.isExpired(today())
        if statement.number == inForce.number {
            removeParts(but: nil)
            return .current(isExpired: isExpired)
        }
        try updating(folder.url.path) { try folder.disk.make(folder.url) }
        removeParts(but: statement)
        let how = try await bring(statement, &downloads)
        let catalog = try how == .same ? inForce.catalog : opened(statement)
        try updating(path) { try folder.write(bytes, to: folder.statement) }  // from here on it is in force
        inForce = CatalogInForce(catalog: catalog, number: statement.number, isExpired: isExpired)
        keepHighest()
        removeParts(but: nil)
        return .updated(inForce, how: how, fetched: downloads.fetched)
    }

    private func refuseOthers(_ statement: UpdateStatement, _ path: String) throws {
        func refuse(_ problem: String) throws { throw UpdateError(.refused, name: path, problem: problem) }
        if statement.name != name { try refuse("it is of \(shown(statement.name)), expected \(shown(name))") }
        if statement.number < highest { try refuse("number \(statement.number) after number \(highest)") }
        if statement.manifest != nil { try refuse("it brings other encoders, and this app takes none") }
        let space = inForce.catalog.space
        if statement.space != space {
            try refuse("it is of another embedding space: \(statement.space), the encoders' is \(space)")
        }
    }

    /// Puts the statement's catalog into the folder, whole and verified.
    private func bring(
        _ statement: UpdateStatement, _ downloads: inout UpdateDownloads
    ) async throws -> UpdateOutcome.How {
        let base = inForce.catalog
        if base.digest == statement.digest { return .same }
        if let delta = statement.deltas[base.digest] {
            do {
                try apply(try await downloads.part(delta), to: base, statement)
                return .delta
            } catch let error as UpdateError where error.kind == .damaged {
                try? folder.disk.remove(folder.part(delta.sha256))
                onEvent(.deltaFailed(problem: error.description))
            }
        }
        let part = try await downloads.part(statement.catalog)
        try updating(statement.catalog.path) {
            do {
                try checkWhole(part, statement)
            } catch {
                try folder.disk.remove(part)
                throw error
            }
            try folder.disk.rename(part, to: folder.catalog(statement.digest))
        }
        return .whole
    }

    private func apply(_ part: URL, to base: ProductCatalog, _ statement: UpdateStatement) throws {
        let file = folder.catalog(statement.digest)
        try updating(part.lastPathComponent) {
            let delta = try CatalogDelta.open(part)
            try wellFormed(delta.result == statement.digest, "a delta that makes another catalog: \(delta.result)")
            try delta.write(over: base, to: file, folder.disk) { made in
                try wellFormed(
                    fileDigest(made) == statement.catalog.sha256,
                    "the catalog that the delta makes has another SHA-256 than the statement says")
            }
        }
    }

    private func checkWhole(_ file: URL, _ statement: UpdateStatement) throws {
        let catalog = try ProductCatalog.open(file, space: statement.space, digest: statement.digest)
        try catalog.verify()
    }

    private func opened(_ statement: UpdateStatement) throws -> ProductCatalog {
        try updating(statement.catalog.path) {
            try ProductCatalog.open(
                folder.catalog(statement.digest), space: statement.space, digest: statement.digest)
        }
    }

    /// The statement in force counts even where this cannot be written.
    private func keepHighest() {
        highest = max(highest, inForce.number)
        do {
            try folder.write(highest: highest)
        } catch {
            onEvent(.notKept(problem: "the highest number, \(highest)"))
        }
    }

    /// Those of older statements are of no use.
    private func removeParts(but statement: UpdateStatement?) {
        let files = statement.map { [$0.catalog] + $0.deltas.values } ?? []
        let kept = Set(files.map { folder.part($0.sha256) })
        for part in folder.parts() where !kept.contains(part) { try? folder.disk.remove(part) }
    }

    private func takeTurn() async {
        if isBusy {
            await withCheckedContinuation { waiting.append($0) }
        } else {
            isBusy = true
        }
    }

    private func giveTurn() {
        if waiting.isEmpty { isBusy = false } else { waiting.removeFirst().resume() }
    }
}
