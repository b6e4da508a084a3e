import Foundation

/// Why there was no update. The catalog that was in force stays in force.
public struct UpdateError: Error, Equatable, Sendable {
    /// What an app can do about it.
    public enum Kind: Sendable, CaseIterable {
        /// The server was not reached, or ended too early: to be tried later. What came is kept.
        case network
        /// The statement is not one for this app: its signature, name, number, space or form.
        case refused
        /// Files that the statement names are not what it says.
        case damaged
        /// No room, or no right to write.
        case disk
    }

    public let kind: Kind
    /// The file, as the statement or the device names it.
    public let name: String
    public let problem: String

    public init(_ kind: Kind, name: String, problem: String) {
        self.kind = kind
        self.name = name
        self.problem = problem
    }
}

extension UpdateError: LocalizedError, CustomStringConvertible {
    /// One line, for developers.
    public var description: String { "\(name): \(problem)" }

    /// One line, for developers.
    public var errorDescription: String? { description }
}

/// Runs `work`, in which files of a statement are read and written: every error becomes an ``UpdateError``, but for
/// `CancellationError`.
func updating<T>(_ name: String, _ work: () throws -> T) throws -> T {
    do {
        return try work()
    } catch let error as UpdateError {
        throw error
    } catch let error as CancellationError {
        throw error
    } catch let failure as DiskFailure {
        throw UpdateError(.disk, name: failure.file.path, problem: failure.problem)
    } catch let error as Malformed {
        throw UpdateError(.damaged, name: name, problem: error.problem)
    } catch {
        throw UpdateError(.damaged, name: name, problem: oneLine(error))
    }
}
