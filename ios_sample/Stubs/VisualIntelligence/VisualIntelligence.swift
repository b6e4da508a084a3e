import CoreVideo

public struct SemanticContentDescriptor: @unchecked Sendable {
    public var labels: [String] { [] }
    public var pixelBuffer: CVReadOnlyPixelBuffer? { nil }
}

/// Of Core Video, from iOS 26 on.
public struct CVReadOnlyPixelBuffer: @unchecked Sendable {
    public func withUnsafeBuffer<R>(_ body: (CVPixelBuffer) throws -> R) rethrows -> R { fatalError() }
}
