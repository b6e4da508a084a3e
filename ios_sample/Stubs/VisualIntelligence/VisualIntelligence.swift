import CoreVideo

public struct SemanticContentDescriptor: @unchecked Sendable {
    public var labels: [String] { [] }
    public var pixelBuffer: CVReadOnlyPixelBuffer? { nil }
}
