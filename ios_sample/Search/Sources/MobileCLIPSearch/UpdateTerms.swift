import Foundation

/// Which statements an app takes.
struct UpdateTerms: Sendable {
    let name: String
    let keys: [UpdateKey]
    let check: SignatureCheck
    /// Of the encoders that came with the app.
    let space: String
    let takesBundles: Bool
    let folder: UpdateFolder

    /// Reads a signed statement. Throws ``UpdateError`` of the kind `refused`.
    func read(_ bytes: Data) throws -> UpdateStatement {
        let statement = try UpdateStatement.read(bytes, keys: keys, check: check)
        if statement.name != name { throw refusal("it is of \(shown(statement.name)), expected \(shown(name))") }
        if statement.space == space { return statement }
        if statement.manifest?.files.isEmpty ?? true {
            throw refusal("it is of another embedding space: \(statement.space), the encoders' is \(space)")
        }
        if !takesBundles { throw refusal("it brings other encoders, and this app takes none") }
        if statement.manifest?.file.sha256 == folder.readGivenUp() {
            throw refusal("it brings encoders that were given up here")
        }
        return statement
    }

    func refusal(_ problem: String) -> UpdateError {
        UpdateError(.refused, name: name + UpdateFolder.statementSuffix, problem: problem)
    }

    /// What brings the encoders of a statement; nil: they are the app's own.
    func bundle(_ statement: UpdateStatement) -> UpdateBundle? {
        guard statement.space != space, let manifest = statement.manifest else { return nil }
        return UpdateBundle(manifest: manifest, space: statement.space, folder: folder)
    }
}
