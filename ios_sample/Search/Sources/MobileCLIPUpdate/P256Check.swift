#if canImport(CryptoKit)
    import CryptoKit
    import Foundation

    /// Whether a statement's signature holds, by CryptoKit: a ``SignatureCheck``.
    @Sendable public func holds(_ key: Data, _ message: Data, _ signature: Data) -> Bool {
        guard let key = try? P256.Signing.PublicKey(derRepresentation: key),
            let signature = try? P256.Signing.ECDSASignature(rawRepresentation: signature)
        else { return false }
        return key.isValidSignature(signature, for: message)
    }
#endif
