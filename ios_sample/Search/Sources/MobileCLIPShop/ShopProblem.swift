import MobileCLIPSearch

/// What went wrong, as a shopper can understand it; the app has the words. Paths and digests stay in ``SearchError``.
public enum ShopProblem: Error, Hashable, CaseIterable, Sendable {
    /// Of the app's files one is missing, damaged, or does not fit the others.
    case files

    /// A picture that this device cannot read.
    case picture

    case memory

    /// The camera is not allowed.
    case camera

    /// The camera is allowed, and cannot be opened.
    case noCamera

    /// The shop has no such product any more.
    case gone

    /// A product that staff add, and that the shop cannot take; that lacks a picture, an id or a name; whose price is no number.
    case entry
    case incomplete
    case price

    case other

    public init(_ error: any Error) {
        if let problem = error as? ShopProblem {
            self = problem
            return
        }
        switch ErrorKind(of: error) {
        case .missing, .damaged, .mismatched: self = .files
        case .picture: self = .picture
        case .memory: self = .memory
        case .other: self = .other
        }
    }
}
