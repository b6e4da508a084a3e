@_exported import Foundation

// Core Foundation's types are bridged by `as`; here they are the Swift types themselves.
public typealias CFString = String
public typealias CFData = Data
public typealias CFDictionary = [String: Any]

public final class CGColorSpace: @unchecked Sendable {
    public static let sRGB: CFString = "kCGColorSpaceSRGB"
    public init?(name: CFString) {}
}

public enum CGImageAlphaInfo: UInt32, Sendable {
    case noneSkipLast = 5
}

public final class CGImage: @unchecked Sendable {
    public let width: Int
    public let height: Int
    public init(width: Int, height: Int) {
        self.width = width
        self.height = height
    }
    public func cropping(to rect: CGRect) -> CGImage? {
        CGImage(width: Int(rect.width), height: Int(rect.height))
    }
}

public final class CGContext {
    public private(set) var data: UnsafeMutableRawPointer?
    public init?(
        data: UnsafeMutableRawPointer?, width: Int, height: Int, bitsPerComponent: Int, bytesPerRow: Int,
        space: CGColorSpace, bitmapInfo: UInt32
    ) {
        self.data = .allocate(byteCount: bytesPerRow * height, alignment: 16)
        self.data?.initializeMemory(as: UInt8.self, repeating: 255, count: bytesPerRow * height)
    }
    deinit { data?.deallocate() }
    public func setFillColor(red: CGFloat, green: CGFloat, blue: CGFloat, alpha: CGFloat) {}
    public func fill(_ rect: CGRect) {}
    public func draw(_ image: CGImage, in rect: CGRect) {}
}
