import Foundation

/// Brings a shop's catalog of today to the device, and other encoders with it for an app that takes them: signed, and only
/// when the app asks for it.
///
/// Its folder holds the statement in force, its catalog, its encoders, and downloads that are not whole. Whatever happens,
/// what was in force stays so until all of the new is whole, verified and opened; after a kill the next start finds the one
/// or the other (FORMATS.md, Updates).
public actor CatalogUpdates {
    /// What was in force when this was made.
    public nonisolated let start: CatalogInForce
    private let starting: UpdateStart
    private let folder: UpdateFolder
    private let terms: UpdateTerms
    private let fetch: UpdateFetch
    private let onEvent: @Sendable (UpdateEvent) -> Void
    /// What is in force now.
    public private(set) var inForce: CatalogInForce
    private var highest: Int
    private var isBusy = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    /// Opens the catalog in force: that of the last update, or, where there was none or anything is wrong with it, `bundled`,
    /// which came with the app. Files of no use are removed.
    ///
    /// `name`: the catalog's, "shop"; `folder`: one of its own; `statement`: the one beside the bundled catalog, if any;
    /// `keys`: one or two, of which either may sign; `highest`: where the highest number is kept, best where it survives a
    /// cleared cache, else in the folder. `takesBundles`: whether the app can open encoders that come with a catalog
    /// (``CatalogInForce/encoders``); without it such an update is refused. `onEvent` is told what was wrong.
    ///
    /// Throws ``SearchError/badRequest(_:)`` for a name that is none, and for no keys.
    public init(
        name: String, folder: URL, bundled: ProductCatalog, statement: Data? = nil, keys: [UpdateKey],
        highest: URL? = nil, takesBundles: Bool = false, fetch: @escaping UpdateFetch,
        check: @escaping SignatureCheck, today: @escaping @Sendable () -> Date = { Date() },
        onEvent: @escaping @Sendable (UpdateEvent) -> Void = { _ in }
    ) throws {
        try self.init(
            name: name, folder: folder, bundled: bundled, statement: statement, keys: keys, highest: highest,
            takesBundles: takesBundles, fetch: fetch, check: check, today: today, onEvent: onEvent, disk: Disk())
    }

    /// `disk`: for tests, which fail it.
    init(
        name: String, folder: URL, bundled: ProductCatalog, statement: Data? = nil, keys: [UpdateKey],
        highest: URL? = nil, takesBundles: Bool = false, fetch: @escaping UpdateFetch,
        check: @escaping SignatureCheck, today: @escaping @Sendable () -> Date,
        onEvent: @escaping @Sendable (UpdateEvent) -> Void = { _ in }, disk: Disk
    ) throws {
        try require(UpdateStatement.isName(name), "a catalog's name of \(shown(name))")
        try require(!keys.isEmpty, "no key of those who may sign")
        let folder = UpdateFolder(folder, name: name, highest: highest, disk: disk)
        starting = UpdateStart(
            folder: folder,
            terms: UpdateTerms(
                name: name, keys: keys, check: check, space: bundled.space, takesBundles: takesBundles,
                folder: folder),
            bundled: bundled.withoutOverlay, statement: statement, today: today, onEvent: onEvent)
        (start, self.highest) = starting.inForce()
        inForce = start
        (self.folder, terms, self.fetch, self.onEvent) = (folder, starting.terms, fetch, onEvent)
    }

    /// Asks the server once, and takes what is new. The catalog that it answers is whole, verified and in force at the next
    /// start too; the app then has it searched (``Searcher/use(_:)``), or, where its ``CatalogInForce/encoders`` are others
    /// than before, by a new ``Searcher``. One at a time: a second call waits for the first.
    ///
    /// Throws ``UpdateError``, and `CancellationError` where the task is cancelled; what came is kept, and the next call goes
    /// on from there.
    public func update() async throws -> UpdateOutcome {
        await takeTurn()
        defer { giveTurn() }
        var downloads = UpdateDownloads(fetch, into: folder)
        let path = folder.statement.lastPathComponent
        let bytes = try await downloads.bytes(path, most: UpdateStatement.mostBytes)
        let statement = try terms.read(bytes)
        if statement.number < highest {
            throw terms.refusal("number \(statement.number) after number \(highest)")
        }
        let isExpired = statement.isExpired(starting.today())
        if statement.number == inForce.number {
            removeParts(but: nil)
            return .current(isExpired: isExpired)
        }
        try updating(folder.url.path) { try folder.disk.make(folder.url) }
        removeParts(but: statement)
        let bundle = terms.bundle(statement)
        try await bundle?.bring(&downloads)
        let how = try await bring(statement, &downloads)
        let catalog = try how == .same ? inForce.catalog : opened(statement)
        let encoders = try bundle?.named()
        try updating(path) { try folder.write(bytes, to: folder.statement) }  // from here on it is in force
        inForce = CatalogInForce(
            catalog: catalog, number: statement.number, isExpired: isExpired, encoders: encoders)
        keepHighest(inForce.number)
        removeParts(but: nil)
        return .updated(inForce, how: how, fetched: downloads.fetched)
    }

    /// Gives up encoders that came with an update and cannot be opened on this device, or do not load: they are not taken
    /// again, the shop's next ones are. Answers what is in force then, as at a start: the app swaps to that. Nothing changes
    /// where another update is in force by now, or the app's own encoders are.
    ///
    /// Throws ``UpdateError`` where that cannot be written.
    public func giveUp(_ update: CatalogInForce, because problem: any Error) async throws -> CatalogInForce {
        await takeTurn()
        defer { giveTurn() }
        guard update.number == inForce.number, let encoders = inForce.encoders else { return inForce }
        onEvent(.gaveUp(problem: oneLine(problem)))
        try updating(folder.givenUp.path) { try folder.giveUp(encoders) }
        try? folder.disk.remove(folder.statement)
        let found = starting.inForce()
        (inForce, highest) = (found.0, max(highest, found.highest))
        return inForce
    }

    /// Puts the statement's catalog into the folder, whole and verified.
    private func bring(
        _ statement: UpdateStatement, _ downloads: inout UpdateDownloads
    ) async throws -> UpdateOutcome.How {
        let base = inForce.catalog
        let isOfSpace = base.space == statement.space
        if base.digest == statement.digest {
            try updating(statement.catalog.path) {
                try fitting(isOfSpace, "it is the catalog of another embedding space, \(base.space)")
            }
            return .same
        }
        if isOfSpace, let delta = statement.deltas[base.digest] {
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
    private func keepHighest(_ number: Int) {
        highest = max(highest, number)
        do {
            try folder.write(highest: highest)
        } catch {
            onEvent(.notKept(problem: "the highest number, \(highest)"))
        }
    }

    /// Those of older statements are of no use.
    private func removeParts(but statement: UpdateStatement?) {
        let files = statement.map { [$0.catalog] + $0.deltas.values + ($0.manifest?.all.map(\.file) ?? []) } ?? []
        let bundle = statement?.manifest.map { [folder.bundlePart($0.file.sha256)] } ?? []
        let kept = Set((files.map { folder.part($0.sha256) } + bundle).map(\.lastPathComponent))
        for part in folder.parts() where !kept.contains(part.lastPathComponent) { try? folder.disk.remove(part) }
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
