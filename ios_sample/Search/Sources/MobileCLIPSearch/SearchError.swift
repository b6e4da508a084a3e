import Foundation

/// What can go wrong. Every description is one line that says what, where, and what was expected. It is for developers;
/// ``ErrorKind`` is for an app's own words.
public enum SearchError: Error, Equatable, Sendable {
    /// A file that is not there.
    case missingFile(name: String, problem: String)

    /// A file that cannot be used: damaged, or of another kind or version.
    case badFile(name: String, problem: String)

    /// A file that is whole and does not fit the others: of another embedding space, catalog, currency or width, or for a
    /// later system.
    case mismatch(name: String, problem: String)

    /// A picture that cannot be read: none, damaged, or too large for a device's memory.
    case badPicture(String)

    /// There is no memory for what was asked for.
    case outOfMemory(String)

    /// What was asked for cannot be: a vector of another width, an unknown category, no such product.
    case badRequest(String)

    /// An encoder that was loaded gave no embedding.
    case encoderFailed(name: String, problem: String)
}

extension SearchError: LocalizedError, CustomStringConvertible {
    /// One line, for developers.
    public var description: String {
        switch self {
        case .missingFile(let name, let problem), .badFile(let name, let problem), .mismatch(let name, let problem),
            .encoderFailed(let name, let problem):
            "\(name): \(problem)"
        case .badPicture(let problem), .outOfMemory(let problem), .badRequest(let problem): problem
        }
    }

    /// One line, for developers.
    public var errorDescription: String? { description }
}

/// Content that is not what its format says, or that does not fit other content; the reader of a file makes a
/// ``SearchError/badFile(name:problem:)`` or a ``SearchError/mismatch(name:problem:)`` of it.
struct Malformed: Error {
    let problem: String
    let isMismatch: Bool

    init(_ problem: String, isMismatch: Bool = false) {
        self.problem = problem
        self.isMismatch = isMismatch
    }
}

/// Fails with ``Malformed`` unless the condition holds.
func wellFormed(_ condition: Bool, _ problem: @autoclosure () -> String) throws {
    if !condition { throw Malformed(problem()) }
}

/// Fails with ``Malformed`` unless what belongs together does.
func fitting(_ condition: Bool, _ problem: @autoclosure () -> String) throws {
    if !condition { throw Malformed(problem(), isMismatch: true) }
}

/// Fails with ``SearchError/badRequest(_:)`` unless the condition holds.
func require(_ condition: Bool, _ problem: @autoclosure () -> String) throws {
    if !condition { throw SearchError.badRequest(problem()) }
}

/// Runs `read`; whatever is malformed in there becomes a bad file, or a mismatch, that names `name`.
func reading<T>(_ name: String, _ read: () throws -> T) throws -> T {
    do {
        return try read()
    } catch let error as Malformed {
        throw error.isMismatch
            ? SearchError.mismatch(name: name, problem: error.problem)
            : SearchError.badFile(name: name, problem: error.problem)
    }
}

/// A text from a file, fit for one line of an error: short, without control characters.
func shown(_ text: String) -> String {
    let scalars = text.unicodeScalars.prefix(60).map { scalar in
        scalar.properties.generalCategory == .control || CharacterSet.newlines.contains(scalar) ? "?" : scalar
    }
    return "'" + String(String.UnicodeScalarView(scalars)) + "'"
}
