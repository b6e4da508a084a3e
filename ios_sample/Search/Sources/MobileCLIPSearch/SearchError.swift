import Foundation

/// What can go wrong. Every description is one line that says what, where, and what was expected.
public enum SearchError: Error, Equatable, Sendable {
    /// A file that cannot be used: missing, damaged, of another kind or version, or of another embedding space.
    case badFile(name: String, problem: String)

    /// What was asked for cannot be: a vector of another width, an unknown category, a picture without pixels.
    case badRequest(String)

    /// An encoder that was loaded gave no embedding.
    case encoderFailed(name: String, problem: String)
}

extension SearchError: LocalizedError, CustomStringConvertible {
    public var description: String {
        switch self {
        case .badFile(let name, let problem), .encoderFailed(let name, let problem): "\(name): \(problem)"
        case .badRequest(let problem): problem
        }
    }

    public var errorDescription: String? { description }
}

/// Content that is not what its format says; the reader of a file makes a ``SearchError/badFile(name:problem:)`` of it.
struct Malformed: Error {
    let problem: String

    init(_ problem: String) {
        self.problem = problem
    }
}

/// Fails with ``Malformed`` unless the condition holds.
func wellFormed(_ condition: Bool, _ problem: @autoclosure () -> String) throws {
    if !condition { throw Malformed(problem()) }
}

/// Fails with ``SearchError/badRequest(_:)`` unless the condition holds.
func require(_ condition: Bool, _ problem: @autoclosure () -> String) throws {
    if !condition { throw SearchError.badRequest(problem()) }
}

/// Runs `read`; whatever is malformed in there becomes a bad file that names `name`.
func reading<T>(_ name: String, _ read: () throws -> T) throws -> T {
    do {
        return try read()
    } catch let error as Malformed {
        throw SearchError.badFile(name: name, problem: error.problem)
    }
}

/// A text from a file, fit for one line of an error: short, without control characters.
func shown(_ text: String) -> String {
    let scalars = text.unicodeScalars.prefix(60).map { scalar in
        scalar.properties.generalCategory == .control || CharacterSet.newlines.contains(scalar) ? "?" : scalar
    }
    return "'" + String(String.UnicodeScalarView(scalars)) + "'"
}
