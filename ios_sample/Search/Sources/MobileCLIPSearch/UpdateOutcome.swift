import Foundation

/// The catalog that counts, and with it the encoders.
public struct CatalogInForce: Sendable {
    public let catalog: ProductCatalog
    /// Of its statement; 0 for a catalog that came with the app, without one.
    public let number: Int
    /// The last day on which its prices are to be trusted is over. Search goes on.
    public let isExpired: Bool
    /// The folder of the encoders that came with an update, their `manifest.json` and tokenizer in it; nil: the app's own.
    public let encoders: URL?
}

/// What an update came to.
public enum UpdateOutcome: Sendable {
    /// There is nothing new.
    case current(isExpired: Bool)
    /// Another statement is in force. `fetched`: all bytes that came.
    case updated(CatalogInForce, how: How, fetched: Int)

    /// Where the catalog came from.
    public enum How: Sendable {
        /// It was there.
        case same
        case delta
        /// The whole file was fetched.
        case whole
    }
}

/// What an update met and went on from; for an app's log. One line each, for developers.
public enum UpdateEvent: Sendable, Equatable {
    /// At the start: what the folder held, or the statement beside the bundled catalog, is not in force.
    case passedOver(problem: String)
    /// A delta did not fit, so that the whole catalog is fetched.
    case deltaFailed(problem: String)
    /// The app gave an update up, and why.
    case gaveUp(problem: String)
    /// The update is in force, but this could not be written.
    case notKept(problem: String)
}
