import Foundation

public struct SHA256: Sendable {
    public init() {}
    public mutating func update(data: some DataProtocol) {}
    public func finalize() -> SHA256Digest { SHA256Digest() }
}

public struct SHA256Digest: Sequence, Sendable {
    public func makeIterator() -> [UInt8].Iterator { [].makeIterator() }
}

public enum P256 {
    public enum Signing {
        public struct ECDSASignature: Sendable {
            public init(rawRepresentation: some DataProtocol) throws {}
        }

        public struct PublicKey: Sendable {
            public init<Bytes: RandomAccessCollection>(derRepresentation: Bytes) throws where Bytes.Element == UInt8 {}
            public func isValidSignature(_ signature: ECDSASignature, for data: some DataProtocol) -> Bool { false }
        }
    }
}
