@_exported import CoreVideo
@_exported import UIKit

/// Of Core Video.
public let kCVPixelBufferPixelFormatTypeKey: CFString = "PixelFormatType"

public struct AVMediaType: Sendable {
    public static let video = AVMediaType()
}

public class AVCaptureDevice: NSObject, @unchecked Sendable {
    public static func `default`(for mediaType: AVMediaType) -> AVCaptureDevice? { nil }
    public static func requestAccess(for mediaType: AVMediaType) async -> Bool { false }
    public final class RotationCoordinator: NSObject {
        public init(device: AVCaptureDevice, previewLayer: CALayer?) {}
        public var videoRotationAngleForHorizonLevelPreview: CGFloat { 0 }
        public var videoRotationAngleForHorizonLevelCapture: CGFloat { 0 }
    }
}

public class AVCaptureInput: NSObject {}

public final class AVCaptureDeviceInput: AVCaptureInput {
    public init(device: AVCaptureDevice) throws {}
}

public final class AVCaptureConnection: NSObject {
    public var videoRotationAngle: CGFloat = 0
    public func isVideoRotationAngleSupported(_ angle: CGFloat) -> Bool { true }
}

public class AVCaptureOutput: NSObject {
    public func connection(with mediaType: AVMediaType) -> AVCaptureConnection? { nil }
}

public final class AVCaptureSession: NSObject {
    public struct Preset: Sendable { public static let photo = Preset() }
    public var inputs: [AVCaptureInput] { [] }
    public var sessionPreset = Preset.photo
    public var isRunning: Bool { false }
    public func beginConfiguration() {}
    public func commitConfiguration() {}
    public func canAddInput(_ input: AVCaptureInput) -> Bool { true }
    public func addInput(_ input: AVCaptureInput) {}
    public func canAddOutput(_ output: AVCaptureOutput) -> Bool { true }
    public func addOutput(_ output: AVCaptureOutput) {}
    public func startRunning() {}
    public func stopRunning() {}
}

public final class CMSampleBuffer {}
public struct CMTime: Sendable {}
public func CMTimeGetSeconds(_ time: CMTime) -> Float64 { 0 }
public func CMSampleBufferGetPresentationTimeStamp(_ buffer: CMSampleBuffer) -> CMTime { CMTime() }
public func CMSampleBufferGetImageBuffer(_ buffer: CMSampleBuffer) -> CVImageBuffer? { nil }

public protocol AVCaptureVideoDataOutputSampleBufferDelegate: NSObjectProtocol {
    func captureOutput(
        _ output: AVCaptureOutput, didOutput sampleBuffer: CMSampleBuffer, from connection: AVCaptureConnection)
}

public final class AVCaptureVideoDataOutput: AVCaptureOutput {
    public var videoSettings: [String: Any] = [:]
    public var alwaysDiscardsLateVideoFrames = true
    public func setSampleBufferDelegate(
        _ delegate: (any AVCaptureVideoDataOutputSampleBufferDelegate)?, queue: DispatchQueue?
    ) {}
}

public struct AVVideoCodecType: Sendable {
    public static let jpeg = AVVideoCodecType()
}
public let AVVideoCodecKey = "codec"

public final class AVCapturePhotoSettings: NSObject {
    public convenience init(format: [String: Any]?) { self.init() }
}

public final class AVCapturePhoto: NSObject {
    public func fileDataRepresentation() -> Data? { nil }
}

public protocol AVCapturePhotoCaptureDelegate: NSObjectProtocol {
    func photoOutput(
        _ output: AVCapturePhotoOutput, didFinishProcessingPhoto photo: AVCapturePhoto, error: (any Error)?)
}

public final class AVCapturePhotoOutput: AVCaptureOutput {
    public func capturePhoto(with settings: AVCapturePhotoSettings, delegate: any AVCapturePhotoCaptureDelegate) {}
}

public final class AVCaptureVideoPreviewLayer: CALayer {
    public struct Gravity: Sendable { public static let resizeAspect = Gravity() }
    public init(session: AVCaptureSession) { super.init() }
    public var videoGravity = Gravity.resizeAspect
    public var connection: AVCaptureConnection? { nil }
}
