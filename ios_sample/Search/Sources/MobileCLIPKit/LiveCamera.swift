#if canImport(AVFoundation) && canImport(UIKit)
    import AVFoundation
    import MobileCLIPSearch
    import SwiftUI
    import UIKit

    /// The back camera: a frame now and then to search with, and pictures as the camera itself encodes them. Its session
    /// works on a queue of its own.
    public final class LiveCamera: NSObject, @unchecked Sendable {
        /// What the camera gives until ``stop()``.
        public struct Shots: Sendable {
            /// Upright; the latest alone where they are not taken fast enough.
            public let frames: AsyncStream<RGBImage>
            /// JPEG files, one for each ``take()``.
            public let pictures: AsyncStream<Data>
        }

        private static let pause = 0.7  // seconds between frames: each costs an encoder's run

        let session = AVCaptureSession()
        private let photos = AVCapturePhotoOutput()
        private let video = AVCaptureVideoDataOutput()
        private let queue = DispatchQueue(label: "LiveCamera")
        private var frames: AsyncStream<RGBImage>.Continuation?  // this and the next three: on the queue
        private var pictures: AsyncStream<Data>.Continuation?
        private var last = -Double.infinity
        private var rotation: AVCaptureDevice.RotationCoordinator?

        /// False in a simulator.
        public static var isThere: Bool { AVCaptureDevice.default(for: .video) != nil }

        /// Whether the camera may be used; asks once.
        public static func isAllowed() async -> Bool { await AVCaptureDevice.requestAccess(for: .video) }

        /// Starts the camera; nil where it cannot be opened: there is none, or another app has it.
        public func start() async -> Shots? {
            let (frames, frame) = AsyncStream<RGBImage>.makeStream(bufferingPolicy: .bufferingNewest(1))
            let (pictures, picture) = AsyncStream<Data>.makeStream(bufferingPolicy: .bufferingNewest(1))
            let isRunning = await withCheckedContinuation { answer in
                queue.async { [self] in
                    (self.frames, self.pictures) = (frame, picture)
                    if session.inputs.isEmpty { configure() }
                    session.startRunning()  // returns when the session runs, or has failed to
                    answer.resume(returning: session.isRunning && !session.inputs.isEmpty)
                }
            }
            if !isRunning { stop() }
            return isRunning ? Shots(frames: frames, pictures: pictures) : nil
        }

        /// Stops the camera.
        public func stop() {
            queue.async { [self] in
                session.stopRunning()
                frames?.finish()
                pictures?.finish()
            }
        }

        /// Takes a picture.
        public func take() {
            queue.async { [self] in
                turn(photos.connection(with: .video))
                guard session.isRunning else { return }
                photos.capturePhoto(
                    with: AVCapturePhotoSettings(format: [AVVideoCodecKey: AVVideoCodecType.jpeg]), delegate: self)
            }
        }

        private func configure() {
            guard let device = AVCaptureDevice.default(for: .video),
                let input = try? AVCaptureDeviceInput(device: device)
            else { return }
            session.beginConfiguration()
            session.sessionPreset = .photo
            if session.canAddInput(input) { session.addInput(input) }
            for output in [photos, video] where session.canAddOutput(output) { session.addOutput(output) }
            video.videoSettings = [kCVPixelBufferPixelFormatTypeKey as String: kCVPixelFormatType_32BGRA]
            video.alwaysDiscardsLateVideoFrames = true
            video.setSampleBufferDelegate(self, queue: queue)
            session.commitConfiguration()
            rotation = AVCaptureDevice.RotationCoordinator(device: device, previewLayer: nil)
        }

        private func turn(_ connection: AVCaptureConnection?) {
            guard let angle = rotation?.videoRotationAngleForHorizonLevelCapture, let connection,
                connection.isVideoRotationAngleSupported(angle)
            else { return }
            connection.videoRotationAngle = angle
        }
    }

    extension LiveCamera: AVCaptureVideoDataOutputSampleBufferDelegate {
        public func captureOutput(
            _ output: AVCaptureOutput, didOutput sampleBuffer: CMSampleBuffer, from connection: AVCaptureConnection
        ) {
            let now = CMTimeGetSeconds(CMSampleBufferGetPresentationTimeStamp(sampleBuffer))
            guard now - last >= Self.pause, let pixels = CMSampleBufferGetImageBuffer(sampleBuffer) else { return }
            last = now
            turn(connection)  // from the next frame on
            if let frame = try? RGBImage(pixels) { frames?.yield(frame) }
        }
    }

    extension LiveCamera: AVCapturePhotoCaptureDelegate {
        public func photoOutput(
            _ output: AVCapturePhotoOutput, didFinishProcessingPhoto photo: AVCapturePhoto, error: (any Error)?
        ) {
            let file = photo.fileDataRepresentation()
            queue.async { [self] in
                if let file { pictures?.yield(file) }
            }
        }
    }

    /// What the camera sees.
    public struct LiveCameraPreview: UIViewRepresentable {
        private let camera: LiveCamera

        public init(camera: LiveCamera) {
            self.camera = camera
        }

        public func makeUIView(context: Context) -> UIView { PreviewView(camera.session) }

        public func updateUIView(_ view: UIView, context: Context) {}
    }

    private final class PreviewView: UIView {
        private let preview: AVCaptureVideoPreviewLayer
        private var rotation: AVCaptureDevice.RotationCoordinator?

        init(_ session: AVCaptureSession) {
            preview = AVCaptureVideoPreviewLayer(session: session)
            preview.videoGravity = .resizeAspect
            super.init(frame: .zero)
            layer.addSublayer(preview)
            rotation = AVCaptureDevice.default(for: .video).map {
                AVCaptureDevice.RotationCoordinator(device: $0, previewLayer: preview)
            }
        }

        required init?(coder: NSCoder) {
            nil
        }

        override func layoutSubviews() {
            super.layoutSubviews()
            preview.frame = bounds
            guard let angle = rotation?.videoRotationAngleForHorizonLevelPreview, let connection = preview.connection,
                connection.isVideoRotationAngleSupported(angle)
            else { return }
            connection.videoRotationAngle = angle
        }
    }
#endif
