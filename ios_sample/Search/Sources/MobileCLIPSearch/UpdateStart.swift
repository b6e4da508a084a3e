import Foundation

/// Which catalog is in force when an app starts.
struct UpdateStart {
    let folder: UpdateFolder
    let name: String
    let keys: [UpdateKey]
    let check: SignatureCheck
    let now: Date
    let onEvent: (UpdateEvent) -> Void

    /// The last update's, if all is well with it and it is not older than the bundled one; and the highest number.
    func inForce(_ bundled: ProductCatalog, _ statement: Data?) -> (CatalogInForce, highest: Int) {
        let signed = statement.flatMap { bytes in told { try ofBundle(bundled, bytes) } }
        let came = signed ?? CatalogInForce(catalog: bundled, number: 0, isExpired: false)
        let found = folder.readStatement().flatMap { bytes in
            told { try ofUpdate(bytes, bundled, least: came.number) }
        }
        let inForce = found ?? came
        folder.removeOthers(but: [folder.catalog(inForce.catalog.digest)] + folder.parts())
        if found == nil { try? folder.disk.remove(folder.statement) }
        let written = folder.readHighest()
        let highest = max(written, inForce.number)
        if highest > written {
            _ = told { try folder.write(highest: highest) }
        }
        return (inForce, highest)
    }

    private func ofBundle(_ bundled: ProductCatalog, _ bytes: Data) throws -> CatalogInForce {
        let statement = try read(bytes, bundled.space)
        try reading(bundled.name) {
            try fitting(statement.digest == bundled.digest, "the statement beside it is of another catalog")
        }
        return inForce(bundled, statement)
    }

    private func ofUpdate(_ bytes: Data, _ bundled: ProductCatalog, least: Int) throws -> CatalogInForce {
        let statement = try read(bytes, bundled.space)
        try wellFormed(
            statement.number >= least, "number \(statement.number) is older than the bundled one, \(least)")
        if statement.digest == bundled.digest { return inForce(bundled, statement) }
        return inForce(
            try ProductCatalog.open(
                folder.catalog(statement.digest), space: bundled.space, digest: statement.digest), statement)
    }

    private func read(_ bytes: Data, _ space: String) throws -> UpdateStatement {
        let statement = try UpdateStatement.read(bytes, keys: keys, check: check)
        try wellFormed(statement.name == name, "a statement of \(shown(statement.name)), expected \(shown(name))")
        try wellFormed(
            statement.space == space && statement.manifest == nil, "a statement for other encoders than the app's")
        return statement
    }

    private func inForce(_ catalog: ProductCatalog, _ statement: UpdateStatement) -> CatalogInForce {
        CatalogInForce(catalog: catalog, number: statement.number, isExpired: statement.isExpired(now))
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
