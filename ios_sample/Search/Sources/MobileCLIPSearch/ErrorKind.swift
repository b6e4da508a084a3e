/// What went wrong, for an app that says it in its own words and language. An error's description names files and is for
/// developers: no shopper is to read it.
public enum ErrorKind: Sendable, CaseIterable {
    /// A file is not there.
    case missing

    /// A file is damaged, cut, or of another format or version.
    case damaged

    /// Files that are whole, but do not belong together: another embedding space, catalog, currency or width; or an encoder
    /// that wants a later system.
    case mismatched

    /// A picture cannot be read: it is none, it is damaged, or it is too large for this device.
    case picture

    /// There is too little memory.
    case memory

    /// Anything else; mostly a mistake of the app's own.
    case other

    /// The kind of any error.
    public init(of error: any Error) {
        switch error as? SearchError {
        case .missingFile: self = .missing
        case .badFile: self = .damaged
        case .mismatch: self = .mismatched
        case .badPicture: self = .picture
        case .outOfMemory: self = .memory
        case .badRequest, .encoderFailed, nil: self = .other
        }
    }
}
