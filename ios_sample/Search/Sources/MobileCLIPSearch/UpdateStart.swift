import Foundation

/// Which catalog, and which encoders, are in force when an app starts.
struct UpdateStart: Sendable {
    let folder: UpdateFolder
    let terms: UpdateTerms
    let bundled: ProductCatalog
    /// The one beside the bundled catalog, if any.
    let statement: Data?
    let today: @Sendable () -> Date
    let onEvent: @Sendable (UpdateEvent) -> Void

    /// The last update's, if all is well with it and it is not older than the bundled one; and the highest number.
    func inForce() -> (CatalogInForce, highest: Int) {
        let signed = statement.flatMap { bytes in told { try ofBundled(bytes) } }
        let came = signed ?? CatalogInForce(catalog: bundled, number: 0, isExpired: false, encoders: nil)
        let found = folder.readStatement().flatMap { bytes in
            told { try ofUpdate(bytes, least: came.number) }
        }
        let inForce = found ?? came
        let kept = [folder.catalog(inForce.catalog.digest)] + (inForce.encoders.map { [$0] } ?? [])
        folder.removeOthers(but: kept + folder.parts())
        if found == nil { try? folder.disk.remove(folder.statement) }
        let written = folder.readHighest()
        let highest = max(written, inForce.number)
        if highest > written {
            _ = told { try folder.write(highest: highest) }
        }
        return (inForce, highest)
    }

    private func ofBundled(_ bytes: Data) throws -> CatalogInForce {
        let statement = try terms.read(bytes)
        try reading(bundled.name) {
            try fitting(
                statement.space == bundled.space && statement.digest == bundled.digest,
                "the statement beside it is of another catalog")
        }
        return inForce(bundled, statement)
    }

    private func ofUpdate(_ bytes: Data, least: Int) throws -> CatalogInForce {
        let statement = try terms.read(bytes)
        try wellFormed(
            statement.number >= least, "number \(statement.number) is older than the bundled one, \(least)")
        let encoders = try terms.bundle(statement)?.kept()
        if encoders == nil, statement.digest == bundled.digest { return inForce(bundled, statement) }
        return inForce(
            try ProductCatalog.open(
                folder.catalog(statement.digest), space: statement.space, digest: statement.digest), statement,
            encoders)
    }

    private func inForce(
        _ catalog: ProductCatalog, _ statement: UpdateStatement, _ encoders: URL? = nil
    ) -> CatalogInForce {
        CatalogInForce(
            catalog: catalog, number: statement.number, isExpired: statement.isExpired(today()), encoders: encoders)
    }

    /// What `work` answers; nil where it fails, which is told.
    private func told<T>(_ work: () throws -> T) -> T? {
        do {
            return try reading(folder.statement.path, work)
        } catch let failure as DiskFailure {
            onEvent(.notKept(problem: failure.searchError.description))
        } catch {
            onEvent(.passedOver(problem: oneLine(error)))
        }
        return nil
    }
}
