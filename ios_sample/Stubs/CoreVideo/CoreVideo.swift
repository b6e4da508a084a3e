@_exported import CoreGraphics

public final class CVBuffer {
    let memory: UnsafeMutableRawPointer
    let width: Int
    let height: Int
    init(width: Int, height: Int) {
        self.width = width
        self.height = height
        memory = .allocate(byteCount: 4 * width * height, alignment: 16)
    }
    deinit { memory.deallocate() }
}

public typealias CVPixelBuffer = CVBuffer
public typealias CVImageBuffer = CVBuffer
public typealias CVReturn = Int32
public typealias CFAllocator = Int

public struct CVPixelBufferLockFlags: OptionSet, Sendable {
    public let rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }
}

public let kCVReturnSuccess: CVReturn = 0
public let kCVPixelFormatType_32BGRA: UInt32 = 0x4247_5241
public let kCVPixelBufferIOSurfacePropertiesKey: CFString = "IOSurfaceProperties"
public let kCFAllocatorDefault: CFAllocator? = nil

@discardableResult
public func CVPixelBufferCreate(
    _ allocator: CFAllocator?, _ width: Int, _ height: Int, _ format: UInt32, _ attributes: CFDictionary?,
    _ made: UnsafeMutablePointer<CVPixelBuffer?>
) -> CVReturn {
    made.pointee = CVPixelBuffer(width: width, height: height)
    return kCVReturnSuccess
}

@discardableResult
public func CVPixelBufferLockBaseAddress(_ buffer: CVPixelBuffer, _ flags: CVPixelBufferLockFlags) -> CVReturn { 0 }

@discardableResult
public func CVPixelBufferUnlockBaseAddress(_ buffer: CVPixelBuffer, _ flags: CVPixelBufferLockFlags) -> CVReturn { 0 }

public func CVPixelBufferGetBaseAddress(_ buffer: CVPixelBuffer) -> UnsafeMutableRawPointer? { buffer.memory }
public func CVPixelBufferGetBytesPerRow(_ buffer: CVPixelBuffer) -> Int { 4 * buffer.width }
public func CVPixelBufferGetWidth(_ buffer: CVPixelBuffer) -> Int { buffer.width }
public func CVPixelBufferGetHeight(_ buffer: CVPixelBuffer) -> Int { buffer.height }
